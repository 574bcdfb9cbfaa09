package cart

import (
	"context"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

// rulesCache keeps each merchant's rules until their version ends. The version
// travels with every read of a cart, so that a change made anywhere counts for
// the very next price.
type rulesCache struct {
	sync.RWMutex
	all map[uuid.UUID]*Rules
}

// rules gives the merchant's rules of at least that version.
func (s *Service) rules(ctx context.Context, merchant uuid.UUID, version int64) (*Rules, error) {
	s.cache.RLock()
	r := s.cache.all[merchant]
	s.cache.RUnlock()
	if r != nil && r.Version >= version {
		return r, nil
	}
	r, err := s.Rules.Rules(ctx, merchant)
	if err != nil {
		return nil, err
	}
	s.cache.Lock()
	defer s.cache.Unlock()
	if s.cache.all == nil {
		s.cache.all = map[uuid.UUID]*Rules{}
	}
	if old := s.cache.all[merchant]; old == nil || old.Version < r.Version {
		s.cache.all[merchant] = r
	}
	return r, nil
}

// promote says whether there is any promotion.
func (r *Rules) promote() bool { return len(r.Pricing.Promotions) > 0 }

// versionQuery reads the version that the merchant's rules have now.
func versionQuery(merchant uuid.UUID, version *int64) *db.Query {
	return &db.Query{
		SQL:  `select config_version from merchants where id = $1`,
		Args: []any{merchant},
		Each: func(rows pgx.Rows) error {
			for rows.Next() {
				if err := rows.Scan(version); err != nil {
					return err
				}
			}
			return rows.Err()
		},
	}
}
