package web

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
)

// deskOrder is all that is known of an order, and what can be done about it.
type deskOrder struct {
	ID, Number  string
	States      []cell
	Facts       []cell
	Contact     []cell
	Address     []string
	Lines       []deskLine
	Sums        []cell
	Payments    tableView
	Refunds     tableView
	Parcels     []deskParcel
	After       []tableView
	Documents   []deskLink
	Events      []deskEvent
	Forms       []*formView
	Person      []*formView
	Answer      *answerView
	TrackingURL string
}

type deskLine struct {
	Title, SKU, Options, Image, Link string
	Quantity, Unit, Total            string
	States                           []string
}

type deskParcel struct {
	ID, Title, Carrier, Number string
	Status                     cell
	Lines                      []string
	Facts                      []cell
	Events                     []deskEvent
	Labels                     tableView
	Papers                     []deskLink
	Packing                    string
	Forms                      []*formView
}

type deskLink struct{ Text, Link, Note string }

type deskEvent struct{ Text, At, Note, Tone string }

func deskOrderPage(d *desk) error {
	about := d.Params("id")
	if !part.MatchString(about) {
		return problemOf(fiber.StatusNotFound, "not_found")
	}
	of, err := d.read("/v1/orders/"+about, nil)
	if err != nil {
		return err
	}
	carrierAccounts(d, of)
	of["now"] = d.now().Format("2006-01-02T15:04:05Z")
	v := deskOrder{ID: textAt(of, "id"), Number: textAt(of, "number"), TrackingURL: textAt(of, "tracking_url"), Answer: d.shown()}
	v.facts(d, of)
	v.lines(d, of)
	v.money(d, of)
	for _, one := range listAt(of, "shipments") {
		if parcel, ok := one.(doc); ok {
			v.Parcels = append(v.Parcels, d.parcel(parcel, of))
		}
	}
	v.after(d)
	for _, one := range listAt(of, "events") {
		v.Events = append(v.Events, deskOrderEvent(d.Lang, one))
	}
	slices.Reverse(v.Events)
	v.Forms = d.forms(orderOffers(of), about, of)
	if person := textAt(of, "customer_id"); person != "" {
		v.Person = d.forms([]string{"give-credit", "person", "forget"}, person, doc{"currency": of["currency"]})
	}
	return d.page("admin/order", v)
}

// orderOffers are the actions that make sense for an order as it stands; the
// first is the likeliest next step.
func orderOffers(of doc) []string {
	toShip, shipped, returned := int64(0), int64(0), int64(0)
	for _, one := range listAt(of, "line_items") {
		line, ok := one.(doc)
		if !ok {
			continue
		}
		left := numberAt(line, "quantity") - numberAt(line, "canceled") - numberAt(line, "shipped")
		line["to_ship"] = json.Number(strconv.FormatInt(max(0, left), 10))
		toShip += max(0, left)
		shipped += numberAt(line, "shipped")
		returned += numberAt(line, "returned")
	}
	var all []string
	state, paid := textAt(of, "status"), textAt(of, "payment_status")
	open := state == "pending" || state == "confirmed" || state == "on_hold"
	if state == "confirmed" && toShip > 0 {
		all = append(all, "ship")
		if accounts, _ := at(of, "choices.account_id").([]string); len(accounts) > 0 {
			all = append(all, "ship-label")
		}
	}
	if shipped > returned {
		all = append(all, "return", "exchange", "claim")
	}
	if paid == "paid" || paid == "partially_refunded" || paid == "partially_paid" {
		all = append(all, "refund")
	}
	if open && toShip > 0 {
		all = append(all, "edit", "address", "cancel-lines")
	}
	if open && shipped == 0 {
		all = append(all, "cancel")
	}
	return all
}

func (v *deskOrder) facts(d *desk, of doc) {
	write := func(columns []column) (all []cell) {
		for _, c := range columns {
			if w := c.write(d.Lang, of); w.Text != "" {
				all = append(all, w)
			}
		}
		return all
	}
	v.States = write([]column{{Name: "status", Kind: "badge", Words: "order_status."}, {Name: "payment_status", Kind: "badge", Words: "payment_status."}, {Name: "fulfillment_status", Kind: "badge", Words: "fulfillment_status."}})
	v.Facts = write([]column{
		{Name: "placed_at", Kind: "time"}, {Name: "payment_method", Kind: "word", Words: "payment_method."}, {Name: "delivery", Path: "shipping_option.name"},
		{Name: "estimated_delivery", Path: "shipping_option.estimated_delivery", Kind: "days"}, {Name: "locale", Kind: "word", Words: "web.admin.language."}, {Name: "source", Kind: "word", Words: "web.admin.code."},
		{Name: "cancel_reason"}, {Name: "canceled_at", Kind: "time"},
	})
	v.Contact = write([]column{
		{Name: "person", Path: "contact.name"}, {Name: "email", Path: "contact.email"}, {Name: "phone", Path: "contact.phone"}, {Name: "company", Path: "contact.company"}, {Name: "vat_id", Path: "contact.vat_id"}, {Name: "note", Path: "contact.note"},
	})
	for _, name := range []string{"name", "line1", "line2", "postcode", "city", "region"} {
		if text := textAt(of, "contact.shipping_address."+name); text != "" {
			v.Address = append(v.Address, text)
		}
	}
	if country := textAt(of, "contact.shipping_address.country"); country != "" {
		v.Address = append(v.Address, locale.Country(d.Lang, country))
	}
}

func (v *deskOrder) lines(d *desk, of doc) {
	for _, one := range listAt(of, "line_items") {
		l := deskLine{
			Title: textAt(one, "title"), SKU: textAt(one, "sku"), Image: textAt(one, "image"), Quantity: textAt(one, "quantity"),
			Unit: moneyAt(one, "unit_price").Text(d.Lang), Total: moneyAt(one, "total").Text(d.Lang),
		}
		if d.me.May("catalog:read") {
			l.Link = fill("/admin/products/{product_id}", one)
		}
		options := []string{}
		for _, o := range listAt(one, "options") {
			options = append(options, textAt(o, "value"))
		}
		l.Options = strings.Join(options, ", ")
		for _, state := range []string{"shipped", "canceled", "returned", "refunded"} {
			if n := numberAt(one, state); n > 0 {
				l.States = append(l.States, locale.T(d.Lang, "web.admin.line."+state, "count", locale.Number(d.Lang, n)))
			}
		}
		v.Lines = append(v.Lines, l)
	}
}

func (v *deskOrder) money(d *desk, of doc) {
	for _, name := range []string{"subtotal", "discount", "shipping", "duties", "tax", "total"} {
		if sum := moneyAt(of, "totals."+name); name == "total" || name == "subtotal" || !sum.Zero() {
			v.Sums = append(v.Sums, cell{Name: name, Text: sum.Text(d.Lang)})
		}
	}
	payments := listAt(of, "payments")
	v.Payments = d.table("payments", payments, []column{
		{Name: "method", Kind: "word", Words: "payment_method."}, {Name: "provider"}, {Name: "status", Kind: "badge", Words: "payment_state."}, {Name: "amount", Kind: "money"},
		{Name: "captured", Kind: "money"}, {Name: "refunded", Kind: "money"}, {Name: "capture_before", Kind: "time"}, {Name: "due_at", Kind: "time"}, {Name: "reference_text", Path: "reference"}, {Name: "failure_code", Kind: "word"},
	}, "")
	for n, one := range payments {
		payment, ok := one.(doc)
		if !ok {
			continue
		}
		amount, captured := moneyAt(payment, "amount"), moneyAt(payment, "captured")
		payment["to_capture"] = doc{"amount": json.Number(strconv.FormatInt(amount.Amount-captured.Amount, 10)), "currency": amount.Currency}
		payment["currency"] = amount.Currency
		for _, do := range []string{"capture", "void"} {
			if allowed(do, payment) {
				v.Payments.Rows[n].Forms = append(v.Payments.Rows[n].Forms, d.forms([]string{do}, textAt(payment, "id"), payment)...)
			}
		}
	}
	v.Refunds = d.table("refunds", listAt(of, "refunds"), []column{
		created, {Name: "amount", Kind: "money"}, {Name: "status", Kind: "badge", Words: "refund_status."}, {Name: "refund_to", Path: "to", Kind: "word", Words: "web.admin.code."}, {Name: "reason"}, {Name: "failure_code", Kind: "word"},
	}, "")
}

// parcel is one shipment with its label, its papers and its way.
func (d *desk) parcel(one, of doc) deskParcel {
	about := textAt(one, "id")
	v := deskParcel{ID: about, Title: textAt(one, "tracking_number"), Carrier: textAt(one, "carrier"), Number: textAt(one, "tracking_number")}
	v.Status = column{Name: "tracking_status", Kind: "badge", Words: "tracking_status."}.write(d.Lang, one)
	for _, c := range []column{{Name: "carrier"}, {Name: "shipped_at", Kind: "time"}, {Name: "promised_at", Kind: "day"}, {Name: "expected_at", Kind: "day"}, {Name: "delivered_at", Kind: "time"}, {Name: "signed_by"}} {
		if w := c.write(d.Lang, one); w.Text != "" {
			v.Facts = append(v.Facts, w)
		}
	}
	titles := map[string]string{}
	for _, line := range listAt(of, "line_items") {
		titles[textAt(line, "id")] = textAt(line, "title")
	}
	for _, line := range listAt(one, "lines") {
		v.Lines = append(v.Lines, textAt(line, "quantity")+" × "+titles[textAt(line, "line_id")])
	}
	for _, e := range listAt(one, "events") {
		w := column{Name: "status", Kind: "badge", Words: "tracking_status."}.write(d.Lang, e)
		when := column{Name: "occurred_at", Kind: "time"}.write(d.Lang, e)
		v.Events = append(v.Events, deskEvent{w.Text, when.Text, strings.Trim(textAt(e, "location")+" · "+textAt(e, "description"), " ·"), w.Tone})
	}
	slices.Reverse(v.Events)
	labels := listAt(d.glance("shipping:read", "/v1/labels", url.Values{"shipment_id": {about}}), "data")
	v.Labels = d.table("labels", labels, []column{{Name: "carrier"}, {Name: "service"}, {Name: "tracking_numbers", Kind: "list"}, status("web.admin.code."), {Name: "cost", Kind: "money"}, {Name: "failure_text"}}, "")
	bought := false
	for _, l := range labels {
		state := textAt(l, "status")
		bought = bought || state == "bought" || state == "pending" || state == "parked"
		for _, paper := range listAt(l, "documents") {
			if textAt(paper, "forgotten") != "true" {
				v.Papers = append(v.Papers, deskLink{locale.T(d.Lang, "web.admin.file.label"), "/v1/shipments/" + about + "/label?document=" + textAt(paper, "n"), strings.ToUpper(textAt(paper, "format"))})
			}
		}
	}
	d.papers(&v, about)
	one["now"], one["choices"], one["names"], one["currency"] = of["now"], of["choices"], of["names"], of["currency"]
	offers := []string{}
	switch textAt(one, "status") {
	case "delivered", "canceled":
	default:
		offers = append(offers, "track")
		if accounts, _ := at(of, "choices.account_id").([]string); len(accounts) > 0 && !bought {
			offers = append(offers, "label")
		}
	}
	if bought {
		offers = append(offers, "label-void")
	}
	v.Forms = d.forms(offers, about, one)
	return v
}

// papers adds what customs wants and the picture of how the parcel is packed.
func (d *desk) papers(v *deskParcel, about string) {
	customs := d.glance("shipping:read", "/v1/shipments/"+about+"/customs-documents", nil)
	for _, paper := range listAt(customs, "documents") {
		if kind := textAt(paper, "kind"); part.MatchString(kind) {
			v.Papers = append(v.Papers, deskLink{word(d.Lang, "web.admin.file.", kind), "/v1/shipments/" + about + "/customs-documents/" + kind, "PDF"})
		}
	}
	if d.me.May("shipping:read") {
		var svg []byte
		if picture := "/v1/shipments/" + about + "/packing.svg"; d.api(ask{Path: picture}, &svg) == nil && len(svg) > 0 {
			v.Packing = picture
		}
	}
}

// after adds what followed the sale.
func (v *deskOrder) after(d *desk) {
	q := url.Values{"order_id": {v.ID}}
	for _, t := range []struct {
		name, words string
		more        column
	}{
		{"returns", "return_status.", column{Name: "refunded", Kind: "money"}}, {"exchanges", "exchange_status.", column{Name: "difference", Kind: "money"}},
		{"claims", "claim_status.", column{Name: "kind", Kind: "word", Words: "web.admin.why."}},
	} {
		found := listAt(d.glance("orders:read", "/v1/"+t.name, q), "data")
		if len(found) > 0 {
			v.After = append(v.After, d.table(t.name, found, []column{{Name: "number"}, created, status(t.words), t.more}, "/admin/"+t.name+"/{id}"))
		}
	}
	for _, one := range listAt(d.glance("orders:read", "/v1/orders/"+v.ID+"/documents", nil), "data") {
		v.Documents = append(v.Documents, deskLink{word(d.Lang, "web.admin.code.", textAt(one, "kind")) + " " + textAt(one, "number"), fill("/v1/documents/{id}", one), moneyAt(one, "total").Text(d.Lang)})
	}
}

// deskOrderEvent is one thing that happened to an order, in words.
func deskOrderEvent(lang locale.Lang, one any) deskEvent {
	kind := textAt(one, "type")
	e := deskEvent{Text: word(lang, "web.admin.event.", strings.ReplaceAll(kind, ".", "_"))}
	e.At = column{Name: "at", Kind: "time"}.write(lang, one).Text
	who, _, _ := strings.Cut(textAt(one, "actor"), ":")
	e.Note = word(lang, "web.admin.actor.", who)
	if reason := textAt(one, "data.reason"); reason != "" {
		e.Note += " · " + reason
	}
	if sum := moneyAt(one, "data.amount"); sum.Currency != "" {
		e.Note += " · " + sum.Text(lang)
	}
	switch {
	case strings.HasSuffix(kind, "canceled") || strings.HasSuffix(kind, "failed"):
		e.Tone = "bad"
	case strings.HasSuffix(kind, "placed") || strings.HasSuffix(kind, "captured") || strings.HasSuffix(kind, "delivered"):
		e.Tone = "good"
	}
	return e
}
