package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

// promised is one operation as the document has it, with a request that keeps
// every rule of it.
type promised struct {
	route  Route
	op     *huma.Operation
	path   string // filled in
	schema *huma.Schema
	body   any // nil when the operation has none
}

// inPath are the values that stand for the parameters of paths.
var inPath = strings.NewReplacer("{id}", anID, "{id_or_slug}", anID, "{line_id}", aLine, "{variant_id}", aLine, "{code}", "WELCOME10", "{token}", goodToken, "{payment_id}", anID, "{provider}", "sandbox", "{carrier}", "easypost", "{merchant_id}", anID, "{version}", "2")

// eitherOr takes out of an example what cannot stand beside the rest.
var eitherOr = map[string][]string{
	"start-checkout": {"cart_id"}, "refund-order": {"lines"}, "add-promotion-codes": {"generate"}, "simulate-shipping": {"policy_version"},
	"compare-policy": {"against"}, "sign-in-staff": {"merchant_id"}, "join-staff": {"merchant_id"},
	"ship-order": {"buy_label"}, "answer-conversation": {"template_id"},
}

// contract lists the operations of the document, sorted, with the examples of
// the document as their bodies.
func contract(t *testing.T, s *Server) []promised {
	t.Helper()
	routes := map[string]Route{}
	for _, r := range s.Routes() {
		routes[r.ID] = r
	}
	api := s.huma.OpenAPI()
	d := documenter{registry: api.Components.Schemas}
	var all []promised
	for _, path := range slices.Sorted(maps.Keys(api.Paths)) {
		ops := operationsOf(api.Paths[path])
		for _, method := range slices.Sorted(maps.Keys(ops)) {
			op := ops[method]
			p := promised{route: routes[op.OperationID], op: op, path: inPath.Replace(path)}
			if p.route.ID == "" {
				t.Fatalf("%s %s is documented but not declared", method, path)
			}
			if op.RequestBody != nil && !p.route.Upload && !p.route.Raw {
				p.schema = d.resolve(op.RequestBody.Content["application/json"].Schema)
				p.body = d.sample(p.schema, 0)
				if o, ok := p.body.(map[string]any); ok {
					for _, name := range eitherOr[op.OperationID] {
						delete(o, name)
					}
				}
			}
			all = append(all, p)
		}
	}
	return all
}

// text is the body as JSON, empty for none; files are CSV.
func (p *promised) text(t *testing.T) string {
	t.Helper()
	if p.route.Upload {
		return "title,sku\nA cup,CUP-01\n"
	}
	if p.body == nil {
		return ""
	}
	b, err := json.Marshal(p.body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// header is what the operation needs besides its body; each call has its own
// Idempotency-Key.
func (p *promised) header(key, once string) map[string]string {
	h := with(key, "Cart-Secret", canary, "Checkout-Secret", canary)
	if p.route.Once == OnceRequired || p.route.Once == OnceInside {
		h["Idempotency-Key"] = once
	}
	return h
}

func TestTheExamplesOfTheDocumentKeepItsRules(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	for _, p := range contract(t, s) {
		if p.body == nil {
			continue
		}
		res, body := send(t, s, p.route.Method, p.path, p.header(rootKey, p.route.ID), p.text(t))
		if res.StatusCode >= 300 {
			t.Errorf("%s: the example %s is answered with %d %s", p.route.ID, p.text(t), res.StatusCode, body)
		}
	}
}

// Whatever is sent has an end: texts a length, lists a size, numbers a range.
func TestEveryValueThatIsSentHasALimit(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	d := documenter{registry: s.huma.OpenAPI().Components.Schemas}
	seen := map[*huma.Schema]bool{}
	var check func(where string, schema *huma.Schema)
	check = func(where string, schema *huma.Schema) {
		if schema.Ref != "" && strings.HasPrefix(schema.Ref, "#/components/schemas/Quote") {
			return // the policy's own reader has the limits
		}
		if schema = d.resolve(schema); schema == nil || seen[schema] {
			return
		}
		seen[schema] = true
		bounded := map[string]bool{
			huma.TypeString:  schema.MaxLength != nil || len(schema.Enum) > 0 || schema.Format == "uuid" || schema.Format == "date-time",
			huma.TypeInteger: schema.Minimum != nil && schema.Maximum != nil || strings.HasSuffix(where, ".amount"), // money has 64 bits
			huma.TypeNumber:  schema.Minimum != nil && schema.Maximum != nil,
			huma.TypeArray:   schema.MaxItems != nil,
		}
		if ok, known := bounded[schema.Type]; known && !ok {
			t.Errorf("%s has no limit", where)
		}
		for name, field := range schema.Properties {
			check(where+"."+name, field)
		}
		if schema.Items != nil && schema.Type == huma.TypeArray {
			check(where+"[]", schema.Items)
		}
	}
	for _, p := range contract(t, s) {
		for _, param := range p.op.Parameters {
			if param.In != "header" && param.Schema.Type != huma.TypeArray { // the limit of headers and of the address bounds these
				check(p.route.ID+" "+param.Name, param.Schema)
			}
		}
		if p.schema != nil {
			check(p.route.ID, p.op.RequestBody.Content["application/json"].Schema)
		}
	}
}

func TestEveryRouteIsDocumentedWithItsRefusals(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	listed := map[string]bool{}
	for _, p := range contract(t, s) {
		listed[p.route.ID] = true
		if strings.Contains(p.route.Path, "{id}") && p.op.Responses["404"] == nil {
			t.Errorf("%s does not say what becomes of unknown ids", p.route.ID)
		}
		for _, r := range p.route.Errors {
			if statusOf(r) >= http.StatusInternalServerError && statusOf(r) != http.StatusServiceUnavailable {
				t.Errorf("%s promises %s, which nobody is shown", p.route.ID, r.Code)
			}
		}
	}
	for _, r := range s.Routes() {
		if listed[r.ID] == r.Hidden {
			t.Errorf("%s is hidden: %v, and listed: %v", r.ID, r.Hidden, listed[r.ID])
		}
	}
}
