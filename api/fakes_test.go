package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"doorstep/cart"
	"doorstep/catalog"
	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/pricing"
	"doorstep/shipping"

	"github.com/google/uuid"
)

// The one of everything that the shop of merchant has. Foreign callers find
// nothing of it.
var (
	thing  = uuid.MustParse("01900000-0000-7000-8000-0000000000aa")
	lineID = uuid.MustParse("01900000-0000-7000-8000-0000000000bb")
	noon   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

const (
	canary     = "canary" // in everything that only its merchant may read
	goodToken  = "token-of-the-link"
	goodNumber = "DS-7K3M-Q2XT-H"
)

// call is what a room has seen.
type call struct {
	method   string
	merchant uuid.UUID
	write    bool
	given    any
}

// shop is a merchant's rooms in memory: they record what they are asked, know
// one of everything, and fail where told to.
type shop struct {
	sync.Mutex
	calls []call
	acts  []*customer.Act
	fails map[string]error
}

func newShop() *shop { return &shop{fails: map[string]error{}} }

// see records a call; for foreign merchants it answers with missing.
func (s *shop) see(method string, m uuid.UUID, write bool, missing *fault.Error, given any) error {
	s.Lock()
	defer s.Unlock()
	s.calls = append(s.calls, call{method, m, write, given})
	if err := s.fails[method]; err != nil {
		return err
	}
	if m != merchant && missing != nil {
		return missing
	}
	return nil
}

// known is see for one thing by its id.
func (s *shop) known(method string, m, id uuid.UUID, write bool, missing *fault.Error, given any) error {
	if err := s.see(method, m, write, missing, given); err != nil {
		return err
	}
	if id != thing {
		return missing
	}
	return nil
}

// has is known for what is read along with that thing.
func (s *shop) has(method string, m, id uuid.UUID) bool {
	return s.known(method, m, id, false, order.ErrNotFound, nil) == nil
}

func (s *shop) fail(method string, err error) {
	s.Lock()
	defer s.Unlock()
	s.fails[method] = err
}

// seen takes the calls so far.
func (s *shop) seen() []call {
	s.Lock()
	defer s.Unlock()
	all := s.calls
	s.calls = nil
	return all
}

// last is what the method was given last.
func (s *shop) last(t *testing.T, method string) call {
	t.Helper()
	for _, c := range slices.Backward(s.seen()) {
		if c.method == method {
			return c
		}
	}
	t.Fatalf("%s was not called", method)
	return call{}
}

func (s *shop) rooms() Rooms {
	return Rooms{
		Writer: &Writer{Track: func(o *order.Order) string { return "https://shop.example/track/" + o.Number }}, Carts: fakeCarts{s},
		Checkouts: fakeCheckouts{s}, PaymentMethods: fakePaymentMethods{s}, Statements: fakeStatements{s}, Orders: fakeOrders{s}, Contacts: fakeContacts{s}, Payments: fakePayments{s}, Shipments: fakeShipments{s},
		Deliveries: fakeDeliveries{s}, CarrierAccounts: fakeCarrierAccounts{s}, Settings: fakeSettings{s}, Webhooks: fakeWebhooks{s}, Audit: fakeAudit{s}, Locations: fakeLocations{s}, Promotions: fakePromotions{s}, TaxRates: fakeTaxRates{s},
		Catalogue: fakeCatalogue{fakeLocations{s}}, Search: fakeSearch{s}, OrderImports: fakeOrderImports{s},
		AfterSale:    fakeAfterSale{s},
		Documents:    fakeDocuments{s},
		People:       fakePeople{s},
		Staff:        fakeStaff{s},
		Keys:         fakeAPIKeys{s},
		PaymentInbox: fakeInbox{s},
		Labels:       fakeLabels{s},
		Papers:       fakePapers{s},
		Purchases:    fakePurchases{s},
		Suppliers:    fakeSuppliers{s},
		CarrierInbox: fakeCarrierInbox{s},
		Differences:  fakeDifferences{s},
		Credits:      fakeCredits{s},
		Analytics:    fakeFigures{s},
		Recovery:     fakeRecovery{s}, Subscriptions: fakeSubscriptions{s}, Consents: fakeConsents{s},

		Assistant:       fakeAssistant{s},
		Recommendations: fakeRecommendations{s},
		Terms:           fakeTerms{s},
		Inbound:         fakeMailIn{s},
		Inbox:           fakeTalks{s},
		Support:         fakeSupport{s},
		Dev: &Dev{
			Mails: fakeMails{}, Shift: noon.Add,
			Authenticate: func(_ context.Context, id string, ok bool) error {
				return s.see("Authenticate", merchant, true, nil, fmt.Sprint(id, " ", ok))
			},
		},
	}
}

// open makes a server with all rooms.
func open(t *testing.T, change ...func(*Options)) (*Server, *shop) {
	t.Helper()
	s, _ := newServer(t, change...)
	rooms := newShop()
	Register(s, rooms.rooms())
	return s, rooms
}

type fakeCarts struct{ *shop }

func (f fakeCarts) cart(method string, a *cart.Access, id uuid.UUID, write bool, given any) (*cart.View, error) {
	if err := f.known(method, a.Merchant, id, write, cart.ErrNotFound, given); err != nil {
		return nil, err
	}
	if !a.Trusted && a.Secret != canary {
		return nil, cart.ErrNotFound
	}
	if a.Version != nil && *a.Version != 7 {
		return nil, cart.ErrVersion.With("version", 7)
	}
	v := theCart()
	return &v, nil
}

func theCart() cart.View {
	offer := &catalog.Offer{VariantID: lineID, ProductID: thing, SKU: "MUG-01", Title: "A mug " + canary, OnSale: true, Priced: true, Unit: 1000, Regular: 1200}
	return cart.View{
		ID: thing, Status: cart.Active, Version: 7, Currency: "EUR", Locale: "hy", Count: 5, Codes: []string{"WELCOME10"}, CreatedAt: noon, UpdatedAt: noon, ExpiresAt: noon,
		Lines: []cart.ViewLine{
			{ID: lineID, Offer: offer, Quantity: 3, Counted: 2, Left: 2, Problem: cart.OnlyLeft, Total: pricing.LineTotal{Subtotal: 2000, Discount: -200, Total: 1800}},
			{ID: thing, Quantity: 2, Problem: cart.NoLongerSold},
		},
		Totals: pricing.Result{
			Currency: "EUR", PricesIncludeTax: true, Subtotal: 2000, Discount: -200, Total: 1800,
			Discounts: []pricing.Outcome{
				{Code: "WELCOME10", Name: map[string]string{"en": "Welcome"}, Amount: -200, Applied: true},
				{Code: "BIG", Reason: pricing.ReasonMinimum},
			},
			Offers: []pricing.Offer{{Name: map[string]string{"en": "More"}, MissingAmount: 500, Saving: 300}},
		},
	}
}

func (f fakeCarts) Create(_ context.Context, m uuid.UUID, q cart.NewCart) (*cart.View, error) {
	if err := f.see("Create", m, true, nil, q); err != nil {
		return nil, err
	}
	return &cart.View{ID: lineID, Secret: "new-secret", Status: cart.Active, Version: 1, Currency: "EUR", Locale: "en"}, nil
}

func (f fakeCarts) View(_ context.Context, a cart.Access, id uuid.UUID) (*cart.View, error) {
	return f.cart("View", &a, id, false, a)
}

func (f fakeCarts) Summary(_ context.Context, a cart.Access, id uuid.UUID) (*cart.Summary, error) {
	if _, err := f.cart("Summary", &a, id, false, a); err != nil {
		return nil, err
	}
	return &cart.Summary{ID: thing, Status: cart.Active, Version: 7, Currency: "EUR", Count: 5, Lines: 2, Problems: 1, Subtotal: 2000, Tag: `"7-active-2000-1"`}, nil
}

func (f fakeCarts) Delete(_ context.Context, a cart.Access, id uuid.UUID) error {
	_, err := f.cart("Delete", &a, id, true, a)
	return err
}

func (f fakeCarts) Add(_ context.Context, a cart.Access, id uuid.UUID, items []cart.Item) (*cart.View, error) {
	return f.cart("Add", &a, id, true, items)
}

func (f fakeCarts) SetQuantity(_ context.Context, a cart.Access, id, line uuid.UUID, quantity int64) (*cart.View, error) {
	if line != lineID {
		return nil, cart.ErrLine
	}
	return f.cart("SetQuantity", &a, id, true, quantity)
}

func (f fakeCarts) Remove(_ context.Context, a cart.Access, id, line uuid.UUID) (*cart.View, error) {
	if line != lineID {
		return nil, cart.ErrLine
	}
	return f.cart("Remove", &a, id, true, line)
}

func (f fakeCarts) Clear(_ context.Context, a cart.Access, id uuid.UUID) (*cart.View, error) {
	return f.cart("Clear", &a, id, true, a)
}

func (f fakeCarts) Undo(_ context.Context, a cart.Access, id uuid.UUID) (*cart.View, error) {
	return f.cart("Undo", &a, id, true, a)
}

func (f fakeCarts) AddCode(_ context.Context, a cart.Access, id uuid.UUID, code string) (*cart.View, error) {
	return f.cart("AddCode", &a, id, true, a.IP+" "+code)
}

func (f fakeCarts) RemoveCode(_ context.Context, a cart.Access, id uuid.UUID, code string) (*cart.View, error) {
	return f.cart("RemoveCode", &a, id, true, code)
}

func (f fakeCarts) Merge(_ context.Context, a cart.Access, id, source uuid.UUID, secret string) (*cart.View, error) {
	return f.cart("Merge", &a, id, true, source.String()+" "+secret)
}

type fakeCheckouts struct{ *shop }

func (f fakeCheckouts) view(method string, who checkout.Access, id uuid.UUID, write bool, given any) (*checkout.View, error) {
	if err := f.known(method, who.Merchant, id, write, checkout.ErrNotFound, given); err != nil {
		return nil, err
	}
	return &checkout.View{ID: thing, Status: checkout.Ready, Version: 2, Currency: "EUR", Locale: "en", Contact: customer.Contact{Email: canary + "@example.com"}}, nil
}

func (f fakeCheckouts) Start(_ context.Context, q checkout.Request) (*checkout.View, error) {
	if err := f.see("Start", q.Merchant, true, nil, q); err != nil {
		return nil, err
	}
	return &checkout.View{ID: lineID, Secret: "new-secret", Status: checkout.Incomplete, Version: 1, Currency: "EUR", Locale: "en"}, nil
}

func (f fakeCheckouts) View(_ context.Context, who checkout.Access, id uuid.UUID) (*checkout.View, error) {
	return f.view("ViewCheckout", who, id, false, nil)
}

func (f fakeCheckouts) Change(_ context.Context, who checkout.Access, id uuid.UUID, form checkout.Form) (*checkout.View, error) {
	return f.view("Change", who, id, true, form)
}

func (f fakeCheckouts) Complete(_ context.Context, c checkout.Completion) (checkout.Outcome, error) {
	if err := f.known("Complete", c.Who.Merchant, c.Checkout, true, checkout.ErrNotFound, c); err != nil {
		return checkout.Outcome{}, err
	}
	return checkout.Outcome{Order: theOrder()}, nil
}

func (f fakeCheckouts) Cancel(_ context.Context, who checkout.Access, id uuid.UUID, reason string) (*checkout.View, error) {
	return f.view("CancelCheckout", who, id, true, reason)
}

type fakeOrders struct{ *shop }

func theOrder() *order.Order {
	am := "AM"
	return &order.Order{
		MerchantID: merchant, ID: thing, Number: goodNumber, CheckoutID: lineID, ContactID: lineID, Status: order.StatusConfirmed, PaymentStatus: "paid",
		FulfillmentStatus: "unfulfilled", Source: "checkout", PaymentMethod: "card", Currency: "EUR", Locale: "hy", Country: &am, PricesIncludeTax: true,
		Subtotal: 2000, Discount: -200, Shipping: 500, Tax: 383, Total: 2300, Version: 4, PlacedAt: noon, UpdatedAt: noon, CancelReason: canary,
		ShippingOption: json.RawMessage(`{"id":"standard","name":"Standard","price":500}`), Discounts: json.RawMessage(`[]`),
		Lines: []order.Line{{
			ID: lineID, ProductID: thing, VariantID: thing, SKU: "=MUG-01", Title: "A mug", Quantity: 2, Unit: 1000, Subtotal: 2000, Discount: -200, Total: 1800,
			OptionValues: json.RawMessage(`[{"name":"Size","value":"M"}]`), Taxes: json.RawMessage(`[]`),
		}},
	}
}

func (f fakeOrders) Numbers(_ context.Context, m uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	if err := f.see("Numbers", m, false, nil, ids); err != nil || m != merchant {
		return nil, err
	}
	return map[uuid.UUID]string{thing: goodNumber}, nil
}

func (f fakeOrders) List(_ context.Context, m uuid.UUID, filter order.Filter, cursor string, limit int, _ bool) (order.Page, error) {
	if err := f.see("List", m, false, nil, filter); err != nil || m != merchant {
		return order.Page{}, err
	}
	if cursor == "room-cursor" {
		return order.Page{Orders: []order.Order{}}, nil
	}
	if limit < 1 || limit > order.MaxPage {
		return order.Page{}, fmt.Errorf("a page of %d", limit)
	}
	return order.Page{Orders: []order.Order{*theOrder()}, Next: "room-cursor"}, nil
}

func (f fakeOrders) Order(_ context.Context, m, id uuid.UUID) (*order.Order, error) {
	if err := f.known("Order", m, id, false, order.ErrNotFound, nil); err != nil {
		return nil, err
	}
	return theOrder(), nil
}

func (f fakeOrders) Timeline(_ context.Context, m, id uuid.UUID) ([]order.Event, error) {
	if !f.has("Timeline", m, id) {
		return nil, nil
	}
	return []order.Event{{ID: lineID, Type: "order.placed", Data: json.RawMessage(`{"number":"` + goodNumber + `"}`), Actor: "system", At: noon}}, nil
}

func (f fakeOrders) Cancel(_ context.Context, m, id uuid.UUID, why, actor string) (*order.Order, error) {
	if err := f.known("Cancel", m, id, true, order.ErrNotFound, why+" by "+actor); err != nil {
		return nil, err
	}
	o := theOrder()
	o.Status, o.CancelReason, o.Version = order.StatusCanceled, why, 5
	return o, nil
}

func (f fakeOrders) CancelLines(_ context.Context, m, id uuid.UUID, n order.LineCancel, actor string) (*order.Order, error) {
	if err := f.known("CancelLines", m, id, true, order.ErrNotFound, n.Reason+" by "+actor); err != nil {
		return nil, err
	}
	if n.Base != 0 && n.Base != theOrder().Version {
		return nil, order.ErrVersion
	}
	o := theOrder()
	o.Version = 5
	return o, nil
}

func (f fakeOrders) CaptureDue(_ context.Context, m, id uuid.UUID) (*payment.Payment, error) {
	return fakePayments(f).one("Capture", m, id, true, int64(0))
}

func (f fakeOrders) Refund(_ context.Context, m, id uuid.UUID, n order.NewRefund) ([]payment.Refund, error) {
	if err := f.known("Refund", m, id, true, order.ErrNotFound, n); err != nil {
		return nil, err
	}
	return []payment.Refund{theRefund()}, nil
}

func (f fakeOrders) Ship(_ context.Context, m, id uuid.UUID, n order.NewShipment) (*shipping.Shipment, error) {
	if err := f.known("Ship", m, id, true, order.ErrNotFound, n); err != nil {
		return nil, err
	}
	s := theShipment()
	return &s, nil
}

func (f fakeOrders) ByNumberAndEmail(_ context.Context, m uuid.UUID, number, email, ip string) (*order.Order, error) {
	err := f.see("ByNumberAndEmail", m, false, order.ErrNotFound, ip)
	if err == nil && (number != goodNumber || email != "ani@example.com") {
		err = order.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return theOrder(), nil
}

func (f fakeOrders) Track(ctx context.Context, token string) (*order.Tracking, error) {
	if token != goodToken {
		return nil, customer.ErrLinkInvalid
	}
	return f.TrackOrder(ctx, theOrder())
}

func (f fakeOrders) TrackOrder(_ context.Context, o *order.Order) (*order.Tracking, error) {
	from, to := noon.AddDate(0, 0, -3), noon.AddDate(0, 0, -1)
	return &order.Tracking{
		MerchantID: o.MerchantID, OrderID: o.ID, Number: o.Number, Status: o.Status, PaymentStatus: o.PaymentStatus, FulfillmentStatus: o.FulfillmentStatus,
		Locale: o.Locale, PlacedAt: o.PlacedAt, Currency: o.Currency, Total: o.Total, Lines: o.Lines,
		Option: order.ShippingOption{Name: "Standard", From: &from, To: &to}, Shipments: []shipping.Shipment{theShipment()},
	}, nil
}

type fakeContacts struct{ *shop }

func (f fakeContacts) Contact(_ context.Context, m, _ uuid.UUID) (customer.Contact, error) {
	if err := f.see("Contact", m, false, customer.ErrContactGone, nil); err != nil {
		return customer.Contact{}, err
	}
	return customer.Contact{Name: "Ani", Email: canary + "@example.com", Shipping: &customer.Address{Line1: "Abovyan 12", Country: "AM"}}, nil
}

type fakePayments struct{ *shop }

func thePayment() *payment.Payment {
	gateway := "sb_1"
	return &payment.Payment{
		MerchantID: merchant, ID: thing, CheckoutID: lineID, OrderID: &thing, Attempt: 1, Method: payment.Card, Provider: "sandbox", GatewayKey: "hidden-key",
		RequestKey: "hidden-key", GatewayID: &gateway, Status: payment.Captured, AmountMinor: 2300, CapturedMinor: 2300, Currency: "EUR", Reference: canary,
		Version: 3, CreatedAt: noon, UpdatedAt: noon,
	}
}

func theRefund() payment.Refund {
	return payment.Refund{
		MerchantID: merchant, ID: lineID, PaymentID: thing, OrderID: thing, Status: "succeeded", AmountMinor: 900, Currency: "EUR", Reason: canary,
		Lines: []byte(`[{"line_id":"` + lineID.String() + `","quantity":1,"amount":900}]`), GatewayKey: "hidden-key", CreatedAt: noon, UpdatedAt: noon,
	}
}

func (f fakePayments) one(method string, m, id uuid.UUID, write bool, given any) (*payment.Payment, error) {
	if err := f.known(method, m, id, write, payment.ErrNotFound, given); err != nil {
		return nil, err
	}
	return thePayment(), nil
}

func (f fakePayments) Payment(_ context.Context, m, id uuid.UUID) (*payment.Payment, error) {
	return f.one("Payment", m, id, false, nil)
}

func (f fakePayments) OfOrder(_ context.Context, m, id uuid.UUID) ([]payment.Payment, error) {
	if !f.has("OfOrder", m, id) {
		return nil, nil
	}
	return []payment.Payment{*thePayment()}, nil
}

func (f fakePayments) RefundsOfOrder(_ context.Context, m, id uuid.UUID) ([]payment.Refund, error) {
	if !f.has("RefundsOfOrder", m, id) {
		return nil, nil
	}
	return []payment.Refund{theRefund()}, nil
}

func (f fakePayments) Capture(_ context.Context, m, id uuid.UUID, amount int64) (*payment.Payment, error) {
	return f.one("Capture", m, id, true, amount)
}

func (f fakePayments) Void(_ context.Context, m, id uuid.UUID) (*payment.Payment, error) {
	return f.one("Void", m, id, true, nil)
}
