package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/cart"
	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/idem"
	"doorstep/internal/locale"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/pricing"

	"github.com/google/uuid"
)

// checkouts is all that these routes ask of their room.
type checkouts interface {
	Start(ctx context.Context, q checkout.Request) (*checkout.View, error)
	View(ctx context.Context, who checkout.Access, id uuid.UUID) (*checkout.View, error)
	Change(ctx context.Context, who checkout.Access, id uuid.UUID, f checkout.Form) (*checkout.View, error)
	Complete(ctx context.Context, c checkout.Completion) (checkout.Outcome, error)
	Cancel(ctx context.Context, who checkout.Access, id uuid.UUID, reason string) (*checkout.View, error)
	checkoutReports
}

// CheckoutForm is what a buyer types. At most eight fields are needed: e-mail,
// name, line1, city, country, and where the country has them postcode, region
// and phone.
type CheckoutForm struct {
	Email           *string   `json:"email,omitempty" maxLength:"254" example:"ani@example.com"`
	ShippingAddress *Address  `json:"shipping_address,omitempty"`
	BillingAddress  *Address  `json:"billing_address,omitempty"`
	Company         *string   `json:"company,omitempty" maxLength:"200"`
	VATID           *string   `json:"vat_id,omitempty" maxLength:"32"`
	Note            *string   `json:"note,omitempty" maxLength:"2000"`
	Locale          *string   `json:"locale,omitempty" enum:"en,hy,km" doc:"Language of mails and documents"`
	DiscountCodes   *[]string `json:"discount_codes,omitempty" maxItems:"20" maxLength:"128"`
	ShippingOption  *string   `json:"shipping_option_id,omitempty" maxLength:"100" doc:"Empty goes back to the cheapest"`
	GiftCardCodes   *[]string `json:"gift_card_codes,omitempty" maxItems:"5" maxLength:"64" doc:"They pay first, in this order, and replace those before; a card that is on the checkout already may be named by the last four signs of its code"`
	StoreCredit     *bool     `json:"use_store_credit,omitempty" doc:"Pay with store credit, after gift cards; true needs the Customer-Session of who has it"`
}

func (f *CheckoutForm) value() checkout.Form {
	return checkout.Form{
		Email: f.Email, Shipping: f.ShippingAddress.value(), Billing: f.BillingAddress.value(), Company: f.Company, VATID: f.VATID,
		Note: f.Note, Locale: f.Locale, Codes: f.DiscountCodes, Option: f.ShippingOption, GiftCards: f.GiftCardCodes, StoreCredit: f.StoreCredit,
	}
}

// ItemIn asks for a quantity of a SKU.
type ItemIn struct {
	SKU      string `json:"sku" minLength:"1" maxLength:"200" example:"MUG-01"`
	Quantity int64  `json:"quantity" minimum:"1" maximum:"9999" example:"2"`
}

type startCheckoutIn struct {
	SessionHeader
	CartSecret string `header:"Cart-Secret" maxLength:"200"`
	Body       struct {
		CheckoutForm
		Items    []ItemIn   `json:"items,omitempty" maxItems:"100"`
		CartID   *uuid.UUID `json:"cart_id,omitempty" format:"uuid" doc:"Instead of items"`
		Currency string     `json:"currency,omitempty" maxLength:"3" pattern:"^([A-Z]{3})?$" example:"EUR"`
	}
}

// CheckoutPath names a checkout and proves that it is the caller's.
type CheckoutPath struct {
	ID     uuid.UUID `path:"id" format:"uuid"`
	Secret string    `header:"Checkout-Secret" maxLength:"200" doc:"As returned on creation; not needed with a secret key"`
}

type changeCheckoutIn struct {
	CheckoutPath
	SessionHeader
	IfMatch
	Body CheckoutForm
}

type completeCheckoutIn struct {
	CheckoutPath
	SessionHeader
	Body struct {
		Payment       *ChosenPayment `json:"payment,omitempty" doc:"Not needed when gift cards and store credit pay it all"`
		ExpectedTotal *Money         `json:"expected_total,omitempty" doc:"What the buyer agreed to; without it, the total shown last. Credits do not change it"`
		ExpectedDue   *Money         `json:"expected_due,omitempty" doc:"What of it the buyer agreed to pay besides credits; without it, no more than was shown last"`
	}
}

// ChosenPayment is how the buyer pays what credits do not.
type ChosenPayment struct {
	Method string `json:"method" enum:"card,wallet,paypal,bank_transfer,cash_on_delivery,gift_card,store_credit"`
	Token  string `json:"token,omitempty" maxLength:"500" example:"tok_visa" doc:"Stands for a card; empty when the buyer comes back from an authentication"`
}

type cancelCheckoutIn struct {
	CheckoutPath
	Body struct {
		Reason string `json:"reason" enum:"price_sensitivity,shipping_cost,shipping_speed,product_fit,trust_security,returns_policy,payment_options,comparison,timing_deferred,other"`
	}
}

type checkoutOut struct {
	ETag string `header:"ETag"`
	Body Checkout
}

// Checkout is a checkout as it is shown.
type Checkout struct {
	ID               uuid.UUID            `json:"id" format:"uuid"`
	Secret           string               `json:"secret,omitempty" doc:"Only on creation; send it as Checkout-Secret"`
	Status           string               `json:"status" enum:"incomplete,ready_for_payment,authentication_required,complete_in_progress,completed,canceled,expired"`
	Version          int64                `json:"version"`
	Currency         string               `json:"currency"`
	Locale           string               `json:"locale"`
	CartID           *uuid.UUID           `json:"cart_id,omitempty" format:"uuid"`
	Email            string               `json:"email,omitempty"`
	ShippingAddress  *Address             `json:"shipping_address,omitempty"`
	BillingAddress   *Address             `json:"billing_address,omitempty"`
	LineItems        []CheckoutLine       `json:"line_items"`
	Totals           Totals               `json:"totals"`
	PricesIncludeTax bool                 `json:"prices_include_tax"`
	ShippingOptions  []ShippingOption     `json:"shipping_options"`
	ShippingHidden   []HiddenOption       `json:"shipping_unavailable"`
	SelectedShipping string               `json:"selected_shipping_option_id,omitempty"`
	GiftCards        []CheckoutGiftCard   `json:"gift_cards"`
	StoreCredit      *CheckoutStoreCredit `json:"store_credit,omitempty" doc:"When the customer uses it"`
	AmountDue        Money                `json:"amount_due" doc:"What of the total gift cards and store credit do not pay"`
	PaymentMethods   []PaymentMethod      `json:"payment_methods" doc:"For what is due; when nothing is, the credit that pays is the only one"`
	Discounts        []CheckoutDiscount   `json:"discounts"`
	Offers           []Offer              `json:"offers"`
	Trust            Trust                `json:"trust"`
	Missing          []string             `json:"missing" doc:"What is still needed before this can be paid"`
	OrderID          *uuid.UUID           `json:"order_id,omitempty" format:"uuid"`
	ExpiresAt        time.Time            `json:"expires_at"`
}

// CheckoutLine is one line of a checkout.
type CheckoutLine struct {
	ID           uuid.UUID     `json:"id" format:"uuid" doc:"The variant's id"`
	ProductID    uuid.UUID     `json:"product_id" format:"uuid"`
	SKU          string        `json:"sku"`
	Title        string        `json:"title"`
	Options      []OptionValue `json:"options"`
	Image        string        `json:"image,omitempty"`
	Quantity     int64         `json:"quantity"`
	UnitPrice    Money         `json:"unit_price"`
	RegularPrice Money         `json:"regular_price"`
	Subtotal     Money         `json:"subtotal"`
	Discount     Money         `json:"discount"`
	Tax          Money         `json:"tax"`
	Total        Money         `json:"total"`
	TaxRateBps   int64         `json:"tax_rate_bps"`
}

// PaymentMethod is a way to pay. Total includes Fee: send it as expected_total.
type PaymentMethod struct {
	Method   string `json:"method" enum:"card,wallet,paypal,bank_transfer,cash_on_delivery,gift_card,store_credit"`
	Name     string `json:"name"`
	Provider string `json:"provider"`
	Fee      Money  `json:"fee"`
	Total    Money  `json:"total"`
	Due      Money  `json:"due" doc:"What of the total is paid by this method"`
	DueDays  int64  `json:"due_days,omitempty"`
	// PublishableKey is public by its nature.
	PublishableKey string `json:"publishable_key,omitempty" doc:"For the provider's own form in the storefront"`
}

// CheckoutDiscount says what became of a typed code or an automatic promotion.
type CheckoutDiscount struct {
	Code       string `json:"code,omitempty"`
	Name       string `json:"name,omitempty"`
	Amount     Money  `json:"amount"`
	Applied    bool   `json:"applied"`
	ReasonCode string `json:"reason_code,omitempty"`
	Reason     string `json:"reason,omitempty"`
}

// Offer is a promotion within reach.
type Offer struct {
	Name            string `json:"name"`
	Code            string `json:"code,omitempty"`
	MissingAmount   *Money `json:"missing_amount,omitempty"`
	MissingQuantity int64  `json:"missing_quantity,omitempty"`
	Saving          Money  `json:"saving"`
}

// Trust holds what is true of the shop, and nothing else.
type Trust struct {
	Processor string       `json:"processor,omitempty" doc:"Who processes cards"`
	TLS       bool         `json:"tls" doc:"This answer came over an encrypted connection"`
	CardData  string       `json:"card_data" enum:"never_touches_this_server"`
	Policies  []PolicyLink `json:"policies"`
	CheckedOn string       `json:"checked_on,omitempty" doc:"When somebody last checked the links"`
}

// PolicyLink is a document to read before paying.
type PolicyLink struct {
	Kind string `json:"kind" example:"returns"`
	URL  string `json:"url" format:"uri"`
}

// Completed is the answer to a payment.
type Completed struct {
	Status     string          `json:"status" enum:"completed,authentication_required,complete_in_progress"`
	Order      *Order          `json:"order,omitempty"`
	PaymentID  *uuid.UUID      `json:"payment_id,omitempty" format:"uuid"`
	NextAction *payment.Action `json:"next_action,omitempty" doc:"Send the buyer there, then complete again with a new key and no token"`
	Recommend  *[]struct{}     `json:"recommendations,omitempty"`
}

type completedOut struct {
	Status     int
	RetryAfter string `header:"Retry-After"`
	Body       Completed
}

// payFaults are what completing can answer with.
var payFaults = []*fault.Error{
	checkout.ErrNotFound, checkout.ErrClosed, checkout.ErrInProgress, checkout.ErrIncomplete, checkout.ErrTotalChanged, checkout.ErrOutOfStock,
	checkout.ErrToken, checkout.ErrVersion, cart.ErrClosed, payment.ErrDeclined, payment.ErrMethod, payment.ErrGatewayTrouble,
	checkout.ErrTooManyDeclines, checkout.ErrGatewayBusy, checkout.ErrCreditChanged, checkout.ErrMethodNeeded, idem.ErrConflict, idem.ErrInFlight,
}

func registerCheckouts(s *Server, svc checkouts, p people, w *Writer) {
	handle(s, Route{
		ID: "start-checkout", Method: http.MethodPost, Path: "/v1/checkouts", Status: http.StatusCreated, Tag: "checkouts",
		Summary:     "Begin to buy: from a cart or from items",
		Description: "The first of two calls. The answer shows everything that will be paid: shipping, tax, discounts and the ways to pay.",
		Auth:        publishable(), Errors: []*fault.Error{checkout.ErrEmpty, checkout.ErrSKU, checkout.ErrCurrency, checkout.ErrCountry, checkout.ErrOutOfStock, pricing.ErrTooManyTries, payment.ErrGiftCardTries, checkout.ErrSignIn, checkout.ErrNotTheirs, customer.ErrSession, cart.ErrNotFound, cart.ErrClosed},
	}, func(ctx context.Context, in *startCheckoutIn) (*checkoutOut, error) {
		b := &in.Body
		if (b.CartID == nil) == (len(b.Items) == 0) {
			return nil, checkout.ErrEmpty.Saying("Send either items or cart_id.")
		}
		q := checkout.Request{
			Merchant: caller(ctx).Merchant, CartID: b.CartID, CartSecret: in.CartSecret, Trusted: caller(ctx).Secret, IP: guesser(ctx),
			Currency: b.Currency, Locale: string(language(ctx)), Form: b.value(),
		}
		var err error
		if q.Form.SignedIn, err = spender(ctx, p, in.Session, &b.CheckoutForm); err != nil {
			return nil, err
		}
		for _, it := range b.Items {
			q.Items = append(q.Items, checkout.Item{SKU: it.SKU, Quantity: it.Quantity})
		}
		v, err := svc.Start(ctx, q)
		return w.checkout(ctx, v, err)
	})
	handle(s, Route{
		ID: "read-checkout", Method: http.MethodGet, Path: "/v1/checkouts/{id}", Tag: "checkouts", Summary: "Read a checkout with the prices of this moment",
		Auth: publishable(), Errors: []*fault.Error{checkout.ErrNotFound},
	}, func(ctx context.Context, in *CheckoutPath) (*checkoutOut, error) {
		v, err := svc.View(ctx, in.access(ctx), in.ID)
		return w.checkout(ctx, v, err)
	})
	handle(s, Route{
		ID: "change-checkout", Method: http.MethodPatch, Path: "/v1/checkouts/{id}", Tag: "checkouts", Summary: "Change address, shipping option, discount codes or what gift cards and store credit pay",
		Auth: publishable(), Errors: []*fault.Error{checkout.ErrNotFound, checkout.ErrClosed, checkout.ErrInProgress, checkout.ErrOption, checkout.ErrVersion, pricing.ErrTooManyTries, payment.ErrGiftCardTries, checkout.ErrSignIn, checkout.ErrNotTheirs, customer.ErrSession},
	}, func(ctx context.Context, in *changeCheckoutIn) (*checkoutOut, error) {
		f := in.Body.value()
		have, said, err := in.version()
		if err != nil {
			return nil, err
		}
		if said {
			f.ExpectedVersion = &have
		}
		if f.SignedIn, err = spender(ctx, p, in.Session, &in.Body); err != nil {
			return nil, err
		}
		v, err := svc.Change(ctx, in.access(ctx), in.ID, f)
		return w.checkout(ctx, v, err)
	})
	handle(s, Route{
		ID: "cancel-checkout", Method: http.MethodPost, Path: "/v1/checkouts/{id}/cancel", Tag: "checkouts", Summary: "Give up, and say why",
		Auth: publishable(), Errors: []*fault.Error{checkout.ErrNotFound, checkout.ErrClosed, checkout.ErrInProgress},
	}, func(ctx context.Context, in *cancelCheckoutIn) (*checkoutOut, error) {
		v, err := svc.Cancel(ctx, in.access(ctx), in.ID, in.Body.Reason)
		return w.checkout(ctx, v, err)
	})
	handle(s, Route{
		ID: "complete-checkout", Method: http.MethodPost, Path: "/v1/checkouts/{id}/complete", Tag: "checkouts", Summary: "Pay and place the order",
		Description: "The second of two calls. Repeating it with the same Idempotency-Key never pays twice.",
		Auth:        publishable(), Once: OnceInside, Deadline: Payments, Errors: payFaults,
	}, func(ctx context.Context, in *completeCheckoutIn) (*completedOut, error) {
		c := checkout.Completion{
			Who: in.access(ctx), Checkout: in.ID, Key: onceKey(ctx), Expected: in.Body.ExpectedTotal.value(), Due: in.Body.ExpectedDue.value(),
		}
		c.Who.SignedIn = emailOf(p, c.Who.Merchant, in.Session)
		if p := in.Body.Payment; p != nil {
			c.Payment = checkout.Payment{Method: payment.Method(p.Method), Token: p.Token}
		}
		out, err := svc.Complete(ctx, c)
		return w.completed(in.ID, out, err)
	})
}

// emailOf asks who is signed in, once somebody wants to know; nil for nobody.
func emailOf(p people, merchant uuid.UUID, session string) func(context.Context) ([]byte, error) {
	if p == nil || session == "" {
		return nil
	}
	return func(ctx context.Context) ([]byte, error) {
		sn, err := p.Session(ctx, merchant, session)
		return sn.EmailHMAC, err
	}
}

func (p *CheckoutPath) access(ctx context.Context) checkout.Access {
	return checkout.Access{Merchant: caller(ctx).Merchant, Secret: p.Secret, Trusted: caller(ctx).Secret, IP: guesser(ctx)}
}

// Writer words the answers that are also stored: it is checkout.Answers.
type Writer struct {
	// Track makes the signed link that opens one order.
	Track func(*order.Order) string
	// Secure says whether the world reaches us over TLS.
	Secure bool
}

func (w *Writer) completedBody(o *order.Order) Completed {
	b := orderOf(o, w.Track)
	return Completed{Status: "completed", Order: &b, Recommend: &[]struct{}{}}
}

func actionBody(p uuid.UUID, a *payment.Action) Completed {
	return Completed{Status: "authentication_required", PaymentID: &p, NextAction: a}
}

// Completed is the stored answer of a placed order.
func (w *Writer) Completed(o *order.Order) (int, []byte) {
	b, _ := marshal(w.completedBody(o)) // our own plain struct
	return http.StatusOK, b
}

// Action is the stored answer of a payment that waits for the buyer.
func (w *Writer) Action(_, p uuid.UUID, a *payment.Action) (int, []byte) {
	b, _ := marshal(actionBody(p, a)) // our own plain struct
	return http.StatusOK, b
}

// Failed is the stored answer of a payment that came to nothing.
func (w *Writer) Failed(err error) (int, []byte) {
	p := problemOf(faultOf(err), "")
	b, _ := marshal(p) // our own plain struct
	return p.Status, b
}

// completed answers a completion; one that was answered before byte for byte.
func (w *Writer) completed(id uuid.UUID, out checkout.Outcome, err error) (*completedOut, error) {
	switch {
	case err != nil:
		return nil, err
	case out.Replay != nil:
		return nil, replayed(*out.Replay)
	case out.Order != nil:
		return &completedOut{Status: http.StatusOK, Body: w.completedBody(out.Order)}, nil
	case out.Action != nil:
		return &completedOut{Status: http.StatusOK, Body: actionBody(out.PaymentID, out.Action)}, nil
	}
	return &completedOut{Status: http.StatusAccepted, RetryAfter: "2", Body: Completed{Status: string(checkout.InProgress), PaymentID: &out.PaymentID}}, nil
}

// checkout writes a checkout in the language of its reader.
func (w *Writer) checkout(ctx context.Context, v *checkout.View, err error) (*checkoutOut, error) {
	if err != nil {
		return nil, err
	}
	lang := locale.Lang(v.Locale)
	if !lang.Known() {
		lang = language(ctx)
	}
	of := func(minor int64) Money { return moneyOf(minor, v.Currency) }
	t := &v.Totals
	b := Checkout{
		ID: v.ID, Secret: v.Secret, Status: string(v.Status), Version: v.Version, Currency: v.Currency, Locale: v.Locale, CartID: v.CartID,
		Email: v.Contact.Email, ShippingAddress: addressOf(v.Contact.Shipping), BillingAddress: addressOf(v.Contact.Billing),
		LineItems: make([]CheckoutLine, len(v.Lines)), Totals: totalsOf(t.Subtotal, t.Discount, t.Shipping, t.Tax, t.Total, v.Currency).with(t.Duties),
		PricesIncludeTax: t.PricesIncludeTax, ShippingOptions: make([]ShippingOption, len(v.Options)), ShippingHidden: make([]HiddenOption, len(v.Hidden)),
		SelectedShipping: v.Selected, PaymentMethods: make([]PaymentMethod, len(v.Methods)), Discounts: make([]CheckoutDiscount, len(t.Discounts)),
		Offers: make([]Offer, len(t.Offers)), Trust: Trust{TLS: w.Secure, CardData: "never_touches_this_server", Policies: []PolicyLink{}, CheckedOn: v.Trust.CheckedOn},
		Missing: v.Missing, OrderID: v.OrderID, ExpiresAt: v.ExpiresAt, AmountDue: of(v.Due),
	}
	b.GiftCards, b.StoreCredit = checkoutCredits(v)
	if b.Missing == nil {
		b.Missing = []string{}
	}
	for i := range v.Lines {
		b.LineItems[i] = checkoutLineOf(&v.Lines[i], of)
	}
	for i := range v.Options {
		b.ShippingOptions[i] = shippingOptionOf(&v.Options[i], lang)
		if i < len(v.Borders) {
			b.ShippingOptions[i].Import = importOf(v.Borders[i], v.Currency, lang)
		}
	}
	for i, h := range v.Hidden {
		b.ShippingHidden[i] = HiddenOption{ID: h.Method, Code: h.Code, Text: textOr(lang, "shipping_code."+h.Code, h.Code)}
	}
	for i, m := range v.Methods {
		b.PaymentMethods[i] = PaymentMethod{
			Method: string(m.Method), Name: textOr(lang, "payment_method."+string(m.Method), string(m.Method)), Provider: m.Provider,
			Fee: of(m.Fee), Total: of(m.Total), Due: of(m.Due), DueDays: m.DueDays, PublishableKey: m.PublishableKey,
		}
		if m.Method == payment.Card {
			b.Trust.Processor = m.Provider
		}
	}
	for i := range t.Discounts {
		b.Discounts[i] = discountOf(&t.Discounts[i], v.Currency, lang)
	}
	for i := range t.Offers {
		b.Offers[i] = offerOf(&t.Offers[i], v.Currency, lang)
	}
	for _, p := range v.Trust.Policies {
		b.Trust.Policies = append(b.Trust.Policies, PolicyLink{Kind: p.Kind, URL: p.URL})
	}
	return &checkoutOut{ETag: etag(v.Version), Body: b}, nil
}

func checkoutLineOf(l *checkout.ViewLine, of func(int64) Money) CheckoutLine {
	b := CheckoutLine{
		ID: l.Offer.VariantID, ProductID: l.Offer.ProductID, SKU: l.Offer.SKU, Title: l.Offer.Title, Options: []OptionValue{}, Image: l.Offer.Image,
		Quantity: l.Quantity, UnitPrice: of(l.Offer.Unit), RegularPrice: of(l.Offer.Regular), Subtotal: of(l.Total.Subtotal),
		Discount: of(l.Total.Discount), Tax: of(l.Total.Tax), Total: of(l.Total.Total), TaxRateBps: l.Total.TaxRateBps,
	}
	for _, o := range l.Offer.OptionValues {
		b.Options = append(b.Options, OptionValue{Name: o.Name, Value: o.Value})
	}
	return b
}

// textOr is the message in the language, or fallback when there is none.
func textOr(lang locale.Lang, key, fallback string, args ...any) string {
	text, err := locale.Text(lang, key, args...)
	if err != nil {
		return fallback
	}
	return text
}

// named is a name in the language, else in English, else any.
func named(names map[string]string, lang locale.Lang) string {
	for _, l := range []string{string(lang), "en"} {
		if names[l] != "" {
			return names[l]
		}
	}
	for _, n := range names {
		return n
	}
	return ""
}
