package cases

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// Effect is one row that is not as it was. Columns holds what changed, each as what
// was and what is; of a row that came or went all that is not null.
type Effect struct {
	Table   string            `json:"table"`
	Change  string            `json:"change"` // insert, update or delete
	Key     map[string]any    `json:"key"`
	Columns map[string]Change `json:"columns,omitempty"`
	// Kind is business; talk of what conversations and their cases keep; or upkeep,
	// of what no person would call a change: queues, mails, counters of tries.
	Kind string `json:"kind"`
}

// Change is what a column held, and what it holds.
type Change [2]any

// The kinds of effects.
const (
	Business = "business"
	Talk     = "talk"
	Upkeep   = "upkeep"
)

// kinds are the tables that are not business, by how their names begin.
var kinds = []struct{ begin, kind string }{
	{"conversations", Talk}, {"messages", Talk}, {"assistant_", Talk}, {"support_", Talk}, {"surveys", Talk},
	{"idempotency_keys", Upkeep}, {"outbox", Upkeep}, {"river_", Upkeep}, {"attempts", Upkeep}, {"sign_in_codes", Upkeep}, {"customer_sessions", Upkeep},
	{"deliveries", Upkeep}, {"mail_news", Upkeep}, {"gate_", Upkeep}, {"search_terms", Upkeep}, {"catalog_changes", Upkeep}, {"webhook_", Upkeep},
	{"rec_", Upkeep}, {"journey", Upkeep}, {"daily_", Upkeep}, {"inbox", Upkeep}, {"audit_", Upkeep}, {"checkout_events", Upkeep}, {"document_counters", Upkeep},
}

// KindOf is the kind of a change in a table.
func KindOf(table string) string {
	for _, k := range kinds {
		if strings.HasPrefix(table, k.begin) {
			return k.kind
		}
	}
	return Business
}

// RowChange is one row as it was and as it is; empty for none.
type RowChange struct {
	Table    string
	Key      []string // columns
	Old, New []byte   // JSON objects
}

// Effects are what changes come to together, in the order in which each row was
// first touched: what was put back is none.
func Effects(all []RowChange) []Effect {
	type row struct {
		table    string
		key      map[string]any
		old, new map[string]any
	}
	var rows []*row
	known := map[string]*row{}
	for _, c := range all {
		was, is := decoded(c.Old), decoded(c.New)
		at := was
		if at == nil {
			at = is
		}
		key := pick(at, c.Key)
		r := known[c.Table+name(key)]
		if r == nil {
			r = &row{table: c.Table, key: key, old: was}
			known[c.Table+name(key)] = r
			rows = append(rows, r)
		}
		if r.new = is; is != nil {
			if moved := pick(is, c.Key); name(moved) != name(key) {
				known[c.Table+name(moved)] = r
			}
		}
	}
	effects := []Effect{}
	for _, r := range rows {
		e := Effect{Table: r.table, Key: r.key, Columns: map[string]Change{}, Kind: KindOf(r.table), Change: "update"}
		switch {
		case r.old == nil && r.new == nil:
			continue
		case r.old == nil:
			e.Change = "insert"
		case r.new == nil:
			e.Change = "delete"
		}
		for column := range merged(r.old, r.new) {
			if was, is := r.old[column], r.new[column]; !reflect.DeepEqual(was, is) {
				e.Columns[column] = Change{was, is}
			}
		}
		if len(e.Columns) == 0 {
			continue
		}
		if e.Change == "update" && touched(e.Columns) {
			e.Kind = Upkeep
		}
		effects = append(effects, e)
	}
	// An address that a code goes to is kept with the code: nobody's data has changed.
	if slices.ContainsFunc(effects, func(e Effect) bool { return e.Table == "sign_in_codes" && e.Change == "insert" }) {
		for i := range effects {
			if e := &effects[i]; e.Table == "contacts" && e.Change == "insert" {
				e.Kind = Upkeep
			}
		}
	}
	return effects
}

// touched says whether nothing changed but when something was used last.
func touched(columns map[string]Change) bool {
	for c := range columns {
		if c != "last_used_at" && c != "seen_at" && c != "last_seen_at" {
			return false
		}
	}
	return true
}

// In are the effects of a kind.
func In(all []Effect, kind string) []Effect {
	return slices.DeleteFunc(slices.Clone(all), func(e Effect) bool { return e.Kind != kind })
}

func decoded(text []byte) (v map[string]any) {
	if len(text) > 0 {
		_ = json.Unmarshal(text, &v) // the database made it
	}
	return v
}

// pick is the key of a row; without key columns it is the whole row.
func pick(row map[string]any, columns []string) map[string]any {
	if len(columns) == 0 {
		return row
	}
	key := map[string]any{}
	for _, c := range columns {
		if c != "merchant_id" {
			key[c] = row[c]
		}
	}
	return key
}

func name(key map[string]any) string {
	text, _ := json.Marshal(key) //nolint:errchkjson // it was JSON before
	return string(text)
}

func merged(a, b map[string]any) map[string]bool {
	all := map[string]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return all
}
