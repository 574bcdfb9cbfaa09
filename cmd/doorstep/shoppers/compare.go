package shoppers

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"text/tabwriter"
	"time"
)

// rightEnough is the least part of the inferred reasons that must be the true
// ones, in per cent, from enoughReasons on.
const rightEnough, enoughReasons = 80, 50

// Report holds what the shop says against the truth.
type Report struct {
	Lines []Line `json:"lines"`
	// Confused counts the inferred reasons that are wrong, as "true as reported".
	Confused map[string]int `json:"confused,omitempty"`
}

// Line is one figure of the shop's reports beside the true one. Rates are in
// basis points.
type Line struct {
	Name     string `json:"name"`
	Reported int64  `json:"reported"`
	True     int64  `json:"true"`
	Holds    bool   `json:"holds"`
	Note     string `json:"note,omitempty"`
}

// Holds says whether every figure agrees with the truth.
func (r *Report) Holds() bool {
	for _, l := range r.Lines {
		if !l.Holds {
			return false
		}
	}
	return true
}

// Print writes the report for people.
func (r *Report) Print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "FIGURE\tREPORTED\tTRUE\t\t")
	for _, l := range r.Lines {
		verdict := "holds"
		if !l.Holds {
			verdict = "DOES NOT HOLD"
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\n", l.Name, l.Reported, l.True, verdict, l.Note)
	}
	_ = t.Flush() // standard output: nobody left to tell
	for _, wrong := range slices.Sorted(maps.Keys(r.Confused)) {
		fmt.Fprintf(w, "  took %s: %d\n", wrong, r.Confused[wrong])
	}
}

// same is a count, which has to be exactly the true one.
func (r *Report) same(name string, reported, truth int64) {
	r.Lines = append(r.Lines, Line{name, reported, truth, reported == truth, ""})
}

// within is a rate with its interval, in which the true one has to lie.
func (r *Report) within(name string, rate answer, truth int64) {
	low, high := rate.number("low_bps"), rate.number("high_bps")
	r.Lines = append(r.Lines, Line{name, rate.number("rate_bps"), truth, low <= truth && truth <= high, fmt.Sprintf("interval %d to %d", low, high)})
}

func (a answer) number(path string) int64 {
	n, _ := a.at(path).(float64)
	return int64(n)
}

func (a answer) sub(path string) answer { return answer{body: object(a.at(path))} }

// reader asks the shop for reports.
type reader struct {
	call *caller
	key  string
	days url.Values
}

func (r *reader) get(ctx context.Context, path string, more url.Values) (answer, error) {
	query := url.Values{}
	for _, all := range []url.Values{r.days, more} {
		for name, values := range all {
			query[name] = values
		}
	}
	a, err := r.call.do(ctx, http.MethodGet, path+"?"+query.Encode(), nil, "Authorization", "Bearer "+r.key)
	if err == nil && a.status != http.StatusOK {
		err = refused("a report", a)
	}
	return a, err
}

// Compare asks the shop for its reports on the days that were played.
func Compare(ctx context.Context, t *Truth, shop, secret string) (*Report, error) {
	r := &reader{newCaller(shop), secret, url.Values{
		"from": {t.Begin.AddDate(0, 0, -1).Format(time.DateOnly)}, "to": {t.Begin.AddDate(0, 0, t.Days+1).Format(time.DateOnly)},
	}}
	report := &Report{Confused: map[string]int{}}
	for _, part := range []func(context.Context, *Truth, *reader) error{report.funnel, report.reasons, report.recovery} {
		if err := part(ctx, t, r); err != nil {
			return nil, err
		}
	}
	return report, nil
}

// funnel compares how many came how far.
func (r *Report) funnel(ctx context.Context, t *Truth, ask *reader) error {
	a, err := ask.get(ctx, "/v1/analytics/funnel", nil)
	if err != nil {
		return err
	}
	r.same("carts", a.number("total.carts"), int64(t.Carts))
	r.same("checkouts", a.number("total.checkouts"), int64(t.Reached[stepContact]))
	r.same("orders", a.number("total.orders"), int64(t.Orders))
	r.within("cart abandonment", a.sub("total.cart_abandonment"), lost(t.Orders, t.Carts))
	r.within("checkout abandonment", a.sub("total.checkout_abandonment"), lost(t.Orders, t.Reached[stepContact]))
	for _, s := range a.list("steps") {
		step := answer{body: object(s)}
		if name := step.text("step"); t.Reached[name] > 0 {
			r.same("entered "+name, step.number("entered"), int64(t.Reached[name]))
		}
	}
	return nil
}

// lost is the rate of those who did not come so far.
func lost(came, of int) int64 {
	if of == 0 {
		return 0
	}
	return int64((of-came)*10_000+of/2) / int64(of)
}

// reasons compares why those left who never bought.
func (r *Report) reasons(ctx context.Context, t *Truth, ask *reader) error {
	inferred, right, said, saidRight, abandoned := int64(0), int64(0), int64(0), int64(0), int64(0)
	for cursor := ""; ; {
		a, err := ask.get(ctx, "/v1/analytics/carts", url.Values{"outcome": {"abandoned"}, "limit": {"100"}, "cursor": {cursor}})
		if err != nil {
			return err
		}
		for _, d := range a.list("data") {
			journey := answer{body: object(d)}
			abandoned++
			truth := t.Reasons[journey.text("id")]
			switch journey.text("reason_source") {
			case "":
			case "inferred":
				inferred++
				if reason := journey.text("reason"); reason == truth {
					right++
				} else {
					r.Confused[truth+" as "+reason]++
				}
			default:
				said++
				if journey.text("reason") == truth {
					saidRight++
				}
			}
		}
		if cursor = a.text("next_cursor"); cursor == "" {
			break
		}
	}
	gone, told := int64(0), int64(0)
	for cart := range t.Reasons {
		if t.Bought[cart] {
			continue
		}
		gone++
		if t.Told[cart] {
			told++
		}
	}
	r.same("left for good", abandoned, gone)
	r.same("reasons said", said, told)
	r.same("of them as they were said", saidRight, said)
	part := int64(0)
	if inferred > 0 {
		part = right * 100 / inferred
	}
	r.Lines = append(r.Lines, Line{
		"inferred reasons that are right, %", part, 100, inferred < enoughReasons || part >= rightEnough,
		fmt.Sprintf("%d of %d, at least %d %% wanted of %d or more", right, inferred, rightEnough, enoughReasons),
	})
	return nil
}

// recovery compares what reminders have brought.
func (r *Report) recovery(ctx context.Context, t *Truth, ask *reader) error {
	if t.Reminded == 0 {
		return nil
	}
	a, err := ask.get(ctx, "/v1/analytics/recovery", nil)
	if err != nil {
		return err
	}
	lift := Line{Name: "lift of reminders", Reported: a.number("conversion_lift.bps"), True: t.LiftBps, Holds: true, Note: "not enough data"}
	if a.at("conversion_lift.low_bps") != nil {
		low, high := a.number("conversion_lift.low_bps"), a.number("conversion_lift.high_bps")
		lift.Holds, lift.Note = low <= t.LiftBps && t.LiftBps <= high, fmt.Sprintf("interval %d to %d", low, high)
	}
	r.Lines = append(r.Lines, lift)
	return nil
}
