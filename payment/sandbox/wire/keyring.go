package wire

import (
	"crypto/sha256"
	"net/http"
	"sync"
	"time"

	"doorstep/internal/clock"
	"doorstep/payment/sandbox"
)

// sweepEvery is after how many new keys the forgotten ones are thrown away.
const sweepEvery = 1_000

// keyring remembers the answers of idempotency keys for a day, errors too. It
// does not outlive the program; the books know then what a key has done.
type keyring struct {
	clock clock.Clock
	mu    sync.Mutex
	keys  map[string]*entry
	fresh int
}

type entry struct {
	asked   [sha256.Size]byte
	at      time.Time
	running bool
	answer  answer
}

func newKeyring(c clock.Clock) *keyring { return &keyring{clock: c, keys: map[string]*entry{}} }

// begin takes a key for a request. When it was taken before, it gives what is to
// be answered instead.
func (k *keyring) begin(q *query) (known answer, begun bool) {
	asked := sha256.Sum256([]byte(q.Method + " " + q.URL.Path + "\n" + q.form.Encode()))
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock.Now()
	if e, taken := k.keys[q.key]; taken && now.Before(e.at.Add(sandbox.KeysFor)) {
		switch {
		case e.asked != asked:
			return fault(sandbox.ErrKeyReused, ""), false
		case e.running:
			return failure(http.StatusConflict, "idempotency_error", "idempotency_key_in_use", "",
				"There is currently another in-progress request using this key."), false
		}
		a := e.answer
		a.replayed = true
		return a, false
	}
	if k.fresh++; k.fresh >= sweepEvery {
		k.fresh = 0
		for key, e := range k.keys {
			if !e.running && !now.Before(e.at.Add(sandbox.KeysFor)) {
				delete(k.keys, key)
			}
		}
	}
	k.keys[q.key] = &entry{asked: asked, at: now, running: true}
	return answer{}, true
}

// end remembers the answer. What was not begun may be tried again.
func (k *keyring) end(key string, a answer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if a.unsaved {
		delete(k.keys, key)
		return
	}
	e := k.keys[key]
	e.running, e.answer = false, a
}
