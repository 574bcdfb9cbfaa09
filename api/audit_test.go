package api

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"doorstep/customer"

	"github.com/google/uuid"
)

// fakeAudit notes the acts that are watched and shows a log.
type fakeAudit struct{ *shop }

func (f fakeAudit) Watch(ctx context.Context, a *customer.Act) context.Context {
	f.Lock()
	defer f.Unlock()
	f.acts = append(f.acts, a)
	return ctx
}

func (f fakeAudit) AuditLog(_ context.Context, m uuid.UUID, limit int, before int64) ([]customer.AuditEntry, error) {
	if err := f.see("AuditLog", m, false, nil, before); err != nil || m != merchant {
		return nil, err
	}
	var all []customer.AuditEntry
	for seq := int64(3); seq > 0; seq-- {
		if before == 0 || seq < before {
			all = append(all, customer.AuditEntry{
				Seq: seq, ID: thing, ActedAt: noon, Actor: "operator", Origin: "command line", Action: canary, Subject: "x",
				Changes: []customer.Change{{Field: "name", After: json.RawMessage(`"New"`)}}, Hash: []byte{1, 0xab},
			})
		}
	}
	return all[:min(limit, len(all))], nil
}

// watched takes the acts so far.
func (s *shop) watched() []*customer.Act {
	s.Lock()
	defer s.Unlock()
	all := s.acts
	s.acts = nil
	return all
}

// Every route through which a secret key may change something is watched, or
// says why not; shoppers never are.
func TestEveryChangeWithASecretKeyIsWatched(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	watched := 0
	for _, p := range contract(t, s) {
		area, access, _ := strings.Cut(p.route.Auth.Scope(), ":")
		rooms.watched()
		res, body := send(t, s, p.route.Method, p.path, p.header(rootKey, "audit-"+p.route.ID), p.text(t))
		if res.StatusCode >= 500 {
			t.Errorf("%s: %d %s", p.route.ID, res.StatusCode, body)
		}
		acts := rooms.watched()
		want := p.route.write() && p.route.Auth.Secret() && unaudited[area] == "" && unaudited[p.route.ID] == ""
		if want != (len(acts) == 1) {
			t.Errorf("%s (%s:%s): %d acts watched", p.route.ID, area, access, len(acts))
		}
		if len(acts) == 0 {
			continue
		}
		watched++
		a := acts[0]
		if a.Action != p.route.ID || a.Merchant != merchant || !strings.HasPrefix(a.Actor, "api_key:") || a.Origin == "" || a.Origin == "invalid IP" {
			t.Errorf("%s: %+v", p.route.ID, a)
		}
		if strings.Contains(p.route.Path, "{id}") && a.Subject != anID {
			t.Errorf("%s is about %q", p.route.ID, a.Subject)
		}
	}
	if watched < 20 {
		t.Errorf("only %d routes are watched", watched)
	}
	for id := range unaudited {
		if !slices.Contains(areas, id) && !slices.ContainsFunc(s.Routes(), func(r Route) bool { return r.ID == id }) {
			t.Errorf("%s is excepted and does not exist", id)
		}
	}
}

func TestTheAddressOfAnActIsTheCallersOwn(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	send(t, s, "PATCH", "/v1/settings", with(rootKey, "Shopper-IP", "203.0.113.9"), `{"name":"x"}`)
	if acts := rooms.watched(); len(acts) != 1 || acts[0].Origin == "203.0.113.9" {
		t.Errorf("%+v", acts)
	}
}

func TestTheAuditLogIsReadPageByPage(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	const path = "/v1/audit-log"
	run(t, s, []scenario{
		{name: "all", method: "GET", path: path, header: with(rootKey), status: 200, wantNot: []string{"next_cursor"},
			want: []string{`"seq":3`, `"seq":1`, `"actor":"operator"`, `"changes":[{"field":"name","after":"New"}]`, `"hash":"01ab"`}},
		{name: "not by order keys", method: "GET", path: path, header: with(adminKey), status: 403},
		{name: "not by shoppers", method: "GET", path: path, status: 403},
		{name: "odd cursor", method: "GET", path: path + "?cursor=x", header: with(rootKey), status: 422},
		{name: "nobody changes it", method: "DELETE", path: path, header: with(rootKey), status: 405},
	})
	_, body := send(t, s, "GET", path+"?limit=2", with(rootKey), "")
	cursor, _, _ := strings.Cut(strings.SplitN(body+`"next_cursor":"`, `"next_cursor":"`, 2)[1], `"`)
	if _, body = send(t, s, "GET", path+"?limit=2&cursor="+cursor, with(rootKey), ""); !strings.Contains(body, `"data":[{"seq":1`) || strings.Contains(body, "next_cursor") {
		t.Errorf("%s", body)
	}
}
