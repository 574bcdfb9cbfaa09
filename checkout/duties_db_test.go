package checkout_test

import (
	"testing"

	"doorstep/checkout"
	"doorstep/internal/fault"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping/policy"
)

// across is a world whose shop sells from Armenia at 5.00 EUR delivery, on these
// terms; duty is a tenth of the goods, tax a fifth of all.
func across(t *testing.T, term string) *world {
	t.Helper()
	w := newWorld(t)
	w.terms(t, term, "2000")
	v := w.product("MUG", 10)
	w.exec(`update variants set hs_code = '691200', origin_country = 'AM' where merchant_id = $1 and id = $2`, w.merchant, v)
	return w
}

func (w *world) terms(t *testing.T, term, tax string) {
	t.Helper()
	p, err := policy.Load([]byte(`{"currency":"EUR","origins":[{"id":"YVN","kind":"warehouse","country":"AM","timezone":"Asia/Yerevan"}],
		"methods":[{"id":"post","name":"Post","price":{"type":"flat","amount":500}}],
		"incoterm":"` + term + `","duty_bps":{"691200":1000},"dest_vat_bps":{"RS":` + tax + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	w.rules.Policy = p
	w.exec(`update merchants set config_version = config_version + 1 where id = $1`, w.merchant)
}

func (w *world) toSerbia(t *testing.T) *checkout.View {
	t.Helper()
	f := form()
	f.Shipping.City, f.Shipping.Country, f.Shipping.Postcode = "Beograd", "RS", "11000"
	v, err := w.svc.Start(t.Context(), checkout.Request{Merchant: w.merchant, Items: []checkout.Item{{SKU: "MUG", Quantity: 2}}, Locale: "en", Form: f})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAnOrderThatIsDeliveredDutyPaidPaysDutyAndTax(t *testing.T) {
	t.Parallel()
	w := across(t, "DDP")
	v := w.toSerbia(t)
	// goods 20.00, delivery 5.00, duty 2.00, and 20 % tax on those 27.00
	if v.Totals.Duties != 740 || v.Totals.Total != 3240 || v.Totals.Shipping != 500 || v.Due != 3240 {
		t.Fatalf("%+v", v.Totals)
	}
	if b := v.Borders[0]; b == nil || *b != (order.Border{Incoterm: "DDP", Duty: 200, Tax: 540}) {
		t.Fatalf("%+v", b)
	}
	for _, m := range v.Methods {
		if m.Total != 3240+m.Fee {
			t.Errorf("%s costs %d", m.Method, m.Total)
		}
	}
	before := w.trips.Load()
	out, err := w.pay(v, "k1", payment.Card, "tok_visa")
	if err != nil {
		t.Fatal(err)
	}
	if n := w.trips.Load() - before; n != 3 {
		t.Errorf("paying took %d round trips", n)
	}
	o, err := w.orders.Order(t.Context(), w.merchant, out.Order.ID)
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := o.Delivery()
	if err != nil || o.Duties != 740 || o.Total != 3240 || chosen.Border == nil || chosen.Border.Tax != 540 {
		t.Errorf("the order keeps %d of %d, %+v, %v", o.Duties, o.Total, chosen.Border, err)
	}
	// A part gives no duty back; everything does.
	if _, err := w.payments.Capture(t.Context(), w.merchant, out.PaymentID, 3240); err != nil {
		t.Fatal(err)
	}
	part, err := w.orders.Refund(t.Context(), w.merchant, o.ID, order.NewRefund{Lines: []order.LineQuantity{{LineID: o.Lines[0].ID, Quantity: 1}}})
	if err != nil || len(part) != 1 || part[0].AmountMinor != 1000 {
		t.Fatalf("%+v, %v", part, err)
	}
	rest, err := w.orders.Refund(t.Context(), w.merchant, o.ID, order.NewRefund{})
	if err != nil || len(rest) != 1 || rest[0].AmountMinor != 2240 {
		t.Fatalf("%+v, %v", rest, err)
	}
}

func TestDutyThatHasChangedIsShownBeforeItIsPaid(t *testing.T) {
	t.Parallel()
	w := across(t, "DDP")
	v := w.toSerbia(t)
	w.terms(t, "DDP", "1000")
	_, err := w.pay(v, "k1", payment.Card, "tok_visa")
	if !fault.Is(err, checkout.ErrTotalChanged) {
		t.Fatalf("want total_changed, got %v", err)
	}
	if n := w.count(`select count(*) from orders where merchant_id = $1`, w.merchant); n != 0 {
		t.Errorf("%d orders", n)
	}
}

func TestDutyThatIsDueOnDeliveryIsToldAndNotCharged(t *testing.T) {
	t.Parallel()
	w := across(t, "DAP")
	v := w.toSerbia(t)
	if v.Totals.Duties != 0 || v.Totals.Total != 2500 || v.Borders[0] == nil || *v.Borders[0] != (order.Border{Incoterm: "DAP", Duty: 200, Tax: 540}) {
		t.Fatalf("%+v, %+v", v.Totals, v.Borders[0])
	}
	out, err := w.pay(v, "k1", payment.Card, "tok_visa")
	if err != nil {
		t.Fatal(err)
	}
	o, err := w.orders.Order(t.Context(), w.merchant, out.Order.ID)
	if err != nil || o.Duties != 0 || o.Total != 2500 {
		t.Fatalf("%+v, %v", o, err)
	}
	if chosen, err := o.Delivery(); err != nil || chosen.Border == nil || chosen.Border.Incoterm != "DAP" {
		t.Errorf("%+v, %v", chosen, err)
	}
}

func TestAShopThatTaxesTheSaleItselfChargesDutyAlone(t *testing.T) {
	t.Parallel()
	w := across(t, "DDP")
	w.exec(`insert into tax_rates (merchant_id, id, name, class, country, rate_bps, created_at, updated_at)
		values ($1, gen_random_uuid(), 'PDV', 'standard', 'RS', 2000, $2, $2)`, w.merchant, start)
	v := w.toSerbia(t)
	if v.Totals.Tax == 0 || v.Totals.Duties != 200 || v.Totals.Total != 2700 || v.Borders[0].Tax != 0 {
		t.Fatalf("%+v, %+v", v.Totals, v.Borders[0])
	}
}

func TestNothingIsDueWhereNoBorderIsCrossed(t *testing.T) {
	t.Parallel()
	w := across(t, "DDP")
	v := w.start(checkout.Item{SKU: "MUG", Quantity: 1}) // to Yerevan
	if v.Totals.Duties != 0 || v.Totals.Total != 1500 || v.Borders[0] != nil {
		t.Fatalf("%+v, %+v", v.Totals, v.Borders[0])
	}
}
