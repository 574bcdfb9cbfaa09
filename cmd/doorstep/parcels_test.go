package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/id"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/fake"
)

// linked is an account of the shop with a carrier that is played beside it.
func (p *program) linked(t *testing.T, server *fake.Server, at, vendor string) (account string) {
	t.Helper()
	v, _ := fake.Played(vendor)
	credentials := m{}
	for _, c := range v.Credentials {
		credentials[c.Name] = c.Value
	}
	if server.World(vendor) == nil {
		t.Fatalf("nobody plays %s", vendor)
	}
	return p.admin().post(t, "/v1/carrier-accounts", m{
		"carrier": vendor, "code": vendor + "-" + strings.ToLower(id.Secret(4)), "base_url": at + "/" + vendor, "credentials": credentials,
		"ship_from": m{"company": "Shop", "line1": "417 Montgomery Street", "city": "San Francisco", "region": "CA", "postcode": "94104", "country": "US", "phone": "+14155550100"},
	}).want(t, http.StatusCreated).text("id")
}

// played is a server that plays carriers beside the shop, and the shop's account
// with one of them.
func (p *program) played(t *testing.T) (carriers *fake.Server, account string) {
	t.Helper()
	carriers = fake.New(&clock.System{})
	web := httptest.NewServer(carriers)
	t.Cleanup(web.Close)
	return carriers, p.linked(t, carriers, web.URL, "easypost")
}

// stepper makes calls of the staff that each have a key of their own, and that are
// answered as they should be.
func (p *program) stepper(t *testing.T) func(path string, body any, status int, code ...string) reply {
	return func(path string, body any, status int, code ...string) reply {
		t.Helper()
		return p.admin().post(t, path, body, "Idempotency-Key", id.Secret(12)).want(t, status, code...)
	}
}

// TestAParcelGoesFromItsLabelToTheDoor buys a label with the parcel, though the
// carrier's first answer is lost, hears the carrier's webhooks out of order and
// twice, and sees the order, its page and the mails follow.
func TestAParcelGoesFromItsLabelToTheDoor(t *testing.T) {
	t.Parallel()
	p := shared(t)
	carriers, account := p.played(t)
	sku, _ := p.product(t, "Test kettle "+id.Secret(4), 4200, 5)
	wanted := form(item(sku, 2))
	buyer := wanted["email"].(string)
	c := p.post(t, "/v1/checkouts", wanted).want(t, http.StatusCreated)
	placed := p.complete(t, c, id.Secret(12), paying(c, "card", "tok_visa")).want(t, http.StatusOK)
	order := placed.text("order.id")
	p.becomes(t, order, "payment_status", "paid")
	staff := p.admin()

	wish := m{"buy_label": m{"account_id": account, "service": "USPS.PriorityMailInternational", "format": "zpl"}}
	carriers.Break(fake.Fault{Vendor: "easypost", Call: "buy", Name: fake.ServerError, Times: 1})
	key := id.Secret(12)
	parcel := staff.post(t, "/v1/orders/"+order+"/shipments", wish, "Idempotency-Key", key).want(t, http.StatusCreated)
	path := "/v1/shipments/" + parcel.text("id")
	until(t, patience, "the label", func() (bool, any) {
		parcel = staff.get(t, path).want(t, http.StatusOK)
		return parcel.text("tracking_number") != "", parcel
	})
	number := parcel.text("tracking_number")
	if made := carriers.World("easypost").Parcels(); len(made) != 1 || made[0].Number != number || made[0].To.City != "Yerevan" {
		t.Fatalf("the carrier made %+v", made)
	}
	label := staff.get(t, path+"/label").want(t, http.StatusOK)
	if !bytes.HasPrefix(label.body, []byte("^XA")) {
		t.Errorf("the label is %.40q", label.body)
	}
	listed := staff.get(t, "/v1/labels?shipment_id="+parcel.text("id")).want(t, http.StatusOK)
	if listed.text("data.0.status") != "bought" || listed.text("data.0.documents.0.media_type") != "application/zpl" || listed.number("data.0.cost.amount") <= 0 {
		t.Errorf("%v", listed)
	}
	staff.post(t, path+"/label", wish["buy_label"], "Idempotency-Key", id.Secret(12)).want(t, http.StatusConflict, "label_exists")

	var hooks []*fake.Webhook
	for _, status := range []carrier.Status{carrier.StatusPickedUp, carrier.StatusDelayed, carrier.StatusOutForDelivery, carrier.StatusDelivered} {
		hook, err := carriers.Advance("easypost", number, status)
		if err != nil || hook == nil {
			t.Fatal(err)
		}
		hooks = append(hooks, hook)
	}
	tell := func(hook *fake.Webhook) reply {
		t.Helper()
		var headers []string
		for name := range hook.Header {
			headers = append(headers, name, hook.Header.Get(name))
		}
		return p.post(t, "/webhooks/carriers/easypost", hook.Body, append(headers, "Authorization", "")...)
	}
	forged := &fake.Webhook{Header: hooks[0].Header, Body: bytes.Replace(hooks[0].Body, []byte("USPS"), []byte("UPSS"), 1)}
	tell(forged).want(t, http.StatusUnauthorized, "carrier_webhook_signature")
	tell(hooks[1]).want(t, http.StatusOK) // late, and it holds what came before
	until(t, patience, "the delay", func() (bool, any) {
		parcel = staff.get(t, path).want(t, http.StatusOK)
		return parcel.text("tracking_status") == "delivery_delayed", parcel
	})
	for _, i := range []int{3, 0, 2, 1, 3} {
		tell(hooks[i]).want(t, http.StatusOK)
	}
	p.becomes(t, order, "fulfillment_status", "delivered")
	until(t, patience, "the mails", func() (bool, any) {
		kinds := map[string]int{}
		for _, got := range p.inbox(t, buyer) {
			kinds[got.Kind]++
			if got.Kind == "shipped" && !strings.Contains(got.Text, number) {
				t.Errorf("the mail does not name the number: %s", got.Text)
			}
		}
		return kinds["shipped"] == 1 && kinds["delayed"] == 1 && kinds["delivered"] == 1, kinds
	})
	_, link, _ := strings.Cut(trackRoute(placed.text("order.tracking_url")), p.url)
	seen := p.get(t, link, "Authorization", "").want(t, http.StatusOK)
	if seen.text("shipments.0.status") != "delivered" || seen.text("shipments.0.tracking_number") != number || len(seen.list("shipments.0.events")) < 4 {
		t.Errorf("the buyer sees %v", seen)
	}
	parcel = staff.get(t, path).want(t, http.StatusOK)
	if !slices.ContainsFunc(parcel.list("events"), func(e any) bool { return e.(map[string]any)["code"] != nil }) {
		t.Errorf("the carrier's codes are lost: %v", parcel)
	}
	staff.post(t, path+"/label/void", nil).want(t, http.StatusConflict, "label_used")
}

// TestACanceledOrderCostsNoPostage cancels a parcel whose label was bought, and
// then its order: the carrier has its label back, and the buyer the money.
func TestACanceledOrderCostsNoPostage(t *testing.T) {
	t.Parallel()
	p := shared(t)
	carriers, account := p.played(t)
	sku, _ := p.product(t, "Test jug "+id.Secret(4), 4200, 5)
	order := p.buy(t, "card", "tok_visa", item(sku, 1)).text("order.id")
	p.becomes(t, order, "payment_status", "paid")
	staff := p.admin()
	step := p.stepper(t)
	parcel := step("/v1/orders/"+order+"/shipments", m{"buy_label": m{"account_id": account, "service": "USPS.PriorityMailInternational"}}, http.StatusCreated).text("id")
	step("/v1/orders/"+order+"/cancel", m{"reason": "changed my mind"}, http.StatusConflict)
	step("/v1/shipments/"+parcel+"/events", m{"status": "cancelled", "occurred_at": time.Now().UTC().Format(time.RFC3339)}, http.StatusOK)
	step("/v1/orders/"+order+"/cancel", m{"reason": "changed my mind"}, http.StatusOK)
	until(t, patience, "the label given back", func() (bool, any) {
		labels := staff.get(t, "/v1/labels?shipment_id="+parcel).want(t, http.StatusOK)
		made := carriers.World("easypost").Parcels()
		return labels.text("data.0.status") == "void" && len(made) == 1 && made[0].Voided, labels
	})
	p.becomes(t, order, "payment_status", "refunded")
}
