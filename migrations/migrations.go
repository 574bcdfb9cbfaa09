// Package migrations holds the schema as numbered SQL, the only truth about it,
// and applies it. Migrations go forward only: first they expand, and a later
// release contracts, so that two versions of the program can run side by side.
package migrations

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed *.sql
var files embed.FS

// lockID is the advisory lock that one migrating program holds; any fixed number.
const lockID = 0x646f6f7273 // "doors"

// Up brings the database at dsn to the newest schema: Doorstep's own tables and
// those of the job library. Several programs may call it at once; one works and
// the others wait.
func Up(ctx context.Context, dsn string) error {
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	defer pool.Close()
	// A session lock is right here: no request path runs inside it. It ends with
	// the connection, which the pool closes on return.
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", int64(lockID)); err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if err := upSQL(ctx, pool); err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	jobs, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return fmt.Errorf("migrations: job tables: %w", err)
	}
	if _, err := jobs.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrations: job tables: %w", err)
	}
	return nil
}

func upSQL(ctx context.Context, pool *pgxpool.Pool) error {
	sql := stdlib.OpenDBFromPool(pool)
	defer func() { _ = sql.Close() }() // the pool below it stays open
	provider, err := goose.NewProvider(goose.DialectPostgres, sql, files)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// Hash names this exact schema: the SQL and the version of the job library.
func Hash() string {
	sum := sha256.New()
	names, _ := fs.Glob(files, "*.sql") // embedded: it cannot fail
	for _, name := range names {
		text, _ := files.ReadFile(name)
		fmt.Fprintf(sum, "%s %d\n%s", name, len(text), text)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}
