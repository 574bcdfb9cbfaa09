package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"testing"

	"doorstep/order"

	"github.com/google/uuid"
)

type fakeDocuments struct{ *shop }

const thePDF = "%PDF-1.7 " + canary

func theDocument() order.Document {
	return order.Document{
		MerchantID: merchant, ID: thing, Kind: order.Invoice, Number: "INV-2026-000012", OrderID: thing, Nth: 1, Locale: "hy", Currency: "EUR", Total: 2500, Tax: 417,
		Rates: json.RawMessage(`[{"rate_bps":2000,"gross":2500,"tax":417}]`), SHA256: []byte(canary), Size: int64(len(thePDF)), CreatedAt: noon,
	}
}

func (f fakeDocuments) OfOrder(_ context.Context, m, o uuid.UUID) ([]order.Document, error) {
	if !f.has("Documents", m, o) {
		return []order.Document{}, nil
	}
	return []order.Document{theDocument()}, nil
}

func (f fakeDocuments) Document(_ context.Context, m, id uuid.UUID) (*order.Document, []byte, error) {
	if err := f.known("Document", m, id, false, order.ErrDocumentNotFound, nil); err != nil {
		return nil, nil, err
	}
	d := theDocument()
	return &d, []byte(thePDF), nil
}

func TestDocumentsAreListedAndRead(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	tag := `"` + hex.EncodeToString([]byte(canary)) + `"`
	run(t, s, []scenario{
		{name: "list", method: "GET", path: "/v1/orders/" + anID + "/documents", header: with(rootKey), status: 200, want: []string{
			`"number":"INV-2026-000012"`, `"kind":"invoice"`, `"total":{"amount":2500,"currency":"EUR"}`, `"net":{"amount":2083,"currency":"EUR"}`, `"rate_bps":2000`,
		}, wantNot: []string{"%PDF"}},
		{name: "of no order", method: "GET", path: "/v1/orders/" + aLine + "/documents", header: with(rootKey), status: 404, want: []string{"order_not_found"}},
		{name: "read", method: "GET", path: "/v1/documents/" + anID, header: with(rootKey), status: 200, want: []string{thePDF}, wantHeader: map[string]string{
			"Content-Type": "application/pdf", "Content-Disposition": `inline; filename="INV-2026-000012.pdf"`, "ETag": tag,
		}},
		{name: "known", method: "GET", path: "/v1/documents/" + anID, header: with(rootKey, "If-None-Match", tag), status: 304, wantNot: []string{"%PDF"}, wantHeader: map[string]string{"ETag": tag}},
		{name: "absent", method: "GET", path: "/v1/documents/" + aLine, header: with(rootKey), status: 404, want: []string{"document_not_found"}},
		{name: "a shopper", method: "GET", path: "/v1/documents/" + anID, status: 403, wantNot: []string{"%PDF"}},
	})
}
