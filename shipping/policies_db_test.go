package shipping_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/money"
	"doorstep/shipping"
	"doorstep/shipping/policy"
)

func flat(amount int) []byte {
	return fmt.Appendf(nil, `{"currency":"EUR","methods":[{"id":"std","name":"Standard","price":{"type":"flat","amount":%d}}]}`, amount)
}

func (w *world) draft(document []byte) *shipping.Version {
	w.t.Helper()
	v, err := w.parcels.NewDraft(w.ctx, w.merchant, document)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w *world) publish(v *shipping.Version) *shipping.Version {
	w.t.Helper()
	got, err := w.parcels.Publish(w.ctx, w.merchant, v.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func (w *world) price() int64 {
	w.t.Helper()
	a, err := w.parcels.Quote(w.ctx, w.merchant, policy.Request{Items: []policy.Item{{SKU: "A", Quantity: 1, UnitPrice: 100}}})
	if err != nil || len(a.Options) != 1 {
		w.t.Fatalf("%+v %v", a, err)
	}
	return a.Options[0].Total.Minor
}

func (w *world) config() (n int64) {
	w.t.Helper()
	if err := w.db.QueryRow(w.ctx, `select config_version from merchants where id = $1`, w.merchant).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestAShopWithoutAPolicyOffersNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, err := w.parcels.Quote(w.ctx, w.merchant, policy.Request{})
	if err != nil || a.Code != policy.CodeNoMethod || len(a.Options) != 0 {
		t.Fatalf("%+v %v", a, err)
	}
	if p, version, err := w.parcels.Live(w.ctx, w.merchant); p != nil || version != 0 || err != nil {
		t.Fatalf("%v %d %v", p, version, err)
	}
}

func TestOnlyThePublishedVersionCountsAndItNeverChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.draft(flat(500))
	if first.Version != 1 || first.Status != shipping.Draft || len(first.Hash) != 64 {
		t.Fatalf("%+v", first)
	}
	first, err := w.parcels.ReplaceDraft(w.ctx, w.merchant, first.ID, flat(600))
	if err != nil {
		t.Fatal(err)
	}
	before := w.config()
	if got := w.publish(first); got.Status != shipping.Published || got.PublishedAt == nil || w.price() != 600 {
		t.Fatalf("%+v", got)
	}
	if w.config() != before+1 {
		t.Fatal("caches are not told")
	}
	w.publish(first)
	if w.config() != before+1 {
		t.Fatal("publishing it again did something")
	}
	_, err = w.parcels.ReplaceDraft(w.ctx, w.merchant, first.ID, flat(1))
	if !errors.Is(err, shipping.ErrPolicyState) {
		t.Fatalf("a published version was changed: %v", err)
	}
	if err := w.parcels.DeleteDraft(w.ctx, w.merchant, first.ID); !errors.Is(err, shipping.ErrPolicyState) {
		t.Fatalf("a published version was deleted: %v", err)
	}
	second := w.draft(flat(700))
	if w.price() != 600 {
		t.Fatal("a draft counts")
	}
	w.publish(second)
	if w.price() != 700 {
		t.Fatal("the new version does not count")
	}
	back := w.publish(first)
	if back.Version != 3 || back.ID == first.ID || w.price() != 600 {
		t.Fatalf("back to the first: %+v", back)
	}
	all, err := w.parcels.Versions(w.ctx, w.merchant)
	if err != nil || len(all) != 3 || all[0].Status != shipping.Published || all[1].Status != shipping.Retired || all[2].Status != shipping.Retired {
		t.Fatalf("%+v %v", all, err)
	}
	if err := w.parcels.DeleteDraft(w.ctx, w.merchant, w.draft(flat(1)).ID); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		w.parcels.DeleteDraft(w.ctx, w.merchant, id.New()),
		errorOf(w.parcels.Publish(w.ctx, id.New(), second.ID)),
		errorOf(w.parcels.VersionNumber(w.ctx, w.merchant, 99)),
	} {
		if !errors.Is(err, shipping.ErrPolicyNotFound) {
			t.Errorf("%v", err)
		}
	}
}

func errorOf[T any](_ T, err error) error { return err }

func TestPublishingAtOnceLeavesOnePublished(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			v, err := w.parcels.NewDraft(w.ctx, w.merchant, flat(i))
			if err == nil {
				_, err = w.parcels.Publish(w.ctx, w.merchant, v.ID)
			}
			if err == nil {
				_, err = w.parcels.Publish(w.ctx, w.merchant, v.ID) // by then perhaps retired: a new version
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, err := w.parcels.Versions(w.ctx, w.merchant)
	if err != nil {
		t.Fatal(err)
	}
	published := 0
	for i, v := range all {
		if v.Version != len(all)-i {
			t.Fatalf("version %d is missing", len(all)-i)
		}
		if v.Status == shipping.Published {
			published++
		}
	}
	if published != 1 {
		t.Fatalf("%d are published", published)
	}
}

func TestAPolicyWithMistakesIsNeitherKeptNorPublished(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, bad := range []string{`{`, `{"currency":"EUR"}`, `{"currency":"EUR","methods":[],"speed":1}`, `{"currency":"EUR","methods":[{"id":"a","zones":["nowhere"],"price":{"type":"flat","amount":1}}]}`} {
		if _, err := w.parcels.NewDraft(w.ctx, w.merchant, []byte(bad)); !errors.Is(err, policy.ErrInvalid) {
			t.Errorf("%s: %v", bad, err)
		}
		if r := shipping.CheckPolicy([]byte(bad), nil); r.Valid || len(r.Problems) == 0 {
			t.Errorf("%s: %+v", bad, r)
		}
	}
}

func TestACheckWarnsOfWhatIsProbablyNotMeant(t *testing.T) {
	t.Parallel()
	const warned = `{"currency":"EUR","rates":{"USD->EUR":"0.9"},
		"zones":[{"id":"am","match":[{"country":"AM"},{"country":"ZZ"}]},{"id":"ge","match":[{"country":"GE"},{"country":"UK"}]}],
		"methods":[{"id":"air","zones":["am"],"price":{"type":"max","of":[{"type":"flat","amount":1},{"type":"live","carrier":"ups-1","service":"07","fallback":[{"use":"hide"}]}]}},
			{"id":"post","zones":["am"],"price":{"type":"tiers","by":"weight_g","tiers":[{"to":1000,"amount":1},{"from":2000,"to":5000,"amount":2}]}}],
		"rules":[{"id":"never","phase":"eligibility","methods":["post"],"then":[{"action":"hide","code":"closed"}]}]}`
	r := shipping.CheckPolicy([]byte(warned), []string{"EUR", "USD", "AMD"})
	if !r.Valid {
		t.Fatalf("%+v", r)
	}
	r.Linked([]byte(warned), []string{"ups-2"})
	quiet := shipping.Report{}
	if quiet.Linked([]byte(warned), []string{"ups-1"}); len(quiet.Warnings) != 0 {
		t.Errorf("a linked account: %+v", quiet.Warnings)
	}
	var codes []string
	for _, w := range r.Warnings {
		codes = append(codes, w.Code+" "+w.Location)
	}
	want := "tier_gap methods[1].price.tiers, tier_end methods[1].price.tiers, zone_without_method zones[1], no_method_without_zone methods, no_exchange_rate rates, method_always_hidden rules[0], " +
		"unknown_country zones[0].match[1].country, carrier_not_linked methods[0].price.of[1]"
	if got := strings.Join(codes, ", "); got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	if r := shipping.CheckPolicy(flat(1), []string{"EUR"}); !r.Valid || len(r.Warnings)+len(r.Problems) != 0 {
		t.Fatalf("a plain policy: %+v", r)
	}
}

func TestASimulationWritesNothingAndTakesAnyVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(w.draft(flat(500)))
	w.draft(flat(600))
	cart := []policy.Request{{Items: []policy.Item{{SKU: "A", Quantity: 1, UnitPrice: 100}}}}
	for want, sim := range map[int64]shipping.Simulation{500: {}, 600: {Version: 2}, 700: {Document: flat(700)}} {
		sim.Requests = cart
		a, err := w.parcels.Simulate(w.ctx, w.merchant, sim)
		if err != nil || len(a) != 1 || a[0].Options[0].Total.Minor != want {
			t.Errorf("%d: %+v %v", want, a, err)
		}
	}
	if _, err := w.parcels.Simulate(w.ctx, w.merchant, shipping.Simulation{Version: 9}); !errors.Is(err, shipping.ErrPolicyNotFound) {
		t.Errorf("an unknown version: %v", err)
	}
	bad := []policy.Request{{Items: []policy.Item{{Quantity: -1}}}}
	if _, err := w.parcels.Simulate(w.ctx, w.merchant, shipping.Simulation{Requests: bad}); !errors.Is(err, policy.ErrRequest) {
		t.Errorf("an impossible request: %v", err)
	}
	d, err := w.parcels.Compare(flat(500), flat(650), cart)
	if err != nil || fmt.Sprint(d.Changed, d.Added, d.Removed) != "[methods.std] [] []" || d.Requests[0].PriceChange != 150 {
		t.Errorf("%+v %v", d, err)
	}
}

func TestANewShopCanShipAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for currency, price := range map[string]int64{"EUR": 500, "AMD": 150000, "JPY": 600, "KWD": 5000} {
		document, err := shipping.StarterPolicy(currency)
		if err != nil {
			t.Fatal(err)
		}
		if r := shipping.CheckPolicy(document, []string{currency}); !r.Valid || len(r.Warnings) != 0 {
			t.Fatalf("%s: %+v", currency, r)
		}
		w.publish(w.draft(document))
		for _, c := range []struct{ goods, want int64 }{{100, price}, {10 * price, 0}} {
			a, err := w.parcels.Quote(w.ctx, w.merchant, policy.Request{Currency: currency, Now: start.Add(time.Hour), Dest: policy.Dest{Country: "AM"},
				Items: []policy.Item{{SKU: "A", Quantity: 1, UnitPrice: c.goods}}})
			if err != nil || len(a.Options) != 1 || a.Options[0].Total != money.Of(c.want, currency) || a.Options[0].Promise == nil || a.Options[0].Promise.DeliverMax == "" {
				t.Fatalf("%s for %d: %+v %v", currency, c.goods, a, err)
			}
		}
	}
	if _, err := shipping.StarterPolicy("XXX"); fault.KindOf(err) != fault.Invalid {
		t.Fatal(err)
	}
}
