package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"doorstep/catalog"
	"doorstep/internal/fault"
	"doorstep/recommend"

	"github.com/google/uuid"
)

// recommendationRules is all that these routes ask of their room.
type recommendationRules interface {
	Rules(ctx context.Context, merchant uuid.UUID) (*recommend.RuleSet, error)
	RulesOf(ctx context.Context, merchant uuid.UUID, version int) (*recommend.RuleSet, error)
	RuleSets(ctx context.Context, merchant uuid.UUID) ([]recommend.RuleSet, error)
	PublishRules(ctx context.Context, merchant uuid.UUID, by, note string, base *int64, rules []recommend.Rule) (*recommend.RuleSet, error)
}

// RecommendationRule is one thing that the merchant says about recommendations.
type RecommendationRule struct {
	Kind      string     `json:"kind" enum:"pin,bury,block,boost,price_ratio,own_brand" doc:"pin: first; bury: last; block: never; boost: by a factor; price_ratio: only what costs so much of what it stands beside; own_brand: beside a brand no competitors"`
	Product   string     `json:"product,omitempty" maxLength:"200" example:"018f3c1e-9a4b-7c21-b0de-4d8a1f6e2c34" doc:"Its id or slug; pin, bury, block and boost name a product, a category or a brand"`
	Category  []string   `json:"category,omitempty" maxItems:"10" maxLength:"100" doc:"From the broadest; with all that is below it"`
	Brand     string     `json:"brand,omitempty" maxLength:"100" doc:"Of own_brand: beside whose products"`
	Beside    string     `json:"beside,omitempty" maxLength:"200" example:"018f3c1e-9a4b-7c21-b0de-4d8a1f6e2c33" doc:"Only in lists beside this product, by id or slug; a blocked pair is kept apart both ways"`
	Brands    []string   `json:"brands,omitempty" maxItems:"50" maxLength:"100" doc:"The competitors of own_brand; all other brands when absent"`
	FactorBps int        `json:"factor_bps,omitempty" minimum:"0" maximum:"20000" doc:"Of boost: 20000 halves the number of a place, 5000 doubles it"`
	LeastBps  int        `json:"least_bps,omitempty" minimum:"0" maximum:"1000000" doc:"Of price_ratio, by the dearest thing that the list stands beside"`
	MostBps   int        `json:"most_bps,omitempty" minimum:"0" maximum:"1000000"`
	Surfaces  []string   `json:"surfaces,omitempty" maxItems:"7" enum:"home,product,cart,post_purchase,email,substitute,exchange" doc:"All when absent"`
	From      *time.Time `json:"from,omitempty"`
	To        *time.Time `json:"to,omitempty" doc:"Not any more from here on"`
}

// RecommendationRules are all rules of the shop, in one version.
type RecommendationRules struct {
	Version   int                  `json:"version" doc:"0: none was ever published"`
	Rules     []RecommendationRule `json:"rules"`
	Note      string               `json:"note,omitempty"`
	CreatedBy string               `json:"created_by,omitempty" example:"staff:0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"`
	CreatedAt *time.Time           `json:"created_at,omitempty"`
}

func recommendationRulesOf(r recommend.RuleSet) RecommendationRules {
	b := RecommendationRules{Version: r.Version, Rules: make([]RecommendationRule, len(r.Rules)), Note: r.Note, CreatedBy: r.By}
	if r.Version > 0 {
		b.CreatedAt = &r.At
	}
	for i, one := range r.Rules {
		c := RecommendationRule{
			Kind: string(one.Kind), Category: one.Category, Brand: one.Brand, Brands: one.Brands, FactorBps: one.FactorBps,
			LeastBps: one.LeastBps, MostBps: one.MostBps, From: one.From, To: one.To,
		}
		if one.Product != nil {
			c.Product = one.Product.String()
		}
		if one.Beside != nil {
			c.Beside = one.Beside.String()
		}
		for _, s := range one.Surfaces {
			c.Surfaces = append(c.Surfaces, string(s))
		}
		b.Rules[i] = c
	}
	return b
}

type recommendationRulesOut struct {
	ETag string `header:"ETag"`
	Body RecommendationRules
}

func oneRuleSet(r *recommend.RuleSet, err error) (*recommendationRulesOut, error) {
	if err != nil {
		return nil, inBody(err, "body")
	}
	return &recommendationRulesOut{ETag: etag(int64(r.Version)), Body: recommendationRulesOf(*r)}, nil
}

type publishRulesIn struct {
	IfMatch
	Body struct {
		Rules []RecommendationRule `json:"rules" maxItems:"200"`
		Note  string               `json:"note,omitempty" maxLength:"500" example:"Tea for the winter" doc:"Why, for whoever reads it later"`
	}
}

// RulesVersion is embedded in the input of a route about one version of the rules.
type RulesVersion struct {
	Version int `path:"version" minimum:"1" maximum:"1000000000"`
}

// productNames finds a product by what people call it.
type productNames interface {
	Product(ctx context.Context, merchant uuid.UUID, idOrSlug string) (*catalog.Product, error)
}

func registerRecommendationRules(s *Server, svc recommendationRules, names productNames) {
	const path, tag = "/v1/recommendations/rules", "recommendations"
	read, write := secret("catalog:read"), secret("catalog:write")
	handle(s, Route{
		ID: "read-recommendation-rules", Method: http.MethodGet, Path: path, Tag: tag, Summary: "Read what counts for recommendations now", Auth: read,
	}, func(ctx context.Context, _ *struct{}) (*recommendationRulesOut, error) {
		return oneRuleSet(svc.Rules(ctx, caller(ctx).Merchant))
	})
	handle(s, Route{
		ID: "publish-recommendation-rules", Method: http.MethodPut, Path: path, Tag: tag, Summary: "Publish all rules for recommendations as the next version",
		Description: "Versions are never changed. To go back, publish the rules of an earlier one. They count at once, after what cannot be bought is left out and before variety.",
		Auth:        write, Errors: []*fault.Error{recommend.ErrRules, recommend.ErrRulesVersion},
	}, func(ctx context.Context, in *publishRulesIn) (*recommendationRulesOut, error) {
		base, err := in.baseOr()
		if err != nil {
			return nil, err
		}
		rules, err := rulesIn(ctx, names, in.Body.Rules)
		if err != nil {
			return nil, err
		}
		return oneRuleSet(svc.PublishRules(ctx, caller(ctx).Merchant, actor(ctx), in.Body.Note, base, rules))
	})
	handle(s, Route{
		ID: "list-recommendation-rules", Method: http.MethodGet, Path: path + "/versions", Tag: tag, Summary: "List the versions of the rules, the newest first", Auth: read,
	}, func(ctx context.Context, _ *struct{}) (*listOut[RecommendationRules], error) {
		all, err := svc.RuleSets(ctx, caller(ctx).Merchant)
		if err != nil {
			return nil, err
		}
		return listOf(all, "", recommendationRulesOf), nil
	})
	handle(s, Route{
		ID: "read-recommendation-rules-version", Method: http.MethodGet, Path: path + "/versions/{version}", Tag: tag, Summary: "Read a version of the rules",
		Auth: read, Errors: []*fault.Error{recommend.ErrRulesNotFound},
	}, func(ctx context.Context, in *RulesVersion) (*recommendationRulesOut, error) {
		return oneRuleSet(svc.RulesOf(ctx, caller(ctx).Merchant, in.Version))
	})
}

// rulesIn finds the products that rules name.
func rulesIn(ctx context.Context, names productNames, all []RecommendationRule) ([]recommend.Rule, error) {
	known := map[string]*uuid.UUID{}
	find := func(name, place string) (*uuid.UUID, error) {
		if name == "" {
			return nil, nil
		}
		if id, err := uuid.Parse(name); err == nil {
			return &id, nil
		}
		if known[name] == nil {
			p, err := names.Product(ctx, caller(ctx).Merchant, name)
			if fault.Is(err, catalog.ErrProductNotFound) {
				return nil, errValidation.At(place, "there is no such product")
			}
			if err != nil {
				return nil, err
			}
			known[name] = &p.ID
		}
		return known[name], nil
	}
	rules := make([]recommend.Rule, len(all))
	for i, r := range all {
		product, err := find(r.Product, fmt.Sprintf("body.rules[%d].product", i))
		if err != nil {
			return nil, err
		}
		beside, err := find(r.Beside, fmt.Sprintf("body.rules[%d].beside", i))
		if err != nil {
			return nil, err
		}
		rules[i] = recommend.Rule{
			Kind: recommend.RuleKind(r.Kind), Product: product, Category: r.Category, Brand: r.Brand, Beside: beside, Brands: r.Brands,
			FactorBps: r.FactorBps, LeastBps: r.LeastBps, MostBps: r.MostBps, From: r.From, To: r.To,
		}
		for _, s := range r.Surfaces {
			rules[i].Surfaces = append(rules[i].Surfaces, recommend.Surface(s))
		}
	}
	return rules, nil
}
