package catalog

import (
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
)

// AdjustIn queues adjustments in the caller's transaction, for who must change
// stock and something else at once. Variants and locations are named by id, are
// the merchant's own, and none comes twice at a location. Running the queue
// fails with ErrStockBelowHeld when fewer units are free than would go.
func AdjustIn(tx db.Tx, merchant uuid.UUID, actor string, list []Adjustment, now time.Time) error {
	rows := make([]adjustRow, len(list))
	for i, a := range list {
		rows[i] = newAdjustRow(a, actor)
	}
	return adjust(tx, merchant, rows, now)
}
