package checkout

import (
	"encoding/json"
	"time"

	"doorstep/cart"
	"doorstep/internal/id"
	"doorstep/internal/idem"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/pricing"
)

// plan is one payment attempt, all worked out before anything is written.
type plan struct {
	sit     *situation
	row     *row
	draft   draft
	uses    []pricing.Use
	totals  *pricing.Result
	payment payment.Payment
	tenders []payment.Tender // what credits pay besides
	key     idem.Key
	now     time.Time
	// fingerprint tells the card from others, once the provider has said so.
	fingerprint string
	news        cart.Event // of the attempt, for the log of journeys
}

// plan freezes the order as it will stand.
func (s *Service) plan(sit *situation, a *assessment, c *Completion, totals *pricing.Result, offer MethodOffer) *plan {
	now := s.DB.Now()
	r := &sit.row
	takes, _ := sit.offers.Allocate(sit.row.wanted())
	p := &plan{sit: sit, row: r, uses: pricing.Uses(a.input, *totals), totals: totals, key: c.Key, now: now}
	paymentID := id.New()
	p.tenders = a.tenders()
	p.draft = draft{Takes: takes, Order: order.Order{
		MerchantID: r.Merchant, ID: id.New(), Number: order.NewNumber(), CheckoutID: r.ID, ContactID: r.ContactID, CustomerID: r.CustomerID,
		EmailHMAC: sit.sealed.EmailHMAC, Status: order.StatusConfirmed, PaymentStatus: "unpaid", FulfillmentStatus: "unfulfilled",
		Source: "checkout", PaymentMethod: string(offer.Method), Currency: r.Currency, Locale: r.Locale, Country: r.Country,
		PricesIncludeTax: totals.PricesIncludeTax, Subtotal: totals.Subtotal, Discount: totals.Discount, Shipping: totals.Shipping, Duties: totals.Duties,
		Tax: totals.Tax, Total: totals.Total, ShippingOption: shippingOption(a), Discounts: discounts(totals, r.Locale),
		Version: 1, PlacedAt: now, UpdatedAt: now, Lines: orderLines(sit, totals),
	}}
	if len(p.tenders) > 0 {
		p.draft.Order.Tenders = encode(p.tenders)
	}
	p.payment = payment.Payment{
		MerchantID: r.Merchant, ID: paymentID, CheckoutID: r.ID, Attempt: r.Attempt + 1, Method: offer.Method, Provider: offer.Provider,
		GatewayKey: "pay:" + paymentID.String(), RequestKey: c.Key.Key, Status: payment.Pending, AmountMinor: totals.Total - a.credit,
		CreditMinor: a.credit, Currency: r.Currency, CreatedAt: now, UpdatedAt: now,
	}
	o := &p.draft.Order
	switch {
	case p.payment.AmountMinor == 0: // nothing to pay: a gift, a full discount, or credits pay it all
		p.payment.Provider, p.payment.Status, o.PaymentStatus = payment.Offline, payment.Captured, "paid"
	case offer.Method.Offline() && a.credit > 0:
		o.PaymentStatus = "partially_paid"
	case !offer.Method.Offline():
		o.PaymentStatus = "authorized"
	}
	if offer.Method == payment.BankTransfer && p.payment.AmountMinor > 0 {
		due := now.AddDate(0, 0, int(offer.DueDays))
		p.payment.DueAt, p.payment.Reference, o.Status = &due, o.Number, order.StatusPending
	}
	return p
}

func shippingOption(a *assessment) json.RawMessage {
	o := order.ShippingOption{
		ID: a.option.Method, Name: a.option.Name, Carrier: a.option.Carrier, Service: a.option.Service,
		Price: a.option.Total.Minor, Estimated: a.option.Estimated, PolicyHash: a.answer.PolicyHash, Border: a.border(a.option),
	}
	if p := a.option.Promise; p != nil {
		o.From, o.To = day(p.DeliverMin), day(p.DeliverMax)
	}
	return encode(o)
}

func day(text string) *time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return nil
	}
	return &t
}

func discounts(t *pricing.Result, locale string) json.RawMessage {
	all := []order.Discount{}
	for _, d := range t.Discounts {
		if d.Applied {
			name := d.Name[locale]
			if name == "" {
				name = d.Name["en"]
			}
			all = append(all, order.Discount{Code: d.Code, PromotionID: d.PromotionID, Name: name, Amount: d.Amount})
		}
	}
	return encode(all)
}

func orderLines(sit *situation, t *pricing.Result) []order.Line {
	lines := make([]order.Line, len(t.Lines))
	for i := range t.Lines {
		l := &t.Lines[i]
		o, _ := sit.offers.Of(sit.row.Variants[i])
		lines[i] = order.Line{
			ID: id.New(), Position: i, ProductID: o.ProductID, VariantID: o.VariantID, SKU: o.SKU, Title: o.Title, Image: o.Image,
			OptionValues: encode(o.OptionValues), Quantity: l.Quantity, Unit: l.Unit, Subtotal: l.Subtotal, Discount: l.Discount,
			Tax: l.Tax, Total: l.Total, TaxRateBps: l.TaxRateBps, Taxes: encode(l.Taxes), WeightG: o.WeightG,
		}
	}
	return lines
}

// encode is for values that always can be: plain structs, strings and numbers.
func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	if string(b) == "null" {
		return json.RawMessage("[]")
	}
	return b
}
