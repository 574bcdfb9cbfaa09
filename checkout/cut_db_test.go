package checkout_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"doorstep/checkout"
	"doorstep/internal/db"
)

// The ways in which a request to the database goes wrong.
const (
	requestLost = iota // the connection breaks before it arrives
	requestHalf        // in the middle of it
	answerLost         // it is done, and the connection breaks before the answer arrives
	backendDead        // the server ends the connection with its last word
)

var cuts = map[string]int64{"request lost": requestLost, "half a request": requestHalf, "answer lost": answerLost, "killed": backendDead}

// wire stands between the shop and PostgreSQL and cuts one request.
type wire struct {
	listener net.Listener
	target   *pgconn.Config
	left     atomic.Int64 // requests until the cut
	how      atomic.Int64
	mu       sync.Mutex
	open     map[net.Conn]bool // nil when closed
	done     sync.WaitGroup
}

// wired makes a world whose database is behind a wire.
func wired(t *testing.T) (*world, *wire) {
	t.Helper()
	w := &wire{open: map[net.Conn]bool{}}
	world := newWorld(t, func(c *db.Config) {
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
		c.MaxConns = 4
	})
	t.Cleanup(func() {
		_ = w.listener.Close()
		w.mu.Lock()
		for c := range w.open {
			_ = c.Close()
		}
		w.open = nil
		w.mu.Unlock()
		w.done.Wait()
	})
	return world, w
}

// cut spoils the n-th request from now on.
func (w *wire) cut(n, how int64) {
	w.how.Store(how)
	w.left.Store(n)
}

// heal stops that, and says whether it had happened.
func (w *wire) heal() bool { return w.left.Swap(0) < 1 }

func (w *wire) keep(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		return false
	}
	w.open[c] = true
	return true
}

func (w *wire) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		network, address := pgconn.NetworkAddress(w.target.Host, w.target.Port)
		server, err := net.DialTimeout(network, address, 5*time.Second)
		if err != nil {
			_ = client.Close()
			continue
		}
		both := func() { _, _ = client.Close(), server.Close() }
		if !w.keep(client) || !w.keep(server) {
			both()
			continue
		}
		mute := &atomic.Bool{}
		w.done.Go(func() { defer both(); w.ask(client, server, mute) })
		w.done.Go(func() { defer both(); answer(server, client, mute) })
	}
}

// ask passes requests on, each as a whole: up to a Sync or a simple query.
func (w *wire) ask(client, server net.Conn, mute *atomic.Bool) {
	in := bufio.NewReaderSize(client, 64<<10)
	var request []byte
	for typed := 0; ; typed = 1 { // only the first message has no type
		head := make([]byte, typed+4)
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[typed:])-4)
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		request = append(append(request, head...), body...)
		switch {
		case typed == 1 && head[0] != 'S' && head[0] != 'Q':
			continue // there is more of it
		case typed == 1 && w.left.Load() > 0 && w.left.Add(-1) == 0:
			w.left.Store(-1)
			switch w.how.Load() {
			case requestLost:
				return
			case requestHalf:
				_, _ = server.Write(request[:len(request)/2])
				return
			case backendDead:
				word, _ := (&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "57P01", Message: "good-bye"}).Encode(nil)
				_, _ = client.Write(word)
				return
			}
			mute.Store(true)
		}
		if _, err := server.Write(request); err != nil {
			return
		}
		request = request[:0]
	}
}

// answer passes answers on; a muted one is read to its end and kept.
func answer(server io.Reader, client io.Writer, mute *atomic.Bool) {
	in, out := bufio.NewReader(server), bufio.NewWriter(client)
	for {
		head := make([]byte, 5)
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		if mute.Load() {
			if head[0] == 'Z' {
				return
			}
			continue
		}
		_, _ = out.Write(slices.Concat(head, body)) // a bufio.Writer keeps its error for Flush
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
	}
}

// TestADatabaseLostAtAnyMomentLosesAndDoublesNothing cuts each act off from the
// database at every request, in every way.
func TestADatabaseLostAtAnyMomentLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: it takes some hundred lost connections")
	}
	for how, code := range cuts {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			base, wire := wired(t)
			runs := 0
			for stage, st := range stages {
				for _, act := range st.acts {
					for n := int64(1); lost(base, wire, t, stage, act, n, code); n++ {
						runs++
					}
				}
			}
			t.Log(runs, "cuts")
		})
	}
}

// lost plays act with its n-th request to the database spoiled.
func lost(base *world, wire *wire, t *testing.T, stage, act string, n, how int64) (happened bool) {
	name := fmt.Sprintf("%s: %s, at its request %d", stage, act, n)
	s := newScene(base, t)
	if err := stages[stage].begin(s); err != nil {
		t.Fatal(name, err)
	}
	wire.cut(n, how)
	s.told(name, "act", func() error { return acts[act](s) })
	happened = wire.heal()
	s.told(name, "at once again", func() error { return acts[act](s) })
	s.recovers()
	s.told(name, "later again", func() error { return acts[act](s) })
	s.settled()
	s.kept()
	if t.Failed() {
		t.Fatal(name)
	}
	return happened
}

func TestALostAnswerToACommitIsReadBack(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, wire := wired(t)
			w.product("MUG", 1000)
			told := 0
			for n := int64(1); ; n++ {
				v := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
				wire.cut(n, answerLost)
				out, err := w.pay(v, fmt.Sprint("k", n), way.method, way.token)
				if !wire.heal() {
					break
				}
				if err == nil && out.Order != nil {
					told++
				} else if err != nil || way.method.Offline() {
					t.Errorf("request %d: %+v %v", n, out, err)
				}
			}
			if told < 3 {
				t.Errorf("told of %d orders", told)
			}
			w.settled()
		})
	}
}
