package checkout

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/cart"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/pricing"
	"doorstep/shipping/policy"
)

// What shoppers do in a checkout is written into the log of journeys, which is
// cart's: within the transaction that does it, or where nothing is written, and
// where an attempt to pay begins, later.

// later writes an event soon, without a round trip of its own.
func (s *Service) later(e cart.Event) {
	if s.Later != nil {
		s.Later(e)
	}
}

// event begins an event of a checkout.
func (r *row) event(ctx context.Context, now time.Time, kind cart.Kind, step cart.Step) cart.Event {
	e := cart.NewEvent(ctx, r.Merchant, now, kind, step).Of(r.ID, r.CartID)
	e.Language, e.Currency = r.Locale, r.Currency
	if r.Country != nil {
		e.Country = *r.Country
	}
	return e
}

// pieces are the units in the checkout.
func (r *row) pieces() *int64 {
	n := int64(0)
	for _, q := range r.Quantities {
		n += q
	}
	return &n
}

// standing is the step at which the buyer is, by what is still missing. The
// option that is chosen for them is none that they chose.
func standing(a *assessment, r *row) cart.Step {
	switch {
	case slices.Contains(a.missing, "email"):
		return cart.StepContact
	case !a.addressed():
		return cart.StepAddress
	case r.Option == "":
		return cart.StepShipping
	}
	return cart.StepPayment
}

// addressed says whether there is an address to ship to.
func (a *assessment) addressed() bool {
	return !slices.ContainsFunc(a.missing, func(m string) bool { return strings.HasPrefix(m, "shipping_address") })
}

// began tells of a new checkout, with all that was typed in the same call.
func (s *Service) began(ctx context.Context, sit *situation, a *assessment, f *Form, now time.Time) []cart.Event {
	e := sit.row.event(ctx, now, cart.CheckoutStarted, cart.StepContact)
	e.Pieces, e.Value = sit.row.pieces(), &a.totals.Subtotal
	return append([]cart.Event{e}, s.typed(ctx, sit, a, f, now)...)
}

// changed tells of a change to a checkout.
func (s *Service) changed(ctx context.Context, sit *situation, a *assessment, f *Form, now time.Time) []cart.Event {
	if all := s.typed(ctx, sit, a, f, now); len(all) > 0 {
		return all
	}
	return []cart.Event{sit.row.event(ctx, now, cart.CheckoutChanged, standing(a, &sit.row))}
}

// typed tells of what was typed just now.
func (s *Service) typed(ctx context.Context, sit *situation, a *assessment, f *Form, now time.Time) []cart.Event {
	r := &sit.row
	var all []cart.Event
	add := func(kind cart.Kind, step cart.Step) *cart.Event {
		all = append(all, r.event(ctx, now, kind, step))
		return &all[len(all)-1]
	}
	if f.Email != nil && sit.contact.Email != "" {
		add(cart.ContactGiven, cart.StepAddress)
	}
	if f.Shipping != nil && a.addressed() {
		add(cart.AddressGiven, cart.StepShipping)
		if len(a.answer.Options) == 0 {
			add(cart.NoShipping, cart.StepShipping)
		} else {
			offered(add(cart.ShippingShown, cart.StepShipping), a)
		}
	}
	if f.Option != nil && *f.Option != "" && a.option != nil {
		e := add(cart.OptionChosen, cart.StepPayment)
		e.Carrier = carrierOf(a.option)
		price := a.option.Total.Minor
		e.Attributes.Lowest = &price
	}
	for _, d := range a.totals.Discounts {
		if d.Code != "" && !d.Applied && f.Codes != nil && slices.ContainsFunc(*f.Codes, func(c string) bool { return pricing.CodeKey(c) == pricing.CodeKey(d.Code) }) {
			add(cart.CouponRefused, standing(a, r)).Reason = string(d.Reason)
		}
	}
	return all
}

// carrierOf names who carries an option.
func carrierOf(o *policy.Option) string {
	if o.Carrier != "" {
		return o.Carrier[:min(len(o.Carrier), 64)]
	}
	return o.Method[:min(len(o.Method), 64)]
}

// offered adds what shipping costs at the least, and when a parcel arrives at the
// earliest.
func offered(e *cart.Event, a *assessment) {
	e.Value, e.Attributes.Options = &a.totals.Subtotal, len(a.answer.Options)
	for i := range a.answer.Options {
		o := &a.answer.Options[i]
		if price := o.Total.Minor; e.Attributes.Lowest == nil || price < *e.Attributes.Lowest {
			e.Attributes.Lowest = &price
		}
		if p := o.Promise; p != nil && p.DeliverMax != "" && (e.Attributes.DeliverBy == "" || p.DeliverMax < e.Attributes.DeliverBy) {
			e.Attributes.DeliverBy = p.DeliverMax
		}
	}
	if a.option != nil {
		e.Carrier = carrierOf(a.option)
	}
}

// attempted tells that the buyer pays.
func (p *plan) attempted(ctx context.Context, a *assessment) cart.Event {
	e := p.row.event(ctx, p.now, cart.PaymentAttempted, cart.StepPayment)
	e.Method, e.Value, e.Pieces, e.Attributes.Total = string(p.payment.Method), &p.totals.Subtotal, p.row.pieces(), &p.totals.Total
	if a.option != nil {
		e.Carrier = carrierOf(a.option)
	}
	return e
}

// endedEvent tells that a payment came to nothing, in words that say no more of the
// buyer than is needed. It tells nothing of one that the buyer let go.
func (a *attempt) endedEvent(ctx context.Context, r *row, code string, now time.Time) []cart.Event {
	kind := cart.PaymentDeclined
	switch code {
	case givenUp:
		return nil
	case outOfStock:
		kind = cart.OutOfStockMet
	case neverReached, wrongAmount, noWayOn, notPlaceable:
		kind = cart.StepFailed
	}
	e := r.event(ctx, now, kind, cart.StepPayment)
	e.Method = string(a.Method)
	if kind == cart.PaymentDeclined {
		e.Reason = coarse(code)
	}
	return []cart.Event{e}
}

// coarse is the sort of a decline.
func coarse(code string) string {
	for _, sort := range []struct{ part, name string }{
		{"insufficient", "insufficient_funds"}, {"expired", "card_expired"}, {"auth", "authentication_failed"}, {"3ds", "authentication_failed"},
		{"cvc", "details_wrong"}, {"number", "details_wrong"}, {"incorrect", "details_wrong"}, {"limit", "limit"},
	} {
		if strings.Contains(code, sort.part) {
			return sort.name
		}
	}
	return declinedSoFar
}

// obstacle notes what kept a buyer from paying without anything being written.
func (s *Service) obstacle(ctx context.Context, r *row, kind cart.Kind, step cart.Step) cart.Event {
	return r.event(ctx, s.DB.Now(), kind, step)
}

// drift tells that the total is not the one the buyer agreed to.
func (s *Service) drift(ctx context.Context, sit *situation, c *Completion, total int64) {
	e := s.obstacle(ctx, &sit.row, cart.TotalChanged, cart.StepPayment)
	shown := sit.row.Shown
	if c.Expected != nil {
		shown = c.Expected.Minor
	}
	e.Attributes.Shown, e.Attributes.Total = &shown, &total
	s.later(e)
}

// refusedForm tells of what a form met with, when it is one of the reasons for which
// shoppers leave. A checkout that was not begun leaves its mark on the cart's
// journey alone.
func (s *Service) refusedForm(ctx context.Context, r *row, begun bool, err error) {
	kind, step := cart.OutOfStockMet, cart.StepContact
	switch {
	case fault.Is(err, ErrOutOfStock):
	case fault.Is(err, ErrCountry):
		kind, step = cart.NoShipping, cart.StepAddress
	case fault.Is(err, ErrSignIn):
		kind, step = cart.AccountWall, cart.StepPayment
	default:
		return
	}
	e := s.obstacle(ctx, r, kind, step)
	if !begun {
		if r.CartID == nil {
			return
		}
		e.Checkout, e.Step = nil, cart.StepCart
	}
	s.later(e)
}

// States says how checkouts stand, for who looks after journeys. Those that are
// not there are left out. One round trip.
func (s *Service) States(ctx context.Context, merchant uuid.UUID, checkouts []uuid.UUID) (map[uuid.UUID]State, error) {
	all := make(map[uuid.UUID]State, len(checkouts))
	err := s.DB.Read(ctx, &db.Query{
		SQL: `select id, status, contact_id, customer_id, cart_id from checkouts where merchant_id = $1 and id = any ($2)`, Args: []any{merchant, checkouts},
		Each: func(rows pgx.Rows) error {
			clear(all)
			for rows.Next() {
				var id uuid.UUID
				var st State
				if err := rows.Scan(&id, &st.Status, &st.ContactID, &st.CustomerID, &st.CartID); err != nil {
					return err
				}
				all[id] = st
			}
			return rows.Err()
		},
	})
	return all, err
}

// State is how a checkout stands.
type State struct {
	Status             Status
	ContactID          uuid.UUID
	CustomerID, CartID *uuid.UUID
}

// Busy says that it is being paid, or has been: nobody has left it. One that
// waits for an authentication can be left like any other.
func (st State) Busy() bool { return st.Status == InProgress || st.Status == StatusCompleted }

// Report takes in what a storefront has seen of a checkout and says how many of
// the events were new. A checkout that is over takes none: ErrClosed. Two round
// trips.
func (s *Service) Report(ctx context.Context, who Access, checkout uuid.UUID, reports []cart.Report) (int, error) {
	now := s.DB.Now()
	if _, err := cart.FromReports(ctx, who.Merchant, checkout, &checkout, now, reports); err != nil {
		return 0, err
	}
	var r row
	n := 0
	if err := s.DB.Read(ctx, r.query(who.Merchant, checkout), cart.CountEvents(who.Merchant, checkout, &n)); err != nil {
		return 0, err
	}
	if !who.allowed(&r) {
		return 0, ErrNotFound
	}
	switch r.Status {
	case StatusCompleted, Canceled, Expired:
		return 0, ErrClosed.With("status", r.Status)
	}
	if !now.Before(r.ExpiresAt) {
		return 0, ErrClosed.With("status", Expired)
	}
	if n >= cart.MaxEvents {
		return 0, cart.ErrTooManyEvents
	}
	journey := checkout
	if r.CartID != nil {
		journey = *r.CartID
	}
	events, err := cart.FromReports(ctx, who.Merchant, journey, &checkout, now, reports)
	if err != nil {
		return 0, err
	}
	for i := range events {
		events[i].Language, events[i].Currency = r.Locale, r.Currency
	}
	return cart.WriteReports(ctx, s.DB, events)
}

// query reads a checkout alone; r.ID stays zero when there is none.
func (r *row) query(merchant, checkout uuid.UUID) *db.Query {
	return &db.Query{SQL: `select ` + rowColumns + ` from checkouts c where c.merchant_id = $1 and c.id = $2`, Args: []any{merchant, checkout},
		Each: func(rows pgx.Rows) error {
			*r = row{}
			for rows.Next() {
				if err := rows.Scan(r.fields()...); err != nil {
					return err
				}
			}
			return rows.Err()
		}}
}
