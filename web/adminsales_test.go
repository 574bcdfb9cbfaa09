package web

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"doorstep/internal/locale"
)

func aRate(bps, low, high int) m {
	return m{"rate_bps": bps, "low_bps": low, "high_bps": high, "of": 10}
}

func figures(carts, orders, abandoned int, lost ...m) m {
	return m{
		"carts": carts, "checkouts": carts, "orders": orders, "abandoned": abandoned, "recovered": 0, "open": 0,
		"cart_abandonment": aRate(6000, 3127, 8318), "checkout_abandonment": aRate(5000, 2366, 7634), "value": lost, "value_lost": lost, "value_recovered": []m{},
	}
}

func row(start, group, name string, f m) m {
	r := m{"start": start, "group": m{group: name}}
	for k, v := range f {
		r[k] = v
	}
	return r
}

func report(interval string, rows ...m) m {
	return m{
		"from": "2026-03-02", "to": "2026-03-05", "interval": interval, "time_zone": "Asia/Yerevan", "closed_before": "2026-03-01", "total": figures(10, 4, 6, sum(2500)), "data": rows,
		"steps": []m{{"step": "cart", "entered": 10, "left": 4, "loss": aRate(4000, 1, 2)}, {"step": "order", "entered": 4, "left": 0}},
	}
}

func TestTheDaysOfAGroupAreAddedUpAndThoseThatLoseMostComeFirst(t *testing.T) {
	t.Parallel()
	of, err := decode([]byte(written(report("day",
		row("2026-03-02", "reason", "comparison", figures(3, 1, 2, sum(500))),
		row("2026-03-02", "reason", "shipping_cost", figures(3, 1, 2, sum(1000), m{"amount": 700, "currency": "USD"})),
		row("2026-03-05", "reason", "shipping_cost", figures(4, 2, 2, sum(1500))),
	), "")))
	if err != nil {
		t.Fatal(err)
	}
	all := tallies(of, "reason")
	if len(all) != 2 || all[0].name != "shipping_cost" || all[0].abandoned != 4 || all[0].carts != 7 || all[0].lost["EUR"] != 2500 || all[0].lost["USD"] != 700 || all[1].abandoned != 2 {
		t.Errorf("%+v %+v", all[0], all[1])
	}
	v := abandonView{By: "reason"}
	v.split(locale.En, of, url.Values{"from": {"2026-03-02"}, "to": {"2026-03-05"}})
	if g := v.Groups[0]; g.Rate != "57.14%" || g.Width != 1000 || v.Groups[1].Width != 500 || g.Lost != "€25.00 · $7.00" {
		t.Errorf("%+v %+v", v.Groups[0], v.Groups[1])
	}
}

// A chart that leaves out the days on which nothing happened would lie.
func TestDaysOnWhichNothingHappenedStandInTheChart(t *testing.T) {
	t.Parallel()
	for interval, want := range map[string]string{"day": `[1772409600,1772496000,1772582400,1772668800]`, "week": `[1772409600]`} {
		of, err := decode([]byte(written(report(interval, row("2026-03-02", "x", "y", figures(3, 1, 2))), "")))
		if err != nil {
			t.Fatal(err)
		}
		var v abandonView
		v.trend(locale.En, of)
		if !strings.Contains(v.Chart, `"x":`+want) {
			t.Errorf("%s: %s", interval, v.Chart)
		}
		if interval == "day" && (!strings.Contains(v.Chart, `"values":[3,0,0,0]`) || !strings.Contains(v.Chart, `"values":[60,null,null,null]`)) {
			t.Errorf("%s", v.Chart)
		}
	}
}

func TestLeftCartsAreShownWithTheirIntervalAndLeadToTheirCarts(t *testing.T) {
	t.Parallel()
	app, c := office(t, []string{"analytics:read"}, fakeAPI{
		"GET /v1/analytics/funnel":      {200, report("day")},
		"GET /v1/analytics/abandonment": {200, report("day", row("2026-03-02", "device", "<b>mobile", figures(3, 1, 2, sum(500))))},
	})
	res, text := page(t, app, "GET", "/admin/abandonment?group_by=device&from=2026-03-02&evil=1", signedIn, "")
	if res.StatusCode != 200 || strings.Contains(text, "<b>mobile") {
		t.Fatalf("%d: what storefronts say is run", res.StatusCode)
	}
	text = html.UnescapeString(text)
	for _, want := range []string{
		">60%<", "between 31.27% and 83.18%", "/admin/carts?from=2026-03-02&outcome=abandoned&step=cart&to=2026-03-05", "/admin/carts?device=%3Cb%3Emobile&from=2026-03-02&outcome=abandoned&to=2026-03-05",
		"/v1/exports/abandonment?from=2026-03-02&group_by=device", "uplot.min.js",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if q := c.last(t, "GET /v1/analytics/abandonment").query; q != "from=2026-03-02&group_by=device" {
		t.Errorf("asked for %s", q)
	}
	if !regexp.MustCompile(`connect-src 'self'`).MatchString(res.Header.Get("Content-Security-Policy")) {
		t.Error("the policy is looser")
	}
}

// What reminders bring is a number only once it is measured.
func TestNothingIsClaimedBeforeItIsMeasured(t *testing.T) {
	t.Parallel()
	answer := m{
		"conversion_lift": m{"bps": 420, "low_bps": -100, "high_bps": 940, "verdict": "not_enough_data"}, "treated": m{"people": 40, "buyers": 4, "revenue": []m{}}, "holdout": m{"people": 5, "buyers": 0, "revenue": []m{}},
		"revenue": []m{}, "reminders": m{"sent": 40},
	}
	settings := m{"version": 1, "enabled": true, "stopped": true, "stop_reason": "<i>wrong price</i>", "delays_minutes": []int{60, 1440}, "caps": []m{}, "opt_in_only": []string{}}
	app, c := office(t, []string{"*"}, fakeAPI{"GET /v1/recovery/settings": {200, settings}, "GET /v1/analytics/recovery": {200, answer}, "POST /v1/recovery/resume": {200, settings}})
	_, text := page(t, app, "GET", "/admin/recovery", signedIn, "")
	if strings.Contains(text, "4.2%") || !strings.Contains(text, "Not enough data yet") || !strings.Contains(text, "4 / 40") {
		t.Errorf("%s", text)
	}
	if !strings.Contains(text, "&lt;i&gt;wrong price") || !strings.Contains(text, `value="recovery-resume"`) || strings.Contains(text, `value="recovery-stop"`) {
		t.Error("what is stopped is not shown as it is")
	}
	answer["conversion_lift"] = m{"bps": 420, "low_bps": 100, "high_bps": 740, "verdict": "measured"}
	c.fakeAPI["GET /v1/analytics/recovery"] = fakeAnswer{200, answer}
	if _, text = page(t, app, "GET", "/admin/recovery", signedIn, ""); !strings.Contains(text, "4.2%") || !strings.Contains(text, "between 1% and 7.4%") {
		t.Errorf("%s", text)
	}
}
