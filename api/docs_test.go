package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

func TestTheExamplesOfThePageKeepTheContract(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	registry := s.huma.OpenAPI().Components.Schemas
	known := map[string]bool{}
	for _, p := range contract(t, s) {
		id := p.route.ID
		known[id] = true
		example, there := examples[id]
		switch {
		case strings.HasPrefix(example, "?"):
			for part := range strings.SplitSeq(example[1:], "&") {
				name, _, _ := strings.Cut(part, "=")
				if !strings.Contains(parameterNames(p.op), " "+name+" ") {
					t.Errorf("%s has no parameter %s", id, name)
				}
			}
		case p.schema != nil:
			if !there {
				t.Errorf("%s has a body and no example", id)
				continue
			}
			var body any
			if err := json.Unmarshal([]byte(example), &body); err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			var found huma.ValidateResult
			huma.Validate(registry, p.schema, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, body, &found)
			for _, err := range found.Errors {
				t.Errorf("%s: %v", id, err)
			}
		case there:
			t.Errorf("%s has an example and no body", id)
		}
	}
	for id := range examples {
		if !known[id] {
			t.Errorf("there is no operation %s", id)
		}
	}
}

// parameterNames are the names of the query's parameters, each between spaces.
func parameterNames(op *huma.Operation) string {
	names := " "
	for _, p := range op.Parameters {
		if p.In == "query" {
			names += p.Name + " "
		}
	}
	return names
}

func TestTheReferenceFollowsThePurchaseAndLinksItsErrors(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	none := map[string]string{"Authorization": ""}
	_, page := send(t, s, http.MethodGet, "/docs", none, "")
	last := 0
	for _, anchor := range []string{`id="search-products"`, `id="start-cart"`, `id="start-checkout"`, `id="track-order"`, `id="list-orders"`, `id="read-settings"`} {
		at := strings.Index(page, anchor)
		if at < last {
			t.Errorf("%s stands at %d, before %d", anchor, at, last)
		}
		last = at
	}
	for _, want := range []string{
		`<a href="/docs/errors#out_of_stock">`, `<span class="must">required</span>`, `Cart-Secret: $CART_SECRET`,
		`Checkout-Secret: $CHECKOUT_SECRET`, `Bearer $KEY`, `Bearer $SECRET`, "integer, 1 to 9999",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	_, errs := send(t, s, http.MethodGet, "/docs/errors", none, "")
	for rest := page; ; {
		_, after, more := strings.Cut(rest, `href="/docs/errors#`)
		if !more {
			break
		}
		code, _, _ := strings.Cut(after, `"`)
		if !strings.Contains(errs, `id="`+code+`"`) {
			t.Errorf("%s leads nowhere", code)
		}
		rest = after
	}
}
