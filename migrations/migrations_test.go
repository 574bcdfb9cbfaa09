package migrations_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/internal/dbtest"
	"doorstep/internal/pgserver"
	"doorstep/migrations"
)

// exempt are the tables without a merchant, each with its reason.
var exempt = map[string]string{
	"merchants":          "the merchants themselves: one row each, the root of every other key",
	"goose_db_version":   "which migrations have run; the migration tool's own",
	"river_migration":    "the job library's own tables: jobs name their merchant in their arguments",
	"river_job":          "as above",
	"river_leader":       "as above",
	"river_queue":        "as above",
	"river_client":       "as above",
	"river_client_queue": "as above",
	"river_notification": "as above",
}

func TestShardlint(t *testing.T) {
	t.Parallel()
	lint, err := filepath.Abs("../../shared/tools/shardlint.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(lint); err != nil {
		t.Skip("skipped: ../shared/tools/shardlint.sql is not beside the repository")
	}
	psql, err := pgserver.Tool("psql")
	if err != nil {
		t.Fatal(err)
	}
	database := dbtest.New(t)
	names := make([]string, 0, len(exempt))
	for name, reason := range exempt {
		t.Logf("exempt: %s (%s)", name, reason)
		names = append(names, name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, psql, "-X", "-q", "-A", "-t", "-v", "globals="+strings.Join(names, ","), "-f", lint, database.DSN).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if found := strings.TrimSpace(string(out)); found != "" {
		t.Errorf("shardlint reports:\n%s", found)
	}
}

func TestSeveralProgramsMayMigrateAtOnceAndAgain(t *testing.T) {
	t.Parallel()
	database := dbtest.NewEmpty(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := migrations.Up(t.Context(), database.DSN); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := migrations.Up(t.Context(), database.DSN); err != nil {
		t.Fatal(err)
	}
}
