package web

import (
	"net/url"
	"slices"
	"strings"

	"doorstep/internal/locale"
)

// list is a page that lists things: what the API gives, page by page.
type list struct {
	Name, API, Scope string
	Fixed            url.Values
	Filters          []field
	Columns          []column
	// Link leads to the page of an entry.
	Link string
	// Actions are forms above the list, to make a new thing; Each are those of every
	// entry, about its id.
	Actions, Each []string
	// Exports is the address of the list as a file, with the same filters.
	Exports string
	// Uploads is the kind of file that can be sent in here.
	Uploads string
	// Prepare adds to the document that forms get their choices from.
	Prepare func(d *desk, of doc)
	// Mind changes what the API said before it is shown.
	Mind func(d *desk, entries []any)
}

// listView is what the page of a list shows.
type listView struct {
	Name    string
	Intro   string
	Filters []fieldView
	Table   tableView
	Forms   []*formView
	Answer  *answerView
	Next    string
	First   string // the first page again, from a later one
	Exports string
	Upload  *uploadView
	Clean   string // without filters
}

// tableView is a table: on narrow screens each row becomes a card.
type tableView struct {
	Name    string
	Columns []column
	Rows    []tableRow
	Empty   string
}

type tableRow struct {
	Link  string
	Cells []cell
	Forms []*formView
}

// filterOf is what a page's address asks for, as far as the list knows it.
func (d *desk) filterOf(l list) url.Values {
	q := url.Values{}
	for name, values := range l.Fixed {
		q[name] = values
	}
	for _, f := range l.Filters {
		if value := strings.TrimSpace(d.Query(f.Name)); value != "" {
			value = strings.Clone(value)
			if f.Kind == "day" && len(value) == len("2006-01-02") {
				value += "T00:00:00Z"
			}
			q.Set(f.Name, value)
		}
	}
	return q
}

// list shows a list.
func (d *desk) list(l list) error {
	q := d.filterOf(l)
	v := listView{Name: l.Name, Intro: introOf(d, l.Name)}
	if l.Exports != "" {
		v.Exports = l.Exports + "?" + q.Encode()
	}
	if cursor := d.Query("cursor"); cursor != "" {
		q.Set("cursor", cursor)
		v.First = "/admin/" + l.Name + "?" + d.without("cursor").Encode()
	}
	got, err := d.read(l.API, q)
	if err != nil {
		return err
	}
	of := doc{}
	if l.Prepare != nil {
		l.Prepare(d, of)
	}
	entries := listAt(got, "data")
	if l.Mind != nil {
		l.Mind(d, entries)
	}
	v.Table = d.table(l.Name, entries, l.Columns, l.Link)
	for n, one := range entries {
		entry, _ := one.(doc)
		for _, do := range l.Each {
			if allowed(do, entry) {
				if f := d.ask(do, textAt(entry, "id"), entry); f != nil {
					v.Table.Rows[n].Forms = append(v.Table.Rows[n].Forms, f)
				}
			}
		}
	}
	v.Forms = d.forms(l.Actions, "", of)
	v.Answer, v.Upload = d.shown(), d.upload(l.Uploads)
	if next := textAt(got, "next_cursor"); next != "" {
		more := d.without("cursor")
		more.Set("cursor", next)
		v.Next = "/admin/" + l.Name + "?" + more.Encode()
	}
	v.Filters = d.filters(l, of)
	v.Clean = "/admin/" + l.Name
	return d.page("admin/list", v)
}

// introOf says what a room is for, where that needs a word.
func introOf(d *desk, room string) string {
	if key := "web.admin.intro." + room; locale.Has(key) {
		return locale.T(d.Lang, key)
	}
	return ""
}

// without is the query of the page's address, less one name.
func (d *desk) without(name string) url.Values {
	q := url.Values{}
	for k, value := range d.Context().QueryArgs().All() {
		if string(k) != name && len(value) > 0 {
			q.Add(string(k), string(value))
		}
	}
	return q
}

func (d *desk) filters(l list, of doc) []fieldView {
	s := shaping{lang: d.Lang, prefix: "filter", of: of}
	all := make([]fieldView, 0, len(l.Filters))
	for _, f := range l.Filters {
		f.Value = strings.Clone(d.Query(f.Name))
		v := s.view(f)
		v.Hint = ""
		all = append(all, v)
	}
	return all
}

// table writes entries as rows.
func (d *desk) table(name string, entries []any, columns []column, link string) tableView {
	t := tableView{Name: name, Columns: columns, Empty: locale.T(d.Lang, "web.admin.nothing")}
	if key := "web.admin.nothing." + name; locale.Has(key) {
		t.Empty = locale.T(d.Lang, key)
	}
	for _, entry := range entries {
		row := tableRow{Link: fill(link, entry)}
		for _, c := range columns {
			row.Cells = append(row.Cells, c.write(d.Lang, entry))
		}
		t.Rows = append(t.Rows, row)
	}
	return t.lean()
}

// lean leaves out the columns in which no row has anything.
func (t tableView) lean() tableView {
	if len(t.Rows) == 0 {
		return t
	}
	var columns []column
	cells := make([][]cell, len(t.Rows))
	for n, c := range t.Columns {
		if !slices.ContainsFunc(t.Rows, func(r tableRow) bool { return r.Cells[n].Text != "" || r.Cells[n].Link != "" }) {
			continue
		}
		columns = append(columns, c)
		for i, r := range t.Rows {
			cells[i] = append(cells[i], r.Cells[n])
		}
	}
	for i := range t.Rows {
		t.Rows[i].Cells = cells[i]
	}
	t.Columns = columns
	return t
}

// forms are the forms of actions, those that the role may not do left out.
func (d *desk) forms(do []string, about string, of doc) []*formView {
	var all []*formView
	for _, name := range do {
		if f := d.ask(name, about, of); f != nil {
			all = append(all, f)
		}
	}
	return all
}

// answerView is what an action gave that is shown once.
type answerView struct {
	Do    string
	Facts []cell
	JSON  string
}

// shown is the answer of the action that was just done, if it is one to show.
func (d *desk) shown() *answerView {
	if d.answer == nil {
		return nil
	}
	v := &answerView{Do: d.did}
	for _, c := range answerColumns[d.did] {
		if w := c.write(d.Lang, d.answer); w.Text != "" {
			v.Facts = append(v.Facts, w)
		}
	}
	if len(v.Facts) == 0 {
		v.JSON = column{Name: "answer", Path: ".", Kind: "json"}.write(d.Lang, d.answer).Text
	}
	return v
}
