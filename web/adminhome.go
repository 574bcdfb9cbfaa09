package web

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"doorstep/internal/locale"
)

// deskHome is what somebody sees who comes in: how it goes, what waits, and what
// is not right.
type deskHome struct {
	Sales  *deskSales
	Alerts []alertView
	Pack   *tableView
	Newest *tableView
	// Contact is how often customers had to get in touch in the last days.
	Contact *contactView
}

type alertView struct {
	Name, Link, Tone, Count string
}

// deskSales is the orders of the last days.
type deskSales struct {
	Spans []spanView
	Days  []dayView
	Table tableView
	// Most is the height of the chart in orders, Zone where days are days.
	Most int
	Zone string
}

type spanView struct {
	Name    string
	Orders  int
	Revenue []string
}

// dayView is a bar of the chart: X, Y and Height in its coordinates.
type dayView struct {
	Day          string
	Orders       int
	X, Y, Height int
}

const (
	salesDays   = 30
	chartHeight = 120
	barStep     = 20
)

func home(d *desk) error {
	v := deskHome{Alerts: d.alerts()}
	if d.me.May("analytics:read") {
		sales, err := d.sales()
		if err != nil {
			return err
		}
		v.Sales = sales
	}
	v.Contact = d.contact(nil)
	if d.me.May("orders:read") {
		v.Pack = d.someOrders("pack", url.Values{"status": {"confirmed"}, "fulfillment_status": {"unfulfilled"}, "limit": {"8"}})
		if len(v.Pack.Rows) == 0 {
			v.Newest = d.someOrders("orders", url.Values{"limit": {"8"}})
		}
	}
	return d.page("admin/home", v)
}

func (d *desk) someOrders(name string, q url.Values) *tableView {
	t := d.table(name, listAt(d.glance("orders:read", "/v1/orders", q), "data"), []column{
		{Name: "number"}, {Name: "placed_at", Kind: "time"}, {Name: "country", Kind: "country"},
		{Name: "payment_status", Kind: "badge", Words: "payment_status."}, {Name: "total", Path: "totals.total", Kind: "money"},
	}, "/admin/orders/{id}")
	return &t
}

// alerts are what calls for somebody: how many of each there are, as far as one
// page of the API says.
func (d *desk) alerts() []alertView {
	var all []alertView
	for _, a := range []struct {
		name, tone, scope, api, page string
		q                            url.Values
	}{
		{"talks_waiting", "bad", "support:read", "/v1/support/conversations", "inbox", url.Values{"status": {"waiting"}}},
		{"cases_late", "bad", "support:read", "/v1/support/cases", "cases", url.Values{"overdue": {"true"}}},
		{"cases_open", "warn", "support:read", "/v1/support/cases", "cases", url.Values{"status": {"open"}}},
		{"differences", "bad", "orders:read", "/v1/payment-differences", "differences", url.Values{"status": {"open"}}},
		{"capture_due", "bad", "orders:read", "/v1/payment-differences", "differences", url.Values{"status": {"open"}, "kind": {"capture_due"}}},
		{"parcels_trouble", "bad", "shipping:read", "/v1/shipments", "exceptions", url.Values{"trouble": {"any"}}},
		{"pickups_parked", "bad", "shipping:read", "/v1/pickups", "exceptions", url.Values{"status": {"parked"}}},
		{"manifests_parked", "bad", "shipping:read", "/v1/manifests", "exceptions", url.Values{"status": {"parked"}}},
		{"labels_parked", "bad", "shipping:read", "/v1/labels", "labels", url.Values{"status": {"parked"}}},
		{"deliveries_dead", "warn", "settings:read", "/v1/deliveries", "deliveries", url.Values{"status": {"dead"}}},
		{"orders_held", "warn", "orders:read", "/v1/orders", "orders", url.Values{"status": {"on_hold"}}},
		{"returns_requested", "warn", "orders:read", "/v1/returns", "returns", url.Values{"status": {"requested"}}},
		{"returns_received", "info", "orders:read", "/v1/returns", "returns", url.Values{"status": {"received"}}},
		{"exchanges_requested", "warn", "orders:read", "/v1/exchanges", "exchanges", url.Values{"status": {"requested"}}},
		{"claims_open", "warn", "orders:read", "/v1/claims", "claims", url.Values{"status": {"open"}}},
		{"sold_out", "warn", "stock:read", "/v1/stock", "stock", url.Values{"at_most": {"0"}}},
		{"low_stock", "info", "stock:read", "/v1/stock", "stock", url.Values{"at_most": {"5"}}},
		{"money_awaited", "info", "orders:read", "/v1/orders", "orders", url.Values{"status": {"pending"}}},
	} {
		link := "/admin/" + a.page + "?" + a.q.Encode()
		a.q.Set("limit", "100")
		found := d.glance(a.scope, a.api, a.q)
		n := len(listAt(found, "data"))
		if n == 0 {
			continue
		}
		count := strconv.Itoa(n)
		if textAt(found, "next_cursor") != "" {
			count += "+"
		}
		all = append(all, alertView{a.name, link, a.tone, count})
	}
	return all
}

// draw makes spans, bars and table of the days.
func (v *deskSales) draw(lang locale.Lang, first time.Time, orders []int, byDay []map[string]int64) {
	for _, span := range []struct {
		name string
		days int
	}{{"today", 1}, {"week", 7}, {"month", salesDays}} {
		s := spanView{Name: span.name}
		total := map[string]int64{}
		for n := salesDays - span.days; n < salesDays; n++ {
			s.Orders += orders[n]
			for currency, amount := range byDay[n] {
				total[currency] += amount
			}
		}
		s.Revenue = revenue(lang, total)
		v.Spans = append(v.Spans, s)
	}
	v.Most = max(1, slices.Max(orders))
	for n, count := range orders {
		height := count * chartHeight / v.Most
		if count > 0 {
			height = max(height, 3)
		}
		day := first.AddDate(0, 0, n)
		v.Days = append(v.Days, dayView{locale.ShortDate(lang, day), count, n*barStep + 3, chartHeight - height, height})
		if count > 0 {
			v.Table.Rows = append(v.Table.Rows, tableRow{Cells: []cell{
				{Name: "day", Text: locale.ShortDate(lang, day)}, {Name: "orders", Kind: "number", Text: locale.Number(lang, int64(count))}, {Name: "revenue", Kind: "number", Text: sums(lang, byDay[n])},
			}})
		}
	}
	slices.Reverse(v.Table.Rows)
}

func revenue(lang locale.Lang, sums map[string]int64) []string {
	all := []string{}
	for _, currency := range sortedKeys(sums) {
		all = append(all, Money{sums[currency], currency}.Text(lang))
	}
	return all
}
