package shipping

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Trouble is why somebody should look after a parcel.
type Trouble string

// The troubles; a parcel with several has the first of them.
const (
	TroubleNone      Trouble = ""
	TroubleFailed    Trouble = "failed"    // the carrier could not hand it over
	TroubleReturning Trouble = "returning" // it is on its way back
	TroubleHeld      Trouble = "held"      // the carrier or customs keep it
	TroubleLate      Trouble = "late"      // the promised days are over, or the carrier says that it is late
	TroubleSilent    Trouble = "silent"    // nothing has been heard of it for three weeks
	TroubleUnscanned Trouble = "unscanned" // it is said to have left three days ago, and no carrier has seen it
	// TroubleAny selects parcels with any of them.
	TroubleAny Trouble = "any"
)

// unscannedAfter is how long a parcel may be on its way to the first scan.
const unscannedAfter = 3 * 24 * time.Hour

// troubled says what trouble a parcel has now ($2); $3 is when those that are
// silent were last heard of, $4 when the unscanned have left, and $5 when those
// have that nobody looks after any more.
const troubled = `case
	when shipped_at <= $5 then ''
	when status = 'failed' then 'failed'
	when tracking_status = 'return_to_sender' and status = 'returned_to_sender' then 'returning'
	when status not in ('shipped', 'in_transit', 'out_for_delivery') then ''
	when tracking_status in ('on_hold', 'customs_hold') then 'held'
	when tracking_status = 'delivery_delayed' or promised_at < $2 then 'late'
	when status <> 'shipped' and updated_at < $3 then 'silent'
	when tracking_status = 'pending' and shipped_at < $4 then 'unscanned'
	else '' end`

// open are the statuses that trouble can have; it lets the index by status find
// them.
const open = `status in ('shipped', 'in_transit', 'out_for_delivery', 'failed', 'returned_to_sender')`

// Filter narrows a list of parcels; empty fields do not.
type Filter struct {
	Status         Status
	TrackingStatus Tracking
	Carrier        string
	Trouble        Trouble
	From, To       time.Time // made at or after From and before To
	// Before and Last are the place after which the list goes on: when the last
	// parcel of the page before was made, and its id.
	Before time.Time
	Last   uuid.UUID
}

// Listed is a parcel of a list, without its lines and events.
type Listed struct {
	Shipment
	Trouble Trouble
}

// List lists a merchant's parcels, the newest first, at most limit of them.
func (s *Service) List(ctx context.Context, merchant uuid.UUID, f Filter, limit int) ([]Listed, error) {
	now := s.DB.Now()
	args := []any{merchant, now, now.Add(-lostAfter), now.Add(-unscannedAfter), now.Add(-latest)}
	where := []string{"merchant_id = $1"}
	when := func(asked bool, condition string, values ...any) {
		if !asked {
			return
		}
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		where = append(where, condition)
	}
	when(f.Status != "", "status = ?", string(f.Status))
	when(f.TrackingStatus != "", "tracking_status = ?", string(f.TrackingStatus))
	when(f.Carrier != "", "carrier = ?", f.Carrier)
	when(!f.From.IsZero(), "created_at >= ?", f.From)
	when(!f.To.IsZero(), "created_at < ?", f.To)
	when(f.Trouble != TroubleNone, open)
	when(f.Trouble == TroubleAny, troubled+" <> ''")
	when(f.Trouble != TroubleNone && f.Trouble != TroubleAny, troubled+" = ?", string(f.Trouble))
	when(f.Last != uuid.Nil, "(created_at, id) < (?, ?)", f.Before, f.Last)
	args = append(args, limit)
	rows, err := s.DB.Query(ctx, fmt.Sprintf(`select merchant_id, id, order_id, status, tracking_status, carrier, tracking_number, label_url, version,
		shipped_at, delivered_at, promised_at, expected_at, signed_by, photo_url, created_at, updated_at, %s
		from shipments where %s order by created_at desc, id desc limit $%d`, troubled, strings.Join(where, " and "), len(args)), args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l Listed, err error) {
		return l, row.Scan(&l.MerchantID, &l.ID, &l.OrderID, &l.Status, &l.TrackingStatus, &l.Carrier, &l.TrackingNumber, &l.LabelURL, &l.Version,
			&l.ShippedAt, &l.DeliveredAt, &l.PromisedAt, &l.ExpectedAt, &l.SignedBy, &l.PhotoURL, &l.CreatedAt, &l.UpdatedAt, &l.Trouble)
	})
}
