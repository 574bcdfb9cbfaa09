package api

import (
	"encoding/json"
	"testing"

	"doorstep/shipping"
	"doorstep/shipping/label"
)

func TestParcelsPickupsAndManifestsAreListedPageByPage(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	run(t, s, []scenario{
		{name: "parcels", method: "GET", path: "/v1/shipments", header: with(rootKey, "Accept-Language", "hy"), status: 200,
			want: []string{`"order_number":"` + goodNumber + `"`, `"trouble":"late"`, `"status_text":`, `"carrier":"canary"`}, wantNot: []string{"events", "lines", "next_cursor"}},
		{name: "not by shoppers", method: "GET", path: "/v1/shipments", status: 403},
		{name: "not with orders alone", method: "GET", path: "/v1/shipments", header: with(adminKey), status: 403},
		{name: "of no status", method: "GET", path: "/v1/shipments?status=gone", header: with(rootKey), status: 422},
		{name: "of no trouble", method: "GET", path: "/v1/shipments?trouble=bad", header: with(rootKey), status: 422},
		{name: "of no time", method: "GET", path: "/v1/shipments?from=yesterday", header: with(rootKey), status: 422},
		{name: "too many", method: "GET", path: "/v1/shipments?limit=101", header: with(rootKey), status: 422},
		{name: "a made-up cursor", method: "GET", path: "/v1/shipments?cursor=abc", header: with(rootKey), status: 422, want: []string{`"code":"cursor_invalid"`}},
		{name: "pickups", method: "GET", path: "/v1/pickups", header: with(rootKey), status: 200, want: []string{`"carrier_id":"canary"`, `"ready_at"`}},
		{name: "manifests", method: "GET", path: "/v1/manifests", header: with(rootKey), status: 200, want: []string{`"carrier_id":"canary"`, `"label_count":1`}, wantNot: []string{"documents"}},
		{name: "pickups of no status", method: "GET", path: "/v1/pickups?status=lost", header: with(rootKey), status: 422},
	})
	rooms.seen()
	cursors := map[string]string{}
	for _, list := range []string{"shipments", "pickups", "manifests"} {
		var page struct {
			Data []json.RawMessage
			Next string `json:"next_cursor"`
		}
		_, body := send(t, s, "GET", "/v1/"+list+"?limit=1", with(rootKey), "")
		if err := json.Unmarshal([]byte(body), &page); err != nil || len(page.Data) != 1 || page.Next == "" {
			t.Fatalf("%s: %v %s", list, err, body)
		}
		cursors[list] = page.Next
		if res, body := send(t, s, "GET", "/v1/"+list+"?limit=1&cursor="+page.Next, with(rootKey), ""); res.StatusCode != 200 || body != "{\"data\":[]}\n" && body != `{"data":[]}` {
			t.Errorf("%s: the next page is %d %s", list, res.StatusCode, body)
		}
	}
	if f := rooms.last(t, "ListShipments").given.(shipping.Filter); f.Last != thing || !f.Before.Equal(noon) {
		t.Errorf("the list goes on after %+v", f)
	}
	if res, _ := send(t, s, "GET", "/v1/manifests?cursor="+cursors["pickups"], with(rootKey), ""); res.StatusCode != 422 {
		t.Errorf("the cursor of another list is answered with %d", res.StatusCode)
	}
	send(t, s, "GET", "/v1/shipments?status=failed&tracking_status=delivery_failed&carrier=ups&trouble=any&from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z", with(rootKey), "")
	want := shipping.Filter{Status: "failed", TrackingStatus: "delivery_failed", Carrier: "ups", Trouble: "any", From: noon.Truncate(24 * 3600e9), To: noon.Truncate(24*3600e9).AddDate(0, 0, 1)}
	if f := rooms.last(t, "ListShipments").given.(shipping.Filter); f != want {
		t.Errorf("asked for %+v", f)
	}
	send(t, s, "GET", "/v1/pickups?status=parked", with(rootKey), "")
	if g := rooms.last(t, "Errands").given.([]any); g[0] != label.KindPickup || g[1].(label.ErrandFilter).Status != label.Parked {
		t.Errorf("asked for %v", g)
	}
}
