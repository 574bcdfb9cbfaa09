package wire_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/payment"
	"doorstep/payment/sandbox"
)

func TestAHoldIsCapturedRefundedAndInTheBooks(t *testing.T) {
	t.Parallel()
	d := open(t)
	made := d.want(d.post("/v1/payment_intents", buying("pm_card_visa", "metadata[payment_id]=0199a1f0-0000-7000-8000-000000000001", "Idempotency-Key: pay:1")...), 200,
		"object=payment_intent", "status=requires_capture", "currency=eur", "amount=1000", "amount_received=0", "capture_method=manual",
		"metadata.payment_id=0199a1f0-0000-7000-8000-000000000001", "created=1772712000", "livemode=false", "payment_method_types.0=card")
	id := made.text("id")
	if !strings.HasPrefix(id, "pi_") || !strings.HasPrefix(made.text("client_secret"), id+"_secret_") || !strings.HasPrefix(made.text("latest_charge"), "ch_") {
		t.Errorf("%s", made.raw)
	}
	d.want(d.get("/v1/payment_intents/"+id, "expand[]=latest_charge"), 200, "latest_charge.object=charge", "latest_charge.payment_intent="+id, "latest_charge.captured=false",
		"latest_charge.payment_method_details.card.capture_before=1773316800")
	d.want(d.post("/v1/payment_intents/"+id+"/capture", "amount_to_capture=600"), 200, "status=succeeded", "amount_received=600", "amount_capturable=0")
	back := d.want(d.post("/v1/refunds", "payment_intent="+id, "amount=100", "metadata[refund_id]=r1"), 200, "object=refund", "status=succeeded", "amount=100", "payment_intent="+id, "metadata.refund_id=r1")
	d.want(d.get("/v1/refunds/"+back.text("id")), 200, "amount=100")
	d.want(d.post("/v1/refunds", "charge="+made.text("latest_charge")), 200, "amount=500")
	d.want(d.get("/v1/refunds", "payment_intent="+id), 200, "object=list", "data.0.amount=500", "data.1.id="+back.text("id"), "has_more=false")
	d.want(d.get("/v1/charges/"+made.text("latest_charge")), 200, "amount_captured=600", "amount_refunded=600", "refunded=true")
	all := d.g.All()
	if len(all) != 1 || all[0].Key != "pay:1" || all[0].PaymentID != "0199a1f0-0000-7000-8000-000000000001" || all[0].Captured != 600 || all[0].Refunded != 600 || all[0].Status != payment.Captured {
		t.Errorf("%+v", all)
	}
	if r, err := d.g.Find(t.Context(), "pay:1"); err != nil || r.GatewayID != id {
		t.Errorf("in the process: %+v %v", r, err)
	}
}

func TestWhatIsRefusedIsSaidAsStripeSaysIt(t *testing.T) {
	t.Parallel()
	d := open(t)
	held, let := d.hold(), d.hold()
	taken := d.hold()
	d.want(d.post("/v1/payment_intents/"+taken+"/capture"), 200, "amount_received=1000")
	d.want(d.post("/v1/payment_intents/"+let+"/cancel", "cancellation_reason=abandoned"), 200, "status=canceled", "cancellation_reason=abandoned", "canceled_at=1772712000")
	spent := d.hold()
	d.want(d.post("/v1/payment_intents/"+spent+"/capture"), 200)
	d.want(d.post("/v1/refunds", "payment_intent="+spent), 200, "amount=1000")
	bank := d.hold()
	d.want(d.post("/v1/payment_intents/"+bank+"/capture"), 200)
	d.want(d.post("/gateway/"+bank+"/dispute"), 200, "latest_charge.disputed=true")
	for _, c := range []struct {
		name, path string
		words      []string
		status     int
		want       []string
	}{
		{"capture above the hold", held + "/capture", []string{"amount_to_capture=1001"}, 400, []string{"error.code=amount_too_large", "error.type=invalid_request_error", "error.param=amount_to_capture"}},
		{"capture of nothing", held + "/capture", []string{"amount_to_capture=0"}, 400, []string{"error.code=parameter_invalid_integer"}},
		{"capture of what was let go", let + "/capture", nil, 400, []string{"error.code=payment_intent_unexpected_state", "error.payment_intent.status=canceled", "error.payment_intent.id=" + let}},
		{"capture twice", taken + "/capture", nil, 400, []string{"error.payment_intent.status=succeeded", "error.payment_intent.amount_received=1000"}},
		{"cancel of what was taken", taken + "/cancel", nil, 400, []string{"error.code=payment_intent_unexpected_state"}},
		{"cancel for a strange reason", held + "/cancel", []string{"cancellation_reason=boredom"}, 400, []string{"error.param="}},
		{"confirm of what is held", held + "/confirm", []string{"payment_method=pm_card_visa"}, 400, []string{"error.payment_intent.status=requires_capture"}},
		{"refund of a hold", "", []string{"payment_intent=" + held}, 400, []string{"error.code=payment_intent_unexpected_state"}},
		{"refund above what was taken", "", []string{"payment_intent=" + taken, "amount=1001"}, 400, []string{"error.code=amount_too_large"}},
		{"refund of what went back", "", []string{"payment_intent=" + spent}, 400, []string{"error.code=charge_already_refunded"}},
		{"refund of what the bank decides", "", []string{"payment_intent=" + bank, "amount=1"}, 400, []string{"error.code=charge_disputed"}},
		{"refund of nobody", "", []string{"amount=1"}, 400, []string{"error.code=parameter_missing"}},
		{"refund of the unknown", "", []string{"payment_intent=pi_none"}, 404, []string{"error.code=resource_missing"}},
		{"capture of the unknown", "pi_none/capture", nil, 404, []string{"error.code=resource_missing"}},
		{"cancel of the unknown", "pi_none/cancel", nil, 404, []string{"error.code=resource_missing"}},
		{"confirm of the unknown", "pi_none/confirm", nil, 404, []string{"error.code=resource_missing"}},
	} {
		path := "/v1/payment_intents/" + c.path
		if c.path == "" {
			path = "/v1/refunds"
		}
		r := d.post(path, c.words...)
		if r.status != c.status {
			t.Errorf("%s: %d %s", c.name, r.status, r.raw)
		}
		for _, w := range c.want {
			at, value, _ := strings.Cut(w, "=")
			if got := r.text(at); got != value && value != "" {
				t.Errorf("%s: want %s: %s", c.name, w, r.raw)
			}
		}
	}
	d.want(d.get("/v1/payment_intents/"+held), 200, "status=requires_capture", "amount_received=0")
	d.want(d.get("/v1/payment_intents/"+taken, "expand[]=latest_charge"), 200, "amount_received=1000", "latest_charge.amount_refunded=0")
}

func TestCardsDoWhatTheirNamesSay(t *testing.T) {
	t.Parallel()
	d := open(t)
	for card, wanted := range map[string]string{
		"pm_card_visa":                "status=requires_capture",
		"tok_visa":                    "status=requires_capture",
		"tok_slow":                    "status=requires_capture",
		"pm_card_visa_chargeDeclined": "error.type=card_error error.code=card_declined error.decline_code=generic_decline error.payment_intent.status=requires_payment_method",
		"tok_declined":                "error.code=card_declined error.payment_intent.last_payment_error.code=card_declined",
		"pm_card_visa_chargeDeclinedInsufficientFunds": "error.code=card_declined error.decline_code=insufficient_funds",
		"pm_card_chargeDeclinedExpiredCard":            "error.code=expired_card error.decline_code=expired_card",
		"pm_card_chargeDeclinedFraudulent":             "error.code=card_declined error.decline_code=fraudulent",
		"pm_card_authenticationRequired":               "status=requires_action next_action.type=redirect_to_url",
	} {
		r := d.post("/v1/payment_intents", buying(card)...)
		status := 200
		want := strings.Fields(wanted)
		if strings.HasPrefix(wanted, "error") {
			status = http.StatusPaymentRequired
		}
		d.want(r, status, want...)
	}
	d.want(d.post("/v1/payment_intents", buying("pm_card_nobody")...), 400, "error.code=resource_missing", "error.param=payment_method")
	if n := len(d.g.All()); n != 9 {
		t.Errorf("%d charges", n)
	}
	d.want(d.post("/v1/payment_intents", buying("tok_500_after_charge", "Idempotency-Key: k")...), 500, "error.type=api_error")
	d.want(d.post("/v1/payment_intents", buying("tok_500_after_charge", "Idempotency-Key: k")...), 500, "error.type=api_error")
	if n := len(d.g.All()); n != 10 {
		t.Errorf("%d charges", n)
	}
}

func TestAPaymentIntentIsMadeFirstAndConfirmedLater(t *testing.T) {
	t.Parallel()
	d := open(t)
	made := d.want(d.post("/v1/payment_intents", "amount=1000", "currency=USD", "automatic_payment_methods[enabled]=true", "capture_method=automatic"), 200,
		"status=requires_payment_method", "currency=usd", "latest_charge=", "payment_method_types.1=link", "capture_method=automatic")
	at := "/v1/payment_intents/" + made.text("id")
	d.want(d.post(at+"/confirm"), 400, "error.code=payment_intent_unexpected_state")
	d.want(d.post(at+"/confirm", "payment_method=pm_card_visa_chargeDeclined"), 402, "error.payment_intent.id="+made.text("id"))
	d.want(d.get(at), 200, "status=requires_payment_method", "last_payment_error.code=card_declined", "payment_method=")
	d.want(d.post(at+"/confirm", "payment_method=pm_card_authenticationRequired", "return_url=https://shop.example/"), 200, "status=requires_action",
		"next_action.redirect_to_url.url=https://bank.example/3ds/"+made.text("id"))
	if err := d.g.Authenticate(made.text("id"), true); err != nil {
		t.Fatal(err)
	}
	d.want(d.get(at), 200, "status=succeeded", "amount_received=1000", "last_payment_error=")
	waiting := d.want(d.post("/v1/payment_intents", "amount=5", "currency=eur", "payment_method=pm_card_visa"), 200, "status=requires_confirmation").text("id")
	d.want(d.post("/v1/payment_intents/"+waiting+"/confirm"), 200, "status=succeeded")
}

func TestTheBuyerAnswersTheBankOnItsPage(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[string]string{"success": "requires_capture", "fail": "requires_payment_method"} {
		d := open(t)
		id := d.want(d.post("/v1/payment_intents", buying("pm_card_authenticationRequired")...), 200).text("id")
		for i, status := range []int{200, 404} {
			r, err := d.ask(t.Context(), "POST", "/3ds/"+id, "outcome="+outcome)
			if err == nil || r.status != status || !strings.Contains(r.raw, "<h1>Your bank</h1>") {
				t.Errorf("%s, time %d: %d %v %s", outcome, i, r.status, err, r.raw)
			}
		}
		d.want(d.get("/v1/payment_intents/"+id), 200, "status="+want)
		if r, err := d.ask(t.Context(), "GET", "/3ds/"+id); err == nil || !strings.Contains(r.raw, `name="outcome"`) {
			t.Errorf("the page: %s", r.raw)
		}
	}
}

func TestOnlySecretTestKeysMayAsk(t *testing.T) {
	t.Parallel()
	d := open(t)
	for header, status := range map[string]int{
		"Bearer sk_test_x": 200, "Bearer rk_test_x": 200, "Basic c2tfdGVzdF94Og==": 200,
		"": 401, "Bearer ": 401, "Bearer pk_test_x": 401, "Bearer sk_live_x": 401, "sk_test_x": 401, "Basic eDp5": 401,
	} {
		for _, path := range []string{"/v1/payment_intents", "/gateway/trace"} {
			r := d.get(path, "Authorization: "+header)
			if r.status != status || status == 401 && r.text("error.type") != "invalid_request_error" || strings.Contains(r.raw, "sk_live_x") {
				t.Errorf("%q: %d %s", header, r.status, r.raw)
			}
		}
	}
}

func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	t.Parallel()
	d := open(t)
	for _, c := range []struct{ words, param string }{
		{"currency=eur", "amount"}, {"amount=5", "currency"}, {"amount=5 currency=euro", "currency"}, {"amount=5 currency=e1r", "currency"},
		{"amount=-5 currency=eur", "amount"}, {"amount=5.5 currency=eur", "amount"}, {"amount=100000000 currency=eur", "amount"}, {"amount=1e3 currency=eur", "amount"},
		{"amount=1001 currency=kwd", "amount"}, {"amount=5 currency=eur capture_method=later", "capture_method"},
		{"amount=5 currency=eur colour=red", "colour"}, {"amount=5 amount=6 currency=eur", "amount"},
		{"amount=5 currency=eur confirm=true payment_method_types[]=card", "payment_method"},
		{"amount=5 currency=eur confirm=true payment_method=pm_card_visa", "return_url"},
		{"amount=5 currency=eur payment_method_types[]=shells", "payment_method_types"},
		{"amount=5 currency=eur payment_method_types[]=card automatic_payment_methods[enabled]=true", "payment_method_types"},
		{"amount=5 currency=eur metadata[" + strings.Repeat("k", 41) + "]=v", "metadata[" + strings.Repeat("k", 41) + "]"},
		{"amount=5 currency=eur metadata[k]=" + strings.Repeat("v", 501), "metadata[k]"},
	} {
		d.want(d.post("/v1/payment_intents", strings.Fields(c.words)...), 400, "error.type=invalid_request_error", "error.param="+c.param)
	}
	for _, words := range []string{"limit=0", "limit=101", "limit=x", "created=x", "created[around]=5", "starting_after=pi_none"} {
		d.want(d.get("/v1/payment_intents", words), 400, "error.type=invalid_request_error")
	}
	d.want(d.post("/v1/payment_intents", "metadata[k]="+strings.Repeat("v", 70_000)), 413)
	d.want(d.post("/v1/payment_intents", "Content-Type: application/json"), 400)
	d.want(d.get("/v1/balance"), 404, "error.type=invalid_request_error")
	for _, path := range []string{"payment_intents/pi_x", "charges/ch_x", "refunds/re_x", "events/evt_x"} {
		d.want(d.get("/v1/"+path), 404, "error.code=resource_missing")
	}
	if n := len(d.g.All()); n != 0 {
		t.Errorf("%d charges", n)
	}
}

func TestAListGoesThroughEverythingPageByPage(t *testing.T) {
	t.Parallel()
	d := open(t)
	var made []string
	for range 7 {
		made = append(made, d.hold())
		d.clock.Advance(time.Minute)
	}
	var seen []string
	after := []string{"limit=3"}
	for {
		page := d.want(d.get("/v1/payment_intents", after...), 200, "object=list", "url=/v1/payment_intents")
		for _, o := range page.at("data").([]any) {
			seen = append(seen, o.(map[string]any)["id"].(string))
		}
		if page.at("has_more") != true {
			break
		}
		after = []string{"limit=3", "starting_after=" + seen[len(seen)-1]}
	}
	if len(seen) != 7 || seen[0] != made[6] || seen[6] != made[0] {
		t.Errorf("%v of %v", seen, made)
	}
	d.want(d.get("/v1/payment_intents", "created[gte]=1772712120", "created[lt]=1772712240", "expand[]=data.latest_charge"), 200,
		"data.0.id="+made[3], "data.1.id="+made[2], "data.2=", "data.0.latest_charge.object=charge")
	d.want(d.get("/v1/payment_intents", "created[gt]=1772712300", "created[lte]=1772712360"), 200, "data.0.id="+made[6], "data.1=")
	d.want(d.get("/v1/charges", "payment_intent="+made[1]), 200, "data.0.payment_intent="+made[1], "data.1=")
}

func TestNewsAreListed(t *testing.T) {
	t.Parallel()
	d := open(t)
	id := d.hold("Idempotency-Key: k1")
	d.want(d.post("/v1/payment_intents/"+id+"/capture"), 200)
	d.want(d.post("/gateway/"+id+"/refund", "amount=100"), 200, "latest_charge.amount_refunded=100")
	d.want(d.post("/gateway/"+id+"/fail_refund", "refund="+d.get("/v1/refunds").text("data.0.id")), 200, "latest_charge.amount_refunded=0")
	d.want(d.post("/gateway/"+id+"/dispute"), 200)
	d.want(d.post("/gateway/"+id+"/dispute"), 409)
	d.want(d.post("/gateway/"+id+"/close_dispute", "won=true"), 200)
	d.want(d.get("/v1/disputes", "payment_intent="+id), 200, "data.0.status=won", "data.0.amount=1000")
	news := d.want(d.get("/v1/events"), 200,
		"data.0.type=charge.dispute.closed", "data.0.data.object.status=won", "data.0.data.object.payment_intent="+id,
		"data.1.type=charge.dispute.created", "data.2.type=charge.refund.updated", "data.2.data.object.status=failed",
		"data.3.type=charge.refunded", "data.3.data.object.amount_refunded=100", "data.4.type=payment_intent.succeeded", "data.4.data.object.amount_received=1000",
		"data.5.type=payment_intent.amount_capturable_updated", "data.5.request.idempotency_key=k1", "data.6.type=payment_intent.created", "data.6.api_version=2023-10-16")
	d.want(d.get("/v1/events/"+news.text("data.4.id")), 200, "type=payment_intent.succeeded")
	d.want(d.get("/v1/events", "type=charge.refunded"), 200, "data.0.type=charge.refunded", "data.1=")
	d.want(d.get("/v1/events", "types[0]=charge.refunded", "types[1]=payment_intent.created"), 200, "data.1.type=payment_intent.created", "data.2=")
	d.clock.Advance(31 * 24 * time.Hour)
	d.want(d.get("/v1/events"), 200, "data.0=")
}

func TestAnIdempotencyKeyIsGoodForADay(t *testing.T) {
	t.Parallel()
	d := open(t)
	first := d.want(d.post("/v1/payment_intents", buying("pm_card_visa", "Idempotency-Key: k")...), 200)
	if first.header.Get("Idempotent-Replayed") != "" || first.header.Get("Request-Id") == "" {
		t.Errorf("%v", first.header)
	}
	d.want(d.post("/v1/payment_intents/"+first.text("id")+"/capture", "Idempotency-Key: c"), 200)
	again := d.want(d.post("/v1/payment_intents", buying("pm_card_visa", "Idempotency-Key: k")...), 200, "status=requires_capture")
	if again.raw != first.raw || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%s, then %s %v", first.raw, again.raw, again.header)
	}
	for _, other := range [][]string{buying("pm_card_visa", "metadata[k]=v"), buying("pm_card_mastercard"), {}} {
		d.want(d.post("/v1/payment_intents", append(other, "Idempotency-Key: k")...), 400, "error.type=idempotency_error")
	}
	d.want(d.post("/v1/refunds", "payment_intent="+first.text("id"), "Idempotency-Key: k"), 400, "error.type=idempotency_error")
	d.want(d.post("/v1/payment_intents", buying("tok_declined", "Idempotency-Key: no")...), 402)
	if r := d.want(d.post("/v1/payment_intents", buying("tok_declined", "Idempotency-Key: no")...), 402); r.header.Get("Idempotent-Replayed") != "true" {
		t.Error("a refusal is not remembered")
	}
	d.want(d.post("/v1/payment_intents", "amount=x", "Idempotency-Key: v"), 400, "error.param=amount")
	d.want(d.post("/v1/payment_intents", buying("pm_card_visa", "Idempotency-Key: v")...), 200)
	if n := len(d.g.All()); n != 3 {
		t.Fatalf("%d charges", n)
	}
	d.clock.Advance(24*time.Hour - time.Second)
	d.want(d.post("/v1/payment_intents", buying("pm_card_visa", "Idempotency-Key: k")...), 200, "id="+first.text("id"))
	d.clock.Advance(time.Second)
	if r := d.want(d.post("/v1/payment_intents", buying("pm_card_visa", "Idempotency-Key: k")...), 200); r.text("id") == first.text("id") {
		t.Error("a key is remembered for ever")
	}
}

func TestManyRequestsWithOneKeyAreOnePayment(t *testing.T) {
	t.Parallel()
	d := open(t)
	d.g.SlowFor = 20 * time.Millisecond
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			r, err := d.ask(t.Context(), "POST", "/v1/payment_intents", buying("tok_slow", "Idempotency-Key: k")...)
			if err != nil || r.status != 200 && (r.status != 409 || r.text("error.code") != "idempotency_key_in_use") {
				t.Errorf("%d %s %v", r.status, r.raw, err)
			}
		})
	}
	all.Wait()
	if n := len(d.g.All()); n != 1 {
		t.Errorf("%d charges", n)
	}
}

func TestAHoldEndsAfterItsWeek(t *testing.T) {
	t.Parallel()
	d := open(t)
	id := d.hold()
	d.clock.Advance(7*24*time.Hour - time.Second)
	d.want(d.get("/v1/payment_intents/"+id), 200, "status=requires_capture")
	d.clock.Advance(time.Second)
	d.want(d.post("/v1/payment_intents/"+id+"/capture"), 400, "error.payment_intent.status=canceled")
	d.want(d.get("/v1/payment_intents/"+id), 200, "status=canceled", "cancellation_reason=automatic", "amount_received=0")
	d.want(d.get("/v1/events"), 200, "data.0.type=payment_intent.canceled", "data.1.type=payment_intent.amount_capturable_updated")
}

func TestNoFaultSaysMoreThanWasDone(t *testing.T) {
	t.Parallel()
	for _, kind := range sandbox.FaultKinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			d := open(t)
			d.g.LostFor = 30 * time.Millisecond
			id := d.hold()
			d.faults.Once(sandbox.CallCapture, kind)
			r, err := d.ask(t.Context(), "POST", "/v1/payment_intents/"+id+"/capture", "amount_to_capture=400", "Idempotency-Key: c")
			done := err == nil && r.status == 200 && r.text("id") == id
			if plain := kind == sandbox.Answers || kind == sandbox.IsSlow || kind == sandbox.HearsTwice; done != plain {
				t.Errorf("%d %s %v", r.status, r.raw, err)
			}
			if kind == sandbox.Throttles && (r.status != 429 || r.header.Get("Retry-After") != "1") || strings.Contains(string(kind), "500") && r.status != 500 {
				t.Errorf("%d %v", r.status, r.header)
			}
			want := "succeeded"
			if !kind.Does() {
				want = "requires_capture"
			}
			d.want(d.get("/v1/payment_intents/"+id), 200, "status="+want)
			again := d.post("/v1/payment_intents/"+id+"/capture", "amount_to_capture=400", "Idempotency-Key: c")
			if kind == sandbox.BreaksAfter {
				d.want(again, 500)
			} else {
				d.want(again, 200, "status=succeeded", "amount_received=400")
			}
		})
	}
}

func TestAFaultCanBeAskedFor(t *testing.T) {
	t.Parallel()
	d := open(t)
	id := d.hold()
	d.want(d.post("/gateway/faults", "call=capture", "kind="+string(sandbox.BreaksBefore)), 200, "call=capture")
	d.want(d.post("/v1/payment_intents/"+id+"/capture"), 500, "error.type=api_error")
	d.want(d.post("/v1/payment_intents/"+id+"/capture"), 200, "status=succeeded")
	d.want(d.post("/gateway/faults", "call=capture", "kind=bad mood"), 400, "kinds.0=answers", "calls.5=list")
	d.want(d.post("/gateway/faults", "Authorization: Bearer x"), 401)
	d.want(d.get("/gateway/trace"), 200, "calls.1=capture 1: does nothing, answers 500", "calls.2=capture 2: answers")
}

func TestTheClockOfAManualGatewayIsNotTurnedFromOutside(t *testing.T) {
	t.Parallel()
	d := open(t)
	for _, words := range []string{"seconds=5", "seconds=-5", "seconds=x", ""} {
		d.want(d.post("/gateway/clock", strings.Fields(words)...), 400)
	}
}
