package api

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
)

func TestWhoIsOneTooManyIsTurnedAwayAtOnce(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, func(o *Options) { o.InFlight = 4 }) // one place of them for those who pay
	addNotes(s)
	entered, release := make(chan struct{}, 4), make(chan struct{})
	handle(s, Route{ID: "slow-note", Method: http.MethodGet, Path: "/v1/slow-notes/{id}", Tag: "notes", Summary: "Read slowly", Auth: publishable()},
		func(ctx context.Context, in *struct {
			ID string `path:"id"`
		}) (*noteOut, error) {
			entered <- struct{}{}
			<-release
			return noted(ctx, in.ID), nil
		})
	base := "http://" + listen(t, s)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	get := func(path string) (int, string, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		if err != nil {
			t.Error(err)
			return 0, "", ""
		}
		req.Header.Set("Authorization", "Bearer "+rootKey)
		res, err := client.Do(req)
		if err != nil {
			t.Error(err)
			return 0, "", ""
		}
		defer func() { _ = res.Body.Close() }()
		var b strings.Builder
		_ = res.Write(&b)
		return res.StatusCode, res.Header.Get("Retry-After"), b.String()
	}
	var inside sync.WaitGroup
	for range 3 {
		inside.Go(func() {
			if code, _, body := get("/v1/slow-notes/a"); code != http.StatusOK {
				t.Errorf("%d %s", code, body)
			}
		})
		<-entered
	}
	if code, after, body := get("/v1/slow-notes/b"); code != http.StatusServiceUnavailable || after != "1" || !strings.Contains(body, `"code":"overloaded"`) {
		t.Errorf("%d, Retry-After %q, %s", code, after, body)
	}
	if res, body := post(t, client, base+"/v1/notes/complete", rootKey, strings.NewReader(`{"text":"paid"}`), "Idempotency-Key", "k"); res.StatusCode != http.StatusCreated {
		t.Errorf("one who pays: %d %s", res.StatusCode, body)
	}
	if code, _, body := get("/health/live"); code != http.StatusOK {
		t.Errorf("a probe: %d %s", code, body)
	}
	close(release)
	inside.Wait()
	if code, _, body := get("/v1/slow-notes/c"); code != http.StatusOK {
		t.Errorf("after the crowd: %d %s", code, body)
	}
}
