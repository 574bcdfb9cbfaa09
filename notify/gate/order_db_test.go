package gate

import (
	"testing"
	"time"

	"doorstep/internal/db"
)

func TestNewsOfAnOrderNeedNoConsentButAreNotEndless(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	news := func(person string) *Ask {
		a := w.ask(person, Rules{Caps: []Cap{{2, 24}}})
		a.ForOrder, a.Topic = true, OrderTopic
		return a
	}
	suppress := func(person, reason string) {
		t.Helper()
		if err := db.Run(t.Context(), w.db, func(tx db.Tx) error {
			_, err := w.Suppress(t.Context(), tx, w.merchant, []byte(person), "all", reason, "test")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.is(t, news("ann"), Allow, ByOrder)
	w.is(t, news("ann"), Allow, ByOrder)
	w.is(t, news("ann"), Wait, FrequencyCap)
	w.clock.Advance(25 * time.Hour)
	w.is(t, news("ann"), Allow, ByOrder)
	suppress("bob", ReasonUnsubscribed)
	suppress("bob", ReasonComplaint)
	w.is(t, news("bob"), Allow, ByOrder)
	suppress("bob", ReasonBounce)
	w.is(t, news("bob"), Refuse, Bounced)
	suppress("eve", ReasonByHand)
	w.is(t, news("eve"), Refuse, SuppressedByHand)
}
