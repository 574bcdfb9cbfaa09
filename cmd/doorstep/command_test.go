package main

import (
	"context"
	"encoding/csv"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"doorstep/internal/dbtest"
	"doorstep/internal/id"
)

// field finds what stands behind a word in the table that a command printed.
func field(t *testing.T, table, word string) string {
	t.Helper()
	for line := range strings.Lines(table) {
		if rest, ok := strings.CutPrefix(line, word+" "); ok {
			return strings.Fields(rest)[0]
		}
	}
	t.Fatalf("no %q in:\n%s", word, table)
	return ""
}

// write makes a file for a command to read.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHelpTeachesAndMistakesAreUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"-h"}, {"help"}, {}} {
		code, out, complaint := cli(t, "", args...)
		if code != exitOK || complaint != "" {
			t.Errorf("%q: %d %q", args, code, complaint)
		}
		for _, c := range commands() {
			if !strings.Contains(out, c.name) || !strings.Contains(out, c.help) {
				t.Errorf("%q does not tell of %s", args, c.name)
			}
		}
	}
	for _, c := range commands() {
		if c.name == "version" {
			continue
		}
		code, _, said := cli(t, "", c.name, "--help")
		if code != exitOK || !strings.Contains(said, "doorstep "+c.name) || len(said) < 60 {
			t.Errorf("%s --help: %d %q", c.name, code, said)
		}
		if code, _, said := cli(t, "", c.name, "--nonsense"); code != exitUsage || !strings.Contains(said, "nonsense") {
			t.Errorf("%s --nonsense: %d %q", c.name, code, said)
		}
	}
	for _, args := range []string{
		"nonsense", "serve now", "demo now", "merchants", "merchants create", "merchants fire Ani", "staff", "staff invite", "staff hire a@example.com",
		"keys", "keys revoke", "keys melt", "import", "import products", "import cats a.csv", "export", "export cats", "backup", "restore", "db", "db drop",
	} {
		dir := dbtest.Folder(t)
		if code, _, said := cli(t, dir, strings.Fields(args)...); code != exitUsage || said == "" {
			t.Errorf("%s: %d %q", args, code, said)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s has begun all the same: %v", args, left)
		}
	}
	if out := must(t, "", "version"); !strings.HasPrefix(out, "doorstep ") {
		t.Error(out)
	}
}

func TestTheConfigurationIsToldWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	key := write(t, "key", "Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LWNhbmE=\n")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "config", "--data", "/srv/shop")
	cmd.Env = append(os.Environ(), programEnv+"=1", "DATABASE_URL=postgres://ani:canary1@db.example/shop", "SMTP_URL=smtp://ani:canary2@mail.example:587",
		"DOORSTEP_MASTER_KEY_FILE="+key, "DOORSTEP_CART_TTL=48h")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, secret := range []string{"canary", "Y2FuYXJ5"} {
		if strings.Contains(string(out), secret) {
			t.Errorf("it tells %q:\n%s", secret, out)
		}
	}
	for _, shown := range []string{"DATABASE_URL", "DOORSTEP_MASTER_KEY", "/srv/shop", "48h0m0s", "********"} {
		if !strings.Contains(string(out), shown) {
			t.Errorf("it lacks %q:\n%s", shown, out)
		}
	}
}

func TestAnOperatorSetsUpAShopBesideTheRunningProgram(t *testing.T) {
	t.Parallel()
	dir := dbtest.Folder(t)
	if code, _, said := cli(t, dir, "db", "url"); code != exitFailed || !strings.Contains(said, "doorstep serve") {
		t.Errorf("db url without a program: %d %q", code, said)
	}
	must(t, dir, "migrate")
	p := start(t, dir, "serve")
	if code, _, said := cli(t, dir, "keys", "list"); code != exitFailed || !strings.Contains(said, "merchants create") {
		t.Errorf("keys without a merchant: %d %q", code, said)
	}
	made := must(t, dir, "merchants", "create", "Ani's Mugs", "--currency", "amd")
	merchant := field(t, made, "merchant")
	p.sk = field(t, made, "secret key")
	set := p.admin().get(t, "/v1/settings").want(t, http.StatusOK)
	if set.text("name") != "Ani's Mugs" || set.text("currencies.0") != "AMD" {
		t.Errorf("settings: %v", set)
	}
	p.pk = field(t, must(t, dir, "keys", "create", "--publishable", "--origin", "https://shop.example", "--name", "storefront"), "key")
	p.get(t, "/v1/search?q=x").want(t, http.StatusOK)
	p.get(t, "/v1/orders").want(t, http.StatusForbidden, "secret_key_required")
	narrow := field(t, must(t, dir, "keys", "create", "--scope", "orders:read", "--name", "accounting"), "key")
	p.get(t, "/v1/orders", "Authorization", "Bearer "+narrow).want(t, http.StatusOK)
	p.get(t, "/v1/settings", "Authorization", "Bearer "+narrow).want(t, http.StatusForbidden, "scope_missing")
	for _, wrong := range [][]string{{"--scope", "everything"}, {"--origin", "shop.example"}, {"--expires-in", "-1h"}} {
		if code, _, said := cli(t, dir, append([]string{"keys", "create"}, wrong...)...); code != exitFailed || said == "" {
			t.Errorf("keys create %v: %d %q", wrong, code, said)
		}
	}

	listed := must(t, dir, "keys", "list")
	for _, key := range []string{p.pk, p.sk, narrow} {
		if strings.Contains(listed, key) {
			t.Error("the list shows a key")
		}
	}
	for _, word := range []string{"storefront", "https://shop.example", "accounting", "orders:read", "live"} {
		if !strings.Contains(listed, word) {
			t.Errorf("the list lacks %q:\n%s", word, listed)
		}
	}
	keyID := regexp.MustCompile(`(?m)^(\S+) .* accounting `).FindStringSubmatch(listed)
	if keyID == nil {
		t.Fatalf("no id:\n%s", listed)
	}
	must(t, dir, "keys", "revoke", keyID[1])
	until(t, 2*time.Second, "the key is refused", func() (bool, any) {
		a := p.get(t, "/v1/orders", "Authorization", "Bearer "+narrow)
		return a.status == http.StatusUnauthorized && a.text("code") == "key_revoked", a
	})
	if !regexp.MustCompile(`accounting.*revoked`).MatchString(must(t, dir, "keys", "list")) {
		t.Error("the list calls it live")
	}

	invited := must(t, dir, "staff", "invite", "gor@example.com", "--role", "packer")
	if len(field(t, invited, "code")) < 8 {
		t.Errorf("no code: %s", invited)
	}
	if out := must(t, dir, "staff", "list"); !strings.Contains(out, "gor@example.com") || !strings.Contains(out, "packer") || strings.Contains(out, field(t, invited, "code")) {
		t.Errorf("staff: %s", out)
	}
	must(t, dir, "staff", "remove", field(t, invited, "staff"))
	if code, _, said := cli(t, dir, "staff", "invite", "gor@example.com", "--role", "emperor"); code != exitFailed || said == "" {
		t.Errorf("an emperor: %d %q", code, said)
	}

	must(t, dir, "merchants", "create", "Another")
	if out := must(t, dir, "merchants", "list"); !strings.Contains(out, merchant) || !strings.Contains(out, "Another") {
		t.Errorf("merchants: %s", out)
	}
	if code, _, said := cli(t, dir, "keys", "list"); code != exitFailed || !strings.Contains(said, "--merchant") {
		t.Errorf("which merchant: %d %q", code, said)
	}
	must(t, dir, "keys", "list", "--merchant", merchant)
	if code, _, _ := cli(t, dir, "keys", "list", "--merchant", id.New().String()); code != exitFailed {
		t.Error("keys of nobody")
	}
	p.verified(t)
}

const threeProducts = "\ufeffhandle,title,category,sku,prices,weight_g,stock,option1_name,option1_value,title_hy\r\n" +
	"copper-jezve,Copper jezve,Kitchen > Coffee,JEZVE-S,EUR 21.00|AMD 9500.00,300,12,Size,Small,Պղնձե ջազվե\r\n" +
	"copper-jezve,,,JEZVE-L,EUR 27.50|AMD 12400.00,450,7,,Large,\r\n" +
	"\"walnut-board\",\"Walnut board, \"\"long\"\"\",Kitchen,BOARD-1,EUR 34.00,900,3,,,\r\n" +
	"broken-one,Broken,Kitchen,BROKEN-1,EUR much,1,1,,,\r\n"

func TestAFileIsTakenInBesideTheRunningProgramAndFoundAtOnce(t *testing.T) {
	t.Parallel()
	dir := dbtest.Folder(t)
	p := start(t, dir, "serve")
	p.sk = field(t, must(t, dir, "merchants", "create", "Kitchen"), "secret key")
	file := write(t, "products.csv", threeProducts)
	code, out, said := cli(t, dir, "import", "products", file)
	if code != exitOK || !strings.Contains(out, "3 rows in") || !strings.Contains(out, "1 rows had mistakes") || !strings.Contains(said, "row 5, prices") {
		t.Fatalf("import: %d %q %q", code, out, said)
	}
	until(t, 3*time.Second, "search finds it", func() (bool, any) {
		a := p.admin().get(t, "/v1/search?q=coper+jezve").want(t, http.StatusOK)
		return a.text("data.0.slug") == "copper-jezve", a
	})
	first := must(t, dir, "export", "products")
	if rows := records(t, first); len(rows) != 4 {
		t.Fatalf("%d rows in\n%s", len(rows), first)
	}
	// The same file and the export change nothing.
	exported := filepath.Join(t.TempDir(), "out.csv")
	must(t, dir, "export", "products", "--out", exported)
	before := p.admin().get(t, "/v1/products/copper-jezve").want(t, http.StatusOK)
	for _, again := range []string{file, exported} {
		must(t, dir, "import", "products", again)
	}
	if after := p.admin().get(t, "/v1/products/copper-jezve").want(t, http.StatusOK); after.number("version") != before.number("version") {
		t.Error("an import of the same was a change")
	}
	if again := must(t, dir, "export", "products"); again != first {
		t.Errorf("the export has changed:\n%s\n%s", first, again)
	}
	// Another shop makes the same of it.
	other := dbtest.Folder(t)
	must(t, other, "merchants", "create", "Copy")
	must(t, other, "import", "products", exported)
	if copied := must(t, other, "export", "products"); copied != first {
		t.Errorf("the copy differs:\n%s\n%s", first, copied)
	}

	const past = "number,placed_at,email,currency,country,sku,title,quantity,unit_price,total,shipping\n" +
		"536365,2025-12-01T08:26:00Z,old@example.com,EUR,GB,JEZVE-S,Copper jezve,2,20.00,40.00,5.00\n" +
		"536365,2025-12-01T08:26:00Z,old@example.com,EUR,GB,BOARD-1,Walnut board,1,34.00,34.00,5.00\n" +
		"536366,2025-12-02T09:00:00Z,,EUR,AM,GONE-1,Something gone,1,9.99,9.99,0\n" +
		"536367,yesterday,,EUR,AM,GONE-1,Something gone,1,9.99,9.99,0\n"
	history := write(t, "orders.csv", past)
	for range 2 { // the second time changes nothing
		if out := must(t, dir, "import", "orders", history); !strings.Contains(out, "rows/s") {
			t.Errorf("import: %q", out)
		}
	}
	list := p.admin().get(t, "/v1/orders").want(t, http.StatusOK)
	if len(list.list("data")) != 2 || list.text("data.0.number") != "536366" || list.text("data.1.status") != "completed" || list.text("data.1.payment_status") != "paid" {
		t.Errorf("orders: %v", list)
	}
	if found := p.admin().get(t, "/v1/orders?email=Old@Example.com").want(t, http.StatusOK); len(found.list("data")) != 1 {
		t.Errorf("by e-mail: %v", found)
	}
	orders := must(t, dir, "export", "orders")
	if rows := records(t, orders); len(rows) != 4 || !strings.Contains(orders, "old@example.com") {
		t.Errorf("orders:\n%s", orders)
	}
	must(t, other, "import", "orders", write(t, "again.csv", orders))
	if copied := must(t, other, "export", "orders"); copied != orders {
		t.Errorf("the copy differs:\n%s\n%s", orders, copied)
	}
	for _, wrong := range []string{filepath.Join(dir, "none.csv"), write(t, "empty.csv", ""), write(t, "cat.csv", "\x89PNG\r\n\x1a\n")} {
		if code, _, said := cli(t, dir, "import", "products", wrong); code != exitFailed || said == "" {
			t.Errorf("%s: %d %q", wrong, code, said)
		}
	}
	p.verified(t)
}

func records(t *testing.T, text string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	return rows
}

func TestVerifyFindsABrokenRow(t *testing.T) {
	t.Parallel()
	p := newDemo(t)
	placed := p.buy(t, "cash_on_delivery", "", item("MUG-01", 2))
	p.verified(t)
	conn, err := pgx.Connect(t.Context(), strings.TrimSpace(must(t, p.dir, "db", "url")))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	for invariant, sql := range map[string]string{
		"payment_status_is_derived":     `update orders set payment_status = 'paid' where id = $1`,
		"shipped_is_what_is_in_parcels": `update order_lines set shipped = 1 where order_id = $1`,
		"order_has_its_story":           `delete from order_events where order_id = $1 and type = 'order.placed'`,
		"stock_adds_up":                 `update stock set free = free - 1 where variant_id = (select variant_id from order_lines where order_id = $1)`,
	} {
		tag, err := conn.Exec(t.Context(), sql, placed.text("order.id"))
		if err != nil || tag.RowsAffected() != 1 {
			t.Fatalf("%s: %v, %d rows", invariant, err, tag.RowsAffected())
		}
		code, out, said := cli(t, p.dir, "verify")
		if code != exitViolated || !strings.Contains(out, invariant) {
			t.Errorf("%s: %d %q %q", invariant, code, out, said)
		}
	}
}

func TestABackupMadeWhileSellingIsTheSameShopElsewhere(t *testing.T) {
	t.Parallel()
	p := newDemo(t)
	card := p.buy(t, "card", "tok_visa", item("MUG-01", 1))
	p.becomes(t, card.text("order.id"), "payment_status", "paid")
	c := gather(t, p, cash)
	until(t, patience, "purchases go on", func() (bool, any) { return c.count() >= 30, c.count() })
	c.mu.Lock()
	acknowledged := []string{card.text("order.id")}
	for o := range c.placed {
		acknowledged = append(acknowledged, o)
	}
	c.mu.Unlock()
	file := filepath.Join(t.TempDir(), "shop.backup")
	if out := must(t, p.dir, "backup", file); !strings.Contains(out, "master key") {
		t.Errorf("backup: %q", out)
	}
	during := c.count()
	until(t, patience, "purchases go on", func() (bool, any) { return c.count() > during, c.count() })
	c.leave()
	if code, _, said := cli(t, p.dir, "restore", file); code != exitFailed || !strings.Contains(said, "holds a shop already") {
		t.Errorf("restore over a shop: %d %q", code, said)
	}

	dir := dbtest.Folder(t)
	must(t, dir, "restore", file)
	if code, _, said := cli(t, dir, "restore", file); code != exitFailed || !strings.Contains(said, "holds a shop already") {
		t.Errorf("restore twice: %d %q", code, said)
	}
	// The keys belong to the operator and the books to the gateway: neither is in
	// the backup.
	for _, name := range []string{"master.key", booksFile} {
		content, err := os.ReadFile(filepath.Join(p.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again := start(t, dir, "serve")
	again.pk, again.sk = p.pk, p.sk
	for _, o := range acknowledged {
		before, after := p.order(t, o), again.order(t, o)
		for _, same := range []string{"number", "contact.email", "contact.shipping_address.line1", "placed_at"} {
			if before.text(same) != after.text(same) || after.text(same) == "" {
				t.Errorf("%s of %s: %q and %q", same, o, before.text(same), after.text(same))
			}
		}
		if before.number("totals.total.amount") != after.number("totals.total.amount") {
			t.Errorf("total of %s", o)
		}
	}
	if found := again.get(t, "/v1/search?q=pomegranate+mug").want(t, http.StatusOK); found.text("data.0.slug") != "pomegranate-mug" {
		t.Errorf("search: %v", found)
	}
	again.verified(t)
	placed := again.buy(t, "card", "tok_visa", item("MUG-01", 1))
	again.becomes(t, placed.text("order.id"), "payment_status", "paid")
	again.verified(t)

	half := write(t, "half.backup", "PGDMP and then nothing")
	empty := dbtest.Folder(t)
	if code, _, said := cli(t, empty, "restore", half); code != exitFailed || said == "" {
		t.Errorf("half a backup: %d %q", code, said)
	}
	if code, _, _ := cli(t, empty, "restore", filepath.Join(empty, "none")); code != exitFailed {
		t.Error("no backup")
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".doorstep-*")); err != nil || len(left) > 0 {
		t.Errorf("%v stays behind", left)
	}
}
