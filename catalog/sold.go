package catalog

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

// Sold are the units that a checkout's order holds, by variant and location, less
// those that went back on sale. They are sorted by variant and location.
func Sold(ctx context.Context, tx db.Tx, merchant, checkout uuid.UUID) ([]Take, error) {
	rows, err := tx.Query(ctx, `select variant_id, location_id, sum(quantity - restocked)::bigint from reservations
		where merchant_id = $1 and checkout_id = $2 and status = 'committed'
		group by variant_id, location_id having sum(quantity - restocked) > 0 order by variant_id, location_id`, merchant, checkout)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Take, err error) {
		return t, row.Scan(&t.VariantID, &t.LocationID, &t.Quantity)
	})
}
