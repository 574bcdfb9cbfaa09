package recommend

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Arm is whose list a visitor gets.
type Arm string

// The arms. A small part of all visitors always gets what sells best, so that it
// can be seen what learning is worth.
const (
	Learned    Arm = "learned"
	Popularity Arm = "popularity"
)

// The experiment, in buckets. It runs always.
const (
	experiment        = "popularity-1"
	buckets           = 1000
	popularityBuckets = 50
)

// bucketOf is the bucket of a visitor, the same for ever.
func bucketOf(visitor, experiment string) int {
	return int(drawn(visitor, experiment) % buckets)
}

// armOf is the arm of a bucket.
func armOf(bucket int) Arm {
	if bucket < popularityBuckets {
		return Popularity
	}
	return Learned
}

// drawn is a number that some texts draw, evenly spread over all of its bits.
func drawn(texts ...string) uint64 {
	h := fnv.New64a()
	for _, t := range texts {
		_, _ = h.Write([]byte(t)) // it never fails
		_, _ = h.Write([]byte{0})
	}
	x := h.Sum64() // the last byte has hardly moved the first bits yet
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// The place that is given to what nobody knows yet: one of ten.
const (
	exploredPlace = 10
	mostUntried   = 50
	// An untried thing has had its turn when it was shown so often and clicked less
	// than once in so many times.
	turns, perClick = 200, 50
)

// exploration is what stands in a list by chance.
type exploration struct {
	item   int32
	place  int     // from 1
	chance float64 // with which it came there
}

// groups is how many groups of visitors see different things by chance.
const groups = 64

// group is that of the visitor.
func (a *Ask) group() int { return bucketOf(a.Visitor, "explore") % groups }

// explore draws something that nobody has bought, for the tenth place; in a
// shorter list for the last one, less often. What it draws stays the same for a
// group of visitors on one day, so that lists do not flicker and can be kept.
func (k *knowledge) explore(a *Ask, now time.Time) *exploration {
	hers := k.had(string(a.Person), now)
	var pool []int32
	for _, n := range k.untried {
		if !hers[n] && !slices.Contains(a.Seeds, k.items[n].id) {
			pool = append(pool, n)
		}
	}
	if len(pool) == 0 {
		return nil
	}
	day := make([]byte, 8)
	binary.BigEndian.PutUint64(day, uint64(now.Unix()/86400))
	texts := []string{"explore", strconv.Itoa(a.group()), string(day), string(a.Surface)}
	for _, s := range a.Seeds {
		texts = append(texts, s.String())
	}
	place := min(a.Places, exploredPlace)
	draw := drawn(texts...)
	if int(draw%exploredPlace) >= place {
		return nil
	}
	e := &exploration{item: pool[int(draw/exploredPlace%uint64(len(pool)))], place: place}
	e.chance = float64(place) / exploredPlace / float64(len(pool))
	return e
}

// armFor is the arm of a question; empty without a visitor.
func armFor(a *Ask) Arm {
	if a.Visitor == "" {
		return ""
	}
	return armOf(bucketOf(a.Visitor, experiment))
}

// first puts what is explored before the candidates, so that the shelf is asked
// about it. Where it stands on its merits it stays.
func (e *exploration) first(all []choice) []choice {
	if e == nil {
		return all
	}
	return append([]choice{{item: e.item, why: reasoned{code: Newest, seed: -1}, chance: true}}, all...)
}

// outOf takes what is explored out of what can be shown; nil when it cannot.
func (e *exploration) outOf(good []choice) ([]choice, *choice) {
	if e == nil || len(good) == 0 {
		return good, nil
	}
	for i := range good {
		if good[i].chance {
			by := good[i]
			return slices.Delete(good, i, i+1), &by
		}
	}
	return good, nil
}

// into puts what is explored into its place. What stands there moves one on; if
// it is in the list on its merits, it moves to there.
func (e *exploration) into(list []choice, by choice, places int) []choice {
	list = slices.DeleteFunc(slices.Clone(list), func(c choice) bool { return c.item == by.item })
	at := min(e.place-1, len(list))
	e.place = at + 1
	list = slices.Insert(list, at, by)
	return list[:min(len(list), places)]
}

// noted tells of a list that a visitor is given.
func (k *knowledge) noted(a *Ask, l *List, e *exploration, list []choice, now time.Time) *answered {
	n := &answered{
		merchant: a.Merchant, at: now, visitor: a.Visitor, bucket: bucketOf(a.Visitor, experiment), arm: l.Arm, surface: a.Surface,
		version: l.Version, rules: l.Rules,
	}
	if at := slices.IndexFunc(list, func(c choice) bool { return c.chance }); at >= 0 {
		place := at + 1
		n.explored, n.place, n.chance = &k.items[list[at].item].id, &place, &e.chance
	}
	return n
}

// popularityOnly are the candidates of the arm that does not learn: what sells
// best, then what is new.
func (k *knowledge) popularityOnly(a *Ask, now time.Time) []choice {
	c := &collector{k: k, taken: map[int32]bool{}}
	for _, s := range a.Seeds {
		if n, known := k.number[s]; known {
			c.taken[n] = true
		}
	}
	for n := range k.had(string(a.Person), now) {
		c.taken[n] = true
	}
	for _, n := range k.popular {
		c.add(n, reasoned{code: Popular, seed: -1})
	}
	for _, n := range k.newest {
		c.add(n, reasoned{code: Newest, seed: -1})
	}
	return c.all
}

// answered is a list that a visitor was given.
type answered struct {
	merchant, id uuid.UUID
	at           time.Time
	visitor      string
	bucket       int
	arm          Arm
	surface      Surface
	version      int
	rules        int
	explored     *uuid.UUID
	place        *int
	chance       *float64
}

// journal keeps lists that were given until they are written down.
type journal struct {
	mu  sync.Mutex
	all []answered
}

// mostAnswers bounds the journal: beyond, lists are not compared.
const mostAnswers = 20_000

func (j *journal) note(a answered) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.all) < mostAnswers {
		j.all = append(j.all, a)
	}
}

func (j *journal) take() []answered {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := j.all
	j.all = nil
	return all
}

// Flush writes down the lists that were given. What cannot be written is lost.
func (s *Service) Flush(ctx context.Context) error {
	for part := range slices.Chunk(s.journal.take(), 1000) {
		if err := s.writeAnswers(ctx, part); err != nil {
			return err
		}
	}
	return nil
}
