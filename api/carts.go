package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"doorstep/cart"
	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/pricing"

	"github.com/google/uuid"
)

// carts is all that these routes ask of their room.
type carts interface {
	Create(ctx context.Context, merchant uuid.UUID, q cart.NewCart) (*cart.View, error)
	View(ctx context.Context, a cart.Access, cart uuid.UUID) (*cart.View, error)
	Summary(ctx context.Context, a cart.Access, cart uuid.UUID) (*cart.Summary, error)
	Delete(ctx context.Context, a cart.Access, cart uuid.UUID) error
	Add(ctx context.Context, a cart.Access, cart uuid.UUID, items []cart.Item) (*cart.View, error)
	SetQuantity(ctx context.Context, a cart.Access, cart, line uuid.UUID, quantity int64) (*cart.View, error)
	Remove(ctx context.Context, a cart.Access, cart, line uuid.UUID) (*cart.View, error)
	Clear(ctx context.Context, a cart.Access, cart uuid.UUID) (*cart.View, error)
	Undo(ctx context.Context, a cart.Access, cart uuid.UUID) (*cart.View, error)
	AddCode(ctx context.Context, a cart.Access, cart uuid.UUID, code string) (*cart.View, error)
	RemoveCode(ctx context.Context, a cart.Access, cart uuid.UUID, code string) (*cart.View, error)
	Merge(ctx context.Context, a cart.Access, target, source uuid.UUID, sourceSecret string) (*cart.View, error)
	cartReports
}

// CartPath names a cart and proves that it is the caller's.
type CartPath struct {
	ID       uuid.UUID `path:"id" format:"uuid"`
	Secret   string    `header:"Cart-Secret" maxLength:"200" doc:"As returned on creation; not needed with a secret key"`
	Language string    `header:"Accept-Language" maxLength:"1000" doc:"Of titles and texts; the cart's own when absent"`
}

// CartChange is embedded in the input of every change to a cart.
type CartChange struct {
	CartPath
	IfMatch
}

func (p *CartPath) access(ctx context.Context) cart.Access {
	a := cart.Access{Merchant: caller(ctx).Merchant, Secret: p.Secret, Trusted: caller(ctx).Secret, IP: guesser(ctx)}
	if p.Language != "" {
		a.Locale = string(language(ctx))
	}
	return a
}

// access also carries the version that the change is based on.
func (p *CartChange) access(ctx context.Context) (cart.Access, error) {
	a := p.CartPath.access(ctx)
	var err error
	a.Version, err = p.baseOr()
	return a, err
}

// Cart is what a shopper means to buy. Everything in it is of this moment and
// no promise until a checkout holds it; shipping and tax come with the checkout.
type Cart struct {
	ID               uuid.UUID          `json:"id" format:"uuid"`
	Secret           string             `json:"secret,omitempty" doc:"Only on creation; send it as Cart-Secret"`
	Status           string             `json:"status" enum:"active,abandoned,recovered,converted,merged,expired"`
	Version          int64              `json:"version"`
	Currency         string             `json:"currency"`
	Locale           string             `json:"locale" enum:"en,hy,km"`
	LineItems        []CartLine         `json:"line_items"`
	Count            int64              `json:"count" doc:"Pieces in all lines"`
	DiscountCodes    []string           `json:"discount_codes"`
	Totals           Totals             `json:"totals" doc:"Of what can be bought now"`
	PricesIncludeTax bool               `json:"prices_include_tax"`
	Discounts        []CheckoutDiscount `json:"discounts" doc:"What became of each code and automatic promotion"`
	Offers           []Offer            `json:"offers" doc:"What is within reach"`
	CanUndo          bool               `json:"can_undo" doc:"What clear took out can come back"`
	Paying           bool               `json:"paying" doc:"A payment is under way: the cart cannot be changed"`
	MergedInto       *uuid.UUID         `json:"merged_into,omitempty" format:"uuid"`
	CreatedAt        time.Time          `json:"created_at"`
	UpdatedAt        time.Time          `json:"updated_at"`
	ExpiresAt        time.Time          `json:"expires_at"`
}

// CartLine is one line of a cart.
type CartLine struct {
	ID           uuid.UUID     `json:"id" format:"uuid" doc:"The variant's id; a cart has at most one line of each"`
	ProductID    *uuid.UUID    `json:"product_id,omitempty" format:"uuid"`
	SKU          string        `json:"sku,omitempty"`
	Slug         string        `json:"slug,omitempty"`
	Title        string        `json:"title,omitempty"`
	Options      []OptionValue `json:"options"`
	Image        string        `json:"image,omitempty"`
	Quantity     int64         `json:"quantity"`
	Counted      int64         `json:"counted" doc:"Pieces that can be bought now and that the totals count"`
	UnitPrice    *Money        `json:"unit_price,omitempty"`
	RegularPrice *Money        `json:"regular_price,omitempty"`
	Subtotal     Money         `json:"subtotal"`
	Discount     Money         `json:"discount"`
	Total        Money         `json:"total"`
	Problem      *LineProblem  `json:"problem,omitempty" doc:"Absent when the line can be bought"`
}

// LineProblem says why a line cannot be bought as it stands.
type LineProblem struct {
	Code string `json:"code" enum:"no_longer_sold,no_price,out_of_stock,only_left"`
	Text string `json:"text" doc:"In the reader's language"`
	Left *int64 `json:"left,omitempty" doc:"Of only_left: how many there are"`
}

// CartSummary is a cart in a few numbers, for every page of a shop.
type CartSummary struct {
	ID       uuid.UUID `json:"id" format:"uuid"`
	Status   string    `json:"status" enum:"active,abandoned,recovered,converted,merged,expired"`
	Version  int64     `json:"version"`
	Currency string    `json:"currency"`
	Count    int64     `json:"count" doc:"Pieces in all lines"`
	Lines    int       `json:"lines"`
	Problems int       `json:"problems" doc:"Lines that cannot be bought as they stand"`
	Subtotal Money     `json:"subtotal" doc:"Of what can be bought now, before discounts"`
}

type cartOut struct {
	Status int
	ETag   string `header:"ETag"`
	Body   Cart
}

// cartLanguage is the reader's when they say so, else the cart's.
func cartLanguage(ctx context.Context, asked, own string) locale.Lang {
	if l := locale.Lang(own); asked == "" && l.Known() {
		return l
	}
	return language(ctx)
}

// oneCart writes a cart. Its ETag is the version and a digest of the rest, for
// prices and stock change without the cart.
func oneCart(ctx context.Context, asked string, v *cart.View, err error) (*cartOut, error) {
	if err != nil {
		return nil, err
	}
	out := &cartOut{Status: http.StatusOK, Body: cartOf(v, cartLanguage(ctx, asked, v.Locale))}
	shown, err := marshal(out.Body)
	if err != nil {
		return nil, err
	}
	out.ETag = viewTag(v.Version, shown)
	out.Body.Secret = v.Secret
	return out, nil
}

func cartOf(v *cart.View, lang locale.Lang) Cart {
	t := &v.Totals
	b := Cart{
		ID: v.ID, Status: string(v.Status), Version: v.Version, Currency: v.Currency, Locale: v.Locale, LineItems: make([]CartLine, len(v.Lines)),
		Count: v.Count, DiscountCodes: orEmpty(v.Codes), Totals: totalsOf(t.Subtotal, t.Discount, t.Shipping, t.Tax, t.Total, v.Currency),
		PricesIncludeTax: t.PricesIncludeTax, Discounts: make([]CheckoutDiscount, len(t.Discounts)), Offers: make([]Offer, len(t.Offers)),
		CanUndo: v.CanUndo, Paying: v.Paying, MergedInto: v.MergedInto, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt, ExpiresAt: v.ExpiresAt,
	}
	for i := range v.Lines {
		b.LineItems[i] = cartLineOf(&v.Lines[i], v.Currency, lang)
	}
	for i := range t.Discounts {
		b.Discounts[i] = discountOf(&t.Discounts[i], v.Currency, lang)
	}
	for i := range t.Offers {
		b.Offers[i] = offerOf(&t.Offers[i], v.Currency, lang)
	}
	return b
}

func cartLineOf(l *cart.ViewLine, currency string, lang locale.Lang) CartLine {
	of := func(minor int64) Money { return moneyOf(minor, currency) }
	b := CartLine{
		ID: l.ID, Options: []OptionValue{}, Quantity: l.Quantity, Counted: l.Counted,
		Subtotal: of(l.Total.Subtotal), Discount: of(l.Total.Discount), Total: of(l.Total.Total),
	}
	if o := l.Offer; o != nil {
		b.ProductID, b.SKU, b.Slug, b.Title, b.Image = &o.ProductID, o.SKU, o.Slug, o.Title, o.Image
		for _, v := range o.OptionValues {
			b.Options = append(b.Options, OptionValue{Name: v.Name, Value: v.Value})
		}
		if o.Priced {
			unit, regular := of(o.Unit), of(o.Regular)
			b.UnitPrice, b.RegularPrice = &unit, &regular
		}
	}
	if l.Problem != "" {
		b.Problem = &LineProblem{Code: string(l.Problem)}
		if l.Problem == cart.OnlyLeft {
			b.Problem.Left = &l.Left
		}
		b.Problem.Text = textOr(lang, "cart_problem."+b.Problem.Code, b.Problem.Code, "count", l.Left)
	}
	return b
}

func discountOf(d *pricing.Outcome, currency string, lang locale.Lang) CheckoutDiscount {
	b := CheckoutDiscount{Code: d.Code, Name: named(d.Name, lang), Amount: moneyOf(d.Amount, currency), Applied: d.Applied, ReasonCode: string(d.Reason)}
	if d.Reason != "" {
		b.Reason = textOr(lang, "discount_reason."+string(d.Reason), string(d.Reason))
	}
	return b
}

func offerOf(o *pricing.Offer, currency string, lang locale.Lang) Offer {
	b := Offer{Name: named(o.Name, lang), Code: o.Code, MissingQuantity: o.MissingQuantity, Saving: moneyOf(o.Saving, currency)}
	if o.MissingAmount > 0 {
		m := moneyOf(o.MissingAmount, currency)
		b.MissingAmount = &m
	}
	return b
}

// has says whether the caller has the tag already.
func has(ifNoneMatch, tag string) bool {
	for have := range strings.SplitSeq(ifNoneMatch, ",") {
		if have = strings.TrimPrefix(strings.TrimSpace(have), "W/"); have == tag || have == "*" {
			return true
		}
	}
	return false
}

// refusedCode says in the reader's language why a code is refused.
func refusedCode(ctx context.Context, err error) error {
	e, ok := fault.As(err)
	if !ok || !fault.Is(err, cart.ErrDiscount) {
		return err
	}
	reason, _ := e.Extra["reason_code"].(pricing.Reason)
	return e.Saying(textOr(language(ctx), "discount_reason."+string(reason), e.Text))
}
