package web

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"doorstep/internal/locale"
)

// abandonView is where and why shoppers leave.
type abandonView struct {
	Filters []fieldView
	Period  string
	Zone    string
	Closed  string
	Rates   []rateView
	Values  []cell
	Steps   []stepView
	Chart   string
	Trend   tableView
	By      string
	Groups  []groupView
	Split   tableView
	Exports string
	Carts   string
	Empty   bool
}

// rateView is a part of a whole with the interval in which the truth lies.
type rateView struct {
	Name, Rate, Low, High, Of string
}

// stepView is one step of the funnel; Width is its bar in thousandths.
type stepView struct {
	Name, Entered, Loss, Left, Link string
	Width                           int64
}

// groupView is one group of a split; Width is its part of all that were left.
type groupView struct {
	Name, Abandoned, Rate, Lost, Link string
	Width                             int64
}

// dimensions are what the carts that are left can be split by.
var dimensions = []string{"reason", "step", "device", "country", "carrier", "payment_method", "value_band"}

var reasons = []string{
	"price_sensitivity", "shipping_cost", "shipping_speed", "product_fit", "trust_security", "returns_policy", "payment_options", "comparison", "timing_deferred", "other", "unknown",
}

var steps = []string{"cart", "contact", "address", "shipping", "payment", "review", "order"}

// periodFilters say which days a report is about.
var periodFilters = []field{
	{Name: "from", Kind: "date"}, {Name: "to", Kind: "date"}, {Name: "interval", Kind: "choice", Choices: []string{"day", "week"}, Words: "web.admin.interval.", Required: true},
	{Name: "group_by", Kind: "choice", Choices: dimensions, Words: "web.admin.dimension.", Required: true},
}

// journeyList lists the carts behind the figures.
var journeyList = list{
	Name: "carts", API: "/v1/analytics/carts", Scope: "analytics:read",
	Filters: []field{
		{Name: "from", Kind: "date"}, {Name: "to", Kind: "date"},
		{Name: "outcome", Kind: "choice", Choices: []string{"abandoned", "recovered", "ordered", "open"}, Words: "web.admin.outcome."}, {Name: "step", Kind: "choice", Choices: steps, Words: "web.admin.step."},
		{Name: "reason", Kind: "choice", Choices: reasons, Words: "web.admin.left."}, {Name: "device"}, {Name: "country"}, {Name: "carrier"}, {Name: "payment_method"}, {Name: "value_band"},
	},
	Columns: []column{
		{Name: "started_at", Kind: "time"}, {Name: "outcome", Kind: "badge", Words: "web.admin.outcome."}, {Name: "step", Kind: "word", Words: "web.admin.step."},
		{Name: "reason", Kind: "word", Words: "web.admin.left."}, {Name: "reason_source", Kind: "word", Words: "web.admin.told."}, {Name: "evidence", Kind: "list", Words: "web.admin.evidence."},
		{Name: "device", Kind: "word", Words: "web.admin.device."}, {Name: "country", Kind: "country"}, {Name: "carrier"}, {Name: "payment_method", Kind: "word", Words: "payment_method."}, {Name: "value", Kind: "money"}, {Name: "value_band"},
	},
}

// abandonment shows the report of a period.
func abandonment(d *desk) error {
	q := url.Values{}
	for _, name := range []string{"from", "to"} {
		if text := d.Query(name); text != "" {
			q.Set(name, text)
		}
	}
	funnel, err := d.read("/v1/analytics/funnel", q)
	if err != nil {
		return err
	}
	if d.Query("interval") == "week" {
		q.Set("interval", "week")
	}
	trend, err := d.read("/v1/analytics/abandonment", q)
	if err != nil {
		return err
	}
	by := d.Query("group_by")
	if !slices.Contains(dimensions, by) {
		by = "reason"
	}
	q.Set("group_by", by)
	split, err := d.read("/v1/analytics/abandonment", q)
	if err != nil {
		return err
	}
	v := abandonView{By: by, Zone: textAt(funnel, "time_zone"), Exports: "/v1/exports/abandonment?" + q.Encode(), Empty: numberAt(funnel, "total.carts") == 0}
	v.Filters = d.filters(list{Filters: periodFilters}, nil)
	v.Period = v.dates(d.Lang, funnel)
	if closed, err := time.Parse(time.DateOnly, textAt(funnel, "closed_before")); err == nil {
		v.Closed = locale.ShortDate(d.Lang, closed)
	}
	span := url.Values{"from": {textAt(funnel, "from")}, "to": {textAt(funnel, "to")}}
	v.Carts = "/admin/carts?" + span.Encode()
	v.head(d.Lang, at(funnel, "total"))
	v.funnel(d.Lang, funnel, span)
	v.trend(d.Lang, trend)
	v.split(d.Lang, split, span)
	return d.page("admin/abandonment", v)
}

func (v *abandonView) dates(lang locale.Lang, report doc) string {
	from, err := time.Parse(time.DateOnly, textAt(report, "from"))
	until, err2 := time.Parse(time.DateOnly, textAt(report, "to"))
	if err != nil || err2 != nil {
		return ""
	}
	return locale.DateRange(lang, from, until)
}

// rateOf writes a rate with its interval; empty when nothing was counted.
func rateOf(lang locale.Lang, name string, of any, path string) rateView {
	rate := at(of, path)
	if rate == nil {
		return rateView{Name: name}
	}
	percent := func(part string) string { return locale.Percent(lang, numberAt(rate, part)) }
	return rateView{name, percent("rate_bps"), percent("low_bps"), percent("high_bps"), locale.Number(lang, numberAt(rate, "of"))}
}

func (v *abandonView) head(lang locale.Lang, total any) {
	v.Rates = []rateView{rateOf(lang, "cart_abandonment", total, "cart_abandonment"), rateOf(lang, "checkout_abandonment", total, "checkout_abandonment")}
	for _, c := range []column{
		{Name: "carts", Kind: "number"}, {Name: "orders", Kind: "number"}, {Name: "abandoned", Kind: "number"}, {Name: "recovered", Kind: "number"}, {Name: "open", Kind: "number"},
		{Name: "value_lost", Kind: "moneys"}, {Name: "value_recovered", Kind: "moneys"},
	} {
		if w := c.write(lang, total); w.Text != "" {
			v.Values = append(v.Values, w)
		}
	}
}

func (v *abandonView) funnel(lang locale.Lang, report doc, span url.Values) {
	all := listAt(report, "steps")
	most := int64(1)
	for _, one := range all {
		most = max(most, numberAt(one, "entered"))
	}
	for _, one := range all {
		name := textAt(one, "step")
		q := url.Values{"step": {name}, "outcome": {"abandoned"}, "from": span["from"], "to": span["to"]}
		v.Steps = append(v.Steps, stepView{
			Name: word(lang, "web.admin.step.", name), Entered: locale.Number(lang, numberAt(one, "entered")), Loss: rateOf(lang, "", one, "loss").Rate,
			Left: locale.Number(lang, numberAt(one, "left")), Link: "/admin/carts?" + q.Encode(), Width: 1000 * numberAt(one, "entered") / most,
		})
	}
}

// trend makes the lines of the chart, and the table of what they show.
func (v *abandonView) trend(lang locale.Lang, report doc) {
	rows := listAt(report, "data")
	byStart := map[string]any{}
	for _, one := range rows {
		byStart[textAt(one, "start")] = one
	}
	var x []int64
	var carts, orders, rate []any
	for _, day := range spanOf(report) { // days on which nothing happened are days, too
		one := byStart[day.Format(time.DateOnly)]
		x = append(x, day.Unix())
		carts, orders = append(carts, numberAt(one, "carts")), append(orders, numberAt(one, "orders"))
		if at(one, "cart_abandonment") == nil {
			rate = append(rate, nil)
		} else {
			rate = append(rate, float64(numberAt(one, "cart_abandonment.rate_bps"))/100)
		}
	}
	label := func(key string) string { return locale.T(lang, "web.admin.field."+key) }
	v.Chart = written(map[string]any{
		"x": x, "series": []map[string]any{
			{"label": label("carts"), "values": carts, "scale": "n", "tone": "--info"}, {"label": label("orders"), "values": orders, "scale": "n", "tone": "--good"},
			{"label": label("cart_abandonment"), "values": rate, "scale": "%", "tone": "--brand"},
		},
	}, "")
	entries := slices.Clone(rows)
	slices.Reverse(entries)
	d := desk{visit: &visit{Lang: lang}}
	v.Trend = d.table("trend", entries, []column{
		{Name: "start", Kind: "date"}, {Name: "carts", Kind: "number"}, {Name: "checkouts", Kind: "number"}, {Name: "orders", Kind: "number"}, {Name: "abandoned", Kind: "number"}, {Name: "recovered", Kind: "number"},
		{Name: "cart_abandonment", Path: "cart_abandonment.rate_bps", Kind: "percent"}, {Name: "checkout_abandonment", Path: "checkout_abandonment.rate_bps", Kind: "percent"}, {Name: "value_lost", Kind: "moneys"},
	}, "")
}

// mostPoints bounds what a chart draws.
const mostPoints = 1000

// spanOf is every day of a report, or the Monday of every week.
func spanOf(report doc) []time.Time {
	day, err := time.Parse(time.DateOnly, textAt(report, "from"))
	until, err2 := time.Parse(time.DateOnly, textAt(report, "to"))
	if err != nil || err2 != nil {
		return nil
	}
	step := 1
	if textAt(report, "interval") == "week" {
		step = 7
		day = day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
	}
	var all []time.Time
	for ; !day.After(until) && len(all) < mostPoints; day = day.AddDate(0, 0, step) {
		all = append(all, day)
	}
	return all
}

// tally is a group of a split over all days of the period.
type tally struct {
	name                                string
	carts, orders, abandoned, recovered int64
	lost, won                           map[string]int64
}

// tallies add up the days of each group, those that lose most first.
func tallies(report doc, by string) []*tally {
	groups := map[string]*tally{}
	for _, one := range listAt(report, "data") {
		name := textAt(one, "group."+by)
		g := groups[name]
		if g == nil {
			g = &tally{name: name, lost: map[string]int64{}, won: map[string]int64{}}
			groups[name] = g
		}
		g.carts += numberAt(one, "carts")
		g.orders += numberAt(one, "orders")
		g.abandoned += numberAt(one, "abandoned")
		g.recovered += numberAt(one, "recovered")
		for _, sum := range listAt(one, "value_lost") {
			g.lost[textAt(sum, "currency")] += numberAt(sum, "amount")
		}
		for _, sum := range listAt(one, "value_recovered") {
			g.won[textAt(sum, "currency")] += numberAt(sum, "amount")
		}
	}
	all := make([]*tally, 0, len(groups))
	for _, name := range sortedKeys(groups) {
		all = append(all, groups[name])
	}
	slices.SortStableFunc(all, func(a, b *tally) int { return int(b.abandoned - a.abandoned) })
	return all
}

// dimensionWords are the beginnings of the keys that name the groups.
var dimensionWords = map[string]string{"step": "web.admin.step.", "reason": "web.admin.left.", "device": "web.admin.device.", "payment_method": "payment_method."}

func (v *abandonView) split(lang locale.Lang, report doc, span url.Values) {
	all := tallies(report, v.By)
	most := int64(1)
	for _, g := range all {
		most = max(most, g.abandoned)
	}
	columns := []column{{Name: v.By}, {Name: "carts", Kind: "number"}, {Name: "orders", Kind: "number"}, {Name: "abandoned", Kind: "number"}, {Name: "recovered", Kind: "number"}, {Name: "cart_abandonment", Kind: "number"}, {Name: "value_lost"}, {Name: "value_recovered"}}
	v.Split = tableView{Name: "split", Columns: columns, Empty: locale.T(lang, "web.admin.nothing")}
	for _, g := range all {
		name := word(lang, dimensionWords[v.By], g.name)
		if v.By == "country" && len(g.name) == 2 {
			name = locale.Country(lang, g.name)
		}
		rate := ""
		if g.carts > 0 {
			rate = locale.Percent(lang, (10000*(g.carts-g.orders)+g.carts/2)/g.carts)
		}
		q := url.Values{v.By: {g.name}, "outcome": {"abandoned"}, "from": span["from"], "to": span["to"]}
		link := "/admin/carts?" + q.Encode()
		lost := sums(lang, g.lost)
		v.Groups = append(v.Groups, groupView{name, locale.Number(lang, g.abandoned), rate, lost, link, 1000 * g.abandoned / most})
		number := func(name string, n int64) cell { return cell{Name: name, Kind: "number", Text: locale.Number(lang, n)} }
		v.Split.Rows = append(v.Split.Rows, tableRow{Link: link, Cells: []cell{
			{Name: v.By, Text: name}, number("carts", g.carts), number("orders", g.orders), number("abandoned", g.abandoned), number("recovered", g.recovered),
			{Name: "cart_abandonment", Kind: "number", Text: rate}, {Name: "value_lost", Text: lost}, {Name: "value_recovered", Text: sums(lang, g.won)},
		}})
	}
}

func sums(lang locale.Lang, of map[string]int64) string {
	text := ""
	for n, one := range revenue(lang, of) {
		if n > 0 {
			text += " · "
		}
		text += one
	}
	return text
}

// sales is what was sold in the last 30 days, by the report.
func (d *desk) sales() (*deskSales, error) {
	report, err := d.read("/v1/analytics/sales", nil)
	if err != nil {
		return nil, err
	}
	first, err := time.Parse(time.DateOnly, textAt(report, "from"))
	if err != nil {
		return nil, err
	}
	v := &deskSales{Zone: textAt(report, "time_zone"), Table: tableView{Name: "sales", Columns: []column{{Name: "day"}, {Name: "orders", Kind: "number"}, {Name: "revenue", Kind: "number"}}}}
	byDay := make([]map[string]int64, salesDays)
	orders := make([]int, salesDays)
	for _, one := range listAt(report, "data") {
		day, err := time.Parse(time.DateOnly, textAt(one, "start"))
		n := int(day.Sub(first) / (24 * time.Hour))
		if err != nil || n < 0 || n >= salesDays {
			continue
		}
		orders[n] = int(numberAt(one, "orders"))
		byDay[n] = map[string]int64{}
		for _, sum := range listAt(one, "revenue") {
			byDay[n][textAt(sum, "currency")] += numberAt(sum, "amount")
		}
	}
	v.draw(d.Lang, first, orders, byDay)
	return v, nil
}

// recovery shows how carts that were left are won back, and what that brings.
func recovery(d *desk) error {
	of, err := d.read("/v1/recovery/settings", nil)
	if err != nil {
		return err
	}
	stopped := textAt(of, "stopped") == "true"
	v := recoveryView{Stopped: stopped, Enabled: textAt(of, "enabled") == "true", Reason: textAt(of, "stop_reason")}
	for _, c := range []column{
		{Name: "enabled", Kind: "check"}, {Name: "delays_minutes", Kind: "list"}, {Name: "quiet_from"}, {Name: "quiet_to"}, {Name: "holdout_bps", Kind: "percent"}, {Name: "pilot_bps", Kind: "percent"}, {Name: "pilot_hours", Kind: "number"},
		{Name: "window_days", Kind: "number"}, {Name: "link_days", Kind: "number"}, {Name: "soft_opt_in", Kind: "check"}, {Name: "opt_in_only", Kind: "list"}, {Name: "stopped_at", Kind: "time"},
	} {
		if w := c.write(d.Lang, of); w.Text != "" {
			v.Facts = append(v.Facts, w)
		}
	}
	v.report(d)
	v.trial(d)
	do := []string{"recovery-try", "recovery-change"}
	if stopped {
		do = append(do, "recovery-resume")
	} else {
		do = append(do, "recovery-stop")
	}
	v.Forms = d.forms(do, "shop", of)
	return d.page("admin/recovery", v)
}

// recoveryView is that page.
type recoveryView struct {
	Enabled, Stopped bool
	Reason           string
	Facts            []cell
	Forms            []*formView
	Lift             rateView
	Measured         bool
	Arms             []armView
	Revenue          []tableView
	Mails            tableView
	Report           bool
	Trial            *trialView
}

type armView struct{ Name, People, Buyers, Revenue string }

// trialView is what the planned reminders would do now.
type trialView struct {
	Planned  string
	Partly   bool
	Verdicts tableView
	Samples  []cell
}

func (v *recoveryView) report(d *desk) {
	report := d.glance("analytics:read", "/v1/analytics/recovery", nil)
	if report == nil {
		return
	}
	v.Report, v.Measured = true, textAt(report, "conversion_lift.verdict") == "measured"
	percent := func(path string) string {
		if at(report, path) == nil {
			return ""
		}
		return locale.Percent(d.Lang, numberAt(report, path))
	}
	v.Lift = rateView{"conversion_lift", percent("conversion_lift.bps"), percent("conversion_lift.low_bps"), percent("conversion_lift.high_bps"), ""}
	for _, name := range []string{"treated", "holdout"} {
		arm := at(report, name)
		v.Arms = append(v.Arms, armView{name, locale.Number(d.Lang, numberAt(arm, "people")), locale.Number(d.Lang, numberAt(arm, "buyers")), column{Name: "revenue", Kind: "moneys"}.write(d.Lang, arm).Text})
	}
	if money := listAt(report, "revenue"); len(money) > 0 {
		v.Revenue = append(v.Revenue, d.table("recovered_revenue", money, []column{
			{Name: "currency"}, {Name: "incremental", Kind: "money"}, {Name: "low", Kind: "money"}, {Name: "high", Kind: "money"}, {Name: "verdict", Kind: "word", Words: "web.admin.verdict."}, {Name: "attributed", Kind: "money"}, {Name: "attributed_orders", Kind: "number"},
		}, ""))
	}
	mails, _ := at(report, "reminders").(doc)
	entries := []any{}
	for _, name := range sortedNames(mails) {
		entries = append(entries, doc{"verdict": name, "count": mails[name]})
	}
	v.Mails = d.table("reminders", entries, []column{{Name: "verdict", Kind: "word", Words: "web.admin.verdict."}, {Name: "how_many", Path: "count", Kind: "number"}}, "")
}

func (v *recoveryView) trial(d *desk) {
	if d.did != "recovery-try" {
		return
	}
	v.Trial = &trialView{Planned: strconv.FormatInt(numberAt(d.answer, "planned"), 10), Partly: textAt(d.answer, "partly") == "true"}
	v.Trial.Verdicts = d.table("verdicts", listAt(d.answer, "verdicts"), []column{{Name: "verdict", Kind: "word", Words: "web.admin.verdict."}, {Name: "reason", Path: "code", Kind: "word", Words: "web.admin.verdict."}, {Name: "how_many", Path: "count", Kind: "number"}}, "")
	for _, one := range listAt(d.answer, "samples") {
		v.Trial.Samples = append(v.Trial.Samples, cell{Name: textAt(one, "subject"), Text: textAt(one, "text")})
	}
}
