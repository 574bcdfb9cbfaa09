package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
)

// listen serves on a real socket, where bodies stream as they do in life.
func listen(t testing.TB, s *Server) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// addUpload declares a route that counts the bytes of an upload.
func addUpload(s *Server) {
	type out struct {
		Body struct {
			Bytes int64  `json:"bytes"`
			File  string `json:"file"`
		}
	}
	handle(s, Route{ID: "import", Method: http.MethodPost, Path: "/v1/imports", Tag: "imports", Summary: "Send a file", Auth: secret("catalog:write"), Upload: true},
		func(ctx context.Context, _ *struct{}) (*out, error) {
			o := &out{}
			n, err := io.Copy(io.Discard, upload(ctx))
			o.Body.Bytes, o.Body.File = n, upload(ctx).Name()
			return o, err
		})
}

func post(t *testing.T, client *http.Client, url, key string, body io.Reader, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

// chunks hides the length, so that the client sends chunks.
type chunks struct{ io.Reader }

func TestBodiesAreLimitedOnARealConnection(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	addNotes(s)
	addUpload(s)
	base := "http://" + listen(t, s)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	exact := `{"text":"x","tags":["` + strings.Repeat("y", bodyLimit-24) + `"]}`
	for name, c := range map[string]struct {
		body   io.Reader
		status int
	}{
		"small":              {strings.NewReader(`{"text":"x"}`), 201},
		"chunked":            {chunks{strings.NewReader(`{"text":"x"}`)}, 201},
		"at the limit":       {strings.NewReader(exact), 201},
		"chunked, at limit":  {chunks{strings.NewReader(exact)}, 201},
		"over the limit":     {strings.NewReader(exact + " "), 413},
		"far over":           {strings.NewReader(exact + strings.Repeat(" ", 900_000)), 413},
		"chunked, just over": {chunks{strings.NewReader(exact + " ")}, 413},
		"chunked, over":      {chunks{strings.NewReader(exact + strings.Repeat(" ", 100_000))}, 413},
	} {
		if res, body := post(t, client, base+"/v1/notes", shopKey, c.body); res.StatusCode != c.status || c.status == 413 && (!res.Close || !strings.Contains(body, "body_too_large")) {
			t.Errorf("%s: %d (close %v) %.200s", name, res.StatusCode, res.Close, body)
		}
	}
}

func TestUploadsStreamToAFileThatIsRemoved(t *testing.T) {
	t.Parallel()
	var dir string
	s, _ := newServer(t, func(o *Options) { dir = o.TempDir })
	addUpload(s)
	base := "http://" + listen(t, s)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	const size = 3 << 20
	for _, body := range []io.Reader{strings.NewReader(strings.Repeat("a,b\n", size/4)), chunks{strings.NewReader(strings.Repeat("a,b\n", size/4))}} {
		res, got := post(t, client, base+"/v1/imports", rootKey, body, "Content-Type", "text/csv")
		if res.StatusCode != 200 || !strings.Contains(got, fmt.Sprint(size)) || !strings.Contains(got, dir) {
			t.Fatalf("%d %s", res.StatusCode, got)
		}
	}
	key := []string{"Content-Type", "text/csv", "Idempotency-Key", "K"}
	_, first := post(t, client, base+"/v1/imports", rootKey, strings.NewReader("a,b"), key...)
	if again, got := post(t, client, base+"/v1/imports", rootKey, strings.NewReader("a,b"), key...); got != first || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Error("the same file and key replay")
	}
	if res, got := post(t, client, base+"/v1/imports", rootKey, strings.NewReader("a,c"), key...); res.StatusCode != 422 {
		t.Errorf("another file: %d %s", res.StatusCode, got)
	}
	if res, got := post(t, client, base+"/v1/imports", shopKey, strings.NewReader("a,b"), "Content-Type", "text/csv"); res.StatusCode != 403 || !res.Close {
		t.Errorf("without the right: %d %s", res.StatusCode, got)
	}
	if res, _ := post(t, client, base+"/v1/imports", rootKey, http.NoBody, "Content-Type", "text/csv"); res.StatusCode != 400 && res.StatusCode != 200 {
		t.Errorf("no file: %d", res.StatusCode)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestTheTimeOfAnUploadDoesNotCountForItsHandler(t *testing.T) {
	t.Parallel()
	entered := make(chan context.Context, 1)
	s, _ := newServer(t, func(o *Options) { o.Keys = watchedKeys{entered} })
	var left error
	handle(s, Route{ID: "import", Method: http.MethodPost, Path: "/v1/imports", Tag: "x", Summary: "x", Auth: secret("catalog:write"), Upload: true, Deadline: 50 * time.Millisecond},
		func(ctx context.Context, _ *struct{}) (*struct{}, error) {
			left = ctx.Err()
			return nil, nil
		})
	base := "http://" + listen(t, s)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	in, out := io.Pipe()
	go func() { // the rest of the file comes after the caller's own deadline
		_, _ = out.Write([]byte(strings.Repeat("a", 20000)))
		<-(<-entered).Done()
		_, _ = out.Write([]byte("end"))
		_ = out.Close()
	}()
	if res, body := post(t, client, base+"/v1/imports", rootKey, in); res.StatusCode != 204 || left != nil {
		t.Fatalf("%d %s, %v", res.StatusCode, body, left)
	}
}

// watchedKeys hands out the context of each look-up.
type watchedKeys struct{ entered chan<- context.Context }

func (w watchedKeys) Authenticate(ctx context.Context, key string) (Principal, error) {
	w.entered <- ctx
	return fakeKeys{}.Authenticate(ctx, key)
}

func TestAnUploadOverTheLimitIsRefusedUnread(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	addUpload(s)
	conn, err := net.Dial("tcp", listen(t, s))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	head := "POST /v1/imports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + rootKey + "\r\nContent-Length: %d\r\n\r\n"
	if _, err := fmt.Fprintf(conn, head+strings.Repeat("a", 10000), uploadLimit+1); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != 413 || !res.Close {
		t.Fatalf("%d close %v", res.StatusCode, res.Close)
	}
}

func TestWhatIsNoHTTPGetsAProblemAndAClosedConnection(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	addr := listen(t, s)
	for name, c := range map[string]struct {
		raw    string
		status int
	}{
		"rubbish":      {"\x16\x03\x01\x02\x00\r\n\r\n", 400},
		"long headers": {"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("a", 20000) + "\r\n\r\n", 431},
	} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(c.raw)) // the server may close before it has read everything
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != c.status || res.Header.Get("Content-Type") != "application/problem+json" || !strings.Contains(string(body), `"trace_id"`) || !res.Close {
			t.Errorf("%s: %d %v %s", name, res.StatusCode, res.Header, body)
		}
		_ = res.Body.Close()
		_ = conn.Close()
	}
}

// Fiber reuses its buffers; what a handler has taken from a request must stay
// as it was when the next request comes.
func TestStringsOfARequestOutliveIt(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	var mu sync.Mutex
	kept := map[string]string{}
	keep := func(id, more string) {
		mu.Lock()
		defer mu.Unlock()
		kept[id] = more
	}
	handle(s, Route{ID: "keep", Method: http.MethodPost, Path: "/v1/keep/{id}", Tag: "x", Summary: "x", Auth: publishable()},
		func(_ context.Context, in *struct {
			ID    string `path:"id"`
			Q     string `query:"q"`
			Agent string `header:"User-Agent"`
			Body  struct {
				Text string `json:"text"`
			}
		}) (*struct{}, error) {
			keep(in.ID, in.Q+in.Agent+in.Body.Text)
			return nil, nil
		})
	fast[struct{}, struct{}](s, Route{ID: "fast", Method: http.MethodGet, Path: "/v1/fast/{id}", Tag: "x", Summary: "x", Auth: publishable()}, func(c *fiber.Ctx) error {
		keep(param(c, "id"), c.Query("q")+c.Get("User-Agent"))
		return nil
	})
	base := "http://" + listen(t, s)
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 2}}
	defer client.CloseIdleConnections()
	for i := range 100 {
		post(t, client, fmt.Sprintf("%s/v1/keep/h%d?q=%d", base, i, i), shopKey, strings.NewReader(fmt.Sprintf(`{"text":"%d"}`, i)), "User-Agent", "a")
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("%s/v1/fast/f%d?q=%d", base, i, i), http.NoBody)
		req.Header.Set("Authorization", "Bearer "+shopKey)
		req.Header.Set("User-Agent", "b")
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	for i := range 100 {
		if got, want := kept[fmt.Sprintf("h%d", i)], fmt.Sprintf("%da%d", i, i); got != want {
			t.Fatalf("kept %q, want %q", got, want)
		}
		if got, want := kept[fmt.Sprintf("f%d", i)], fmt.Sprintf("%db", i); got != want {
			t.Fatalf("kept %q, want %q", got, want)
		}
	}
}

func TestRawBodiesReachTheirHandlerUntouched(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	var got string
	handle(s, Route{ID: "hook", Method: http.MethodPost, Path: "/v1/webhooks/x", Tag: "x", Summary: "x", Auth: public(), Raw: true, Once: OnceNever},
		func(_ context.Context, in *struct{ RawBody []byte }) (*struct{}, error) {
			got = string(in.RawBody)
			return nil, nil
		})
	const raw = "{\"a\":1,\"a\":\"4242424242424242\"} \xff"
	for _, kind := range []string{"application/json", "text/plain", "application/x-www-form-urlencoded"} {
		got = ""
		if res, body := send(t, s, "POST", "/v1/webhooks/x", map[string]string{"Content-Type": kind}, raw); res.StatusCode != 204 || got != raw {
			t.Errorf("%s: %d %s, got %q", kind, res.StatusCode, body, got)
		}
	}
}

func TestAFullDiskIsOurFaultAndNotTheCallers(t *testing.T) {
	t.Parallel()
	s, l := newServer(t, func(o *Options) { o.TempDir = filepath.Join(o.TempDir, "gone") })
	addUpload(s)
	if _, err := os.Stat(s.tempDir); err == nil {
		t.Fatal("the folder is there")
	}
	run(t, s, []scenario{{name: "refused", method: "POST", path: "/v1/imports", header: with(rootKey), body: "a,b", status: 503, want: []string{`"code":"storage_unavailable"`}}})
	if !strings.Contains(l.text(), "no such file") {
		t.Errorf("the log must say why: %s", l.text())
	}
}
