package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"doorstep/customer"
	"doorstep/internal/fault"

	"github.com/google/uuid"
)

// auditLog is the log of what is done to a shop with secret keys.
type auditLog interface {
	Watch(ctx context.Context, a *customer.Act) context.Context
	AuditLog(ctx context.Context, merchant uuid.UUID, limit int, before int64) ([]customer.AuditEntry, error)
}

// unaudited are the writes with secret keys that leave no entry: the daily
// traffic of goods, which has its own trail (stock movements, tracking events,
// imports), and what writes nothing.
var unaudited = map[string]string{
	"catalog":               "products are versioned, and imports keep their rows",
	"stock":                 "adjustments are kept with their reasons",
	"ship-order":            "parcels are their own record",
	"record-tracking-event": "tracking events are their own record",
}

// audited says whether what is done through a route belongs into the audit log:
// everything that a secret key may change, but for the exceptions above.
func audited(r *Route) bool {
	if !r.write() || !r.Auth.Secret() {
		return false
	}
	area, _, _ := strings.Cut(r.Auth.Scope(), ":")
	return unaudited[area] == "" && unaudited[r.ID] == ""
}

// watch gives the context under which what the route's handler does is written
// down, in the transaction that does it.
func (s *Server) watch(ctx context.Context, r *Route, in any) context.Context {
	if s.audit == nil || !audited(r) {
		return ctx
	}
	req := requestIn(ctx)
	act := &customer.Act{Merchant: req.caller.Merchant, Actor: actor(ctx), Origin: req.peer.String(), Action: r.ID}
	if !r.Raw && !r.Upload {
		act.Given = req.body
	}
	if about, ok := in.(interface{ subject() uuid.UUID }); ok {
		act.Subject = about.subject().String()
	}
	req.act = act
	return s.audit.Watch(ctx, act)
}

// subject is the thing that a route is about.
func (b ByID) subject() uuid.UUID { return b.ID }

// noteChange tells the audit log what is changed, where the handler knows how
// things were before. Otherwise the log says what was asked for.
func noteChange(ctx context.Context, before, after any) error {
	if act := requestIn(ctx).act; act != nil {
		return act.Compare(before, after)
	}
	return nil
}

// AuditEntry is one act: who did what, from where, and what it changed.
type AuditEntry struct {
	Seq     int64         `json:"seq" doc:"From 1, without gaps"`
	ID      uuid.UUID     `json:"id" format:"uuid"`
	ActedAt time.Time     `json:"acted_at"`
	Actor   string        `json:"actor" example:"api_key:0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b" doc:"api_key:ID, staff:ID or operator"`
	Origin  string        `json:"origin" doc:"The address it came from"`
	Action  string        `json:"action" example:"change-settings" doc:"The operation of this document, or a command of the operator"`
	Subject string        `json:"subject,omitempty" doc:"The id of what it was done to; absent for what is new"`
	Changes []AuditChange `json:"changes"`
	Hash    string        `json:"hash" doc:"SHA-256 over this entry and the hash of the one before it, in hex"`
}

// AuditChange is a field as it was and as it is. Secrets and people's data are
// shown as "(not kept)", long values as their SHA-256.
type AuditChange struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

func auditEntryOf(e customer.AuditEntry) AuditEntry {
	b := AuditEntry{
		Seq: e.Seq, ID: e.ID, ActedAt: e.ActedAt, Actor: e.Actor, Origin: e.Origin, Action: e.Action, Subject: e.Subject,
		Changes: make([]AuditChange, 0, len(e.Changes)), Hash: hex.EncodeToString(e.Hash),
	}
	for _, c := range e.Changes {
		b.Changes = append(b.Changes, AuditChange(c))
	}
	return b
}

const auditList = "audit-log"

func registerAudit(s *Server, svc auditLog) {
	handle(s, Route{
		ID: "list-audit-log", Method: http.MethodGet, Path: "/v1/audit-log", Tag: "settings", Summary: "List who changed what in the shop, the newest first",
		Description: "Everything that is changed with a secret key or by the operator, but for the daily traffic of goods. " +
			"Entries are only ever added; each carries the hash of the one before it, and `doorstep audit verify` follows the chain.",
		Auth: secret("settings:read"), Errors: []*fault.Error{errCursor},
	}, func(ctx context.Context, in *struct{ PageQuery }) (*listOut[AuditEntry], error) {
		cursor, err := roomCursor(auditList, in.Cursor)
		if err != nil {
			return nil, err
		}
		var before int64
		if cursor != "" {
			if before, err = strconv.ParseInt(cursor, 10, 64); err != nil || before < 1 {
				return nil, errCursor
			}
		}
		page, err := svc.AuditLog(ctx, caller(ctx).Merchant, in.Limit+1, before)
		if err != nil {
			return nil, err
		}
		next := ""
		if len(page) > in.Limit {
			page = page[:in.Limit]
			next = strconv.FormatInt(page[in.Limit-1].Seq, 10)
		}
		return listOf(page, pageCursor(auditList, next), auditEntryOf), nil
	})
}
