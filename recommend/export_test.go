package recommend

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// ShardsDiffer says where the rows of a large shop differ from what is learned in
// memory at the same instant, to the last bit; empty when they do not.
func ShardsDiffer(ctx context.Context, s *Service, merchant uuid.UUID) (where string, rows int, err error) {
	now := s.DB.Now()
	p, err := history(ctx, s.DB, merchant, now, now)
	if err != nil {
		return "", 0, err
	}
	k := &knowledge{number: map[uuid.UUID]int32{}}
	k.list(p.onSale, p.bought)
	l := k.orders(p.bought)
	live := map[Surface]int64{}
	if err := s.DB.Read(ctx, generationQuery(live, merchant)); err != nil {
		return "", 0, err
	}
	for _, surface := range tunable {
		table := NewRanker(l, now, defaults[surface]).table
		var ids []uuid.UUID
		for _, i := range k.items {
			ids = append(ids, i.id)
		}
		got, err := s.neighbourRows(ctx, merchant, surface, live[surface], ids, k.number)
		if err != nil {
			return "", 0, err
		}
		for n, id := range ids {
			if !slices.Equal(got[id], table.Neighbours[n]) && len(got[id])+len(table.Neighbours[n]) > 0 {
				return fmt.Sprintf("%s, product %d: %v, in memory %v", surface, n, got[id], table.Neighbours[n]), rows, nil
			}
			rows += min(1, len(got[id]))
		}
	}
	return "", rows, nil
}
