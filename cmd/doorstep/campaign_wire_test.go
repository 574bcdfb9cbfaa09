package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"doorstep/internal/killpoint/toll"
)

// deathwire stands between a program and PostgreSQL, and kills the program when
// it has sent its n-th statement that writes.
type deathwire struct {
	listener net.Listener
	target   *pgconn.Config
	kill     func()
	left     atomic.Int64 // statements until the death
	sql      atomic.Pointer[string]
}

// writes are the statements that count: those that change what is sold and paid,
// and the ends of transactions. Periodic work writes nothing while nothing is due.
var writes = regexp.MustCompile(`(?i)^\s*(insert|update|delete|with|commit|select must)`)

var others = regexp.MustCompile(`(?i)river_|notify|catalog_changes where|leader`)

func newDeathwire(t *testing.T, dsn string, kill func()) *deathwire {
	t.Helper()
	target, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &deathwire{listener: l, target: target, kill: kill}
	t.Cleanup(func() { _ = l.Close() }) // connections end with their program
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go w.connect(client)
		}
	}()
	return w
}

// dsn is the address of the wire.
func (w *deathwire) dsn() string {
	return fmt.Sprintf("host=127.0.0.1 port=%d user=%s password='%s' dbname=%s sslmode=disable",
		w.listener.Addr().(*net.TCPAddr).Port, w.target.User, w.target.Password, w.target.Database)
}

func (w *deathwire) connect(client net.Conn) {
	network, address := pgconn.NetworkAddress(w.target.Host, w.target.Port)
	server, err := net.DialTimeout(network, address, 5*time.Second)
	if err != nil {
		_ = client.Close()
		return
	}
	var all sync.WaitGroup
	both := func() { _, _ = client.Close(), server.Close() }
	all.Go(func() { defer both(); _, _ = io.Copy(client, server) })
	all.Go(func() { defer both(); w.pass(client, server) })
	all.Wait()
}

// pass hands messages on, one by one, and looks for the statement of each.
func (w *deathwire) pass(client io.Reader, server io.Writer) {
	in := bufio.NewReaderSize(client, 64<<10)
	prepared, bound := map[string]string{}, ""
	for typed := 0; ; typed = 1 { // only the first message has no type
		head := make([]byte, typed+4)
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[typed:])-4)
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		if _, err := server.Write(slices.Concat(head, body)); err != nil {
			return
		}
		if typed == 0 {
			continue
		}
		first, rest, _ := bytes.Cut(body, []byte{0})
		switch head[0] {
		case 'P': // Parse: name, text
			text, _, _ := bytes.Cut(rest, []byte{0})
			prepared[string(first)] = string(text)
		case 'B': // Bind: portal, name
			name, _, _ := bytes.Cut(rest, []byte{0})
			bound = prepared[string(name)]
		case 'E':
			w.sent(bound)
		case 'Q':
			w.sent(string(first))
		}
	}
}

// sent counts a statement that is on its way.
func (w *deathwire) sent(sql string) {
	if writes.MatchString(sql) && !others.MatchString(sql) && w.left.Load() > 0 && w.left.Add(-1) == 0 {
		w.sql.Store(&sql)
		w.kill()
	}
}

// TestKilledAtEveryStatementNothingIsLostOrDoubled kills the program when it has
// sent the first, the second, the third statement of a flow, until there is none
// left at which it could die.
func TestKilledAtEveryStatementNothingIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: the program is killed at every statement")
	}
	count := toll.Begin(t, "killed at every statement")
	rounds := 1
	if thorough() {
		rounds = 3
	}
	for _, flow := range []string{"pay by card", "refund", "be told by webhook"} {
		t.Run(flow, func(t *testing.T) {
			t.Parallel()
			l := newLane(t)
			wire := newDeathwire(t, l.dsn, func() { _ = syscall.Kill(l.where().pid, syscall.SIGKILL) })
			l.dsn = wire.dsn()
			l.where().kill(syscall.SIGKILL)
			l.begin(t)
			for range rounds {
				most := int64(1)
				for l.diesAt(t, wire, flow, most, count) {
					most++
				}
				if t.Failed() {
					return
				}
				if t.Log(most-1, "statements"); most < 8 {
					t.Errorf("only %d statements", most-1)
				}
			}
		})
	}
}

// diesAt plays a flow in which the program dies at its n-th statement, and says
// whether there was one.
func (l *lane) diesAt(t *testing.T, wire *deathwire, flow string, n int64, count *toll.Count) (happened bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	l.fresh(t)
	s, way := &sale{lane: l}, journeys[flow]
	before := way.prepare
	if before == nil {
		before = func(ctx context.Context, _ *testing.T, s *sale) error { return s.start(ctx) }
	}
	if err := before(ctx, t, s); err != nil {
		t.Fatalf("before: %v", err)
	}
	if err := l.rest(ctx); err != nil {
		t.Fatal(err)
	}
	p := l.where()
	gone, quiet := make(chan struct{}), make(chan struct{})
	var failed error
	wire.left.Store(n)
	go func() {
		defer close(quiet)
		failed = way.client(ctx, s)
		close(gone)
		if failed == nil && thorough() && wire.left.Load() > 0 {
			failed = l.rest(ctx) // what follows has statements too; in other runs the named points have to do
		}
	}()
	select {
	case <-quiet:
	case <-p.exited:
	}
	if happened = wire.left.Swap(0) < 1; happened {
		<-p.exited
		l.begin(t)
		count.Fault()
		l.turn(t, gone)
	}
	<-quiet
	name := fmt.Sprintf("statement %d", n)
	if sql := wire.sql.Load(); happened && sql != nil {
		name += fmt.Sprintf(" (%.60s)", *sql)
	}
	if failed != nil {
		count.Harm(t, toll.Stuck, "%s: %v", name, failed)
		return false
	}
	s.check(ctx, t, count, way, cell{flow: flow, point: "notify.answered"}) // any point of it: a mail may go out again
	if t.Failed() {
		t.Log(name)
		return false
	}
	return happened
}
