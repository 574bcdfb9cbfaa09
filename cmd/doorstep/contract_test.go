package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"doorstep/internal/dbtest"
)

// contractFile is the contract as it was agreed.
const contractFile = "../../docs/openapi.json"

// promised are the routes of this release.
const promised = `
GET /health/live
GET /health/ready
GET /version
GET /v1/products
POST /v1/products
GET /v1/products/{id_or_slug}
PATCH /v1/products/{id_or_slug}
DELETE /v1/products/{id_or_slug}
PUT /v1/variants/{id}/prices
POST /v1/imports
GET /v1/imports
GET /v1/imports/{id}
GET /v1/imports/{id}/errors
GET /v1/exports/products
GET /v1/exports/orders
GET /v1/settings
PATCH /v1/settings
POST /v1/stock/adjustments
GET /v1/stock
GET /v1/search
GET /v1/search/suggest
POST /v1/carts
GET /v1/carts/{id}
DELETE /v1/carts/{id}
POST /v1/carts/{id}/items
PATCH /v1/carts/{id}/items/{line_id}
DELETE /v1/carts/{id}/items/{line_id}
POST /v1/carts/{id}/clear
POST /v1/carts/{id}/undo
POST /v1/carts/{id}/discount-codes/{code}
DELETE /v1/carts/{id}/discount-codes/{code}
POST /v1/carts/{id}/merge
POST /v1/checkouts
GET /v1/checkouts/{id}
PATCH /v1/checkouts/{id}
POST /v1/checkouts/{id}/complete
POST /v1/checkouts/{id}/cancel
GET /v1/orders
GET /v1/orders/{id}
POST /v1/orders/{id}/cancel
GET /v1/track/{token}
POST /v1/order-lookups
GET /v1/orders/{id}/payments
POST /v1/payments/{id}/capture
POST /v1/payments/{id}/void
POST /v1/orders/{id}/refunds
POST /v1/shipping/quotes
POST /v1/shipping/simulate
POST /v1/orders/{id}/shipments
POST /v1/shipments/{id}/events
GET /v1/promotions
POST /v1/promotions
POST /v1/promotions/{id}/codes
GET /v1/tax-rates
POST /v1/tax-rates
`

// TestTheDocumentIsTheContract compares what the running program says of itself
// with the file that clients are made from.
func TestTheDocumentIsTheContract(t *testing.T) {
	t.Parallel()
	p := shared(t)
	served := p.get(t, "/openapi.json", "Authorization", "").want(t, http.StatusOK)
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, served.body, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	if *update {
		if err := os.WriteFile(contractFile, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(contractFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, pretty.Bytes()) {
		t.Errorf("the document is no longer %s at %s; make openapi writes it anew", contractFile, difference(string(kept), pretty.String()))
	}

	var document struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string         `json:"operationId"`
			Auth        string         `json:"x-auth"`
			Responses   map[string]any `json:"responses"`
		} `json:"paths"`
	}
	served.into(t, &document)
	if !strings.HasPrefix(document.OpenAPI, "3.1") {
		t.Errorf("OpenAPI %s", document.OpenAPI)
	}
	for line := range strings.Lines(strings.TrimSpace(promised)) {
		method, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		op, ok := document.Paths[path][strings.ToLower(method)]
		switch {
		case !ok:
			t.Errorf("%s %s is promised and missing", method, path)
		case op.OperationID == "" || op.Auth == "" || len(op.Responses) < 2:
			t.Errorf("%s %s says too little: %+v", method, path, op)
		}
	}
	for path := range document.Paths {
		if strings.HasPrefix(path, "/dev") || strings.HasPrefix(path, "/demo") {
			t.Errorf("%s is in the contract", path)
		}
	}
}

// difference is the first line that two texts do not share.
func difference(a, b string) string {
	was, is := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(was), len(is)) {
		if was[i] != is[i] {
			return "line " + strings.TrimSpace(was[i]) + ", now " + strings.TrimSpace(is[i])
		}
	}
	return "its end"
}

// TestServeAndDemoShareOneContract makes sure that the helpers of the demo, and
// where a program listens, leave no trace in the document.
func TestServeAndDemoShareOneContract(t *testing.T) {
	t.Parallel()
	s := start(t, dbtest.Folder(t), "serve")
	a, b := s.get(t, "/openapi.json").want(t, http.StatusOK), shared(t).get(t, "/openapi.json").want(t, http.StatusOK)
	if !bytes.Equal(a.body, b.body) {
		t.Error(difference(string(a.body), string(b.body)))
	}
}

func TestThePagesExplainEveryRouteAndEveryCode(t *testing.T) {
	t.Parallel()
	p := shared(t)
	list := string(p.get(t, "/docs/errors", "Authorization", "").want(t, http.StatusOK).body)
	codes := codesDeclared()
	if len(codes) < 100 {
		t.Errorf("only %d codes", len(codes))
	}
	for _, code := range codes {
		if !strings.Contains(list, `id="`+code+`"`) {
			t.Errorf("%s is not explained", code)
		}
	}
	page := p.get(t, "/docs", "Authorization", "").want(t, http.StatusOK)
	for line := range strings.Lines(strings.TrimSpace(promised)) {
		_, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.Contains(string(page.body), path) {
			t.Errorf("%s is not on the page", path)
		}
	}
	for _, outside := range []string{"src=\"http", "href=\"http", "url(http", "@import", "<script"} {
		if strings.Contains(string(page.body), outside) || strings.Contains(list, outside) {
			t.Errorf("the pages need the network: %s", outside)
		}
	}
	// What a problem calls itself leads to its explanation.
	refused := p.get(t, "/v1/orders").want(t, http.StatusForbidden)
	path, anchor, _ := strings.Cut(refused.text("type"), "#")
	if path != "/docs/errors" || !slices.Contains(codes, anchor) || refused.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("problem: %v", refused)
	}
}
