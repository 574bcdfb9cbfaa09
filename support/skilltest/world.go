package skilltest

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"
	"doorstep/support/skill"
)

// Now is the time of all states: a Monday morning.
var Now = time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC)

// Merchant is the shop of all states.
var Merchant = uuid.MustParse("01890000-0000-7000-8000-000000000001")

// Settings are the shop's.
func Settings() customer.Settings {
	s := customer.DefaultSettings("Ararat", "EUR")
	s.Timezone, s.ReturnWindowDays = "UTC", 30
	s.BankTransfer = customer.BankTransfer{Enabled: true, AccountLines: []string{"Ararat LLC", "AM12 3456 7890"}, DueDays: 7}
	s.CashOnDelivery.Enabled = true
	s.Languages = []string{"en", "hy", "km"}
	return s
}

// day is the middle of a day of 2026.
func day(month time.Month, d int) time.Time { return time.Date(2026, month, d, 12, 0, 0, 0, time.UTC) }

func at(t time.Time) *time.Time { return &t }

// named is an id that stays the same from run to run.
func named(name string) uuid.UUID { return uuid.NewSHA1(Merchant, []byte(name)) }

// sketch is an order in the making.
type sketch struct{ *skill.Order }

// bought is an order of these items, as it stands after a card was authorized: each
// item costs 12.50.
func bought(number string, items ...string) sketch {
	o := &order.Order{
		MerchantID: Merchant, ID: named(number), Number: number, ContactID: named("contact"), Status: order.StatusConfirmed,
		PaymentStatus: "authorized", FulfillmentStatus: "unfulfilled", Source: "checkout", PaymentMethod: "card", Currency: "EUR", Locale: "en",
		Shipping: 300, Version: 3, PlacedAt: day(time.March, 6), UpdatedAt: day(time.March, 6),
	}
	o.ShippingOption, _ = json.Marshal(order.ShippingOption{ID: "std", Name: "Standard", From: at(day(time.March, 10)), To: at(day(time.March, 12))}) //nolint:errchkjson // plain values
	for i, title := range items {
		q := int64(1)
		if i == 0 {
			q = 3
		}
		o.Lines = append(o.Lines, order.Line{
			MerchantID: Merchant, OrderID: o.ID, ID: named(number + title), Position: i + 1, VariantID: named(title), SKU: "SKU-" + title, Title: title,
			Quantity: q, Unit: 1250, Subtotal: q * 1250, Total: q * 1250, Origin: "checkout",
		})
		o.Subtotal += q * 1250
	}
	o.Total = o.Subtotal + o.Shipping
	s := sketch{&skill.Order{Order: o, Link: "https://shop.example/t/" + number}}
	return s.pay(payment.Card, payment.Authorized, 0)
}

func (s sketch) pay(m payment.Method, st payment.Status, taken int64) sketch {
	s.PaymentMethod = string(m)
	s.Payments = []payment.Payment{{
		MerchantID: Merchant, ID: named(s.Number + "payment"), OrderID: &s.ID, Attempt: 1, Method: m, Status: st, AmountMinor: s.Total, CapturedMinor: taken, Currency: s.Currency,
		Reference: s.Number,
	}}
	if taken == s.Total {
		s.PaymentStatus = "paid"
	} else if st == payment.Pending {
		s.PaymentStatus = "unpaid"
	}
	return s
}

// parcel sends these lines, all of their units, in a parcel.
func (s sketch) parcel(status shipping.Status, word shipping.Tracking, delivered *time.Time, lines ...int) sketch {
	if s.Tracking == nil {
		s.Tracking = &order.Tracking{}
	}
	p := shipping.Shipment{
		MerchantID: Merchant, ID: named(s.Number + "parcel"), OrderID: s.ID, Status: status, TrackingStatus: word, Carrier: "dhl", TrackingNumber: "JD014600003RU",
		ShippedAt: at(day(time.March, 7)), DeliveredAt: delivered,
	}
	for _, i := range lines {
		l := &s.Lines[i]
		l.Shipped = l.Quantity
		p.Lines = append(p.Lines, shipping.ShipmentLine{OrderLineID: l.ID, Quantity: l.Quantity})
	}
	p.Events = []shipping.TrackingEvent{{Status: word, OccurredAt: day(time.March, 8), Location: "Vienna"}}
	if delivered != nil {
		p.Events[0].OccurredAt = *delivered
		p.ShippedAt = at(delivered.AddDate(0, 0, -3))
	}
	s.Tracking.Shipments = append(s.Tracking.Shipments, p)
	s.FulfillmentStatus = "fulfilled"
	return s.pay(payment.Card, payment.Captured, s.Total)
}

// alone is the only parcel of the order.
func (s sketch) alone() *shipping.Shipment { return &s.Tracking.Shipments[0] }

// State is an order that stands in some way.
type State struct {
	Name  string
	Order *skill.Order
}

// States are the ways in which an order may stand. They are made anew by each call.
func States() []State {
	unfulfilled := bought("DS-7K3M-Q2XT-5", "wool socks", "oak stool")
	single := bought("DS-100242", "wool socks")
	onHold := bought("DS-100243", "pepper mill", "salad bowl")
	onHold.Status = order.StatusOnHold

	moving := bought("DS-100241", "wool socks").parcel(shipping.StatusInTransit, shipping.TrackInTransit, nil, 0)
	expected := bought("DS-100260", "wool socks").parcel(shipping.StatusInTransit, shipping.TrackInTransit, nil, 0)
	expected.alone().ExpectedAt = at(day(time.March, 11))
	courier := bought("DS-100261", "wool socks").parcel(shipping.StatusOutForDelivery, shipping.TrackOutForDelivery, nil, 0)
	failed := bought("DS-100262", "wool socks").parcel(shipping.StatusFailed, shipping.TrackFailed, nil, 0)
	back := bought("DS-100263", "wool socks").parcel(shipping.StatusReturned, shipping.TrackReturning, nil, 0)
	handed := bought("DS-100264", "wool socks").parcel(shipping.StatusShipped, shipping.TrackPending, nil, 0)
	handed.alone().Events = nil

	partly := bought("DS-200639", "pepper mill", "salad bowl").parcel(shipping.StatusInTransit, shipping.TrackInTransit, nil, 0)
	partly.FulfillmentStatus = "partial"
	split := bought("DS-200640", "pepper mill", "salad bowl").parcel(shipping.StatusDelivered, shipping.TrackDelivered, at(day(time.March, 5)), 0).
		parcel(shipping.StatusInTransit, shipping.TrackInTransit, nil, 1)
	split.Tracking.Shipments[1].ExpectedAt = at(day(time.March, 12))

	late := bought("DS-200750", "door mat").parcel(shipping.StatusInTransit, shipping.TrackInTransit, nil, 0)
	late.alone().PromisedAt = at(time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC))
	late.alone().Events[0].OccurredAt = day(time.March, 1)
	lost := bought("DS-200751", "door mat").parcel(shipping.StatusInTransit, shipping.TrackInTransit, nil, 0)
	lost.PlacedAt, lost.alone().ShippedAt = day(time.January, 20), at(day(time.January, 22))
	lost.alone().PromisedAt = at(day(time.January, 30))
	lost.alone().Events[0].OccurredAt = day(time.January, 25)

	arrived := bought("DS-200491", "enamel jug", "oak stool").parcel(shipping.StatusDelivered, shipping.TrackDelivered, at(day(time.March, 4)), 0, 1)
	arrived.Status, arrived.FulfillmentStatus, arrived.alone().SignedBy = order.StatusCompleted, "delivered", "A. S."
	old := bought("DS-200528", "felt slippers").parcel(shipping.StatusDelivered, shipping.TrackDelivered, at(day(time.January, 10)), 0)
	old.Status, old.FulfillmentStatus, old.PlacedAt = order.StatusCompleted, "delivered", day(time.January, 5)

	all := []State{
		{"paid, not sent", unfulfilled.Order}, {"paid, one item", single.Order}, {"on hold", onHold.Order},
		{"on its way", moving.Order}, {"on its way, expected", expected.Order}, {"with the courier", courier.Order}, {"not handed over", failed.Order},
		{"returning to the shop", back.Order}, {"not scanned", handed.Order},
		{"partly sent", partly.Order}, {"in two parcels", split.Order}, {"late", late.Order}, {"lost", lost.Order},
		{"delivered", arrived.Order}, {"delivered long ago", old.Order},
	}
	all = append(all, moneyStates()...)
	for _, s := range all {
		finish(s.Order)
	}
	return all
}

// moneyStates are those in which money waits or has gone back.
func moneyStates() []State {
	transfer := bought("DS-200713", "cocoa tin").pay(payment.BankTransfer, payment.Pending, 0)
	transfer.Status, transfer.Payments[0].DueAt = order.StatusPending, at(day(time.March, 13))
	cash := bought("DS-200714", "cocoa tin").pay(payment.CashOnDelivery, payment.Pending, 0)

	canceled := bought("DS-200602", "wool socks")
	canceled.Status, canceled.CanceledAt, canceled.PaymentStatus = order.StatusCanceled, at(day(time.March, 7)), "voided"
	canceled.Lines[0].Canceled = 3
	canceled.pay(payment.Card, payment.Voided, 0)

	refunded := bought("DS-200565", "enamel jug").parcel(shipping.StatusDelivered, shipping.TrackDelivered, at(day(time.February, 20)), 0)
	refunded.FulfillmentStatus, refunded.PaymentStatus, refunded.Lines[0].Returned, refunded.Lines[0].Refunded = "returned", "refunded", 3, 3
	refunded.Payments[0].RefundedMinor = refunded.Total
	refunded.Returns = []order.Return{{ID: named("return"), OrderID: refunded.ID, Number: "RMA-7K3M-Q2XT-5", Status: order.ReturnRefunded, Currency: "EUR",
		Lines: []order.ReturnLine{{LineID: refunded.Lines[0].ID, Quantity: 3}}}}
	refunded.Refunds = []payment.Refund{{ID: named("refund"), PaymentID: refunded.Payments[0].ID, OrderID: refunded.ID, Status: "succeeded", AmountMinor: 1850, Currency: "EUR",
		Destination: payment.ToOriginal, CreatedAt: day(time.March, 6), UpdatedAt: day(time.March, 6)}}

	coming := bought("DS-200566", "enamel jug").parcel(shipping.StatusDelivered, shipping.TrackDelivered, at(day(time.March, 1)), 0)
	coming.Lines[0].ComingBack = 3
	coming.Returns = []order.Return{{ID: named("coming"), OrderID: coming.ID, Number: "RMA-9K3M-Q2XT-1", Status: order.ReturnApproved, Currency: "EUR",
		Lines: []order.ReturnLine{{LineID: coming.Lines[0].ID, Quantity: 3}}}}

	claimed := bought("DS-200676", "hand trowel").parcel(shipping.StatusDelivered, shipping.TrackDelivered, at(day(time.March, 7)), 0)
	claimed.Claims = []order.Claim{{ID: named("claim"), OrderID: claimed.ID, Number: "CL-7K3M-Q2XT-5", Kind: "damaged", Status: order.ClaimOpen,
		Lines: []order.ClaimLine{{LineID: claimed.Lines[0].ID, Quantity: 3}}}}

	imported := bought("A-4711", "enamel jug").parcel(shipping.StatusDelivered, shipping.TrackDelivered, at(day(time.March, 1)), 0)
	imported.Source, imported.Status = "import", order.StatusCompleted
	return []State{
		{"waits for a transfer", transfer.Order}, {"paid to the courier", cash.Order}, {"canceled", canceled.Order}, {"refunded", refunded.Order},
		{"coming back", coming.Order}, {"claimed", claimed.Order}, {"imported", imported.Order},
	}
}

// finish fills in what follows from the rest.
func finish(o *skill.Order) {
	if o.Tracking == nil {
		o.Tracking = &order.Tracking{}
	}
	t := o.Tracking
	t.MerchantID, t.OrderID, t.Number, t.Status, t.Lines, t.Currency = o.MerchantID, o.ID, o.Number, o.Status, o.Lines, o.Currency
	t.Option, _ = o.Delivery()
}

// In is the order of that state.
func In(name string) *skill.Order {
	for _, s := range States() {
		if s.Name == name {
			return s.Order
		}
	}
	panic("skilltest: no state " + name)
}
