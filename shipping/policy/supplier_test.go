package policy

import (
	"errors"
	"testing"
	"time"

	"doorstep/internal/fault"
)

const supplied = `{"currency":"EUR","origins":[{"id":"home","kind":"warehouse","country":"AM","timezone":"UTC","handling_business_days":1}],
	"methods":[{"id":"post","price":{"type":"flat","amount":500},"transit_business_days":{"min":1,"max":2}},
		{"id":"own","origins":["home"],"price":{"type":"flat","amount":100},"transit_business_days":{"min":1,"max":1}}],
	"rules":[{"id":"from-supplier","phase":"adjust","methods":["post"],"when":{"field":"origin.kind","op":"eq","value":"supplier"},"then":[{"action":"surcharge","amount":250}]}]}`

func TestGoodsOfASupplierAreQuotedByItsOwnCalendar(t *testing.T) {
	t.Parallel()
	p, err := Load([]byte(supplied))
	if err != nil {
		t.Fatal(err)
	}
	potter := Origin{ID: "potter", Kind: "supplier", Country: "KH", Timezone: "Asia/Phnom_Penh", HandlingBusinessDays: 5, Holidays: []string{"2026-03-04"}}
	ask := func(items ...Item) Answer {
		return p.Quote(Request{Now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Dest: Dest{Country: "AM"}, Items: items, Origins: []Origin{potter}})
	}
	own, theirs := Item{SKU: "A", Quantity: 1, UnitPrice: 100}, Item{SKU: "B", Quantity: 1, UnitPrice: 100, Origin: "potter"}
	both := ask(own, theirs)
	if len(both.Options) != 1 || both.Options[0].Method != "post" || both.Options[0].Total.Minor != 750 || len(both.Shipments) != 2 {
		t.Fatalf("%+v", both)
	}
	// Monday, five working days without the holiday: the next Tuesday; then two on the way.
	if got := both.Options[0].Promise; got == nil || got.Origin != "potter" || got.Ship != "2026-03-10" || got.DeliverMax != "2026-03-12" {
		t.Errorf("%+v", got)
	}
	if len(both.Hidden) != 1 || both.Hidden[0].Code != CodeNotFromOrigin || both.Hidden[0].Origin != "potter" {
		t.Errorf("%+v", both.Hidden)
	}
	if alone := ask(own); len(alone.Options) != 2 || alone.Options[0].Promise.Origin != "home" || alone.Options[0].Promise.Ship != "2026-03-03" {
		t.Errorf("%+v", alone.Options)
	}
	potter.ID = "home" // the policy's own wins
	if alone := p.Quote(Request{Now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Dest: Dest{Country: "AM"}, Items: []Item{{Quantity: 1, Origin: "home"}}, Origins: []Origin{potter}}); alone.Options[0].Promise.Ship != "2026-03-03" {
		t.Errorf("%+v", alone.Options[0].Promise)
	}
}

func TestAnOriginOfARequestThatBreaksARuleIsRefused(t *testing.T) {
	t.Parallel()
	for at, o := range map[string]Origin{
		"origins[0].id": {ID: "a b"}, "origins[0].timezone": {ID: "a", Timezone: "Mars/Base"}, "origins[0].holidays[0]": {ID: "a", Holidays: []string{"2026-02-30"}},
		"origins[0].cutoff": {ID: "a", Cutoff: "25:00"}, "origins[0].workdays[0]": {ID: "a", Workdays: []Weekday{9}}, "origins[0]": {ID: "a", HandlingBusinessDays: 999},
	} {
		r := Request{Origins: []Origin{o}}
		err := r.Check()
		f, ok := fault.As(err)
		if !errors.Is(err, ErrRequest) || !ok || len(f.Fields) != 1 || f.Fields[0].Location != at {
			t.Errorf("%s: %+v", at, err)
		}
	}
}
