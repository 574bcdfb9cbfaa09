package order

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"doorstep/catalog"
)

// Order reads one order with its lines. It fails with ErrNotFound.
func (s *Service) Order(ctx context.Context, merchant, order uuid.UUID) (*Order, error) {
	var o Order
	err := s.DB.Gorm(ctx).Where("merchant_id = ? and id = ?", merchant, order).Take(&o).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &o, s.loadLines(ctx, []*Order{&o})
}

// Numbers reads what those of a merchant's orders are called that have one of the
// ids.
func (s *Service) Numbers(ctx context.Context, merchant uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	var found []struct {
		ID     uuid.UUID
		Number string
	}
	err := s.DB.Gorm(ctx).Model(&Order{}).Select("id, number").Where("merchant_id = ? and id in ?", merchant, ids).Find(&found).Error
	numbers := make(map[uuid.UUID]string, len(found))
	for _, o := range found {
		numbers[o.ID] = o.Number
	}
	return numbers, err
}

// loadLines fills in the lines of orders of one merchant.
func (s *Service) loadLines(ctx context.Context, orders []*Order) error {
	if len(orders) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, len(orders))
	byID := make(map[uuid.UUID]*Order, len(orders))
	for i, o := range orders {
		ids[i], byID[o.ID] = o.ID, o
		o.Lines = []Line{}
	}
	var lines []Line
	err := s.DB.Gorm(ctx).Where("merchant_id = ? and order_id in ?", orders[0].MerchantID, ids).
		Order("order_id, position, id").Find(&lines).Error
	for _, l := range lines {
		o := byID[l.OrderID]
		o.Lines = append(o.Lines, l)
	}
	return err
}

// Timeline lists what happened to an order, the oldest first.
func (s *Service) Timeline(ctx context.Context, merchant, order uuid.UUID) ([]Event, error) {
	events := []Event{}
	err := s.DB.Gorm(ctx).Where("merchant_id = ? and order_id = ?", merchant, order).Order("at, id").Limit(1000).Find(&events).Error
	return events, err
}

// Filter narrows a list of orders; empty fields do not.
type Filter struct {
	Status            Status
	PaymentStatus     string
	FulfillmentStatus string
	From, To          time.Time // placed at or after From and before To
	Email             string    // in any spelling
	SKU               string    // of any line
	Number            string    // as people type it
	CustomerID        uuid.UUID
}

// check refuses statuses that do not exist.
func (f Filter) check() error {
	switch f.Status {
	case "", StatusPending, StatusConfirmed, StatusOnHold, StatusCompleted, StatusCanceled:
		return nil
	}
	return ErrFilter.At("query.status", "is not a status of orders")
}

// MaxPage is the most orders that one page holds.
const MaxPage = 100

// Page is one page of a list. Next is empty on the last one.
type Page struct {
	Orders []Order // without lines, unless asked for
	Next   string
}

// List reads one page of a merchant's orders, the newest first. An empty cursor
// is the first page; a limit outside 1 to MaxPage is brought inside. Foreign
// cursors fail with catalog.ErrCursor.
func (s *Service) List(ctx context.Context, merchant uuid.UUID, f Filter, cursor string, limit int, withLines bool) (Page, error) {
	limit = min(max(limit, 1), MaxPage)
	q, err := s.filtered(ctx, merchant, f)
	if err != nil {
		return Page{}, err
	}
	if cursor != "" {
		at, id, err := readCursor(cursor)
		if err != nil {
			return Page{}, err
		}
		q = q.Where("(placed_at, id) < (?, ?)", at, id)
	}
	page := Page{Orders: []Order{}}
	if err := q.Order("placed_at desc, id desc").Limit(limit + 1).Find(&page.Orders).Error; err != nil {
		return Page{}, err
	}
	if len(page.Orders) > limit {
		page.Orders = page.Orders[:limit]
		last := &page.Orders[limit-1]
		page.Next = makeCursor(last.PlacedAt, last.ID)
	}
	if !withLines {
		return page, nil
	}
	all := make([]*Order, len(page.Orders))
	for i := range page.Orders {
		all[i] = &page.Orders[i]
	}
	return page, s.loadLines(ctx, all)
}

func (s *Service) filtered(ctx context.Context, merchant uuid.UUID, f Filter) (*gorm.DB, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	q := s.DB.Gorm(ctx).Where("merchant_id = ?", merchant)
	for column, value := range map[string]string{
		"status = ?": string(f.Status), "payment_status = ?": f.PaymentStatus, "fulfillment_status = ?": f.FulfillmentStatus,
	} {
		if value != "" {
			q = q.Where(column, value)
		}
	}
	if !f.From.IsZero() {
		q = q.Where("placed_at >= ?", f.From)
	}
	if !f.To.IsZero() {
		q = q.Where("placed_at < ?", f.To)
	}
	if f.Email != "" {
		q = q.Where("email_hmac = ?", s.EmailHMAC(merchant, f.Email))
	}
	if f.Number != "" {
		q = q.Where("number in ?", spellings(f.Number))
	}
	if f.CustomerID != uuid.Nil {
		q = q.Where("customer_id = ?", f.CustomerID)
	}
	if f.SKU != "" {
		q = q.Where(`exists (select from order_lines l where l.merchant_id = orders.merchant_id and l.order_id = orders.id and l.sku = ?)`, f.SKU)
	}
	return q, nil
}

// makeCursor names the last order of a page.
func makeCursor(at time.Time, id uuid.UUID) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 24), uint64(at.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(b, id[:]...))
}

func readCursor(cursor string) (time.Time, uuid.UUID, error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) != 24 {
		return time.Time{}, uuid.Nil, catalog.ErrCursor
	}
	return time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC(), uuid.UUID(b[8:]), nil
}
