package api

import (
	"context"
	"testing"

	"doorstep/catalog"
	"doorstep/internal/id"
	"doorstep/internal/money"
	"doorstep/recommend"

	"github.com/google/uuid"
)

type fakeRecommendations struct{ *shop }

func (f fakeRecommendations) List(_ context.Context, a recommend.Ask) (*recommend.List, error) {
	if err := f.see("Recommend", a.Merchant, false, nil, a); err != nil || a.Merchant != merchant {
		return &recommend.List{ID: thing}, err
	}
	if a.Surface != recommend.Home && len(a.Seeds) == 0 {
		return nil, recommend.ErrSurface
	}
	v := &catalog.View{ID: lineID, Slug: "spoon", Title: canary, Availability: catalog.InStock, From: &money.Amount{Minor: 700, Currency: a.Currency}}
	return &recommend.List{ID: thing, Picks: []recommend.Pick{{Product: v, Reason: recommend.Why{Code: recommend.BoughtWith, Seed: thing, Orders: 37}}}}, nil
}

func (f fakeRecommendations) Seen(_ context.Context, m uuid.UUID, events []recommend.Event) error {
	return f.see("Seen", m, true, nil, events)
}

func TestAListSaysWhatItGoesWithInCodesAndNumbers(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	run(t, s, []scenario{{
		name: "beside a product", method: "GET", path: "/v1/recommendations?surface=product&product_id=" + thing.String() + "&limit=3&currency=EUR", status: 200,
		want: []string{`"reason":{"code":"bought_with","item":"` + thing.String() + `","orders":37}`, `"slug":"spoon"`, `"request_id":"` + thing.String()},
	}})
	a, _ := rooms.last(t, "Recommend").given.(recommend.Ask)
	if len(a.Seeds) != 1 || a.Seeds[0] != thing || a.Places != 3 || a.Surface != recommend.Product || a.Currency != "EUR" {
		t.Errorf("asked for %+v", a)
	}
	run(t, s, []scenario{
		{name: "no such surface", method: "GET", path: "/v1/recommendations?surface=roof", status: 422, want: []string{"query.surface"}},
		{name: "nothing to stand beside", method: "GET", path: "/v1/recommendations?surface=cart", status: 422, want: []string{"surface_invalid"}},
		{name: "another currency", method: "GET", path: "/v1/recommendations?surface=home&currency=XXX", status: 422, want: []string{"query.currency"}},
		{name: "an order with a publishable key", method: "GET", path: "/v1/recommendations?surface=post_purchase&order_id=" + thing.String(), status: 403, want: []string{"secret_key_required"}},
		{name: "a cart without its secret", method: "GET", path: "/v1/recommendations?surface=cart&cart_id=" + id.New().String(), status: 404, want: []string{"cart_not_found"}},
		{name: "a cart", method: "GET", path: "/v1/recommendations?surface=cart&cart_id=" + thing.String(), header: map[string]string{"Cart-Secret": canary}, status: 200, want: []string{"spoon"}},
		{name: "seen", method: "POST", path: "/v1/events", status: 202, body: `{"events":[{"id":"` + thing.String() + `","kind":"view","visitor":"v-1","product_id":"` + lineID.String() + `"}]}`},
		{name: "seen by nobody", method: "POST", path: "/v1/events", status: 422, body: `{"events":[{"id":"` + thing.String() + `","kind":"view","visitor":"<b>","product_id":"` + lineID.String() + `"}]}`, want: []string{"visitor"}},
	})
}
