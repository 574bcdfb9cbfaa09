package cart

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/fault"
)

// What those who remind people of carts ask: what was left behind and costs now,
// whether it is still left, and that it comes back.

// ErrBought says that what was left has been bought.
var ErrBought = fault.New(fault.Conflict, "cart_bought", "This cart has become an order already.")

// ErrNothingLeft says that nothing of a cart can be bought any more.
var ErrNothingLeft = fault.New(fault.Conflict, "nothing_left", "Nothing of this cart can be bought any more.")

// ErrOver says that the cart which a link has made is over by now.
var ErrOver = fault.New(fault.Conflict, "cart_over", "This cart is over by now.")

// Standing is how a cart or a checkout stands that somebody has left.
type Standing struct {
	Gone   bool // there is none, or it has been merged, deleted or expired
	Bought bool
	Paying bool // a payment is under way
	Back   bool // the shopper is back, and works on it
}

// Standing says how a cart, or without one a checkout, stands, and holds it
// there until tx ends: whoever buys it in the meantime waits for that moment.
func (s *Service) Standing(ctx context.Context, tx db.Tx, merchant uuid.UUID, cart, checkout *uuid.UUID) (Standing, error) {
	var st Standing
	var status string
	var err error
	var found bool
	switch {
	case cart != nil:
		var paying *uuid.UUID
		found, err = db.One(tx.QueryRow(ctx, `select status, paying from carts where merchant_id = $1 and id = $2 for share`, merchant, *cart), &status, &paying)
		st.Bought, st.Back = status == string(Converted), status == string(Active) || status == string(Recovered)
		st.Paying = paying != nil && !st.Bought
		st.Gone = !found || status == string(Merged) || status == string(Expired)
	case checkout != nil:
		found, err = db.One(tx.QueryRow(ctx, `select status from v_checkout_standing where merchant_id = $1 and id = $2 for share`, merchant, *checkout), &status)
		st.Bought, st.Paying = status == "completed", status == "complete_in_progress" || status == "authentication_required"
		st.Gone = !found || status == "canceled" // one that has expired can still be taken up as a cart
	default:
		st.Gone = true
	}
	return st, err
}

// Buyable says whether at least one of the variants can be bought now, as tx
// sees it.
func (s *Service) Buyable(ctx context.Context, tx db.Tx, merchant uuid.UUID, currency string, variants []uuid.UUID) (bool, error) {
	var offers catalog.Offers
	q := catalog.OfferQuery(&offers, merchant, currency, "en", s.DB.Now(), variants)
	rows, err := tx.Query(ctx, q.SQL, q.Args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	if err := q.Each(rows); err != nil {
		return false, err
	}
	for _, v := range variants {
		if o, ok := offers.Of(v); ok && o.Priced && o.Available() > 0 {
			return true, rows.Err()
		}
	}
	return false, rows.Err()
}

// Left shows what is in a cart, or without one in a checkout, and what it costs
// now in the language, whatever has become of it; ErrNotFound when there is none.
func (s *Service) Left(ctx context.Context, merchant uuid.UUID, cart, checkout *uuid.UUID, locale string) (*View, error) {
	if cart != nil {
		return s.View(ctx, Access{Merchant: merchant, Trusted: true, Locale: locale}, *cart)
	}
	if checkout == nil {
		return nil, ErrNotFound
	}
	b := Basket{Locale: locale}
	rows, err := s.DB.Query(ctx, `select variant_id, quantity, currency from v_checkout_lines where merchant_id = $1 and checkout_id = $2`, merchant, *checkout)
	if err != nil {
		return nil, err
	}
	var w catalog.Wanted
	if _, err := pgx.ForEachRow(rows, []any{&w.VariantID, &w.Quantity, &b.Currency}, func() error {
		b.Lines = append(b.Lines, w)
		return nil
	}); err != nil {
		return nil, err
	}
	if len(b.Lines) == 0 {
		return nil, ErrNotFound
	}
	return s.Appraise(ctx, merchant, b)
}

// Basket is things that are in no cart.
type Basket struct {
	Currency, Locale string
	Lines            []catalog.Wanted
	Codes            []string
}

// Appraise shows what a basket would cost as a cart now.
func (s *Service) Appraise(ctx context.Context, merchant uuid.UUID, b Basket) (*View, error) {
	sit := &situation{row: row{Merchant: merchant, Status: Active, Currency: b.Currency, Locale: b.Locale, Codes: b.Codes}}
	if sit.row.Codes == nil {
		sit.row.Codes = []string{}
	}
	for _, l := range b.Lines {
		if !slices.Contains(sit.row.Variants, l.VariantID) && len(sit.row.Variants) < MaxLines {
			sit.row.Variants = append(sit.row.Variants, l.VariantID)
			sit.row.Quantities = append(sit.row.Quantities, min(max(l.Quantity, 1), MaxQuantity))
		}
	}
	if err := s.DB.Read(ctx, versionQuery(merchant, &sit.version)); err != nil {
		return nil, err
	}
	var err error
	if sit.rules, err = s.rules(ctx, merchant, sit.version); err != nil {
		return nil, err
	}
	if err := s.price(ctx, sit, sit.known(&Access{Locale: b.Locale})); err != nil {
		return nil, err
	}
	return s.assess(sit)
}

// Restoration is a cart that comes back by a link.
type Restoration struct {
	Merchant uuid.UUID
	// Journey goes on with the cart, so that it is not counted twice; zero begins
	// another one with a new cart.
	Journey uuid.UUID
	// Cart is the one that was left; nil when there was only a checkout.
	Cart *uuid.UUID
	// NewID and the Basket make a new cart, when the old one cannot be opened any
	// more; of it only what can be bought comes back. The same NewID again is the
	// same cart.
	NewID  uuid.UUID
	Basket Basket
	// Secret gives the secret that opens a cart besides its own. It is asked again
	// when the restoration is repeated, and must give the same.
	Secret func(cart uuid.UUID) string
}

// Restore opens a cart that was left, or a new one with what of it can still be
// bought, and shows it with a secret. Repeating it opens the same cart again. It
// fails with ErrBought when the cart has become an order, with ErrClosed while it
// is being paid, and with ErrNothingLeft.
func (s *Service) Restore(ctx context.Context, r Restoration) (*View, error) {
	for _, cart := range []*uuid.UUID{r.Cart, &r.NewID} {
		if cart == nil {
			continue
		}
		opened, err := s.reopen(ctx, r.Merchant, *cart, r.Secret(*cart))
		if err != nil {
			return nil, err
		}
		if opened {
			return s.restored(ctx, &r, *cart)
		}
	}
	v, err := s.Appraise(ctx, r.Merchant, r.Basket)
	if err != nil {
		return nil, err
	}
	var variants []uuid.UUID
	var quantities []int64
	for i := range v.Lines {
		if l := &v.Lines[i]; l.Counted > 0 {
			variants, quantities = append(variants, l.ID), append(quantities, l.Counted)
		}
	}
	if len(variants) == 0 {
		return nil, ErrNothingLeft
	}
	now := s.DB.Now()
	created := NewEvent(ctx, r.Merchant, now, CartCreated, StepCart)
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, `insert into carts (merchant_id, id, secret_hash, status, currency, locale, codes, version, created_at, updated_at, expires_at, journey_id)
			values ($1, $2, $3, 'active', $4, $5, $6, 1, $7, $7, $8, nullif($9::uuid, '00000000-0000-0000-0000-000000000000')) on conflict (merchant_id, id) do nothing`,
			r.Merchant, r.NewID, hash(r.Secret(r.NewID)), v.Currency, v.Locale, v.Codes, now, now.Add(s.TTL), r.Journey)
		if err != nil || n == 0 { // the same restoration was faster, or long ago
			return err
		}
		addLines(tx, r.Merchant, r.NewID, variants, quantities, now)
		note(tx, r.NewID, &created)
		return nil
	})
	if err != nil {
		return nil, own(err)
	}
	return s.restored(ctx, &r, r.NewID)
}

// reopen gives a cart that is open one more secret.
func (s *Service) reopen(ctx context.Context, merchant, cart uuid.UUID, secret string) (opened bool, err error) {
	now := s.DB.Now()
	changed := NewEvent(ctx, merchant, now, CartChanged, StepCart)
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		var status Status
		var paying *uuid.UUID
		var expires time.Time
		found, err := db.One(tx.QueryRow(ctx, `select status, paying, expires_at from carts where merchant_id = $1 and id = $2 for no key update`, merchant, cart),
			&status, &paying, &expires)
		opened = false
		if err != nil || !found {
			return err
		}
		isOpen := (&row{Status: status}).isOpen()
		switch {
		case status == Converted:
			return ErrBought
		case isOpen && paying != nil:
			return ErrClosed
		case !isOpen || !now.Before(expires):
			return nil
		}
		opened = true
		tx.Queue(`update carts set link_hash = $3, status = case status when 'abandoned' then 'recovered' else status end,
				version = version + 1, updated_at = $4, expires_at = $5
			where merchant_id = $1 and id = $2 and (link_hash is distinct from $3 or status = 'abandoned')`, merchant, cart, hash(secret), now, now.Add(s.TTL))
		note(tx, cart, &changed)
		return nil
	})
	return opened, err
}

// restored shows the cart that came back, with its secret.
func (s *Service) restored(ctx context.Context, r *Restoration, cart uuid.UUID) (*View, error) {
	v, err := s.View(ctx, Access{Merchant: r.Merchant, Trusted: true, Locale: r.Basket.Locale}, cart)
	if err != nil {
		return nil, err
	}
	switch v.Status {
	case Active, Abandoned, Recovered:
	case Converted:
		return nil, ErrBought
	default:
		return nil, ErrOver
	}
	v.Secret = r.Secret(cart)
	return v, nil
}
