// Package dbtest gives each test a PostgreSQL database of its own, migrated and
// empty, in a few milliseconds. All packages of a test run share one private
// server, which starts on demand, trades durability for speed and goes away
// half a minute after the last test.
//
// With DOORSTEP_TEST_DATABASE_URL set, that server is used instead; its user
// must be allowed to create databases.
package dbtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/migrations"
)

// serverEnv names a server to use instead of our own.
const serverEnv = "DOORSTEP_TEST_DATABASE_URL"

// patience bounds what a test waits for a database, a cold start included.
const patience = 2 * time.Minute

// templateLock is the advisory lock of whoever migrates the template.
const templateLock = 0x646f6f727374 // "doorst"

// Database is one test's own database.
type Database struct {
	DSN string // for pgx and for libpq's programs
	DB  *db.DB // opened; closed with the test
}

// New gives the test a database with the newest schema and no rows, and drops
// it when the test ends. It fails the test when there is none to be had. The
// clock is the machine's unless change sets another:
//
//	base := dbtest.New(t, func(c *db.Config) { c.Clock = hands })
func New(t testing.TB, change ...func(*db.Config)) *Database {
	t.Helper()
	name, err := template()
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	return open(t, name, change)
}

// NewEmpty gives the test a database without any schema.
func NewEmpty(t testing.TB, change ...func(*db.Config)) *Database {
	t.Helper()
	return open(t, "", change)
}

// open makes a copy of a template ("" for PostgreSQL's own) and opens it.
func open(t testing.TB, template string, change []func(*db.Config)) *Database {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	name := "doorstep_x_" + id.Secret(8)
	dsn, err := create(ctx, name, template)
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	t.Cleanup(func() {
		if err := drop(name); err != nil {
			t.Errorf("dbtest: %v", err)
		}
	})
	config := db.Config{URL: dsn, Clock: &clock.System{}}
	for _, f := range change {
		f(&config)
	}
	opened, err := db.Open(ctx, config)
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	t.Cleanup(opened.Close)
	return &Database{DSN: dsn, DB: opened}
}

// Folder is an empty folder, gone with the test, for programs that bring their
// own PostgreSQL: unlike t.TempDir it can be entered by the user that PostgreSQL
// runs as when the tests run as root.
func Folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "doorstep-data-")
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // what cannot be removed is in the temporary folder anyway
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	return dir
}

// server is where databases are made: the address of its maintenance database.
// It is found once per process.
var server = sync.OnceValues(func() (string, error) {
	if given := os.Getenv(serverEnv); given != "" {
		return given, nil
	}
	return attach()
})

// template makes sure, once per process, that a migrated database is there to
// be copied, and gives its name.
var template = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	name := "doorstep_t_" + migrations.Hash()
	return name, admin(ctx, func(conn *pgx.Conn, dsn string) error {
		// Held until the connection ends; other packages wait for our work.
		if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", int64(templateLock)); err != nil {
			return err
		}
		var there bool
		err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&there)
		if err != nil || there {
			return err
		}
		return makeTemplate(ctx, conn, dsn, name)
	})
})

// makeTemplate migrates a draft and renames it when it is complete, so that an
// interrupted run leaves no half of a schema under the name. An advisory lock
// holds within one maintenance database only: whoever comes by another may be
// first, which is as good.
func makeTemplate(ctx context.Context, conn *pgx.Conn, dsn, name string) error {
	draft := name + "_" + id.Secret(4)
	if _, err := conn.Exec(ctx, "create database "+draft); err != nil {
		return err
	}
	err := migrations.Up(ctx, named(dsn, draft))
	for _, sql := range []string{
		// A copy fails while anybody is connected to the original.
		"alter database " + draft + " with allow_connections false",
		"alter database " + draft + " rename to " + name,
	} {
		if err == nil {
			_, err = conn.Exec(ctx, sql)
		}
	}
	if err == nil {
		return nil
	}
	_, dropped := conn.Exec(ctx, "drop database if exists "+draft+" with (force)")
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42P04" { // duplicate_database
		err = nil
	}
	return errors.Join(err, dropped)
}

// create copies a template and gives the address of the copy.
func create(ctx context.Context, name, template string) (string, error) {
	var address string
	return address, admin(ctx, func(conn *pgx.Conn, dsn string) error {
		address = named(dsn, name)
		sql := "create database " + name
		if template != "" {
			sql += " template " + template
			// Measured with this schema: 30 ms, where the default wal_log takes 250.
			// Before PostgreSQL 15 there was no other way and no word for it.
			var version int
			if err := conn.QueryRow(ctx, "select current_setting('server_version_num')::int").Scan(&version); err != nil {
				return err
			}
			if version >= 150000 {
				sql += " strategy file_copy"
			}
		}
		_, err := conn.Exec(ctx, sql)
		return err
	})
}

// drop removes a test's database, whoever is still connected.
func drop(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return admin(ctx, func(conn *pgx.Conn, _ string) error {
		_, err := conn.Exec(ctx, "drop database if exists "+name+" with (force)")
		return err
	})
}

// admin lends a connection to the maintenance database of the server.
func admin(ctx context.Context, do func(conn *pgx.Conn, dsn string) error) error {
	dsn, err := server()
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("the test server does not answer: %w", err)
	}
	return errors.Join(do(conn, dsn), conn.Close(ctx))
}

// named is the address of another database on the same server.
func named(dsn, database string) string {
	u, err := url.Parse(dsn)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		return dsn + " dbname=" + database // keywords: the last one counts
	}
	u.Path = "/" + database
	return u.String()
}
