package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
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

// needsTools skips a test of a page's commands where they cannot be run.
func needsTools(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("skipped: the page needs " + tool)
		}
	}
}

// doesWhatItSays runs the commands of a page in one shell, but for the first
// block, which starts the program, and sees that each prints what the page says.
// here puts what the test has started in the place of what the page names.
func doesWhatItSays(t *testing.T, page string, here *strings.Replacer) {
	t.Helper()
	commands, prints := pageBlocks(t, page)
	if len(commands) < 8 || !strings.HasPrefix(commands[0], "bin/doorstep demo\n") {
		t.Fatalf("%d blocks; the first starts the program", len(commands))
	}
	const end = "--- end of a block ---"
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
