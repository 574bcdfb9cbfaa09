package api

import (
	"context"
	"fmt"
	"net/http"

	"doorstep/internal/fault"
	"doorstep/shipping"
	"doorstep/shipping/customs"
	"doorstep/shipping/packing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
)

// papers are what goes along with a parcel, and how it is packed.
type papers interface {
	// Paper is what customs papers say of a parcel.
	Paper(ctx context.Context, merchant, shipment uuid.UUID) (*customs.Paper, error)
	// Packing packs a parcel's goods by the published policy; number is its order's.
	Packing(ctx context.Context, merchant, shipment uuid.UUID) (plan packing.Plan, number string, err error)
}

// CustomsPaper is one paper for customs that can be printed.
type CustomsPaper struct {
	Kind string `json:"kind" enum:"cn22,cn23,invoice"`
	URL  string `json:"url" example:"/v1/shipments/0190.../customs-documents/cn23"`
}

// CustomsPapers are the papers of a parcel, and what customs will ask for.
type CustomsPapers struct {
	NeedsCustoms bool           `json:"needs_customs" doc:"Whether the way crosses a border with customs, as far as both countries are known"`
	Value        Money          `json:"value" doc:"Of the goods"`
	NetG         int64          `json:"net_g"`
	Incoterm     string         `json:"incoterm" enum:"DAP,DDP"`
	Documents    []CustomsPaper `json:"documents"`
	Issues       []CustomsIssue `json:"issues" doc:"Put these right before the parcel leaves"`
}

type customsPapersOut struct {
	Body CustomsPapers
}

type fileOut struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// paperKinds are the papers of parcels by the last part of their address.
var paperKinds = []struct {
	kind, summary string
	print         func(*customs.Paper) ([]byte, error)
	errors        []*fault.Error
}{
	{"cn22", "Print the small customs declaration of a parcel, up to 300 SDR and 2 kg", (*customs.Paper).CN22, []*fault.Error{shipping.ErrNotFound, customs.ErrCN22}},
	{"cn23", "Print the customs declaration of a parcel", (*customs.Paper).CN23, []*fault.Error{shipping.ErrNotFound}},
	{"invoice", "Print the commercial invoice of a parcel, for customs", (*customs.Paper).Invoice, []*fault.Error{shipping.ErrNotFound}},
}

func registerPapers(s *Server, svc papers) {
	const base = "/v1/shipments/{id}/customs-documents"
	read := secret("shipping:read")
	handle(s, Route{
		ID: "list-customs-documents", Method: http.MethodGet, Path: base, Tag: "shipments", Summary: "List the customs papers of a parcel, and what customs will ask for",
		Auth: read, Errors: []*fault.Error{shipping.ErrNotFound},
	}, func(ctx context.Context, in *ByID) (*customsPapersOut, error) {
		p, err := svc.Paper(ctx, caller(ctx).Merchant, in.ID)
		if err != nil {
			return nil, err
		}
		b := CustomsPapers{
			NeedsCustoms: p.Sender.Country == "" || p.Addressee.Country == "" || customs.Crosses(p.Sender.Country, p.Addressee.Country),
			Value:        moneyOf(p.Value(), p.Currency), NetG: p.Net(), Incoterm: string(p.Incoterm), Issues: issuesOf(p.Lint()),
		}
		tooMuch := p.FitsCN22()
		if tooMuch != nil && b.NeedsCustoms {
			b.Issues = append(b.Issues, CustomsIssue{Code: customs.ErrCN22.Code, Message: customs.ErrCN22.Text})
		}
		for _, k := range paperKinds {
			if k.kind == "cn22" && tooMuch != nil {
				continue
			}
			b.Documents = append(b.Documents, CustomsPaper{Kind: k.kind, URL: fmt.Sprintf("/v1/shipments/%s/customs-documents/%s", in.ID, k.kind)})
		}
		return &customsPapersOut{Body: b}, nil
	})
	for _, k := range paperKinds {
		path := base + "/" + k.kind
		handle(s, Route{
			ID: "print-customs-" + k.kind, Method: http.MethodGet, Path: path, Tag: "shipments", Summary: k.summary,
			Auth: read, Errors: k.errors,
		}, func(ctx context.Context, in *ByID) (*fileOut, error) {
			p, err := svc.Paper(ctx, caller(ctx).Merchant, in.ID)
			if err != nil {
				return nil, err
			}
			file, err := k.print(p)
			if err != nil {
				return nil, err
			}
			return &fileOut{ContentType: "application/pdf", Disposition: fmt.Sprintf(`inline; filename="%s-%s.pdf"`, k.kind, p.Number), Body: file}, nil
		})
		s.binary(path, "application/pdf")
	}
	const drawing = "/v1/shipments/{id}/packing.svg"
	handle(s, Route{
		ID: "print-packing", Method: http.MethodGet, Path: drawing, Tag: "shipments", Summary: "Print how a parcel is packed, for the packer",
		Description: "Into the packaging of the published policy. Goods without sizes are refused as packing_invalid.",
		Auth:        read, Errors: []*fault.Error{shipping.ErrNotFound, shipping.ErrNoPackaging, packing.ErrInput},
	}, func(ctx context.Context, in *ByID) (*fileOut, error) {
		plan, number, err := svc.Packing(ctx, caller(ctx).Merchant, in.ID)
		if err != nil {
			return nil, err
		}
		return &fileOut{ContentType: "image/svg+xml", Disposition: fmt.Sprintf(`inline; filename="packing-%s.svg"`, number), Body: packing.Draw(plan.Parcels, number)}, nil
	})
	s.binary(drawing, "image/svg+xml")
}

// binary documents an answer that is a file.
func (s *Server) binary(path, media string) {
	s.huma.OpenAPI().Paths[path].Get.Responses["200"].Content = map[string]*huma.MediaType{media: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
}
