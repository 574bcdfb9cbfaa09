package recommend

import (
	"context"
	"errors"
	"time"

	"doorstep/internal/db"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

func (s *Service) liveVersions(ctx context.Context, merchant uuid.UUID) (map[Surface]version, error) {
	live := map[Surface]version{}
	return live, s.DB.Read(ctx, versionQuery(live, merchant))
}

// soldIDs are the products that were bought, in the order of their ids.
func (s *Service) soldIDs(ctx context.Context, merchant uuid.UUID, now time.Time) (ids []uuid.UUID, err error) {
	return ids, s.long(ctx, `select distinct product_id from v_purchases where merchant_id = $1 and placed_at > $2 and placed_at <= $3`+someProduct+` order by 1`,
		func(row pgx.Rows) error {
			var id uuid.UUID
			err := row.Scan(&id)
			ids = append(ids, id)
			return err
		}, merchant, now.Add(-lookBack), now)
}

// long reads rows one after the other, however long it takes.
func (s *Service) long(ctx context.Context, sql string, each func(row pgx.Rows) error, args ...any) error {
	tx, err := s.DB.Pool().Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it only reads
	if _, err := tx.Exec(ctx, `set local statement_timeout = 0`); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// shardOf is the shard of a product among $4.
const shardOf = `(hashtextextended(product_id::text, 0) & 9223372036854775807) % $4`

func (s *Service) streamAll(ctx context.Context, merchant uuid.UUID, now time.Time, number map[uuid.UUID]int32, each func(Basket, []bool) error) error {
	return s.baskets(ctx, now, number, each, `select order_id, placed_at, product_id, false from v_purchases
		where merchant_id = $1 and placed_at > $2 and placed_at <= $3`+someProduct+` order by placed_at, order_id, product_id`, merchant, now.Add(-lookBack), now)
}

// streamShard gives the baskets that hold a product of the shard.
func (s *Service) streamShard(ctx context.Context, merchant uuid.UUID, now time.Time, number map[uuid.UUID]int32, shards, shard int, each func(Basket, []bool) error) error {
	// One pass with a window: a join would depend on what the planner believes.
	return s.baskets(ctx, now, number, each, `select order_id, placed_at, product_id, mine from (
			select order_id, placed_at, product_id, mine, bool_or(mine) over (partition by order_id) as touched from (
				select order_id, placed_at, product_id, `+shardOf+` = $5 as mine from v_purchases
				where merchant_id = $1 and placed_at > $2 and placed_at <= $3`+someProduct+`) l) w
		where touched order by placed_at, order_id, product_id`, merchant, now.Add(-lookBack), now, int64(shards), int64(shard))
}

// baskets puts the lines of each order together.
func (s *Service) baskets(ctx context.Context, now time.Time, number map[uuid.UUID]int32, each func(Basket, []bool) error, sql string, args ...any) error {
	var order uuid.UUID
	var b Basket
	var mine []bool
	end := func() error {
		if len(b.Items) == 0 {
			return nil
		}
		return each(b, mine)
	}
	err := s.long(ctx, sql, func(row pgx.Rows) error {
		var of, product uuid.UUID
		var at time.Time
		var ours bool
		if err := row.Scan(&of, &at, &product, &ours); err != nil {
			return err
		}
		if of != order {
			if err := end(); err != nil {
				return err
			}
			order, b, mine = of, Basket{Age: now.Sub(at).Hours() / 24}, nil
		}
		n, known := number[product]
		if !known || len(b.Items) > 0 && b.Items[len(b.Items)-1] == n { // it came meanwhile, or stands there twice
			return nil
		}
		b.Items, mine = append(b.Items, n), append(mine, ours)
		return nil
	}, args...)
	if err != nil {
		return err
	}
	return end()
}

// beginBuild gives a generation that nobody reads yet.
func (s *Service) beginBuild(ctx context.Context, merchant uuid.UUID, surface Surface, now time.Time) (generation int64, err error) {
	err = s.DB.QueryRow(ctx, `insert into rec_builds (merchant_id, surface, at) values ($1, $2, $3)
		on conflict (merchant_id, surface) do update set surface = excluded.surface
		returning 1 + greatest(live, coalesce((select max(generation) from rec_neighbors where merchant_id = $1 and surface = $2), 0))`,
		merchant, string(surface), now).Scan(&generation)
	return generation, err
}

// rowsAtOnce bounds the rows of one transaction.
const rowsAtOnce = 500

func (s *Service) writeRows(ctx context.Context, merchant uuid.UUID, surface Surface, generation int64, ids []uuid.UUID, rows map[int32][]Neighbour) error {
	var part []int32
	flush := func() error {
		defer func() { part = part[:0] }()
		return db.Run(ctx, s.DB, func(tx db.Tx) error {
			for _, i := range part {
				near := rows[i]
				to, weights, orders := make([]uuid.UUID, len(near)), make([]float32, len(near)), make([]int32, len(near))
				for k, n := range near {
					to[k], weights[k], orders[k] = ids[n.Item], n.Weight, n.Orders
				}
				tx.Queue(`insert into rec_neighbors (merchant_id, surface, product_id, generation, ids, weights, orders) values ($1, $2, $3, $4, $5, $6, $7)
					on conflict (merchant_id, surface, product_id, generation) do update set ids = excluded.ids, weights = excluded.weights, orders = excluded.orders`,
					merchant, string(surface), ids[i], generation, to, weights, orders)
			}
			return nil
		})
	}
	for i := range rows {
		if part = append(part, i); len(part) == rowsAtOnce {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// endBuild lets the generation be read and removes those before.
func (s *Service) endBuild(ctx context.Context, merchant uuid.UUID, surface Surface, generation int64, at time.Time, orders int64) error {
	if _, err := s.DB.Exec(ctx, `update rec_builds set live = $3, at = $4, orders = $5 where merchant_id = $1 and surface = $2 and live < $3`,
		merchant, string(surface), generation, at, orders); err != nil {
		return err
	}
	for {
		n, err := s.DB.Exec(ctx, `delete from rec_neighbors where (merchant_id, surface, product_id, generation) in (
			select merchant_id, surface, product_id, generation from rec_neighbors where merchant_id = $1 and surface = $2 and generation < $3 limit 5000)`,
			merchant, string(surface), generation)
		if err != nil || n == 0 {
			return err
		}
	}
}

// lines is about how many lines a merchant's orders have, counted up to a bound.
func (s *Service) large(ctx context.Context, merchant uuid.UUID) (bool, error) {
	var n []int
	err := patiently(ctx, s.DB, rows(&n, func(row pgx.Rows, n *int) error { return row.Scan(n) },
		`select count(*) from (select from v_purchases where merchant_id = $1 and placed_at > $2 limit $3) l`, merchant, s.DB.Now().Add(-lookBack), s.LargeLines+1))
	return len(n) == 1 && n[0] > s.LargeLines, err
}

// buildEvery is how old the rows of a large shop may be.
const buildEvery = 6 * time.Hour

// largeShops are those whose rows are old. A shop that cannot be counted holds up
// no other: the error comes with those that can.
func (s *Service) largeShops(ctx context.Context) ([]uuid.UUID, error) {
	var all []uuid.UUID
	if err := s.DB.Read(ctx, rows(&all, func(row pgx.Rows, m *uuid.UUID) error { return row.Scan(m) },
		`select m.id from merchants m where not exists (
			select from rec_builds b where b.merchant_id = m.id and b.live > 0 and b.at > $1)`, s.DB.Now().Add(-buildEvery))); err != nil {
		return nil, err
	}
	var due []uuid.UUID
	var failed error
	for _, m := range all {
		large, err := s.large(ctx, m)
		failed = errors.Join(failed, err)
		if ctx.Err() != nil {
			break
		}
		if large {
			due = append(due, m)
		}
	}
	return due, failed
}

// generations are what is read of a large shop; none before the first build.
func generationQuery(into map[Surface]int64, merchant uuid.UUID) *db.Query {
	return &db.Query{SQL: `select surface, live from rec_builds where merchant_id = $1 and live > 0`, Args: []any{merchant}, Each: func(rows pgx.Rows) error {
		clear(into)
		for rows.Next() {
			var s Surface
			var g int64
			if err := rows.Scan(&s, &g); err != nil {
				return err
			}
			into[s] = g
		}
		return rows.Err()
	}}
}

// errRow is a row that does not hold together.
var errRow = errors.New("recommend: a row of neighbours does not hold together")

// neighbourRows reads the rows of some products.
func (s *Service) neighbourRows(ctx context.Context, merchant uuid.UUID, surface Surface, generation int64, products []uuid.UUID, number map[uuid.UUID]int32) (map[uuid.UUID][]Neighbour, error) {
	found := make(map[uuid.UUID][]Neighbour, len(products))
	err := s.DB.Read(ctx, &db.Query{
		SQL:  `select product_id, ids, weights, orders from rec_neighbors where merchant_id = $1 and surface = $2 and generation = $3 and product_id = any($4)`,
		Args: []any{merchant, string(surface), generation, products},
		Each: func(rows pgx.Rows) error {
			clear(found)
			for rows.Next() {
				var product uuid.UUID
				var ids []uuid.UUID
				var weights []float32
				var orders []int32
				if err := rows.Scan(&product, &ids, &weights, &orders); err != nil {
					return err
				}
				if len(ids) != len(weights) || len(ids) != len(orders) {
					return errRow
				}
				near := make([]Neighbour, 0, len(ids))
				for i, id := range ids {
					if n, known := number[id]; known {
						near = append(near, Neighbour{n, weights[i], orders[i]})
					}
				}
				found[product] = near
			}
			return rows.Err()
		},
	})
	return found, err
}
