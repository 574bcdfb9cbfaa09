package order

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/money"
	"doorstep/pricing"
)

// wish is units of a variant that are to be added to an order that stands.
type wish struct {
	variant  uuid.UUID
	quantity int64
	origin   string
	held     bool
	free     bool // for nothing: a replacement
	// like is the line whose price the units keep when they are of the same
	// variant, or listed at the same price; value is what they are then worth.
	like  *Line
	value int64
}

// addition is what a wish becomes: lines, and the stock they take.
type addition struct {
	lines []Line
	takes []catalog.Take
	total int64
}

// add works out lines for the wishes from what the shelf has. It fails with
// ErrVariantUnknown, ErrNoPrice or catalog.ErrOutOfStock.
func (s *Service) add(ctx context.Context, o *Order, wishes []wish) (*addition, error) {
	variants, wanted := make([]uuid.UUID, len(wishes)), make([]catalog.Wanted, len(wishes))
	for i, w := range wishes {
		variants[i], wanted[i] = w.variant, catalog.Wanted{VariantID: w.variant, Quantity: w.quantity}
	}
	offers, err := s.Shelf.Offers(ctx, o.MerchantID, o.Currency, o.Locale, variants)
	if err != nil {
		return nil, err
	}
	a := &addition{lines: make([]Line, len(wishes))}
	var short []catalog.Shortage
	if a.takes, short = offers.Allocate(wanted); len(short) > 0 {
		return nil, catalog.ErrOutOfStock.With("lines", short)
	}
	var priced []pricing.Line
	for i, w := range wishes {
		offer, ok := offers.Of(w.variant)
		if !ok {
			return nil, ErrVariantUnknown
		}
		l := &a.lines[i]
		if err := l.from(offer); err != nil {
			return nil, err
		}
		l.Quantity, l.Origin, l.Held = w.quantity, w.origin, w.held
		switch {
		case w.free:
		case w.like != nil && (w.like.VariantID == w.variant || offer.Priced && offer.Unit == w.like.Unit):
			if err := l.keep(o, w.like, w.value); err != nil {
				return nil, err
			}
		case !offer.Priced:
			return nil, ErrNoPrice.With("sku", offer.SKU)
		default:
			priced = append(priced, pricing.Line{
				ID: strconv.Itoa(i), SKU: offer.SKU, ProductID: offer.ProductID, VariantID: offer.VariantID, Quantity: w.quantity, Unit: offer.Unit,
				TaxClass: offer.TaxClass, Categories: offer.Category, Tags: offer.Tags,
			})
		}
	}
	if err := s.price(ctx, o, a, priced); err != nil {
		return nil, err
	}
	for i := range a.lines {
		if a.total, err = money.Add(a.total, a.lines[i].Total); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// price fills in what the lines cost that do not keep an old price.
func (s *Service) price(ctx context.Context, o *Order, a *addition, lines []pricing.Line) error {
	if len(lines) == 0 {
		return nil
	}
	work := s.Price
	if work == nil {
		work = func(_ context.Context, o *Order, lines []pricing.Line) (pricing.Result, error) {
			return pricing.Total(pricing.Input{Currency: o.Currency, Lines: lines, PricesIncludeTax: o.PricesIncludeTax, Now: s.DB.Now()})
		}
	}
	r, err := work(ctx, o, lines)
	if err != nil {
		return err
	}
	for _, t := range r.Lines {
		i, err := strconv.Atoi(t.ID)
		if err != nil {
			return fmt.Errorf("order: priced line %q: %w", t.ID, err)
		}
		l := &a.lines[i]
		l.Unit, l.Subtotal, l.Discount, l.Tax, l.Total, l.TaxRateBps = t.Unit, t.Subtotal, t.Discount, t.Tax, t.Total, t.TaxRateBps
		if l.Taxes, err = json.Marshal(t.Taxes); err != nil {
			return fmt.Errorf("order: %w", err)
		}
	}
	return nil
}

// from fills in what the catalogue says of a variant.
func (l *Line) from(offer *catalog.Offer) error {
	values, err := json.Marshal(offer.OptionValues)
	if err != nil {
		return fmt.Errorf("order: %w", err)
	}
	*l = Line{
		ID: id.New(), ProductID: offer.ProductID, VariantID: offer.VariantID, SKU: offer.SKU, Title: offer.Title, OptionValues: values,
		Image: offer.Image, Taxes: json.RawMessage(`[]`), WeightG: offer.WeightG,
	}
	return nil
}

// keep gives a line the price of units of another one, which are worth value.
func (l *Line) keep(o *Order, like *Line, value int64) (err error) {
	l.Unit, l.TaxRateBps, l.Total = like.Unit, like.TaxRateBps, value
	if l.Subtotal, err = money.Mul(like.Unit, l.Quantity); err != nil {
		return err
	}
	if l.Tax, err = unitsWorth(like.Tax, like.Quantity, l.Quantity); err != nil {
		return err
	}
	l.Discount = value - l.Subtotal
	if !o.PricesIncludeTax {
		l.Tax = min(l.Tax, value)
		l.Discount -= l.Tax
	}
	if l.Discount > 0 { // rounding: what is too much is tax
		l.Tax, l.Discount = l.Tax+l.Discount, 0
	}
	var taxes []pricing.Tax
	if err := json.Unmarshal(like.Taxes, &taxes); err != nil || len(taxes) == 0 {
		return err
	}
	weights := make([]int64, len(taxes))
	for i := range taxes {
		weights[i] = taxes[i].Amount
	}
	shares, err := money.Split(l.Tax, weights)
	if err != nil {
		return err
	}
	for i := range taxes {
		taxes[i].Amount = shares[i]
	}
	if l.Taxes, err = json.Marshal(taxes); err != nil {
		return fmt.Errorf("order: %w", err)
	}
	return nil
}

// insert queues the lines and what they add to the totals of a locked order.
func (a *addition) insert(tx db.Tx, merchant, order uuid.UUID, o *locked) {
	next := 0
	for i := range o.lines {
		next = max(next, o.lines[i].Position+1)
	}
	var subtotal, discount, tax int64
	for i := range a.lines {
		l := &a.lines[i]
		l.Position = next + i
		subtotal, discount, tax = subtotal+l.Subtotal, discount+l.Discount, tax+l.Tax
		tx.Queue(`insert into order_lines (merchant_id, order_id, id, position, product_id, variant_id, sku, title, image, option_values, taxes,
				quantity, unit_minor, subtotal_minor, discount_minor, tax_minor, total_minor, tax_rate_bps, weight_g, origin, held)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
			merchant, order, l.ID, l.Position, l.ProductID, l.VariantID, l.SKU, l.Title, l.Image, text(l.OptionValues), text(l.Taxes),
			l.Quantity, l.Unit, l.Subtotal, l.Discount, l.Tax, l.Total, l.TaxRateBps, l.WeightG, l.Origin, l.Held)
	}
	tx.Queue(`update orders set subtotal_minor = subtotal_minor + $3, discount_minor = discount_minor + $4, tax_minor = tax_minor + $5,
			total_minor = total_minor + $6 where merchant_id = $1 and id = $2`, merchant, order, subtotal, discount, tax, a.total)
}
