package api

import (
	"context"
	"math"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/recommend"

	"github.com/google/uuid"
)

// recommendationReports is all that these routes ask of their room.
type recommendationReports interface {
	Compare(ctx context.Context, merchant uuid.UUID, from, to time.Time) (*recommend.Comparison, error)
	Versions(ctx context.Context, merchant uuid.UUID) ([]recommend.Version, error)
}

// RecommendationArm is what became of the visitors of one arm.
type RecommendationArm struct {
	Visitors    int     `json:"visitors"`
	Lists       int     `json:"lists"`
	Impressions int     `json:"impressions"`
	Clicks      int     `json:"clicks"`
	Adds        int     `json:"adds"`
	Buyers      int     `json:"buyers"`
	Orders      int     `json:"orders"`
	Attached    int     `json:"attached_orders" doc:"With something that was chosen from a list before"`
	Revenue     []Money `json:"revenue"`
}

// RecommendationLift is the learned arm less the popularity arm.
type RecommendationLift struct {
	Bps     int    `json:"bps" doc:"Basis points"`
	LowBps  int    `json:"low_bps" doc:"The truth lies from low to high in 95 of 100 cases"`
	HighBps int    `json:"high_bps"`
	Verdict string `json:"verdict" enum:"measured,not_enough_data" doc:"not_enough_data while the interval holds zero"`
}

// RecommendationRevenue is what visitors spend more or less, in one currency.
type RecommendationRevenue struct {
	Currency string `json:"currency"`
	Lift     Money  `json:"lift" doc:"For 1,000 visitors: the learned arm less the popularity arm"`
	Low      *Money `json:"low,omitempty"`
	High     *Money `json:"high,omitempty"`
	Verdict  string `json:"verdict" enum:"measured,not_enough_data"`
}

// RecommendationSplit says whether visitors fall into the arms as they should.
type RecommendationSplit struct {
	ExpectedBps int     `json:"expected_bps" doc:"The popularity arm's part of all visitors"`
	ObservedBps int     `json:"observed_bps"`
	P           float64 `json:"p" doc:"How likely a split at least as odd is by chance"`
	OK          bool    `json:"ok" doc:"false: visitors of one arm are lost, and no other figure can be trusted"`
}

// RecommendationReport is what recommendations are worth.
type RecommendationReport struct {
	From       time.Time               `json:"from"`
	To         time.Time               `json:"to"`
	Learned    RecommendationArm       `json:"learned"`
	Popularity RecommendationArm       `json:"popularity" doc:"The visitors who always get what sells best"`
	Conversion RecommendationLift      `json:"conversion_lift" doc:"Buyers of all visitors"`
	Attach     RecommendationLift      `json:"attach_lift" doc:"Orders with something from a list, of all orders"`
	Revenue    []RecommendationRevenue `json:"revenue"`
	Split      RecommendationSplit     `json:"split"`
	Method     string                  `json:"method"`
}

// RecommendationVersion is a way to rank a surface that was tried.
type RecommendationVersion struct {
	Surface    string    `json:"surface" enum:"home,product,cart"`
	Version    int       `json:"version"`
	Live       bool      `json:"live"`
	Cut        time.Time `json:"cut"`
	Questions  int       `json:"questions"`
	NDCG       float64   `json:"ndcg"`
	LiveNDCG   float64   `json:"live_ndcg" doc:"Of the version that was live then"`
	Popularity float64   `json:"popularity_ndcg"`
	Low        float64   `json:"low" doc:"Of the difference to the live version, in 95 of 100 resamplings"`
	High       float64   `json:"high"`
	Why        string    `json:"why,omitempty" example:"unsure" doc:"It did not go live: few, worse, unsure, popular or violations"`
	CreatedBy  string    `json:"created_by"`
	CreatedAt  time.Time `json:"created_at"`
}

const recommendationMethod = "Visitors by the hash of what the storefront calls them, 50 of 1,000 buckets always get what sells best. A visitor counts from the first list of the period, an order once, for whoever told of it first. " +
	"Shares: Newcombe's interval of 95 %. Revenue: difference of means by a seeded Bayesian bootstrap. Split: two-sided, by the normal approximation."

type recommendationReportOut struct{ Body RecommendationReport }

func registerRecommendationReport(s *Server, svc recommendationReports) {
	handle(s, Route{
		ID: "read-recommendation-report", Method: http.MethodGet, Path: "/v1/analytics/recommendations", Tag: "analytics", Summary: "See what recommendations bring, against showing everybody what sells best",
		Auth: secret("analytics:read"), Errors: []*fault.Error{recommend.ErrPeriod},
	}, func(ctx context.Context, in *recoveryReportIn) (*recommendationReportOut, error) {
		from, to, err := days(in.From, in.To, s.clock.Now())
		if err != nil {
			return nil, err
		}
		c, err := svc.Compare(ctx, caller(ctx).Merchant, from, to.AddDate(0, 0, 1))
		if err != nil {
			return nil, err
		}
		return &recommendationReportOut{Body: recommendationReportOf(c)}, nil
	})
	handle(s, Route{
		ID: "list-recommendation-versions", Method: http.MethodGet, Path: "/v1/recommendations/versions", Tag: "recommendations", Summary: "List the ways to rank that were tried on the shop's past",
		Auth: secret("analytics:read"),
	}, func(ctx context.Context, _ *struct{}) (*listOut[RecommendationVersion], error) {
		all, err := svc.Versions(ctx, caller(ctx).Merchant)
		if err != nil {
			return nil, err
		}
		return listOf(all, "", recommendationVersionOf), nil
	})
}

func recommendationReportOf(c *recommend.Comparison) RecommendationReport {
	b := RecommendationReport{
		From: c.From, To: c.To, Learned: recommendationArmOf(&c.Learned, c.Revenue), Popularity: recommendationArmOf(&c.Popularity, c.Revenue),
		Conversion: recommendationLiftOf(c.Conversion), Attach: recommendationLiftOf(c.Attach), Revenue: make([]RecommendationRevenue, len(c.Revenue)),
		Split:  RecommendationSplit{bpsOf(c.Split.Expected), bpsOf(c.Split.Observed), c.Split.P, c.Split.OK},
		Method: recommendationMethod,
	}
	for i, r := range c.Revenue {
		b.Revenue[i] = RecommendationRevenue{Currency: r.Currency, Lift: minorOf(1000*r.Estimate, r.Currency), Verdict: string(r.Verdict)}
		if !math.IsInf(r.Low, 0) {
			b.Revenue[i].Low, b.Revenue[i].High = ptr(minorOf(1000*r.Low, r.Currency)), ptr(minorOf(1000*r.High, r.Currency))
		}
	}
	return b
}

func recommendationArmOf(a *recommend.ArmFigures, currencies []recommend.RevenueLift) RecommendationArm {
	b := RecommendationArm{
		Visitors: a.Visitors, Lists: a.Lists, Impressions: a.Impressions, Clicks: a.Clicks, Adds: a.Adds, Buyers: a.Buyers, Orders: a.Orders, Attached: a.Attached,
		Revenue: []Money{},
	}
	for _, c := range currencies {
		b.Revenue = append(b.Revenue, moneyOf(a.Revenue[c.Currency], c.Currency))
	}
	return b
}

func recommendationLiftOf(l recommend.Lift) RecommendationLift {
	return RecommendationLift{bpsOf(l.Estimate), bpsOf(l.Low), bpsOf(l.High), string(l.Verdict)}
}

func recommendationVersionOf(v recommend.Version) RecommendationVersion {
	r := &v.Report
	return RecommendationVersion{
		Surface: string(v.Surface), Version: v.Version, Live: v.Live, Cut: r.Cut, Questions: r.This.Queries, NDCG: r.This.NDCG, LiveNDCG: r.Live.NDCG,
		Popularity: r.Popular.NDCG, Low: r.ToLive.Low, High: r.ToLive.High, Why: r.Why, CreatedBy: v.By, CreatedAt: v.At,
	}
}
