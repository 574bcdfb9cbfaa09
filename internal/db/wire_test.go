package db_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"go.uber.org/goleak"

	"doorstep/internal/db"
	"doorstep/internal/dbtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wire stands between the pool and PostgreSQL, counts the trips and can spoil
// the answers.
type wire struct {
	listener net.Listener
	target   *pgconn.Config
	trips    atomic.Int64 // answers that ended with "ready for query"
	refusing atomic.Bool  // new connections are cut at once
	silenced atomic.Bool  // the next request is swallowed and the connection cut
	// spoil sees each message of the server and says what to send instead and
	// whether the connection ends with it.
	spoil  atomic.Pointer[func(kind byte, message []byte) (instead []byte, cut bool)]
	mu     sync.Mutex
	open   map[net.Conn]bool
	closed bool
	done   sync.WaitGroup
}

// wired opens a database behind a wire with at most size connections.
func wired(t *testing.T, size int32) (*db.DB, *wire) {
	t.Helper()
	w := &wire{open: map[net.Conn]bool{}}
	base := dbtest.New(t, func(c *db.Config) {
		var err error
		if w.target, err = pgconn.ParseConfig(c.URL); err != nil {
			t.Fatal(err)
		}
		if w.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		w.done.Go(w.accept)
		c.URL = fmt.Sprintf("host=127.0.0.1 port=%d user=%s password='%s' dbname=%s sslmode=disable",
			w.listener.Addr().(*net.TCPAddr).Port, w.target.User, w.target.Password, w.target.Database)
		c.MaxConns = size
	})
	t.Cleanup(w.close)
	return base.DB, w
}

func (w *wire) close() {
	_ = w.listener.Close()
	w.cut()
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.done.Wait()
}

// cut ends all connections, without a word to either side.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.open {
		_ = c.Close()
	}
}

func (w *wire) keep(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[c] = true
	return !w.closed
}

func (w *wire) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		if w.refusing.Load() {
			_ = client.Close()
			continue
		}
		network, address := pgconn.NetworkAddress(w.target.Host, w.target.Port)
		server, err := net.DialTimeout(network, address, 5*time.Second)
		if err != nil {
			_ = client.Close()
			continue
		}
		alive := w.keep(client) && w.keep(server)
		both := func() { _, _ = client.Close(), server.Close() }
		if !alive {
			both()
			continue
		}
		w.done.Go(func() { defer both(); w.ask(client, server) })
		w.done.Go(func() { defer both(); w.answer(server, client) })
	}
}

func (w *wire) ask(client io.Reader, server io.Writer) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil || w.silenced.CompareAndSwap(true, false) {
			return
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (w *wire) answer(server io.Reader, client io.Writer) {
	in, out := bufio.NewReader(server), bufio.NewWriter(client)
	for {
		head := make([]byte, 5)
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		message := make([]byte, 1+binary.BigEndian.Uint32(head[1:]))
		copy(message, head)
		if _, err := io.ReadFull(in, message[5:]); err != nil {
			return
		}
		if head[0] == 'Z' {
			w.trips.Add(1)
		}
		if spoil := w.spoil.Load(); spoil != nil {
			instead, cut := (*spoil)(head[0], message)
			if cut {
				_, _ = out.Write(instead)
				_ = out.Flush()
				return
			}
			message = instead
		}
		if _, err := out.Write(message); err != nil {
			return
		}
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
	}
}

// next spoils the next message of a kind; with after, the message itself still
// arrives, else it is lost. The connection ends with it.
func (w *wire) next(kind byte, after bool, word *pgproto3.ErrorResponse) {
	spoil := func(got byte, message []byte) ([]byte, bool) {
		if got != kind {
			return message, false
		}
		w.spoil.Store(nil)
		var out []byte
		if after {
			out = append(out, message...)
		}
		if word != nil {
			out, _ = word.Encode(out) // it has no field that could fail
		}
		return out, true
	}
	w.spoil.Store(&spoil)
}

// word is what a server says as its last.
func word(code string) *pgproto3.ErrorResponse {
	return &pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: code, Message: "good-bye"}
}
