package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"doorstep/catalog"
)

const shortHeader = "handle,title,sku,prices,stock,status\n"

func TestABrokenFileCostsOnlyItsBrokenRows(t *testing.T) {
	t.Parallel()
	good := "good,Good,GOOD,EUR 1,1,active\n"
	for name, c := range map[string]struct {
		file   string
		done   int64
		failed int64
		faults string // row:code
	}{
		"nothing but a header":  {shortHeader, 0, 0, ""},
		"no last line end":      {shortHeader + strings.TrimSpace(good), 1, 0, ""},
		"byte order mark":       {"\ufeff" + shortHeader + good, 1, 0, ""},
		"Windows line ends":     {strings.ReplaceAll(shortHeader+good, "\n", "\r\n"), 1, 0, ""},
		"old Mac line ends":     {strings.ReplaceAll(shortHeader+good, "\n", "\r"), 1, 0, ""},
		"semicolons":            {strings.ReplaceAll(shortHeader+good, ",", ";"), 1, 0, ""},
		"tabs":                  {strings.ReplaceAll(shortHeader+good, ",", "\t"), 1, 0, ""},
		"empty lines":           {shortHeader + "\n\n" + good + "\n,,,,,\n", 1, 0, ""},
		"upper-case header":     {strings.ToUpper(shortHeader) + good, 1, 0, ""},
		"quotes inside":         {shortHeader + "a,\"A \"\"big\"\"\none\",A,EUR 1,1,active\n" + good, 2, 0, ""},
		"inch sign":             {shortHeader + "a,27\" screen,A,EUR 1,1,active\n" + good, 2, 0, ""},
		"too few columns":       {shortHeader + "a,A,A\n" + good, 1, 1, "2:ragged_row"},
		"too many columns":      {shortHeader + "a,A,A,EUR 1,1,active,extra\n" + good, 1, 1, "2:ragged_row"},
		"empty extra columns":   {shortHeader + "a,A,A,EUR 1,1,active,,\n" + good, 2, 0, ""},
		"an unclosed quote":     {shortHeader + "a,\"A,A,EUR 1,1,active\n" + good, 1, 1, "2:broken_quotes"},
		"text behind a quote":   {shortHeader + "a,\"A\"x,A,EUR 1,1,active\n" + good, 1, 1, "2:broken_quotes"},
		"a huge field":          {shortHeader + "a,\"" + strings.Repeat("x", 5<<20) + "\n" + good, 1, 1, "2:row_too_large"},
		"a huge line":           {shortHeader + strings.Repeat("x", 9<<20) + "\n" + good, 1, 1, "2:row_too_large"},
		"very many columns":     {shortHeader + strings.Repeat(",", 5000) + "\n" + good, 1, 1, "2:too_many_columns"},
		"not UTF-8":             {shortHeader + "a,caf\xe9,A,EUR 1,1,active\n" + good, 1, 1, "2:invalid_utf8"},
		"a NUL":                 {shortHeader + "a,A\x00,A,EUR 1,1,active\n" + good, 1, 1, "2:control_character"},
		"a card number":         {shortHeader + "a,A 4242-4242-4242-4242,A,EUR 1,1,active\n" + good, 1, 1, "2:card_number_refused"},
		"a card for a SKU":      {shortHeader + "a,A,4242424242424242,EUR 1,1,active\n" + good, 1, 1, "2:card_number_refused"},
		"a barcode for a SKU":   {shortHeader + "a,A,4006381333931,EUR 1,1,active\n" + good, 2, 0, ""},
		"no handle, no title":   {shortHeader + ",,A,EUR 1,1,active\n" + good, 1, 1, "2:required"},
		"no handle":             {shortHeader + ",Some Thing,A,EUR 1,1,active\n" + good, 2, 0, ""},
		"no SKU":                {shortHeader + "a,A,,EUR 1,1,active\n" + good, 1, 1, "2:required"},
		"no title":              {shortHeader + "a,,A,EUR 1,1,active\n" + good, 1, 1, "2:required"},
		"a bad price":           {shortHeader + "a,A,A,EUR 1.999,1,active\n" + good, 1, 1, "2:invalid_price"},
		"a negative price":      {shortHeader + "a,A,A,-1,1,active\n" + good, 1, 1, "2:invalid_price"},
		"an unknown currency":   {shortHeader + "a,A,A,ABC 1,1,active\n" + good, 1, 1, "2:invalid_price"},
		"one currency twice":    {shortHeader + "a,A,A,EUR 1|EUR 2,1,active\n" + good, 1, 1, "2:invalid_value"},
		"a bad status":          {shortHeader + "a,A,A,EUR 1,1,sold\n" + good, 1, 1, "2:invalid_value"},
		"an unknown location":   {shortHeader + "a,A,A,EUR 1,MOON:1,active\n" + good, 1, 1, "2:unknown_location"},
		"wrong twice":           {shortHeader + "a,A,A,EUR 1,1,active\na,,B,EUR x,-1,\n" + good, 2, 1, "3:invalid_price 3:invalid_value"},
		"parted rows":           {"handle,title,sku,option1_name,option1_value\na,A,A,Size,S\nb,B,B,,\na,,A2,,L\n", 3, 0, ""},
		"a year before year 1":  {"handle,title,sku,prices,sale_prices,sale_starts_at\nok,Ok,OK,EUR 2,,\na,A,A,EUR 2,EUR 1,0000-01-01\nb,B,B,EUR 2,,\n", 2, 1, "3:not_stored"},
		"negative stock":        {shortHeader + "a,A,A,EUR 1,-1,active\n" + good, 1, 1, "2:invalid_value"},
		"a long title":          {shortHeader + "a," + strings.Repeat("x", 301) + ",A,EUR 1,1,active\n" + good, 1, 1, "2:invalid_value"},
		"a SKU twice":           {shortHeader + "a,A,A,EUR 1,1,active\n" + "a,,A,EUR 2,1,\n" + good, 2, 1, "3:duplicate_sku"},
		"a SKU of another":      {shortHeader + "a,A,GOOD,EUR 1,1,active\n" + good, 1, 1, "3:sku_taken"},
		"two without options":   {shortHeader + "a,A,A,EUR 1,1,active\n" + "a,,B,EUR 2,1,\n" + good, 2, 1, "3:invalid_value"},
		"a bad row in between":  {shortHeader + "a,A,A,EUR 1,1,active\n" + "a,\"x\n" + good, 2, 1, "3:broken_quotes"},
		"random bytes":          {shortHeader + "\xff\xfe\x00\x01\"\"\"\n" + good, 1, 1, "2:ragged_row"},
		"quotes without an end": {shortHeader + strings.Repeat("\"\"\"x\n", 300), 0, 300, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			i := w.load(c.file)
			if i.Status != catalog.ImportDone || i.RowsDone != c.done || i.RowsFailed != c.failed || i.BytesDone != i.BytesTotal {
				t.Errorf("%s: %d done, %d failed, %d of %d bytes: %s", i.Status, i.RowsDone, i.RowsFailed, i.BytesDone, i.BytesTotal, w.faults(i))
			}
			if got := w.faults(i); c.faults != "" && got != c.faults {
				t.Errorf("got %s, want %s", got, c.faults)
			}
			w.invariant()
		})
	}
}

func TestAFileThatIsNoTableFailsWithAReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct{ file, reason string }{
		"empty":          {"", "no readable first line"},
		"no SKU column":  {"handle,title\na,A\n", "lacks columns that are needed: sku"},
		"not this table": {"date,amount\n1,2\n", "lacks columns that are needed: handle, sku"},
		"UTF-16":         {"\xff\xfeh\x00a\x00", "UTF-16"},
		"twice":          {"handle,sku,SKU\n", "twice"},
	} {
		i := w.load(c.file)
		if i.Status != catalog.ImportFailed || !strings.Contains(i.Failure, c.reason) || i.FinishedAt == nil {
			t.Errorf("%s: %+v", name, i)
		}
	}
	gone := w.upload(shortHeader)
	if err := os.Remove(gone.FilePath); err != nil {
		t.Fatal(err)
	}
	if _, err := w.shop.WorkImports(t.Context()); err != nil {
		t.Fatal(err)
	}
	if i, _ := w.shop.Import(t.Context(), w.merchant, gone.ID); i.Status != catalog.ImportFailed {
		t.Errorf("a file that is gone: %+v", i)
	}
}

func TestAnInterruptedImportGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	w, whole := newWorld(t), newWorld(t)
	content := bulk(1500)
	content = strings.Replace(content, "EUR 12.50", "EUR 12.5x", 1) // one bad row, counted once
	want := whole.load(content)
	i := w.upload(content)
	for stops := 0; ; stops++ {
		ctx, stop := context.WithCancel(t.Context())
		watch, end := context.WithCancel(t.Context())
		go func() { // ends the runner as soon as it has got further
			defer stop()
			from := i.BytesDone
			for watch.Err() == nil {
				now, err := w.shop.Import(watch, w.merchant, i.ID)
				if err == nil && now.BytesDone > from {
					return
				}
			}
		}()
		err := w.shop.RunImport(ctx, w.merchant, i.ID)
		end()
		i, _ = w.shop.Import(t.Context(), w.merchant, i.ID)
		if err == nil && i.Status == catalog.ImportDone {
			if stops == 0 {
				t.Error("it was never interrupted")
			}
			break
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		w.clock.Advance(time.Minute) // what a killed runner held is free after its lease
	}
	if i.RowsDone != want.RowsDone || i.RowsFailed != 1 || i.RowsSeen != want.RowsSeen || i.BytesDone != i.BytesTotal {
		t.Errorf("%+v, want %+v", i, want)
	}
	if w.export() != whole.export() {
		t.Error("in pieces it is another catalogue")
	}
	if n := w.count(`select count(*) from products where version > 1`); n != 0 {
		t.Errorf("%d products were stored twice", n)
	}
	w.invariant()
}

func TestARunningImportHasOneRunner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.upload(bulk(10))
	w.exec(`update imports set status = 'running', updated_at = $1`, w.db.Now())
	if err := w.shop.RunImport(t.Context(), w.merchant, i.ID); err != nil {
		t.Fatal(err)
	}
	if n := w.count(`select count(*) from products`); n != 0 {
		t.Errorf("a second runner imported %d products", n)
	}
	w.clock.Advance(31 * time.Second)
	if n, err := w.shop.WorkImports(t.Context()); err != nil || n != 1 || w.count(`select count(*) from products`) != 10 {
		t.Errorf("after the lease %d ended, %v", n, err)
	}
}

func TestAnImportKeepsWhatTheFileDoesNotSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.load(bulk(3))
	w.load("handle,sku,prices\nitem-1,SKU-1,EUR 20|USD 21\n")
	p, err := w.shop.Product(t.Context(), w.merchant, "item-1")
	if err != nil {
		t.Fatal(err)
	}
	if v := p.Variants[0]; v.Prices[0].Amount != 2000 || *v.Prices[0].Sale != 990 || v.WeightG != 350 || p.Brand != "Brand 1" || p.Version != 2 {
		t.Errorf("got %+v", p)
	}
	w.load("handle,title,sku,option1_name,option1_value\nitem-2,,SKU-2B,Size,L\n")
	if p, _ = w.shop.Product(t.Context(), w.merchant, "item-2"); len(p.Variants) != 1 {
		t.Errorf("a variant that fits no option was added: %+v", p)
	}
	for _, thief := range []string{"another,Another", "item-1,"} {
		if i := w.load("handle,title,sku\n" + thief + ",SKU-0\n"); w.faults(i) != "2:sku_taken" || i.RowsFailed != 1 {
			t.Errorf("a SKU moved to another product: %+v", i)
		}
	}
	w.load("handle,sku,stock\nitem-0,SKU-0,77\n")
	if n := w.count(`select free from stock s join variants v on v.id = s.variant_id where v.sku = 'SKU-0'`); n != 77 {
		t.Errorf("%d units", n)
	}
	w.invariant()
}

func TestTooManyVariantsAreCountedNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var b strings.Builder
	b.WriteString("handle,title,sku,option1_name,option1_value\n")
	for n := range 3000 {
		fmt.Fprintf(&b, "many,%s,M-%d,Size,%d\n", map[bool]string{true: "Many"}[n == 0], n, n)
	}
	i := w.load(b.String())
	if i.RowsDone != catalog.MaxVariants || i.RowsFailed != 3000-catalog.MaxVariants {
		t.Errorf("%+v", i)
	}
}
