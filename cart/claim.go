package cart

import (
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
)

// Claim queues the mark that a checkout has begun to pay for the cart. The
// transaction fails with ErrClosed when another checkout is paying or the cart
// has become an order: two tabs cannot pay one cart.
func Claim(tx db.Tx, merchant, cart, checkout uuid.UUID, now time.Time) {
	tx.Guard(1, ErrClosed, `update carts set paying = $3, updated_at = $4
		where merchant_id = $1 and id = $2 and status in ('active', 'abandoned', 'recovered') and (paying is null or paying = $3)`,
		merchant, cart, checkout, now)
}

// Unclaim queues the end of a payment that came to nothing.
func Unclaim(tx db.Tx, merchant, cart, checkout uuid.UUID, now time.Time) {
	tx.Queue(`update carts set paying = null, updated_at = $4 where merchant_id = $1 and id = $2 and paying = $3`, merchant, cart, checkout, now)
}

// Convert queues that the cart has become an order, for the checkout that
// claimed it.
func Convert(tx db.Tx, merchant, cart, checkout uuid.UUID, now time.Time) {
	tx.Guard(1, ErrClosed, `update carts set status = 'converted', paying = $3, version = version + 1, updated_at = $4
		where merchant_id = $1 and id = $2 and status in ('active', 'abandoned', 'recovered') and (paying is null or paying = $3)`,
		merchant, cart, checkout, now)
}

// ConvertClaimed queues the same for a checkout that claimed the cart before
// its payment. The order stands whatever has become of the cart since.
func ConvertClaimed(tx db.Tx, merchant, cart, checkout uuid.UUID, now time.Time) {
	tx.Queue(`update carts set status = 'converted', version = version + 1, updated_at = $4
		where merchant_id = $1 and id = $2 and paying = $3`, merchant, cart, checkout, now)
}
