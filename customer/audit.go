package customer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

// Act is something that staff, a secret key or the operator does to a shop, for
// the audit log. Watch sees to it that it is written down.
type Act struct {
	Merchant uuid.UUID
	Actor    string // "api_key:ID", "staff:ID", "operator" or "system"
	Origin   string // the network address it came from, or "command line"
	Action   string // the operation of the API, such as "change-settings", or the command's
	Subject  string // the id of what it was done to; empty for what is new
	// Given is what was asked for, as JSON: its fields are written down when
	// nobody has said better by Compare.
	Given []byte

	mu      sync.Mutex
	changes []Change
}

// Change is one field that an act changed. Values of secrets and of people's
// data are left out, and long ones are only told by their hash.
type Change struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before,omitempty"` // JSON; absent when it was not there or is not known
	After  json.RawMessage `json:"after,omitempty"`
}

// Compare says what the act changes: the fields that differ between two values
// as JSON. A nil before means that there was nothing. When the act is tried
// again, the last call counts.
func (a *Act) Compare(before, after any) error {
	old, err := fieldsOf(before)
	if err != nil {
		return err
	}
	now, err := fieldsOf(after)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changes = differences(old, now)
	return nil
}

// fieldsOf are the fields of a value as JSON writes it.
func fieldsOf(v any) (fields map[string]json.RawMessage, err error) {
	if v == nil {
		return nil, nil
	}
	b, ok := v.([]byte)
	if !ok {
		if b, err = json.Marshal(v); err != nil {
			return nil, fmt.Errorf("customer: audit: %w", err)
		}
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, nil
	}
	if b[0] != '{' { // a list or a file has no fields
		return map[string]json.RawMessage{"body": b}, nil
	}
	if err := json.Unmarshal(b, &fields); err != nil {
		return nil, fmt.Errorf("customer: audit: %w", err)
	}
	return fields, nil
}

func differences(old, now map[string]json.RawMessage) []Change {
	var all []Change
	for field := range merged(old, now) {
		before, after := canonical(field, old[field]), canonical(field, now[field])
		if old[field] != nil && now[field] != nil && bytes.Equal(plainly(old[field]), plainly(now[field])) {
			continue
		}
		all = append(all, Change{field, before, after})
	}
	slices.SortFunc(all, func(x, y Change) int { return strings.Compare(x.Field, y.Field) })
	return all
}

func merged(maps ...map[string]json.RawMessage) map[string]bool {
	all := map[string]bool{}
	for _, m := range maps {
		for k := range m {
			all[k] = true
		}
	}
	return all
}

// plainly is a value in the one way that it is compared and hashed.
func plainly(raw json.RawMessage) json.RawMessage {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // 64 bits do not survive a float
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return b
}

// longestValue is how much of a value the log keeps, in bytes of JSON.
const longestValue = 2048

// canonical is a value as the log keeps it.
func canonical(field string, raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil
	}
	b, err := json.Marshal(veil(field, v))
	if err != nil {
		return nil
	}
	if len(b) > longestValue {
		sum := sha256.Sum256(plainly(raw))
		b = strconv.AppendQuote(nil, "sha256:"+hex.EncodeToString(sum[:]))
	}
	return b
}

const veiled = "(not kept)"

// hidden are parts of the names of fields whose values are never kept: secrets,
// and what belongs to people.
var hidden = []string{
	"secret", "token", "password", "signature", "card", "iban", "account", "email", "phone", "address", "line1", "line2", "postcode", "payer", "recipient", "note",
}

// veil takes out what must not be kept.
func veil(field string, v any) any {
	name := strings.ToLower(field)
	if slices.ContainsFunc(hidden, func(h string) bool { return strings.Contains(name, h) }) {
		if _, is := v.(bool); !is && v != nil {
			return veiled
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = veil(k, v[k])
		}
	case []any:
		for i := range v {
			v[i] = veil(field, v[i])
		}
	}
	return v
}

// said are the changes as they are known when the act is written down.
func (a *Act) said() ([]Change, error) {
	a.mu.Lock()
	changes := a.changes
	a.mu.Unlock()
	if changes != nil {
		return changes, nil
	}
	given, err := fieldsOf(a.Given)
	return differences(nil, given), err
}

// content is an entry as it is hashed: JSON with its fields in this order.
type content struct {
	ID       uuid.UUID `json:"id"`
	Merchant uuid.UUID `json:"merchant_id"`
	ActedAt  time.Time `json:"acted_at"`
	Actor    string    `json:"actor"`
	Origin   string    `json:"origin"`
	Action   string    `json:"action"`
	Subject  string    `json:"subject"`
	Changes  []Change  `json:"changes"`
}

// Watch gives a context under which the act is written to the merchant's audit
// log, in the first transaction that writes something: an act that changed
// nothing, or failed, leaves no entry, and none stands without its entry.
// Several acts at once are put in line by the end of the merchant's chain, as
// the last thing before they commit.
func (s *Service) Watch(ctx context.Context, a *Act) context.Context {
	return db.Attach(ctx, func(_ context.Context, tx db.Tx) error { return s.writeAct(tx, a) })
}

// Record writes an act of the program itself into the merchant's audit log, with
// the transaction.
func (s *Service) Record(tx db.Tx, a *Act) error { return s.writeAct(tx, a) }

func (s *Service) writeAct(tx db.Tx, a *Act) error {
	changes, err := a.said()
	if err != nil {
		return err
	}
	if changes == nil {
		changes = []Change{}
	}
	c := content{id.New(), a.Merchant, s.db.Now(), a.Actor, a.Origin, a.Action, a.Subject, changes}
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("customer: audit: %w", err)
	}
	queueEntry(tx, &c, string(text))
	return nil
}
