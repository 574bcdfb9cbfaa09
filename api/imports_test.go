package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"doorstep/catalog"
	"doorstep/order"

	"github.com/google/uuid"
)

// intake is a catalogue that takes in and gives out files.
type intake struct {
	*shelf
	started []catalog.ImportFile
	options catalog.ImportOptions
	fails   error
	export  func(ctx context.Context, w io.Writer) error
}

func (n *intake) StartImport(_ context.Context, m uuid.UUID, f catalog.ImportFile, o catalog.ImportOptions) (catalog.Import, error) {
	n.started, n.options = append(n.started, f), o
	return catalog.Import{MerchantID: m, ID: thing, Kind: "products", FileName: f.Name, Status: catalog.ImportQueued, BytesTotal: f.Size, CreatedAt: noon}, n.fails
}

func (n *intake) Import(_ context.Context, m, importID uuid.UUID) (catalog.Import, error) {
	if m != merchant || importID != thing {
		return catalog.Import{}, catalog.ErrImportNotFound
	}
	return catalog.Import{ID: thing, Kind: "products", Status: catalog.ImportRunning, BytesTotal: 300, BytesDone: 100, RowsDone: 7, RowsFailed: 2, CreatedAt: noon, StartedAt: &noon}, nil
}

func (n *intake) Imports(ctx context.Context, m uuid.UUID) ([]catalog.Import, error) {
	i, err := n.Import(ctx, m, thing)
	return []catalog.Import{i}, err
}

func (n *intake) ImportErrors(_ context.Context, _, importID uuid.UUID, limit int, cursor string) ([]catalog.ImportError, string, error) {
	if importID != thing || limit != 1 && limit != 20 || cursor != "" && cursor != "inner" {
		return nil, "", fmt.Errorf("asked %s %d %q", importID, limit, cursor)
	}
	return []catalog.ImportError{{Row: 3, Field: "sku", Code: "duplicate_sku", Message: "Twice."}}, map[string]string{"": "inner"}[cursor], nil
}

func (n *intake) Export(ctx context.Context, m uuid.UUID, w io.Writer) error {
	if m != merchant {
		return catalog.ErrImportNotFound
	}
	return n.export(ctx, w)
}

// pastOrders takes in files of orders.
type pastOrders struct{ file order.ImportFile }

func (p *pastOrders) StartImport(_ context.Context, _ uuid.UUID, f order.ImportFile, o order.ImportOptions) (*order.Import, error) {
	p.file = f
	return &order.Import{ID: lineID, Kind: "orders", Status: order.ImportQueued, BytesTotal: f.Size, Options: o, CreatedAt: noon}, nil
}

func (p *pastOrders) Import(_ context.Context, m, importID uuid.UUID) (*order.Import, error) {
	if m != merchant || importID != lineID {
		return nil, order.ErrImportNotFound
	}
	return &order.Import{ID: lineID, Kind: "orders", Status: order.ImportDone, BytesTotal: 0, CreatedAt: noon, FinishedAt: &noon}, nil
}

func (p *pastOrders) Imports(ctx context.Context, m uuid.UUID) ([]order.Import, error) {
	i, err := p.Import(ctx, m, lineID)
	if err != nil {
		return nil, err
	}
	return []order.Import{*i}, nil
}

func (p *pastOrders) ImportErrors(context.Context, uuid.UUID, uuid.UUID, int, string) ([]order.ImportError, string, error) {
	return []order.ImportError{{Row: 2, Code: "bad_number", Message: "No."}}, "", nil
}

func openIntake(t *testing.T, change ...func(*Options, *Rooms)) (*window, *intake, string) {
	t.Helper()
	n := &intake{}
	var dir string
	w := openWindow(t, append(change, func(o *Options, r *Rooms) {
		n.shelf, _ = r.Catalogue.(*shelf)
		r.Catalogue = n
		dir = filepath.Join(o.TempDir, "uploads")
		o.UploadDir = dir
	})...)
	return w, n, dir
}

func TestAFileStaysUntilItIsTakenIn(t *testing.T) {
	t.Parallel()
	w, n, dir := openIntake(t)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	base := "http://" + listen(t, w.Server)
	file := strings.Repeat("handle,title\nmug,Mug\n", 100_000)
	res, body := post(t, client, base+"/v1/imports?kind=products&keep_stock=true&file_name=all.csv", rootKey, strings.NewReader(file), "Content-Type", "text/csv")
	if res.StatusCode != 202 || res.Header.Get("Location") != "/v1/imports/"+thing.String() || !strings.Contains(body, `"status":"queued","bytes_total":2100000,"bytes_done":0,"percent":0`) {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	kept := n.started[0]
	got, err := os.ReadFile(kept.Path)
	sum := sha256.Sum256([]byte(file))
	if err != nil || string(got) != file || !bytes.Equal(kept.SHA256, sum[:]) || kept.Name != "all.csv" || kept.Size != int64(len(file)) || filepath.Dir(kept.Path) != dir {
		t.Fatalf("%v %+v", err, kept)
	}
	if n.options != (catalog.ImportOptions{Currency: "EUR", KeepStock: true}) {
		t.Errorf("options %+v", n.options)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), "doorstep-upload-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	for query, want := range map[string]string{"?currency=XXX": "unknown_currency", "?kind=carts": "query.kind", "?kind=orders": "import_kind_unknown"} {
		if res, body := post(t, client, base+"/v1/imports"+query, rootKey, strings.NewReader(file)); res.StatusCode != 422 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", query, res.StatusCode, body)
		}
	}
	if res, body := post(t, client, base+"/v1/imports?currency=jpy", rootKey, strings.NewReader("a")); res.StatusCode != 202 || n.options.Currency != "JPY" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, _ := post(t, client, base+"/v1/imports", onlyCatalog, strings.NewReader(file)); res.StatusCode != 403 {
		t.Errorf("a reader: %d", res.StatusCode)
	}
	n.fails = errors.New("database gone")
	if res, body := post(t, client, base+"/v1/imports", rootKey, strings.NewReader("a")); res.StatusCode != 500 || strings.Contains(body, "gone") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func TestPastOrdersNeedTheRightToWriteOrders(t *testing.T) {
	t.Parallel()
	past := &pastOrders{}
	w, _, _ := openIntake(t, func(o *Options, r *Rooms) {
		r.OrderImports = past
		o.Keys = matrixKeys{}
	})
	send := func(name, key string, status int, want string) scenario {
		return scenario{name: name, method: "POST", path: "/v1/imports?kind=orders", header: with(key, "Content-Type", "text/csv"), body: "number\n", status: status, want: []string{want}}
	}
	run(t, w.Server, []scenario{
		send("all rights", rootKey, 202, `"kind":"orders"`),
		send("catalogue only", "ds_sk_only_catalog_write", 403, `"scope":"orders:write"`),
		{name: "list", method: "GET", path: "/v1/imports", header: with(rootKey), status: 200, want: []string{`{"data":[{"id":"01900000-0000-7000-8000-0000000000bb","kind":"orders","status":"done"`, `"kind":"products"`}},
		{name: "read", method: "GET", path: "/v1/imports/" + lineID.String(), header: with(rootKey), status: 200, want: []string{`"percent":100`}},
		{name: "errors", method: "GET", path: "/v1/imports/" + lineID.String() + "/errors", header: with(rootKey), status: 200, want: []string{`{"data":[{"row":2,"code":"bad_number","message":"No."}]}`}},
	})
	if past.file.Size != int64(len("number\n")) {
		t.Errorf("got %+v", past.file)
	}
}

func TestTheProgressOfAnImportCanBeFollowed(t *testing.T) {
	t.Parallel()
	w, _, _ := openIntake(t)
	get := func(name, path string, status int, want ...string) scenario {
		return scenario{name: name, method: "GET", path: "/v1/imports" + path, header: with(onlyCatalog), status: status, want: want}
	}
	id := "/" + thing.String()
	const row = `{"row":3,"field":"sku","code":"duplicate_sku","message":"Twice."}`
	run(t, w.Server, []scenario{
		get("list", "", 200, `{"data":[{"id":"`+thing.String()),
		get("one", id, 200, `"status":"running","bytes_total":300,"bytes_done":100,"percent":33,"rows_done":7,"rows_failed":2`),
		get("errors", id+"/errors?limit=1", 200, `{"data":[`+row+`],"next_cursor":"`),
		get("more", id+"/errors?cursor="+pageCursor(importErrorList, "inner"), 200, `{"data":[`+row+`]}`),
		get("unknown", "/"+lineID.String(), 404, `"import_not_found"`),
		get("errors of unknown", "/"+lineID.String()+"/errors", 404, `"import_not_found"`),
		get("damaged cursor", id+"/errors?cursor=x", 422, `"cursor_invalid"`),
	})
}

func TestFilesAreRemovedOnceNoImportNeedsThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, age time.Duration) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, time.Now(), time.Now().Add(-age))); err != nil {
			t.Fatal(err)
		}
		return path
	}
	needed, fresh, foreign := write("import-1.csv", time.Hour), write("import-2.csv", 0), write("master.key", time.Hour)
	done := write("import-3.csv", time.Hour)
	there := func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	}
	broken := errors.New("database gone")
	if err := SweepUploads(t.Context(), dir, func(context.Context) ([]string, error) { return nil, broken }); !errors.Is(err, broken) || !there(done) {
		t.Fatalf("nothing goes while it is unknown what is needed: %v", err)
	}
	if err := SweepUploads(t.Context(), dir, func(context.Context) ([]string, error) { return []string{needed}, nil }); err != nil {
		t.Fatal(err)
	}
	if !there(needed) || !there(fresh) || !there(foreign) || there(done) {
		t.Errorf("needed %v, fresh %v, foreign %v, done %v", there(needed), there(fresh), there(foreign), there(done))
	}
	if err := SweepUploads(t.Context(), filepath.Join(dir, "none"), nil); err != nil {
		t.Error(err)
	}
}

func TestAnExportStreamsAndHalfAFileIsNoFile(t *testing.T) {
	t.Parallel()
	w, n, _ := openIntake(t)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	base := "http://" + listen(t, w.Server)
	get := func(key string) (*http.Response, string, error) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/v1/exports/products", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		return res, string(body), err
	}
	row := strings.Repeat("x", 99) + "\n"
	n.export = func(_ context.Context, w io.Writer) error {
		for range 30_000 {
			if _, err := io.WriteString(w, row); err != nil {
				return err
			}
		}
		return nil
	}
	res, body, err := get(onlyCatalog)
	if err != nil || res.StatusCode != 200 || len(body) != 3_000_000 || res.Header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(res.Header.Get("Content-Disposition"), "products.csv") {
		t.Fatalf("%d %v: %d bytes, %v", res.StatusCode, res.Header, len(body), err)
	}
	n.export = func(context.Context, io.Writer) error { return nil }
	if res, body, err := get(rootKey); err != nil || res.StatusCode != 200 || body != "" {
		t.Errorf("empty: %d %q %v", res.StatusCode, body, err)
	}
	n.export = func(context.Context, io.Writer) error { return errors.New("database gone") }
	if res, body, err := get(rootKey); err != nil || res.StatusCode != 500 || !strings.Contains(body, `"internal"`) || strings.Contains(body, "gone") {
		t.Errorf("broken at once: %d %s %v", res.StatusCode, body, err)
	}
	n.export = func(_ context.Context, w io.Writer) error {
		_, _ = io.WriteString(w, strings.Repeat(row, 2000))
		return errors.New("database gone")
	}
	if res, _, err := get(rootKey); err == nil || res.StatusCode != 200 {
		t.Errorf("broken half-way it looks complete: %d", res.StatusCode)
	}
	if res, _, _ := get(openKey); res.StatusCode != 403 {
		t.Errorf("a shopper: %d", res.StatusCode)
	}
	// Whoever goes away is not written for any longer.
	gone := make(chan error, 1)
	n.export = func(_ context.Context, w io.Writer) error {
		for {
			if _, err := io.WriteString(w, row); err != nil {
				gone <- err
				return err
			}
		}
	}
	ctx, leave := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, base+"/v1/exports/products", http.NoBody)
	req.Header.Set("Authorization", "Bearer "+rootKey)
	res, err = client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	leave()
	_ = res.Body.Close()
	select {
	case err := <-gone:
		if !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("got %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it writes for nobody")
	}
}
