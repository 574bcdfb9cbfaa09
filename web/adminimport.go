package web

import (
	"io"
	"net/url"
	"strings"

	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
)

// deskUploads are the kinds of files that can be sent in, where to, and the page
// that then shows them. With scripts the browser sends the file to the API
// itself, as large as the API takes it; without them it comes in the form.
var deskUploads = map[string]struct {
	api, page, scope string
	query            url.Values
}{
	"products": {"/v1/imports", "imports", "catalog:write", url.Values{"kind": {"products"}}},
	"orders":   {"/v1/imports", "imports", "orders:write", url.Values{"kind": {"orders"}}},
	"bank":     {"/v1/bank-statements", "bank", "orders:write", nil},
	"courier":  {"/v1/courier-settlements", "courier", "orders:write", nil},
}

// uploadView is a form that sends a file.
type uploadView struct {
	Kinds      []choiceView
	API, Page  string
	CSRF       string
	Error      string
	Currencies bool
}

// upload makes the form for a kind of file, if the role may send it.
func (d *desk) upload(kind string) *uploadView {
	to, known := deskUploads[kind]
	if !known || !d.me.May(to.scope) {
		return nil
	}
	v := &uploadView{API: to.api, Page: to.page, CSRF: d.me.CSRFToken, Kinds: []choiceView{{kind, locale.T(d.Lang, "web.admin.upload."+kind), true}}}
	if d.refused != nil && d.refused.do == "upload" {
		v.Error, d.refused.shown = d.sentence(d.refused.problem), true
	}
	return v
}

// deskImports lists the files of products and orders that came in, with how far each
// is.
func deskImports(d *desk) error {
	got, err := d.read("/v1/imports", nil)
	if err != nil {
		return err
	}
	up := d.upload("products")
	if up != nil && d.me.May("orders:write") {
		up.Kinds = append(up.Kinds, choiceView{"orders", locale.T(d.Lang, "web.admin.upload.orders"), false})
	}
	if up != nil {
		up.Currencies = true
	}
	busy := false
	for _, one := range listAt(got, "data") {
		busy = busy || running(one)
	}
	return d.page("admin/imports", doc{
		"upload": up, "busy": busy,
		"table": d.table("imports", listAt(got, "data"), []column{
			{Name: "file_name"}, {Name: "kind", Kind: "word", Words: "web.admin.upload."}, created, status("web.admin.code."), {Name: "percent", Kind: "progress"}, {Name: "rows_done", Kind: "number"}, {Name: "rows_failed", Kind: "number"},
		}, "/admin/imports/{id}"),
	})
}

func running(one any) bool {
	state := textAt(one, "status")
	return state == "queued" || state == "running"
}

// importPage shows one file on its way in, and what is wrong with its rows.
func importPage(d *desk) error {
	about := d.Params("id")
	if !part.MatchString(about) {
		return problemOf(fiber.StatusNotFound, "not_found")
	}
	of, err := d.read("/v1/imports/"+about, nil)
	if err != nil {
		return err
	}
	q := d.without("lang")
	q.Set("limit", "100")
	wrongs := d.glance("catalog:read", "/v1/imports/"+about+"/errors", q)
	next := ""
	if cursor := textAt(wrongs, "next_cursor"); cursor != "" {
		next = "/admin/imports/" + about + "?" + url.Values{"cursor": {cursor}}.Encode()
	}
	facts := []cell{}
	for _, c := range []column{{Name: "kind", Kind: "word", Words: "web.admin.upload."}, created, {Name: "finished_at", Kind: "time"}, {Name: "rows_done", Kind: "number"}, {Name: "rows_failed", Kind: "number"}, {Name: "failure"}} {
		if w := c.write(d.Lang, of); w.Text != "" {
			facts = append(facts, w)
		}
	}
	return d.page("admin/import", doc{
		"title": textAt(of, "file_name"), "percent": textAt(of, "percent"), "busy": running(of), "facts": facts, "next": next,
		"status": status("web.admin.code.").write(d.Lang, of), "errors": d.table("row_errors", listAt(wrongs, "data"), rowErrorColumns, ""),
	})
}

// takeFile sends a file that came in a form on to the API.
func (d *desk) takeFile(show func(d *desk) error) error {
	refuse := func(p *Problem) error {
		d.refused = &refusal{do: "upload", problem: p}
		d.Status(p.Status)
		return show(d)
	}
	form, err := d.MultipartForm()
	if err != nil || len(form.File["file"]) == 0 || form.File["file"][0].Size == 0 {
		return refuse(problemOf(fiber.StatusUnprocessableEntity, "file_missing"))
	}
	value := func(name string) string {
		if all := form.Value[name]; len(all) > 0 {
			return strings.TrimSpace(all[0])
		}
		return ""
	}
	to, known := deskUploads[value("kind")]
	if !known {
		return problemOf(fiber.StatusNotFound, "not_found")
	}
	head := form.File["file"][0]
	file, err := head.Open()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	q := url.Values{"file_name": {string([]rune(head.Filename)[:min(200, len([]rune(head.Filename)))])}}
	for name, values := range to.query {
		q[name] = values
	}
	if currency := value("currency"); currency != "" && to.query != nil {
		q.Set("currency", strings.ToUpper(currency))
	}
	if value("keep_stock") != "" && to.query != nil {
		q.Set("keep_stock", "true")
	}
	header := map[string]string{}
	if key := value("key"); knownKey.MatchString(key) {
		header["Idempotency-Key"] = key
	}
	var raw []byte
	if err := d.api(ask{Method: fiber.MethodPost, Path: to.api, Query: q, File: text, Header: header}, &raw); err != nil {
		if p := problemIn(err); p != nil {
			return refuse(p)
		}
		return err
	}
	made, err := decode(raw)
	if err != nil {
		return err
	}
	return d.Redirect(after(action{Goto: to.page}, made, "/admin/"+to.page), fiber.StatusSeeOther)
}
