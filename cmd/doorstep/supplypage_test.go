package main

import (
	"strings"
	"testing"
)

// TestASupplierAnswersOnThePageOfItsMail accepts a purchase order by the link of
// the mail, tells of a parcel, and the buyer's order follows.
func TestASupplierAnswersOnThePageOfItsMail(t *testing.T) {
	t.Parallel()
	p := shared(t)
	s := p.pottery(t, nil)
	placed := s.buy(t, "cash_on_delivery", "", item(s.sku, 2))
	order := placed.text("order.id")
	link := strings.TrimPrefix(s.link(t, 1), "/v1")
	e := newEyes(t, p.url, "en")
	e.open(link)
	e.sees("Please say whether you will send this.")
	e.sees("Abovyan 12")
	e.look("supply-sent")
	e.click(`button[value=accept]`)
	e.sees("You have accepted it.")
	e.fill(`input[name^="q-"]`, "5")
	e.fill("#carrier", "haypost")
	e.fill("#tracking_number", "RR123456785AM")
	e.click(`input[name=do][value=ship] ~ button`)
	e.until("the refusal stands in the form", `document.querySelector("[role=alert]") && document.querySelector("#tracking_number").value === "RR123456785AM"`)
	e.look("supply-refused")
	e.fill(`input[name^="q-"]`, "1")
	e.click(`input[name=do][value=ship] ~ button`)
	e.sees("Something has left, the rest is still to be sent.")
	if sent := p.order(t, order); sent.text("shipments.0.tracking_number") != "RR123456785AM" || sent.text("fulfillment_status") != "partial" {
		t.Errorf("the order is %v", sent)
	}
	for _, lang := range []string{"hy", "km"} {
		e.open(link + "?lang=" + lang)
		e.lookAt("supply-"+lang, "light", 360)
	}
	e.open(link[:len(link)-2] + "AA")
	e.look("supply-gone")
}
