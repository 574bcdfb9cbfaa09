// Package customer keeps merchants with their settings and keys, and people:
// customers, staff and the sealed contacts through which they are reached.
//
// Every query names its merchant, so that no merchant ever sees another's rows.
// Three look-ups cannot: Merchants lists them all for the operator, SoleMerchant
// finds the only one, and OriginKnown answers browsers that ask before they send
// a key.
package customer

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
)

// Service keeps merchants, settings, API keys, staff and customers. It is safe
// for concurrent use.
type Service struct {
	forget  []func(ctx context.Context, tx db.Tx, merchant, contact uuid.UUID) error
	free    []func(ctx context.Context, tx db.Tx, merchant, staff uuid.UUID) error
	db      *db.DB
	vault   *Vault
	keys    *keyring
	origins *origins
}

// New makes a service; v seals what it stores of people.
func New(d *db.DB, v *Vault) *Service {
	return &Service{db: d, vault: v, keys: newKeyring(d), origins: &origins{db: d}}
}

// Wait returns when everything that Authenticate still writes about the use of
// keys is written. Call it on the way out, after the last request.
func (s *Service) Wait() { s.keys.writing.Wait() }

// wrong collects everything that breaks a rule, so that one answer names it all.
type wrong []fault.Field

func (w *wrong) at(location, message string) {
	*w = append(*w, fault.Field{Location: location, Message: message})
}

// as is e with what was collected, or nil when that is nothing.
func (w wrong) as(e *fault.Error) error {
	if len(w) == 0 {
		return nil
	}
	for _, f := range w {
		e = e.At(f.Location, f.Message)
	}
	return e
}

// plain says that s is one line of at most limit characters that can be shown,
// sent in a mail header and stored.
func plain(s string, limit int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit && strings.IndexFunc(s, unicode.IsControl) < 0
}
