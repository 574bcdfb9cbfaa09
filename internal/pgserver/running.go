package pgserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// runName is the file in the data folder through which sibling commands find a
// running server. It may hold a password, hence it is readable for us only.
const runName = "postgres.run.json"

// run is the content of that file.
type run struct {
	PID int    `json:"pid"` // the program, not PostgreSQL
	DSN string `json:"dsn"`
}

// Running tells where the PostgreSQL of a data folder answers while another
// program serves it, for commands that work beside the running shop. ok is
// false when no program uses the folder, in which case Start may be called. A
// program that is just starting or recovering is waited for, 3 seconds at
// most; then the error is ErrNotReady.
func Running(dataDir string) (dsn string, ok bool, err error) {
	data, err := filepath.Abs(dataDir)
	if err != nil {
		return "", false, ErrFolder.Because(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	var busy bool
	var last error
	poll(ctx, 20*time.Millisecond, func() bool {
		if busy, last = locked(data); !busy {
			return true
		}
		if dsn, last = readRun(data); last == nil {
			last = answers(ctx, dsn)
		}
		return last == nil || errors.Is(last, fs.ErrPermission)
	})
	switch {
	case !busy:
		return "", false, last
	case last != nil:
		return "", false, ErrNotReady.Saying(fmt.Sprintf("A Doorstep uses the data folder %s, but its database does not answer.", data)).Because(last)
	}
	return dsn, true, nil
}

func readRun(data string) (string, error) {
	b, err := os.ReadFile(filepath.Join(data, runName))
	if err != nil {
		return "", err
	}
	var r run
	if err := json.Unmarshal(b, &r); err != nil {
		return "", err
	}
	if r.DSN == "" {
		return "", fs.ErrNotExist
	}
	return r.DSN, nil
}

// answers connects once and asks for nothing.
func answers(ctx context.Context, dsn string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	return errors.Join(conn.Ping(ctx), conn.Close(ctx))
}
