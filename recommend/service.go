package recommend

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"doorstep/catalog"
	"doorstep/internal/db"

	"github.com/google/uuid"
)

// shelf shows products as shoppers see them now, with price and stock. Those that
// are not on sale are left out.
type shelf interface {
	Views(ctx context.Context, merchant uuid.UUID, currency, locale string, products []uuid.UUID) ([]*catalog.View, error)
}

// Config is what the service needs.
type Config struct {
	DB    *db.DB
	Shelf shelf
	Log   *slog.Logger
	// Feed tells what has changed on the shelf, so that lists can be kept while
	// nothing has; nil keeps none.
	Feed feed
	// Currency is a shop's first, for trials of the lists as they are; nil tries
	// none.
	Currency func(ctx context.Context, merchant uuid.UUID) (string, error)
	// Fresh is how long what was learned is used before it is learned anew; 5 min.
	Fresh time.Duration
	// EventsKept is how long what shoppers looked at is kept at least; 61 days.
	// Whole months go at once.
	EventsKept time.Duration
	// LargeLines is above how many lines of orders a shop is not learned in memory;
	// 3,000,000. ShardItems is how many products a part of such a shop has; 20,000.
	LargeLines, ShardItems int
	// Soon is how long at least new purchases wait for that; 2 s.
	Soon time.Duration
}

// Service recommends. It learns each shop in memory, from what was bought and
// looked at, when it is first asked about it, and again when that is old or when
// something was bought since. It is safe for concurrent use.
type Service struct {
	Config
	journal  journal
	gate     gate
	rowsKept rowCache
	mu       sync.Mutex
	shops    map[uuid.UUID]*shop
	work     work
}

// shop is what is known of one merchant.
type shop struct {
	lists  lists
	mu     sync.Mutex
	known  *knowledge
	took   time.Duration // hearing the news
	rules  *RuleSet
	asked  time.Time
	read   position  // up to where orders are in known
	looked time.Time // when it was last asked for what is new
	busy   bool      // hearing the news in the background
	under  *lesson   // under way; nil when nothing is
	rest   time.Time // until then nothing is learned anew, after a failure
}

// The bounds of what is kept and learned.
const (
	mostShops = 200                  // in memory; the one that was asked least recently goes
	lookBack  = 730 * 24 * time.Hour // of purchases
	viewsBack = 60 * 24 * time.Hour  // of what was looked at
)

// New makes the service.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Fresh == 0 {
		c.Fresh = 5 * time.Minute
	}
	if c.Soon == 0 {
		c.Soon = 2 * time.Second
	}
	if c.LargeLines == 0 {
		c.LargeLines = 3_000_000
	}
	if c.ShardItems == 0 {
		c.ShardItems = itemsPerShard
	}
	c.EventsKept = max(c.EventsKept, viewsBack+24*time.Hour)
	s := &Service{Config: c, rowsKept: rowCache{most: mostRows}, shops: map[uuid.UUID]*shop{}}
	s.work.begin()
	return s
}

// Learn learns a shop anew at once.
func (s *Service) Learn(ctx context.Context, merchant uuid.UUID) error {
	_, err := s.shop(merchant).learn(ctx, s, merchant, true)
	return err
}

// shop is that of a merchant, made when there is none yet.
func (s *Service) shop(merchant uuid.UUID) *shop {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.DB.Now()
	sh := s.shops[merchant]
	if sh == nil {
		if len(s.shops) >= mostShops {
			s.forget()
		}
		sh = &shop{}
		s.shops[merchant] = sh
	}
	sh.mu.Lock()
	sh.asked = now
	sh.mu.Unlock()
	return sh
}

// forget drops the shop that was asked about least recently.
func (s *Service) forget() {
	var oldest uuid.UUID
	var when time.Time
	for merchant, sh := range s.shops {
		sh.mu.Lock()
		if asked := sh.asked; oldest == uuid.Nil || asked.Before(when) {
			oldest, when = merchant, asked
		}
		sh.mu.Unlock()
	}
	delete(s.shops, oldest)
}

// knowledge is what is known of the merchant. The first to ask waits until it is
// learned; later ones get what there is, while it is learned anew behind them.
func (s *Service) knowledge(ctx context.Context, merchant uuid.UUID, sh *shop) (*knowledge, *RuleSet, error) {
	sh.mu.Lock()
	known, rules := sh.known, sh.rules
	if known == nil {
		sh.mu.Unlock()
		known, err := sh.learn(ctx, s, merchant, false)
		if err != nil {
			return nil, nil, err
		}
		sh.mu.Lock()
		defer sh.mu.Unlock()
		return known, sh.rules, nil
	}
	// Learning takes at most a twentieth of the time.
	now := s.DB.Now()
	anew := sh.under == nil && !now.Before(sh.rest) && now.Sub(known.at) > max(s.Fresh, 20*known.took)
	if !sh.busy && (anew || now.Sub(sh.looked) > max(s.Soon, 20*sh.took)) {
		sh.busy, sh.looked = true, now
		if !s.spawn(func() { s.behind(merchant, sh, anew) }) {
			sh.busy = false
		}
	}
	sh.mu.Unlock()
	return known, rules, nil
}
