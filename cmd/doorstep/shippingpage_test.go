package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"doorstep/internal/clock"
	"doorstep/shipping/carrier/fake"
)

// pageBlocks are the commands of a page with what each prints, as far as the
// page says.
func pageBlocks(t *testing.T, name string) (commands, prints []string) {
	t.Helper()
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i, block := range strings.Split(string(page), "```") {
		if i%2 == 0 {
			continue
		}
		kind, body, _ := strings.Cut(block, "\n")
		switch {
		case kind == "sh":
			commands, prints = append(commands, body), append(prints, "")
		case kind == "json" && len(prints) > 0:
			prints[len(prints)-1] = body
		}
	}
	return commands, prints
}

func TestTheCommandsOfTheShippingPageDoWhatItSays(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("skipped: the page needs " + tool)
		}
	}
	shop := newDemo(t)
	carriers := httptest.NewServer(fake.New(&clock.System{}))
	t.Cleanup(carriers.CloseClientConnections)
	t.Cleanup(carriers.Close)
	commands, prints := pageBlocks(t, "../../docs/shipping.md")
	if len(commands) < 8 || !strings.HasPrefix(commands[0], "bin/doorstep demo\n") {
		t.Fatalf("%d blocks; the first starts the programs", len(commands))
	}
	const end = "--- end of a block ---"
	here := strings.NewReplacer("http://127.0.0.1:8080", shop.url, "http://127.0.0.1:12222", carriers.URL, "ds_sk_...", shop.sk)
	var script strings.Builder
	for _, c := range commands[1:] {
		fmt.Fprintf(&script, "%s\necho %q\n", here.Replace(c), end)
	}
	run := exec.CommandContext(t.Context(), "bash")
	run.Env, run.Stdin, run.Dir = append(os.Environ(), "TMPDIR="+t.TempDir()), strings.NewReader(script.String()), t.TempDir()
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	printed := strings.Split(string(out), end+"\n")
	for i, want := range prints[1:] {
		if i >= len(printed) {
			t.Fatalf("only %d blocks were run:\n%s", len(printed), out)
		}
		if got := strings.TrimSpace(printed[i]); got != strings.TrimSpace(want) {
			t.Errorf("after\n%s\nthe page prints\n%s\nand the shop\n%s", commands[i+1], want, got)
		}
	}
}
