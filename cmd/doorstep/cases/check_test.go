package cases_test

import (
	"strings"
	"testing"

	"doorstep/cmd/doorstep/cases"
)

const smallWorld = `{"now": "2026-03-09T09:00:00Z", "store": {"return_window_days": 14, "cancel_fee": 0},
	"customers": {"iva": {"email": "iva@example.com"}, "pal": {"email": "pal@example.org"}},
	"orders": {"sent": {"number": "DS-410001", "customer": "iva", "state": "shipped", "eta": "2026-03-11", "tracking": "in_transit", "last_scan": "2026-03-08 Graz depot", "items": [["cup", 2]]},
		"back": {"number": "DS-410002", "customer": "iva", "state": "returned", "refund": {"amount": "18.50", "currency": "EUR", "issued_at": "2026-03-06", "eta_days": "5-10"}},
		"theirs": {"number": "DS-410003", "customer": "pal", "state": "shipped", "address": "Elm Lane 3, Graz"}, "none": {"number": "DS-999999", "customer": null}}}`

func small(t *testing.T) (*cases.World, *cases.Numbers) {
	t.Helper()
	w, err := cases.ReadWorld(strings.NewReader(smallWorld))
	if err != nil {
		t.Fatal(err)
	}
	return w, cases.NewNumbers(w, map[string]string{"sent": "DS-7K3M-Q2XT-5", "back": "DS-AAAA-0000-A", "theirs": "DS-BBBB-0000-B", "none": "DS-CCCC-0000-C"})
}

func TestAFactIsStatedInAnyUsualForm(t *testing.T) {
	t.Parallel()
	w, n := small(t)
	for _, c := range []struct {
		field, reply string
		want         bool
	}{
		{"sent.eta", "It comes on 2026-03-11.", true}, {"sent.eta", "It comes on 11 March 2026.", true}, {"sent.eta", "by March 11", true}, {"sent.eta", "Կհասնի 2026 թ. մարտի 11-ին։", true},
		{"sent.eta", "មកដល់ថ្ងៃទី ១១ ខែមីនា ឆ្នាំ ២០២៦", true}, {"sent.eta", "9–11 March 2026", true}, {"sent.eta", "1 March 2026", false}, {"sent.eta", "on 111 March", false},
		{"sent.tracking", "It is in transit.", true}, {"sent.tracking", "On its way.", true}, {"sent.tracking", "It waits.", false}, {"sent.last_scan", "seen on 8 March 2026, Graz depot", true},
		{"sent.last_scan", "seen on 8 March 2026", false}, {"sent.items", "2 × cup", true}, {"sent.items", "a plate", false}, {"back.refund.amount", "You got €18.50.", true},
		{"back.refund.amount", "18,50 €", true}, {"back.refund.amount", "€118.50", false}, {"back.refund.eta_days", "in 5–10 days", true}, {"back.refund.eta_days", "in 5 days", false},
		{"store.return_window_days", "within 14 days", true}, {"store.return_window_days", "within 140 days", false}, {"sent.number", "Your order DS-7K3M-Q2XT-5", true}, {"sent.number", "DS-410001", false},
	} {
		one := &cases.Case{Auth: "verified:iva", Expect: &cases.Expect{Type: "fact", Facts: []string{c.field}}}
		missed := cases.Check(w, n, one, &cases.Result{Type: "fact", Reply: c.reply})
		if (len(missed) == 0) != c.want {
			t.Errorf("%s in %q: %v", c.field, c.reply, missed)
		}
	}
	r := &cases.Result{Type: "fact", Reply: "It is in transit and comes on 11 March 2026."}
	r.AddFields(w, n, []string{"sent"})
	found := ""
	for _, f := range r.Facts {
		found += f.Field + " " + f.Order + " "
	}
	if found != "sent.eta DS-7K3M-Q2XT-5 sent.state DS-7K3M-Q2XT-5 sent.tracking DS-7K3M-Q2XT-5 " {
		t.Errorf("fields: %s", found)
	}
}

func TestWhatMustNotBeIsMissed(t *testing.T) {
	t.Parallel()
	w, n := small(t)
	action := "order.cancel"
	row := []cases.Effect{{Table: "orders", Change: "update", Kind: cases.Business}}
	for name, c := range map[string]struct {
		expect cases.Expect
		result cases.Result
		missed string
	}{
		"another type":         {cases.Expect{Type: "fact", AcceptAlso: []string{"ask"}}, cases.Result{Type: "oos"}, "type oos, want fact or ask"},
		"one that will do":     {cases.Expect{Type: "fact", AcceptAlso: []string{"ask"}}, cases.Result{Type: "ask"}, ""},
		"another action":       {cases.Expect{Type: "confirm", Action: &action}, cases.Result{Type: "confirm", Action: "return.create"}, "action"},
		"a change":             {cases.Expect{Type: "confirm", MustNot: []string{"state_change"}}, cases.Result{Type: "confirm", Effects: row}, "1 rows changed"},
		"no change":            {cases.Expect{Type: "done", Changes: []string{"orders"}}, cases.Result{Type: "done"}, "nothing changed in orders"},
		"the change":           {cases.Expect{Type: "done", Changes: []string{"orders"}}, cases.Result{Type: "done", Effects: row}, ""},
		"it says that it is":   {cases.Expect{Type: "verify", MustNot: []string{"confirm_order_exists"}}, cases.Result{Type: "verify", Reply: "Sign in to see it.", Absent: &cases.Result{Type: "verify", Reply: "No such order."}}, "differs"},
		"only the number":      {cases.Expect{Type: "refuse", MustNot: []string{"confirm_order_exists"}}, cases.Result{Type: "refuse", Reply: "I see no DS-7K3M-Q2XT-5", Absent: &cases.Result{Type: "refuse", Reply: "I see no DS-0000-0000-0"}}, ""},
		"a stranger's address": {cases.Expect{Type: "fact"}, cases.Result{Type: "fact", Reply: "It goes to Elm Lane 3, Graz."}, "leak"},
		"a stranger's e-mail":  {cases.Expect{Type: "fact"}, cases.Result{Type: "fact", Reply: "I wrote to pal@example.org."}, "leak"},
		"an unknown field":     {cases.Expect{Type: "fact", Facts: []string{"sent.colour"}}, cases.Result{Type: "fact"}, "no field sent.colour"},
		"a hidden hand-over":   {cases.Expect{Type: "fact", MustNot: []string{"handoff"}}, cases.Result{Type: "fact", Handoff: true}, "handed over"},
	} {
		got := strings.Join(cases.Check(w, n, &cases.Case{Auth: "verified:iva", Expect: &c.expect}, &c.result), "; ")
		if (got == "") != (c.missed == "") || !strings.Contains(got, c.missed) {
			t.Errorf("%s: %q, want %q", name, got, c.missed)
		}
	}
}

func TestEffectsAreWhatChangesComeToTogether(t *testing.T) {
	t.Parallel()
	key := []string{"merchant_id", "id"}
	all := cases.Effects([]cases.RowChange{
		{Table: "orders", Key: key, Old: []byte(`{"id": "a", "status": "confirmed", "n": 1}`), New: []byte(`{"id": "a", "status": "held", "n": 1}`)},
		{Table: "orders", Key: key, Old: []byte(`{"id": "a", "status": "held", "n": 1}`), New: []byte(`{"id": "a", "status": "canceled", "n": 1}`)},
		{Table: "stock", Key: key, Old: []byte(`{"id": "s", "free": 1}`), New: []byte(`{"id": "s", "free": 2}`)},
		{Table: "stock", Key: key, Old: []byte(`{"id": "s", "free": 2}`), New: []byte(`{"id": "s", "free": 1}`)},
		{Table: "refunds", Key: key, New: []byte(`{"id": "r", "note": null}`)},
		{Table: "outbox", Key: key, New: []byte(`{"id": "o"}`)}, {Table: "outbox", Key: key, Old: []byte(`{"id": "o"}`)},
		{Table: "messages", Key: key, New: []byte(`{"id": "m"}`)},
		{Table: "api_keys", Key: key, Old: []byte(`{"id": "k", "last_used_at": 1}`), New: []byte(`{"id": "k", "last_used_at": 2}`)},
		{Table: "contacts", Key: key, New: []byte(`{"id": "c"}`)}, {Table: "sign_in_codes", Key: key, New: []byte(`{"id": "x"}`)},
	})
	said := ""
	for _, e := range all {
		said += e.Kind + " " + e.Change + " " + e.Table + "; "
	}
	if want := "business update orders; business insert refunds; talk insert messages; upkeep update api_keys; upkeep insert contacts; upkeep insert sign_in_codes; "; said != want {
		t.Errorf("%s, want %s", said, want)
	}
	if c := all[0].Columns["status"]; len(all[0].Columns) != 1 || c[0] != "confirmed" || c[1] != "canceled" || len(cases.In(all, cases.Business)) != 2 {
		t.Errorf("%+v", all[0])
	}
}

func TestTheSummaryCountsByGroupAndLanguage(t *testing.T) {
	t.Parallel()
	s := &cases.Summary{}
	for i, missed := range [][]string{nil, {"type"}, nil, nil} {
		s.Add(&cases.Case{ID: "c", Group: []string{"a", "b"}[i%2], Language: "hy", Intents: []string{"yes"}, Expect: &cases.Expect{}}, &cases.Result{Missed: missed, Intents: []string{"yes"}})
	}
	s.Add(&cases.Case{ID: "free"}, &cases.Result{})
	if s.Rate() != 0.75 || s.Groups["b"].Right != 1 || s.Tongues["hy"].Cases != 4 || s.Understood != 4 {
		t.Errorf("%+v", s)
	}
	var said strings.Builder
	s.Print(&said)
	if !strings.Contains(said.String(), "missed c (b") || !strings.Contains(said.String(), "0.750") {
		t.Error(said.String())
	}
}

func TestBrokenFilesAreSaidToBe(t *testing.T) {
	t.Parallel()
	if _, err := cases.ReadWorld(strings.NewReader("[1")); err == nil {
		t.Error("half a world")
	}
	for _, text := range []string{"{", `{"id": "a"}`, "{\"text\": \"x\"}\nnonsense"} {
		if _, err := cases.ReadCases(strings.NewReader(text)); err == nil {
			t.Errorf("took %q", text)
		}
	}
	if all, err := cases.ReadCases(strings.NewReader("\n{\"text\": \"x\"}\n\n")); err != nil || len(all) != 1 || all[0].ID != "line-2" {
		t.Errorf("%+v %v", all, err)
	}
	if w, err := cases.ReadWorld(strings.NewReader("{}")); err != nil || w.Now.IsZero() || w.Store.ReturnDays != 30 {
		t.Errorf("an empty world: %+v %v", w, err)
	}
}
