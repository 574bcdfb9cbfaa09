package order

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/jobs"
	"doorstep/payment"
	"doorstep/pricing"
)

// payments is what a cancellation or a refund asks of the payment room.
type payments interface {
	OfOrder(ctx context.Context, merchant, order uuid.UUID) ([]payment.Payment, error)
	Payment(ctx context.Context, merchant, payment uuid.UUID) (*payment.Payment, error)
	RefundByID(ctx context.Context, merchant, refund uuid.UUID) (*payment.Refund, error)
	Void(ctx context.Context, merchant, payment uuid.UUID) (*payment.Payment, error)
	Capture(ctx context.Context, merchant, payment uuid.UUID, amount int64) (*payment.Payment, error)
	Refund(ctx context.Context, merchant, payment uuid.UUID, n payment.NewRefund) (*payment.Refund, error)
}

// shelf is what the order room asks of the catalogue.
type shelf interface {
	Offers(ctx context.Context, merchant uuid.UUID, currency, locale string, variants []uuid.UUID) (*catalog.Offers, error)
	VariantIDs(ctx context.Context, merchant uuid.UUID, skus []string) (map[string]uuid.UUID, error)
}

// Config is what the service needs. Payments and Shipments tell their orders of
// every change and so are made after this service: Connect sets them.
type Config struct {
	DB       *db.DB
	Payments payments
	// Shipments and Links serve the pages on which buyers follow their orders.
	Shipments shipments
	Links     links
	// EmailHMAC makes an e-mail findable, Seal keeps one that is imported: both
	// are customer.Vault's.
	EmailHMAC func(merchant uuid.UUID, email string) []byte
	Seal      func(merchant uuid.UUID, c customer.Contact) (customer.Sealed, error)
	// Emails gives the addresses of contacts, for exports; without it exports
	// have none.
	Emails func(ctx context.Context, merchant uuid.UUID, contacts []uuid.UUID) (map[uuid.UUID]string, error)
	// ReturnDays is how many days after delivery a return may be asked for;
	// without it they are 30.
	ReturnDays func(ctx context.Context, merchant uuid.UUID) (int64, error)
	// Contact opens who an order is for, so that its address can be changed.
	Contact func(ctx context.Context, merchant, contact uuid.UUID) (customer.Contact, error)
	// Customer is the customer whose order it is, for store credit; it fails with
	// customer.ErrPersonUnknown or customer.ErrContactGone. Without it nobody gets
	// any.
	Customer func(ctx context.Context, o *Order) (uuid.UUID, error)
	// Shelf offers what is added to orders that stand: by exchanges, replacements
	// and edits.
	Shelf shelf
	// Price works out what added lines cost where the order goes, with taxes and
	// without promotions; without it there are no taxes.
	Price func(ctx context.Context, o *Order, lines []pricing.Line) (pricing.Result, error)
	// Elsewhere tells apart what suppliers send; without it the shop sends all.
	Elsewhere elsewhere
	// ReturnTo says where the lines of a return go to; without it they all go to
	// the shop.
	ReturnTo func(ctx context.Context, r *Return) ([]ReturnPlace, error)
	Log      *slog.Logger
}

// Service keeps the orders of all merchants. It is safe for concurrent use.
type Service struct {
	Config
}

// New makes the service.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{Config: c}
}

// Connect sets who moves the money and who knows the parcels. It is called once,
// before the first request.
func (s *Service) Connect(p payments, parcels shipments) { s.Payments, s.Shipments = p, parcels }

// PaymentChanged queues what follows from a changed payment or refund of the
// order: its payment status, from v_payment_status; pending -> confirmed once
// it is paid; confirmed -> completed once it is also delivered; and one entry of
// the timeline. A refund that failed gives its units back to their lines, and an
// order whose hold has ended by itself goes on hold. It is called inside the
// transaction that changed the payment.
func (s *Service) PaymentChanged(tx db.Tx, merchant, order uuid.UUID, event string, data any, now time.Time) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("order: %s: %w", event, err)
	}
	lock(tx, merchant, order)
	if event == "payment.refund_failed" {
		var failed struct {
			RefundID uuid.UUID `json:"refund_id"`
		}
		if err := json.Unmarshal(raw, &failed); err != nil {
			return fmt.Errorf("order: %s: %w", event, err)
		}
		tx.Queue(`update order_lines l set refunded = l.refunded - u.quantity
			from v_refund_units u
			where u.merchant_id = $1 and u.refund_id = $3 and u.order_id = $2
			  and l.merchant_id = $1 and l.order_id = $2 and l.id = u.line_id`, merchant, order, failed.RefundID)
	}
	if event == "payment.captured" || event == "payment.voided" {
		unhold(tx, merchant, order)
	}
	derive(tx, merchant, order, now)
	if err := followHold(tx, merchant, order, event, raw, now); err != nil {
		return err
	}
	if event == "payment.captured" {
		if err := jobs.Publish(tx, MoneyTaken{Ref{MerchantID: merchant, OrderID: order}}); err != nil {
			return err
		}
	}
	note(tx, merchant, order, event, "system", raw, now)
	return nil
}

// FulfilmentChanged queues what follows from a changed parcel of the order: how
// many units of each line have left, the fulfilment status from
// v_fulfillment_status, confirmed -> completed once it is delivered and paid,
// and one entry of the timeline. The transaction fails with ErrUnitsTaken when a
// canceled parcel comes back whose units have meanwhile gone elsewhere. It is
// called inside the transaction that changed the parcel.
func (s *Service) FulfilmentChanged(tx db.Tx, merchant, order uuid.UUID, event string, data any, now time.Time) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("order: %s: %w", event, err)
	}
	lock(tx, merchant, order)
	tx.Queue(`with u as (
			update order_lines l set shipped = v.shipped
			from v_shipped_units v
			where v.merchant_id = $1 and v.order_id = $2 and l.merchant_id = $1 and l.order_id = $2 and l.id = v.line_id
			  and l.shipped <> v.shipped and v.shipped + l.canceled <= l.quantity and v.shipped >= l.returned + l.coming_back
			returning 1),
		stale as (
			select 1 from order_lines l join v_shipped_units v on v.merchant_id = l.merchant_id and v.order_id = l.order_id and v.line_id = l.id
			where l.merchant_id = $1 and l.order_id = $2 and l.shipped <> v.shipped)
		select must((select count(*) from u), (select count(*) from stale), $3)`, merchant, order, ErrUnitsTaken.Code)
	derive(tx, merchant, order, now)
	note(tx, merchant, order, event, "system", raw, now)
	return nil
}

// lock queues the lock of the order's row. What is derived from other rows must
// be read by a statement that begins when the lock is held: only then does it
// see what the transaction before has written.
func lock(tx db.Tx, merchant, order uuid.UUID) {
	tx.Queue(`select 1 from orders where merchant_id = $1 and id = $2 for no key update`, merchant, order)
}

// derive queues the statuses that follow from payments and parcels. The order
// must be locked.
func derive(tx db.Tx, merchant, order uuid.UUID, now time.Time) {
	tx.Queue(`update orders o set payment_status = p.payment_status, fulfillment_status = f.fulfillment_status,
			status = case
				when o.status in ('pending', 'confirmed') and f.fulfillment_status = 'delivered'
					and p.payment_status in ('paid', 'partially_refunded', 'refunded') then 'completed'
				when o.status = 'pending' and p.payment_status = 'paid' then 'confirmed'
				else o.status end,
			credit_due_at = case when o.credited_minor > o.credit_refunded_minor and o.status <> 'canceled' then $3 else o.credit_due_at end,
			version = o.version + 1, updated_at = $3
		from v_payment_status p, v_fulfillment_status f
		where o.merchant_id = $1 and o.id = $2 and p.merchant_id = $1 and p.order_id = $2 and f.merchant_id = $1 and f.order_id = $2`,
		merchant, order, now)
}
