package api

import (
	"strings"
	"testing"
	"time"

	"doorstep/internal/locale"
	"doorstep/order"
)

func TestALinkShowsTheOrderAndNobody(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	none := map[string]string{"Authorization": ""}
	private := []string{canary, "Ani", "example.com", "labels.example", "cancel_reason", "canary Abovyan", "sb_1", "hidden"}
	run(t, s, []scenario{
		{name: "in the order's language", method: "GET", path: "/v1/track/" + goodToken, header: none, status: 200, wantNot: private,
			want: []string{`"number":"DS-7K3M-Q2XT-H"`, `"language":"hy"`, `"status_text":"Հաստատված"`, `"title":"A mug"`, `"carrier":"haypost"`, `"tracking_number":"RR123456785AM"`,
				`"estimated_delivery":{"from":"2026-02-26","to":"2026-02-28"}`, `"late":true`, `"location":"Gyumri"`, `"occurred_at":"2026-03-01T16:00:00+04:00"`, `"line_id":"` + aLine + `"`, `"returnable":0`,
				`"carrier_name":"HayPost"`, `"lines":[{"line_id":"` + aLine + `","quantity":2}]`, `"shop":{"name":"The Mugs","email":"help@shop.example","timezone":"UTC","return_window_days":30}`,
				`"promise":{"from":"2026-02-26","to":"2026-02-28","state":"late","why":"unknown","late_since":"2026-03-01"}`, `"method":"card","method_text":"Բանկային քարտ"`,
				`"paid":{"amount":2300,"currency":"EUR"}`, `"refunds":[{"amount":{"amount":900,"currency":"EUR"},"status":"succeeded"`, `"documents":[{"id":"`, `"cancelable":true`, `"returns":[{"id":"`, `"number":"RMA-7K3M-Q2XT-H"`, `"status_text":"Հաստատված"`}},
		{name: "in the reader's", method: "GET", path: "/v1/track/" + goodToken, header: map[string]string{"Authorization": "", "Accept-Language": "km"}, status: 200, wantNot: private,
			want: []string{`"language":"km"`, `"status_text":"កំពុងដឹកជញ្ជូន"`}},
		{name: "forged", method: "GET", path: "/v1/track/forged", header: none, status: 404, want: []string{`"code":"link_invalid"`}, wantNot: []string{"forged"}},
		{name: "endless", method: "GET", path: "/v1/track/" + strings.Repeat("a", 201), header: none, status: 422},
	})
}

func TestAnOrderIsFoundByNumberAndEmailAndAMissSaysNothing(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const path = "/v1/order-lookups"
	run(t, s, []scenario{
		{name: "found", method: "POST", path: path, body: `{"number":"DS-7K3M-Q2XT-H","email":"ani@example.com"}`, status: 200,
			want: []string{`"tracking_url":"https://shop.example/track/DS-7K3M-Q2XT-H"`, `"shipments":[{`}, wantNot: []string{canary, "Ani", "ani@example.com"}},
		{name: "no key", method: "POST", path: path, header: map[string]string{"Authorization": ""}, body: `{}`, status: 401},
		{name: "no e-mail", method: "POST", path: path, body: `{"number":"DS-7K3M-Q2XT-H"}`, status: 422},
	})
	rooms.seen()
	var first string
	for _, body := range []string{
		`{"number":"DS-7K3M-Q2XT-H","email":"eve@example.com"}`, `{"number":"DS-0000-0000-0","email":"ani@example.com"}`, `{"number":"?","email":"no e-mail at all"}`,
	} {
		res, answer := send(t, s, "POST", path, map[string]string{"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, body)
		if first == "" {
			first = answer
		}
		if res.StatusCode != 404 || answer != first {
			t.Errorf("%s: %d %s", body, res.StatusCode, answer)
		}
		if ip := rooms.last(t, "ByNumberAndEmail").given; ip != "0.0.0.0" {
			t.Errorf("counted for the address %v", ip)
		}
	}
	rooms.fail("ByNumberAndEmail", order.ErrTooManyTries.After(time.Minute))
	run(t, s, []scenario{{name: "throttled", method: "POST", path: path, body: `{"number":"DS-7K3M-Q2XT-H","email":"ani@example.com"}`, status: 429,
		want: []string{`"code":"too_many_attempts"`}, wantHeader: map[string]string{"Retry-After": "60"}}})
}

func TestALateOrderIsCalledLateUntilItHasArrived(t *testing.T) {
	t.Parallel()
	from, to := noon.AddDate(0, 0, -2), noon
	tracked := func(status order.Status, fulfilment string) *order.Tracking {
		return &order.Tracking{Status: status, FulfillmentStatus: fulfilment, Currency: "EUR", Option: order.ShippingOption{From: &from, To: &to}}
	}
	day := 24 * time.Hour
	for _, c := range []struct {
		now        time.Time
		status     order.Status
		fulfilment string
		late       bool
	}{
		{noon, order.StatusConfirmed, "unfulfilled", false},
		{noon.Add(day), order.StatusConfirmed, "unfulfilled", true},
		{noon.Add(day), order.StatusConfirmed, "fulfilled", true},
		{noon.Add(day), order.StatusCompleted, "delivered", false},
		{noon.Add(day), order.StatusCanceled, "unfulfilled", false},
	} {
		if got := trackedOf(tracked(c.status, c.fulfilment), locale.En, c.now).Late; got != c.late {
			t.Errorf("%+v: late is %v", c, got)
		}
	}
}
