package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"doorstep/payment"

	"github.com/google/uuid"
)

type fakeDifferences struct{ *shop }

func theDifference() payment.Difference {
	return payment.Difference{
		MerchantID: merchant, ID: thing, Kind: payment.AmountDiffers, Provider: "sandbox", Subject: anID, PaymentID: &thing, OrderID: &thing, GatewayID: "ch_1",
		Status: payment.DifferenceOpen, Detail: "900 taken there, 1000 here " + canary, HereMinor: 1000, ThereMinor: 900, Currency: "EUR", FoundAt: noon, LastSeenAt: noon,
	}
}

func (f fakeDifferences) Differences(_ context.Context, m uuid.UUID, status, kind, cursor string, limit int) ([]payment.Difference, string, error) {
	if err := f.see("Differences", m, false, nil, fmt.Sprint(status, " ", kind, " ", cursor, " ", limit)); err != nil || m != merchant {
		return nil, "", err
	}
	if cursor != "" {
		return []payment.Difference{theDifference()}, "", nil
	}
	return []payment.Difference{theDifference()}, "there-is-more", nil
}

func (f fakeDifferences) Resolve(_ context.Context, m, id uuid.UUID, by, note string) (*payment.Difference, error) {
	if err := f.known("Resolve", m, id, true, payment.ErrDifferenceNotFound, by+" "+note); err != nil {
		return nil, err
	}
	d := theDifference()
	at := noon
	d.Status, d.ClosedBy, d.Note, d.ClosedAt = payment.DifferenceResolved, by, note, &at
	return &d, nil
}

func TestDifferencesAreListedAndResolvedByAPerson(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const list, resolve = "/v1/payment-differences", "/v1/payment-differences/" + anID + "/resolve"
	run(t, s, []scenario{
		{name: "all", method: http.MethodGet, path: list, header: with(rootKey), status: http.StatusOK, want: []string{
			`"kind":"amount_differs"`, `"here":{"amount":1000,"currency":"EUR"}`, `"there":{"amount":900,"currency":"EUR"}`, `"next_cursor"`,
		}},
		{name: "of no status", method: http.MethodGet, path: list + "?status=lost", header: with(rootKey), status: http.StatusUnprocessableEntity},
		{name: "of no kind", method: http.MethodGet, path: list + "?kind=lost", header: with(rootKey), status: http.StatusUnprocessableEntity},
		{name: "too many at once", method: http.MethodGet, path: list + "?limit=101", header: with(rootKey), status: http.StatusUnprocessableEntity},
		{name: "another list's cursor", method: http.MethodGet, path: list + "?cursor=" + pageCursor(stockList, "x"), header: with(rootKey), status: http.StatusUnprocessableEntity, want: []string{`"cursor_invalid"`}},
		{name: "a shopper", method: http.MethodGet, path: list, header: with(shopKey, "Origin", "https://shop.example"), status: http.StatusForbidden},
		{name: "without a word", method: http.MethodPost, path: resolve, header: with(rootKey), body: `{"note":""}`, status: http.StatusUnprocessableEntity},
		{name: "by a reader", method: http.MethodPost, path: resolve, header: with("ds_sk_reader"), body: `{"note":"fine"}`, status: http.StatusUnauthorized},
		{name: "another's", method: http.MethodPost, path: "/v1/payment-differences/" + foreign + "/resolve", header: with(rootKey), body: `{"note":"fine"}`, status: http.StatusNotFound, want: []string{`"difference_not_found"`}},
		{name: "resolved", method: http.MethodPost, path: resolve, header: with(rootKey), body: `{"note":"given back in cash"}`, status: http.StatusOK, want: []string{`"status":"resolved"`, `"closed_at":"2026-03-01T12:00:00Z"`}},
	})
	if got := fmt.Sprint(rooms.last(t, "Resolve").given); !strings.HasPrefix(got, "api_key:") || !strings.HasSuffix(got, " given back in cash") {
		t.Errorf("resolved %q", got)
	}
	if res, body := send(t, s, http.MethodGet, list+"?status=open&kind=capture_due&limit=3&cursor="+pageCursor(differenceList, "inner"), with(rootKey), ""); res.StatusCode != http.StatusOK || strings.Contains(body, "next_cursor") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if got := rooms.last(t, "Differences").given; got != "open capture_due inner 3" {
		t.Errorf("asked %q", got)
	}
	rooms.fail("Resolve", payment.ErrDifferenceMended)
	run(t, s, []scenario{{name: "gone", method: http.MethodPost, path: resolve, header: with(rootKey), body: `{"note":"fine"}`, status: http.StatusConflict, want: []string{`"difference_mended"`}}})
}
