package purchase

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/id"
)

func insert(tx db.Tx, p *Shipment, now time.Time) {
	tx.Queue(`insert into purchase_shipments (merchant_id, id, status, supplier, reference, incoterm, carrier, tracking_number, location_id, currency,
			freight_minor, duty_minor, fees_minor, shared_by, expected_on, slack_days, created_at, updated_at)
		values ($1, $2, 'ordered', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)`,
		p.MerchantID, p.ID, p.Supplier, p.Reference, p.Incoterm, p.Carrier, p.TrackingNumber, p.LocationID, p.Currency,
		p.Freight, p.Duty, p.Fees, p.SharedBy, p.ExpectedOn, p.SlackDays, now)
	for i := range p.Lines {
		l := &p.Lines[i]
		tx.Queue(`insert into purchase_lines (merchant_id, purchase_id, line, variant_id, sku, quantity, unit_minor, weight_g) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
			p.MerchantID, p.ID, l.Line, l.VariantID, l.SKU, l.Quantity, l.Unit, l.WeightG)
	}
	pass(tx, &Milestone{MerchantID: p.MerchantID, PurchaseID: p.ID, ID: id.New(), Status: Ordered, At: now}, now)
}

// pass notes a milestone; the shipment stands as the latest one says.
func pass(tx db.Tx, m *Milestone, now time.Time) {
	tx.Queue(`insert into purchase_milestones (merchant_id, purchase_id, id, status, at, note, created_at) values ($1, $2, $3, $4, $5, $6, $7)`,
		m.MerchantID, m.PurchaseID, m.ID, string(m.Status), m.At, m.Note, now)
	tx.Guard(1, ErrClosed, `update purchase_shipments p set version = version + 1, updated_at = $3, status =
			(select m.status from purchase_milestones m where m.merchant_id = $1 and m.purchase_id = $2 order by m.at desc, m.created_at desc, m.id desc limit 1)
		where p.merchant_id = $1 and p.id = $2 and p.status not in ('received', 'canceled')`, m.MerchantID, m.PurchaseID, now)
}

func file(tx db.Tx, d *Paper, now time.Time) {
	tx.Queue(`insert into purchase_documents (merchant_id, purchase_id, id, kind, name, url, created_at) values ($1, $2, $3, $4, $5, $6, $7)`,
		d.MerchantID, d.PurchaseID, d.ID, d.Kind, d.Name, d.URL, now)
}

func cancel(tx db.Tx, merchant, purchase uuid.UUID, now time.Time) {
	tx.Guard(1, ErrClosed, `update purchase_shipments set status = 'canceled', version = version + 1, updated_at = $3
		where merchant_id = $1 and id = $2 and status not in ('received', 'canceled')`, merchant, purchase, now)
}

// receive is the one place where a shipment becomes stock: the guard lets one
// caller through, and only while costs and lines are those that were reckoned.
func receive(tx db.Tx, p *Shipment, actor string, now time.Time) error {
	tx.Guard(1, ErrClosed, `update purchase_shipments set status = 'received', received_at = $4, version = version + 1, updated_at = $4
		where merchant_id = $1 and id = $2 and version = $3 and status not in ('received', 'canceled')`, p.MerchantID, p.ID, p.Version, now)
	var came []catalog.Adjustment
	for i := range p.Lines {
		l := &p.Lines[i]
		tx.Queue(`update purchase_lines set received = $4, damaged = $5, landed_minor = $6 where merchant_id = $1 and purchase_id = $2 and line = $3`,
			p.MerchantID, p.ID, l.Line, *l.Received, *l.Damaged, *l.Landed)
		if *l.Received > 0 {
			came = append(came, catalog.Adjustment{VariantID: l.VariantID, LocationID: p.LocationID, Delta: *l.Received, Reason: "received", Note: "purchase " + p.ID.String()})
		}
	}
	return catalog.AdjustIn(tx, p.MerchantID, actor, came, now)
}

// after makes a change in a transaction and reads the shipment anew.
func (s *Service) after(ctx context.Context, merchant, purchase uuid.UUID, change func(tx db.Tx, now time.Time) error) (*Shipment, error) {
	if _, err := s.Shipment(ctx, merchant, purchase); err != nil {
		return nil, err
	}
	if err := db.Run(ctx, s.db, func(tx db.Tx) error { return change(tx, s.db.Now()) }); err != nil {
		return nil, err
	}
	return s.Shipment(ctx, merchant, purchase)
}

func (s *Service) update(ctx context.Context, p *Shipment) error {
	n, err := s.db.Exec(ctx, `update purchase_shipments set freight_minor = $3, duty_minor = $4, fees_minor = $5, shared_by = $6, carrier = $7, tracking_number = $8,
			expected_on = $9, slack_days = $10, version = version + 1, updated_at = $11
		where merchant_id = $1 and id = $2 and status not in ('received', 'canceled')`,
		p.MerchantID, p.ID, p.Freight, p.Duty, p.Fees, p.SharedBy, p.Carrier, p.TrackingNumber, p.ExpectedOn, p.SlackDays, s.db.Now())
	if err == nil && n == 0 {
		return ErrClosed
	}
	return err
}

// Shipment reads one purchase shipment with all that belongs to it, or
// ErrNotFound.
func (s *Service) Shipment(ctx context.Context, merchant, purchase uuid.UUID) (*Shipment, error) {
	var all []Shipment
	if err := s.db.Gorm(ctx).Where("merchant_id = ? and id = ?", merchant, purchase).Find(&all).Error; err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNotFound
	}
	p := &all[0]
	of := func(list any, order string) error {
		return s.db.Gorm(ctx).Where("merchant_id = ? and purchase_id = ?", merchant, purchase).Order(order).Find(list).Error
	}
	if err := of(&p.Lines, "line"); err != nil {
		return nil, err
	}
	if err := of(&p.Milestones, "at, created_at, id"); err != nil {
		return nil, err
	}
	return p, of(&p.Papers, "created_at, id")
}

// List gives purchase shipments without their lines, the newest first: those
// made before a time and id, at most limit. Status narrows them when given.
func (s *Service) List(ctx context.Context, merchant uuid.UUID, status Status, before time.Time, last uuid.UUID, limit int) ([]Shipment, error) {
	q := s.db.Gorm(ctx).Where("merchant_id = ?", merchant)
	if status != "" {
		q = q.Where("status = ?", string(status))
	}
	if !before.IsZero() {
		q = q.Where("(created_at, id) < (?, ?)", before, last)
	}
	all := []Shipment{}
	return all, q.Order("created_at desc, id desc").Limit(limit).Find(&all).Error
}
