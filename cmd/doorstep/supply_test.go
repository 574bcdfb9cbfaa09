package main

import (
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/id"
	"doorstep/order"
)

// pottery is a supplier with something that only it has.
type pottery struct {
	*program
	staff          *program
	id, email, sku string
	location       string
}

func (p *program) pottery(t *testing.T, change m) *pottery {
	t.Helper()
	code := "pottery-" + strings.ToLower(id.Secret(6))
	s := &pottery{program: p, staff: p.admin(), email: code + "@supplier.example"}
	body := m{
		"code": code, "name": "Pottery " + code, "email": s.email, "currency": "USD", "language": "en", "returns_to": "supplier",
		"calendar":       m{"country": "KH", "timezone": "Asia/Phnom_Penh", "workdays": []int{1, 2, 3, 4, 5, 6, 7}, "handling_days": 2},
		"return_address": m{"name": "Returns", "line1": "Street 60", "city": "Siem Reap", "postcode": "171201", "country": "KH"},
	}
	for k, v := range change {
		body[k] = v
	}
	made := s.staff.post(t, "/v1/suppliers", body).want(t, http.StatusCreated)
	s.id, s.location = made.text("id"), code
	s.sku, _ = p.product(t, "Clay jar "+id.Secret(4), 2000, 0)
	s.staff.post(t, "/v1/stock/adjustments", m{"adjustments": []m{{"sku": s.sku, "location": code, "set_to": 9, "reason": "stated"}}}).want(t, http.StatusOK)
	s.staff.do(t, http.MethodPut, "/v1/suppliers/"+s.id+"/items", m{"items": []m{{"sku": s.sku, "supplier_sku": "JAR-7", "unit_cost": 450}}}).want(t, http.StatusOK)
	return s
}

// asked waits until the purchase order of an order stands so.
func (s *pottery) asked(t *testing.T, order, status string) reply {
	t.Helper()
	var found reply
	until(t, patience, "a purchase order that is "+status, func() (bool, any) {
		all := s.staff.get(t, "/v1/supplier-orders?order_id="+order).want(t, http.StatusOK)
		if len(all.list("data")) != 1 {
			return false, all
		}
		found = s.staff.get(t, "/v1/supplier-orders/"+all.text("data.0.id")).want(t, http.StatusOK)
		return found.text("status") == status, found
	})
	return found
}

var supplyLink = regexp.MustCompile(`/supply/[A-Za-z0-9_-]+`)

// link is the one in the newest mail to the supplier, which has got so many.
func (s *pottery) link(t *testing.T, mails int) string {
	t.Helper()
	var link string
	until(t, patience, "mails to the supplier", func() (bool, any) {
		all := s.inbox(t, s.email)
		if len(all) == mails {
			link = "/v1" + supplyLink.FindString(all[len(all)-1].Text)
		}
		return link > "/v1", len(all)
	})
	return link
}

// TestWhatASupplierShipsReachesTheBuyersTrackingPage takes an order from the
// shop to the supplier's mail, its answer, its parcels and back again.
func TestWhatASupplierShipsReachesTheBuyersTrackingPage(t *testing.T) {
	t.Parallel()
	s := shared(t).pottery(t, nil)
	placed := s.buy(t, "card", "tok_visa", item(s.sku, 3))
	order, line := placed.text("order.id"), placed.text("order.line_items.0.id")
	po := s.asked(t, order, "sent")
	if po.number("lines.0.quantity") != 3 || po.text("lines.0.supplier_sku") != "JAR-7" || po.number("cost.amount") != 1350 || po.text("ship_to.city") != "Yerevan" {
		t.Fatalf("the purchase order is %v", po)
	}
	link := s.link(t, 1)
	letter := s.inbox(t, s.email)[0]
	for _, says := range []string{po.text("number"), "JAR-7", "Yerevan", "3 × Clay jar"} {
		if !strings.Contains(letter.Text, says) {
			t.Errorf("the mail to the supplier lacks %q:\n%s", says, letter.Text)
		}
	}
	by := func(step string, body any, status int, code ...string) reply {
		t.Helper()
		return s.post(t, link+step, body, "Authorization", "", "Idempotency-Key", id.Secret(12)).want(t, status, code...)
	}
	for range 2 { // whoever looks changes nothing
		if seen := s.get(t, link, "Authorization", "").want(t, http.StatusOK); seen.text("status") != "sent" || seen.text("ship_to.city") != "Yerevan" {
			t.Errorf("the supplier sees %v", seen)
		}
	}
	by("/accept", nil, http.StatusOK)
	by("/accept", nil, http.StatusConflict, "supplier_order_state")
	by("/ship", m{"lines": []m{{"line_id": line, "quantity": 4}}}, http.StatusConflict, "ship_exceeds_purchase_order")
	by("/ship", m{"lines": []m{{"line_id": id.New(), "quantity": 1}}}, http.StatusUnprocessableEntity, "supplier_order_line_unknown")
	s.post(t, link[:len(link)-2]+"AA/accept", nil, "Authorization", "").want(t, http.StatusNotFound, "link_invalid")
	if v := s.asked(t, order, "accepted").number("version"); v != s.asked(t, order, "accepted").number("version") {
		t.Error("what was refused has changed something")
	}
	s.staff.post(t, "/v1/orders/"+order+"/shipments", m{}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusConflict, "nothing_left_to_ship")

	number, key := "KH"+id.Secret(8), id.Secret(12)
	for range 2 { // the answer may have been lost
		s.post(t, link+"/ship", m{"carrier": "cambodiapost", "tracking_number": number, "lines": []m{{"line_id": line, "quantity": 2}}}, "Authorization", "", "Idempotency-Key", key).want(t, http.StatusOK)
	}
	if part := s.asked(t, order, "shipped"); part.number("lines.0.shipped") != 2 || len(part.list("shipment_ids")) != 1 {
		t.Errorf("after the first parcel: %v", part)
	}
	page := "/v1/track/" + path.Base(placed.text("order.tracking_url"))
	seen := s.get(t, page, "Authorization", "").want(t, http.StatusOK)
	if seen.text("fulfillment_status") != "partial" || seen.text("shipments.0.tracking_number") != number || seen.text("shipments.0.carrier") != "cambodiapost" || seen.text("shipments.0.status") != "shipped" {
		t.Errorf("the buyer sees %v", seen)
	}
	s.staff.post(t, "/v1/supplier-orders/"+po.text("id")+"/ship", m{"carrier": "cambodiapost"}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusOK)
	s.asked(t, order, "completed")
	if seen := s.get(t, page, "Authorization", "").want(t, http.StatusOK); seen.text("fulfillment_status") != "fulfilled" || len(seen.list("shipments")) != 2 {
		t.Errorf("the buyer sees %v", seen)
	}
	if over := s.get(t, link, "Authorization", "").want(t, http.StatusOK); over.at("ship_to") != nil {
		t.Errorf("the supplier still sees where the buyer lives: %v", over)
	}
	s.returned(t, order, line)
}

// returned sends something back, which goes to the supplier.
func (s *pottery) returned(t *testing.T, order, line string) {
	t.Helper()
	back := s.staff.post(t, "/v1/orders/"+order+"/returns", m{"lines": []m{{"line_id": line, "quantity": 1, "reason": "unwanted"}}, "ignore_window": true}, "Idempotency-Key", id.Secret(12)).
		want(t, http.StatusCreated)
	if back.text("return_to.0.address.city") != "Siem Reap" || back.text("return_to.0.line_ids.0") != line {
		t.Errorf("the return goes to %v", back)
	}
	s.staff.do(t, http.MethodPatch, "/v1/suppliers/"+s.id, m{"returns_to": "shop"}).want(t, http.StatusOK)
	if kept := s.staff.get(t, "/v1/returns/"+back.text("id")).want(t, http.StatusOK); kept.at("return_to") != nil {
		t.Errorf("the return goes to %v", kept)
	}
}

// Whose order it was stands in the mails to the supplier too.
func TestWhatASupplierWasToldOfABuyerGoesWithThem(t *testing.T) {
	t.Parallel()
	s := shared(t).pottery(t, nil)
	c := s.post(t, "/v1/checkouts", form(item(s.sku, 1))).want(t, http.StatusCreated)
	placed := s.complete(t, c, id.Secret(12), paying(c, "card", "tok_visa")).want(t, http.StatusOK)
	s.asked(t, placed.text("order.id"), "sent")
	s.link(t, 1)
	if letter := s.inbox(t, s.email)[0]; !strings.Contains(letter.Text, "Abovyan 12") {
		t.Fatalf("the mail does not say where to: %s", letter.Text)
	}
	email := c.text("email")
	asked := s.post(t, "/v1/auth/codes", m{"email": email}).want(t, http.StatusAccepted)
	in := s.post(t, "/v1/auth/sessions", m{"request_id": asked.text("request_id"), "code": s.signInCode(t, email)}).want(t, http.StatusCreated)
	s.staff.post(t, "/v1/customers/"+in.text("customer_id")+"/erase", nil).want(t, http.StatusOK)
	if left := s.inbox(t, s.email); len(left) > 0 {
		t.Errorf("the supplier's mail still tells of the person: %+v", left)
	}
}

func TestASupplierIsToldOnceThatAnOrderIsOff(t *testing.T) {
	t.Parallel()
	s := shared(t).pottery(t, nil)
	placed := s.buy(t, "cash_on_delivery", "", item(s.sku, 2))
	order, line := placed.text("order.id"), placed.text("order.line_items.0.id")
	s.asked(t, order, "sent")
	link := s.link(t, 1)
	step := func(path string, body any) {
		t.Helper()
		s.staff.post(t, "/v1/orders/"+order+path, body, "Idempotency-Key", id.Secret(12)).want(t, http.StatusOK)
	}
	step("/cancel", m{"reason": "customer_request", "lines": []m{{"line_id": line, "quantity": 1}}})
	until(t, patience, "one unit less", func() (bool, any) {
		o := s.asked(t, order, "sent")
		return o.number("lines.0.open") == 1, o
	})
	step("/cancel", m{"reason": "customer_request"})
	s.asked(t, order, "canceled")
	s.post(t, link+"/ship", m{}, "Authorization", "", "Idempotency-Key", id.Secret(12)).want(t, http.StatusConflict, "supplier_order_state")
	until(t, patience, "three mails", func() (bool, any) { all := s.inbox(t, s.email); return len(all) == 3, all })
	if free := s.staff.get(t, "/v1/stock?sku="+s.sku+"&location="+s.location).want(t, http.StatusOK); free.number("data.0.free") != 9 {
		t.Errorf("the supplier's stock is %v", free)
	}
}

func TestWhatASupplierRefusesIsTheShopsAgain(t *testing.T) {
	t.Parallel()
	s := shared(t).pottery(t, m{"language": "km"})
	placed := s.buy(t, "cash_on_delivery", "", item(s.sku, 1))
	order := placed.text("order.id")
	po := s.asked(t, order, "sent")
	link := s.link(t, 1)
	s.post(t, link+"/reject", m{"reason": " "}, "Authorization", "").want(t, http.StatusUnprocessableEntity, "supplier_order_reason")
	s.post(t, link+"/reject", m{"reason": "Sold out"}, "Authorization", "").want(t, http.StatusOK)
	if told := s.asked(t, order, "rejected"); told.text("reason") != "Sold out" {
		t.Errorf("the purchase order is %v", told)
	}
	s.staff.post(t, "/v1/supplier-orders/"+po.text("id")+"/accept", nil).want(t, http.StatusConflict, "supplier_order_state")
	story := s.order(t, order).String()
	if !strings.Contains(story, "supplier_order.rejected") {
		t.Errorf("the order does not tell of it: %s", story)
	}
	s.staff.post(t, "/v1/orders/"+order+"/shipments", m{"carrier": "haypost"}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusCreated)
}

func TestTheSuppliersCalendarIsInThePromise(t *testing.T) {
	t.Parallel()
	s := shared(t).pottery(t, m{"calendar": m{"country": "KH", "timezone": "Asia/Phnom_Penh", "handling_days": 30}})
	quick, _ := s.product(t, "Quick jar", 2000, 5)
	until := func(sku string) time.Time {
		t.Helper()
		c := s.post(t, "/v1/checkouts", form(item(sku, 1))).want(t, http.StatusCreated)
		day, err := time.Parse(time.DateOnly, c.text("shipping_options.0.estimated_delivery.to"))
		if err != nil {
			t.Fatalf("%v: %v", err, c)
		}
		return day
	}
	if shop, theirs := until(quick), until(s.sku); theirs.Sub(shop) < 25*24*time.Hour {
		t.Errorf("from the shop by %s, from the supplier by %s", shop, theirs)
	}
}

func TestALabelLeadsToWhoTakesTheGoodsBack(t *testing.T) {
	t.Parallel()
	lines := []order.ReturnLine{{LineID: id.New()}, {LineID: id.New()}}
	potter := order.ReturnPlace{Name: "Pottery", Address: customer.Address{Line1: "Street 60", City: "Siem Reap", Country: "KH"}, Lines: []uuid.UUID{lines[0].LineID, lines[1].LineID}}
	if to, split := takenBackBy(&order.Return{Lines: lines}); to != nil || split {
		t.Errorf("to the shop: %v %v", to, split)
	}
	if to, split := takenBackBy(&order.Return{Lines: lines, Places: []order.ReturnPlace{potter}}); split || to == nil || to.Name != "Pottery" || to.City != "Siem Reap" || to.Country != "KH" {
		t.Errorf("to the supplier: %v %v", to, split)
	}
	potter.Lines = potter.Lines[:1]
	if to, split := takenBackBy(&order.Return{Lines: lines, Places: []order.ReturnPlace{potter}}); to != nil || !split {
		t.Errorf("to both: %v %v", to, split)
	}
}
