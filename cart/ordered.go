package cart

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
)

// Ordered is an order as the log of journeys wants it.
type Ordered struct {
	Merchant, Order, Checkout uuid.UUID
	Cart                      *uuid.UUID
	At                        time.Time
	Country, Carrier, Method  string
	Language, Currency        string
	GoodsMinor, TotalMinor    int64 // the goods before discounts; all that was to be paid
	Pieces                    int64
}

// NoteOrder writes into the log that a journey has become an order. Telling it
// again changes nothing.
func (s *Service) NoteOrder(ctx context.Context, o Ordered) error {
	e := Event{
		Merchant: o.Merchant, At: micro(o.At), Kind: OrderPlaced, Step: StepOrder, Source: FromAPI,
		Country: o.Country, Carrier: o.Carrier, Method: o.Method, Language: o.Language, Currency: o.Currency,
		Value: &o.GoodsMinor, Pieces: &o.Pieces, Attributes: Attributes{Total: &o.TotalMinor, Order: &o.Order},
	}.Of(o.Checkout, o.Cart)
	e.ID = reportID(*e.Journey, "order:"+o.Order.String())
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		Note(tx, e)
		return nil
	})
}
