package api

import (
	"context"
	"math"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/notify/recovery"
)

// RecoveryArm is one side of the comparison.
type RecoveryArm struct {
	People  int     `json:"people" doc:"Who were first reminded in this time, or would have been"`
	Buyers  int     `json:"buyers" doc:"Of them, who ordered within the window, from whatever cart"`
	Revenue []Money `json:"revenue" doc:"Of those orders"`
}

// RecoveryLift is by how much more of the reminded people bought.
type RecoveryLift struct {
	Bps     int    `json:"bps" doc:"Basis points of the reminded people"`
	LowBps  *int   `json:"low_bps,omitempty"`
	HighBps *int   `json:"high_bps,omitempty"`
	Verdict string `json:"verdict" enum:"measured,not_enough_data" doc:"not_enough_data while the interval holds zero, or with fewer than 30 people in an arm"`
}

// RecoveryRevenue is what reminders brought in one currency.
type RecoveryRevenue struct {
	Currency         string `json:"currency"`
	Incremental      Money  `json:"incremental" doc:"Revenue of the reminded people less that of as many people of the hold-out: what would not have come without"`
	Low              *Money `json:"low,omitempty" doc:"The truth lies from low to high in 95 of 100 cases"`
	High             *Money `json:"high,omitempty"`
	Verdict          string `json:"verdict" enum:"measured,not_enough_data"`
	Attributed       Money  `json:"attributed" doc:"Of orders from carts that the link of a reminder had opened. Some of these people would have come anyway, so this is no measure of what reminders bring"`
	AttributedOrders int    `json:"attributed_orders"`
}

// RecoveryReport is what reminders brought in a time.
type RecoveryReport struct {
	From       time.Time         `json:"from"`
	To         time.Time         `json:"to"`
	WindowDays int               `json:"window_days"`
	Treated    RecoveryArm       `json:"treated"`
	Holdout    RecoveryArm       `json:"holdout"`
	Lift       RecoveryLift      `json:"conversion_lift"`
	Revenue    []RecoveryRevenue `json:"revenue"`
	Mails      map[string]int    `json:"reminders" doc:"By what became of them: sent, held_out, failed, or why they were not sent"`
	Method     string            `json:"method"`
}

type recoveryReportIn struct {
	From string `query:"from" format:"date" maxLength:"10" example:"2026-11-01" doc:"The first day, UTC; 30 days before to when absent"`
	To   string `query:"to" format:"date" maxLength:"10" example:"2026-11-30" doc:"The last day; today when absent"`
}

type recoveryReportOut struct {
	Body RecoveryReport
}

const recoveryMethod = "Treated against a persistent random hold-out, by person, from the moment of the first reminder or of the one that was withheld. " +
	"Conversion lift: difference of two shares with Newcombe's interval of 95 %. Incremental revenue: difference of means by a seeded Bayesian bootstrap, times the number of reminded people."

func registerRecoveryReport(s *Server, svc recoveryRoom) {
	handle(s, Route{
		ID: "read-recovery-report", Method: http.MethodGet, Path: "/v1/analytics/recovery", Tag: "analytics", Summary: "See what reminders of carts have brought, against people who got none",
		Auth: secret("analytics:read"), Errors: []*fault.Error{recovery.ErrPeriod},
	}, func(ctx context.Context, in *recoveryReportIn) (*recoveryReportOut, error) {
		from, to, err := days(in.From, in.To, s.clock.Now())
		if err != nil {
			return nil, err
		}
		r, err := svc.Report(ctx, caller(ctx).Merchant, from, to.AddDate(0, 0, 1))
		if err != nil {
			return nil, err
		}
		return &recoveryReportOut{Body: recoveryReportOf(r)}, nil
	})
}

func recoveryReportOf(r *recovery.Report) RecoveryReport {
	b := RecoveryReport{
		From: r.From, To: r.To, WindowDays: r.WindowDays, Treated: recoveryArmOf(&r.Treated, r.Currencies), Holdout: recoveryArmOf(&r.Holdout, r.Currencies),
		Lift: RecoveryLift{Bps: bpsOf(r.Lift.Estimate), Verdict: r.Lift.Verdict}, Revenue: make([]RecoveryRevenue, len(r.Currencies)), Mails: r.Mails, Method: recoveryMethod,
	}
	if r.Lift.Low != nil {
		b.Lift.LowBps, b.Lift.HighBps = ptr(bpsOf(*r.Lift.Low)), ptr(bpsOf(*r.Lift.High))
	}
	for i, c := range r.Currencies {
		one := RecoveryRevenue{
			Currency: c.Currency, Incremental: minorOf(c.Incremental.Estimate, c.Currency), Verdict: c.Incremental.Verdict,
			Attributed: moneyOf(c.AttributedMinor, c.Currency), AttributedOrders: c.AttributedOrders,
		}
		if c.Incremental.Low != nil {
			one.Low, one.High = ptr(minorOf(*c.Incremental.Low, c.Currency)), ptr(minorOf(*c.Incremental.High, c.Currency))
		}
		b.Revenue[i] = one
	}
	return b
}

func recoveryArmOf(a *recovery.Arm, currencies []recovery.CurrencyReport) RecoveryArm {
	b := RecoveryArm{People: a.People, Buyers: a.Buyers, Revenue: []Money{}}
	for _, c := range currencies {
		b.Revenue = append(b.Revenue, moneyOf(a.RevenueMinor[c.Currency], c.Currency))
	}
	return b
}

// bpsOf is a share in basis points, minorOf an estimate in whole minor units.
func bpsOf(share float64) int { return int(math.Round(share * 10000)) }

func minorOf(estimate float64, currency string) Money {
	return moneyOf(int64(math.Round(estimate)), currency)
}
