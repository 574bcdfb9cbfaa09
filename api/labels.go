package api

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/money"
	"doorstep/order"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
	"doorstep/shipping/label"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
)

// labels is all that these routes ask of their room.
type labels interface {
	Buy(ctx context.Context, merchant, shipment uuid.UUID, w label.Want) (*label.Label, error)
	BuyReturn(ctx context.Context, merchant, ret uuid.UUID, w label.Want) (*label.Label, error)
	// ShipWithLabel makes a parcel and buys its label.
	ShipWithLabel(ctx context.Context, merchant, order uuid.UUID, n order.NewShipment, w label.Want) (*shipping.Shipment, error)
	Void(ctx context.Context, merchant uuid.UUID, purpose label.Purpose, subject uuid.UUID) (*label.Label, error)
	Of(ctx context.Context, merchant uuid.UUID, purpose label.Purpose, subject uuid.UUID) (*label.Label, error)
	Label(ctx context.Context, merchant, label uuid.UUID) (*label.Label, error)
	List(ctx context.Context, merchant uuid.UUID, f label.Filter, cursor string, limit int) ([]label.Label, string, error)
	Resolve(ctx context.Context, merchant, label uuid.UUID, v label.Verdict) (*label.Label, error)
	Print(ctx context.Context, merchant, owner uuid.UUID, n int) (label.Paper, []byte, error)
	errands
}

// Label is a label that was wanted, with what became of it.
type Label struct {
	ID          uuid.UUID       `json:"id" format:"uuid"`
	Purpose     string          `json:"purpose" enum:"shipment,return"`
	ShipmentID  *uuid.UUID      `json:"shipment_id,omitempty" format:"uuid"`
	ReturnID    *uuid.UUID      `json:"return_id,omitempty" format:"uuid"`
	OrderID     uuid.UUID       `json:"order_id" format:"uuid"`
	AccountID   uuid.UUID       `json:"account_id" format:"uuid"`
	Carrier     string          `json:"carrier"`
	Service     string          `json:"service"`
	Format      string          `json:"format" enum:"pdf,zpl,png"`
	Status      string          `json:"status" enum:"pending,bought,failed,parked,voiding,void" doc:"parked: nobody can tell whether the carrier has made it, so a person must look and resolve it"`
	Failure     string          `json:"failure,omitempty" doc:"Why it is as it is, as a code"`
	FailureText string          `json:"failure_text,omitempty" doc:"In the carrier's words"`
	Reference   string          `json:"reference" doc:"What the carrier was given as our reference"`
	CarrierID   string          `json:"carrier_id,omitempty" doc:"What the carrier calls the shipment"`
	Numbers     []string        `json:"tracking_numbers"`
	Cost        *Money          `json:"cost,omitempty" doc:"What the carrier asks for it"`
	ManifestID  *uuid.UUID      `json:"manifest_id,omitempty" format:"uuid"`
	Documents   []LabelDocument `json:"documents"`
	CreatedAt   time.Time       `json:"created_at"`
	BoughtAt    *time.Time      `json:"bought_at,omitempty"`
	EndedAt     *time.Time      `json:"ended_at,omitempty"`
}

// LabelDocument is one file that belongs to a label or a manifest.
type LabelDocument struct {
	N              int    `json:"n" doc:"Counted from 1"`
	Kind           string `json:"kind" example:"label"`
	Format         string `json:"format" enum:"pdf,zpl,png"`
	MediaType      string `json:"media_type" example:"application/pdf"`
	DPI            int    `json:"dpi" example:"203"`
	TrackingNumber string `json:"tracking_number,omitempty" doc:"Of the parcel that it belongs to, if it is of one"`
	SHA256         string `json:"sha256" doc:"Of its bytes, in hexadecimal digits"`
	Size           int64  `json:"size" doc:"In bytes"`
	Forgotten      bool   `json:"forgotten,omitempty" doc:"Its bytes are kept no longer"`
}

func documentsOf(papers []label.Paper) []LabelDocument {
	all := make([]LabelDocument, len(papers))
	for i, p := range papers {
		all[i] = LabelDocument{
			N: p.N, Kind: p.Kind, Format: string(p.Format), MediaType: p.MediaType, DPI: p.DPI, TrackingNumber: p.Number,
			SHA256: hex.EncodeToString(p.SHA256), Size: p.Size, Forgotten: p.Forgotten,
		}
	}
	return all
}

func labelOf(l label.Label) Label {
	b := Label{
		ID: l.ID, Purpose: string(l.Purpose), OrderID: l.OrderID, AccountID: l.Account, Carrier: l.Carrier, Service: l.Service, Format: string(l.Format),
		Status: string(l.Status), Failure: l.Failure, FailureText: l.FailureText, Reference: l.Key, CarrierID: l.CarrierID, Numbers: append([]string{}, l.Numbers...),
		ManifestID: l.ManifestID, Documents: documentsOf(l.Papers), CreatedAt: l.CreatedAt.UTC(), BoughtAt: l.BoughtAt, EndedAt: l.EndedAt,
	}
	if l.Purpose == label.ForReturn {
		b.ReturnID = &l.SubjectID
	} else {
		b.ShipmentID = &l.SubjectID
	}
	b.Cost = costOf(l.Cost())
	return b
}

func costOf(cost money.Amount, said bool) *Money {
	if !said {
		return nil
	}
	m := moneyOf(cost.Minor, cost.Currency)
	return &m
}

type labelOut struct {
	Status     int
	RetryAfter string `header:"Retry-After"`
	Body       Label
}

// oneLabel answers with a label; done is the status of one that is not pending.
func oneLabel(l *label.Label, err error, done int) (*labelOut, error) {
	if err != nil {
		return nil, err
	}
	out := &labelOut{Status: done, Body: labelOf(*l)}
	if l.Status == label.Pending || l.Status == label.Voiding {
		out.Status, out.RetryAfter = http.StatusAccepted, "5"
	}
	return out, nil
}

// LabelParcel is one packed box.
type LabelParcel struct {
	LengthMM  int64  `json:"length_mm,omitempty" minimum:"0" maximum:"20000" example:"300"`
	WidthMM   int64  `json:"width_mm,omitempty" minimum:"0" maximum:"20000" example:"200"`
	HeightMM  int64  `json:"height_mm,omitempty" minimum:"0" maximum:"20000" example:"150"`
	WeightG   int64  `json:"weight_g" minimum:"1" maximum:"2000000" example:"1200" doc:"With its filling"`
	Reference string `json:"reference,omitempty" maxLength:"35"`
}

// LabelForm is the label that is wanted.
type LabelForm struct {
	AccountID      uuid.UUID     `json:"account_id" format:"uuid" doc:"Of a carrier account"`
	Service        string        `json:"service" minLength:"1" maxLength:"100" example:"P" doc:"As the carrier calls it"`
	Format         string        `json:"format,omitempty" enum:"pdf,zpl,png" example:"pdf" doc:"pdf when absent"`
	RateID         string        `json:"rate_id,omitempty" maxLength:"255" doc:"Of a rate that the carrier has given"`
	Parcels        []LabelParcel `json:"parcels,omitempty" minItems:"1" maxItems:"50" doc:"One box with the weight of its units when absent"`
	From           *Address      `json:"from,omitempty" doc:"Where it is sent from, or for a return goes to; the address of the account when absent"`
	Signature      bool          `json:"signature,omitempty"`
	AdultSignature bool          `json:"adult_signature,omitempty"`
	Saturday       bool          `json:"saturday,omitempty"`
	Insurance      *Money        `json:"insurance,omitempty" doc:"The insured value"`
	CashOnDelivery *Money        `json:"cash_on_delivery,omitempty" doc:"What the courier collects"`
	Incoterm       string        `json:"incoterm,omitempty" enum:"DAP,DDP" doc:"For parcels that cross a border; DAP when absent"`
	ContentType    string        `json:"content_type,omitempty" enum:"sale_of_goods,gift,documents,sample,returned_goods,other" doc:"For customs"`
	ShipAt         time.Time     `json:"ship_at,omitzero" maxLength:"40" doc:"Now when absent"`
}

// want is the form as the room takes it; key names the wish.
func (f *LabelForm) want(merchant uuid.UUID, key string) label.Want {
	w := label.Want{
		Account: f.AccountID, Service: f.Service, Format: carrier.Format(f.Format), RateID: f.RateID, ShipAt: f.ShipAt,
		Options: carrier.Options{Signature: f.Signature, AdultSignature: f.AdultSignature, Saturday: f.Saturday},
	}
	if key != "" {
		w.ID = uuid.NewSHA1(merchant, []byte("label:"+key))
	}
	for _, p := range f.Parcels {
		w.Parcels = append(w.Parcels, carrier.Parcel{LengthMM: p.LengthMM, WidthMM: p.WidthMM, HeightMM: p.HeightMM, WeightG: p.WeightG, Reference: p.Reference})
	}
	if f.Insurance != nil {
		w.Options.Insurance = money.Of(f.Insurance.Amount, f.Insurance.Currency)
	}
	if f.CashOnDelivery != nil {
		w.Options.CashOnDelivery = money.Of(f.CashOnDelivery.Amount, f.CashOnDelivery.Currency)
	}
	if f.Incoterm != "" || f.ContentType != "" {
		w.Customs = &carrier.Customs{ContentType: f.ContentType, Incoterm: f.Incoterm}
	}
	w.From = carrierAddress(f.From)
	return w
}

func carrierAddress(a *Address) *carrier.Address {
	if a == nil {
		return nil
	}
	return &carrier.Address{
		Name: a.Name, Line1: a.Line1, Line2: a.Line2, City: a.City, Region: a.Region, Postcode: a.Postcode, Country: a.Country, Phone: a.Phone,
	}
}

type buyLabelIn struct {
	ByID
	Key  string `header:"Idempotency-Key"`
	Body LabelForm
}

type readLabelFileIn struct {
	ByID
	Document int    `query:"document" minimum:"1" maximum:"200" default:"1" doc:"Which of its documents, counted from 1"`
	Known    string `header:"If-None-Match" maxLength:"1000" doc:"304 when it is the ETag of the document"`
}

type listLabelsIn struct {
	PageQuery
	Status     string    `query:"status" enum:"pending,bought,failed,parked,voiding,void"`
	OrderID    uuid.UUID `query:"order_id" format:"uuid"`
	ShipmentID uuid.UUID `query:"shipment_id" format:"uuid"`
}

type resolveLabelIn struct {
	ByID
	Body struct {
		Exists          bool     `json:"exists" doc:"The carrier has made it"`
		CarrierID       string   `json:"carrier_id,omitempty" maxLength:"100" doc:"What the carrier calls the shipment"`
		TrackingNumbers []string `json:"tracking_numbers,omitempty" minItems:"1" maxItems:"50" maxLength:"100"`
	}
}

const labelList = "labels"

// labelFaults are what buying may come to.
var labelFaults = []*fault.Error{
	label.ErrInput, label.ErrExists, label.ErrTaken, label.ErrUsed, label.ErrUnable, label.ErrRefused, label.ErrAccountAuth, label.ErrCarrier, label.ErrState,
	shipping.ErrAccountNotFound, shipping.ErrAccountOff, shipping.ErrAccount,
}

func registerLabels(s *Server, svc labels, after afterSale) {
	registerLabelsOf(s, svc, label.ForShipment, "shipment", "/v1/shipments/{id}/label", shipping.ErrNotFound, svc.Buy)
	registerLabelsOf(s, svc, label.ForReturn, "return", "/v1/returns/{id}/label", order.ErrReturnNotFound, svc.BuyReturn)
	registerLabelList(s, svc)
	registerErrands(s, svc)
	if after != nil {
		registerTrackedLabel(s, svc, after)
	}
}

type trackedLabelIn struct {
	Token    string    `path:"token" maxLength:"200" doc:"As in the link of a mail"`
	ID       uuid.UUID `path:"id" format:"uuid" doc:"Of the return"`
	Document int       `query:"document" minimum:"1" maximum:"200" default:"1" doc:"Which of its documents, counted from 1"`
}

// registerTrackedLabel lets buyers print the label that they send something back
// with.
func registerTrackedLabel(s *Server, svc labels, after returns) {
	const path = "/v1/track/{token}/returns/{id}/label"
	handle(s, Route{
		ID: "read-tracked-return-label", Method: http.MethodGet, Path: path, Tag: "tracking", Summary: "Print the label of a return, as the buyer",
		Auth: public(), Errors: []*fault.Error{customer.ErrLinkInvalid, order.ErrReturnNotFound, label.ErrNotFound, label.ErrForgotten},
	}, func(ctx context.Context, in *trackedLabelIn) (*documentOut, error) {
		all, err := after.ReturnsByLink(ctx, in.Token)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all, func(r order.Return) bool { return r.ID == in.ID })
		if i < 0 {
			return nil, order.ErrReturnNotFound
		}
		l, err := svc.Of(ctx, all[i].MerchantID, label.ForReturn, in.ID)
		if err != nil {
			return nil, err
		}
		p, file, err := svc.Print(ctx, all[i].MerchantID, l.ID, in.Document)
		if err != nil {
			return nil, err
		}
		return printed(p, file), nil
	})
	printable(s, path)
}

// printed answers with a file.
func printed(p label.Paper, file []byte) *documentOut {
	return &documentOut{
		Status: http.StatusOK, ContentType: p.MediaType, Disposition: fmt.Sprintf(`inline; filename="%s-%s.%s"`, p.Kind, strconv.Itoa(p.N), p.Format),
		ETag: `"` + hex.EncodeToString(p.SHA256) + `"`, Body: file,
	}
}

// printable says in the document what a route serves.
func printable(s *Server, path string) {
	content := map[string]*huma.MediaType{}
	for _, f := range []carrier.Format{carrier.PDF, carrier.ZPL, carrier.PNG} {
		content[label.MediaType(f)] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	s.huma.OpenAPI().Paths[path].Get.Responses["200"].Content = content
}

// registerLabelsOf adds the routes of the label of a shipment or a return.
func registerLabelsOf(s *Server, svc labels, purpose label.Purpose, name, path string, missing *fault.Error,
	buy func(ctx context.Context, merchant, subject uuid.UUID, w label.Want) (*label.Label, error),
) {
	handle(s, Route{
		ID: "buy-" + name + "-label", Method: http.MethodPost, Path: path, Status: http.StatusCreated, Tag: "labels", Summary: "Buy the label of a " + name,
		Description: "The same key never buys twice. When the carrier keeps silent the answer is 202 with the status pending: the label is looked for until " +
			"it is clear what became of it, or parked for a person. A refusal of the carrier is carrier_refused, with its words.",
		Auth: secret("shipping:write"), Once: OnceRequired, Deadline: Payments, Errors: append([]*fault.Error{missing}, labelFaults...),
	}, func(ctx context.Context, in *buyLabelIn) (*labelOut, error) {
		if err := noNull(ctx, "parcels", "from", "insurance", "cash_on_delivery"); err != nil {
			return nil, err
		}
		merchant := caller(ctx).Merchant
		l, err := buy(ctx, merchant, in.ID, in.Body.want(merchant, in.Key))
		return oneLabel(l, err, http.StatusCreated)
	})
	handle(s, Route{
		ID: "void-" + name + "-label", Method: http.MethodPost, Path: path + "/void", Tag: "labels", Summary: "Give the label of a " + name + " back to its carrier",
		Description: "It costs nothing then, and another one can be bought. 202 when the carrier has not answered yet.",
		Auth:        secret("shipping:write"), Deadline: Payments, Errors: []*fault.Error{
			label.ErrNotFound, label.ErrState, label.ErrUsed, label.ErrManifested, label.ErrRefused, label.ErrAccountAuth, label.ErrCarrier, shipping.ErrAccountNotFound,
		},
	}, func(ctx context.Context, in *ByID) (*labelOut, error) {
		l, err := svc.Void(ctx, caller(ctx).Merchant, purpose, in.ID)
		return oneLabel(l, err, http.StatusOK)
	})
	fileRoute(s, "read-"+name+"-label", path, "Read the label of a "+name+", as it is printed",
		func(ctx context.Context, in *readLabelFileIn) (label.Paper, []byte, error) {
			l, err := svc.Of(ctx, caller(ctx).Merchant, purpose, in.ID)
			if err != nil {
				return label.Paper{}, nil, err
			}
			return svc.Print(ctx, caller(ctx).Merchant, l.ID, in.Document)
		})
}

// fileRoute serves bytes of a carrier.
func fileRoute(s *Server, id, path, summary string, read func(ctx context.Context, in *readLabelFileIn) (label.Paper, []byte, error)) {
	handle(s, Route{
		ID: id, Method: http.MethodGet, Path: path, Tag: "labels", Summary: summary, Description: "The ETag is the SHA-256 of the file.",
		Auth: secret("shipping:read"), Errors: []*fault.Error{label.ErrNotFound, label.ErrForgotten},
	}, func(ctx context.Context, in *readLabelFileIn) (*documentOut, error) {
		p, file, err := read(ctx, in)
		if err != nil {
			return nil, err
		}
		out := printed(p, file)
		if has(in.Known, out.ETag) {
			out.Status, out.ContentType, out.Disposition, out.Body = http.StatusNotModified, "", "", nil
		}
		return out, nil
	})
	printable(s, path)
}

func registerLabelList(s *Server, svc labels) {
	handle(s, Route{
		ID: "list-labels", Method: http.MethodGet, Path: "/v1/labels", Tag: "labels", Summary: "List labels, the newest first",
		Description: "Those with the status parked wait for a person.",
		Auth:        secret("shipping:read"), Errors: []*fault.Error{errCursor},
	}, func(ctx context.Context, in *listLabelsIn) (*listOut[Label], error) {
		cursor, err := roomCursor(labelList, in.Cursor)
		if err != nil {
			return nil, err
		}
		all, next, err := svc.List(ctx, caller(ctx).Merchant, label.Filter{Status: label.Status(in.Status), Order: in.OrderID, Subject: in.ShipmentID}, cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return listOf(all, pageCursor(labelList, next), labelOf), nil
	})
	handle(s, Route{
		ID: "read-label", Method: http.MethodGet, Path: "/v1/labels/{id}", Tag: "labels", Summary: "Read how a label stands",
		Auth: secret("shipping:read"), Errors: []*fault.Error{label.ErrNotFound},
	}, func(ctx context.Context, in *ByID) (*labelOut, error) {
		l, err := svc.Label(ctx, caller(ctx).Merchant, in.ID)
		if err != nil {
			return nil, err
		}
		return &labelOut{Status: http.StatusOK, Body: labelOf(*l)}, nil
	})
	handle(s, Route{
		ID: "resolve-label", Method: http.MethodPost, Path: "/v1/labels/{id}/resolve", Tag: "labels", Summary: "Say what became of a parked label",
		Description: "Look for its reference at the carrier's first: saying that it does not exist lets another one be bought.",
		Auth:        secret("shipping:write"), Errors: []*fault.Error{label.ErrNotFound, label.ErrState, label.ErrInput},
	}, func(ctx context.Context, in *resolveLabelIn) (*labelOut, error) {
		if err := noNull(ctx, "tracking_numbers"); err != nil {
			return nil, err
		}
		l, err := svc.Resolve(ctx, caller(ctx).Merchant, in.ID, label.Verdict{Exists: in.Body.Exists, CarrierID: in.Body.CarrierID, Numbers: in.Body.TrackingNumbers})
		return oneLabel(l, err, http.StatusOK)
	})
}
