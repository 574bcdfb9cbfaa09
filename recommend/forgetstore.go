package recommend

import (
	"context"

	"doorstep/internal/db"
	"doorstep/internal/id"

	"github.com/google/uuid"
)

// Forget gives the visitors who told of a person's orders names that nobody else
// knows: what they looked at and which lists they got leads to no browser any
// more, and the figures stay what they were.
func (s *Service) Forget(ctx context.Context, tx db.Tx, merchant, contact uuid.UUID) error {
	var visitors []string
	if err := tx.QueryRow(ctx, `select coalesce(array_agg(distinct e.visitor), '{}') from rec_events e
		where e.merchant_id = $1 and e.kind = 'order' and e.order_id = any(array(
			select o.order_id from v_buyers b join v_order_carts o on o.merchant_id = b.merchant_id and o.email_hmac = b.email_hmac
			where b.merchant_id = $1 and b.contact_id = $2))`, merchant, contact).Scan(&visitors); err != nil {
		return err
	}
	for _, v := range visitors {
		name := "erased-" + id.New().String()
		tx.Queue(`update rec_events set visitor = $3 where merchant_id = $1 and visitor = $2`, merchant, v, name)
		tx.Queue(`update rec_answers set visitor = $3 where merchant_id = $1 and visitor = $2`, merchant, v, name)
	}
	return nil
}
