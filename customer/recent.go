package customer

import (
	"sync"
	"time"
)

// recent remembers answers for ttl, and at most about twice size of them: when
// the young generation is full or old enough it takes the place of the old one,
// so that a flood of questions costs no search for what to forget.
type recent[K comparable, V any] struct {
	ttl  time.Duration
	size int

	mu         sync.RWMutex
	young, old map[K]dated[V]
	turned     time.Time
}

type dated[V any] struct {
	value V
	asked time.Time
}

// fresh says whether an answer asked for then may still be given. A clock that
// was put back makes it old as well.
func fresh(asked, now time.Time, ttl time.Duration) bool {
	age := now.Sub(asked)
	return age >= 0 && age < ttl
}

func (r *recent[K, V]) get(key K, now time.Time) (V, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, generation := range []map[K]dated[V]{r.young, r.old} {
		if d, ok := generation[key]; ok && fresh(d.asked, now, r.ttl) {
			return d.value, true
		}
	}
	var none V
	return none, false
}

// put keeps an answer to a question asked then, which is when it began to age.
func (r *recent[K, V]) put(key K, value V, asked time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.young == nil || len(r.young) >= r.size || !fresh(r.turned, asked, r.ttl) {
		r.old, r.young, r.turned = r.young, map[K]dated[V]{}, asked
	}
	r.young[key] = dated[V]{value, asked}
}

// forget drops the answers that match.
func (r *recent[K, V]) forget(match func(V) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, generation := range []map[K]dated[V]{r.young, r.old} {
		for key, d := range generation {
			if match(d.value) {
				delete(generation, key)
			}
		}
	}
}
