package api

import (
	"strings"
	"testing"

	"doorstep/order"
	"doorstep/payment"
)

func TestARefundIsAskedForOnceAndNamedByItsKey(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	path := "/v1/orders/" + anID + "/refunds"
	key := func(k string) map[string]string { return with(rootKey, "Idempotency-Key", k) }
	run(t, s, []scenario{
		{name: "no key", method: "POST", path: path, header: with(rootKey), body: `{"reason":"broken"}`, status: 400, want: []string{`"code":"idempotency_key_required"`}},
		{name: "no reason", method: "POST", path: path, header: key("a"), body: `{}`, status: 422},
		{name: "empty lines are not everything", method: "POST", path: path, header: key("b"), body: `{"reason":"broken","lines":[]}`, status: 422, want: []string{"body.lines"}},
		{name: "null lines are not everything", method: "POST", path: path, header: key("b1"), body: `{"reason":"broken","lines":null}`, status: 422, want: []string{`"code":"validation_failed"`, "body.lines"}},
		{name: "nor is a null amount", method: "POST", path: path, header: key("b2"), body: `{"reason":"broken", "amount" : null}`, status: 422, want: []string{"body.amount"}},
		{name: "nor both", method: "POST", path: path, header: key("b3"), body: `{"reason":"broken","amount":{"amount":5,"currency":"EUR"},"lines":null}`, status: 422, want: []string{"body.lines"}},
		{name: "nothing", method: "POST", path: path, header: key("c"), body: `{"reason":"broken","amount":{"amount":0,"currency":"EUR"}}`, status: 422, want: []string{`"code":"refund_invalid"`, "body.amount.amount"}},
		{name: "less", method: "POST", path: path, header: key("d"), body: `{"reason":"broken","amount":{"amount":-5,"currency":"EUR"}}`, status: 422},
		{name: "other money", method: "POST", path: path, header: key("e"), body: `{"reason":"broken","amount":{"amount":5,"currency":"AMD"}}`, status: 422, want: []string{`"code":"currency_mismatch"`}},
		{name: "an amount that is a number", method: "POST", path: path, header: key("f"), body: `{"reason":"broken","amount":5}`, status: 422, want: []string{"body.amount"}},
		{name: "orders:write does not refund", method: "POST", path: path, header: with(adminKey, "Idempotency-Key", "g"), body: `{"reason":"broken"}`, status: 403, want: []string{`"scope":"refunds:write"`}},
		{name: "unknown", method: "POST", path: "/v1/orders/" + foreign + "/refunds", header: key("h"), body: `{"reason":"broken"}`, status: 404},
	})
	for _, c := range rooms.seen() {
		if c.write && c.merchant == merchant && c.method == "Refund" && c.given.(order.NewRefund).ID != refundID(merchant, "h") {
			t.Fatalf("money moved: %+v", c)
		}
	}
	const body = `{"reason":"broken","lines":[{"line_id":"` + aLine + `","quantity":1}]}`
	run(t, s, []scenario{
		{name: "lines", method: "POST", path: path, header: key("r-1"), body: body, status: 201, want: []string{`"data":[{`, `"status":"succeeded"`, `"amount":{"amount":900,"currency":"EUR"}`}, wantNot: []string{"hidden-key"}},
		{name: "again", method: "POST", path: path, header: key("r-1"), body: body, status: 201, wantHeader: map[string]string{"Idempotent-Replayed": "true"}},
		{name: "other body", method: "POST", path: path, header: key("r-1"), body: `{"reason":"other"}`, status: 422, want: []string{`"code":"idempotency_conflict"`}},
	})
	calls := rooms.seen()
	n := calls[0].given.(order.NewRefund)
	if len(calls) != 1 || n.ID != refundID(merchant, "r-1") || len(n.Lines) != 1 || n.Amount != 0 {
		t.Errorf("asked %v", calls)
	}
	send(t, s, "POST", path, key("r-2"), `{"reason":"broken","amount":{"amount":250,"currency":"EUR"}}`)
	if n := rooms.last(t, "Refund").given.(order.NewRefund); n.Amount != 250 || n.ID == refundID(merchant, "r-1") {
		t.Errorf("asked %+v", n)
	}
	rooms.fail("Refund", payment.ErrRefundTooHigh)
	run(t, s, []scenario{{name: "too much", method: "POST", path: path, header: key("r-3"), body: body, status: 409, want: []string{`"code":"refund_exceeds_captured"`}}})
}

func TestTheSameKeyOfTwoShopsNamesTwoRefunds(t *testing.T) {
	t.Parallel()
	if a, b := refundID(merchant, "k"), refundID(thing, "k"); a == b || a != refundID(merchant, "k") || a.Version() != 5 {
		t.Fatalf("%s and %s", a, b)
	}
}

func TestPaymentsAreCapturedAndVoidedByKey(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	capture, void := "/v1/payments/"+anID+"/capture", "/v1/payments/"+anID+"/void"
	key := func(k string) map[string]string { return with(rootKey, "Idempotency-Key", k) }
	run(t, s, []scenario{
		{name: "read", method: "GET", path: "/v1/payments/" + anID, header: with(rootKey), status: 200, want: []string{`"status":"captured"`, `"attempt":1`}, wantNot: []string{"hidden-key"}, wantHeader: map[string]string{"ETag": `"3"`}},
		{name: "read another", method: "GET", path: "/v1/payments/" + foreign, header: with(rootKey), status: 404, want: []string{`"code":"payment_not_found"`}},
		{name: "no key", method: "POST", path: capture, header: with(rootKey), status: 400, want: []string{`"code":"idempotency_key_required"`}},
		{name: "void without a key", method: "POST", path: void, header: with(rootKey), status: 400},
		{name: "other money", method: "POST", path: capture, header: key("1"), body: `{"amount":{"amount":5,"currency":"AMD"}}`, status: 422, want: []string{`"code":"currency_mismatch"`}},
		{name: "a null amount is not everything", method: "POST", path: capture, header: key("n"), body: `{"amount":null}`, status: 422, want: []string{"body.amount"}},
		{name: "nothing", method: "POST", path: capture, header: key("2"), body: `{"amount":{"amount":0,"currency":"EUR"}}`, status: 422, want: []string{`"code":"capture_amount_invalid"`}},
		{name: "beyond 64 bits", method: "POST", path: capture, header: key("3"), body: `{"amount":{"amount":9223372036854775808,"currency":"EUR"}}`, status: 422, want: []string{`"code":"number_out_of_range"`}},
		{name: "a reader may not", method: "POST", path: capture, header: with(appKey, "Idempotency-Key", "4"), status: 403},
	})
	for _, c := range rooms.seen() {
		if c.write {
			t.Fatalf("money moved: %+v", c)
		}
	}
	for body, want := range map[string]int64{"": 0, "{}": 0, `{"amount":{"amount":250,"currency":"EUR"}}`: 250} {
		res, answer := send(t, s, "POST", capture, key("b"+strings.Repeat("x", len(body))), body)
		if got := rooms.last(t, "Capture").given; res.StatusCode != 200 || got != want {
			t.Errorf("%q: %d, captured %v: %s", body, res.StatusCode, got, answer)
		}
	}
	run(t, s, []scenario{
		{name: "void", method: "POST", path: void, header: key("5"), status: 200, want: []string{`"id":"` + anID}},
		{name: "void another", method: "POST", path: "/v1/payments/" + foreign + "/void", header: key("6"), status: 404},
	})
	rooms.fail("Capture", payment.ErrGatewayTrouble)
	rooms.fail("Void", payment.ErrNotVoidable)
	run(t, s, []scenario{
		{name: "silence", method: "POST", path: capture, header: key("7"), status: 503, want: []string{`"code":"payment_provider_unavailable"`}},
		{name: "too late", method: "POST", path: void, header: key("8"), status: 409, want: []string{`"code":"payment_not_voidable"`}},
	})
}
