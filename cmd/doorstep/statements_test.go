package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doorstep/internal/id"
)

func TestATransferThatComesInTwoPartsPaysForItsOrder(t *testing.T) {
	t.Parallel()
	p := shared(t)
	admin := p.admin()
	c, _ := p.checkout(t, 3)
	placed := p.complete(t, c, id.Secret(12), paying(c, "bank_transfer", "")).want(t, http.StatusOK)
	order, number, total := placed.text("order.id"), placed.text("order.number"), placed.number("order.totals.total.amount")
	row := func(minor int64, reference string) string {
		return fmt.Sprintf("2026-03-05;%d,%02d;EUR;%s;Ani Sargsyan\n", minor/100, minor%100, reference)
	}
	const head = "Booking date;Amount;Currency;Purpose;Name\n"
	half := total / 2
	file := head + row(half, "mugs, order "+strings.ToLower(strings.ReplaceAll(number, "-", " "))) + row(100, "no number "+id.Secret(6)) + "yesterday;1,00;EUR;x;y\n"
	st := admin.post(t, "/v1/bank-statements", []byte(file), "Content-Type", "text/csv").want(t, http.StatusCreated)
	if st.number("lines.partial") != 1 || st.number("lines.unmatched") != 1 || st.number("rows_failed") != 1 || st.number("errors.0.row") != 4 {
		t.Fatalf("%v", st)
	}
	p.becomes(t, order, "payment_status", "partially_paid", "status", "pending")

	path := filepath.Join(t.TempDir(), "march.csv")
	if err := os.WriteFile(path, []byte(head+row(total-half, "the rest of "+number)), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"1 rows, 0 of them known before; 0 rows had mistakes", "1 matched"} {
		if out := must(t, p.dir, "import", "statement", path); !strings.Contains(out, want) {
			t.Errorf("%d: %q is missing in %s", i, want, out)
		}
	}
	p.becomes(t, order, "payment_status", "paid", "status", "confirmed")

	// What nobody could match is matched by hand.
	c, _ = p.checkout(t, 3)
	other := p.complete(t, c, id.Secret(12), paying(c, "bank_transfer", "")).want(t, http.StatusOK).text("order.id")
	line := admin.get(t, "/v1/bank-statements/"+st.text("id")+"/lines?status=unmatched").want(t, http.StatusOK)
	if line.text("data.0.reason_code") != "unknown_reference" || line.text("data.0.payer") != "Ani Sargsyan" {
		t.Fatalf("%v", line)
	}
	match := "/v1/bank-lines/" + line.text("data.0.id") + "/match"
	admin.post(t, match, m{"order_id": other}).want(t, http.StatusOK)
	admin.post(t, match, m{"order_id": order}).want(t, http.StatusConflict, "line_already_matched")
	p.becomes(t, other, "payment_status", "partially_paid")

	// Money for nothing that is due stays visible, and nothing breaks.
	late := admin.post(t, "/v1/bank-statements", []byte(head+row(total, number+" again")), "Content-Type", "text/csv").want(t, http.StatusCreated)
	if late.number("lines.unmatched") != 1 {
		t.Errorf("%v", late)
	}
	if code, _, said := cli(t, p.dir, "import", "statement", filepath.Join(t.TempDir(), "none.csv")); code == exitOK || !strings.Contains(said, "cannot be read") {
		t.Errorf("%d %s", code, said)
	}
	p.verified(t)
}

func TestACourierSettlesParcelsThatWerePaidAtTheDoor(t *testing.T) {
	t.Parallel()
	p := shared(t)
	admin := p.admin()
	c, _ := p.checkout(t, 3)
	placed := p.complete(t, c, id.Secret(12), paying(c, "cash_on_delivery", "")).want(t, http.StatusOK)
	order, total, parcel := placed.text("order.id"), placed.number("order.totals.total.amount"), strings.ToUpper(id.Secret(8))
	admin.post(t, "/v1/orders/"+order+"/shipments", m{"carrier": "Haypost", "tracking_number": parcel}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusCreated)
	file := []byte(fmt.Sprintf("tracking_number,amount,currency,fee\n%s,%d.%02d,EUR,1.00\n", parcel, total/100, total%100))
	for range 2 {
		st := admin.post(t, "/v1/courier-settlements", file, "Content-Type", "text/csv").want(t, http.StatusCreated)
		if st.number("lines.matched") != 1 {
			t.Fatalf("%v", st)
		}
	}
	p.becomes(t, order, "payment_status", "paid")
	p.verified(t)
}
