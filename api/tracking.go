package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/order"
	"doorstep/shipping"

	"github.com/google/uuid"
)

// TrackedOrder is an order for whoever holds its link: where it is and what is
// in it, and nothing of who bought it or where they live.
type TrackedOrder struct {
	Number                string            `json:"number" example:"DS-7K3M-Q2XT-H"`
	Status                string            `json:"status" enum:"pending,confirmed,on_hold,completed,canceled"`
	StatusText            string            `json:"status_text" doc:"In the reader's language, like all texts"`
	PaymentStatus         string            `json:"payment_status" enum:"unpaid,authorized,partially_paid,paid,partially_refunded,refunded,voided"`
	PaymentStatusText     string            `json:"payment_status_text"`
	FulfillmentStatus     string            `json:"fulfillment_status" enum:"unfulfilled,partial,fulfilled,delivered,partially_returned,returned"`
	FulfillmentStatusText string            `json:"fulfillment_status_text"`
	Language              string            `json:"language" enum:"en,hy,km"`
	PlacedAt              time.Time         `json:"placed_at"`
	CanceledAt            *time.Time        `json:"canceled_at,omitempty"`
	Currency              string            `json:"currency"`
	PricesIncludeTax      bool              `json:"prices_include_tax"`
	Totals                Totals            `json:"totals"`
	Lines                 []TrackedLine     `json:"lines"`
	Shipping              string            `json:"shipping,omitempty" doc:"The delivery that was chosen"`
	Delivery              *DeliveryDays     `json:"estimated_delivery,omitempty" doc:"What was promised"`
	Late                  bool              `json:"late" doc:"The promised days are over and something has not arrived"`
	Promise               *TrackedPromise   `json:"promise,omitempty" doc:"Whether it was kept, and if not, why"`
	Shipments             []TrackedParcel   `json:"shipments"`
	Payment               TrackedPayment    `json:"payment"`
	Documents             []TrackedDocument `json:"documents" doc:"Invoices and credit notes; the e-mail of the order opens them"`
	Returns               []TrackedReturn   `json:"returns" doc:"The newest first"`
	Cancelable            bool              `json:"cancelable" doc:"Nothing has left: the shop can still cancel it"`
	Shop                  TrackedShop       `json:"shop"`
	TrackingURL           string            `json:"tracking_url,omitempty" format:"uri" doc:"Opens this one order, for whoever holds the link"`
}

// TrackedLine is one position of a tracked order.
type TrackedLine struct {
	LineID   uuid.UUID     `json:"line_id" format:"uuid"`
	Title    string        `json:"title"`
	Options  []OptionValue `json:"options"`
	Image    string        `json:"image,omitempty"`
	Quantity int64         `json:"quantity"`
	Shipped  int64         `json:"shipped"`
	Canceled int64         `json:"canceled"`
	Returned int64         `json:"returned"`
	Total    Money         `json:"total"`
	// Returnable counts what is shipped and not on its way back already.
	Returnable  int64      `json:"returnable" doc:"Units that can be sent back now"`
	ReturnUntil *time.Time `json:"return_until,omitempty" doc:"Until then they can; absent while they are on their way"`
}

// TrackedParcel is one parcel of a tracked order.
type TrackedParcel struct {
	Carrier        string         `json:"carrier"`
	TrackingNumber string         `json:"tracking_number,omitempty"`
	Status         string         `json:"status" enum:"pending,processing,shipped,in_transit,out_for_delivery,ready_for_pickup,delivered,failed,returned_to_sender,canceled"`
	TrackingStatus string         `json:"tracking_status" example:"in_transit"`
	StatusText     string         `json:"status_text"`
	CarrierName    string         `json:"carrier_name" example:"HayPost" doc:"As people call it"`
	CarrierURL     string         `json:"carrier_url,omitempty" format:"uri" doc:"Where the carrier itself shows the parcel"`
	Lines          []LineQuantity `json:"lines" doc:"What is in it"`
	ShippedAt      *time.Time     `json:"shipped_at,omitempty"`
	PromisedAt     *time.Time     `json:"promised_at,omitempty" doc:"When the days are over that the buyer was promised"`
	ExpectedAt     *time.Time     `json:"expected_at,omitempty" doc:"When the carrier means to deliver, by its last word"`
	DeliveredAt    *time.Time     `json:"delivered_at,omitempty"`
	Proof          *TrackedProof  `json:"proof,omitempty" doc:"Of the delivery, where there is one"`
	Events         []TrackedEvent `json:"events" doc:"The oldest first"`
}

// TrackedEvent is one step of a parcel. What carriers write besides is left out,
// for they put names and addresses there; so do places at the buyer's door.
type TrackedEvent struct {
	Status     string    `json:"status" example:"in_transit"`
	StatusText string    `json:"status_text"`
	OccurredAt time.Time `json:"occurred_at" doc:"With the offset from UTC that the carrier gave"`
	Location   string    `json:"location,omitempty" doc:"Of the carrier, not of the buyer"`
	// ZoneGuessed lets pages leave the zone out that nobody has said.
	ZoneGuessed bool   `json:"zone_guessed,omitempty" doc:"The carrier told a local time without its zone"`
	Reason      string `json:"reason,omitempty" enum:"carrier,shipper,recipient,customs,weather,other" doc:"Whose side the trouble is on"`
}

type trackIn struct {
	Token    string `path:"token" maxLength:"200" doc:"As in the link of a mail"`
	Language string `header:"Accept-Language" maxLength:"1000" doc:"The order's own language when absent"`
}

type trackedOut struct {
	Body TrackedOrder
}

type lookUpOrderIn struct {
	Body struct {
		Number string `json:"number" minLength:"1" maxLength:"64" example:"DS-7K3M-Q2XT-H" doc:"In any case, with or without hyphens"`
		Email  string `json:"email" minLength:"1" maxLength:"254" example:"ani@example.com"`
	}
}

func registerTracking(s *Server, o *orderRoom, docs documents, shop shopSettings, back returns) {
	room := &trackRoom{orderRoom: o, documents: docs, settings: shop, returns: back, now: s.clock.Now}
	if docs != nil {
		registerTrackedDocuments(s, room)
	}
	handle(s, Route{
		ID: "track-order", Method: http.MethodGet, Path: "/v1/track/{token}", Tag: "tracking", Summary: "Follow an order by its link",
		Auth: public(), Errors: []*fault.Error{customer.ErrLinkInvalid},
	}, func(ctx context.Context, in *trackIn) (*trackedOut, error) {
		t, err := o.orders.Track(ctx, in.Token)
		if err != nil {
			return nil, err
		}
		lang := language(ctx)
		if own := locale.Lang(t.Locale); in.Language == "" && own.Known() {
			lang = own
		}
		return room.told(ctx, t, lang)
	})
	handle(s, Route{
		ID: "look-up-order", Method: http.MethodPost, Path: "/v1/order-lookups", Tag: "tracking", Summary: "Find an order by its number and the buyer's e-mail",
		Description: "Every miss gets the same answer. After five tries within ten minutes for one number, or from one address, further ones wait.",
		Auth:        publishable(), Once: OnceNever, Errors: []*fault.Error{order.ErrNotFound, order.ErrTooManyTries},
	}, func(ctx context.Context, in *lookUpOrderIn) (*trackedOut, error) {
		v, err := o.orders.ByNumberAndEmail(ctx, caller(ctx).Merchant, in.Body.Number, in.Body.Email, guesser(ctx))
		if err != nil {
			return nil, err
		}
		t, err := o.orders.TrackOrder(ctx, v)
		if err != nil {
			return nil, err
		}
		out, err := room.told(ctx, t, language(ctx))
		if err == nil && o.track != nil && v.Source == "checkout" {
			out.Body.TrackingURL = o.track(v)
		}
		return out, err
	})
}

// trackedOf writes the view of an order in a language.
func trackedOf(t *order.Tracking, lang locale.Lang, now time.Time) TrackedOrder {
	word := func(kind, code string) string { return textOr(lang, kind+"."+code, code) }
	b := TrackedOrder{
		Number: t.Number, Status: string(t.Status), StatusText: word("order_status", string(t.Status)),
		PaymentStatus: t.PaymentStatus, PaymentStatusText: word("payment_status", t.PaymentStatus),
		FulfillmentStatus: t.FulfillmentStatus, FulfillmentStatusText: word("fulfillment_status", t.FulfillmentStatus),
		Language: string(lang), PlacedAt: t.PlacedAt, CanceledAt: t.CanceledAt, Currency: t.Currency, PricesIncludeTax: t.PricesIncludeTax,
		Totals: totalsOf(t.Subtotal, t.Discount, t.Shipping, t.Tax, t.Total, t.Currency).with(t.Duties), Lines: make([]TrackedLine, len(t.Lines)),
		Shipping: t.Option.Name, Shipments: make([]TrackedParcel, len(t.Shipments)),
	}
	if t.Option.From != nil && t.Option.To != nil {
		b.Delivery = &DeliveryDays{From: t.Option.From.Format(time.DateOnly), To: t.Option.To.Format(time.DateOnly)}
		b.Late = now.UTC().Format(time.DateOnly) > b.Delivery.To && waiting(t)
	}
	for i := range t.Lines {
		l := orderLineOf(&t.Lines[i], t.Currency)
		b.Lines[i] = TrackedLine{
			LineID: l.ID, Title: l.Title, Options: l.Options, Image: l.Image, Quantity: l.Quantity, Shipped: l.Shipped, Canceled: l.Canceled,
			Returned: l.Returned, Total: l.Total,
		}
	}
	for i := range t.Shipments {
		b.Shipments[i] = trackedParcelOf(&t.Shipments[i], lang)
	}
	return b
}

// waiting says whether something of the order is still to arrive.
func waiting(t *order.Tracking) bool {
	if t.Status == order.StatusCanceled {
		return false
	}
	switch t.FulfillmentStatus {
	case "unfulfilled", "partial", "fulfilled":
		return true
	}
	return false
}

func trackedParcelOf(s *shipping.Shipment, lang locale.Lang) TrackedParcel {
	b := TrackedParcel{
		Carrier: s.Carrier, TrackingNumber: s.TrackingNumber, Status: string(s.Status), TrackingStatus: string(s.TrackingStatus),
		StatusText: trackingText(lang, s.TrackingStatus), ShippedAt: s.ShippedAt, DeliveredAt: s.DeliveredAt, Events: make([]TrackedEvent, len(s.Events)),
	}
	b.fill(s)
	for i := range s.Events {
		e := &s.Events[i]
		b.Events[i] = TrackedEvent{Status: string(e.Status), StatusText: trackingText(lang, e.Status), OccurredAt: there(e), ZoneGuessed: e.ZoneGuessed}
		if slices.Contains(sides, e.Reason) {
			b.Events[i].Reason = e.Reason
		}
		switch e.Status {
		case shipping.TrackPickedUp, shipping.TrackInTransit, shipping.TrackOnHold, shipping.TrackCustomsHold, shipping.TrackDelayed, shipping.TrackReadyForPickup:
			b.Events[i].Location = e.Location
		}
	}
	return b
}
