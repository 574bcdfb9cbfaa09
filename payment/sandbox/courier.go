package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Delivery brings one webhook to its receiver. An error, as an answer other
// than 2xx, lets it come again.
type Delivery func(ctx context.Context, header http.Header, body []byte) error

// Post says where the news go, and how badly. The shares are from 0 to 1; which
// webhook suffers what follows from the seed alone.
type Post struct {
	To     Delivery // takes the webhooks in this process; else they go to URL
	URL    string
	Secret string // signs them
	// Now is the time in signatures; the gateway's own clock when nil. Where that
	// can be moved, receivers measure the age of what they are told by another.
	Now    func() time.Time
	Seed   uint64
	Twice  float64 // this share comes twice
	Late   float64 // this share comes after up to Behind later ones, and so in another order
	Lost   float64 // this share never comes
	Behind int     // 8 when zero
	// Delay is how long a late one waits when nothing comes that it could be
	// later than, and a refused one before it comes again; 100 ms when zero.
	Delay time.Duration
	Tries int           // how often a refused one is brought; 5 when zero
	Grace time.Duration // how long Close goes on delivering; 5 s when zero
}

// bagSize is how many webhooks wait at most; what comes on top is lost, as it
// would be with any gateway for a shop that has been away for days.
const bagSize = 4_096

// Courier delivers webhooks, one at a time, from one goroutine.
type Courier struct {
	post   Post
	g      *Gateway
	random *rand.Rand
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	wake   chan struct{}

	mu      sync.Mutex
	bag     []*parcel
	busy    bool // one is on its way
	closing bool
	idle    chan struct{} // closed when nothing waits
	counts  Delivered
}

// parcel is a webhook on its way.
type parcel struct {
	event  Event
	behind int // how many others go first
	tries  int
}

// Delivered counts what a courier has done.
type Delivered struct{ Sent, Refused, Lost int }

// Deliver sends all news from now on. There is one courier at a time: the one
// before is closed.
func (g *Gateway) Deliver(p Post) *Courier {
	if p.Behind == 0 {
		p.Behind = 8
	}
	if p.Delay == 0 {
		p.Delay = 100 * time.Millisecond
	}
	if p.Tries == 0 {
		p.Tries = 5
	}
	if p.Grace == 0 {
		p.Grace = 5 * time.Second
	}
	if p.To == nil {
		p.To = post(p.URL)
	}
	if p.Now == nil {
		p.Now = g.clock.Now
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Courier{
		post: p, g: g, random: rand.New(rand.NewPCG(p.Seed, 0)), ctx: ctx, cancel: cancel,
		done: make(chan struct{}), wake: make(chan struct{}, 1), idle: make(chan struct{}),
	}
	close(c.idle)
	g.mu.Lock()
	before := g.courier
	g.courier = c
	g.mu.Unlock()
	if before != nil {
		before.Close()
	}
	go c.run()
	return c
}

// post delivers over HTTP.
func post(url string) Delivery {
	client := &http.Client{
		Timeout:       10 * time.Second,
		Transport:     &http.Transport{DisableKeepAlives: true, Proxy: nil},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context, header http.Header, body []byte) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header = header
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }() // the status is what we came for
		_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
		if res.StatusCode < 200 || res.StatusCode > 299 {
			return fmt.Errorf("sandbox: webhook answered with %d", res.StatusCode)
		}
		return nil
	}
}

// take puts an event in the bag, with its fate.
func (c *Courier) take(e Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// The same number of throws for each event, so that one fate does not change the next.
	lost, twice, late, again := c.random.Float64(), c.random.Float64(), c.random.Float64(), c.random.Float64()
	behind, more := 1+c.random.IntN(c.post.Behind), 1+c.random.IntN(c.post.Behind)
	if c.closing || lost < c.post.Lost || len(c.bag)+2 > bagSize {
		c.counts.Lost++
		return
	}
	fate := func(throw float64, n int) int {
		if throw < c.post.Late {
			return n
		}
		return 0
	}
	c.put(&parcel{event: e, behind: fate(late, behind)})
	if twice < c.post.Twice {
		c.put(&parcel{event: e, behind: fate(again, more)})
	}
}

func (c *Courier) put(p *parcel) {
	if len(c.bag) == 0 && !c.busy {
		c.idle = make(chan struct{})
	}
	c.bag = append(c.bag, p)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// next takes the first parcel out of the bag that need not wait for others. In
// a hurry none waits.
func (c *Courier) next(hurry bool) *parcel {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, p := range c.bag {
		if p.behind > 0 && !hurry && !c.closing {
			continue
		}
		c.bag = slices.Delete(c.bag, i, i+1)
		for _, other := range c.bag {
			other.behind = max(0, other.behind-1)
		}
		c.busy = true
		return p
	}
	return nil
}

func (c *Courier) run() {
	defer close(c.done)
	late := time.NewTimer(c.post.Delay)
	defer late.Stop()
	hurry := false
	for c.ctx.Err() == nil {
		p := c.next(hurry)
		hurry = false
		if p != nil {
			c.bring(p)
			continue
		}
		c.mu.Lock()
		over := c.closing && len(c.bag) == 0
		c.mu.Unlock()
		if over {
			return
		}
		late.Reset(c.post.Delay)
		select {
		case <-c.ctx.Done():
		case <-c.wake:
		case <-late.C:
			hurry = true
		}
	}
}

// bring delivers one parcel, or puts it back.
func (c *Courier) bring(p *parcel) {
	body := c.g.EventBody(p.event)
	header := http.Header{
		"Content-Type":  {"application/json; charset=utf-8"},
		"User-Agent":    {"Doorstep-Gateway/1"},
		SignatureHeader: {Sign(c.post.Secret, body, c.post.Now())},
	}
	err := c.post.To(c.ctx, header, body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = false
	if err == nil {
		c.counts.Sent++
	} else {
		c.counts.Refused++
		if p.tries++; p.tries < c.post.Tries && !c.closing {
			p.behind = c.post.Behind
			c.bag = append(c.bag, p)
		} else {
			c.counts.Lost++
		}
	}
	if len(c.bag) == 0 {
		close(c.idle)
	}
}

// Idle waits until everything is delivered that there is to deliver.
func (c *Courier) Idle(ctx context.Context) error {
	c.mu.Lock()
	idle := c.idle
	c.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-idle:
		return nil
	}
}

// Counts says what was done so far.
func (c *Courier) Counts() Delivered {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

// Close brings what waits, for as long as its grace lasts, and ends the
// deliveries.
func (c *Courier) Close() {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	late := time.AfterFunc(c.post.Grace, c.cancel)
	<-c.done
	late.Stop()
	c.cancel()
}
