package recovery

import (
	"context"
	"slices"
	"time"

	"doorstep/internal/db"
	"doorstep/internal/fault"
)

// Change is what is different about one line since it was left.
type Change string

// The changes of a line.
const (
	Unchanged  Change = "unchanged"
	Dearer     Change = "price_up"
	Cheaper    Change = "price_down"
	FewerLeft  Change = "fewer_left"
	OutOfStock Change = "out_of_stock"
	NotSold    Change = "no_longer_sold"
	NewInCart  Change = "new" // put in since
	TakenOut   Change = "removed"
)

// PreviewLine is a line as it was and as it is.
type PreviewLine struct {
	Line
	WasQuantity, WasUnit int64 // minor units; zero for a line that is new
	Change               Change
}

// Preview is what opening a link would give.
type Preview struct {
	State    string // open, bought, paying or nothing_left
	Basket   *Basket
	Lines    []PreviewLine
	Changed  bool // anything differs from what was left
	LeftAt   time.Time
	Restored bool // the link has opened a cart already
}

// Preview shows what a link would bring back and what has changed since, and
// changes nothing: programs that look through mails open links. It fails with
// ErrLink.
func (s *Service) Preview(ctx context.Context, token, language string) (*Preview, error) {
	p, err := s.opened(ctx, token)
	if err != nil {
		return nil, err
	}
	if language == "" {
		language = p.Locale
	}
	v := &Preview{State: "open", LeftAt: p.AbandonedAt, Restored: p.RestoredAt != nil}
	at, err := s.standing(ctx, p)
	if err != nil {
		return nil, err
	}
	from := p
	if p.RestoredCart != nil { // what it opened then is what it opens now
		c := *p
		c.Cart, c.Checkout = p.RestoredCart, nil
		from = &c
	}
	if v.Basket, err = s.basket(ctx, from, language); err != nil {
		return nil, err
	}
	switch {
	case at.Bought:
		v.State = "bought"
	case at.Paying:
		v.State = "paying"
	case v.Basket == nil || !v.Basket.buyable():
		v.State = "nothing_left"
	}
	if v.Basket == nil {
		v.Basket = &Basket{Currency: p.Currency, Language: language}
	}
	v.compare(p)
	return v, nil
}

// standing is how the cart of a link stands now.
func (s *Service) standing(ctx context.Context, p *plan) (at Standing, err error) {
	cart, checkout := p.Cart, p.Checkout
	if p.RestoredCart != nil {
		cart, checkout = p.RestoredCart, nil
	}
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		at, err = s.Carts.Standing(ctx, tx, p.Merchant, cart, checkout)
		return err
	})
	return at, err
}

// compare says what differs between what was left and what is there.
func (v *Preview) compare(p *plan) {
	for i := range v.Basket.Lines {
		l := PreviewLine{Line: v.Basket.Lines[i], Change: Unchanged}
		n := slices.IndexFunc(p.Lines, func(was Line) bool { return was.VariantID == l.VariantID })
		if n >= 0 {
			l.WasQuantity, l.WasUnit = p.Lines[n].Quantity, p.Lines[n].Unit
		}
		switch {
		case l.Problem == "no_longer_sold" || l.Problem == "no_price":
			l.Change = NotSold
		case l.Buyable == 0:
			l.Change = OutOfStock
		case l.Buyable < l.Quantity:
			l.Change = FewerLeft
		case n < 0:
			l.Change = NewInCart
		case l.Unit > l.WasUnit:
			l.Change = Dearer
		case l.Unit < l.WasUnit:
			l.Change = Cheaper
		}
		v.Changed = v.Changed || l.Change != Unchanged || l.Quantity != l.WasQuantity
		v.Lines = append(v.Lines, l)
	}
	for _, was := range p.Lines {
		if !slices.ContainsFunc(v.Basket.Lines, func(l Line) bool { return l.VariantID == was.VariantID }) {
			gone := was
			gone.Buyable, gone.Total = 0, 0
			v.Lines, v.Changed = append(v.Lines, PreviewLine{Line: gone, WasQuantity: was.Quantity, WasUnit: was.Unit, Change: TakenOut}), true
		}
	}
	for _, c := range v.Basket.Codes {
		v.Changed = v.Changed || !c.Applied
	}
}

// Restore opens the cart of a link: the one that was left, or a new one with what
// of it can still be bought, with a secret of its own. Repeating it opens the same
// cart with the same secret. It fails with ErrLink, ErrBought, ErrNothingLeft, and
// as the room of carts says while the cart is being paid.
func (s *Service) Restore(ctx context.Context, token, language string) (*Preview, error) {
	p, err := s.opened(ctx, token)
	if err != nil {
		return nil, err
	}
	if language == "" {
		language = p.Locale
	}
	newID, err := s.restoredID(ctx, p)
	if err != nil {
		return nil, err
	}
	cart := p.Cart
	if p.RestoredCart != nil && (cart == nil || *cart != *p.RestoredCart) {
		cart, newID = nil, *p.RestoredCart
	}
	b, err := s.Carts.Restore(ctx, p.Merchant, p.Journey, cart, newID, p.Currency, language, p.Lines, p.Codes)
	if f, is := fault.As(err); is && f.Code == overCode { // the cart of an earlier time was merged, say: make another
		if newID, err = s.renewID(ctx, p, newID); err != nil {
			return nil, err
		}
		b, err = s.Carts.Restore(ctx, p.Merchant, p.Journey, nil, newID, p.Currency, language, p.Lines, p.Codes)
	}
	switch {
	case err != nil:
		return nil, own(err)
	case len(b.Lines) == 0:
		return nil, ErrNothingLeft
	}
	if err := s.noteRestored(ctx, p, b.ID); err != nil {
		return nil, err
	}
	s.Carts.Returned(ctx, p.Merchant, p.Journey, p.Checkout)
	v := &Preview{State: "open", Basket: b, LeftAt: p.AbandonedAt, Restored: true}
	v.compare(p)
	return v, nil
}

// overCode is the fault of the room of carts for a cart that a link has made and
// that is over by now.
const overCode = "cart_over"

// own are faults of the room of carts in the words of this room.
func own(err error) error {
	if f, ok := fault.As(err); ok {
		switch f.Code {
		case ErrBought.Code:
			return ErrBought.Because(err)
		case ErrNothingLeft.Code:
			return ErrNothingLeft.Because(err)
		}
	}
	return err
}

// opened is what a link stands for.
func (s *Service) opened(ctx context.Context, token string) (*plan, error) {
	merchant, reminder, err := s.Links.Open(token, s.Clock.Now())
	if fault.KindOf(err) == fault.NotFound {
		err = ErrLink.Because(err)
	}
	if err != nil {
		return nil, err
	}
	p, err := s.planOf(ctx, merchant, reminder)
	if err == nil && (p == nil || p.Reason == CodeErased) {
		err = ErrLink
	}
	return p, err
}
