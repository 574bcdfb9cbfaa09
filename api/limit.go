package api

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"
)

// Limit is a token bucket: PerSecond on average, Burst at once. The zero value
// stands for the default, a negative PerSecond for no limit.
type Limit struct {
	PerSecond float64
	Burst     int
}

// Limits of general traffic, kept in memory per node. Each is per key and
// shopper (an IPv4 address or an IPv6 /64), never per address alone, for many
// people share one; public routes count per route and shopper.
type Limits struct {
	Publishable, Secret, Public Limit
}

var usualLimits = Limits{
	Publishable: Limit{PerSecond: 50, Burst: 200},
	Secret:      Limit{PerSecond: 2000, Burst: 4000},
	Public:      Limit{PerSecond: 20, Burst: 100},
}

func (l Limit) or(usual Limit) Limit {
	if l.PerSecond == 0 {
		return usual
	}
	return l
}

const (
	limitShards = 64
	// perShard bounds the memory: 64 * 1,024 buckets of about 200 bytes.
	perShard = 1024
)

// bucketKey is one caller, as far as the limits are concerned.
type bucketKey struct {
	key   uuid.UUID
	route string // on public routes only
	net   netip.Addr
}

type limiter struct {
	limits Limits
	seed   maphash.Seed
	shards [limitShards]struct {
		sync.Mutex
		buckets map[bucketKey]*bucket
	}
}

type bucket struct {
	rate *rate.Limiter
	last time.Time
}

func newLimiter(l Limits) *limiter {
	lim := &limiter{seed: maphash.MakeSeed(), limits: Limits{
		Publishable: l.Publishable.or(usualLimits.Publishable),
		Secret:      l.Secret.or(usualLimits.Secret),
		Public:      l.Public.or(usualLimits.Public),
	}}
	for i := range lim.shards {
		lim.shards[i].buckets = map[bucketKey]*bucket{}
	}
	return lim
}

// take spends one token of the caller, or says how long to wait for one.
func (l *limiter) take(r *request, now time.Time) error {
	if r.route.Free {
		return nil
	}
	limit, key := l.limits.Publishable, bucketKey{key: r.caller.KeyID, net: network(r.ip)}
	switch {
	case r.route.Auth.Public():
		limit, key.route = l.limits.Public, r.route.ID
	case r.caller.Secret:
		limit = l.limits.Secret
	}
	if limit.PerSecond < 0 {
		return nil
	}
	shard := &l.shards[maphash.Comparable(l.seed, key)%limitShards]
	shard.Lock()
	b := shard.buckets[key]
	if b == nil {
		if len(shard.buckets) >= perShard {
			evict(shard.buckets)
		}
		b = &bucket{rate: rate.NewLimiter(rate.Limit(limit.PerSecond), limit.Burst)}
		shard.buckets[key] = b
	}
	b.last = now
	shard.Unlock()

	token := b.rate.ReserveN(now, 1)
	if wait := token.DelayFrom(now); wait > 0 {
		token.CancelAt(now)
		return errRateLimited.After(wait)
	}
	return nil
}

// evict drops the longest unused of a few buckets that the map's random order
// offers: close to the least recently used, without a list to keep.
func evict(buckets map[bucketKey]*bucket) {
	const sample = 8
	var oldest bucketKey
	var last time.Time
	n := 0
	for k, b := range buckets {
		if n == 0 || b.last.Before(last) {
			oldest, last = k, b.last
		}
		if n++; n == sample {
			break
		}
	}
	delete(buckets, oldest)
}
