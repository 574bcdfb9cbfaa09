package pricing

import (
	"cmp"
	"slices"

	"github.com/google/uuid"

	"doorstep/internal/money"
)

// sums is the state of one calculation. All per-line slices are in canonical
// order, by line ID, which is what makes the result independent of the order
// of the input.
type sums struct {
	in       *Input
	order    []int   // canonical position -> index into in.Lines
	subtotal []int64 // before discounts
	left     []int64 // after the discounts applied so far
	share    []int64 // what the promotion at hand takes off each line
	weight   []int64 // scratch
	shipping int64   // left of in.Shipping

	outcomes   []Outcome
	candidates []candidate
	taken      []taken // shares of the chosen promotions, in their order
	alone      bool    // the chosen promotion excludes all others
	saved      int64   // by the chosen promotions together
}

// taken is one Share with the line it belongs to.
type taken struct {
	line  int // canonical
	share Share
}

// Total computes a cart. It is pure: the same input always gives the same
// result. It refuses impossible input (a quantity outside 1 to MaxQuantity, a
// negative price, more than MaxLines lines or MaxCodes codes, an unknown
// currency) and sums beyond 64 bits with a fault; a code that does not apply is
// no fault but an Outcome.
func Total(in Input) (Result, error) {
	s := sums{in: &in}
	if err := s.start(); err != nil {
		return Result{}, err
	}
	if err := s.discount(); err != nil {
		return Result{}, err
	}
	r := Result{Currency: in.Currency, PricesIncludeTax: in.PricesIncludeTax, Discounts: s.outcomes, Offers: []Offer{}}
	if len(in.Promotions) > 0 {
		var err error
		if r.Offers, err = s.offers(); err != nil {
			return Result{}, err
		}
	}
	s.lines(&r)
	r.PaymentFee = in.PaymentFee
	r.ShippingDiscount = s.shipping - in.Shipping
	r.Shipping = s.shipping + in.PaymentFee
	if err := s.tax(&r); err != nil {
		return Result{}, err
	}
	return r, s.finish(&r)
}

// start checks the input and lays out the lines in canonical order.
func (s *sums) start() error {
	in := s.in
	if _, err := money.Exponent(in.Currency); err != nil {
		return err
	}
	n := len(in.Lines)
	if n > MaxLines {
		return ErrTooManyLines
	}
	if len(in.Codes) > MaxCodes {
		return ErrTooManyCodes
	}
	if in.Shipping < 0 || in.PaymentFee < 0 || in.Duties < 0 {
		return ErrPrice
	}
	s.order = make([]int, n)
	for i := range s.order {
		s.order[i] = i
	}
	if !slices.IsSortedFunc(in.Lines, byID) {
		slices.SortStableFunc(s.order, func(a, b int) int { return byID(in.Lines[a], in.Lines[b]) })
	}
	memory := make([]int64, 4*n)
	s.subtotal, s.left, s.share, s.weight = memory[:n:n], memory[n:2*n:2*n], memory[2*n:3*n:3*n], memory[3*n:]
	var all int64
	for i := range n {
		l := s.line(i)
		if l.Quantity < 1 || l.Quantity > MaxQuantity {
			return ErrQuantity
		}
		if l.Unit < 0 {
			return ErrPrice
		}
		var err error
		if s.subtotal[i], err = money.Mul(l.Unit, l.Quantity); err != nil {
			return err
		}
		if all, err = money.Add(all, s.subtotal[i]); err != nil {
			return err
		}
	}
	copy(s.left, s.subtotal)
	s.shipping = in.Shipping
	// Everything before tax fits from here on, for discounts only take away.
	all, err := money.Add(all, in.Shipping)
	if err == nil {
		_, err = money.Add(all, in.PaymentFee)
	}
	return err
}

// byID orders lines by their ID; the rest only matters when IDs repeat.
func byID(a, b Line) int {
	return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.SKU, b.SKU), cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Quantity, b.Quantity))
}

// line is the line at a canonical position.
func (s *sums) line(i int) *Line { return &s.in.Lines[s.order[i]] }

// lines fills in what is known before taxes.
func (s *sums) lines(r *Result) {
	r.Lines = make([]LineTotal, len(s.order))
	// Shares are stored by line, each line's in the order of application.
	shares := make([]Share, 0, len(s.taken))
	for i, at := range s.order {
		l := s.line(i)
		from := len(shares)
		for _, t := range s.taken {
			if t.line == i {
				shares = append(shares, t.share)
			}
		}
		r.Lines[at] = LineTotal{ID: l.ID, SKU: l.SKU, Quantity: l.Quantity, Unit: l.Unit, Subtotal: s.subtotal[i],
			Discount: s.left[i] - s.subtotal[i], Discounts: shares[from:len(shares):len(shares)]}
		r.Subtotal += s.subtotal[i] // start has made sure that it fits
		r.Discount += s.left[i] - s.subtotal[i]
	}
	r.DiscountedSubtotal = r.Subtotal + r.Discount
}

// finish adds the lines up.
func (s *sums) finish(r *Result) (err error) {
	r.Duties, r.Tax = s.in.Duties, r.ShippingTax
	if r.Total, err = money.Add(r.Shipping, r.Duties); err != nil {
		return err
	}
	if !r.PricesIncludeTax {
		if r.Total, err = money.Add(r.Total, r.ShippingTax); err != nil {
			return err
		}
	}
	for i := range r.Lines {
		l := &r.Lines[i]
		l.Total = l.Subtotal + l.Discount
		if !r.PricesIncludeTax {
			if l.Total, err = money.Add(l.Total, l.Tax); err != nil {
				return err
			}
		}
		if r.Tax, err = money.Add(r.Tax, l.Tax); err != nil {
			return err
		}
		if r.Total, err = money.Add(r.Total, l.Total); err != nil {
			return err
		}
	}
	return nil
}

func compareIDs(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }
