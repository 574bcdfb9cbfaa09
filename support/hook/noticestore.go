package hook

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

const noticeColumns = `merchant_id, id, hook_id, signal_id, event, subject_id, order_id, contact_id, case_id, status, code, created_at`

func scanNotice(row pgx.CollectableRow) (n Notice, err error) {
	err = row.Scan(&n.Merchant, &n.ID, &n.Hook, &n.Signal, &n.Event, &n.Subject, &n.Order, &n.Contact, &n.Case, &n.Status, &n.Code, &n.CreatedAt)
	n.CreatedAt = n.CreatedAt.UTC()
	return n, err
}

func (s *Service) notice(ctx context.Context, merchant, notice uuid.UUID) (Notice, error) {
	rows, err := s.DB.Query(ctx, `select `+noticeColumns+` from support_notices where merchant_id = $1 and id = $2`, merchant, notice)
	if err != nil {
		return Notice{}, err
	}
	return pgx.CollectExactlyOneRow(rows, scanNotice)
}

// Notices lists what the buyer of an order was told unasked, the newest first.
func (s *Service) Notices(ctx context.Context, merchant, order uuid.UUID) ([]Notice, error) {
	rows, err := s.DB.Query(ctx, `select `+noticeColumns+` from support_notices where merchant_id = $1 and order_id = $2 order by created_at desc, id desc limit 100`, merchant, order)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanNotice)
}

// settled says whether what a notice tells of has come to its end by itself.
func (s *Service) settled(ctx context.Context, tx db.Tx, n Notice) (over bool, err error) {
	err = tx.QueryRow(ctx, `select exists (select from support_signals g join support_signals e on e.merchant_id = g.merchant_id and e.event = g.event
				and e.subject_id = g.subject_id and e.settles and e.occurred_at >= g.occurred_at where g.merchant_id = $1 and g.id = $2)
			or exists (select from support_cases c where c.merchant_id = $1 and c.id = $3 and c.status = 'resolved' and c.resolution <> all($4))`,
		n.Merchant, n.Signal, n.Case, Resolutions).Scan(&over)
	return over, err
}

// mark notes what became of a notice, here and in the story of its case. One that was
// let pass but never left, as no mail server took it, may still be withheld.
func (s *Service) mark(ctx context.Context, tx db.Tx, n Notice, status, code string) error {
	changed, err := tx.Exec(ctx, `update support_notices set status = $3, code = $4, decided_at = $5 where merchant_id = $1 and id = $2
		and (status = 'waiting' or status = 'passed' and $3 = 'withheld')`,
		n.Merchant, n.ID, status, code, s.DB.Now())
	if err != nil || changed == 0 || n.Case == nil {
		return err
	}
	kind, data := "noticed", map[string]any{"event": n.Event}
	if status == "withheld" {
		kind, data["code"] = "withheld", code
	}
	return s.tell(tx, &Case{MerchantID: n.Merchant, ID: *n.Case}, kind, n.ID, "system", "", data)
}
