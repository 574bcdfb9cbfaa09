package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestTheCommandsOfTheDropshipPageDoWhatItSays(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("skipped: the page needs " + tool)
		}
	}
	shop := newDemo(t)
	commands, prints := pageBlocks(t, "../../docs/dropship.md")
	if len(commands) < 8 || !strings.HasPrefix(commands[0], "bin/doorstep demo\n") {
		t.Fatalf("%d blocks; the first starts the program", len(commands))
	}
	const end = "--- end of a block ---"
	here := strings.NewReplacer("http://127.0.0.1:8080", shop.url, "ds_sk_...", shop.sk, "ds_pk_...", shop.pk)
	var script strings.Builder
	for _, c := range commands[1:] {
		fmt.Fprintf(&script, "%s\necho %q\n", here.Replace(c), end)
	}
	run := exec.CommandContext(t.Context(), "timeout", "60", "bash")
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
