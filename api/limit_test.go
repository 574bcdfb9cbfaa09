package api

import (
	"net/netip"
	"testing"
	"time"

	"doorstep/internal/clock"

	"github.com/google/uuid"
)

func TestOneShopperIsSlowedAndOthersAreNot(t *testing.T) {
	t.Parallel()
	clk := clock.At(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	s, _ := newServer(t, trustTest, func(o *Options) {
		o.Clock, o.Limits = clk, Limits{Publishable: Limit{PerSecond: 0.4, Burst: 2}, Secret: Limit{PerSecond: 1, Burst: 3}, Public: Limit{PerSecond: 1, Burst: 1}}
	})
	addNotes(s)
	get := func(name, path string, header map[string]string, status int) {
		t.Helper()
		sc := scenario{name: name, method: "GET", path: path, header: header, status: status}
		if status == 429 {
			sc.want = []string{`"code":"rate_limited"`}
		}
		run(t, s, []scenario{sc})
	}
	ann := with(appKey, "Shopper-IP", "203.0.113.1")
	get("first", "/v1/notes/1", ann, 200)
	get("second", "/v1/notes/1", ann, 200)
	run(t, s, []scenario{{name: "third", method: "GET", path: "/v1/notes/1", header: ann, status: 429, wantHeader: map[string]string{"Retry-After": "3"}}})
	get("another shopper", "/v1/notes/1", with(appKey, "Shopper-IP", "203.0.113.2"), 200)
	get("another key", "/v1/notes/1", with(openKey, "Shopper-IP", "203.0.113.1"), 200)
	clk.Advance(2400 * time.Millisecond)
	get("too early", "/v1/notes/1", ann, 429)
	clk.Advance(200 * time.Millisecond)
	get("after the wait", "/v1/notes/1", ann, 200)
	for range 3 {
		get("server", "/v1/notes/1", with(rootKey), 200)
	}
	get("server too fast", "/v1/notes/1", with(rootKey), 429)
	get("public", "/v1/track/1", nil, 200)
	get("public too fast", "/v1/track/1", nil, 429)
	for range 20 {
		get("probes", "/health/live", nil, 200)
	}
}

func TestAnIPv6SubscriberIsOneShopper(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "2001:db8:1:2:ffff::": "2001:db8:1:2::", "2001:db8:1:3::1": "2001:db8:1:3::", "203.0.113.7": "203.0.113.7", "fe80::1%eth0": "fe80::"} {
		if got := network(netip.MustParseAddr(in)); got.String() != want {
			t.Errorf("%s counts as %s, want %s", in, got, want)
		}
	}
	if network(netip.Addr{}).IsValid() {
		t.Error("no address is no network")
	}
}

func TestTheLimiterKeepsABoundedMemoryAndTheBusyBuckets(t *testing.T) {
	t.Parallel()
	l := newLimiter(Limits{Publishable: Limit{PerSecond: 1, Burst: 1}})
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	route := &Route{Auth: publishable()}
	busy := &request{route: route, caller: Principal{KeyID: uuid.New()}, ip: netip.MustParseAddr("203.0.113.1")}
	_ = l.take(busy, now)
	passed := 0
	for i := range 100_000 {
		now = now.Add(time.Microsecond)
		_ = l.take(&request{route: route, ip: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})}, now)
		if i%100 == 0 && l.take(busy, now) == nil {
			passed++
		}
	}
	total := 0
	for i := range l.shards {
		total += len(l.shards[i].buckets)
	}
	if total > limitShards*perShard || total < limitShards*perShard/2 {
		t.Errorf("%d buckets", total)
	}
	if passed > 2 {
		t.Errorf("a flood of others gave the busy caller %d fresh buckets", passed)
	}
}
