package main

import (
	"fmt"
	"hash/crc32"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/cmd/doorstep/cases"
	"doorstep/internal/config"
	"doorstep/internal/dbtest"
	"doorstep/order"
	"doorstep/shipping"
	"doorstep/support/phrase"
)

// worldFile is our own world.
const worldFile = "testdata/assistant/world.json"

func readWorld(t *testing.T, text string) *cases.World {
	t.Helper()
	w, err := cases.ReadWorld(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func ownWorld(t *testing.T) *cases.World {
	t.Helper()
	text, err := os.ReadFile(worldFile)
	if err != nil {
		t.Fatal(err)
	}
	return readWorld(t, string(text))
}

// staged builds a world for a test that looks at it, on a database of its own.
func staged(t *testing.T, w *cases.World) (s *stage, warned *[]string) {
	t.Helper()
	d := dbtest.New(t)
	c, err := settings(dbtest.Folder(t), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.DatabaseURL, warned = config.Secret(d.DSN), &[]string{}
	s, end, err := raise(t.Context(), c, w, playOptions{log: slog.New(slog.DiscardHandler), warn: func(format string, args ...any) {
		*warned = append(*warned, fmt.Sprintf(format, args...))
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	return s, warned
}

// look is what is told of an order in a test: how it stands, and its parcels.
func (s *stage) look(t *testing.T, name string) string {
	t.Helper()
	o, err := s.h.orders.Order(t.Context(), s.merchant, s.orders[name])
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	said := fmt.Sprintf("%s %s %s", o.Status, o.PaymentStatus, o.FulfillmentStatus)
	parcels, err := s.h.shipping.OfOrder(t.Context(), s.merchant, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	for i := range parcels {
		p := &parcels[i]
		said += fmt.Sprintf("; %s", p.TrackingStatus)
		if n := len(p.Events); n > 0 {
			said += " " + p.Events[n-1].OccurredAt.Format(time.DateOnly)
			if at := p.Events[n-1].Location; at != "" {
				said += " at " + at
			}
		}
		if p.ExpectedAt != nil {
			said += " expected " + p.ExpectedAt.Format(time.DateOnly)
		}
		if p.PromisedAt == nil || p.PromisedAt.Before(*p.ShippedAt) {
			t.Errorf("%s: shipped %v, promised %v", name, p.ShippedAt, p.PromisedAt)
		}
	}
	return said
}

func TestAWorldIsBuiltAsItIsToldAndOurConversationsComeOutInIt(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	s, warned := staged(t, w)
	for name, want := range map[string]string{
		"onway": "confirmed paid fulfilled; in_transit 2026-05-17 at Tbilisi depot expected 2026-05-20", "fresh": "confirmed paid unfulfilled",
		"arrived": "completed paid delivered; delivered 2026-05-12", "ancient": "completed paid delivered; delivered 2026-03-02", "calledoff": "canceled refunded unfulfilled",
		"twoparts": "confirmed paid fulfilled; delivered 2026-05-15; in_transit 2026-05-17 expected 2026-05-21", "unpaid": "pending unpaid unfulfilled",
		"overdue": "confirmed paid fulfilled; in_transit 2026-05-08 expected 2026-05-11", "todays": "confirmed paid fulfilled; out_for_delivery 2026-05-17 expected 2026-05-18",
		"counter": "confirmed paid fulfilled; ready_for_pickup 2026-05-17", "missed": "confirmed paid fulfilled; delivery_failed 2026-05-17", "heldback": "confirmed authorized unfulfilled",
		"gaveback": "completed refunded returned; delivered 2026-05-08", "somewhat": "completed partially_refunded delivered; delivered 2026-05-06", "single": "confirmed paid unfulfilled",
	} {
		if got := s.look(t, name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for i := range w.Orders {
		o := &w.Orders[i]
		number, known := order.ParseNumber(s.real[o.Name])
		if _, made := s.orders[o.Name]; !known || number != s.real[o.Name] || made != o.Exists() {
			t.Errorf("%s is %q, made %t", o.Name, s.real[o.Name], made)
		}
	}
	for _, c := range w.Customers {
		if s.sessions[c.Key] == "" {
			t.Errorf("%s is not signed in", c.Key)
		}
	}
	if len(*warned) > 0 {
		t.Errorf("warned: %q", *warned)
	}
	if now := s.h.clock.Now(); now.Sub(w.Now).Abs() > time.Minute {
		t.Errorf("the clock shows %v", now)
	}
	s.lookCloser(t)
	s.playOwn(t)
}

// playOwn plays our conversations in our world: a part of them, all when thorough.
func (s *stage) playOwn(t *testing.T) {
	t.Helper()
	all := ownCases(t)
	if os.Getenv("DOORSTEP_TEST_THOROUGH") == "" {
		all = slices.DeleteFunc(all, func(c cases.Case) bool { return crc32.ChecksumIEEE([]byte(c.ID))%4 != 0 && c.Group != "answer" })
	}
	p, err := s.opening(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	summary, done := &cases.Summary{}, 0
	for i := range all {
		result, err := p.play(t.Context(), &all[i], true)
		if err != nil {
			t.Fatalf("%s: %v", all[i].ID, err)
		}
		summary.Add(&all[i], result)
		if result.Type == "done" {
			done++
		} else if len(result.Effects) > 0 {
			t.Errorf("%s changed something without a yes: %+v", all[i].ID, result.Effects)
		}
	}
	if rate := summary.Rate(); rate < wantedRate || done < 5 {
		var said strings.Builder
		summary.Print(&said)
		t.Errorf("%.3f came out right, want %.3f; %d were done\n%s", rate, wantedRate, done, said.String())
	}
}

// wantedRate is the part of our conversations that has to come out right.
const wantedRate = 0.93

func ownCases(t *testing.T) []cases.Case {
	t.Helper()
	file, err := os.Open("testdata/assistant/cases.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	all, err := cases.ReadCases(file)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestOurConversationsAreManyAndNotTheTrainingPhrases(t *testing.T) {
	t.Parallel()
	trained := map[string]bool{}
	for _, p := range phrase.All() {
		trained[strings.ToLower(p.Text)] = true
	}
	all, ids := ownCases(t), map[string]bool{}
	for _, c := range all {
		if ids[c.ID] {
			t.Errorf("%s is there twice", c.ID)
		}
		ids[c.ID] = true
		if text := strings.ToLower(c.Template); trained[text] && len(strings.Fields(text)) > 1 && len(c.History) == 0 {
			t.Errorf("%s is a training phrase: %s", c.ID, c.Template)
		}
	}
	if len(all) < 250 {
		t.Errorf("%d conversations", len(all))
	}
}

func TestTheSharedExamplesComeOutAsTheyShould(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "..", "..", "shared", "data", "support")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("there is no shared data beside the repository")
	}
	world, err := opened(filepath.Join(folder, "world_example.json"), cases.ReadWorld)
	if err != nil {
		t.Fatal(err)
	}
	all, err := opened(filepath.Join(folder, "cases_example.jsonl"), cases.ReadCases)
	if err != nil {
		t.Fatal(err)
	}
	s, warned := staged(t, world)
	p, err := s.opening(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		result, err := p.play(t.Context(), &all[i], true)
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Missed) > 0 {
			t.Errorf("%s missed %q: %+v", all[i].ID, result.Missed, result)
		}
	}
	if len(all) == 0 || len(*warned) > 0 {
		t.Errorf("%d examples, warned of %q", len(all), *warned)
	}
}

// lookCloser looks at dates and sums.
func (s *stage) lookCloser(t *testing.T) {
	t.Helper()
	refunds := map[string]int64{}
	rows, err := s.h.db.Query(t.Context(), `select order_id, amount_minor, created_at from refunds`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var of uuid.UUID
		var amount int64
		var at time.Time
		if err := rows.Scan(&of, &amount, &at); err != nil {
			t.Fatal(err)
		}
		for name, made := range s.orders {
			if made == of {
				refunds[name+" "+at.UTC().Format(time.DateOnly)] += amount
			}
		}
	}
	if refunds["gaveback 2026-05-14"] != 2740 || refunds["somewhat 2026-05-13"] != 800 {
		t.Errorf("refunds: %v", refunds)
	}
	o, err := s.h.orders.Order(t.Context(), s.merchant, s.orders["onway"])
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := o.Delivery()
	if err != nil || chosen.To == nil || chosen.To.UTC().Format(time.DateOnly) != "2026-05-20" {
		t.Errorf("promised: %+v %v", chosen, err)
	}
	tracking, err := s.h.orders.TrackOrder(t.Context(), o)
	if err != nil || len(tracking.Shipments) != 1 {
		t.Fatal(err)
	}
	arrived, err := s.h.orders.Order(t.Context(), s.merchant, s.orders["arrived"])
	if err != nil {
		t.Fatal(err)
	}
	if tracking, err = s.h.orders.TrackOrder(t.Context(), arrived); err != nil {
		t.Fatal(err)
	}
	if _, until := tracking.Returnable(arrived.Lines[0].ID, 21, s.h.clock.Now()); until == nil || until.UTC().Format(time.DateOnly) != "2026-06-02" {
		t.Errorf("returnable until %v", until)
	}
	var alerts []string
	if err := s.h.db.QueryRow(t.Context(), `select array_agg(distinct kind) from shipment_alerts`).Scan(&alerts); err != nil || !slices.Contains(alerts, string(shipping.AlertDelayed)) || !slices.Contains(alerts, string(shipping.AlertLost)) {
		t.Errorf("alerts: %v %v", alerts, err)
	}
}

const strangeWorld = `{"now": "2026-03-09", "store": {"languages": ["en"], "ship_countries": ["SE", "US"], "points_per_euro": 2, "cancel_fee": "2.50"}, "points": {"x": 1}, "policies": {"a": [1]},
	"customers": [{"key": "olle", "name": "Olle", "email": "olle@example.se"}, {"id": "sam", "points": "many"}],
	"products": [{"name": "blanket", "price": 40, "stock": 2}], "stock": {"blanket": 3, "tent": false}, "promotions": {"A1": {"amount": "5.00", "status": "expired"}, "B2": null},
	"orders": {
		"bare": {"number": "DS-1", "customer": "olle"},
		"odd": {"number": "DS-2", "customer": "olle", "state": "teleported", "delivered_at": "2026-03-02", "items": ["cup", {"title": "mug", "price": "9.90"}, ["pen"], {"sku": "INK", "qty": "2"}], "gift": {"wrap": true}},
		"nobody": {"number": "DS-3", "customer": "ghost", "state": "shipped", "items": [["cup", 0]], "tracking": "customs_hold", "last_scan": {"at": "2026-03-08T08:15:00Z", "place": "Malmö"}},
		"held": {"number": "DS-4", "customer": "sam", "state": "on_hold", "total": 55.5, "address": {"line1": "1 Elm St", "city": "Boston", "country": "US"}},
		"swap": {"number": "DS-5", "customer": "sam", "state": "exchange", "items": [["boots", 1]], "delivered_at": "2026-03-01"},
		"broken": {"number": "DS-6", "customer": "sam", "state": "claimed", "items": [["lamp", 2]]},
		"part": {"number": "DS-7", "customer": "sam", "state": "partially_shipped", "items": [["rope", 1], ["hook", 1]]},
		"back": {"number": "DS-8", "customer": "olle", "state": "refunded", "items": [["cup", 3]], "refund": {"amount": 20, "currency": "SEK", "issued_at": "2026-03-09"}},
		"sameday": {"number": "DS-9", "customer": "olle", "state": "delivered", "delivered_at": "2026-03-09T08:30:00Z", "items": [["cup", 1]]},
		"void": {"number": "DS-10"}}}`

func TestAWorldWithHolesAndStrangeWordsIsBuiltAllTheSame(t *testing.T) {
	t.Parallel()
	s, warned := staged(t, readWorld(t, strangeWorld))
	for name, want := range map[string]string{
		"bare": "confirmed paid unfulfilled", "odd": "completed paid delivered; delivered 2026-03-02", "nobody": "confirmed paid fulfilled; customs_hold 2026-03-08 at Malmö",
		"held": "confirmed paid unfulfilled", "part": "confirmed paid partial; in_transit 2026-03-08", "back": "completed refunded returned; delivered 2026-03-03",
		"sameday": "completed paid delivered; delivered 2026-03-09", "swap": "completed paid delivered; delivered 2026-03-01",
	} {
		if got := s.look(t, name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for _, word := range []string{"teleported", "on_hold", "ghost", "fee for cancelling"} {
		if !slices.ContainsFunc(*warned, func(w string) bool { return strings.Contains(w, word) }) {
			t.Errorf("nothing was said of %s: %q", word, *warned)
		}
	}
	if held, err := s.h.orders.Order(t.Context(), s.merchant, s.orders["held"]); err != nil || held.Total != 5550 || *held.Country != "US" {
		t.Errorf("%+v %v", held, err)
	}
}

func TestWhatASceneChangesIsToldAndPutBack(t *testing.T) {
	t.Parallel()
	s, _ := staged(t, readWorld(t, `{"now": "2026-03-09T09:00:00Z", "customers": {"a": {}}, "orders": {"one": {"number": "DS-1", "customer": "a", "state": "paid", "items": [["cup", 2]]},
		"two": {"number": "DS-2", "customer": "a", "state": "delivered", "items": [["cup", 1]]}}}`))
	p, err := s.opening(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := ""
	for range 3 { // each time the order can be canceled and the money goes back
		if _, err := s.h.orders.Cancel(t.Context(), s.merchant, s.orders["one"], "unwanted", "test"); err != nil {
			t.Fatal(err)
		}
		if err := s.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.look(t, "one"); got != "canceled refunded unfulfilled" {
			t.Fatal(got)
		}
		effects, err := p.journal.effects(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, e := range cases.In(effects, cases.Business) {
			said += e.Change + " " + e.Table + "; "
		}
		if first == "" {
			first = said
		}
		if !strings.Contains(said, "update orders;") || !strings.Contains(said, "insert refunds;") || !strings.Contains(said, "update stock;") || said != first {
			t.Errorf("changed: %s", said)
		}
		i := slices.IndexFunc(effects, func(e cases.Effect) bool { return e.Table == "orders" })
		if c := effects[i].Columns["status"]; c[0] != "confirmed" || c[1] != "canceled" || effects[i].Key["id"] != s.orders["one"].String() {
			t.Errorf("%+v", effects[i])
		}
		if err := p.journal.back(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := p.back(); err != nil {
			t.Fatal(err)
		}
		if got := s.look(t, "one"); got != "confirmed paid unfulfilled" {
			t.Fatal(got)
		}
		if left, err := p.journal.effects(t.Context()); err != nil || len(left) > 0 {
			t.Fatalf("%v %v", left, err)
		}
	}
}

func TestCasesArePlayedByTheCommandOnADatabaseThatIsGoneAfterwards(t *testing.T) {
	server := dbtest.New(t)
	t.Setenv("DATABASE_URL", server.DSN)
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	world := file("world.json", `{"now": "2026-03-09T09:00:00Z", "customers": {"a": {}}, "orders": {"one": {"number": "DS-1", "customer": "a", "state": "paid"}}}`)
	all := file("cases.jsonl", `{"id": "x", "auth": "verified:a", "text": "cancel DS-1", "expect": {"type": "confirm", "action": "order.cancel", "must_not": ["state_change"]}}
{"id": "y", "text": "hello", "expect": {"type": "oos"}}`)
	var out, said strings.Builder
	play := func(more ...string) int {
		out.Reset()
		said.Reset()
		return run(t.Context(), streams{&out, &said}, append([]string{"assistant", "cases", "--world", world, "--cases", all}, more...))
	}
	if code := play("--check", "--at-least", "0.9"); code != exitFailed || strings.Count(out.String(), "\n") != 2 || !strings.Contains(said.String(), "missed y") ||
		!strings.Contains(out.String(), `"type":"confirm"`) || !strings.Contains(out.String(), `"fixtures":{"DS-`) {
		t.Errorf("%d\n%s\n%s", code, out.String(), said.String())
	}
	c, end, err := scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(c.DatabaseURL.Reveal())
	end()
	var left int
	if err != nil || len(at.Path) < 2 {
		t.Fatalf("%v %v", at, err)
	}
	if err := server.DB.QueryRow(t.Context(), `select count(*) from pg_database where datname = $1`, at.Path[1:]).Scan(&left); err != nil || left > 0 {
		t.Errorf("%s is left: %v", at.Path, err)
	}
	if code := run(t.Context(), streams{&out, &said}, []string{"assistant", "cases", "--world", world}); code != exitUsage {
		t.Errorf("without cases: %d", code)
	}
	if code := run(t.Context(), streams{&out, &said}, []string{"assistant", "cases", "--world", filepath.Join(folder, "none"), "--cases", all}); code != exitFailed {
		t.Errorf("without a world: %d", code)
	}
}
