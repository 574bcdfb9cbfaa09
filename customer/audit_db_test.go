package customer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/db"
)

func (w *world) acting(action string) (*customer.Act, context.Context) {
	a := &customer.Act{Merchant: w.mine, Actor: "api_key:1", Origin: "192.0.2.7", Action: action, Subject: "s"}
	return a, w.service.Watch(w.ctx, a)
}

func (w *world) log() []customer.AuditEntry {
	w.t.Helper()
	all, err := w.service.AuditLog(w.ctx, w.mine, 1000, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func (w *world) chain() customer.AuditChain {
	w.t.Helper()
	c, err := w.service.VerifyAudit(w.ctx, w.mine, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func TestAnActIsWrittenDownWithWhatItChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, ctx := w.acting("change-settings")
	_, _, err := w.service.UpdateSettings(ctx, w.mine, nil, func(s *customer.Settings) error {
		before := *s
		s.Name, s.ReturnWindowDays = "Cups", 77
		return a.Compare(before, *s)
	})
	if err != nil {
		t.Fatal(err)
	}
	all := w.log()
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	e := all[0]
	if e.Seq != 1 || e.Actor != "api_key:1" || e.Origin != "192.0.2.7" || e.Action != "change-settings" || e.Subject != "s" || !e.ActedAt.Equal(start) || len(e.Changes) != 2 {
		t.Fatalf("%+v", e)
	}
	for _, c := range e.Changes {
		if string(c.Before) == string(c.After) || c.Before == nil || !strings.Contains(string(c.After), "Cups") && string(c.After) != "77" {
			t.Errorf("%s: %s -> %s", c.Field, c.Before, c.After)
		}
	}
	if other, err := w.service.AuditLog(w.ctx, w.other, 100, 0); err != nil || len(other) != 0 {
		t.Errorf("another merchant reads %+v %v", other, err)
	}
}

func TestAnActThatFailsOrChangesNothingLeavesNoEntry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	boom := errors.New("boom")
	_, ctx := w.acting("change-settings")
	if _, _, err := w.service.UpdateSettings(ctx, w.mine, nil, func(*customer.Settings) error { return boom }); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if _, _, err := w.service.UpdateSettings(ctx, w.mine, nil, func(*customer.Settings) error { return nil }); err != nil {
		t.Fatal(err)
	}
	stale := int64(99)
	if _, _, err := w.service.UpdateSettings(ctx, w.mine, &stale, func(s *customer.Settings) error { s.Name = "x"; return nil }); !errors.Is(err, customer.ErrVersion) {
		t.Fatal(err)
	}
	if all := w.log(); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

func TestKeysAreMadeAndRevokedUnderWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, ctx := w.acting("create-key")
	if err := a.Compare(nil, map[string]any{"name": "till", "scopes": []string{"orders:read"}, "secret": "ds_sk_x"}); err != nil {
		t.Fatal(err)
	}
	k, text, err := w.service.CreateKey(ctx, w.mine, customer.NewKey{Kind: customer.SecretKey, Name: "till", Scopes: []string{"orders:read"}})
	if err != nil {
		t.Fatal(err)
	}
	_, ctx = w.acting("revoke-key")
	if _, err := w.service.RevokeKey(ctx, w.mine, k.ID); err != nil {
		t.Fatal(err)
	}
	_, ctx = w.acting("revoke-key-again")
	if again, err := w.service.RevokeKey(ctx, w.mine, k.ID); err != nil || again.RevokedAt == nil {
		t.Fatalf("%+v %v", again, err)
	}
	_, ctx = w.acting("revoke-key")
	if _, err := w.service.RevokeKey(ctx, w.mine, uuid.New()); !errors.Is(err, customer.ErrKeyUnknown) {
		t.Fatal(err)
	}
	all := w.log()
	if len(all) != 2 || all[0].Action != "revoke-key" || all[1].Action != "create-key" {
		t.Fatalf("%+v", all)
	}
	if n := w.count(`select count(*) from audit_log where content like '%' || $1 || '%' or content like '%ds_sk%'`, text); n != 0 {
		t.Error("the log holds a key")
	}
	if c := w.chain(); c.Entries != 2 || len(c.Broken) != 0 {
		t.Errorf("%+v", c)
	}
}

func TestSecretsAndPeoplesDataAreNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, ctx := w.acting("anything")
	a.Given = []byte(`{"client_secret":"hunter2","sender":{"email":"ani@hunter2.example","name":"Shop"},"list":[{"phone":"hunter2","n":12345678901234567890}],
		"Email":"hunter2","reason":"late","flags":{"email_enabled":true,"token":null},"long":"` + strings.Repeat("hunter2", 1000) + `"}`)
	w.act(ctx)
	all := w.log()
	var kept []string
	for _, c := range all[0].Changes {
		kept = append(kept, c.Field+"="+string(c.After))
	}
	text := strings.Join(kept, "\n")
	if strings.Contains(text, "hunter2") {
		t.Errorf("kept: %s", text)
	}
	for _, want := range []string{`reason="late"`, `"n":12345678901234567890`, `"name":"Shop"`, `"email_enabled":true`, `long="sha256:`, `client_secret="(not kept)"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
	a, ctx = w.acting("a list")
	a.Given = []byte(`[1,2]`)
	w.act(ctx)
	if got := w.log()[0].Changes; len(got) != 1 || got[0].Field != "body" || string(got[0].After) != `[1,2]` {
		t.Errorf("%+v", got)
	}
}

// act does something small under a watch.
func (w *world) act(ctx context.Context) {
	w.t.Helper()
	if _, err := w.db.Exec(ctx, `update merchants set name = name || '.' where id = $1`, w.mine); err != nil {
		w.t.Fatal(err)
	}
}

func TestManyActsAtOnceMakeOneChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var wait sync.WaitGroup
	for i := range 12 {
		wait.Go(func() {
			for j := range 10 {
				a := &customer.Act{Merchant: w.mine, Actor: "api_key:" + strconv.Itoa(i), Action: "act " + strconv.Itoa(j)}
				if err := db.Run(w.service.Watch(w.ctx, a), w.db, func(tx db.Tx) error {
					tx.Queue(`insert into attempts (merchant_id, purpose, key, window_at, n) values ($1, 'test', $2, $3, 1)`, w.mine, []byte{byte(i), byte(j)}, start)
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	c := w.chain()
	if c.Entries != 120 || len(c.Broken) != 0 || len(w.log()) != 120 {
		t.Errorf("%+v", c)
	}
	// Each actor's acts are in their order.
	next := map[string]int{}
	for _, e := range slices.Backward(w.log()) {
		if e.Action != "act "+strconv.Itoa(next[e.Actor]) {
			t.Fatalf("%s did %s, want %d", e.Actor, e.Action, next[e.Actor])
		}
		next[e.Actor]++
	}
}

func TestAnyTamperingBreaksTheChain(t *testing.T) {
	t.Parallel()
	const everywhere = `content = replace(content, 'act 3', 'act x'), actor = replace(actor, 'act 3', 'act x'), origin = replace(origin, 'act 3', 'act x'),
		action = replace(action, 'act 3', 'act x'), subject = replace(subject, 'act 3', 'act x')`
	for name, sql := range map[string]string{
		"changed in all places": `update audit_log set ` + everywhere + ` where seq = 3`,
		"forged in all places, with a good hash": `update audit_log set ` + everywhere +
			`, hash = sha256(prev_hash || int8send(seq) || convert_to(replace(content, 'act 3', 'act x'), 'UTF8')) where seq = 3`,
		"a changed entry":           `update audit_log set content = replace(content, 'act 3', 'act x') where seq = 3`,
		"a changed column":          `update audit_log set actor = 'somebody else' where seq = 3`,
		"a changed time":            `update audit_log set acted_at = acted_at + interval '1 s' where seq = 3`,
		"an entry taken out":        `delete from audit_log where seq = 3`,
		"the first taken out":       `delete from audit_log where seq = 1`,
		"the last taken out":        `delete from audit_log where seq = 5`,
		"all taken out":             `delete from audit_log`,
		"the end taken out":         `delete from audit_heads`,
		"an entry put in":           `insert into audit_log select merchant_id, 6, gen_random_uuid(), acted_at, actor, origin, action, subject, content, hash, hash from audit_log where seq = 5`,
		"two swapped":               `update audit_log set seq = case seq when 2 then 13 else 12 end where seq in (2, 3); update audit_log set seq = seq - 10 where seq > 10`,
		"an entry with a good hash": `update audit_log set content = replace(content, 'act 3', 'act x'), hash = sha256(prev_hash || int8send(seq) || convert_to(replace(content, 'act 3', 'act x'), 'UTF8')) where seq = 3`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for i := range 5 {
				_, ctx := w.acting("act " + strconv.Itoa(i+1))
				w.act(ctx)
			}
			if c := w.chain(); len(c.Broken) != 0 || c.Entries != 5 {
				t.Fatalf("before: %+v", c)
			}
			// Whoever can do this is no role of the program.
			for _, s := range strings.Split(sql, "; ") {
				w.exec(s)
			}
			if c := w.chain(); len(c.Broken) == 0 {
				t.Errorf("not seen: %+v", c)
			}
		})
	}
}

// A chain that was cut off together with its end is whole in itself; a head that
// was noted elsewhere tells.
func TestANotedHeadProvesThatNothingWasCutOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 3 {
		_, ctx := w.acting("act " + strconv.Itoa(i))
		w.act(ctx)
	}
	c := w.chain()
	noted := fmt.Sprintf("%d:%x", c.Entries, c.Head)
	_, ctx := w.acting("later")
	w.act(ctx)
	if c, err := w.service.VerifyAudit(w.ctx, w.mine, noted); err != nil || len(c.Broken) != 0 {
		t.Errorf("%+v %v", c, err)
	}
	w.exec(`delete from audit_log where seq > 2`)
	w.exec(`update audit_heads set seq = 2, hash = (select hash from audit_log where seq = 2)`)
	if c := w.chain(); len(c.Broken) != 0 {
		t.Fatalf("%+v", c)
	}
	if c, err := w.service.VerifyAudit(w.ctx, w.mine, noted); err != nil || len(c.Broken) != 1 {
		t.Errorf("%+v %v", c, err)
	}
}

func TestNobodyIsGivenTheRightToChangeTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// Superusers pass by every right, so the rights themselves are looked at.
	if n := w.count(`select count(*) from pg_class c cross join aclexplode(c.relacl) a
		where c.relname = 'audit_log' and a.privilege_type in ('UPDATE', 'DELETE', 'TRUNCATE')`); n != 0 {
		t.Errorf("%d rights to change the log", n)
	}
	if n := w.count(`select count(*) from pg_class c cross join aclexplode(c.relacl) a
		where c.relname = 'audit_log' and a.privilege_type in ('INSERT', 'SELECT')`); n < 2 {
		t.Error("the log cannot be written or read")
	}
}

func TestTheLogIsReadPageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 5 {
		_, ctx := w.acting("act " + strconv.Itoa(i))
		w.act(ctx)
	}
	page, err := w.service.AuditLog(w.ctx, w.mine, 2, 0)
	if err != nil || len(page) != 2 || page[0].Seq != 5 {
		t.Fatalf("%+v %v", page, err)
	}
	if page, err = w.service.AuditLog(w.ctx, w.mine, 10, page[1].Seq); err != nil || len(page) != 3 || page[0].Seq != 3 {
		t.Errorf("%+v %v", page, err)
	}
}
