package pgserver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheLogStaysBoundedAndKeepsItsEnd(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), logName)
	log, err := openLog(name)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	const limit = 100
	write := func(s string) {
		t.Helper()
		if _, err := log.WriteString(s); err != nil {
			t.Fatal(err)
		}
		if err := rotate(log, limit); err != nil {
			t.Fatal(err)
		}
	}
	write("short\n")
	if got := tail(log, 0); got != "short" {
		t.Fatalf("%q", got)
	}
	write(strings.Repeat("x", 300) + "end")
	old, err := os.ReadFile(name + ".1")
	if err != nil || len(old) != limit || !strings.HasSuffix(string(old), "xend") {
		t.Fatalf("%q %v", old, err)
	}
	write("new\n") // through the same open file, as PostgreSQL does
	if b, err := os.ReadFile(name); err != nil || string(b) != "new\n" || tail(log, 500) != "new" {
		t.Fatalf("%q %v", b, err)
	}
}
