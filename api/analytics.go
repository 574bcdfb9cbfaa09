package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"doorstep/analytics"
	"doorstep/cart"
	"doorstep/internal/fault"
	"doorstep/internal/money"

	"github.com/google/uuid"
)

// figures is all that these routes ask of their room.
type figures interface {
	Abandonment(ctx context.Context, merchant uuid.UUID, p analytics.Period, by []string) (*analytics.Abandonment, error)
	Funnel(ctx context.Context, merchant uuid.UUID, p analytics.Period) (*analytics.Funnel, error)
	Journeys(ctx context.Context, merchant uuid.UUID, f analytics.Filter, cursor string, limit int) ([]analytics.Fact, string, error)
	Sales(ctx context.Context, merchant uuid.UUID, p analytics.Period) (*analytics.Sales, error)
}

// PeriodQuery is the days a report is about.
type PeriodQuery struct {
	From string `query:"from" maxLength:"10" example:"2026-03-01" doc:"First day, in the shop's zone; 29 days before the last when absent"`
	To   string `query:"to" maxLength:"10" example:"2026-03-31" doc:"Last day; today when absent"`
}

func (q *PeriodQuery) value(interval string) analytics.Period {
	return analytics.Period{From: q.From, To: q.To, Weekly: interval == "week"}
}

// IntervalQuery is how a period is cut up.
type IntervalQuery struct {
	Interval string `query:"interval" enum:"day,week" default:"day" doc:"Weeks begin on Monday"`
}

type abandonmentIn struct {
	PeriodQuery
	IntervalQuery
	GroupBy string `query:"group_by" maxLength:"100" example:"step,device" doc:"Up to three of step, reason, device, country, carrier, payment_method, value_band, with commas between"`
}

func (in *abandonmentIn) by() []string {
	if in.GroupBy == "" {
		return nil
	}
	return strings.Split(in.GroupBy, ",")
}

// Rate is a part in basis points, with its 95 % interval.
type Rate struct {
	RateBps int64 `json:"rate_bps" example:"6970"`
	LowBps  int64 `json:"low_bps" doc:"Lower end of the 95 % interval of Wilson"`
	HighBps int64 `json:"high_bps" doc:"Upper end of it"`
	Of      int64 `json:"of" doc:"How many were counted"`
}

func rateOf(r *analytics.Rate) *Rate {
	if r == nil {
		return nil
	}
	return &Rate{RateBps: r.Bps, LowBps: r.Low, HighBps: r.High, Of: r.Of}
}

// ReportHead is what every report begins with.
type ReportHead struct {
	From         string `json:"from" example:"2026-03-01"`
	To           string `json:"to" example:"2026-03-31"`
	Interval     string `json:"interval" enum:"day,week"`
	TimeZone     string `json:"time_zone" example:"Asia/Yerevan" doc:"In which days are days"`
	ClosedBefore string `json:"closed_before" example:"2026-03-24" doc:"Figures of earlier days do not change any more: a day is closed seven days after its end"`
}

func headOf(h *analytics.Head) ReportHead {
	interval := "day"
	if h.Weekly {
		interval = "week"
	}
	return ReportHead{From: h.From, To: h.To, Interval: interval, TimeZone: h.Zone, ClosedBefore: h.ClosedBefore}
}

// JourneyFigures is what is counted of a group of carts.
type JourneyFigures struct {
	Carts               int64   `json:"carts" doc:"In which there was something; checkouts without a cart are counted too"`
	Checkouts           int64   `json:"checkouts" doc:"Of them with a checkout begun"`
	Orders              int64   `json:"orders"`
	Abandoned           int64   `json:"abandoned" doc:"Left, and no order has come of them"`
	Recovered           int64   `json:"recovered" doc:"Left, and then bought; they are among the orders"`
	Open                int64   `json:"open" doc:"Neither left nor bought yet"`
	CartAbandonment     *Rate   `json:"cart_abandonment,omitempty" doc:"1 - orders / carts"`
	CheckoutAbandonment *Rate   `json:"checkout_abandonment,omitempty" doc:"1 - orders / checkouts"`
	Value               []Money `json:"value" doc:"Of the goods in all of them, before discounts, shipping and tax, by currency"`
	ValueLost           []Money `json:"value_lost" doc:"Of those abandoned"`
	ValueRecovered      []Money `json:"value_recovered" doc:"Of those recovered"`
}

func figuresOf(f *analytics.Figures) JourneyFigures {
	return JourneyFigures{
		Carts: f.Carts, Checkouts: f.Checkouts, Orders: f.Orders, Abandoned: f.Abandoned, Recovered: f.Recovered, Open: f.Open,
		CartAbandonment: rateOf(f.CartAbandonment), CheckoutAbandonment: rateOf(f.CheckoutAbandonment),
		Value: moneys(f.Value), ValueLost: moneys(f.Lost), ValueRecovered: moneys(f.Won),
	}
}

func moneys(all []money.Amount) []Money {
	list := make([]Money, 0, len(all))
	for _, a := range all {
		list = append(list, moneyOf(a.Minor, a.Currency))
	}
	return list
}

// AbandonmentRow is the figures of one group in one day or week.
type AbandonmentRow struct {
	Start string            `json:"start" example:"2026-03-02" doc:"The first day"`
	Group map[string]string `json:"group" doc:"By what was asked for; unknown where nothing is known"`
	JourneyFigures
}

// AbandonmentReport is where and why shoppers leave.
type AbandonmentReport struct {
	ReportHead
	Total JourneyFigures   `json:"total"`
	Data  []AbandonmentRow `json:"data"`
}

// FunnelStep is one step of the road to an order.
type FunnelStep struct {
	Step    string `json:"step" enum:"cart,contact,address,shipping,payment,review,order"`
	Entered int64  `json:"entered" doc:"Who comes to a step counts in those before it"`
	Left    int64  `json:"left" doc:"Came to no step after it, and were abandoned"`
	Loss    *Rate  `json:"loss,omitempty" doc:"1 - entered(next) / entered(this)"`
}

// FunnelReport is how many came how far.
type FunnelReport struct {
	ReportHead
	Total JourneyFigures `json:"total"`
	Steps []FunnelStep   `json:"steps"`
}

// SalesRow is what was sold in one day or week.
type SalesRow struct {
	Start        string  `json:"start" example:"2026-03-02"`
	Orders       int64   `json:"orders"`
	Revenue      []Money `json:"revenue" doc:"Totals of the orders as they were placed, by currency"`
	AverageValue []Money `json:"average_value" doc:"Of an order, rounded down"`
}

// SalesReport is what was sold.
type SalesReport struct {
	ReportHead
	Total SalesRow   `json:"total"`
	Data  []SalesRow `json:"data"`
}

func salesRowOf(r *analytics.SalesRow) SalesRow {
	return SalesRow{Start: r.Start, Orders: r.Orders, Revenue: moneys(r.Revenue), AverageValue: moneys(r.Average)}
}

// Journey is one cart, or a checkout without one, as it counts.
type Journey struct {
	ID            uuid.UUID `json:"id" format:"uuid" doc:"The cart's, or without one the checkout's"`
	Kind          string    `json:"kind" enum:"cart,checkout"`
	Day           string    `json:"day" example:"2026-03-05" doc:"On which it began"`
	StartedAt     time.Time `json:"started_at"`
	LastEventAt   time.Time `json:"last_event_at" doc:"Before its day was closed"`
	Outcome       string    `json:"outcome" enum:"open,abandoned,recovered,ordered"`
	Step          string    `json:"step" enum:"cart,contact,address,shipping,payment,review,order"`
	Reason        string    `json:"reason,omitempty" example:"shipping_cost" doc:"Of the standard list; absent when nothing speaks for any"`
	ReasonSource  string    `json:"reason_source,omitempty" example:"inferred" doc:"inferred, or who was told by the shopper: api or storefront"`
	Evidence      []string  `json:"evidence" doc:"What speaks for it, the heaviest first"`
	Device        string    `json:"device,omitempty" example:"mobile"`
	Country       string    `json:"country,omitempty" example:"AM"`
	Carrier       string    `json:"carrier,omitempty"`
	PaymentMethod string    `json:"payment_method,omitempty" example:"card"`
	Value         Money     `json:"value" doc:"Of the goods, before discounts, shipping and tax"`
	ValueBand     string    `json:"value_band" example:"50-100" doc:"In whole units of the currency, lower end included"`
	TimesLeft     int       `json:"times_left"`
}

func journeyOf(f analytics.Fact) Journey {
	kind := "checkout"
	if f.Cart {
		kind = "cart"
	}
	return Journey{
		ID: f.ID, Kind: kind, Day: f.Day, StartedAt: f.Started.UTC(), LastEventAt: f.Last.UTC(), Outcome: string(f.Outcome),
		Step: string(cart.Steps[min(max(f.Reached, 1), len(cart.Steps))-1]), Reason: f.Reason, ReasonSource: f.Source, Evidence: append([]string{}, f.Evidence...),
		Device: f.Device, Country: f.Country, Carrier: f.Carrier, PaymentMethod: f.Method, Value: moneyOf(f.Value, f.Currency), ValueBand: f.Band, TimesLeft: f.Times,
	}
}

type listJourneysIn struct {
	PageQuery
	PeriodQuery
	Outcome       string `query:"outcome" enum:"open,abandoned,recovered,ordered"`
	Step          string `query:"step" enum:"cart,contact,address,shipping,payment,review,order" doc:"The furthest one"`
	Reason        string `query:"reason" maxLength:"40" doc:"unknown for those of which nothing is known, here and below"`
	Device        string `query:"device" maxLength:"40"`
	Country       string `query:"country" maxLength:"40"`
	Carrier       string `query:"carrier" maxLength:"64"`
	PaymentMethod string `query:"payment_method" maxLength:"40"`
	ValueBand     string `query:"value_band" maxLength:"64"`
}

func (in *listJourneysIn) filter() analytics.Filter {
	f := analytics.Filter{Period: in.value(""), Outcome: analytics.Outcome(in.Outcome), By: map[string]string{}}
	for name, v := range map[string]string{
		"step": in.Step, "reason": in.Reason, "device": in.Device, "country": in.Country, "carrier": in.Carrier,
		"payment_method": in.PaymentMethod, "value_band": in.ValueBand,
	} {
		if v != "" {
			f.By[name] = v
		}
	}
	return f
}

type reportOut[T any] struct {
	Body T
}

const journeyList = "journeys"

func registerAnalytics(s *Server, svc figures) {
	read := secret("analytics:read")
	handle(s, Route{
		ID: "report-abandonment", Method: http.MethodGet, Path: "/v1/analytics/abandonment", Tag: "analytics", Summary: "Report where and why shoppers leave, by day or week",
		Description: "Carts count on the day on which they began. Definitions and formulas are in docs/abandonment.md.",
		Auth:        read, Errors: []*fault.Error{analytics.ErrPeriod, analytics.ErrGroup},
	}, func(ctx context.Context, in *abandonmentIn) (*reportOut[AbandonmentReport], error) {
		a, err := svc.Abandonment(ctx, caller(ctx).Merchant, in.value(in.Interval), in.by())
		if err != nil {
			return nil, err
		}
		b := AbandonmentReport{ReportHead: headOf(&a.Head), Total: figuresOf(&a.Total), Data: make([]AbandonmentRow, len(a.Rows))}
		for i := range a.Rows {
			r := &a.Rows[i]
			b.Data[i] = AbandonmentRow{Start: r.Start, Group: r.Group, JourneyFigures: figuresOf(&r.Figures)}
		}
		return &reportOut[AbandonmentReport]{b}, nil
	})
	handle(s, Route{
		ID: "report-funnel", Method: http.MethodGet, Path: "/v1/analytics/funnel", Tag: "analytics", Summary: "Report how far shoppers come",
		Auth: read, Errors: []*fault.Error{analytics.ErrPeriod},
	}, func(ctx context.Context, in *PeriodQuery) (*reportOut[FunnelReport], error) {
		f, err := svc.Funnel(ctx, caller(ctx).Merchant, in.value(""))
		if err != nil {
			return nil, err
		}
		b := FunnelReport{ReportHead: headOf(&f.Head), Total: figuresOf(&f.Total), Steps: make([]FunnelStep, len(f.Steps))}
		for i, st := range f.Steps {
			b.Steps[i] = FunnelStep{Step: string(st.Step), Entered: st.Entered, Left: st.Left, Loss: rateOf(st.Loss)}
		}
		return &reportOut[FunnelReport]{b}, nil
	})
	handle(s, Route{
		ID: "list-journeys", Method: http.MethodGet, Path: "/v1/analytics/carts", Tag: "analytics", Summary: "List the carts behind the figures, the newest first",
		Auth: read, Errors: []*fault.Error{analytics.ErrPeriod, errCursor},
	}, func(ctx context.Context, in *listJourneysIn) (*listOut[Journey], error) {
		cursor, err := roomCursor(journeyList, in.Cursor)
		if err != nil {
			return nil, err
		}
		page, next, err := svc.Journeys(ctx, caller(ctx).Merchant, in.filter(), cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return listOf(page, pageCursor(journeyList, next), journeyOf), nil
	})
	handle(s, Route{
		ID: "report-sales", Method: http.MethodGet, Path: "/v1/analytics/sales", Tag: "analytics", Summary: "Report orders, revenue and the average order, by day or week",
		Description: "By the day on which orders were placed, in the shop's zone. Orders that were canceled later are in it, imported ones are not.",
		Auth:        read, Errors: []*fault.Error{analytics.ErrPeriod},
	}, func(ctx context.Context, in *struct {
		PeriodQuery
		IntervalQuery
	}) (*reportOut[SalesReport], error) {
		v, err := svc.Sales(ctx, caller(ctx).Merchant, in.value(in.Interval))
		if err != nil {
			return nil, err
		}
		b := SalesReport{ReportHead: headOf(&v.Head), Total: salesRowOf(&v.Total), Data: make([]SalesRow, len(v.Rows))}
		for i := range v.Rows {
			b.Data[i] = salesRowOf(&v.Rows[i])
		}
		return &reportOut[SalesReport]{b}, nil
	})
	registerAbandonmentExport(s, svc)
}

func registerAbandonmentExport(s *Server, svc figures) {
	const path = "/v1/exports/abandonment"
	handle(s, Route{
		ID: "export-abandonment", Method: http.MethodGet, Path: path, Tag: "analytics", Summary: "Export where and why shoppers leave, as CSV",
		Description: "One row for each day or week, group and currency; amounts are minor units. What is counted stands in the first row of a group.",
		Auth:        secret("analytics:read"), Errors: []*fault.Error{analytics.ErrPeriod, analytics.ErrGroup},
	}, func(ctx context.Context, in *abandonmentIn) (*csvOut, error) {
		a, err := svc.Abandonment(ctx, caller(ctx).Merchant, in.value(in.Interval), in.by())
		if err != nil {
			return nil, err
		}
		body, err := abandonmentCSV(a, in.by())
		if err != nil {
			return nil, err
		}
		return newCSV("abandonment", body, ""), nil
	})
	documentCSV(s, path)
}

// abandonmentCSV writes the rows of a report. A group with several currencies has
// a row for each; its counts stand in the first.
func abandonmentCSV(a *analytics.Abandonment, by []string) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write(append(append([]string{"start"}, by...), "carts", "checkouts", "orders", "abandoned", "recovered", "open",
		"cart_abandonment_bps", "checkout_abandonment_bps", "currency", "value_minor", "value_lost_minor", "value_recovered_minor")) // into memory
	for i := range a.Rows {
		r := &a.Rows[i]
		counts := []string{r.Start}
		for _, d := range by {
			counts = append(counts, cell(r.Group[d]))
		}
		for _, n := range []int64{r.Carts, r.Checkouts, r.Orders, r.Abandoned, r.Recovered, r.Open} {
			counts = append(counts, strconv.FormatInt(n, 10))
		}
		counts = append(counts, bpsCell(r.CartAbandonment), bpsCell(r.CheckoutAbandonment))
		values := r.Value
		if len(values) == 0 {
			values = []money.Amount{{}}
		}
		for n, v := range values {
			if n == 1 {
				for c := 1 + len(by); c < len(counts); c++ {
					counts[c] = ""
				}
			}
			_ = w.Write(append(append([]string{}, counts...), v.Currency, minorCell(v.Minor), minorCell(inCurrency(r.Lost, v.Currency)), minorCell(inCurrency(r.Won, v.Currency)))) // into memory
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

func minorCell(n int64) string { return strconv.FormatInt(n, 10) }

func bpsCell(r *analytics.Rate) string {
	if r == nil {
		return ""
	}
	return strconv.FormatInt(r.Bps, 10)
}

func inCurrency(all []money.Amount, currency string) int64 {
	for _, a := range all {
		if a.Currency == currency {
			return a.Minor
		}
	}
	return 0
}
