package order_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/payment"
)

func TestAnOrderIsReadAsItWasPlaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	w.variant("TEA")
	o := w.place(payment.Card, 500, bought{"MUG", 2, 1000}, bought{"TEA", 1, 333})
	got := w.read(o)
	if got.Number != o.Number || got.Total != 2833 || len(got.Lines) != 2 || got.Lines[1].SKU != "TEA" || got.Version != 1 {
		t.Fatalf("%+v", got)
	}
	if string(got.ShippingOption) == "" || !got.PlacedAt.Equal(start) {
		t.Fatalf("%s %s", got.ShippingOption, got.PlacedAt)
	}
	if _, err := w.orders.Order(w.ctx, id.New(), o.ID); !errors.Is(err, order.ErrNotFound) {
		t.Fatalf("another merchant got %v", err)
	}
}

func TestAnOrderFollowsItsPayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	card := w.place(payment.Card, 0, bought{"MUG", 1, 1000})
	w.expect(card, "confirmed authorized unfulfilled")
	p := w.pay(card)
	w.expect(card, "confirmed paid unfulfilled")
	if got := w.read(card).Version; got != 2 {
		t.Fatalf("version %d", got)
	}
	if _, err := w.payments.Refund(w.ctx, w.merchant, p.ID, payment.NewRefund{Amount: 400, Reason: "scratch"}); err != nil {
		t.Fatal(err)
	}
	w.expect(card, "confirmed partially_refunded unfulfilled")
	events, err := w.orders.Timeline(w.ctx, w.merchant, card.ID)
	if err != nil || len(events) != 3 || events[1].Type != "payment.captured" || events[2].Type != "payment.refunded" {
		t.Fatalf("%v %v", events, err)
	}

	transfer := w.place(payment.BankTransfer, 0, bought{"MUG", 1, 1000})
	w.expect(transfer, "pending unpaid unfulfilled")
	w.pay(transfer)
	w.expect(transfer, "confirmed paid unfulfilled")
}

func TestAListIsPagedWithoutGapsAndFiltered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	w.variant("TEA")
	var all []*order.Order
	for i := range 7 {
		if i%2 == 0 { // some share an instant
			w.clock.Advance(time.Minute)
		}
		sku := "MUG"
		if i == 3 {
			sku = "TEA"
		}
		all = append(all, w.place(payment.CashOnDelivery, 0, bought{sku, 1, 100}))
	}
	seen := map[string]bool{}
	cursor := ""
	var last time.Time
	for pages := 1; ; pages++ {
		page, err := w.orders.List(w.ctx, w.merchant, order.Filter{}, cursor, 2, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Orders {
			if seen[o.Number] || (!last.IsZero() && o.PlacedAt.After(last)) || len(o.Lines) != 1 {
				t.Fatalf("%s again, out of order or without lines", o.Number)
			}
			seen[o.Number], last = true, o.PlacedAt
		}
		if cursor = page.Next; cursor == "" {
			if pages != 4 {
				t.Fatalf("%d pages", pages)
			}
			break
		}
	}
	if len(seen) != 7 {
		t.Fatalf("%d orders", len(seen))
	}
	for name, c := range map[string]struct {
		f    order.Filter
		want int
	}{
		"by status":      {order.Filter{Status: order.StatusConfirmed}, 7},
		"by other":       {order.Filter{Status: order.StatusCanceled}, 0},
		"by sku":         {order.Filter{SKU: "TEA"}, 1},
		"by e-mail":      {order.Filter{Email: " ANI@example.com"}, 7},
		"by other mail":  {order.Filter{Email: "bob@example.com"}, 0},
		"by number":      {order.Filter{Number: "  " + all[2].Number[3:]}, 1},
		"from":           {order.Filter{From: start.Add(2 * time.Minute)}, 5},
		"to (exclusive)": {order.Filter{To: start.Add(2 * time.Minute)}, 2},
	} {
		page, err := w.orders.List(w.ctx, w.merchant, c.f, "", 100, false)
		if err != nil || len(page.Orders) != c.want {
			t.Errorf("%s: %d orders, %v; want %d", name, len(page.Orders), err, c.want)
		}
	}
	for _, bad := range []string{"x", "AAAA", "!!"} {
		if _, err := w.orders.List(w.ctx, w.merchant, order.Filter{}, bad, 2, false); fault.KindOf(err) != fault.Malformed {
			t.Errorf("cursor %q: %v", bad, err)
		}
	}
	if _, err := w.orders.List(w.ctx, w.merchant, order.Filter{Status: "paid"}, "", 2, false); !errors.Is(err, order.ErrFilter) {
		t.Errorf("a status that does not exist: %v", err)
	}
}

func TestAGuestFindsAnOrderOnlyWithItsNumberAndEmail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	o := w.place(payment.Card, 0, bought{"MUG", 1, 1000})
	got, err := w.orders.ByNumberAndEmail(w.ctx, w.merchant, "#"+o.Number, "Ani@Example.com ", "192.0.2.1")
	if err != nil || got.ID != o.ID || len(got.Lines) != 1 {
		t.Fatalf("%+v %v", got, err)
	}
	for i, miss := range [][2]string{{o.Number, "eve@example.com"}, {order.NewNumber(), "ani@example.com"}, {"nonsense'--", "ani@example.com"}, {"", ""}} {
		if _, err := w.orders.ByNumberAndEmail(w.ctx, w.merchant, miss[0], miss[1], fmt.Sprintf("192.0.2.%d", 50+i)); !errors.Is(err, order.ErrNotFound) {
			t.Errorf("%v: %v", miss, err)
		}
	}
}

func TestTheSixthLookUpInTenMinutesIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	o := w.place(payment.Card, 0, bought{"MUG", 1, 1000})
	for i := range 5 {
		if _, err := w.orders.ByNumberAndEmail(w.ctx, w.merchant, o.Number, "eve@example.com", fmt.Sprintf("192.0.2.%d", i)); !errors.Is(err, order.ErrNotFound) {
			t.Fatal(err)
		}
		w.clock.Advance(time.Minute)
	}
	// However it is typed, from wherever, and even with the right e-mail.
	_, err := w.orders.ByNumberAndEmail(w.ctx, w.merchant, " #"+o.Number[3:], "ani@example.com", "198.51.100.1")
	f, _ := fault.As(err)
	if !errors.Is(err, order.ErrTooManyTries) || f.RetryAfter != 5*time.Minute {
		t.Fatalf("%v, wait %v", err, f.RetryAfter)
	}
	// A refused try is nobody's try: that address is free to go on.
	for range 5 {
		if _, err := w.orders.ByNumberAndEmail(w.ctx, w.merchant, order.NewNumber(), "ani@example.com", "198.51.100.1"); !errors.Is(err, order.ErrNotFound) {
			t.Fatal(err)
		}
	}
	if _, err := w.orders.ByNumberAndEmail(w.ctx, w.merchant, order.NewNumber(), "ani@example.com", "198.51.100.1"); !errors.Is(err, order.ErrTooManyTries) {
		t.Fatalf("the sixth from one address: %v", err)
	}
	w.clock.Advance(5 * time.Minute)
	if _, err := w.orders.ByNumberAndEmail(w.ctx, w.merchant, o.Number, "ani@example.com", "198.51.100.2"); err != nil {
		t.Fatalf("after the wait: %v", err)
	}
	w.clock.Advance(time.Hour + time.Second)
	if n, err := w.orders.PruneAttempts(w.ctx); err != nil || n == 0 || w.count(`select count(*) from attempts`) != 0 {
		t.Fatalf("pruned %d, %v", n, err)
	}
}

func TestManyTriesAtOnceAreCountedExactly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	number := order.NewNumber()
	var mu sync.Mutex
	var looked, refused int
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			// Neighbours of one IPv6 network count as one address.
			_, err := w.orders.ByNumberAndEmail(w.ctx, w.merchant, number, "ani@example.com", fmt.Sprintf("2001:db8:%x::%d", i%2, i))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, order.ErrNotFound):
				looked++
			case errors.Is(err, order.ErrTooManyTries):
				refused++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if looked != 5 || refused != 19 {
		t.Fatalf("%d looked up, %d refused", looked, refused)
	}
}
