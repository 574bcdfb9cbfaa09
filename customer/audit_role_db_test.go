package customer_test

import (
	"context"
	"errors"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"doorstep/customer"
	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
	"doorstep/migrations"
)

// An operator's database has a role that owns the tables and is no superuser:
// the program works with it, and cannot change what it has written down.
func TestARoleOfItsOwnWritesTheLogAndCannotChangeIt(t *testing.T) {
	t.Parallel()
	base := dbtest.NewEmpty(t)
	name, password := "doorstep_plain_"+id.Secret(6), id.Secret(12)
	u, err := url.Parse(base.DSN)
	if err != nil || u.Scheme == "" {
		t.Skip("skipped: the server's address is not a URL")
	}
	admin, err := pgx.Connect(t.Context(), base.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(context.WithoutCancel(t.Context())) }()
	for _, sql := range []string{
		`create role ` + name + ` login password '` + password + `'`, `alter schema public owner to ` + name, `grant create, temporary on database ` + u.Path[1:] + ` to ` + name,
	} {
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, base.DSN)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close(ctx) }()
		for _, sql := range []string{`drop owned by ` + name + ` cascade`, `drop role ` + name} {
			if _, err := conn.Exec(ctx, sql); err != nil {
				t.Error(err)
			}
		}
	})
	u.User = url.UserPassword(name, password)
	if err := migrations.Up(t.Context(), u.String()); err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), db.Config{URL: u.String(), Clock: clock.At(start), MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	s := customer.New(d, vault(t, 7))
	m, err := s.CreateMerchant(t.Context(), "Mine", customer.DefaultSettings("Mine", "EUR"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		ctx := s.Watch(t.Context(), &customer.Act{Merchant: m.ID, Actor: "operator", Action: "create-key"})
		if _, _, err := s.CreateKey(ctx, m.ID, customer.NewKey{Kind: customer.SecretKey, Name: "till", Scopes: []string{"*"}}); err != nil {
			t.Fatal(err)
		}
	}
	if c, err := s.VerifyAudit(t.Context(), m.ID, ""); err != nil || c.Entries != 2 || len(c.Broken) != 0 {
		t.Errorf("%+v %v", c, err)
	}
	for _, sql := range []string{`update audit_log set actor = 'nobody'`, `delete from audit_log`, `truncate audit_log`} {
		_, err := d.Exec(t.Context(), sql)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "42501" { // insufficient_privilege
			t.Errorf("%s: %v", sql, err)
		}
	}
}
