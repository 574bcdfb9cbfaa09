package web

import (
	"net/url"

	"doorstep/internal/locale"
)

// Parcels, what is wrong with them, and who comes to fetch them.

var parcelTroubles = []string{"any", "failed", "returning", "held", "late", "silent", "unscanned"}

var parcelColumns = []column{
	{Name: "order", Path: "order_number"}, {Name: "trouble", Kind: "badge", Words: "web.admin.trouble."}, {Name: "tracking_status", Kind: "badge", Words: "tracking_status."},
	{Name: "carrier"}, {Name: "tracking_number"}, {Name: "shipped_at", Kind: "time"}, {Name: "promised_at", Kind: "day"}, {Name: "delivered_at", Kind: "time"},
}

var (
	pickupColumns   = []column{{Name: "carrier_id"}, created, {Name: "carrier"}, {Name: "ready_at", Kind: "time"}, {Name: "last_at", Kind: "time"}, status("web.admin.code."), {Name: "cost", Kind: "money"}, {Name: "failure_text"}}
	manifestColumns = []column{{Name: "carrier_id"}, created, {Name: "carrier"}, {Name: "label_count", Kind: "number"}, status("web.admin.code."), {Name: "failure_text"}}
	errandStates    = []field{{Name: "status", Kind: "choice", Choices: []string{"pending", "done", "failed", "parked", "canceled"}, Words: "web.admin.code."}}
)

var parcelLists = []list{
	{
		Name: "parcels", API: "/v1/shipments", Scope: "shipping:read", Link: "/admin/orders/{order_id}", Columns: parcelColumns,
		Filters: []field{
			{Name: "trouble", Kind: "choice", Choices: parcelTroubles, Words: "web.admin.trouble."},
			{Name: "tracking_status", Kind: "choice", Words: "tracking_status.", Choices: []string{
				"pending", "picked_up", "in_transit", "on_hold", "customs_hold", "delivery_delayed", "out_for_delivery", "ready_for_pickup", "delivery_failed", "delivered", "return_to_sender", "returned", "cancelled",
			}},
			{Name: "carrier"}, {Name: "from", Kind: "day"}, {Name: "to", Kind: "day"},
		},
	},
	{Name: "pickups", API: "/v1/pickups", Scope: "shipping:read", Link: "/admin/pickups/{id}", Filters: errandStates, Columns: pickupColumns, Mind: nameErrands, Each: []string{"pickup-resolve"}},
	{Name: "manifests", API: "/v1/manifests", Scope: "shipping:read", Link: "/admin/manifests/{id}", Filters: errandStates, Columns: manifestColumns, Mind: nameErrands, Each: []string{"manifest-resolve"}},
}

// nameErrands gives those a name to click on that the carrier has given none.
func nameErrands(_ *desk, entries []any) {
	for _, one := range entries {
		if entry, ok := one.(doc); ok && textAt(entry, "carrier_id") == "" {
			entry["carrier_id"] = "–"
		}
	}
}

// severalView is a page of several lists.
type severalView struct {
	Name, Intro string
	Forms       []*formView
	Sections    []sectionView
}

// sectionView is the beginning of one of them; More leads to all of it.
type sectionView struct {
	Table tableView
	More  string
}

// section reads the beginning of a list.
func (d *desk) section(l list, q url.Values, more string) sectionView {
	got := d.glance(l.Scope, l.API, q)
	entries := listAt(got, "data")
	if l.Mind != nil {
		l.Mind(d, entries)
	}
	v := sectionView{Table: d.table(l.Name, entries, l.Columns, l.Link)}
	for n, one := range entries {
		entry, _ := one.(doc)
		for _, do := range l.Each {
			if allowed(do, entry) {
				if f := d.ask(do, textAt(entry, "id"), entry); f != nil {
					v.Table.Rows[n].Forms = append(v.Table.Rows[n].Forms, f)
				}
			}
		}
	}
	if textAt(got, "next_cursor") != "" {
		v.More = more
	}
	return v
}

// exceptions shows what went wrong with parcels and waits for somebody: those that
// are late, stuck or lost, and labels, pickups and manifests of which nobody can
// tell whether they exist.
func exceptions(d *desk) error {
	v := severalView{Name: "exceptions", Intro: introOf(d, "exceptions")}
	parked := func() url.Values { return url.Values{"status": {"parked"}, "limit": {"50"}} }
	for _, l := range lists {
		switch l.Name {
		case "parcels":
			v.Sections = append([]sectionView{d.section(l, url.Values{"trouble": {"any"}, "limit": {"50"}}, "/admin/parcels?trouble=any")}, v.Sections...)
		case "labels", "pickups", "manifests":
			if s := d.section(l, parked(), "/admin/"+l.Name+"?status=parked"); len(s.Table.Rows) > 0 {
				v.Sections = append(v.Sections, s)
			}
		}
	}
	return d.page("admin/several", v)
}

// collect books couriers and closes the day's parcels, and shows the latest of
// both.
func collect(d *desk) error {
	of := doc{}
	carrierAccounts(d, of)
	v := severalView{Name: "collect", Intro: introOf(d, "collect")}
	if accounts := listOf(at(of, "choices.account_id")); len(accounts) > 0 {
		v.Forms = d.forms([]string{"pickup-book", "manifest-make"}, "", of)
	} else {
		v.Intro = locale.T(d.Lang, "web.admin.no_carriers")
	}
	for _, l := range parcelLists[1:] {
		v.Sections = append(v.Sections, d.section(l, url.Values{"limit": {"10"}}, "/admin/"+l.Name))
	}
	return d.page("admin/several", v)
}
