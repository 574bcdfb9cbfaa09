package cart

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/locale"
	"doorstep/pricing"
)

// NewCart is what a cart begins with.
type NewCart struct {
	Currency   string // of the cart for its whole life; empty is the shop's first
	Locale     string // en, hy or km; anything else is the shop's first
	CustomerID *uuid.UUID
	Items      []Item
}

// Create begins a cart and shows it with its secret, which is never shown
// again. It takes two round trips.
func (s *Service) Create(ctx context.Context, merchant uuid.UUID, q NewCart) (*View, error) {
	want, err := gather(q.Items)
	if err != nil {
		return nil, err
	}
	sit := &situation{row: row{Merchant: merchant, ID: id.New(), Status: Active, Version: 1, CustomerID: q.CustomerID, Codes: []string{}}}
	r := &sit.row
	if sit.rules, err = s.rules(ctx, merchant, 0); err != nil {
		return nil, err
	}
	if r.Currency = q.Currency; r.Currency == "" && len(sit.rules.Settings.Currencies) > 0 {
		r.Currency = sit.rules.Settings.Currencies[0]
	}
	r.Locale = language(q.Locale, sit.rules.Settings.Languages)
	queries := []*db.Query{versionQuery(merchant, &sit.version)}
	if len(want.skus) > 0 {
		queries = append(queries, catalog.OfferQueryBySKU(&sit.offers, merchant, r.Currency, r.Locale, s.DB.Now(), want.skus))
	}
	queries = append(queries, s.prices(sit, merchant, &known{facts: sit.rules.promote()})...)
	if err := s.DB.Read(ctx, queries...); err != nil {
		return nil, err
	}
	if sit.rules, err = s.rules(ctx, merchant, sit.version); err != nil {
		return nil, err
	}
	if set := &sit.rules.Settings; !set.SellsIn(r.Currency) {
		return nil, ErrCurrency.At("body.currency", "the shop sells in other currencies").With("currencies", set.Currencies)
	}
	if r.Variants, err = want.take(r, &sit.offers); err != nil {
		return nil, err
	}
	r.Quantities = want.quantities
	secret, now := id.Secret(20), s.DB.Now()
	r.SecretHash, r.CreatedAt, r.UpdatedAt, r.ExpiresAt = hash(secret), now, now, now.Add(s.TTL)
	created := NewEvent(ctx, merchant, now, CartCreated, StepCart)
	if err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		tx.Relaxed()
		r.insert(tx)
		if len(r.Variants) > 0 {
			addLines(tx, merchant, r.ID, r.Variants, r.Quantities, now)
		}
		note(tx, r.ID, &created)
		return nil
	}); err != nil {
		return nil, own(err)
	}
	v, err := s.assess(sit)
	if err != nil {
		return nil, err
	}
	v.Secret = secret
	return v, nil
}

// language is the one asked for when we speak it, else the shop's first.
func language(asked string, shop []string) string {
	switch {
	case locale.Lang(asked).Known():
		return asked
	case len(shop) > 0:
		return shop[0]
	}
	return locale.En.String()
}

// wants are items with each SKU once, and where it was first named.
type wants struct {
	skus       []string
	quantities []int64
	at         []int
}

func gather(items []Item) (*wants, error) {
	w := &wants{}
	for i, it := range items {
		at := fmt.Sprintf("body.items[%d]", i)
		if it.Quantity < 1 || it.Quantity > MaxQuantity {
			return nil, ErrQuantity.At(at+".quantity", "is not between 1 and 9,999")
		}
		if !storable(it.SKU) {
			return nil, ErrSKU.At(at+".sku", "is not sold here")
		}
		n := slices.Index(w.skus, it.SKU)
		if n < 0 {
			n = len(w.skus)
			w.skus, w.quantities, w.at = append(w.skus, it.SKU), append(w.quantities, 0), append(w.at, i)
		}
		if w.quantities[n] += it.Quantity; w.quantities[n] > MaxQuantity {
			return nil, ErrQuantity.At(at+".quantity", "together with the others it is above 9,999")
		}
		if len(w.skus) > MaxLines {
			return nil, ErrTooMany
		}
	}
	return w, nil
}

// storable says whether the database can look for the text.
func storable(text string) bool {
	return text != "" && len(text) <= 256 && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

// take says which variants are wanted, or why the cart cannot have them.
func (w *wants) take(r *row, offers *catalog.Offers) ([]uuid.UUID, error) {
	variants := make([]uuid.UUID, 0, len(w.skus))
	lines := len(r.Variants)
	var short []catalog.Shortage
	for i, sku := range w.skus {
		at := fmt.Sprintf("body.items[%d]", w.at[i])
		o, ok := offers.BySKU(sku)
		if !ok || !o.OnSale {
			return nil, ErrSKU.At(at+".sku", sku+" is not sold here")
		}
		if !o.Priced {
			return nil, ErrPrice.At(at+".sku", sku+" has no price in "+r.Currency)
		}
		have := r.quantity(o.VariantID)
		if have == 0 {
			lines++
		}
		if have+w.quantities[i] > MaxQuantity {
			return nil, ErrQuantity.At(at+".quantity", "together with what is in the cart it is above 9,999")
		}
		if left := o.Available(); left < have+w.quantities[i] {
			short = append(short, catalog.Shortage{VariantID: o.VariantID, SKU: sku, Wanted: have + w.quantities[i], Available: left})
		}
		variants = append(variants, o.VariantID)
	}
	if lines > MaxLines {
		return nil, ErrTooMany
	}
	if len(short) > 0 {
		return nil, ErrOutOfStock.With("lines", short)
	}
	return variants, nil
}

// open reads a cart that is about to be changed.
func (s *Service) open(ctx context.Context, a *Access, cart uuid.UUID, others ...*db.Query) (*situation, error) {
	sit, err := s.read(ctx, a, cart, others...)
	if err != nil {
		return nil, err
	}
	return sit, sit.changeable(a)
}

// changeable says why the cart cannot be changed.
func (sit *situation) changeable(a *Access) error {
	if err := sit.row.changeable(); err != nil {
		return err
	}
	if a.Version != nil && *a.Version != sit.row.Version {
		return ErrVersion.With("version", sit.row.Version)
	}
	return nil
}

func (r *row) changeable() error {
	if !r.isOpen() {
		return ErrClosed.With("status", r.Status)
	}
	if r.Paying != nil {
		return ErrClosed
	}
	return nil
}

// write makes a change in one round trip. The change must hold for whatever the
// cart has become since it was read; the version asked for is checked again.
func (s *Service) write(ctx context.Context, a *Access, cart uuid.UUID, change func(tx db.Tx, now time.Time)) error {
	return s.writeAs(ctx, a, cart, CartChanged, change)
}

// writeAs says in the log what sort of change it was.
func (s *Service) writeAs(ctx context.Context, a *Access, cart uuid.UUID, kind Kind, change func(tx db.Tx, now time.Time)) error {
	now := s.DB.Now()
	e := NewEvent(ctx, a.Merchant, now, kind, StepCart)
	return own(db.Run(ctx, s.DB, func(tx db.Tx) error {
		tx.Relaxed()
		touch(tx, a.Merchant, cart, a.Version, now, now.Add(s.TTL))
		change(tx, now)
		note(tx, cart, &e)
		return nil
	}))
}

// Add puts items into a cart, on top of what it holds of them. More than the
// shop has is refused with ErrOutOfStock, naming the lines and what is left;
// nothing is held, so another buyer or tab may still be faster. Three round
// trips.
func (s *Service) Add(ctx context.Context, a Access, cart uuid.UUID, items []Item) (*View, error) {
	want, err := gather(items)
	if err != nil {
		return nil, err
	}
	if len(want.skus) == 0 {
		return s.View(ctx, a, cart)
	}
	r, err := s.rules(ctx, a.Merchant, 0)
	if err != nil {
		return nil, err
	}
	// The cart's currency is not known yet; it is one of the shop's few.
	offers := map[string]*catalog.Offers{}
	var queries []*db.Query
	for _, currency := range r.Settings.Currencies {
		offers[currency] = &catalog.Offers{}
		queries = append(queries, catalog.OfferQueryBySKU(offers[currency], a.Merchant, currency, "", s.DB.Now(), want.skus))
	}
	sit, err := s.open(ctx, &a, cart, queries...)
	if err != nil {
		return nil, err
	}
	found, ok := offers[sit.row.Currency]
	if !ok { // the shop sells in it since a moment ago, or no longer
		found = &catalog.Offers{}
		if err := s.DB.Read(ctx, catalog.OfferQueryBySKU(found, a.Merchant, sit.row.Currency, "", s.DB.Now(), want.skus)); err != nil {
			return nil, err
		}
	}
	variants, err := want.take(&sit.row, found)
	if err != nil {
		s.missed(ctx, sit, err)
		return nil, err
	}
	if err := s.write(ctx, &a, cart, func(tx db.Tx, now time.Time) {
		addLines(tx, a.Merchant, cart, variants, want.quantities, now)
	}); err != nil {
		return nil, err
	}
	return s.show(ctx, &a, cart, sit.known(&a, variants...))
}

// SetQuantity changes how much is wanted of a line. Less is always possible;
// more than the shop has is refused with ErrOutOfStock. Three round trips.
func (s *Service) SetQuantity(ctx context.Context, a Access, cart, line uuid.UUID, quantity int64) (*View, error) {
	if quantity < 1 || quantity > MaxQuantity {
		return nil, ErrQuantity.At("body.quantity", "is not between 1 and 9,999")
	}
	var offers catalog.Offers // for the stock alone, which has no currency
	sit, err := s.open(ctx, &a, cart, catalog.OfferQuery(&offers, a.Merchant, "", "", s.DB.Now(), []uuid.UUID{line}))
	if err != nil {
		return nil, err
	}
	have := sit.row.quantity(line)
	if have == 0 {
		return nil, ErrLine
	}
	if quantity > have {
		if _, short := offers.Allocate([]catalog.Wanted{{VariantID: line, Quantity: quantity}}); len(short) > 0 {
			err := ErrOutOfStock.With("lines", short)
			s.missed(ctx, sit, err)
			return nil, err
		}
	}
	return s.change(ctx, &a, sit, func(tx db.Tx, _ time.Time) { setLine(tx, a.Merchant, cart, line, quantity) })
}

// change writes and shows what has come of it.
func (s *Service) change(ctx context.Context, a *Access, sit *situation, change func(tx db.Tx, now time.Time)) (*View, error) {
	if err := s.write(ctx, a, sit.row.ID, change); err != nil {
		return nil, err
	}
	return s.show(ctx, a, sit.row.ID, sit.known(a))
}

// Remove takes a line out. Three round trips.
func (s *Service) Remove(ctx context.Context, a Access, cart, line uuid.UUID) (*View, error) {
	sit, err := s.open(ctx, &a, cart)
	if err != nil {
		return nil, err
	}
	if sit.row.quantity(line) == 0 {
		return nil, ErrLine
	}
	return s.change(ctx, &a, sit, func(tx db.Tx, _ time.Time) { removeLine(tx, a.Merchant, cart, line) })
}

// Clear takes all lines and codes out and keeps them for Undo. Clearing an
// empty cart changes nothing that Undo would do. Three round trips.
func (s *Service) Clear(ctx context.Context, a Access, cart uuid.UUID) (*View, error) {
	sit, err := s.open(ctx, &a, cart)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, &a, sit, func(tx db.Tx, _ time.Time) { clearLines(tx, a.Merchant, cart) })
}

// Undo brings back, once, the lines and codes that the last Clear took out. What
// was put in since then stays; quantities of the same variant add up, within
// the limits. ErrUndo when there is nothing to bring back. Three round trips.
func (s *Service) Undo(ctx context.Context, a Access, cart uuid.UUID) (*View, error) {
	sit, err := s.open(ctx, &a, cart)
	if err != nil {
		return nil, err
	}
	kept := sit.row.Undo
	if kept == nil {
		return nil, ErrUndo
	}
	if err := s.write(ctx, &a, cart, func(tx db.Tx, now time.Time) { undo(tx, a.Merchant, cart, now) }); err != nil {
		return nil, err
	}
	k := sit.known(&a)
	for _, l := range kept.Lines {
		k.variants = append(k.variants, l.VariantID)
	}
	k.codes = slices.Concat(k.codes, kept.Codes)
	return s.show(ctx, &a, cart, k)
}

// AddCode puts a discount code onto a cart, where it stays with its outcome. A
// code that the shop does not know, or no longer, is refused with ErrDiscount;
// after ten of those within ten minutes, on one cart or from one address, every
// code is refused with pricing.ErrTooManyTries, without a look at it. Three round trips.
func (s *Service) AddCode(ctx context.Context, a Access, cart uuid.UUID, code string) (*View, error) {
	unknown := ErrDiscount.With("reason_code", pricing.ReasonUnknownCode)
	key := pricing.CodeKey(code)
	if !storable(key) {
		return nil, unknown
	}
	var facts pricing.Facts
	guesses := pricing.GuessesOf(a.Merchant, cart, a.IP)
	sit, err := s.open(ctx, &a, cart, append(s.Promotions.FactsQueries(a.Merchant, []string{key}, nil, &facts), guesses.Query(s.DB.Now()))...)
	if err != nil {
		return nil, err
	}
	if err := guesses.Judge(ctx, s.DB, 0); err != nil {
		return nil, err
	}
	if slices.Contains(sit.row.Codes, key) {
		return s.show(ctx, &a, cart, sit.known(&a))
	}
	// What the sums say of the code alone, in an empty cart.
	in := pricing.Input{Currency: sit.row.Currency, Codes: []string{key}, Now: s.DB.Now()}
	sit.rules.Pricing.Fill(&in, facts)
	alone, err := pricing.Total(in)
	if err != nil {
		return nil, err
	}
	for _, o := range alone.Discounts {
		if o.Code == key && o.Reason == pricing.ReasonUnknownCode {
			if err := guesses.Judge(ctx, s.DB, 1); err != nil {
				return nil, err
			}
			s.refusedCode(ctx, sit, pricing.ReasonUnknownCode)
			return nil, unknown
		}
	}
	if len(sit.row.Codes) >= MaxCodes {
		return nil, ErrCodes
	}
	for _, o := range alone.Discounts {
		if o.Code == key && !o.Applied && hopeless(o.Reason) {
			s.refusedCode(ctx, sit, o.Reason)
		}
	}
	k := sit.known(&a)
	k.codes = slices.Concat(k.codes, []string{key})
	if err := s.write(ctx, &a, cart, func(tx db.Tx, _ time.Time) { addCode(tx, a.Merchant, cart, key) }); err != nil {
		return nil, err
	}
	return s.show(ctx, &a, cart, k)
}

// RemoveCode takes a discount code off; one that is not there is off already.
// Three round trips.
func (s *Service) RemoveCode(ctx context.Context, a Access, cart uuid.UUID, code string) (*View, error) {
	sit, err := s.open(ctx, &a, cart)
	if err != nil {
		return nil, err
	}
	key := pricing.CodeKey(code)
	if !slices.Contains(sit.row.Codes, key) {
		return s.show(ctx, &a, cart, sit.known(&a))
	}
	return s.change(ctx, &a, sit, func(tx db.Tx, _ time.Time) { removeCode(tx, a.Merchant, cart, key) })
}
