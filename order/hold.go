package order

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
)

// followHold queues what an order does when its money is not held any more and
// nobody in the shop has let it go: a confirmed order goes on hold, for it must
// not be sent unpaid. It goes on when the money is here after all, as from a
// capture that was heard of late. The order must be locked, and what is derived
// from its payments be up to date.
func followHold(tx db.Tx, merchant, order uuid.UUID, event string, raw []byte, now time.Time) error {
	var told struct {
		Outside bool `json:"outside"`
	}
	if err := json.Unmarshal(raw, &told); err != nil {
		return fmt.Errorf("order: %s: %w", event, err)
	}
	switch {
	case told.Outside && (event == "payment.expired" || event == "payment.voided"):
		tx.Queue(`update orders set status = 'on_hold', version = version + 1, updated_at = $3
			where merchant_id = $1 and id = $2 and status = 'confirmed' and payment_status in ('unpaid', 'voided', 'partially_paid')`, merchant, order, now)
	case event == "payment.captured":
		tx.Queue(`update orders o set status = 'confirmed', version = version + 1, updated_at = $3
			where o.merchant_id = $1 and o.id = $2 and o.status = 'on_hold' and o.payment_status = 'paid' and exists (
				select from order_events e where e.merchant_id = $1 and e.order_id = $2
				  and e.type in ('payment.expired', 'payment.voided') and e.data ->> 'outside' = 'true')`, merchant, order, now)
	}
	return nil
}
