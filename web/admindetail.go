package web

import (
	"net/url"

	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
)

// detail is the page of one thing: its facts, the lists in it, and what can be
// done with it.
type detail struct {
	Name, API, Scope string
	Query            url.Values
	// Title is the path of what it is called.
	Title  string
	Badge  column
	Facts  []column
	Tables []innerTable
	// Actions in the order in which they are offered; allowed says which apply.
	Actions []string
	// Files are links to papers: the text is web.admin.file.NAME.
	Files []column
	// Prepare adds to the document what its forms and tables also need.
	Prepare func(d *desk, of doc)
}

// innerTable is a list within a document, or one of the API about it.
type innerTable struct {
	Name, Path string
	// API is asked instead of the document; {id} is filled from it.
	API, Scope string
	Columns    []column
	Link       string
	Each       []string
	// About is the path of what an action on an entry is about; id when empty. Code is
	// the path of what names it within the document.
	About, Code string
}

// detailView is what the page shows.
type detailView struct {
	Name, Title, Back string
	Badge             cell
	Facts             []cell
	Tables            []tableView
	Forms             []*formView
	Files             []cell
	Answer            *answerView
}

// detail shows the page of one thing.
func (d *desk) detail(p detail) error {
	about := d.Params("id")
	if !part.MatchString(about) {
		return problemOf(fiber.StatusNotFound, "not_found")
	}
	of, err := d.read(p.API+"/"+about, p.Query)
	if err != nil {
		return err
	}
	return d.detailOf(p, about, of)
}

func (d *desk) detailOf(p detail, about string, of doc) error {
	if p.Prepare != nil {
		p.Prepare(d, of)
	}
	v := detailView{Name: p.Name, Title: textAt(of, p.Title), Back: "/admin/" + p.Name, Answer: d.shown()}
	if v.Title == "" {
		v.Title = locale.T(d.Lang, "web.admin.page."+p.Name)
	}
	if p.Badge.Name != "" {
		v.Badge = p.Badge.write(d.Lang, of)
	}
	for _, c := range p.Facts {
		if w := c.write(d.Lang, of); w.Text != "" {
			v.Facts = append(v.Facts, w)
		}
	}
	for _, f := range p.Files {
		if w := f.write(d.Lang, of); w.Text != "" && w.Link != "" {
			v.Files = append(v.Files, w)
		}
	}
	for _, t := range p.Tables {
		if shown := d.inner(t, of); len(shown.Rows) > 0 || t.API == "" {
			v.Tables = append(v.Tables, shown)
		}
	}
	for _, do := range p.Actions {
		if allowed(do, of) {
			if f := d.ask(do, about, of); f != nil {
				v.Forms = append(v.Forms, f)
			}
		}
	}
	return d.page("admin/detail", v)
}

func (d *desk) inner(t innerTable, of doc) tableView {
	entries := listAt(of, t.Path)
	if t.API != "" {
		entries = listAt(d.glance(t.Scope, fill(t.API, of), nil), "data")
	}
	v := d.table(t.Name, entries, t.Columns, t.Link)
	for n, entry := range entries {
		about := t.About
		if about == "" {
			about = "id"
		}
		id := textAt(entry, about)
		if t.Code != "" {
			id = textAt(of, "id")
		}
		one, _ := entry.(doc)
		for _, do := range t.Each {
			if allowed(do, one) {
				if f := d.ask(do, id, one); f != nil {
					v.Rows[n].Forms = append(v.Rows[n].Forms, f.with(textAt(entry, t.Code)))
				}
			}
		}
	}
	return v
}
