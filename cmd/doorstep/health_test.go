package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealthSaysWhetherTheProgramCanServe(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health/ready" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
	}))
	defer door.Close()
	addr := strings.TrimPrefix(door.URL, "http://")
	if code, out, said := cli(t, "", "health", "--addr", addr); code != exitOK || out != "ready\n" {
		t.Errorf("well: %d %q %q", code, out, said)
	}
	status = http.StatusServiceUnavailable
	if code, out, said := cli(t, "", "health", "--addr", addr); code != exitFailed || out != "" || !strings.Contains(said, "not ready") {
		t.Errorf("unwell: %d %q %q", code, out, said)
	}
	door.Close()
	if code, _, said := cli(t, "", "health", "--addr", addr); code != exitFailed || !strings.Contains(said, "nothing answers at "+addr) {
		t.Errorf("gone: %d %q", code, said)
	}
}

func TestWhatListensEverywhereIsAskedOnLoopback(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"0.0.0.0:8080": "127.0.0.1:8080", ":8080": "127.0.0.1:8080", "[::]:8080": "[::1]:8080",
		"10.1.2.3:80": "10.1.2.3:80", "shop.example:80": "shop.example:80",
	} {
		if got := reachable(addr); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}
