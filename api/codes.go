package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/pricing"
)

// PromotionCode is one code of a promotion.
type PromotionCode struct {
	Code      string    `json:"code"`
	SingleUse bool      `json:"single_use"`
	Spent     bool      `json:"spent" doc:"A single-use code that has been used"`
	CreatedAt time.Time `json:"created_at"`
}

func promotionCodeOf(c pricing.CodeRecord) PromotionCode { return PromotionCode(c) }

// CodeGenerator asks for random codes.
type CodeGenerator struct {
	Count  int    `json:"count" minimum:"1" maximum:"10000" example:"100"`
	Prefix string `json:"prefix,omitempty" maxLength:"32" pattern:"^[A-Za-z0-9_-]*$" example:"SPRING-"`
}

type addCodesIn struct {
	ByID
	Body struct {
		Codes     []string       `json:"codes,omitempty" minItems:"1" maxItems:"10000" maxLength:"128" doc:"3 to 64 letters, digits, hyphens or underscores each"`
		Generate  *CodeGenerator `json:"generate,omitempty" doc:"Instead of codes: 13 random signs behind the prefix"`
		SingleUse bool           `json:"single_use" required:"false" doc:"Each code serves one order"`
	}
}

type addCodesOut struct {
	Body struct {
		Codes     []string `json:"codes"`
		SingleUse bool     `json:"single_use"`
	}
}

type listCodesIn struct {
	ByID
	PageQuery
}

type deleteCodeIn struct {
	ByID
	Code string `path:"code" maxLength:"128"`
}

func registerCodes(s *Server, svc promotions) {
	const path = promotionPath + "/codes"
	handle(s, Route{
		ID: "list-promotion-codes", Method: http.MethodGet, Path: path, Tag: "promotions", Summary: "List the codes of a promotion, in order of the alphabet",
		Auth: secret("promotions:read"), Errors: []*fault.Error{pricing.ErrPromotionUnknown, errCursor},
	}, func(ctx context.Context, in *listCodesIn) (*listOut[PromotionCode], error) {
		list := "codes:" + in.ID.String()
		cursor, err := roomCursor(list, in.Cursor)
		if err != nil {
			return nil, err
		}
		if _, err := svc.Promotion(ctx, caller(ctx).Merchant, in.ID); err != nil {
			return nil, err
		}
		page, next, err := svc.Codes(ctx, caller(ctx).Merchant, in.ID, in.Limit, cursor)
		if err != nil {
			return nil, err
		}
		return listOf(page, pageCursor(list, next), promotionCodeOf), nil
	})
	handle(s, Route{
		ID: "add-promotion-codes", Method: http.MethodPost, Path: path, Status: http.StatusCreated, Tag: "promotions", Summary: "Give codes to a promotion, named or random",
		Auth: secret("promotions:write"), Errors: []*fault.Error{pricing.ErrPromotionUnknown, pricing.ErrArchived, pricing.ErrCode, pricing.ErrCodeCount, pricing.ErrCodeTaken},
	}, func(ctx context.Context, in *addCodesIn) (*addCodesOut, error) {
		b, out := &in.Body, &addCodesOut{}
		if (len(b.Codes) > 0) == (b.Generate != nil) {
			return nil, pricing.ErrCodeCount.Saying("Send either codes or generate.")
		}
		var err error
		if out.Body.Codes = b.Codes; b.Generate == nil {
			err = svc.AddCodes(ctx, caller(ctx).Merchant, in.ID, b.Codes, b.SingleUse)
		} else {
			out.Body.Codes, err = svc.GenerateCodes(ctx, caller(ctx).Merchant, in.ID, b.Generate.Count, b.Generate.Prefix, b.SingleUse)
		}
		if out.Body.SingleUse = b.SingleUse; err != nil {
			return nil, err
		}
		return out, nil
	})
	handle(s, Route{
		ID: "delete-promotion-code", Method: http.MethodDelete, Path: path + "/{code}", Tag: "promotions", Summary: "Take a code away",
		Auth: secret("promotions:write"), Errors: []*fault.Error{pricing.ErrCodeUnknown},
	}, func(ctx context.Context, in *deleteCodeIn) (*struct{}, error) {
		return nil, svc.DeleteCode(ctx, caller(ctx).Merchant, in.ID, in.Code)
	})
}
