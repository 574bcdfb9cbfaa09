package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/catalog"
	"doorstep/internal/fault"
	"doorstep/shipping/purchase"

	"github.com/google/uuid"
)

// purchases is all that these routes ask of their room.
type purchases interface {
	Add(ctx context.Context, merchant uuid.UUID, p purchase.Shipment, location string) (*purchase.Shipment, error)
	Shipment(ctx context.Context, merchant, purchase uuid.UUID) (*purchase.Shipment, error)
	List(ctx context.Context, merchant uuid.UUID, status purchase.Status, before time.Time, last uuid.UUID, limit int) ([]purchase.Shipment, error)
	Change(ctx context.Context, merchant, purchase uuid.UUID, c purchase.Costs) (*purchase.Shipment, error)
	Pass(ctx context.Context, merchant, purchase uuid.UUID, m purchase.Milestone) (*purchase.Shipment, error)
	File(ctx context.Context, merchant, purchase uuid.UUID, d purchase.Paper) (*purchase.Shipment, error)
	Cancel(ctx context.Context, merchant, purchase uuid.UUID) (*purchase.Shipment, error)
	Receive(ctx context.Context, merchant, purchase uuid.UUID, actor string, counts []purchase.Count) (*purchase.Shipment, error)
	Now() time.Time
}

// PurchaseLine is goods of a purchase shipment.
type PurchaseLine struct {
	Line        int    `json:"line"`
	SKU         string `json:"sku"`
	Quantity    int64  `json:"quantity" doc:"As ordered"`
	UnitPrice   Money  `json:"unit_price"`
	Received    *int64 `json:"received,omitempty" doc:"Good units that came"`
	Damaged     *int64 `json:"damaged,omitempty" doc:"Broken units that came"`
	Discrepancy *int64 `json:"discrepancy,omitempty" doc:"Units that came, good or broken, less those ordered"`
	LandedTotal *Money `json:"landed_total,omitempty" doc:"What the line has cost in the shop: the units that came, with their share of freight, duty and fees"`
	LandedUnit  *Money `json:"landed_unit,omitempty" doc:"For each good unit"`
}

// PurchaseMilestone is something that happened on the way.
type PurchaseMilestone struct {
	Status string    `json:"status"`
	At     time.Time `json:"at"`
	Note   string    `json:"note,omitempty"`
}

// PurchaseDocument is where a document lies.
type PurchaseDocument struct {
	ID   uuid.UUID `json:"id" format:"uuid"`
	Kind string    `json:"kind"`
	Name string    `json:"name"`
	URL  string    `json:"url"`
}

// PurchaseShipment is an order at a supplier on its way.
type PurchaseShipment struct {
	ID             uuid.UUID           `json:"id" format:"uuid"`
	Status         string              `json:"status" enum:"ordered,ready,picked_up,departed,arrived,customs_hold,cleared,received,canceled"`
	Supplier       string              `json:"supplier"`
	Reference      string              `json:"reference,omitempty"`
	Incoterm       string              `json:"incoterm"`
	Carrier        string              `json:"carrier,omitempty"`
	TrackingNumber string              `json:"tracking_number,omitempty"`
	LocationID     uuid.UUID           `json:"location_id" format:"uuid"`
	Freight        Money               `json:"freight"`
	Duty           Money               `json:"duty"`
	Fees           Money               `json:"fees"`
	SharedBy       string              `json:"shared_by" enum:"value,weight"`
	ExpectedOn     string              `json:"expected_on,omitempty" example:"2026-12-01"`
	SlackDays      int                 `json:"slack_days"`
	Late           bool                `json:"late" doc:"It should have come, slack included"`
	Lines          []PurchaseLine      `json:"lines" doc:"Empty in lists"`
	Milestones     []PurchaseMilestone `json:"milestones" doc:"Empty in lists"`
	Documents      []PurchaseDocument  `json:"documents" doc:"Empty in lists"`
	Version        int64               `json:"version"`
	ReceivedAt     *time.Time          `json:"received_at,omitempty"`
	CreatedAt      time.Time           `json:"created_at"`
	UpdatedAt      time.Time           `json:"updated_at"`
}

func purchaseIn(now time.Time) func(purchase.Shipment) PurchaseShipment {
	return func(p purchase.Shipment) PurchaseShipment {
		b := PurchaseShipment{
			ID: p.ID, Status: string(p.Status), Supplier: p.Supplier, Reference: p.Reference, Incoterm: p.Incoterm, Carrier: p.Carrier, TrackingNumber: p.TrackingNumber,
			LocationID: p.LocationID, Freight: moneyOf(p.Freight, p.Currency), Duty: moneyOf(p.Duty, p.Currency), Fees: moneyOf(p.Fees, p.Currency), SharedBy: p.SharedBy,
			SlackDays: p.SlackDays, Late: p.Late(now), Version: p.Version, ReceivedAt: p.ReceivedAt, CreatedAt: p.CreatedAt.UTC(), UpdatedAt: p.UpdatedAt.UTC(),
			Lines: make([]PurchaseLine, len(p.Lines)), Milestones: make([]PurchaseMilestone, len(p.Milestones)), Documents: make([]PurchaseDocument, len(p.Papers)),
		}
		if p.ExpectedOn != nil {
			b.ExpectedOn = p.ExpectedOn.Format(time.DateOnly)
		}
		for i := range p.Lines {
			b.Lines[i] = purchaseLineOf(&p.Lines[i], p.Currency)
		}
		for i, m := range p.Milestones {
			b.Milestones[i] = PurchaseMilestone{Status: string(m.Status), At: m.At.UTC(), Note: m.Note}
		}
		for i, d := range p.Papers {
			b.Documents[i] = PurchaseDocument{ID: d.ID, Kind: d.Kind, Name: d.Name, URL: d.URL}
		}
		return b
	}
}

func purchaseLineOf(l *purchase.Line, currency string) PurchaseLine {
	b := PurchaseLine{Line: l.Line, SKU: l.SKU, Quantity: l.Quantity, UnitPrice: moneyOf(l.Unit, currency), Received: l.Received, Damaged: l.Damaged}
	if l.Landed != nil {
		differs, landed := *l.Received+*l.Damaged-l.Quantity, moneyOf(*l.Landed, currency)
		b.Discrepancy, b.LandedTotal = &differs, &landed
	}
	if unit, ok := l.LandedUnit(); ok {
		m := moneyOf(unit, currency)
		b.LandedUnit = &m
	}
	return b
}

type purchaseOut struct {
	ETag string `header:"ETag"`
	Body PurchaseShipment
}

func (d purchaseDesk) one(p *purchase.Shipment, err error) (*purchaseOut, error) {
	if err != nil {
		return nil, inBody(err, "body")
	}
	return &purchaseOut{ETag: etag(p.Version), Body: purchaseIn(d.svc.Now())(*p)}, nil
}

// NewPurchaseLine is goods that were ordered.
type NewPurchaseLine struct {
	SKU       string `json:"sku" minLength:"1" maxLength:"100" example:"MUG-01"`
	Quantity  int64  `json:"quantity" minimum:"1" maximum:"1000000" example:"40"`
	UnitPrice int64  `json:"unit_price" minimum:"0" maximum:"1000000000000" example:"310" doc:"In minor units"`
}

// PurchaseCount is what came of one line.
type PurchaseCount struct {
	Line     int   `json:"line" minimum:"1" maximum:"500" example:"1"`
	Received int64 `json:"received" minimum:"0" maximum:"1000000" example:"38" doc:"Good units; they go into stock"`
	Damaged  int64 `json:"damaged,omitempty" minimum:"0" maximum:"1000000" example:"1" doc:"Broken units; they are paid for, and the good ones cost more"`
}

type addPurchaseIn struct {
	Body struct {
		Supplier       string            `json:"supplier" minLength:"1" maxLength:"300" example:"Siem Reap Pottery"`
		Reference      string            `json:"reference,omitempty" maxLength:"300" example:"PO-118" doc:"The number of the purchase order"`
		Incoterm       string            `json:"incoterm" enum:"EXW,FCA,FAS,FOB,CFR,CIF,CPT,CIP,DAP,DPU,DDP" example:"FOB"`
		Currency       string            `json:"currency" minLength:"3" maxLength:"3" example:"USD"`
		Carrier        string            `json:"carrier,omitempty" maxLength:"300" doc:"Or the forwarder"`
		TrackingNumber string            `json:"tracking_number,omitempty" maxLength:"300"`
		Location       string            `json:"location,omitempty" maxLength:"100" example:"MAIN" doc:"Where it will be received: the code of a location; the first that is active when absent"`
		Freight        int64             `json:"freight,omitempty" minimum:"0" maximum:"1000000000000" doc:"In minor units, as duty and fees; they may be told later"`
		Duty           int64             `json:"duty,omitempty" minimum:"0" maximum:"1000000000000"`
		Fees           int64             `json:"fees,omitempty" minimum:"0" maximum:"1000000000000"`
		SharedBy       string            `json:"shared_by,omitempty" enum:"value,weight" doc:"How they are shared over the lines; value when absent"`
		ExpectedOn     string            `json:"expected_on,omitempty" maxLength:"10" example:"2026-12-01"`
		SlackDays      int               `json:"slack_days,omitempty" minimum:"0" maximum:"365"`
		Lines          []NewPurchaseLine `json:"lines" minItems:"1" maxItems:"500"`
	}
}

type changePurchaseIn struct {
	ByID
	Body struct {
		Freight        *int64  `json:"freight,omitempty" minimum:"0" maximum:"1000000000000" example:"12000"`
		Duty           *int64  `json:"duty,omitempty" minimum:"0" maximum:"1000000000000"`
		Fees           *int64  `json:"fees,omitempty" minimum:"0" maximum:"1000000000000"`
		SharedBy       *string `json:"shared_by,omitempty" enum:"value,weight"`
		Carrier        *string `json:"carrier,omitempty" maxLength:"300"`
		TrackingNumber *string `json:"tracking_number,omitempty" maxLength:"300"`
		ExpectedOn     *string `json:"expected_on,omitempty" maxLength:"10" example:"2026-12-01"`
		SlackDays      *int    `json:"slack_days,omitempty" minimum:"0" maximum:"365"`
	}
}

type passPurchaseIn struct {
	ByID
	Body struct {
		Status string    `json:"status" enum:"ordered,ready,picked_up,departed,arrived,customs_hold,cleared" example:"departed"`
		At     time.Time `json:"at,omitzero" maxLength:"40" example:"2026-11-20T08:00:00Z" doc:"Now when absent"`
		Note   string    `json:"note,omitempty" maxLength:"1000"`
	}
}

type filePurchaseIn struct {
	ByID
	Body struct {
		Kind string `json:"kind" enum:"invoice,packing_list,certificate_of_origin,other" example:"invoice"`
		Name string `json:"name" minLength:"1" maxLength:"300" example:"INV-771"`
		URL  string `json:"url" minLength:"9" maxLength:"2000" example:"https://files.example/inv-771.pdf" doc:"Where the shop keeps it"`
	}
}

type receivePurchaseIn struct {
	ByID
	Body struct {
		Lines []PurchaseCount `json:"lines,omitempty" maxItems:"500" doc:"Lines that are not named came in full"`
	}
}

type listPurchasesIn struct {
	PageQuery
	Status string `query:"status" enum:"ordered,ready,picked_up,departed,arrived,customs_hold,cleared,received,canceled"`
}

type purchaseDesk struct{ svc purchases }

const purchaseList = "purchases"

func registerPurchases(s *Server, svc purchases) {
	const base = "/v1/purchase-shipments"
	d := purchaseDesk{svc}
	read, write := secret("stock:read"), secret("stock:write")
	handle(s, Route{
		ID: "list-purchase-shipments", Method: http.MethodGet, Path: base, Tag: "purchases", Summary: "List what has been ordered from suppliers, the newest first",
		Auth: read, Errors: []*fault.Error{errCursor},
	}, d.list)
	handle(s, Route{
		ID: "add-purchase-shipment", Method: http.MethodPost, Path: base, Status: http.StatusCreated, Tag: "purchases", Summary: "Note what has been ordered from a supplier",
		Auth: write, Errors: []*fault.Error{purchase.ErrInvalid, catalog.ErrVariantNotFound, catalog.ErrLocationNotFound},
	}, d.add)
	handle(s, Route{
		ID: "read-purchase-shipment", Method: http.MethodGet, Path: base + "/{id}", Tag: "purchases", Summary: "Read a purchase shipment", Auth: read, Errors: []*fault.Error{purchase.ErrNotFound},
	}, func(ctx context.Context, in *ByID) (*purchaseOut, error) {
		return d.one(svc.Shipment(ctx, caller(ctx).Merchant, in.ID))
	})
	changing := []*fault.Error{purchase.ErrNotFound, purchase.ErrInvalid, purchase.ErrClosed}
	handle(s, Route{
		ID: "change-purchase-shipment", Method: http.MethodPatch, Path: base + "/{id}", Tag: "purchases", Summary: "Correct its costs, carrier and expected day", Auth: write, Errors: changing,
	}, d.change)
	handle(s, Route{
		ID: "pass-purchase-milestone", Method: http.MethodPost, Path: base + "/{id}/milestones", Tag: "purchases", Summary: "Note how far it is",
		Description: "It stands as its latest milestone says, in whatever order they are told.", Auth: write, Errors: changing,
	}, func(ctx context.Context, in *passPurchaseIn) (*purchaseOut, error) {
		at := in.Body.At
		if at.IsZero() {
			at = svc.Now()
		}
		return d.one(svc.Pass(ctx, caller(ctx).Merchant, in.ID, purchase.Milestone{Status: purchase.Status(in.Body.Status), At: at, Note: in.Body.Note}))
	})
	handle(s, Route{
		ID: "file-purchase-document", Method: http.MethodPost, Path: base + "/{id}/documents", Tag: "purchases", Summary: "Note where an invoice, a packing list or a certificate lies",
		Auth: write, Errors: changing,
	}, func(ctx context.Context, in *filePurchaseIn) (*purchaseOut, error) {
		return d.one(svc.File(ctx, caller(ctx).Merchant, in.ID, purchase.Paper{Kind: in.Body.Kind, Name: in.Body.Name, URL: in.Body.URL}))
	})
	handle(s, Route{
		ID: "receive-purchase-shipment", Method: http.MethodPost, Path: base + "/{id}/receive", Tag: "purchases", Summary: "Put what came into stock, and see what it has cost",
		Description: "Once: a received shipment does not change any more. Freight, duty and fees are shared over the lines, to the last minor unit.",
		Auth:        write, Errors: changing,
	}, func(ctx context.Context, in *receivePurchaseIn) (*purchaseOut, error) {
		counts := make([]purchase.Count, len(in.Body.Lines))
		for i, l := range in.Body.Lines {
			counts[i] = purchase.Count(l)
		}
		return d.one(svc.Receive(ctx, caller(ctx).Merchant, in.ID, actor(ctx), counts))
	})
	handle(s, Route{
		ID: "cancel-purchase-shipment", Method: http.MethodPost, Path: base + "/{id}/cancel", Tag: "purchases", Summary: "End a shipment that will not come", Auth: write,
		Errors: []*fault.Error{purchase.ErrNotFound, purchase.ErrClosed},
	}, func(ctx context.Context, in *ByID) (*purchaseOut, error) {
		return d.one(svc.Cancel(ctx, caller(ctx).Merchant, in.ID))
	})
}

func (d purchaseDesk) add(ctx context.Context, in *addPurchaseIn) (*purchaseOut, error) {
	b := &in.Body
	p := purchase.Shipment{Supplier: b.Supplier, Reference: b.Reference, Incoterm: b.Incoterm, Currency: b.Currency, Carrier: b.Carrier, TrackingNumber: b.TrackingNumber,
		Freight: b.Freight, Duty: b.Duty, Fees: b.Fees, SharedBy: b.SharedBy, SlackDays: b.SlackDays}
	if p.SharedBy == "" {
		p.SharedBy = purchase.ByValue
	}
	var err error
	if p.ExpectedOn, err = dayIn(b.ExpectedOn, "body.expected_on"); err != nil {
		return nil, err
	}
	for _, l := range b.Lines {
		p.Lines = append(p.Lines, purchase.Line{SKU: l.SKU, Quantity: l.Quantity, Unit: l.UnitPrice})
	}
	return d.one(d.svc.Add(ctx, caller(ctx).Merchant, p, b.Location))
}

func (d purchaseDesk) change(ctx context.Context, in *changePurchaseIn) (*purchaseOut, error) {
	b := &in.Body
	c := purchase.Costs{Freight: b.Freight, Duty: b.Duty, Fees: b.Fees, SharedBy: b.SharedBy, Carrier: b.Carrier, TrackingNumber: b.TrackingNumber, SlackDays: b.SlackDays}
	if b.ExpectedOn != nil {
		var err error
		if c.ExpectedOn, err = dayIn(*b.ExpectedOn, "body.expected_on"); err != nil {
			return nil, err
		}
	}
	return d.one(d.svc.Change(ctx, caller(ctx).Merchant, in.ID, c))
}

// dayIn reads a day such as 2026-12-01; nil for none.
func dayIn(text, at string) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return nil, errValidation.At(at, "must be a day such as 2026-12-01")
	}
	return &day, nil
}

func (d purchaseDesk) list(ctx context.Context, in *listPurchasesIn) (*listOut[PurchaseShipment], error) {
	before, last, _, err := parseTimeCursor(purchaseList, in.Cursor)
	if err != nil {
		return nil, err
	}
	all, err := d.svc.List(ctx, caller(ctx).Merchant, purchase.Status(in.Status), before, last, in.Limit+1)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(all) > in.Limit {
		all = all[:in.Limit]
		end := &all[in.Limit-1]
		next = timeCursor(purchaseList, end.CreatedAt, end.ID)
	}
	return listOf(all, next, purchaseIn(d.svc.Now())), nil
}
