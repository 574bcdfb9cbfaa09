package order_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/payment"
)

// file writes an import file and notes its import.
func (w *world) file(content, currency string) *order.Import {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "orders.csv")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
	i, err := w.orders.StartImport(w.ctx, w.merchant, order.ImportFile{Name: "orders.csv", Path: path, Size: int64(len(content))}, order.ImportOptions{Currency: currency})
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}

// load imports a file to its end.
func (w *world) load(content string) (*order.Import, []order.ImportError) {
	w.t.Helper()
	i := w.file(content, "EUR")
	if err := w.orders.WorkImports(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	i, err := w.orders.Import(w.ctx, w.merchant, i.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	problems, _, err := w.orders.ImportErrors(w.ctx, w.merchant, i.ID, 100, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return i, problems
}

const header = "number,placed_at,email,currency,country,sku,title,quantity,unit_price,total\n"

func TestPastOrdersComeInWholeAndAreFoundAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.variant("MUG")
	i, problems := w.load("\xef\xbb\xbf" + header +
		"536365,2010-12-01 08:26:00,ani@example.com,GBP,gb,MUG,\"A \"\"good\"\" mug\",6,2.55,\n" +
		"536365,2010-12-01 08:26:00,ani@example.com,GBP,GB,OLD-1,,2,3.39,6.00\n" +
		"\n" +
		"#1002,2010-12-02T10:00:00+04:00,,,,MUG,Mug,1,10,\n")
	if i.Status != order.ImportDone || i.RowsDone != 3 || i.RowsFailed != 0 || len(problems) != 0 || i.BytesDone != i.BytesTotal {
		t.Fatalf("%+v %v", i, problems)
	}
	o, err := w.orders.ByNumberAndEmail(w.ctx, w.merchant, "#536365", "ANI@example.com", "")
	if err != nil {
		t.Fatal(err)
	}
	if o.Total != 2130 || o.Discount != -78 || o.Currency != "GBP" || *o.Country != "GB" || o.Status != order.StatusCompleted || o.PaymentStatus != "paid" ||
		o.FulfillmentStatus != "delivered" || o.Source != "import" || !o.PlacedAt.Equal(time.Date(2010, 12, 1, 8, 26, 0, 0, time.UTC)) {
		t.Fatalf("%+v", o)
	}
	if l := o.Lines[0]; l.VariantID != v || l.Title != `A "good" mug` || l.Quantity != 6 || l.Unit != 255 || l.Total != 1530 {
		t.Fatalf("%+v", l)
	}
	if l := o.Lines[1]; l.VariantID != [16]byte{} || l.Title != "OLD-1" || l.Total != 600 {
		t.Fatalf("%+v", l)
	}
	if _, err := w.orders.ByNumberAndEmail(w.ctx, w.merchant, "1002", "", ""); !errors.Is(err, order.ErrNotFound) {
		t.Fatalf("an order without an e-mail was looked up: %v", err)
	}
	page, err := w.orders.List(w.ctx, w.merchant, order.Filter{Number: "#1002"}, "", 10, false)
	if err != nil || len(page.Orders) != 1 || !page.Orders[0].PlacedAt.Equal(time.Date(2010, 12, 2, 6, 0, 0, 0, time.UTC)) || page.Orders[0].Currency != "EUR" {
		t.Fatalf("%+v %v", page, err)
	}
	for name, err := range map[string]error{
		"canceled": second(w.orders.Cancel(w.ctx, w.merchant, o.ID, "", "merchant")),
		"shipped":  second(w.orders.Ship(w.ctx, w.merchant, o.ID, order.NewShipment{})),
		"refunded": second(w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{})),
	} {
		if fault.KindOf(err) != fault.Conflict {
			t.Errorf("a past order was %s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestImportingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	content := header + "A1,2020-01-01,,EUR,,X,,1,1.00,\nA1,2020-01-01,,EUR,,Y,,1,1.00,\nA2,2020-01-01,,EUR,,X,,1,1.00,\n"
	w.load(content)
	i, problems := w.load(content)
	if i.RowsDone != 3 || len(problems) != 0 || w.count(`select count(*) from orders`) != 2 || w.count(`select count(*) from order_lines`) != 3 {
		t.Fatalf("%+v %v", i, problems)
	}
	i, problems = w.load(header + "A1,2020-01-01,,EUR,,X,,5,1.00,\nA3,2020-01-01,,EUR,,X,,1,1.00,\n")
	if i.RowsDone != 1 || i.RowsFailed != 1 || len(problems) != 1 || problems[0].Code != "order_differs" || problems[0].Row != 2 {
		t.Fatalf("%+v %v", i, problems)
	}
	w.variant("MUG")
	own := w.place(payment.Card, 0, bought{"MUG", 1, 100})
	_, problems = w.load(header + strings.ToLower(strings.ReplaceAll(own.Number, "-", "")) + ",2020-01-01,,EUR,,MUG,,1,1.00,\n")
	if len(problems) != 1 || problems[0].Code != "order_differs" {
		t.Fatalf("a number of our own was taken: %v", problems)
	}
}

func TestABadRowCostsItsOwnOrderAndNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := strings.Repeat("x", 41)
	rows := []struct{ row, code, field string }{
		{"G1,2020-01-01,,EUR,,X,,1,1.00,", "", ""},
		{"B1,yesterday,,EUR,,X,,1,1.00,", "invalid_value", "placed_at"},
		{"B2,2020-01-01,no mail,EUR,,X,,1,1.00,", "invalid_value", "email"},
		{"B3,2020-01-01,,EUX,,X,,1,1.00,", "invalid_value", "currency"},
		{"B4,2020-01-01,,EUR,Armenia,X,,1,1.00,", "invalid_value", "country"},
		{"B5,2020-01-01,,EUR,,,,1,1.00,", "required", "sku"},
		{"B6,2020-01-01,,EUR,,X,,0,1.00,", "invalid_value", "quantity"},
		{"B7,2020-01-01,,EUR,,X,,1.5,1.00,", "invalid_value", "quantity"},
		{"B8,2020-01-01,,EUR,,X,,1,1.001,", "invalid_price", "unit_price"},
		{"B9,2020-01-01,,EUR,,X,,1,-1,", "invalid_price", "unit_price"},
		{"B10,2020-01-01,,EUR,,X,,1,1.00,1.01", "invalid_price", "total"},
		{"B11,2020-01-01,,EUR,,X,,1000000,92233720368547758.07,", "invalid_price", "unit_price"},
		{",2020-01-01,,EUR,,X,,1,1.00,", "invalid_value", "number"},
		{long + ",2020-01-01,,EUR,,X,,1,1.00,", "invalid_value", "number"},
		{"'; drop table orders,2020-01-01,,EUR,,X,,1,1.00,", "invalid_value", "number"},
		{"B12,2020-01-01,,EUR,,X,,1", "ragged_row", ""},
		{"B13,2020-01-01,,EUR,,X,,1,1.00,,", "ragged_row", ""},
		{"B14,2020-01-01,,EUR,,\"X\"Y,,1,1.00,", "broken_quotes", ""},
		{"B15,2020-01-01,,EUR,,X\"Y,,1,1.00,", "broken_quotes", ""},
		{"B16,2020-01-01,,EUR,,\xff,,1,1.00,", "invalid_utf8", ""},
		{"B17,2020-01-01,,EUR,,\x00,,1,1.00,", "control_character", ""},
		{"4242424242424242,2020-01-01,,EUR,,X,,1,1.00,", "card_number_refused", ""},
		{"B171,2020-01-01,,EUR,,X,paid by 5555 5555 5555 4444,1,1.00,", "card_number_refused", ""},
		{"B18,2020-01-01,,EUR,,X,,9000,9999999999999.00,", "", ""}, // its two lines fit, their sum does not
		{"B18,2020-01-01,,EUR,,X,,9000,9999999999999.00,", "invalid_price", "unit_price"},
		{"B19,2020-01-01,,EUR,,X,,1,1.00,", "", ""},
		{"B19,2020-01-01,,USD,,X,,1,1.00,", "mixed_currencies", "currency"},
		{"G2,2020-01-01,,EUR,,X,,1,1.00,", "", ""},
		{"G1,2020-01-01,,EUR,,X,,1,1.00,", "order_split", "number"},
		{"B20,2020-01-01,,EUR,,\"never closed,,1,1.00,", "broken_quotes", ""},
		{"G3,2020-01-01,,EUR,,X,,1,1.00,", "", ""},
	}
	content := header
	var want []string
	for n, r := range rows {
		content += r.row + "\n"
		if r.code != "" {
			want = append(want, fmt.Sprint(n+2, " ", r.code, " ", r.field))
		}
	}
	i, problems := w.load(content)
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprint(p.Row, " ", p.Code, " ", p.Field))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if i.Status != order.ImportDone || i.RowsDone != 3 || i.RowsDone+i.RowsFailed != int64(len(rows)) {
		t.Errorf("%+v", i)
	}
	if n := w.count(`select count(*) from orders where number like 'G%'`); n != 3 || w.count(`select count(*) from orders`) != 3 {
		t.Errorf("%d orders", n)
	}
}

func TestAFileThatIsNoTableOfOrdersFailsWithItsReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, content := range map[string]string{
		"empty":           "",
		"other columns":   "a,b,c\n1,2,3\n",
		"a column twice":  "number,number,placed_at,sku,quantity,unit_price\n",
		"utf-16":          "\xff\xfen\x00u\x00",
		"one endless row": strings.Repeat("x", 3<<20),
	} {
		i, _ := w.load(content)
		if i.Status != order.ImportFailed || i.Failure == "" || i.FinishedAt == nil {
			t.Errorf("%s: %+v", name, i)
		}
	}
	i := w.file("x", "EUR")
	w.exec(`update imports set file_path = '/nowhere' where id = $1`, i.ID)
	if err := w.orders.RunImport(w.ctx, w.merchant, i.ID); err != nil {
		t.Fatal(err)
	}
	if i, err := w.orders.Import(w.ctx, w.merchant, i.ID); err != nil || i.Status != order.ImportFailed || strings.Contains(i.Failure, "nowhere") {
		t.Errorf("%+v %v", i, err)
	}
	if _, err := w.orders.StartImport(w.ctx, w.merchant, order.ImportFile{}, order.ImportOptions{Currency: "XXX"}); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	if _, err := w.orders.Import(w.ctx, id.New(), i.ID); !errors.Is(err, order.ErrImportNotFound) {
		t.Error(err)
	}
}

func TestARowWithoutEndCostsOneLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, problems := w.load(header + "A,2020-01-01,,EUR,,\"" + strings.Repeat("x", 2<<20) + "\nB,2020-01-01,,EUR,,X,,1,1.00,\n")
	if i.Status != order.ImportDone || i.RowsDone != 1 || len(problems) != 1 || problems[0].Code != "broken_quotes" {
		t.Fatalf("%+v %v", i, problems)
	}
}

// stopping is a context that ends after it was asked a number of times.
type stopping struct {
	context.Context
	left int
}

func (s *stopping) Err() error {
	if s.left--; s.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestAnInterruptedImportGoesOnWhereItWasLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var b strings.Builder
	b.WriteString(header)
	for n := range 1300 {
		for l := range 20 {
			fmt.Fprintf(&b, "N%d,2020-01-01,,EUR,,S%d,\"multi\nline\",1,1.00,\n", n, l)
		}
	}
	i := w.file(b.String(), "EUR")
	runs := 0
	for ; runs < 50; runs++ {
		err := w.orders.RunImport(&stopping{w.ctx, 1}, w.merchant, i.ID)
		now, e := w.orders.Import(w.ctx, w.merchant, i.ID)
		if e != nil {
			t.Fatal(e)
		}
		if now.Status == order.ImportDone {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if runs%2 == 1 { // this runner was not told to stop: it died
			w.exec(`update imports set status = 'running' where id = $1`, i.ID)
			if err := w.orders.RunImport(w.ctx, w.merchant, i.ID); err != nil || w.count(`select count(*) from imports where rows_done = $1`, now.RowsDone) != 1 {
				t.Fatalf("another runner went on at once: %v", err)
			}
			w.clock.Advance(time.Hour)
		}
	}
	if runs < 4 {
		t.Fatalf("it was interrupted only %d times", runs)
	}
	i, err := w.orders.Import(w.ctx, w.merchant, i.ID)
	if err != nil || i.RowsDone != 26000 || i.RowsFailed != 0 || i.RowsSeen != 26001 {
		t.Fatalf("%+v %v", i, err)
	}
	if o, l := w.count(`select count(*) from orders`), w.count(`select count(*) from order_lines`); o != 1300 || l != 26000 {
		t.Fatalf("%d orders, %d lines", o, l)
	}
}

func TestAnExportComesBackTheSame(t *testing.T) {
	t.Parallel()
	w, other := newWorld(t), newWorld(t)
	w.variant("MUG")
	for range 3 {
		w.place(payment.Card, 250, bought{"MUG", 2, 1000}, bought{"MUG", 1, 333})
	}
	w.load(header + "A1,2020-01-01,=ani@example.com,JPY,AM,\"a,b\",\"Ա \"\"x\"\"\nկ\",3,100,250\n")
	var out bytes.Buffer
	if err := w.orders.Export(w.ctx, w.merchant, order.Filter{}, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), ",'=ani@example.com,") {
		t.Fatalf("an e-mail is a formula:\n%s", out.String())
	}
	if rows, err := csv.NewReader(&out).ReadAll(); err != nil || len(rows) != 1+3*2+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	export := func(w *world) string {
		var out bytes.Buffer
		if err := w.orders.Export(w.ctx, w.merchant, order.Filter{}, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	i, problems := other.load(export(w))
	if i.RowsDone != 7 || len(problems) != 0 {
		t.Fatalf("%+v %v", i, problems)
	}
	first := export(other)
	if i, problems := other.load(first); i.RowsDone != 7 || len(problems) != 0 || export(other) != first {
		t.Fatalf("%+v %v", i, problems)
	}
	amounts := `select sum(total_minor)::bigint + count(*) from orders`
	if w.count(amounts) != other.count(amounts) {
		t.Fatal("the amounts differ")
	}
	if _, err := other.orders.ByNumberAndEmail(w.ctx, other.merchant, "A1", "=ani@example.com", ""); err != nil {
		t.Fatal(err)
	}
}

func TestAYearOfARealShopIsImportedInSeconds(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	content := realShop(t)
	w := newWorld(t)
	i := w.file(content, "GBP")
	began := time.Now()
	if err := w.orders.RunImport(w.ctx, w.merchant, i.ID); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	i, err := w.orders.Import(w.ctx, w.merchant, i.ID)
	if err != nil || i.Status != order.ImportDone || i.RowsFailed != 0 || i.RowsDone < 400_000 {
		t.Fatalf("%+v %v", i, err)
	}
	orders := w.count(`select count(*) from orders`)
	t.Logf("%d orders, %d rows in %v: %.0f rows/s", orders, i.RowsDone, took, float64(i.RowsDone)/took.Seconds())
	if orders < 16_000 || w.count(`select count(*) from order_lines`) != i.RowsDone {
		t.Fatalf("%d orders", orders)
	}
	began = time.Now()
	var size counter
	if err := w.orders.Export(w.ctx, w.merchant, order.Filter{}, &size); err != nil {
		t.Fatal(err)
	}
	t.Logf("exported %d bytes in %v", size, time.Since(began))
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// realShop makes an import file of the shared data, when it is there.
func realShop(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			t.Skip("not inside a module, so there is no shared data")
		}
		dir = filepath.Dir(dir)
	}
	f, err := os.Open(filepath.Join(dir, "..", "shared", "data", "recommend", "online-retail", "train.tsv.gz"))
	if err != nil {
		t.Skip("the shared data is not here: ", err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("number,placed_at,email,sku,quantity,unit_price\n")
	in := bufio.NewScanner(z)
	in.Scan() // the header
	for in.Scan() {
		c := strings.Split(in.Text(), "\t")
		email := ""
		if c[2] != "-" {
			email = "c" + c[2] + "@example.com"
		}
		price := c[5]
		if whole, fraction, ok := strings.Cut(price, "."); ok && len(fraction) > 2 {
			price = whole + "." + fraction[:2]
		}
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s\n", c[1], c[0], email, c[3], c[4], price)
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
