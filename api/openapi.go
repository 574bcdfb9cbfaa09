package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
)

// document is everything that is written once all routes are known.
type document struct {
	json []byte // OpenAPI 3.1, the same bytes for the same routes
	tag  string
	page []byte // /docs, with nonceMark where the nonce goes
	list []byte // /docs/errors, likewise
}

// seal writes the document. It panics on a bug in a declaration, which a test
// meets before anyone else does.
func (s *Server) seal() *document {
	if d := s.sealed.Load(); d != nil {
		return d
	}
	o := s.huma.OpenAPI()
	o.Tags = nil
	for _, r := range s.routes {
		if !r.Hidden && !slices.ContainsFunc(o.Tags, func(t *huma.Tag) bool { return t.Name == r.Tag }) {
			o.Tags = append(o.Tags, &huma.Tag{Name: r.Tag})
		}
	}
	slices.SortFunc(o.Tags, func(a, b *huma.Tag) int { return strings.Compare(a.Name, b.Name) })
	written, err := json.Marshal(o) // the standard library sorts the fields of every map
	if err != nil {
		panic("api: the document cannot be written: " + err.Error())
	}
	sum := sha256.Sum256(written)
	d := &document{json: written, tag: `"` + hex.EncodeToString(sum[:8]) + `"`}
	if d.page, err = renderReference(o); err == nil {
		d.list, err = renderErrors()
	}
	if err != nil {
		panic("api: the reference cannot be written: " + err.Error())
	}
	s.sealed.CompareAndSwap(nil, d)
	s.log.LogAttrs(s.base, slog.LevelDebug, "api documented", slog.Int("routes", len(s.routes)))
	return s.sealed.Load()
}

// OpenAPI is the document that /openapi.json serves.
func (s *Server) OpenAPI() []byte { return slices.Clone(s.seal().json) }

// problemResponse documents an answer that is a problem.
func (s *Server) problemResponse(description string) *huma.Response {
	schema := s.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	return &huma.Response{
		Description: description,
		Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schema}},
	}
}

// registerPages adds the document and its pages, which need no key.
func registerPages(s *Server) {
	s.page("/openapi.json", func(c *fiber.Ctx) error {
		d := s.seal()
		c.Set(fiber.HeaderAccessControlAllowOrigin, "*") // public, for viewers elsewhere
		c.Set("Cross-Origin-Resource-Policy", "cross-origin")
		c.Set(fiber.HeaderCacheControl, "no-cache")
		if notModified(c, d.tag) {
			return nil
		}
		c.Response().Header.SetContentType(fiber.MIMEApplicationJSON)
		c.Response().SetBodyRaw(d.json)
		return nil
	})
	s.page("/docs", func(c *fiber.Ctx) error { return sendPage(c, s.seal().page) })
	s.page("/docs/errors", func(c *fiber.Ctx) error { return sendPage(c, s.seal().list) })
}

// page adds a page of the program itself, outside the document.
func (s *Server) page(path string, handler fiber.Handler) {
	s.pages = append(s.pages, path)
	s.app.Get(path, handler)
}
