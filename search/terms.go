package search

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"doorstep/internal/db"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Terms counts what is searched for. It keeps the counts in memory until Flush
// writes them: a count that is lost when the program is killed harms nobody, and
// no search waits for a disk.
type Terms struct {
	db *db.DB

	mu     sync.Mutex
	counts map[termKey]*count
}

type termKey struct {
	merchant       uuid.UUID
	day            time.Time
	term, language string
}

type count struct{ searches, misses int64 }

// The bounds of what is kept.
const (
	longestTerm = 80     // runes; what is longer is no search
	mostWaiting = 5_000  // terms between two flushes
	mostADay    = 20_000 // of one merchant
	keptFor     = 400 * 24 * time.Hour
)

// NewTerms counts into d.
func NewTerms(d *db.DB) *Terms { return &Terms{db: d, counts: map[termKey]*count{}} }

// Note counts one search. What could be an address or a number of a person is not
// kept.
func (t *Terms) Note(merchant uuid.UUID, text, language string, found bool) {
	term := strings.Join(strings.Fields(Fold(text)), " ")
	if term == "" || utf8.RuneCountInString(term) > longestTerm || personal(text) {
		return
	}
	k := termKey{merchant, t.db.Now().Truncate(24 * time.Hour), term, language}
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.counts[k]
	if c == nil {
		if len(t.counts) >= mostWaiting {
			return
		}
		c = &count{}
		t.counts[k] = c
	}
	c.searches++
	if !found {
		c.misses++
	}
}

// personal says whether a text looks like an e-mail address, or has as many
// digits as a telephone or a card.
func personal(text string) bool {
	digits := 0
	for _, r := range text {
		if r == '@' {
			return true
		}
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	return digits >= 8
}

// Flush writes what was counted. What cannot be written now is written with the
// next.
func (t *Terms) Flush(ctx context.Context) error {
	t.mu.Lock()
	all := t.counts
	t.counts = map[termKey]*count{}
	t.mu.Unlock()
	if len(all) == 0 {
		return nil
	}
	byDay := map[shopDay][]termKey{}
	for k := range all {
		d := shopDay{k.merchant, k.day}
		byDay[d] = append(byDay[d], k)
	}
	// In one order, so that two programs never wait for each other.
	days := slices.SortedFunc(maps.Keys(byDay), func(a, b shopDay) int {
		return cmp.Or(bytes.Compare(a.merchant[:], b.merchant[:]), a.day.Compare(b.day))
	})
	err := db.Run(ctx, t.db, func(tx db.Tx) error {
		tx.Queue(`set local synchronous_commit = off`)
		for _, d := range days {
			var kept int
			if err := tx.QueryRow(ctx, `select count(*) from search_terms where merchant_id = $1 and day = $2`, d.merchant, d.day).Scan(&kept); err != nil {
				return err
			}
			write(tx, d, byDay[d], all, kept)
		}
		return nil
	})
	if err != nil {
		t.putBack(all)
	}
	return err
}

// shopDay is a day of a merchant.
type shopDay struct {
	merchant uuid.UUID
	day      time.Time
}

// write adds the counts of a day to those that are there. Once a day has as many
// terms as are kept of one, no further ones begin.
func write(tx db.Tx, d shopDay, keys []termKey, all map[termKey]*count, kept int) {
	slices.SortFunc(keys, func(a, b termKey) int {
		return cmp.Or(strings.Compare(a.term, b.term), strings.Compare(a.language, b.language))
	})
	terms, languages := make([]string, len(keys)), make([]string, len(keys))
	searches, misses := make([]int64, len(keys)), make([]int64, len(keys))
	for i, k := range keys {
		terms[i], languages[i], searches[i], misses[i] = k.term, k.language, all[k].searches, all[k].misses
	}
	if kept >= mostADay {
		tx.Queue(`update search_terms s set searches = s.searches + n.searches, misses = s.misses + n.misses
			from unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[]) as n (term, language, searches, misses)
			where s.merchant_id = $1 and s.day = $2 and s.term = n.term and s.language = n.language`, d.merchant, d.day, terms, languages, searches, misses)
		return
	}
	tx.Queue(`insert into search_terms as s (merchant_id, day, term, language, searches, misses)
		select $1, $2, n.* from unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[]) as n
		on conflict (merchant_id, day, term, language) do update set searches = s.searches + excluded.searches, misses = s.misses + excluded.misses`,
		d.merchant, d.day, terms, languages, searches, misses)
}

func (t *Terms) putBack(all map[termKey]*count) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, c := range all {
		if now := t.counts[k]; now != nil {
			now.searches += c.searches
			now.misses += c.misses
		} else if len(t.counts) < mostWaiting {
			t.counts[k] = c
		}
	}
}

// Prune removes what is older than 400 days, some thousand at once.
func (t *Terms) Prune(ctx context.Context) (int64, error) {
	return t.db.Exec(ctx, `delete from search_terms where (merchant_id, day, term, language) in
		(select merchant_id, day, term, language from search_terms where day < $1 limit 5000)`, t.db.Now().Add(-keptFor))
}

// Term is what was searched for in some days.
type Term struct {
	Term, Language string
	Searches       int64
	Misses         int64 // found nothing
}

// MostTerms is how long a list of terms may be.
const MostTerms = 200

// List gives what was searched for from a day to another, both included: what was
// searched for most first, or with missed what was missed most. A term that was
// only typed on the way to a longer one is left out: it begins that one, and was
// missed no more often.
func (t *Terms) List(ctx context.Context, merchant uuid.UUID, from, to time.Time, missed bool, limit int) ([]Term, error) {
	if err := t.Flush(ctx); err != nil {
		return nil, err
	}
	order := "searches"
	if missed {
		order = "misses"
	}
	rows, err := t.db.Query(ctx, `select term, language, sum(searches)::bigint as searches, sum(misses)::bigint as misses
		from search_terms where merchant_id = $1 and day between $2 and $3
		group by term, language having not $4 or sum(misses) > 0 order by `+order+` desc, term, language limit $5`,
		merchant, from, to, missed, 2*MostTerms)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Term])
	if err != nil {
		return nil, err
	}
	if missed {
		typed := slices.Clone(all)
		all = slices.DeleteFunc(all, func(a Term) bool {
			return slices.ContainsFunc(typed, func(b Term) bool {
				return len(b.Term) > len(a.Term) && strings.HasPrefix(b.Term, a.Term) && b.Language == a.Language && b.Misses >= a.Misses
			})
		})
	}
	return all[:min(len(all), limit)], nil
}
