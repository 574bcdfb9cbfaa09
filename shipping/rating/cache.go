package rating

import (
	"container/list"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"time"

	"doorstep/shipping/carrier"
)

// cache keeps the last answer to each question, the least used going first.
type cache struct {
	mu   sync.Mutex
	most int
	all  map[string]*list.Element
	used *list.List // of *entry, the latest used in front
}

// entry is one answer. Its rates are never changed.
type entry struct {
	key   string
	rates []carrier.Rate
	at    time.Time
	life  time.Duration // how long it is fresh
}

func newCache(most int) *cache {
	return &cache{most: most, all: map[string]*list.Element{}, used: list.New()}
}

// get gives the last answer with its age; nil when there is none, or it is from
// before since or from the future, as after a clock was set back.
func (c *cache) get(key string, now, since time.Time) (*entry, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.all[key]
	if !ok {
		return nil, 0
	}
	e := found.Value.(*entry) //nolint:forcetypeassert // nothing else is in it
	age := now.Sub(e.at)
	if age < 0 || age > Stale || e.at.Before(since) && !now.Before(since) {
		c.used.Remove(found)
		delete(c.all, key)
		return nil, 0
	}
	c.used.MoveToFront(found)
	return e, age
}

func (c *cache) put(key string, rates []carrier.Rate, at time.Time, life time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := &entry{key, rates, at, life}
	if old, ok := c.all[key]; ok {
		old.Value = e
		c.used.MoveToFront(old)
		return
	}
	c.all[key] = c.used.PushFront(e)
	if c.used.Len() > c.most {
		last := c.used.Back()
		c.used.Remove(last)
		delete(c.all, last.Value.(*entry).key) //nolint:forcetypeassert // as above
	}
}

// place is an address as exactly as prices depend on it: not who lives there.
type place struct {
	Country, Region, Postcode, City string
	Residential                     bool
}

func placeOf(a *carrier.Address) place {
	p := place{Country: a.Country, Region: a.Region, Postcode: a.Postcode, Residential: a.Residential}
	if a.Postcode == "" {
		p.City = a.City
	}
	return p
}

// key names a question: the account, what goes where, how, on which day.
func (a *Ask) key() string {
	r := &a.Request
	parcels := make([][4]int64, len(r.Parcels))
	for i, p := range r.Parcels {
		parcels[i] = [4]int64{p.LengthMM, p.WidthMM, p.HeightMM, p.WeightG}
	}
	border, worth := "", int64(0)
	if r.Customs != nil {
		border = "customs " + r.Customs.Incoterm
		for i := range r.Customs.Items {
			worth += r.Customs.Items[i].UnitValue.Minor * r.Customs.Items[i].Quantity
		}
	}
	text := fmt.Appendf(nil, "%#v", []any{
		a.Account.ID, a.Account.Version, slices.Sorted(slices.Values(r.Services)), placeOf(&r.From), placeOf(&r.To), parcels, r.Options, border, worth,
		r.ShipAt.Format(time.DateOnly), r.Currency,
	})
	sum := sha256.Sum256(text)
	return string(sum[:])
}
