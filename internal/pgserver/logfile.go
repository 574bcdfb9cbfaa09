package pgserver

import (
	"errors"
	"io"
	"os"
	"time"
)

// logLimit bounds postgres.log; one older file of that size is kept beside it.
const (
	logLimit  = 8 << 20
	logPeriod = 5 * time.Second
)

// openLog opens the file that PostgreSQL writes to by itself, so that what it
// says in its last moments is kept even when we are gone.
func openLog(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, ErrFolder.Saying("The log file " + name + " cannot be written.").Because(err)
	}
	return f, nil
}

// rotate copies a log that became too large aside and empties it. PostgreSQL
// has the file open for appending and just goes on; lines that it writes
// between the two steps are lost, which a log can bear.
func rotate(log *os.File, limit int64) error {
	fi, err := log.Stat()
	if err != nil || fi.Size() <= limit {
		return err
	}
	old, err := os.OpenFile(log.Name()+".1", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	from := max(0, fi.Size()-limit) // in a storm the end is worth more than the beginning
	_, err = io.Copy(old, io.NewSectionReader(log, from, limit))
	return errors.Join(err, old.Close(), log.Truncate(0))
}

// tail is what was written to the log since it had a size, at most 4 KiB.
func tail(log *os.File, since int64) string {
	fi, err := log.Stat()
	if err != nil {
		return ""
	}
	from := max(since, fi.Size()-4096)
	if from > fi.Size() { // it was rotated
		from = 0
	}
	b, _ := io.ReadAll(io.NewSectionReader(log, from, 4096))
	return lastLines(b)
}
