package pgserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"doorstep/internal/id"
)

// The database and its owner. PostgreSQL makes postgres and the two templates
// on its own; this is the only one that we add.
const (
	databaseName = "doorstep"
	roleName     = "doorstep"
)

// confName is our part of the configuration, written anew at every start.
// postgresql.conf includes it, so that lines below the include and ALTER SYSTEM
// still have the last word.
const confName = "doorstep.conf"

// settings suit a shop on a small machine. Nothing here trades safety for
// speed: an answered order is on the disk.
var settings = map[string]string{
	"fsync":              "on",
	"full_page_writes":   "on",
	"synchronous_commit": "on",
	"wal_compression":    "on",

	"max_connections":      "60",
	"shared_buffers":       "128MB",
	"effective_cache_size": "512MB",
	"work_mem":             "8MB",
	"maintenance_work_mem": "64MB",
	"max_wal_size":         "1GB",
	"random_page_cost":     "1.1",
	"autovacuum_naptime":   "10s", // a young shop needs its first statistics soon
	"jit":                  "off",
	// Parallel plans need /dev/shm, which containers keep at 64 MB, and take
	// the second core from the buyers.
	"max_parallel_workers_per_gather": "0",

	"timezone":        "UTC",
	"log_timezone":    "UTC",
	"log_line_prefix": "%m [%p] ",
	// People's data must not reach a log: no statements, parameters or the
	// DETAIL line that quotes the values of a broken constraint.
	"log_error_verbosity":      "terse",
	"log_min_error_statement":  "panic",
	"log_statement":            "none",
	"log_parameter_max_length": "0",
}

// prepareCluster makes sure that a complete cluster of the right version stands
// in the home, and picks the programs that fit it.
func (s *Server) prepareCluster(ctx context.Context) error {
	s.sweepDrafts()
	s.cluster = filepath.Join(s.home, clusterName)
	b, err := os.ReadFile(filepath.Join(s.cluster, "PG_VERSION"))
	switch {
	case err == nil:
		return s.fitVersion(strings.TrimSpace(string(b)))
	case !errors.Is(err, fs.ErrNotExist):
		return ErrFolder.Saying(fmt.Sprintf("The database folder %s cannot be read.", s.cluster)).Because(err)
	}
	if _, err := os.Stat(filepath.Join(s.cluster, "global", "pg_control")); err == nil {
		// Never wipe what may be somebody's orders.
		return ErrClusterDamaged.Saying(fmt.Sprintf("The database folder %s has lost its file PG_VERSION: bring the folder back from a backup.", s.cluster))
	}
	if s.state.Created {
		return s.missing()
	}
	if err := os.RemoveAll(s.cluster); err != nil {
		return ErrFolder.Saying(fmt.Sprintf("The unfinished database folder %s cannot be removed.", s.cluster)).Because(err)
	}
	if err := s.createCluster(ctx); err != nil {
		return err
	}
	s.state.Created = true
	return s.state.save(s.data)
}

// fitVersion switches to the programs of the cluster's own version when they
// are installed beside newer ones.
func (s *Server) fitVersion(version string) error {
	major, err := strconv.Atoi(version)
	if err != nil {
		return ErrClusterDamaged.Saying(fmt.Sprintf("The file PG_VERSION in %s says %q, which is no version.", s.cluster, version))
	}
	if major != s.major {
		in, ok := s.finder.of(major)
		if !ok {
			return ErrOtherVersion.Saying(fmt.Sprintf(
				"The database in %s was made by PostgreSQL %d, but only PostgreSQL %d is installed (%s): install PostgreSQL %d beside it, or move the data over with pg_dump of version %d and a new data folder.",
				s.cluster, major, s.major, s.bin, major, major))
		}
		s.bin, s.major = in.bin, in.major
		if err := s.as.runnable(s.bin); err != nil {
			return err
		}
	}
	if !s.state.Created { // killed between the rename and the note about it
		s.state.Created = true
		return s.state.save(s.data)
	}
	return nil
}

// sweepDrafts removes what an interrupted creation left. What cannot be
// removed (its writer may still be dying) is left for the next start.
func (s *Server) sweepDrafts() {
	drafts, _ := filepath.Glob(filepath.Join(globQuote(s.home), draftPrefix+"*"))
	for _, d := range drafts {
		if err := os.RemoveAll(d); err != nil {
			s.log.LogAttrs(s.ctx, slog.LevelWarn, "a half-made database folder stays behind", slog.String("folder", d), slog.Any("error", err))
		}
	}
}

// globQuote takes the special meaning from the signs of a path.
func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// createCluster makes the cluster in a draft folder and renames it when it is
// complete and on the disk, so that half a cluster is never taken for one.
func (s *Server) createCluster(ctx context.Context) error {
	s.log.LogAttrs(ctx, slog.LevelInfo, "making the database", slog.String("folder", s.cluster), slog.Int("postgres", s.major))
	tag := id.Secret(5)
	draft, secret := filepath.Join(s.home, draftPrefix+tag), filepath.Join(s.home, draftPrefix+tag+".pw")
	if err := replaceFile(secret, []byte(s.state.Password+"\n"), s.as); err != nil {
		return ErrCreate.Because(err)
	}
	defer func() { _ = os.Remove(secret) }() // the same password stands in the folder beside it
	err := s.initdb(ctx, draft, secret)
	if err == nil {
		err = s.addInclude(draft)
	}
	if err == nil {
		err = os.Rename(draft, s.cluster)
	}
	if err == nil {
		err = syncDir(s.home)
	}
	if err != nil {
		_ = os.RemoveAll(draft) // the next start sweeps what is left
		return err
	}
	return nil
}

// locales are tried in this order: letters of all languages know their upper
// and lower case, while text sorts by code point, which is fast and the same
// on every machine and after every update of the system.
func locales(major int) [][]string {
	all := [][]string{{"--locale=C.UTF-8", "--lc-collate=C"}, {"--locale=C", "--lc-ctype=UTF-8"}, {"--locale=C"}}
	if major >= 17 {
		all = append([][]string{{"--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"}}, all...)
	}
	return all
}

func (s *Server) initdb(ctx context.Context, draft, secret string) error {
	args := []string{"initdb", "-D", draft, "-U", roleName, "-E", "UTF8", "--data-checksums",
		"--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile=" + secret}
	if s.settings["fsync"] == "off" {
		args = append(args, "--no-sync")
	}
	var out bytes.Buffer
	var err error
	for _, locale := range locales(s.major) {
		out.Reset()
		cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"))
		cmd.Args = append(slices.Clone(args), locale...)
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.home, s.environment(), &out, &out
		if err = s.as.run(cmd); err == nil || ctx.Err() != nil || !strings.Contains(out.String(), "invalid locale") {
			break
		}
		_ = os.RemoveAll(draft) // initdb does that itself, unless it could not
	}
	if err != nil {
		return ErrCreate.Because(fmt.Errorf("initdb: %w: %s", err, lastLines(out.Bytes())))
	}
	return nil
}

// addInclude makes postgresql.conf read our settings.
func (s *Server) addInclude(draft string) error {
	f, err := os.OpenFile(filepath.Join(draft, "postgresql.conf"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return ErrCreate.Because(err)
	}
	_, err = f.WriteString("\n# Doorstep's settings, written anew at every start; change them below this line.\ninclude_if_exists '" + confName + "'\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return ErrCreate.Because(err)
	}
	return nil
}

// writeSettings writes our part of the configuration.
func (s *Server) writeSettings() error {
	var b strings.Builder
	b.WriteString("# Written by Doorstep at every start. Put your own settings below the include in postgresql.conf.\n")
	for _, key := range slices.Sorted(maps.Keys(s.settings)) {
		fmt.Fprintf(&b, "%s = '%s'\n", key, strings.ReplaceAll(s.settings[key], "'", "''"))
	}
	if err := replaceFile(filepath.Join(s.cluster, confName), []byte(b.String()), s.as); err != nil {
		return ErrFolder.Saying(fmt.Sprintf("The database folder %s cannot be written to.", s.cluster)).Because(err)
	}
	return nil
}

// environment is what PostgreSQL gets of ours: enough to find its libraries,
// and none of the secrets or PG* variables that may be around.
func (s *Server) environment() []string {
	env := []string{"LC_ALL=C", "HOME=" + s.home}
	for _, key := range []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"} {
		if v, ok := os.LookupEnv(key); ok {
			env = append(env, key+"="+v)
		}
	}
	return env
}

// lastLines is the end of what a program said, in one line.
func lastLines(out []byte) string {
	lines := strings.FieldsFunc(strings.TrimSpace(string(out)), func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) > 6 {
		lines = lines[len(lines)-6:]
	}
	return strings.Join(lines, " | ")
}
