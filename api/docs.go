package api

import (
	"bytes"
	"crypto/rand"
	_ "embed" // the template of the pages
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"sort"
	"strings"

	"doorstep/internal/fault"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
)

//go:embed docs.html
var docsHTML string

var docsTemplate = template.Must(template.New("docs").Parse(docsHTML))

// nonceMark stands in the finished pages where each answer's nonce goes, so
// that they are rendered once.
const nonceMark = "doorstep-nonce"

// sendPage answers with a page whose only style is its own.
func sendPage(c *fiber.Ctx, page []byte) error {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails: it ends the program instead
	nonce := base64.RawStdEncoding.EncodeToString(raw[:])
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; style-src 'nonce-"+nonce+
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Response().Header.SetContentType(fiber.MIMETextHTMLCharsetUTF8)
	c.Response().SetBodyRaw(bytes.ReplaceAll(page, []byte(nonceMark), []byte(nonce)))
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
		Tag string
		Ops []docOp
	}
	docOp struct {
		ID, Method, Path, Summary, Description string
		Auth, Once, Curl, Request              string
		Params, Fields                         []docField
		Answers                                []docAnswer
	}
	docField struct {
		Name, In, Type, Doc string
		Required            bool
	}
	docAnswer struct {
		Status, Text, Example string
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
	for _, tag := range slices.Sorted(maps.Keys(byTag)) {
		ops := byTag[tag]
		slices.SortFunc(ops, func(a, b docOp) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
		page.Groups = append(page.Groups, docGroup{Tag: tag, Ops: ops})
	}
	return render(page)
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
	if op.RequestBody != nil {
		for _, ct := range slices.Sorted(maps.Keys(op.RequestBody.Content)) {
			kind = ct
			if schema := op.RequestBody.Content[ct].Schema; schema != nil && strings.Contains(ct, "json") {
				o.Request = d.example(schema)
				o.Fields = d.fields(schema, "", 0)
				break
			}
		}
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		a := docAnswer{Status: status, Text: r.Description}
		if m := r.Content["application/json"]; m != nil && m.Schema != nil {
			a.Example = d.example(m.Schema)
		}
		o.Answers = append(o.Answers, a)
	}
	o.Curl = curl(o, kind)
	return o
}

// curl is a line that can be pasted into a shell, with DOORSTEP, KEY and the
// path's parameters as variables.
func curl(o docOp, kind string) string {
	var b strings.Builder
	b.WriteString("curl")
	if o.Method != http.MethodGet {
		b.WriteString(" -X " + o.Method)
	}
	b.WriteString(` "$DOORSTEP` + strings.NewReplacer("{", "$", "}", "").Replace(o.Path) + `"`)
	if o.Auth != "public" && o.Auth != "" {
		b.WriteString(" \\\n  -H \"Authorization: Bearer $KEY\"")
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
	switch {
	case t == huma.TypeArray:
		return "array of " + d.typeOf(s.Items)
	case t == "":
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
	for _, bound := range []struct {
		v    *float64
		word string
	}{{s.Minimum, " >= "}, {s.Maximum, " <= "}} {
		if bound.v != nil {
			t += bound.word + fmt.Sprint(*bound.v)
		}
	}
	if s.MaxLength != nil {
		t += fmt.Sprintf(", at most %d characters", *s.MaxLength)
	}
	if s.Default != nil {
		t += fmt.Sprintf(", default %v", s.Default)
	}
	return t
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
