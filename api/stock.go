package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"doorstep/catalog"
	"doorstep/internal/fault"

	"github.com/google/uuid"
)

// stockRoom is all that these routes ask of their room.
type stockRoom interface {
	Adjust(ctx context.Context, merchant uuid.UUID, actor string, list []catalog.Adjustment) ([]catalog.Level, error)
	Stock(ctx context.Context, merchant uuid.UUID, f catalog.StockFilter) ([]catalog.Level, string, error)
	Locations(ctx context.Context, merchant uuid.UUID) ([]catalog.Location, error)
}

const stockList = "stock"

// StockLevel is the stock of a variant at a location.
type StockLevel struct {
	VariantID  uuid.UUID `json:"variant_id" format:"uuid"`
	SKU        string    `json:"sku"`
	ProductID  uuid.UUID `json:"product_id" format:"uuid"`
	Title      string    `json:"title"`
	LocationID uuid.UUID `json:"location_id" format:"uuid"`
	Location   string    `json:"location" example:"MAIN"`
	Received   int64     `json:"received" doc:"Units that ever came, less those written off"`
	Free       int64     `json:"free" doc:"Units that can be sold; the others are held or sold"`
}

func stockLevelOf(l catalog.Level) StockLevel { return StockLevel(l) }

// StockAdjustment is one act on the stock of a variant. It speaks of the units
// that can be sold; what is held for buyers is never touched.
type StockAdjustment struct {
	SKU       string     `json:"sku,omitempty" maxLength:"100" example:"MUG-01" doc:"Or variant_id"`
	VariantID *uuid.UUID `json:"variant_id,omitempty" format:"uuid"`
	Location  string     `json:"location,omitempty" maxLength:"100" example:"MAIN" doc:"The code of a location; the first that is active when absent"`
	Delta     int64      `json:"delta,omitempty" minimum:"-1000000000" maximum:"1000000000" example:"12" doc:"Units that came, or went when below 0"`
	SetTo     *int64     `json:"set_to,omitempty" minimum:"0" maximum:"1000000000" doc:"Or: how many can be sold from now on"`
	Reason    string     `json:"reason" minLength:"1" maxLength:"100" example:"received"`
	Note      string     `json:"note,omitempty" maxLength:"1000"`
}

type adjustStockIn struct {
	Body struct {
		Adjustments []StockAdjustment `json:"adjustments" minItems:"1" maxItems:"1000" doc:"All are carried out, or none"`
	}
}

type listStockIn struct {
	PageQuery
	SKU       string `query:"sku" maxLength:"100"`
	ProductID string `query:"product_id" format:"uuid"`
	Location  string `query:"location" maxLength:"100" doc:"The code of a location"`
	AtMost    int64  `query:"at_most" minimum:"-1" maximum:"1000000000" default:"-1" doc:"Only where so many units or fewer can be sold; -1 is all"`
}

func registerStock(s *Server, svc stockRoom) {
	handle(s, Route{
		ID: "adjust-stock", Method: http.MethodPost, Path: "/v1/stock/adjustments", Tag: "stock", Summary: "Change how many units can be sold",
		Description: "Answers with the levels that stand afterwards, in the order asked. Send an Idempotency-Key with deltas: carried out twice they count twice.",
		Auth:        secret("stock:write"),
		Errors:      []*fault.Error{catalog.ErrInvalid, catalog.ErrVariantNotFound, catalog.ErrLocationNotFound, catalog.ErrStockBelowHeld},
	}, func(ctx context.Context, in *adjustStockIn) (*listOut[StockLevel], error) {
		list, err := adjustmentsOf(ctx, svc, in.Body.Adjustments)
		if err != nil {
			return nil, err
		}
		levels, err := svc.Adjust(ctx, caller(ctx).Merchant, actor(ctx), list)
		if err != nil {
			return nil, inBody(err, "body")
		}
		return listOf(levels, "", stockLevelOf), nil
	})
	handle(s, Route{
		ID: "list-stock", Method: http.MethodGet, Path: "/v1/stock", Tag: "stock", Summary: "List stock by SKU and location",
		Auth: secret("stock:read"), Errors: []*fault.Error{errCursor, catalog.ErrLocationNotFound},
	}, func(ctx context.Context, in *listStockIn) (*listOut[StockLevel], error) {
		cursor, err := roomCursor(stockList, in.Cursor)
		if err != nil {
			return nil, err
		}
		f := catalog.StockFilter{SKU: in.SKU, Limit: in.Limit, Cursor: cursor}
		if in.ProductID != "" {
			if f.ProductID, err = uuid.Parse(in.ProductID); err != nil {
				return nil, errValidation.At("query.product_id", "expected a UUID")
			}
		}
		if in.AtMost >= 0 {
			f.AtMost = &in.AtMost
		}
		if in.Location != "" {
			codes, err := locationCodes(ctx, svc)
			if err != nil {
				return nil, err
			}
			if f.LocationID = codes[strings.ToUpper(in.Location)]; f.LocationID == uuid.Nil {
				return nil, catalog.ErrLocationNotFound
			}
		}
		levels, next, err := svc.Stock(ctx, caller(ctx).Merchant, f)
		if err != nil {
			return nil, err
		}
		return listOf(levels, pageCursor(stockList, next), stockLevelOf), nil
	})
}

// adjustmentsOf finds the locations that are named by code.
func adjustmentsOf(ctx context.Context, svc stockRoom, forms []StockAdjustment) ([]catalog.Adjustment, error) {
	var codes map[string]uuid.UUID
	list := make([]catalog.Adjustment, len(forms))
	for i := range forms {
		f := &forms[i]
		list[i] = catalog.Adjustment{SKU: f.SKU, Delta: f.Delta, SetTo: f.SetTo, Reason: f.Reason, Note: f.Note}
		put(&list[i].VariantID, f.VariantID)
		if f.Location == "" {
			continue
		}
		if codes == nil {
			var err error
			if codes, err = locationCodes(ctx, svc); err != nil {
				return nil, err
			}
		}
		if list[i].LocationID = codes[strings.ToUpper(f.Location)]; list[i].LocationID == uuid.Nil {
			return nil, catalog.ErrLocationNotFound.At(fmt.Sprintf("body.adjustments[%d].location", i), "there is no such location")
		}
	}
	return list, nil
}

// locationCodes finds locations by their codes, in capitals as in stock files.
func locationCodes(ctx context.Context, svc stockRoom) (map[string]uuid.UUID, error) {
	all, err := svc.Locations(ctx, caller(ctx).Merchant)
	codes := make(map[string]uuid.UUID, len(all))
	for _, l := range all {
		codes[strings.ToUpper(l.Code)] = l.ID
	}
	return codes, err
}
