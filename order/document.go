package order

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/locale"
	"doorstep/payment"
)

// DocumentKind is what a document is.
type DocumentKind string

// The kinds of documents.
const (
	Invoice    DocumentKind = "invoice"
	CreditNote DocumentKind = "credit_note"
)

// series begins the numbers of a kind.
func (k DocumentKind) series() string {
	if k == CreditNote {
		return "CN"
	}
	return "INV"
}

// Document is an invoice or a credit note as it was issued. It never changes.
// Amounts are minor units, both of at least 0.
type Document struct {
	MerchantID uuid.UUID       `gorm:"column:merchant_id"`
	ID         uuid.UUID       `gorm:"column:id"`
	Kind       DocumentKind    `gorm:"column:kind"`
	Series     string          `gorm:"column:series"`
	Sequence   int64           `gorm:"column:sequence"`
	Number     string          `gorm:"column:number"`
	OrderID    uuid.UUID       `gorm:"column:order_id"`
	Nth        int             `gorm:"column:nth"`
	RefundID   *uuid.UUID      `gorm:"column:refund_id"`
	InvoiceID  *uuid.UUID      `gorm:"column:invoice_id"`
	Locale     string          `gorm:"column:locale"`
	Currency   string          `gorm:"column:currency"`
	Total      int64           `gorm:"column:total_minor"`
	Tax        int64           `gorm:"column:tax_minor"`
	Rates      json.RawMessage `gorm:"column:rates"` // []Rate
	SHA256     []byte          `gorm:"column:sha256"`
	Size       int64           `gorm:"column:size"` // bytes
	CreatedAt  time.Time       `gorm:"column:created_at"`
}

// TableName is where GORM finds it.
func (Document) TableName() string { return "documents" }

// The faults of documents.
var (
	ErrDocumentNotFound = fault.New(fault.NotFound, "document_not_found", "There is no such document.")

	errNumberTaken = fault.New(fault.Conflict, "document_number_taken", "Another document has taken this number.")
)

// DocumentsConfig is what documents are made from.
type DocumentsConfig struct {
	DB     *db.DB
	Orders interface {
		Order(ctx context.Context, merchant, order uuid.UUID) (*Order, error)
	}
	Payments interface {
		OfOrder(ctx context.Context, merchant, order uuid.UUID) ([]payment.Payment, error)
		RefundByID(ctx context.Context, merchant, refund uuid.UUID) (*payment.Refund, error)
	}
	Settings interface {
		Settings(ctx context.Context, merchant uuid.UUID) (customer.Settings, int64, error)
	}
	Contacts interface {
		Contact(ctx context.Context, merchant, contact uuid.UUID) (customer.Contact, error)
	}
	// Seal keeps a PDF from those who read the database, Open gives it back: both
	// are customer.Vault's.
	Seal func(merchant, row uuid.UUID, plain []byte) []byte
	Open func(merchant, row uuid.UUID, sealed []byte) ([]byte, error)
}

// Documents issues invoices and credit notes. It is safe for concurrent use.
type Documents struct {
	DocumentsConfig
	// turn lets one document at a time be made: they take their numbers one after
	// the other anyway, and drawing must not take the processor from buyers.
	turn chan struct{}
}

// NewDocuments makes the service.
func NewDocuments(c DocumentsConfig) *Documents {
	return &Documents{DocumentsConfig: c, turn: make(chan struct{}, 1)}
}

// Invoice makes the invoice of an order whose money has been taken; when more was
// taken after that, another one for the difference. It may be repeated: what has
// been invoiced is not invoiced again. A transfer that arrives in parts is waited
// for.
func (d *Documents) Invoice(ctx context.Context, e MoneyTaken) error {
	o, err := d.Orders.Order(ctx, e.MerchantID, e.OrderID)
	if err != nil {
		return err
	}
	return d.invoice(ctx, o, false)
}

// CreditNote makes the credit note of a refund that has succeeded, and before it
// the invoice, should that be missing. It may be repeated.
func (d *Documents) CreditNote(ctx context.Context, e payment.Refunded) error {
	r, err := d.Payments.RefundByID(ctx, e.MerchantID, e.RefundID)
	if err != nil || r.Status != "succeeded" {
		return err
	}
	o, err := d.Orders.Order(ctx, e.MerchantID, r.OrderID)
	if err != nil {
		return err
	}
	if err := d.invoice(ctx, o, true); err != nil {
		return err
	}
	return d.issue(ctx, o, CreditNote, func(before []Document) (*paper, error) {
		var invoices, notes []Document
		for _, b := range before {
			switch {
			case b.RefundID != nil && *b.RefundID == r.ID:
				return nil, nil // it is there
			case b.Kind == Invoice:
				invoices = append(invoices, b)
			default:
				notes = append(notes, b)
			}
		}
		t, err := d.taken(ctx, o)
		switch {
		case err != nil || len(invoices) == 0 && t.dropped(o):
			return nil, err
		case len(invoices) == 0:
			return nil, fmt.Errorf("order: refund %s of %s, for which nothing was taken", r.ID, o.ID)
		}
		return creditPaper(o, r, invoices, notes, t.to(r))
	})
}

// invoice issues what was taken for an order and not invoiced yet.
func (d *Documents) invoice(ctx context.Context, o *Order, now bool) error {
	if o.Source != "checkout" {
		return nil // an import: invoiced where it was sold
	}
	return d.issue(ctx, o, Invoice, func(before []Document) (*paper, error) {
		t, err := d.taken(ctx, o)
		if err != nil || t.waits(o) && !now {
			return nil, err // the rest is to come
		}
		left, invoices := t.sum, 0
		for _, b := range before {
			if b.Kind == Invoice {
				left -= b.Total
				invoices++
			}
		}
		switch {
		case invoices == 0 && t.dropped(o):
			return nil, nil
		case invoices == 0 && (left > 0 || t.zero && o.PaymentStatus == "paid"):
			return invoicePaper(o, left)
		case left > 0:
			return extraPaper(o, left)
		}
		return nil, nil
	})
}

// taken is what was captured for an order, and by what.
type taken struct {
	sum, money int64 // money is what credits did not pay of it
	zero       bool  // a payment of nothing is done
	parts      bool  // less has arrived than a transfer was to bring
	methods    map[uuid.UUID]payment.Method
}

func (d *Documents) taken(ctx context.Context, o *Order) (*taken, error) {
	t := &taken{methods: map[uuid.UUID]payment.Method{}}
	all, err := d.Payments.OfOrder(ctx, o.MerchantID, o.ID)
	for i := range all {
		p := &all[i]
		t.sum += p.CapturedMinor
		if !p.Method.Credit() || p.Part == 0 {
			t.money += p.CapturedMinor
		}
		t.methods[p.ID] = p.Method
		t.zero = t.zero || p.Status == payment.Captured && p.AmountMinor == 0
		t.parts = t.parts || p.Status == payment.PartiallyCaptured && p.Provider == payment.Offline && p.RefundedMinor == 0
	}
	return t, err
}

// waits says that more is to come: the rest of a transfer, or of an order of
// which only credits have paid their part.
func (t *taken) waits(o *Order) bool {
	if o.Status == StatusCanceled {
		return false
	}
	return t.parts && o.PaymentStatus == "partially_paid" || t.byCredit() && (o.PaymentStatus == "partially_paid" || o.PaymentStatus == "authorized")
}

// byCredit says that credits have paid and nothing else has.
func (t *taken) byCredit() bool { return t.money == 0 && t.sum > 0 }

// dropped says that an order was canceled before more than credits had paid: it
// has no invoice, and nothing to credit.
func (t *taken) dropped(o *Order) bool { return o.Status == StatusCanceled && t.byCredit() }

// to is the sum that says to which credit a refund went; empty for other refunds.
func (t *taken) to(r *payment.Refund) string {
	switch m := t.methods[r.PaymentID]; {
	case r.Destination == payment.ToStoreCredit:
		return "to_" + payment.ToStoreCredit
	case m.Credit():
		return "to_" + string(m)
	}
	return ""
}

// documentTries bounds how often a document is drawn again because its number
// went to another one meanwhile, on another node; each of those has got one.
const documentTries = 50

// issue makes what plan asks for after having seen the documents of the order;
// nil is nothing. The document is drawn with the next number of its series, and
// only then is the number taken, in the transaction that keeps the document: when
// somebody was quicker, it is drawn again with another one.
func (d *Documents) issue(ctx context.Context, o *Order, kind DocumentKind, plan func(before []Document) (*paper, error)) error {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	var shop *office
	for range documentTries {
		before, err := d.OfOrder(ctx, o.MerchantID, o.ID)
		if err != nil {
			return err
		}
		p, err := plan(before)
		if err != nil || p == nil {
			return err
		}
		if shop == nil {
			if shop, err = d.office(ctx, o); err != nil {
				return err
			}
		}
		err = d.keep(ctx, o, p, shop, kind, before)
		if !repeat(err) {
			return err
		}
	}
	return fmt.Errorf("order: no number for the %s of %s", kind, o.ID)
}

// repeat says that somebody else has the number or has made the document, or that
// nobody knows whether we have: then all is read again.
func repeat(err error) bool {
	return fault.Is(err, errNumberTaken, db.ErrUnknown) || db.Violates(err, "documents_merchant_id_order_id_kind_nth_key") ||
		db.Violates(err, "documents_merchant_id_refund_id_key") || db.Violates(err, "documents_merchant_id_series_sequence_key")
}

// keep draws a document with the next number and stores it under that, if the
// number is still free.
func (d *Documents) keep(ctx context.Context, o *Order, p *paper, shop *office, kind DocumentKind, before []Document) error {
	now := d.DB.Now()
	doc := &Document{
		MerchantID: o.MerchantID, ID: id.New(), Kind: kind, OrderID: o.ID, Nth: 1, RefundID: p.refund, Locale: string(shop.lang), Currency: o.Currency,
		Total: p.rates.gross(), Tax: p.rates.tax(), CreatedAt: now,
	}
	for i := range before {
		if before[i].Kind == kind {
			doc.Nth++
		}
		if kind == CreditNote && before[i].Kind == Invoice && before[i].Nth == 1 {
			doc.InvoiceID = &before[i].ID
		}
	}
	day := now.In(shop.zone)
	doc.Series = fmt.Sprintf("%s-%d", kind.series(), day.Year())
	var err error
	if doc.Sequence, err = d.next(ctx, o.MerchantID, doc.Series); err != nil {
		return err
	}
	doc.Number = fmt.Sprintf("%s-%06d", doc.Series, doc.Sequence)
	if doc.Rates, err = json.Marshal(p.rates); err != nil {
		return fmt.Errorf("order: %w", err)
	}
	file, err := draw(doc, p, shop, day)
	if err != nil {
		return fmt.Errorf("order: the %s of %s: %w", kind, o.ID, err)
	}
	sum := sha256.Sum256(file)
	doc.SHA256, doc.Size = sum[:], int64(len(file))
	return d.insert(ctx, doc, d.Seal(doc.MerchantID, doc.ID, file))
}

// office is what documents of one order say besides what was bought.
type office struct {
	settings customer.Settings
	zone     *time.Location
	lang     locale.Lang
	buyer    *customer.Contact // nil once erased
}

func (d *Documents) office(ctx context.Context, o *Order) (*office, error) {
	settings, _, err := d.Settings.Settings(ctx, o.MerchantID)
	if err != nil {
		return nil, err
	}
	s := &office{settings: settings, lang: locale.Lang(o.Locale)}
	if s.zone, err = time.LoadLocation(settings.Timezone); err != nil {
		s.zone = time.UTC
	}
	if !s.lang.Known() {
		s.lang = locale.En
	}
	buyer, err := d.Contacts.Contact(ctx, o.MerchantID, o.ContactID)
	if err == nil {
		s.buyer = &buyer
	} else if !fault.Is(err, customer.ErrContactGone) {
		return nil, err
	}
	return s, nil
}

// seller is the name that stands on documents.
func (s *office) seller() string {
	if name := strings.TrimSpace(s.settings.Seller.Name); name != "" {
		return name
	}
	return s.settings.Name
}

// documentBatch bounds what one run of Missing makes up for, and documentDays how
// old an order or a refund may be.
const (
	documentBatch = 200
	documentDays  = 120
)

// Missing makes the documents that should be there for longer than age and are
// not: for what happened at a provider itself, or before there were documents. It
// looks at orders and refunds of the last 120 days.
func (d *Documents) Missing(ctx context.Context, age time.Duration) error {
	now := d.DB.Now()
	due, err := d.missing(ctx, now.AddDate(0, 0, -documentDays), now.Add(-age), documentBatch)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range due {
		if m.refund == nil {
			errs = append(errs, d.Invoice(ctx, MoneyTaken{m.Ref}))
		} else {
			errs = append(errs, d.CreditNote(ctx, payment.Refunded{MerchantID: m.MerchantID, OrderID: m.OrderID, RefundID: *m.refund}))
		}
	}
	return errors.Join(errs...)
}
