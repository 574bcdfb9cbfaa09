package main

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestReconcileFindsWhatDiffersFromTheBooksAndMendsIt(t *testing.T) {
	t.Parallel()
	p := newDemo(t)
	placed := p.buy(t, "card", "tok_visa", item("MUG-01", 1))
	p.becomes(t, placed.text("order.id"), "payment_status", "paid")
	if code, out, said := cli(t, p.dir, "reconcile"); code != exitOK || !strings.Contains(out, "belong to the program that is running") {
		t.Fatalf("beside the program: %d %q %q", code, out, said)
	}
	conn, err := pgx.Connect(t.Context(), strings.TrimSpace(must(t, p.dir, "db", "url")))
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`delete from ledger_entries where order_id = $1`,
		`update payments set updated_at = updated_at - interval '1 hour' where order_id = $1`, // it is not under way
	} {
		if tag, err := conn.Exec(t.Context(), sql, placed.text("order.id")); err != nil || tag.RowsAffected() == 0 {
			t.Fatalf("%s: %v, %d rows", sql, err, tag.RowsAffected())
		}
	}
	if err := conn.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := cli(t, p.dir, "verify"); code != exitViolated || !strings.Contains(out, "ledger_has_the_captures") {
		t.Fatalf("verify: %d %q", code, out)
	}
	p.end()
	if code, out, said := cli(t, p.dir, "reconcile", "--days", "1"); code != exitOK || !strings.Contains(out, "ledger_differs") || !strings.Contains(out, "1 charges and 1 payments") {
		t.Fatalf("reconcile: %d %q %q", code, out, said)
	}
	if code, out, said := cli(t, p.dir, "reconcile", "--days", "1"); code != exitOK || strings.Contains(out, "ledger_differs") {
		t.Fatalf("again: %d %q %q", code, out, said)
	}
	if code, out, said := cli(t, p.dir, "verify"); code != exitOK {
		t.Fatalf("verify: %d %q %q", code, out, said)
	}
	for _, wrong := range [][]string{{"--days", "-1"}, {"--days", "401"}, {"--weeks", "1"}} {
		if code, _, _ := cli(t, p.dir, append([]string{"reconcile"}, wrong...)...); code != exitUsage {
			t.Errorf("%v: %d", wrong, code)
		}
	}
}
