package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"doorstep/internal/dbtest"
	"doorstep/internal/id"
)

// crowd are eight buyers who buy on and on while things die under their hands.
// Each asks with the same key until an answer is certain, as a storefront does.
type crowd struct {
	mu     sync.Mutex
	shop   *program        // where the program answers now
	placed map[string]bool // orders that were acknowledged
	wrong  []string        // what must never happen
	again  int             // payments that came to nothing and were made again
	stop   chan struct{}
	all    sync.WaitGroup
}

const buyersAtOnce = 8

// Ways to pay, by the number of a purchase.
var (
	everyWay = [][2]string{{"card", "tok_visa"}, {"card", "tok_500_after_charge"}, {"card", "tok_visa"}, {"cash_on_delivery", ""}}
	cash     = [][2]string{{"cash_on_delivery", ""}}
)

// gather sends the buyers in.
func gather(t *testing.T, p *program, ways [][2]string) *crowd {
	t.Helper()
	skus := make([]string, 4)
	for i := range skus {
		skus[i], _ = p.product(t, fmt.Sprintf("Crowd kettle %d", i), 900+100*i, 1_000_000)
	}
	c := &crowd{shop: p, placed: map[string]bool{}, stop: make(chan struct{})}
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	for b := range buyersAtOnce {
		c.all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-c.stop:
					return
				case <-ctx.Done():
					c.note("", "a buyer got no certain answer in time")
					return
				default:
				}
				c.buy(ctx, ways[(b+n)%len(ways)], item(skus[n%4], 1), item(skus[(n+1)%4], 2))
			}
		})
	}
	t.Cleanup(func() { cancel(); c.leave() })
	return c
}

// leave lets every buyer finish what was begun.
func (c *crowd) leave() {
	c.mu.Lock()
	select {
	case <-c.stop:
	default:
		close(c.stop)
	}
	c.mu.Unlock()
	c.all.Wait()
}

func (c *crowd) where() *program {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shop
}

func (c *crowd) moveTo(p *program) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shop = p
}

func (c *crowd) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.placed)
}

func (c *crowd) note(order, wrong string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if order != "" {
		c.placed[order] = true
	}
	if wrong != "" {
		c.wrong = append(c.wrong, wrong)
	}
}

// ask repeats a request until it is answered for good; how often it takes is
// nobody's fault, so there is no limit but the context's.
func (c *crowd) ask(ctx context.Context, path string, body m, headers ...string) (reply, bool) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		a, err := c.where().send(ctx, http.MethodPost, path, body, headers...)
		if err == nil && a.status < 500 && a.status != http.StatusAccepted && a.status != http.StatusTooManyRequests &&
			a.text("code") != "idempotency_in_flight" && a.text("code") != "checkout_in_progress" {
			return a, true
		}
		<-tick.C
	}
	return reply{}, false
}

// buy is one purchase, by a method and a token.
func (c *crowd) buy(ctx context.Context, way [2]string, items ...m) {
	started, ok := c.ask(ctx, "/v1/checkouts", form(items...)) // without a key: beginning twice does no harm
	if !ok {
		return
	}
	if started.status != http.StatusCreated {
		c.note("", "start: "+started.String())
		return
	}
	path := "/v1/checkouts/" + started.text("id") + "/complete"
	headers := []string{"Checkout-Secret", started.text("secret"), "Idempotency-Key", id.Secret(12)}
	first, ok := c.ask(ctx, path, paying(started, way[0], way[1]), headers...)
	for ; ok && first.text("code") == "payment_declined"; first, ok = c.ask(ctx, path, paying(started, way[0], way[1]), headers...) {
		// The program died before the gateway was asked: nothing was paid, and the
		// buyer tries again.
		c.mu.Lock()
		c.again++
		c.mu.Unlock()
		headers[3] = id.Secret(12)
	}
	if !ok {
		return
	}
	if first.status != http.StatusOK || first.text("status") != "completed" {
		c.note("", "complete: "+first.String())
		return
	}
	c.note(first.text("order.id"), "")
	again, ok := c.ask(ctx, path, paying(started, way[0], way[1]), headers...)
	if ok && again.text("order.id") != first.text("order.id") {
		c.note("", fmt.Sprintf("the same key gave %v and then %v", first, again))
	}
}

// settled checks, once the buyers have left, that nothing of what they were told
// has been lost and nothing was done twice.
func (c *crowd) settled(t *testing.T) {
	t.Helper()
	c.leave()
	p := c.where()
	for _, wrong := range c.wrong {
		t.Error(wrong)
	}
	for order := range c.placed {
		if a := p.admin().get(t, "/v1/orders/"+order); a.status != http.StatusOK {
			t.Errorf("acknowledged and lost: %s: %v", order, a)
		}
	}
	known := 0
	for cursor := ""; ; {
		page := p.admin().get(t, "/v1/orders?limit=100&cursor="+cursor).want(t, http.StatusOK)
		for _, o := range page.list("data") {
			known++
			if order := o.(map[string]any)["id"].(string); !c.placed[order] {
				t.Errorf("order %s was acknowledged to nobody", order)
			}
		}
		if cursor = page.text("next_cursor"); cursor == "" {
			break
		}
	}
	t.Logf("%d orders acknowledged, %d kept", len(c.placed), known)
	until(t, patience, "every card is charged", func() (bool, any) {
		a := p.admin().get(t, "/v1/orders?payment_status=authorized").want(t, http.StatusOK)
		return len(a.list("data")) == 0, a
	})
	until(t, patience, "verify is clean", func() (bool, any) {
		code, out, complaint := cli(t, p.dir, "verify")
		return code == exitOK, out + complaint
	})
}

func TestNothingAcknowledgedIsLostWhenTheProgramIsKilled(t *testing.T) {
	t.Parallel()
	dir := dbtest.Folder(t)
	p := process(t, dir, "demo")
	c := gather(t, p, everyWay)
	const kills = 4
	for range kills {
		before := c.count()
		until(t, patience, "purchases go on", func() (bool, any) { return c.count() >= before+25, c.count() })
		p.kill(syscall.SIGKILL)
		p = process(t, dir, "demo")
		c.moveTo(p)
	}
	before := c.count()
	until(t, patience, "purchases go on", func() (bool, any) { return c.count() >= before+10, c.count() })
	c.settled(t)
	if c.again > kills*buyersAtOnce {
		t.Errorf("%d payments came to nothing", c.again)
	}
	if code := p.end(); code != exitOK {
		t.Errorf("ended with %d: %s", code, p.err.text())
	}
}

func TestTheProgramOutlivesItsDatabase(t *testing.T) {
	t.Parallel()
	p := process(t, dbtest.Folder(t), "demo")
	c := gather(t, p, everyWay)
	pids := map[int]bool{}
	for range 3 {
		before := c.count()
		until(t, patience, "purchases go on", func() (bool, any) { return c.count() >= before+25, c.count() })
		pid := postmasterOf(t, p.dir)
		pids[pid] = true
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		until(t, patience, "it serves again", func() (bool, any) {
			a, err := p.send(t.Context(), http.MethodGet, "/health/ready", nil)
			return err == nil && a.status == http.StatusOK && postmasterOf(t, p.dir) != pid, err
		})
	}
	if len(pids) != 3 {
		t.Fatalf("the same PostgreSQL died twice: %v", pids)
	}
	before := c.count()
	until(t, patience, "purchases go on", func() (bool, any) { return c.count() >= before+10, c.count() })
	c.settled(t)
	if code := p.end(); code != exitOK {
		t.Errorf("ended with %d: %s", code, p.err.text())
	}
}

// postmasterOf is the number of the PostgreSQL that serves a data folder, 0
// while there is none.
func postmasterOf(t *testing.T, dir string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "postgres", "cluster", "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, _ := strconv.Atoi(strings.TrimSpace(first))
	return pid
}

// TestAStartThatWasCutOffIsFinishedByTheNext kills the very first start at
// several moments, while the demo is being made.
func TestAStartThatWasCutOffIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	dir := dbtest.Folder(t)
	for _, reached := range []string{"postgres.run.json", "sandbox-gateway.jsonl", "demo-products.csv"} {
		ended := make(chan *program, 1)
		go func() {
			p, _ := launch(dir, "demo") // that it does not get ready is what is wanted
			ended <- p
		}()
		until(t, patience, reached+" is there", func() (bool, any) {
			_, err := os.Stat(filepath.Join(dir, reached))
			return err == nil, err
		})
		if pid := holderOf(t, dir); pid > 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		p := <-ended
		p.kill(syscall.SIGKILL)
	}
	p := process(t, dir, "demo")
	if out := must(t, dir, "merchants", "list"); strings.Count(out, "\n") != 2 {
		t.Errorf("not one merchant: %s", out)
	}
	p.get(t, "/v1/search?q=mug").want(t, http.StatusOK)
	p.buy(t, "card", "tok_visa", item("MUG-01", 1))
	p.verified(t)
}

// holderOf is the program that holds the lock of a data folder.
func holderOf(t *testing.T, dir string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "doorstep.lock"))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return pid
}
