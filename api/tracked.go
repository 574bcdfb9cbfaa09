package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
	"doorstep/shipping/label"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
)

// TrackedShop is whom the buyer of an order can turn to.
type TrackedShop struct {
	Name       string `json:"name" example:"Ani's Mugs"`
	Email      string `json:"email,omitempty" example:"help@example.com"`
	Timezone   string `json:"timezone" example:"Asia/Yerevan"`
	ReturnDays int64  `json:"return_window_days" doc:"How long after delivery things can be sent back"`
}

// TrackedPromise is what became of the promised days.
type TrackedPromise struct {
	From  string `json:"from" format:"date" example:"2026-11-24"`
	To    string `json:"to" format:"date" example:"2026-11-26"`
	State string `json:"state" enum:"on_time,at_risk,late,kept,missed,void" doc:"at_risk: the carrier reports trouble or means to come later; late: the days are over; kept and missed: it has arrived; void: nothing is to arrive"`
	// Why is a code with words in every language; pages word it.
	Why       string `json:"why,omitempty" enum:"not_shipped,carrier,shipper,recipient,customs,weather,other,unknown" doc:"Of at_risk, late and missed: whose side it is on, as far as anybody has said"`
	LateSince string `json:"late_since,omitempty" format:"date" doc:"The first day that was not promised"`
	Expected  string `json:"expected,omitempty" format:"date" doc:"When the carrier now means to bring the last parcel, where that is later than promised"`
	Arrived   string `json:"arrived,omitempty" format:"date" doc:"When the last parcel arrived, on the calendar of its place"`
}

// TrackedPayment is how an order was paid, and what went back.
type TrackedPayment struct {
	Method     string          `json:"method,omitempty" enum:"card,wallet,paypal,bank_transfer,cash_on_delivery,gift_card,store_credit"`
	MethodText string          `json:"method_text,omitempty"`
	Paid       Money           `json:"paid" doc:"What was taken, in all"`
	Refunded   Money           `json:"refunded" doc:"What went back of it"`
	Refunds    []TrackedRefund `json:"refunds" doc:"The oldest first"`
}

// TrackedRefund is money on its way back.
type TrackedRefund struct {
	Amount     Money     `json:"amount"`
	Status     string    `json:"status" enum:"pending,succeeded,failed"`
	StatusText string    `json:"status_text"`
	To         string    `json:"to" enum:"original,store_credit"`
	CreatedAt  time.Time `json:"created_at"`
}

// TrackedDocument is an invoice or a credit note that can be asked for.
type TrackedDocument struct {
	ID        uuid.UUID `json:"id" format:"uuid"`
	Kind      string    `json:"kind" enum:"invoice,credit_note"`
	Number    string    `json:"number" example:"INV-2026-000012"`
	Total     Money     `json:"total"`
	CreatedAt time.Time `json:"created_at"`
}

// TrackedReturn is what is on its way back, as its buyer sees it.
type TrackedReturn struct {
	ID             uuid.UUID    `json:"id" format:"uuid"`
	Number         string       `json:"number" example:"RMA-7K3M-Q2XT-H" doc:"To be written on the parcel"`
	Status         string       `json:"status" enum:"requested,approved,in_transit,received,inspected,refunded,exchanged,rejected,canceled"`
	StatusText     string       `json:"status_text"`
	Lines          []ReturnWish `json:"lines" doc:"Without notes"`
	Carrier        string       `json:"carrier,omitempty"`
	TrackingNumber string       `json:"tracking_number,omitempty"`
	RejectReason   string       `json:"reject_reason,omitempty"`
	Refunded       Money        `json:"refunded"`
	Label          bool         `json:"label" doc:"The shop has bought the label: GET /v1/track/{token}/returns/{id}/label"`
	CreatedAt      time.Time    `json:"created_at"`
}

// TrackedProof shows that a parcel was handed over.
type TrackedProof struct {
	SignedBy string `json:"signed_by,omitempty" example:"A. P." doc:"Who took it, as initials"`
	PhotoURL string `json:"photo_url,omitempty" format:"uri"`
}

// trackRoom puts together what the holder of an order's link sees.
type trackRoom struct {
	*orderRoom
	documents documents    // nil: none are offered
	settings  shopSettings // nil: the usual ones
	returns   returns      // nil: nothing is taken back
	now       func() time.Time
}

// told writes the view of an order in a language, with all that other rooms know
// of it.
func (r *trackRoom) told(ctx context.Context, t *order.Tracking, lang locale.Lang) (*trackedOut, error) {
	now := r.now()
	b := trackedOf(t, lang, now)
	shop := customer.DefaultSettings("", t.Currency)
	if r.settings != nil {
		var err error
		if shop, _, err = r.settings.Settings(ctx, t.MerchantID); err != nil {
			return nil, err
		}
	}
	b.Shop = TrackedShop{
		Name: cmp.Or(shop.Sender.Name, shop.Name), Email: cmp.Or(shop.Sender.ReplyTo, shop.Sender.Email), Timezone: cmp.Or(shop.Timezone, "UTC"),
		ReturnDays: shop.ReturnWindowDays,
	}
	for i := range t.Lines {
		b.Lines[i].Returnable, b.Lines[i].ReturnUntil = t.Returnable(t.Lines[i].ID, shop.ReturnWindowDays, now)
	}
	b.Cancelable = cancelable(t)
	b.Promise = promiseOf(t, zoneOf(b.Shop.Timezone), now)
	var err error
	if b.Payment, err = r.money(ctx, t, lang); err != nil {
		return nil, err
	}
	if b.Documents, err = r.papers(ctx, t); err != nil {
		return nil, err
	}
	if b.Returns, err = r.comingBack(ctx, t, lang); err != nil {
		return nil, err
	}
	return &trackedOut{Body: b}, nil
}

// zoneOf is the zone of that name, or UTC.
func zoneOf(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// cancelable says whether the shop can still cancel the whole order.
func cancelable(t *order.Tracking) bool {
	switch t.Status {
	case order.StatusPending, order.StatusConfirmed, order.StatusOnHold:
		return !slices.ContainsFunc(t.Lines, func(l order.Line) bool { return l.Shipped > 0 })
	}
	return false
}

func (r *trackRoom) money(ctx context.Context, t *order.Tracking, lang locale.Lang) (TrackedPayment, error) {
	b := TrackedPayment{Refunds: []TrackedRefund{}}
	all, err := r.payments.OfOrder(ctx, t.MerchantID, t.OrderID)
	if err != nil {
		return b, err
	}
	paid, back := int64(0), int64(0)
	for _, p := range all {
		paid, back = paid+p.CapturedMinor, back+p.RefundedMinor
		if p.Status != payment.Failed && p.Status != payment.Voided || b.Method == "" {
			b.Method = string(p.Method)
		}
	}
	if b.Method != "" {
		b.MethodText = textOr(lang, "payment_method."+b.Method, b.Method)
	}
	b.Paid, b.Refunded = moneyOf(paid, t.Currency), moneyOf(back, t.Currency)
	refunds, err := r.payments.RefundsOfOrder(ctx, t.MerchantID, t.OrderID)
	if err != nil {
		return b, err
	}
	for _, f := range refunds {
		b.Refunds = append(b.Refunds, TrackedRefund{
			Amount: moneyOf(f.AmountMinor, f.Currency), Status: f.Status, StatusText: textOr(lang, "refund_status."+f.Status, f.Status),
			To: cmp.Or(f.Destination, payment.ToOriginal), CreatedAt: f.CreatedAt.UTC(),
		})
	}
	slices.SortStableFunc(b.Refunds, func(x, y TrackedRefund) int { return x.CreatedAt.Compare(y.CreatedAt) })
	return b, nil
}

func (r *trackRoom) papers(ctx context.Context, t *order.Tracking) ([]TrackedDocument, error) {
	all := []TrackedDocument{}
	if r.documents == nil {
		return all, nil
	}
	docs, err := r.documents.OfOrder(ctx, t.MerchantID, t.OrderID)
	if err != nil {
		return nil, err
	}
	for _, d := range docs {
		all = append(all, TrackedDocument{ID: d.ID, Kind: string(d.Kind), Number: d.Number, Total: moneyOf(d.Total, d.Currency), CreatedAt: d.CreatedAt.UTC()})
	}
	return all, nil
}

// comingBack lists the order's returns, the newest first.
func (r *trackRoom) comingBack(ctx context.Context, t *order.Tracking, lang locale.Lang) ([]TrackedReturn, error) {
	all := []TrackedReturn{}
	if r.returns == nil {
		return all, nil
	}
	found, _, err := r.returns.Returns(ctx, t.MerchantID, order.After{OrderID: t.OrderID}, "", order.MaxPage)
	if err != nil {
		return nil, err
	}
	for i := range found {
		back := &found[i]
		b := TrackedReturn{
			ID: back.ID, Number: back.Number, Status: string(back.Status), StatusText: textOr(lang, "return_status."+string(back.Status), string(back.Status)),
			Lines: []ReturnWish{}, Carrier: back.Carrier, TrackingNumber: back.TrackingNumber, Refunded: moneyOf(back.Refund, back.Currency), CreatedAt: back.CreatedAt.UTC(),
		}
		if back.Status == order.ReturnRejected {
			b.RejectReason = back.RejectReason
		}
		for _, l := range back.Lines {
			b.Lines = append(b.Lines, ReturnWish{LineID: l.LineID, Quantity: l.Quantity, Reason: l.Reason})
		}
		if r.labels != nil && (back.Status == order.ReturnApproved || back.Status == order.ReturnInTransit) {
			l, err := r.labels.Of(ctx, t.MerchantID, label.ForReturn, back.ID)
			if err != nil && !fault.Is(err, label.ErrNotFound) {
				return nil, err
			}
			b.Label = err == nil && l.Status == label.Bought
		}
		all = append(all, b)
	}
	return all, nil
}

// promiseOf compares what was promised with what has come of it; nil when
// nothing was. Days without a place of their own are the shop's.
func promiseOf(t *order.Tracking, zone *time.Location, now time.Time) *TrackedPromise {
	if t.Option.From == nil || t.Option.To == nil {
		return nil
	}
	p := &TrackedPromise{From: t.Option.From.Format(time.DateOnly), To: t.Option.To.Format(time.DateOnly), State: "on_time"}
	arrived, expected, trouble := "", "", false
	for i := range t.Shipments {
		s := &t.Shipments[i]
		switch {
		case s.Status == shipping.StatusCanceled || s.Status == shipping.StatusReturned:
		case s.DeliveredAt != nil:
			arrived = max(arrived, arrivalDay(s, zone))
		default:
			if s.ExpectedAt != nil {
				expected = max(expected, s.ExpectedAt.In(zone).Format(time.DateOnly))
			}
			trouble = trouble || troubled(s.TrackingStatus)
		}
	}
	late := t.Option.To.AddDate(0, 0, 1).Format(time.DateOnly)
	switch waits := waiting(t); {
	case !waits && arrived == "":
		p.State = "void"
	case !waits && arrived <= p.To:
		p.State, p.Arrived = "kept", arrived
	case !waits:
		p.State, p.Arrived, p.LateSince = "missed", arrived, late
	case now.UTC().Format(time.DateOnly) > p.To:
		p.State, p.LateSince = "late", late
	case expected > p.To || trouble:
		p.State = "at_risk"
	}
	if expected > p.To && (p.State == "late" || p.State == "at_risk") {
		p.Expected = expected
	}
	if p.State == "late" || p.State == "at_risk" || p.State == "missed" {
		p.Why = whyLate(t)
	}
	return p
}

// arrivalDay is the day of a delivery on the calendar of its place, or the shop's.
func arrivalDay(s *shipping.Shipment, zone *time.Location) string {
	for _, e := range slices.Backward(s.Events) {
		if e.Status == shipping.TrackDelivered && e.UTCOffset != 0 {
			return there(&e).Format(time.DateOnly)
		}
	}
	return s.DeliveredAt.In(zone).Format(time.DateOnly)
}

func troubled(word shipping.Tracking) bool {
	switch word {
	case shipping.TrackOnHold, shipping.TrackCustomsHold, shipping.TrackDelayed, shipping.TrackFailed:
		return true
	}
	return false
}

// sides are where the reasons of trouble lie.
var sides = []string{"carrier", "shipper", "recipient", "customs", "weather", "other"}

// whyLate is the newest reason that a carrier gave for trouble, or what can be
// told without one.
func whyLate(t *order.Tracking) string {
	var last time.Time
	why, sent := "unknown", false
	for i := range t.Shipments {
		sent = sent || t.Shipments[i].Status != shipping.StatusCanceled
		for _, e := range t.Shipments[i].Events {
			if !troubled(e.Status) || e.OccurredAt.Before(last) {
				continue
			}
			last = e.OccurredAt
			switch {
			case slices.Contains(sides, e.Reason):
				why = e.Reason
			case e.Status == shipping.TrackCustomsHold:
				why = "customs"
			case e.Status == shipping.TrackFailed:
				why = "recipient"
			default:
				why = "carrier"
			}
		}
	}
	if !sent {
		return "not_shipped"
	}
	return why
}

// trackedLinesOf are the units in a parcel.
func trackedLinesOf(s *shipping.Shipment) []LineQuantity {
	all := make([]LineQuantity, len(s.Lines))
	for i, l := range s.Lines {
		all[i] = LineQuantity{LineID: l.OrderLineID, Quantity: l.Quantity}
	}
	return all
}

// fill adds what the carrier says of a parcel besides its events.
func (b *TrackedParcel) fill(s *shipping.Shipment) {
	b.CarrierName, b.CarrierURL, b.Lines = carrier.Title(s.Carrier), carrier.Page(s.Carrier, s.TrackingNumber), trackedLinesOf(s)
	b.PromisedAt, b.ExpectedAt = s.PromisedAt, s.ExpectedAt
	if s.DeliveredAt != nil && (s.SignedBy != "" || s.PhotoURL != "") {
		b.Proof = &TrackedProof{SignedBy: s.SignedBy, PhotoURL: s.PhotoURL}
	}
}

type trackedDocumentIn struct {
	Token string    `path:"token" maxLength:"200" doc:"As in the link of a mail"`
	ID    uuid.UUID `path:"id" format:"uuid" doc:"Of the document"`
	Body  struct {
		Email string `json:"email" minLength:"1" maxLength:"254" example:"ani@example.com" doc:"The buyer's, as in the order"`
	}
}

// registerTrackedDocuments lets buyers open what the shop wrote for them. The
// link alone is not enough: a document names its buyer, and links are passed on.
func registerTrackedDocuments(s *Server, r *trackRoom) {
	const path = "/v1/track/{token}/documents/{id}"
	handle(s, Route{
		ID: "read-tracked-document", Method: http.MethodPost, Path: path, Tag: "tracking", Summary: "Open an invoice or a credit note, as the buyer",
		Description: "It names the buyer, so the link alone does not open it: the e-mail of the order does, with the limits of a look-up.",
		Auth:        public(), Once: OnceNever,
		Errors: []*fault.Error{customer.ErrLinkInvalid, order.ErrNotFound, order.ErrTooManyTries, order.ErrDocumentNotFound},
	}, func(ctx context.Context, in *trackedDocumentIn) (*documentOut, error) {
		t, err := r.orders.Track(ctx, in.Token)
		if err != nil {
			return nil, err
		}
		o, err := r.orders.ByNumberAndEmail(ctx, t.MerchantID, t.Number, in.Body.Email, guesser(ctx))
		if err != nil {
			return nil, err
		}
		d, file, err := r.documents.Document(ctx, t.MerchantID, in.ID)
		if err != nil {
			return nil, err
		}
		if o.ID != t.OrderID || d.OrderID != t.OrderID {
			return nil, order.ErrDocumentNotFound
		}
		return &documentOut{Status: http.StatusOK, ContentType: "application/pdf", Disposition: `inline; filename="` + d.Number + `.pdf"`, Body: file}, nil
	})
	s.huma.OpenAPI().Paths[path].Post.Responses["200"].Content = map[string]*huma.MediaType{
		"application/pdf": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}
}
