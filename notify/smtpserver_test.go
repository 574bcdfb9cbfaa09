package notify

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The stages of a delivery at which the server of the tests can fail.
const (
	atGreeting = "greeting"
	atHello    = "EHLO"
	atAuth     = "AUTH"
	atFrom     = "MAIL"
	atTo       = "RCPT"
	atData     = "DATA"
	atBody     = "body" // after the whole message has come
	atQuit     = "QUIT"
)

// Instead of an answer.
const (
	hang = "hang"
	cut  = "cut"
)

// server is a small mail server on the loopback.
type server struct {
	addr    string
	answers map[string]string // by stage; none means that all is well
	tls     *tls.Config       // offers STARTTLS
	direct  bool              // TLS from the first byte
	auth    bool
	reached chan string // stages at which it hangs

	mu    sync.Mutex
	mails []string // what was accepted
	from  []string
	to    []string
	creds []string
}

func start(t *testing.T, s *server) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr, s.reached = l.Addr().String(), make(chan string, 16)
	var running sync.WaitGroup
	done := make(chan struct{})
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { s.serve(conn, done) })
		}
	})
	t.Cleanup(func() {
		close(done)
		_ = l.Close()
		running.Wait()
	})
	return s
}

// answer writes the stage's answer and says whether to go on with the dialogue
// as if all were well.
func (s *server) answer(w io.Writer, stage, good string, done chan struct{}) (ok, alive bool) {
	a, set := s.answers[stage]
	switch {
	case !set:
		_, _ = io.WriteString(w, good+"\r\n")
		return true, true
	case a == hang:
		s.reached <- stage
		<-done
		return false, false
	case a == cut:
		return false, false
	default:
		_, _ = io.WriteString(w, a+"\r\n")
		return false, true
	}
}

func (s *server) serve(conn net.Conn, done chan struct{}) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if s.direct {
		conn = tls.Server(conn, s.tls)
	}
	in := bufio.NewReader(conn)
	if _, alive := s.answer(conn, atGreeting, "220 test ESMTP", done); !alive {
		return
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		good := "250 2.0.0 ok"
		switch verb {
		case "EHLO":
			good = "250-test\r\n"
			if s.tls != nil && !s.direct {
				good += "250-STARTTLS\r\n"
			}
			if s.auth {
				good += "250-AUTH PLAIN\r\n"
			}
			good += "250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250 SMTPUTF8"
		case "STARTTLS":
			_, _ = io.WriteString(conn, "220 go\r\n")
			secure := tls.Server(conn, s.tls)
			conn, in = secure, bufio.NewReader(secure)
			continue
		case "AUTH":
			raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			s.mu.Lock()
			s.creds = append(s.creds, string(raw))
			s.mu.Unlock()
			good = "235 2.7.0 welcome"
		case "DATA":
			good = "354 go ahead"
		case "QUIT":
			good = "221 bye"
		}
		ok, alive := s.answer(conn, verb, good, done)
		if !alive {
			return
		}
		if ok && verb == "DATA" {
			if !s.body(conn, in, done) {
				return
			}
		}
		s.note(verb, rest, ok)
		if verb == "QUIT" {
			return
		}
	}
}

func (s *server) note(verb, rest string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ok && verb == "MAIL" {
		s.from = append(s.from, rest)
	}
	if ok && verb == "RCPT" {
		s.to = append(s.to, rest)
	}
}

func (s *server) body(conn net.Conn, in *bufio.Reader, done chan struct{}) bool {
	var b strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	if a := s.answers[atBody]; a == "" || a == cut { // cut: taken over, but the answer is lost
		s.mu.Lock()
		s.mails = append(s.mails, b.String())
		s.mu.Unlock()
	}
	_, alive := s.answer(conn, atBody, "250 2.0.0 queued", done)
	return alive
}

func (s *server) accepted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}
