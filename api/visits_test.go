package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"doorstep/analytics"
	"doorstep/cart"
	"doorstep/checkout"
	"doorstep/internal/money"

	"github.com/google/uuid"
)

func (f fakeCarts) Report(ctx context.Context, a cart.Access, id uuid.UUID, reports []cart.Report) (int, error) {
	e := cart.NewEvent(ctx, a.Merchant, noon, cart.StepEntered, cart.StepCart)
	if _, err := f.cart("ReportCart", &a, id, true, fmt.Sprint(len(reports), " ", e.Device, " ", e.Visitor, " ", e.Test)); err != nil {
		return 0, err
	}
	return 1, nil
}

func (f fakeCarts) Later(e cart.Event) {
	_ = f.see("Later", e.Merchant, false, nil, fmt.Sprint(e.Kind, " ", e.Step, " ", e.Journey != nil, " ", e.Checkout != nil, " ", e.Device))
}

func (f fakeCheckouts) Report(_ context.Context, who checkout.Access, id uuid.UUID, reports []cart.Report) (int, error) {
	if err := f.known("ReportCheckout", who.Merchant, id, true, checkout.ErrNotFound, reports); err != nil {
		return 0, err
	}
	if !who.Trusted && who.Secret != canary {
		return 0, checkout.ErrNotFound
	}
	return len(reports), nil
}

type fakeFigures struct{ *shop }

// head is of everybody: figures of a merchant without any are noughts.
func (f fakeFigures) head(method string, m uuid.UUID, p analytics.Period, given any) (analytics.Head, bool, error) {
	err := f.see(method, m, false, nil, given)
	p.From, p.To = "2026-03-01", "2026-03-07"
	return analytics.Head{Period: p, Zone: "Asia/Yerevan", ClosedBefore: "2026-02-22"}, m == merchant, err
}

func someFigures() analytics.Figures {
	return analytics.Figures{
		Carts: 10, Checkouts: 6, Orders: 3, Abandoned: 6, Recovered: 1, Open: 1,
		CartAbandonment: &analytics.Rate{Bps: 7000, Low: 3968, High: 8922, Of: 10},
		Value:           []money.Amount{money.Of(9000, "AMD"), money.Of(4000, "EUR")}, Lost: []money.Amount{money.Of(2500, "EUR")},
	}
}

func (f fakeFigures) Abandonment(_ context.Context, m uuid.UUID, p analytics.Period, by []string) (*analytics.Abandonment, error) {
	h, mine, err := f.head("Abandonment", m, p, fmt.Sprint(p, by))
	if err != nil || !mine {
		return &analytics.Abandonment{Head: h}, err
	}
	for _, d := range by {
		if d == "colour" {
			return nil, analytics.ErrGroup
		}
	}
	group := map[string]string{}
	for _, d := range by {
		group[d] = "=" + canary
	}
	return &analytics.Abandonment{Head: h, Total: someFigures(), Rows: []analytics.Row{{Start: "2026-03-02", Group: group, Figures: someFigures()}}}, nil
}

func (f fakeFigures) Funnel(_ context.Context, m uuid.UUID, p analytics.Period) (*analytics.Funnel, error) {
	h, mine, err := f.head("Funnel", m, p, p)
	if err != nil || !mine {
		return &analytics.Funnel{Head: h}, err
	}
	return &analytics.Funnel{Head: h, Total: someFigures(), Steps: []analytics.StepFigures{{Step: cart.StepCart, Entered: 10, Left: 2, Loss: &analytics.Rate{Bps: 4000, Of: 10}}, {Step: cart.StepOrder, Entered: 3}}}, nil
}

func (f fakeFigures) Journeys(_ context.Context, m uuid.UUID, filter analytics.Filter, cursor string, limit int) ([]analytics.Fact, string, error) {
	if err := f.see("Journeys", m, false, nil, fmt.Sprint(filter.Outcome, filter.By, cursor, limit)); err != nil || m != merchant {
		return nil, "", err
	}
	return []analytics.Fact{{ID: thing, Cart: true, Day: "2026-03-01", Started: noon, Last: noon, Outcome: analytics.Abandoned, Reached: 4, Reason: "shipping_cost", Source: "inferred", Evidence: []string{"shipping_price_jump"}, Currency: "EUR", Value: 2500, Band: "20-50", Carrier: canary}}, "inner", nil
}

func (f fakeFigures) Sales(_ context.Context, m uuid.UUID, p analytics.Period) (*analytics.Sales, error) {
	h, mine, err := f.head("Sales", m, p, p)
	if err != nil || !mine {
		return &analytics.Sales{Head: h}, err
	}
	row := analytics.SalesRow{Start: "2026-03-02", Orders: 2, Revenue: []money.Amount{money.Of(3001, "EUR")}, Average: []money.Amount{money.Of(1500, "EUR")}}
	return &analytics.Sales{Head: h, Total: row, Rows: []analytics.SalesRow{row}}, nil
}

func TestWhatAStorefrontHasSeenIsTakenInWithWhoShops(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const body = `{"events":[{"id":"1","type":"step_entered","step":"cart"},{"id":"2","type":"field_error","step":"address","field":"email"}]}`
	path := "/v1/carts/" + thing.String() + "/events"
	for _, c := range []struct {
		key    string
		header []string
		want   string
	}{
		{shopKey, []string{"User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148", "Visitor-Id", "v-1"}, "2 mobile v-1 false"},
		{shopKey, []string{"User-Agent", "Mozilla/5.0 (Linux; Android 14; SM-X710) Safari"}, "2 tablet  false"},
		{shopKey, []string{"User-Agent", "Mozilla/5.0 (Windows NT 10.0)", "Test-Traffic", "true"}, "2 desktop  true"},
		{shopKey, []string{"User-Agent", "Mozilla/5.0 (compatible; Googlebot/2.1)"}, "2 bot  false"},
		{shopKey, []string{"User-Agent", "curl/8.5", "Visitor-Id", "Ani <ani@example.com>"}, "2 other  false"},
		{rootKey, []string{"User-Agent", "Mozilla/5.0 (compatible; Googlebot/2.1)"}, "2   false"},
		{rootKey, []string{"User-Agent", "Go-http-client/1.1", "Device-Class", "tablet"}, "2 tablet  false"},
	} {
		res, got := send(t, s, http.MethodPost, path, with(c.key, append(c.header, "Cart-Secret", canary)...), body)
		if res.StatusCode != http.StatusOK || got != `{"accepted":1,"known":1}`+"\n" && got != `{"accepted":1,"known":1}` {
			t.Fatalf("%v: %d %s", c.header, res.StatusCode, got)
		}
		if given := rooms.last(t, "ReportCart").given; given != c.want {
			t.Errorf("%v: %q, want %q", c.header, given, c.want)
		}
	}
	run(t, s, []scenario{
		{name: "a cart's secret is needed", method: http.MethodPost, path: path, header: with(shopKey), body: body, status: http.StatusNotFound},
		{name: "an order is nothing to report", method: http.MethodPost, path: path, header: with(shopKey, "Cart-Secret", canary),
			body: `{"events":[{"id":"1","type":"order_placed","step":"order"}]}`, status: http.StatusUnprocessableEntity},
		{name: "nothing is nothing to report", method: http.MethodPost, path: path, header: with(shopKey, "Cart-Secret", canary), body: `{"events":[]}`, status: http.StatusUnprocessableEntity},
		{name: "checkouts have their own", method: http.MethodPost, path: "/v1/checkouts/" + thing.String() + "/events", header: with(shopKey, "Checkout-Secret", canary), body: body,
			status: http.StatusOK, want: []string{`"accepted":2`}},
	})
}

func TestAStepThatFailsIsNoted(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	phone := with(shopKey, "Cart-Secret", canary, "Checkout-Secret", canary, "User-Agent", "iPhone")
	for _, c := range []struct{ method, path, fails, want string }{
		{http.MethodGet, "/v1/carts/" + anID, "View", "step_failed cart true false mobile"},
		{http.MethodGet, "/v1/checkouts/" + anID, "ViewCheckout", "step_failed contact false true mobile"},
	} {
		rooms.fail(c.fails, errors.New("broken"))
		if res, body := send(t, s, c.method, c.path, phone, ""); res.StatusCode != http.StatusInternalServerError {
			t.Fatalf("%s: %d %s", c.path, res.StatusCode, body)
		}
		if given := rooms.last(t, "Later").given; given != c.want {
			t.Errorf("%s: %q, want %q", c.path, given, c.want)
		}
	}
	if res, _ := send(t, s, http.MethodGet, "/v1/carts/"+anID, with(shopKey, "Cart-Secret", "guessed"), ""); res.StatusCode < 400 {
		t.Error("open to everybody")
	}
}

func TestFiguresAreForWhoMaySeeThem(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	for path, want := range map[string][]string{
		"/v1/analytics/abandonment?interval=week&group_by=step,device": {`"interval":"week"`, `"time_zone":"Asia/Yerevan"`, `"rate_bps":7000`, `"low_bps":3968`, `"device":"=canary"`, `"value_lost":[{"amount":2500,"currency":"EUR"}]`, `"value_recovered":[]`},
		"/v1/analytics/funnel": {`{"step":"cart","entered":10,"left":2,"loss":{"rate_bps":4000,`, `{"step":"order","entered":3,"left":0}`},
		"/v1/analytics/carts?reason=unknown&outcome=abandoned&limit=3": {`"reason":"shipping_cost"`, `"step":"shipping"`, `"next_cursor":`},
		"/v1/analytics/sales": {`"average_value":[{"amount":1500,"currency":"EUR"}]`},
		"/v1/exports/abandonment?group_by=carrier": {
			"start,carrier,carts,checkouts,orders,abandoned,recovered,open,cart_abandonment_bps,checkout_abandonment_bps,currency,value_minor,value_lost_minor,value_recovered_minor\n" +
				"2026-03-02,'=canary,10,6,3,6,1,1,7000,,AMD,9000,0,0\n2026-03-02,'=canary,,,,,,,,,EUR,4000,2500,0\n"},
	} {
		run(t, s, []scenario{{name: path, method: http.MethodGet, path: path, header: with(rootKey), status: http.StatusOK, want: want}})
	}
	run(t, s, []scenario{{name: "a group that is none", method: http.MethodGet, path: "/v1/analytics/abandonment?group_by=colour", header: with(rootKey), status: http.StatusUnprocessableEntity, want: []string{"group_by_invalid"}}})
	if given := rooms.last(t, "Abandonment").given; given != "{  false} [colour]" {
		t.Errorf("%q", given)
	}
}
