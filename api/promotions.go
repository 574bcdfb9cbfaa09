package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/pricing"

	"github.com/google/uuid"
)

// promotions is all that these routes and those of codes ask of their room.
type promotions interface {
	CreatePromotion(ctx context.Context, merchant uuid.UUID, p pricing.Promotion) (pricing.Record, error)
	Promotion(ctx context.Context, merchant, promotion uuid.UUID) (pricing.Record, error)
	Promotions(ctx context.Context, merchant uuid.UUID, status string, limit int, cursor string) ([]pricing.Record, string, error)
	UpdatePromotion(ctx context.Context, merchant, promotion uuid.UUID, version int64, edit func(*pricing.Promotion) error) (pricing.Record, error)
	ArchivePromotion(ctx context.Context, merchant, promotion uuid.UUID, version int64) error
	AddCodes(ctx context.Context, merchant, promotion uuid.UUID, codes []string, singleUse bool) error
	GenerateCodes(ctx context.Context, merchant, promotion uuid.UUID, n int, prefix string, singleUse bool) ([]string, error)
	Codes(ctx context.Context, merchant, promotion uuid.UUID, limit int, cursor string) ([]pricing.CodeRecord, string, error)
	DeleteCode(ctx context.Context, merchant, promotion uuid.UUID, code string) error
}

// PromotionName is what buyers read, by language.
type PromotionName struct {
	En string `json:"en,omitempty" maxLength:"200" example:"Ten percent off"`
	Hy string `json:"hy,omitempty" maxLength:"200"`
	Km string `json:"km,omitempty" maxLength:"200"`
}

func (n *PromotionName) value() map[string]string {
	all := map[string]string{}
	for lang, text := range map[string]string{"en": n.En, "hy": n.Hy, "km": n.Km} {
		if text != "" {
			all[lang] = text
		}
	}
	return all
}

// PromotionTarget selects lines: those with one of the SKUs, categories or tags.
// An empty one is every line.
type PromotionTarget struct {
	SKUs       []string `json:"skus,omitempty" maxItems:"1000" maxLength:"200" example:"MUG-01"`
	Categories []string `json:"categories,omitempty" maxItems:"1000" maxLength:"200"`
	Tags       []string `json:"tags,omitempty" maxItems:"1000" maxLength:"200"`
}

// PromotionForm is what a promotion is made of.
type PromotionForm struct {
	Name             PromotionName   `json:"name"`
	Kind             string          `json:"kind" enum:"percent,fixed,free_shipping,buy_x_get_y"`
	BPS              int64           `json:"bps,omitempty" minimum:"0" maximum:"10000" example:"1000" doc:"Of a percent: 1000 is 10 %"`
	Amounts          []Money         `json:"amounts,omitempty" maxItems:"200" doc:"Of a fixed one: one amount per currency"`
	BuyQuantity      int64           `json:"buy_quantity,omitempty" minimum:"0" maximum:"1000" doc:"Of buy_x_get_y"`
	GetQuantity      int64           `json:"get_quantity,omitempty" minimum:"0" maximum:"1000" doc:"Of buy_x_get_y: of each buy_quantity + get_quantity pieces the cheapest get_quantity get get_bps off"`
	GetBPS           int64           `json:"get_bps,omitempty" minimum:"0" maximum:"10000"`
	Target           PromotionTarget `json:"target,omitzero"`
	MinimumSubtotal  []Money         `json:"minimum_subtotal,omitempty" maxItems:"200" doc:"One amount per currency"`
	MinimumQuantity  int64           `json:"minimum_quantity,omitempty" minimum:"0" maximum:"1000000"`
	StartsAt         *time.Time      `json:"starts_at,omitempty" maxLength:"40" example:"2026-12-01T00:00:00Z"`
	EndsAt           *time.Time      `json:"ends_at,omitempty" maxLength:"40" example:"2027-01-01T00:00:00Z" doc:"No longer valid at this instant"`
	TotalLimit       int64           `json:"total_limit,omitempty" minimum:"0" maximum:"1000000000" doc:"0 is no limit; a limit must be given from the start"`
	PerCustomerLimit int64           `json:"per_customer_limit,omitempty" minimum:"0" maximum:"1000000" doc:"0 is no limit"`
	Combinable       bool            `json:"combinable" required:"false" doc:"May apply together with others"`
	Priority         int             `json:"priority,omitempty" minimum:"-1000000" maximum:"1000000" doc:"Smaller comes first"`
	Automatic        bool            `json:"automatic" required:"false" example:"false" doc:"Applies by itself; others need one of their codes"`
	PublicCode       string          `json:"public_code,omitempty" maxLength:"64" example:"WELCOME10" doc:"A code that may be advertised; it becomes one of the codes"`
	FirstOrderOnly   bool            `json:"first_order_only" required:"false"`
	Countries        []string        `json:"countries,omitempty" maxItems:"300" maxLength:"2" example:"AM,KH" doc:"Empty is everywhere"`
}

// write puts the form in the place of what the promotion was; the room keeps ID
// and uses.
func (f *PromotionForm) write(p *pricing.Promotion) {
	*p = pricing.Promotion{
		ID: p.ID, Uses: p.Uses, Name: f.Name.value(), Kind: pricing.Kind(f.Kind), BPS: f.BPS, Amounts: amountsOf(f.Amounts),
		BuyQuantity: f.BuyQuantity, GetQuantity: f.GetQuantity, GetBPS: f.GetBPS, Target: pricing.Target(f.Target),
		MinimumSubtotal: amountsOf(f.MinimumSubtotal), MinimumQuantity: f.MinimumQuantity, StartsAt: inUTC(f.StartsAt), EndsAt: inUTC(f.EndsAt),
		TotalLimit: f.TotalLimit, PerCustomerLimit: f.PerCustomerLimit, Combinable: f.Combinable, Priority: f.Priority, Automatic: f.Automatic,
		PublicCode: f.PublicCode, FirstOrderOnly: f.FirstOrderOnly, Countries: f.Countries,
	}
}

// inUTC is the instant to the microsecond that is kept, so that what is answered
// now is what is read later.
func inUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC().Truncate(time.Microsecond)
	return &u
}

// Promotion is a rule that makes a cart cheaper.
type Promotion struct {
	ID     uuid.UUID `json:"id" format:"uuid"`
	Status string    `json:"status" enum:"active,archived"`
	PromotionForm
	Uses      int64     `json:"uses" doc:"So far, counted under a total limit only"`
	Version   int64     `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func promotionOf(r pricing.Record) Promotion {
	return Promotion{
		ID: r.ID, Status: r.Status, Uses: r.Uses, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
		PromotionForm: PromotionForm{
			Name: PromotionName{En: r.Name["en"], Hy: r.Name["hy"], Km: r.Name["km"]}, Kind: string(r.Kind), BPS: r.BPS, Amounts: moneysOf(r.Amounts),
			BuyQuantity: r.BuyQuantity, GetQuantity: r.GetQuantity, GetBPS: r.GetBPS, Target: PromotionTarget(r.Target),
			MinimumSubtotal: moneysOf(r.MinimumSubtotal), MinimumQuantity: r.MinimumQuantity, StartsAt: r.StartsAt, EndsAt: r.EndsAt,
			TotalLimit: r.TotalLimit, PerCustomerLimit: r.PerCustomerLimit, Combinable: r.Combinable, Priority: r.Priority, Automatic: r.Automatic,
			PublicCode: r.PublicCode, FirstOrderOnly: r.FirstOrderOnly, Countries: r.Countries,
		},
	}
}

type promotionOut struct {
	ETag string `header:"ETag"`
	Body Promotion
}

func onePromotion(r pricing.Record, err error) (*promotionOut, error) {
	if err != nil {
		return nil, inBody(err, "body")
	}
	return &promotionOut{ETag: etag(r.Version), Body: promotionOf(r)}, nil
}

type listPromotionsIn struct {
	PageQuery
	Status string `query:"status" enum:"active,archived"`
}

type addPromotionIn struct {
	Body PromotionForm
}

type replacePromotionIn struct {
	ByID
	IfMatch
	Body PromotionForm
}

type archivePromotionIn struct {
	ByID
	IfMatch
}

const (
	promotionPath = "/v1/promotions/{id}"
	promotionList = "promotions"
)

func registerPromotions(s *Server, svc promotions) {
	read, write := secret("promotions:read"), secret("promotions:write")
	handle(s, Route{
		ID: "list-promotions", Method: http.MethodGet, Path: "/v1/promotions", Tag: "promotions", Summary: "List promotions, the newest first",
		Auth: read, Errors: []*fault.Error{errCursor},
	}, func(ctx context.Context, in *listPromotionsIn) (*listOut[Promotion], error) {
		cursor, err := roomCursor(promotionList, in.Cursor)
		if err != nil {
			return nil, err
		}
		page, next, err := svc.Promotions(ctx, caller(ctx).Merchant, in.Status, in.Limit, cursor)
		if err != nil {
			return nil, err
		}
		return listOf(page, pageCursor(promotionList, next), promotionOf), nil
	})
	handle(s, Route{
		ID: "add-promotion", Method: http.MethodPost, Path: "/v1/promotions", Status: http.StatusCreated, Tag: "promotions", Summary: "Make a promotion",
		Auth: write, Errors: []*fault.Error{pricing.ErrPromotion, pricing.ErrCode, pricing.ErrCodeTaken},
	}, func(ctx context.Context, in *addPromotionIn) (*promotionOut, error) {
		var p pricing.Promotion
		in.Body.write(&p)
		return onePromotion(svc.CreatePromotion(ctx, caller(ctx).Merchant, p))
	})
	handle(s, Route{
		ID: "read-promotion", Method: http.MethodGet, Path: promotionPath, Tag: "promotions", Summary: "Read a promotion",
		Auth: read, Errors: []*fault.Error{pricing.ErrPromotionUnknown},
	}, func(ctx context.Context, in *ByID) (*promotionOut, error) {
		return onePromotion(svc.Promotion(ctx, caller(ctx).Merchant, in.ID))
	})
	handle(s, Route{
		ID: "replace-promotion", Method: http.MethodPut, Path: promotionPath, Tag: "promotions", Summary: "Change a promotion: all of it, but for its codes and uses",
		Auth: write, Errors: []*fault.Error{pricing.ErrPromotionUnknown, pricing.ErrArchived, pricing.ErrVersion, pricing.ErrPromotion, pricing.ErrLimit, pricing.ErrCode, pricing.ErrCodeTaken},
	}, func(ctx context.Context, in *replacePromotionIn) (*promotionOut, error) {
		base, err := in.base()
		if err != nil {
			return nil, err
		}
		return onePromotion(svc.UpdatePromotion(ctx, caller(ctx).Merchant, in.ID, base, func(p *pricing.Promotion) error {
			before := promotionOf(pricing.Record{Promotion: *p}).PromotionForm
			in.Body.write(p)
			return noteChange(ctx, before, promotionOf(pricing.Record{Promotion: *p}).PromotionForm)
		}))
	})
	handle(s, Route{
		ID: "archive-promotion", Method: http.MethodDelete, Path: promotionPath, Tag: "promotions", Summary: "End a promotion for good",
		Description: "Its codes stay known, so that they are not given out again, and its uses stay on the orders that made them.",
		Auth:        write, Errors: []*fault.Error{pricing.ErrPromotionUnknown, pricing.ErrVersion},
	}, func(ctx context.Context, in *archivePromotionIn) (*struct{}, error) {
		base, err := in.base()
		if err != nil {
			return nil, err
		}
		return nil, svc.ArchivePromotion(ctx, caller(ctx).Merchant, in.ID, base)
	})
	registerCodes(s, svc)
}
