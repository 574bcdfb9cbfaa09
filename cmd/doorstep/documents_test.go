package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"doorstep/internal/id"
	"doorstep/order"
)

func TestAPaidOrderHasItsInvoiceAndARefundItsCreditNote(t *testing.T) {
	t.Parallel()
	p := shared(t)
	sku, _ := p.product(t, "Ձեռագործ բաժակ "+id.Secret(4), 2500, 3)
	placed := p.buy(t, "card", "tok_visa", item(sku, 2))
	admin, path := p.admin(), "/v1/orders/"+placed.text("order.id")
	documents := func(n int) reply {
		var all reply
		until(t, patience, "the documents are made", func() (bool, any) {
			all = admin.get(t, path+"/documents").want(t, http.StatusOK)
			return len(all.list("data")) == n, all
		})
		return all
	}
	invoice := documents(1)
	if invoice.text("data.0.kind") != "invoice" || invoice.number("data.0.total.amount") != placed.number("order.totals.total.amount") {
		t.Fatalf("%v", invoice)
	}
	admin.post(t, path+"/refunds", m{"amount": m{"amount": 700, "currency": "EUR"}, "reason": "Late"}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusCreated)
	both := documents(2)
	if both.text("data.1.kind") != "credit_note" || both.number("data.1.total.amount") != 700 || both.text("data.1.invoice_id") != both.text("data.0.id") {
		t.Fatalf("%v", both)
	}
	for _, at := range []string{"data.0.", "data.1."} {
		file := admin.get(t, "/v1/documents/"+both.text(at+"id")).want(t, http.StatusOK)
		sum := sha256.Sum256(file.body)
		if !strings.HasPrefix(string(file.body), "%PDF-") || hex.EncodeToString(sum[:]) != both.text(at+"sha256") || file.header.Get("ETag") != `"`+both.text(at+"sha256")+`"` {
			t.Errorf("%s: %.20q %s", at, file.body, file.header.Get("ETag"))
		}
	}
	p.get(t, "/v1/documents/"+both.text("data.0.id")).want(t, http.StatusForbidden)
	p.verified(t)
}

// invoice buys, pays and invoices one more order, and gives the invoice's id. No
// jobs run in this house.
func (v *victim) invoice(t *testing.T, buyer m) string {
	t.Helper()
	c := v.post(t, "/v1/checkouts", buyer).want(t, http.StatusCreated)
	sold := v.complete(t, c, id.Secret(12), paying(c, "card", "tok_visa")).want(t, http.StatusOK).text("order.id")
	v.admin().post(t, "/v1/payments/"+v.order(t, sold).text("payments.0.id")+"/capture", nil, "Idempotency-Key", id.Secret(12)).want(t, http.StatusOK)
	if err := v.house.documents.Invoice(t.Context(), order.MoneyTaken{Ref: order.Ref{MerchantID: v.merchant, OrderID: uuid.MustParse(sold)}}); err != nil {
		t.Fatal(err)
	}
	return v.admin().get(t, "/v1/orders/"+sold+"/documents").want(t, http.StatusOK).text("data.0.id")
}
