package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doorstep/internal/dbtest"
	"doorstep/internal/id"
)

func TestTwoProgramsOnOneFolderAreOneTooMany(t *testing.T) {
	t.Parallel()
	p := shared(t)
	for _, command := range []string{"serve", "demo"} {
		code, out, complaint := cli(t, p.dir, command, "--addr", "127.0.0.1:0")
		if code != exitFailed || out != "" || !strings.Contains(complaint, "already using the data folder "+p.dir) {
			t.Errorf("%s: %d %q %q", command, code, out, complaint)
		}
	}
	p.get(t, "/health/ready").want(t, http.StatusOK)
}

func TestATakenPortIsSaidBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := dbtest.Folder(t)
	for _, command := range []string{"serve", "demo"} {
		code, out, complaint := cli(t, dir, command, "--addr", taken.Addr().String())
		if code != exitFailed || out != "" || !strings.Contains(complaint, "cannot listen") || !strings.Contains(complaint, taken.Addr().String()) {
			t.Errorf("%s: %d %q %q", command, code, out, complaint)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it has begun all the same: %v %v", left, err)
	}
}

func TestAWrongSettingIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"nonsense", "127.0.0.1"} {
		code, _, complaint := cli(t, dbtest.Folder(t), "serve", "--addr", addr)
		if code != exitFailed || !strings.Contains(complaint, "DOORSTEP_ADDR") {
			t.Errorf("%q: %d %q", addr, code, complaint)
		}
	}
}

func TestSIGTERMLetsTheRunningRequestFinish(t *testing.T) {
	t.Parallel()
	dir := dbtest.Folder(t)
	p := process(t, dir, "demo", "DOORSTEP_GATEWAY_TIMEOUT=5s", "DOORSTEP_RECOVERY_AGE=6s", "DOORSTEP_JOB_TIMEOUT=6s")
	crowd := gather(t, p, everyWay)
	c, _ := p.checkout(t, 3)
	done := make(chan reply, 1)
	go func() { // the card takes two seconds
		a, err := p.send(t.Context(), http.MethodPost, "/v1/checkouts/"+c.text("id")+"/complete", paying(c, "card", "tok_slow"),
			"Checkout-Secret", c.text("secret"), "Idempotency-Key", id.Secret(12))
		if err != nil {
			t.Errorf("the request was cut off: %v", err)
		}
		done <- a
	}()
	until(t, patience, "the payment is under way", func() (bool, any) {
		now := p.read(t, c)
		return now.text("status") == "complete_in_progress", now
	})
	until(t, patience, "purchases go on", func() (bool, any) { return crowd.count() >= 20, crowd.count() })
	if code := p.end(); code != exitOK {
		t.Fatalf("ended with %d: %s", code, p.err.text())
	}
	placed := (<-done).want(t, http.StatusOK)
	if placed.text("status") != "completed" {
		t.Fatalf("placed: %v", placed)
	}
	if _, err := p.send(context.WithoutCancel(t.Context()), http.MethodGet, "/health/live", nil); err == nil {
		t.Error("it still answers")
	}
	if postmasterOf(t, dir) != 0 {
		t.Error("its PostgreSQL stays behind")
	}
	for _, left := range []string{"postgres.run.json", "demo-products.csv"} {
		if _, err := os.Stat(filepath.Join(dir, left)); err == nil {
			t.Errorf("%s stays behind", left)
		}
	}
	p = process(t, dir, "demo")
	crowd.moveTo(p)
	p.order(t, placed.text("order.id"))
	crowd.note(placed.text("order.id"), "")
	crowd.settled(t)
}
