package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/catalog"
	"doorstep/internal/fault"
	"doorstep/internal/pgserver"
	"doorstep/order"
)

// booksFile is where the sandbox keeps its books, in the data folder.
const booksFile = "sandbox-gateway.jsonl"

var (
	errNotEmpty = fault.New(fault.Conflict, "database_not_empty", "The database holds a shop already. A backup goes only into an empty one: choose another --data or DATABASE_URL.")
	errDump     = fault.New(fault.Unavailable, "backup_failed", "The PostgreSQL tool failed.")
	errNoFile   = fault.New(fault.NotFound, "file_not_found", "The file cannot be read.")
)

func runImport(ctx context.Context, out streams, args []string) error {
	f, data := flags(out, "import", "products FILE | orders FILE | statement FILE | settlement FILE [--currency EUR]",
		"Takes in a CSV file: products as Shopify exports them or in Doorstep's plain form, past orders\n(see docs/import.md), a bank statement, or what a courier has collected (see docs/payments.md). It can be repeated: what is there already is not touched. Beside a running\nprogram or without one.")
	merchant := f.String("merchant", "", "the merchant's `ID`, when there are several")
	currency := f.String("currency", "", "of prices that name none; default the shop's first")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(words) == 2 && (words[0] == "statement" || words[0] == "settlement") {
		return importStatement(ctx, out, *data, *merchant, words[0], words[1])
	}
	if len(words) != 2 || (words[0] != "products" && words[0] != "orders") {
		return usage(f, "say products FILE, orders FILE, statement FILE or settlement FILE")
	}
	path, err := filepath.Abs(words[1])
	if err != nil {
		return err
	}
	sum, size, err := digest(path)
	if err != nil {
		return errNoFile.Because(err)
	}
	return with(ctx, out, *data, func(h *house) error {
		m, err := h.merchant(ctx, *merchant)
		if err != nil {
			return err
		}
		file := file{name: filepath.Base(path), path: path, sum: sum, size: size}
		if file.currency = strings.ToUpper(*currency); file.currency == "" {
			set, _, err := h.customers.Settings(ctx, m)
			if err != nil {
				return err
			}
			file.currency = set.Currencies[0]
		}
		began := time.Now()
		p, err := h.importFile(ctx, out, m, words[0], file)
		if err != nil {
			return err
		}
		took := time.Since(began)
		fmt.Fprintf(out.out, "%d rows in %.1f s, %.0f rows/s; %d rows had mistakes\n",
			p.done, took.Seconds(), float64(p.done)/max(took.Seconds(), 0.001), p.failed)
		return nil
	})
}

// file is a CSV file on its way in.
type file struct {
	name, path, currency string
	sum                  []byte
	size                 int64
}

// progress is how far an import has come.
type progress struct {
	done, failed, bytes int64
	failure             string
	errors              []string // the first mistakes, worded for people
}

// importFile runs one import and shows how far it is.
func (h *house) importFile(ctx context.Context, out streams, merchant uuid.UUID, kind string, f file) (progress, error) {
	start, run, read := h.importer(kind)
	importID, err := start(ctx, merchant, f)
	if err != nil {
		return progress{}, err
	}
	done := make(chan error, 1)
	go func() { done <- run(ctx, merchant, importID) }()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				return progress{}, err
			}
			p, err := read(ctx, merchant, importID)
			if err != nil {
				return p, err
			}
			for _, e := range p.errors {
				fmt.Fprintln(out.err, e)
			}
			if p.failure != "" {
				return p, fault.New(fault.Invalid, "import_failed", "The file could not be taken in: "+p.failure)
			}
			return p, nil
		case <-ticker.C:
			if p, err := read(ctx, merchant, importID); err == nil {
				fmt.Fprintf(out.err, "%3d %%  %d rows\n", 100*p.bytes/max(f.size, 1), p.done)
			}
		}
	}
}

// digest is the SHA-256 and the size of a file.
func digest(path string) ([]byte, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }() // only read
	h := sha256.New()
	n, err := io.Copy(h, f)
	return h.Sum(nil), n, err
}

func runExport(ctx context.Context, out streams, args []string) error {
	f, data := flags(out, "export", "products | orders [--out FILE]", "Writes everything as CSV, in the form that import reads.")
	merchant := f.String("merchant", "", "the merchant's `ID`, when there are several")
	to := f.String("out", "", "the `FILE` to write; default standard output")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(words) != 1 || (words[0] != "products" && words[0] != "orders") {
		return usage(f, "say products or orders")
	}
	return with(ctx, out, *data, func(h *house) error {
		m, err := h.merchant(ctx, *merchant)
		if err != nil {
			return err
		}
		if *to == "" {
			return h.export(ctx, m, words[0], out.out)
		}
		return whole(*to, func(w io.Writer) error { return h.export(ctx, m, words[0], w) })
	})
}

// whole writes a file that appears under its name only when it is complete.
func whole(path string, write func(w io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".doorstep-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // after the rename there is nothing to remove
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func runBackup(ctx context.Context, out streams, args []string) error {
	f, data := flags(out, "backup", "FILE [--data DIR]",
		"Writes the whole database into FILE, consistently, while the shop sells. Keep the master key\n(DATA/master.key or DOORSTEP_MASTER_KEY) with it: without the key nobody can read people's data.")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return usage(f, "say which FILE to write")
	}
	return with(ctx, out, *data, func(h *house) error {
		err := whole(words[0], func(w io.Writer) error {
			return tool(ctx, w, nil, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--dbname="+h.dsn)
		})
		if err != nil {
			return err
		}
		info, err := os.Stat(words[0])
		if err != nil {
			return err
		}
		fmt.Fprintf(out.out, "%s, %d bytes. Keep the master key beside it.\n", words[0], info.Size())
		return nil
	})
}

func runRestore(ctx context.Context, out streams, args []string) error {
	f, data := flags(out, "restore", "FILE [--data DIR]", "Puts a backup into an empty database, all of it or nothing.")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return usage(f, "say which FILE to read")
	}
	file, err := os.Open(words[0])
	if err != nil {
		return errNoFile.Because(err)
	}
	defer func() { _ = file.Close() }() // only read
	c, err := settings(*data, "")
	if err != nil {
		return err
	}
	dsn, server, err := database(ctx, c, quiet(out))
	if err != nil {
		return err
	}
	if server != nil {
		defer func() { _ = server.Stop(context.WithoutCancel(ctx)) }() // what counts is committed by then
	}
	if err := empty(ctx, dsn); err != nil {
		return err
	}
	if err := tool(ctx, out.out, file, "pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", "--dbname="+dsn); err != nil {
		return err
	}
	fmt.Fprintln(out.out, "Restored. Put the master key that belongs to the backup into the data folder before you serve.")
	return nil
}

// tool runs one of PostgreSQL's own programs; what it complains about is told.
func tool(ctx context.Context, stdout io.Writer, stdin io.Reader, name string, args ...string) error {
	path, err := pgserver.Tool(name)
	if err != nil {
		return err
	}
	var complaint strings.Builder
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stdin, cmd.Stderr = stdout, stdin, &complaint
	if err := cmd.Run(); err != nil {
		return errDump.Because(fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(complaint.String())))
	}
	return nil
}

// importer finds the room that takes in a kind of file: how an import is begun,
// carried out and looked at.
func (h *house) importer(kind string) (
	start func(context.Context, uuid.UUID, file) (uuid.UUID, error),
	run func(context.Context, uuid.UUID, uuid.UUID) error,
	read func(context.Context, uuid.UUID, uuid.UUID) (progress, error),
) {
	if kind == "orders" {
		return func(ctx context.Context, m uuid.UUID, f file) (uuid.UUID, error) {
				i, err := h.orders.StartImport(ctx, m, order.ImportFile{Name: f.name, Path: f.path, SHA256: f.sum, Size: f.size}, order.ImportOptions{Currency: f.currency})
				if err != nil {
					return uuid.Nil, err
				}
				return i.ID, nil
			}, h.orders.RunImport, func(ctx context.Context, m, id uuid.UUID) (progress, error) {
				i, err := h.orders.Import(ctx, m, id)
				if err != nil {
					return progress{}, err
				}
				p := progress{done: i.RowsDone, failed: i.RowsFailed, bytes: i.BytesDone, failure: i.Failure}
				wrong, _, err := h.orders.ImportErrors(ctx, m, id, shownErrors, "")
				for _, e := range wrong {
					p.errors = append(p.errors, fmt.Sprintf("row %d: %s", e.Row, e.Message))
				}
				return p, err
			}
	}
	return func(ctx context.Context, m uuid.UUID, f file) (uuid.UUID, error) {
			i, err := h.catalog.StartImport(ctx, m, catalog.ImportFile{Name: f.name, Path: f.path, SHA256: f.sum, Size: f.size}, catalog.ImportOptions{Currency: f.currency})
			return i.ID, err
		}, h.catalog.RunImport, func(ctx context.Context, m, id uuid.UUID) (progress, error) {
			i, err := h.catalog.Import(ctx, m, id)
			if err != nil {
				return progress{}, err
			}
			p := progress{done: i.RowsDone, failed: i.RowsFailed, bytes: i.BytesDone, failure: i.Failure}
			wrong, _, err := h.catalog.ImportErrors(ctx, m, id, shownErrors, "")
			for _, e := range wrong {
				p.errors = append(p.errors, fmt.Sprintf("row %d, %s: %s", e.Row, e.Field, e.Message))
			}
			return p, err
		}
}

// shownErrors is how many mistakes of a file are told on the command line.
const shownErrors = 20

// export writes everything of a kind as CSV.
func (h *house) export(ctx context.Context, merchant uuid.UUID, kind string, w io.Writer) error {
	if kind == "orders" {
		return h.orders.Export(ctx, merchant, order.Filter{}, w)
	}
	return h.catalog.Export(ctx, merchant, w)
}

// empty fails unless the database holds no shop.
func empty(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // only read
	var tables int
	if err := conn.QueryRow(ctx, `select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relkind = 'r'`).Scan(&tables); err != nil {
		return err
	}
	if tables > 0 {
		return errNotEmpty
	}
	return nil
}
