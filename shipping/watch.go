package shipping

import (
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

// NewWatch is a tracking number that an account with a carrier can be asked
// about.
type NewWatch struct {
	Merchant uuid.UUID
	Account  uuid.UUID
	Carrier  string // whose account it is
	Number   string
	Return   bool      // of a return, else of a shipment
	Subject  uuid.UUID // the shipment or the return
	Order    uuid.UUID
}

// untilPickup is how often a parcel is asked about that no carrier has seen yet.
const untilPickup = 12 * time.Hour

// Watch queues that a number is looked after; one that is so already stays as it
// is.
func Watch(tx db.Tx, w NewWatch, now time.Time) {
	purpose := "shipment"
	if w.Return {
		purpose = "return"
	}
	tx.Queue(`insert into parcel_watches (merchant_id, id, account_id, carrier, number, purpose, subject_id, order_id, next_at, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) on conflict do nothing`,
		w.Merchant, id.New(), w.Account, w.Carrier, w.Number, purpose, w.Subject, w.Order, now.Add(untilPickup), now)
}

// Unwatch queues that numbers of a shipment or a return are not looked after any
// more: their label is void.
func Unwatch(tx db.Tx, merchant, subject uuid.UUID, numbers []string) {
	tx.Queue(`delete from parcel_watches where merchant_id = $1 and subject_id = $2 and number = any($3)`, merchant, subject, numbers)
}
