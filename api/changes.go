package api

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/google/uuid"
)

const (
	merchantSlots = 1 << 10
	productSlots  = 1 << 14
)

// changes numbers what ProductsChanged hears, so that an answer read before a
// change is known to be old, whether it is kept already or still being made. A
// slot holds the number of the last change to whatever falls into it; two
// products that share a slot only cost each other a reading.
type changes struct {
	seed  maphash.Seed
	last  atomic.Uint64
	all   [merchantSlots]slot // every product of the merchant
	some  [merchantSlots]slot // any product of the merchant
	byOne [productSlots]slot
	// told is the time of the feed when a merchant's last change was heard: the
	// search index may lack that change until the feed is past it.
	told [merchantSlots]atomic.Int64
}

// slot is the number of a change; it only rises.
type slot struct{ atomic.Uint64 }

func (s *slot) raise(n uint64) {
	for {
		old := s.Load()
		if old >= n || s.CompareAndSwap(old, n) {
			return
		}
	}
}

// productKey is what a change is about.
type productKey struct{ merchant, product uuid.UUID }

func newChanges() *changes { return &changes{seed: maphash.MakeSeed()} }

// number is that of the latest change: what is read from now on knows it.
func (c *changes) number() uint64 { return c.last.Load() }

func (c *changes) merchant(m uuid.UUID) uint64 { return maphash.Comparable(c.seed, m) % merchantSlots }

// ofProduct are the slots that an answer about one product depends on.
func (c *changes) ofProduct(merchant, product uuid.UUID) [2]*slot {
	return [2]*slot{&c.all[c.merchant(merchant)], &c.byOne[maphash.Comparable(c.seed, productKey{merchant, product})%productSlots]}
}

// ofShop are the slots that an answer about all products depends on.
func (c *changes) ofShop(merchant uuid.UUID) [2]*slot {
	m := c.merchant(merchant)
	return [2]*slot{&c.all[m], &c.some[m]}
}

// hear takes note of a change at the feed's time feed; no products means all.
func (c *changes) hear(merchant uuid.UUID, products []uuid.UUID, feed int64) {
	m := c.merchant(merchant)
	c.told[m].Store(feed)
	n := c.last.Add(1)
	c.some[m].raise(n)
	if len(products) == 0 {
		c.all[m].raise(n)
	}
	for _, p := range products {
		c.byOne[maphash.Comparable(c.seed, productKey{merchant, p})%productSlots].raise(n)
	}
}

// ProductsChanged drops the kept answers that show any of the products; without
// products, all of the merchant's. It is what search.FollowerOptions.OnChange
// is to call, and never blocks.
func (s *Server) ProductsChanged(merchant uuid.UUID, products []uuid.UUID) {
	s.changes.hear(merchant, products, s.feedTime().UnixNano())
}
