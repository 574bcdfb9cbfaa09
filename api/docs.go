package api

import (
	"bytes"
	"cmp"
	"crypto/rand"
	_ "embed" // the template of the pages and the examples
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"doorstep/internal/fault"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

//go:embed docs.html
var docsHTML string

//go:embed examples.json
var examplesJSON []byte

var docsTemplate = template.Must(template.New("docs").Parse(docsHTML))

// nonceMark stands in the finished pages where each answer's nonce goes, so
// that they are rendered once.
const nonceMark = "doorstep-nonce"

// worthPacking is from how many bytes on a page is sent compressed: the reference
// is long, and says much alike.
const worthPacking = 16 << 10

// sendPage answers with a page whose only style is its own.
func sendPage(c *fiber.Ctx, page []byte) error {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails: it ends the program instead
	nonce := base64.RawStdEncoding.EncodeToString(raw[:])
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; style-src 'nonce-"+nonce+
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Response().Header.SetContentType(fiber.MIMETextHTMLCharsetUTF8)
	page = bytes.ReplaceAll(page, []byte(nonceMark), []byte(nonce))
	c.Vary(fiber.HeaderAcceptEncoding)
	if len(page) > worthPacking && c.Request().Header.HasAcceptEncoding("gzip") {
		c.Set(fiber.HeaderContentEncoding, "gzip")
		page = fasthttp.AppendGzipBytesLevel(nil, page, fasthttp.CompressBestSpeed)
	}
	c.Response().SetBodyRaw(page)
	return nil
}

// What the template shows.
type (
	docPage struct {
		Title, Nonce string
		Groups       []docGroup
		Faults       []docFault
	}
	docGroup struct {
		Tag, Anchor string
		Ops         []docOp
	}
	docOp struct {
		ID, Method, Path, Summary, Description string
		Auth, Once, Curl, Query, Request       string
		Params, Fields                         []docField
		Answers                                []docAnswer
	}
	docField struct {
		Name, In, Type, Doc string
		Required            bool
	}
	docAnswer struct {
		Status, Text, Example string
		Faults                []docFault // what Text lists, when it lists codes
	}
	docFault struct {
		Code, Title, Text string
		Status            int
	}
)

// renderErrors lists every code that the program declares.
func renderErrors() ([]byte, error) {
	page := docPage{Title: "Errors", Nonce: nonceMark}
	for _, e := range fault.All() {
		if e.Kind == fault.Internal && e.Code != errInternal.Code {
			continue // never shown to anyone
		}
		page.Faults = append(page.Faults, docFault{Code: e.Code, Title: titleOf(e.Code), Text: e.Text, Status: statusOf(e)})
	}
	return render(page)
}

// renderReference shows the OpenAPI document, operations by tag.
func renderReference(o *huma.OpenAPI) ([]byte, error) {
	d := documenter{registry: o.Components.Schemas}
	byTag := map[string][]docOp{}
	for path, item := range o.Paths {
		for method, op := range operationsOf(item) {
			tag := "other"
			if len(op.Tags) > 0 {
				tag = op.Tags[0]
			}
			byTag[tag] = append(byTag[tag], d.operation(method, path, op))
		}
	}
	page := docPage{Title: "API reference", Nonce: nonceMark}
	for _, tag := range slices.SortedFunc(maps.Keys(byTag), byPlace(tagOrder)) {
		ops := byTag[tag]
		slices.SortFunc(ops, func(a, b docOp) int {
			return cmp.Or(strings.Compare(a.Path, b.Path), byPlace(methodOrder)(a.Method, b.Method))
		})
		page.Groups = append(page.Groups, docGroup{Tag: tag, Anchor: "tag-" + strings.ReplaceAll(tag, " ", "-"), Ops: ops})
	}
	return render(page)
}

// tagOrder is the road of a purchase: first what a shopper does, then what the
// merchant does, then how the shop is kept. Others follow by name.
var tagOrder = []string{
	"search", "products", "carts", "checkouts", "tracking", "orders", "payments", "shipments",
	"shipping", "promotions", "tax rates", "stock", "imports", "settings", "health",
}

// methodOrder reads before it writes and writes before it removes.
var methodOrder = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// byPlace compares by the place in a list; what is not there comes last, by name.
func byPlace(list []string) func(a, b string) int {
	place := func(s string) int {
		if i := slices.Index(list, s); i >= 0 {
			return i
		}
		return len(list)
	}
	return func(a, b string) int { return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a, b)) }
}

func render(page docPage) ([]byte, error) {
	var b bytes.Buffer
	err := docsTemplate.Execute(&b, page)
	return b.Bytes(), err
}

func operationsOf(item *huma.PathItem) map[string]*huma.Operation {
	all := map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put,
		http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
	}
	maps.DeleteFunc(all, func(_ string, op *huma.Operation) bool { return op == nil })
	return all
}

type documenter struct{ registry huma.Registry }

func (d documenter) operation(method, path string, op *huma.Operation) docOp {
	o := docOp{ID: op.OperationID, Method: method, Path: path, Summary: op.Summary, Description: op.Description}
	o.Auth, _ = op.Extensions["x-auth"].(string)
	o.Once, _ = op.Extensions["x-idempotency"].(string)
	for _, p := range op.Parameters {
		doc := p.Description
		if doc == "" && p.Schema != nil {
			doc = p.Schema.Description
		}
		o.Params = append(o.Params, docField{Name: p.Name, In: p.In, Type: d.typeOf(p.Schema), Doc: doc, Required: p.Required})
	}
	kind := ""
	if example := examples[o.ID]; strings.HasPrefix(example, "?") {
		o.Query = example
	} else {
		o.Request = example
	}
	if op.RequestBody != nil {
		for _, ct := range slices.Sorted(maps.Keys(op.RequestBody.Content)) {
			kind = ct
			if schema := op.RequestBody.Content[ct].Schema; schema != nil && strings.Contains(ct, "json") {
				if o.Request == "" {
					o.Request = d.example(schema)
				}
				o.Fields = d.fields(schema, "", 0)
				break
			}
		}
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		a := docAnswer{Status: status, Text: r.Description}
		if a.Faults = faultsIn(r.Description); a.Faults != nil {
			a.Text = ""
		}
		if m := r.Content["application/json"]; m != nil && m.Schema != nil {
			a.Example = d.example(m.Schema)
		}
		o.Answers = append(o.Answers, a)
	}
	o.Curl = curl(o, kind)
	return o
}

// examples are what one would really send, by operation, where the schema alone
// would show every field there is: the body of the curl line or, beginning with
// a question mark, its query.
var examples = func() map[string]string {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(examplesJSON, &raw); err != nil {
		panic("api: examples.json: " + err.Error())
	}
	texts := make(map[string]string, len(raw))
	for id, example := range raw {
		var query string
		if json.Unmarshal(example, &query) != nil { // a body, as it is laid out there
			query = strings.ReplaceAll(string(example), "\n  ", "\n")
		}
		texts[id] = query
	}
	return texts
}()

// listed is how a route's errors stand in the document; see Route.Errors.
var listed = regexp.MustCompile("^`([a-z0-9_]+)`: (.*)$")

// faultsIn reads the errors of an answer back; nil when it is about something else.
func faultsIn(description string) []docFault {
	var all []docFault
	for _, text := range strings.Split(description, "\n\n") {
		m := listed.FindStringSubmatch(text)
		if m == nil {
			return nil
		}
		all = append(all, docFault{Code: m[1], Text: m[2]})
	}
	return all
}

// secrets are the headers that prove whose cart or checkout it is, and the
// variables that hold them in the curl lines.
var secrets = map[string]string{"Cart-Secret": "CART_SECRET", "Checkout-Secret": "CHECKOUT_SECRET"}

// curl is a line that can be pasted into a shell, with the variables of the
// page's beginning and the path's parameters.
func curl(o docOp, kind string) string {
	var b strings.Builder
	b.WriteString("curl")
	if o.Method != http.MethodGet {
		b.WriteString(" -X " + o.Method)
	}
	b.WriteString(` "$API` + strings.NewReplacer("{", "$", "}", "").Replace(o.Path) + o.Query + `"`)
	switch o.Auth {
	case "public", "":
	case "publishable":
		b.WriteString(" \\\n  -H \"Authorization: Bearer $KEY\"")
	case "staff":
		b.WriteString(" \\\n  -b staff.cookies")
		if o.Method != http.MethodGet {
			b.WriteString(" -H \"CSRF-Token: $CSRF\" -H \"Origin: $API\"")
		}
	default:
		b.WriteString(" \\\n  -H \"Authorization: Bearer $SECRET\"")
	}
	for _, p := range o.Params {
		// What starts a checkout takes a cart's secret only with a cart.
		if name := secrets[p.Name]; name != "" && strings.Contains(o.Path, "{id}") {
			b.WriteString(" \\\n  -H \"" + p.Name + ": $" + name + "\"")
		}
	}
	if o.Once == OnceRequired.String() || o.Once == OnceInside.String() {
		b.WriteString(" \\\n  -H \"Idempotency-Key: $(uuidgen)\"")
	}
	switch {
	case o.Request != "":
		b.WriteString(" \\\n  -H 'Content-Type: application/json' \\\n  -d '" + strings.ReplaceAll(o.Request, "'", `'\''`) + "'")
	case kind != "":
		b.WriteString(" \\\n  -H 'Content-Type: " + kind + "' --data-binary @FILE")
	}
	return b.String()
}

// resolve follows references; of alternatives it takes the first.
func (d documenter) resolve(s *huma.Schema) *huma.Schema {
	for s != nil && (s.Ref != "" || len(s.OneOf) > 0) {
		if s.Ref != "" {
			s = d.registry.SchemaFromRef(s.Ref)
			continue
		}
		s = s.OneOf[0]
	}
	return s
}

// maxShown is how deep the page unfolds a body; schemas may refer to themselves.
const maxShown = 6

// fields lists the fields of a body with their paths.
func (d documenter) fields(s *huma.Schema, prefix string, depth int) []docField {
	if s = d.resolve(s); s == nil || depth == maxShown {
		return nil
	}
	if s.Type == huma.TypeArray {
		return d.fields(s.Items, prefix+"[]", depth+1)
	}
	var all []docField
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		field := s.Properties[name]
		path := strings.TrimPrefix(prefix+"."+name, ".")
		doc := field.Description
		if r := d.resolve(field); doc == "" && r != nil {
			doc = r.Description
		}
		all = append(all, docField{Name: path, Type: d.typeOf(field), Doc: doc, Required: slices.Contains(s.Required, name)})
		all = append(all, d.fields(field, path, depth+1)...)
	}
	return all
}

// typeOf says in words what a value may be.
func (d documenter) typeOf(s *huma.Schema) string {
	if s = d.resolve(s); s == nil {
		return ""
	}
	t := s.Type
	switch t {
	case huma.TypeArray:
		return "array of " + d.typeOf(s.Items)
	case "":
		t = "any"
	}
	if s.Format != "" && s.Format != "int64" && s.Format != "int32" && s.Format != "double" {
		t += ", " + s.Format
	}
	if len(s.Enum) > 0 {
		names := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			names[i] = fmt.Sprint(v)
		}
		t += ": " + strings.Join(names, ", ")
	}
	t += bounds(s)
	if s.MaxLength != nil {
		t += fmt.Sprintf(", at most %d characters", *s.MaxLength)
	}
	if s.Default != nil {
		t += fmt.Sprintf(", default %v", s.Default)
	}
	return t
}

// bounds says what a number lies between.
func bounds(s *huma.Schema) string {
	number := func(v *float64) string { return strconv.FormatFloat(*v, 'f', -1, 64) }
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		return ", " + number(s.Minimum) + " to " + number(s.Maximum)
	case s.Minimum != nil:
		return ", at least " + number(s.Minimum)
	case s.Maximum != nil:
		return ", at most " + number(s.Maximum)
	default:
		return ""
	}
}

// example is a body with a plausible value for each field.
func (d documenter) example(s *huma.Schema) string {
	b, err := json.MarshalIndent(d.sample(s, 0), "", "  ")
	if err != nil {
		return ""
	}
	return string(b)
}

func (d documenter) sample(s *huma.Schema, depth int) any {
	if s = d.resolve(s); s == nil || depth == maxShown {
		return nil
	}
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Default != nil:
		return s.Default
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	switch s.Type {
	case huma.TypeObject:
		o := map[string]any{}
		names := slices.Collect(maps.Keys(s.Properties))
		sort.Strings(names)
		for _, name := range names {
			o[name] = d.sample(s.Properties[name], depth+1)
		}
		return o
	case huma.TypeArray:
		if v := d.sample(s.Items, depth+1); v != nil {
			return []any{v}
		}
		return []any{}
	case huma.TypeInteger, huma.TypeNumber:
		if s.Minimum != nil {
			return max(1, *s.Minimum)
		}
		return 1
	case huma.TypeBoolean:
		return true
	case huma.TypeString:
		return sampleText(s.Format)
	default:
		return nil
	}
}

func sampleText(format string) string {
	switch format {
	case "uuid":
		return "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"
	case "date-time":
		return "2026-03-01T12:00:00Z"
	case "date":
		return "2026-03-01"
	case "email", "idn-email":
		return "ani@example.com"
	case "uri", "uri-reference":
		return "https://shop.example/page"
	default:
		return "text"
	}
}
