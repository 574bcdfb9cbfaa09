package notify

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/internal/locale"
)

func sender(t *testing.T, url string) *SMTP {
	t.Helper()
	s, err := NewSMTP(url)
	if err != nil {
		t.Fatal(err)
	}
	s.timeout = 5 * time.Second
	return s
}

func envelope(lang locale.Lang) Envelope {
	m, err := Render(OrderConfirmation, lang, full())
	if err != nil {
		panic(err)
	}
	return Envelope{
		From: netmail.Address{Name: "Ararat, \"Ceramics\"", Address: "shop@ararat.example"},
		To:   netmail.Address{Name: "Անահիտ", Address: "anahit@mail.example"}, ReplyTo: "help@ararat.example",
		MessageID: "0195@ararat.example", Date: time.Date(2026, 3, 5, 9, 0, 0, 0, time.UTC), Lang: lang, Message: m,
	}
}

func TestAMailArrivesWithBothParts(t *testing.T) {
	t.Parallel()
	for _, lang := range locale.Languages() {
		srv := start(t, &server{})
		e := envelope(lang)
		if err := sender(t, "smtp://"+srv.addr).Send(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		mails := srv.accepted()
		if len(mails) != 1 {
			t.Fatalf("%d mails", len(mails))
		}
		m, err := netmail.ReadMessage(strings.NewReader(mails[0]))
		if err != nil {
			t.Fatal(err)
		}
		from, _ := m.Header.AddressList("From")
		to, _ := m.Header.AddressList("To")
		if len(from) != 1 || *from[0] != e.From || len(to) != 1 || *to[0] != e.To {
			t.Errorf("from %v to %v", from, to)
		}
		subject, _ := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if date, _ := m.Header.Date(); subject != e.Subject || m.Header.Get("Message-ID") != "<0195@ararat.example>" ||
			m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("Reply-To") != "<help@ararat.example>" || !date.Equal(e.Date) {
			t.Errorf("headers %v", m.Header)
		}
		text, html := alternatives(t, m)
		if norm(text) != norm(e.Text) || norm(html) != norm(e.HTML) {
			t.Errorf("%s: the parts changed on the way", lang)
		}
		if !slices.Equal(srv.to, []string{"TO:<anahit@mail.example>"}) {
			t.Errorf("envelope to %v", srv.to)
		}
	}
}

func norm(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }

func alternatives(t *testing.T, m *netmail.Message) (text, html string) {
	t.Helper()
	media, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || media != "multipart/alternative" {
		t.Fatalf("%s %v", media, err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for _, part := range []*string{&text, &html} {
		p, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		var r io.Reader = quotedprintable.NewReader(p)
		if p.Header.Get("Content-Transfer-Encoding") == "base64" {
			r = base64.NewDecoder(base64.StdEncoding, p)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		*part = string(raw)
	}
	return text, html
}

func TestEachFailureOfTheServerIsJudgedRightly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		stage, answer string
		sent, refused bool
	}{
		{atGreeting, "421 4.3.2 busy", false, false},
		{atGreeting, "554 no", false, false},
		{atGreeting, cut, false, false},
		{atHello, cut, false, false},
		{atFrom, "451 4.3.0 later", false, false},
		{atFrom, "550 5.7.1 not as this sender", false, false},
		{atFrom, "530 5.7.0 sign in first", false, false},
		{atFrom, cut, false, false},
		{atTo, "450 4.2.1 mailbox of <anahit@mail.example> busy", false, false},
		{atTo, "550 5.1.1 <anahit@mail.example>: no such user", false, true},
		{atTo, "551 user not local", false, true},
		{atTo, cut, false, false},
		{atData, "451 4.3.0 later", false, false},
		{atData, "554 5.5.1 no valid recipients", false, true},
		{atData, cut, false, false},
		{atBody, "452 4.3.1 no room", false, false},
		{atBody, "554 5.7.1 looks like spam to anahit@mail.example", false, true},
		{atBody, cut, false, false},
		{atQuit, "500 what", true, false},
		{atQuit, cut, true, false},
		{atQuit, hang, true, false},
	} {
		t.Run(c.stage+"/"+c.answer, func(t *testing.T) {
			t.Parallel()
			srv := start(t, &server{answers: map[string]string{c.stage: c.answer}})
			err := sender(t, "smtp://"+srv.addr).Send(t.Context(), envelope(locale.En))
			if (err == nil) != c.sent || errors.Is(err, ErrRefused) != c.refused {
				t.Errorf("err = %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "mail.example") {
				t.Errorf("the error tells the address: %v", err)
			}
		})
	}
}

func TestAServerThatIsNotThereMeansTryAgain(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := sender(t, "smtp://"+l.Addr().String()).Send(t.Context(), envelope(locale.En)); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("err = %v", err)
	}
}

func TestAHangingServerIsLeftWhenTheDeadlineComes(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{atGreeting, atHello, atFrom, atTo, atData, atBody} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			srv := start(t, &server{answers: map[string]string{stage: hang}})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() { // as soon as it hangs, the caller's time is up
				select {
				case <-srv.reached:
					cancel()
				case <-ctx.Done():
				}
			}()
			s := sender(t, "smtp://"+srv.addr)
			s.timeout = time.Minute
			began := time.Now()
			err := s.Send(ctx, envelope(locale.En))
			if err == nil || errors.Is(err, ErrRefused) {
				t.Errorf("err = %v", err)
			}
			if time.Since(began) > 10*time.Second {
				t.Errorf("it held on for %s", time.Since(began))
			}
		})
	}
	t.Run("own time-out", func(t *testing.T) {
		t.Parallel()
		srv := start(t, &server{answers: map[string]string{atBody: hang}})
		s := sender(t, "smtp://"+srv.addr)
		s.timeout = 300 * time.Millisecond
		if err := s.Send(t.Context(), envelope(locale.En)); err == nil {
			t.Error("no error")
		}
	})
}

// identity is a fresh certificate for 127.0.0.1 and the pool that trusts it.
func identity(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, pool
}

func TestAPasswordTravelsOnlyUnderTLS(t *testing.T) {
	t.Parallel()
	config, pool := identity(t)
	const want = "\x00user\x00p@ss"
	for _, c := range []struct {
		name, url string
		srv       *server
		trust     bool
		sent      bool
	}{
		{"starttls", "smtp://user:p%40ss@%s", &server{tls: config, auth: true}, true, true},
		{"smtps", "smtps://user:p%40ss@%s", &server{tls: config, direct: true, auth: true}, true, true},
		{"a stranger's certificate", "smtp://user:p%40ss@%s", &server{tls: config, auth: true}, false, false},
		{"a stranger's certificate, smtps", "smtps://user:p%40ss@%s", &server{tls: config, direct: true, auth: true}, false, false},
		{"no starttls offered", "smtp://user:p%40ss@%s", &server{auth: true}, true, false},
		{"required without password", "smtp://%s?starttls=require", &server{}, true, false},
		{"wrong password", "smtp://user:p%40ss@%s", &server{tls: config, auth: true,
			answers: map[string]string{atAuth: "535 5.7.8 no"}}, true, false},
		{"opportunistic", "smtp://%s", &server{tls: config}, true, true},
		{"none", "smtp://%s?starttls=none", &server{tls: config}, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := start(t, c.srv)
			s := sender(t, strings.Replace(c.url, "%s", srv.addr, 1))
			if c.trust {
				s.config.RootCAs = pool
			}
			err := s.Send(t.Context(), envelope(locale.En))
			if (err == nil) != c.sent || errors.Is(err, ErrRefused) {
				t.Errorf("err = %v", err)
			}
			srv.mu.Lock()
			defer srv.mu.Unlock()
			if (strings.Contains(c.url, "user") && c.sent || srv.answers != nil) && !slices.Equal(srv.creds, []string{want}) {
				t.Errorf("credentials %q", srv.creds)
			}
			if srv.tls == nil && len(srv.creds) > 0 {
				t.Error("the password was sent in clear")
			}
		})
	}
}

func TestNoHeaderCanBeInjected(t *testing.T) {
	t.Parallel()
	srv := start(t, &server{})
	s := sender(t, "smtp://"+srv.addr)
	e := envelope(locale.En)
	e.To.Name = "Eve\r\nBcc: other@mail.example\r\n\r\nHello"
	e.From.Name = "Shop\nX-Evil: yes"
	if err := s.Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	m, err := netmail.ReadMessage(strings.NewReader(srv.accepted()[0]))
	if err != nil {
		t.Fatal(err)
	}
	if m.Header.Get("Bcc") != "" || m.Header.Get("X-Evil") != "" || len(srv.to) != 1 {
		t.Errorf("headers %v, to %v", m.Header, srv.to)
	}
	for name, spoil := range map[string]func(e *Envelope){
		"subject":    func(e *Envelope) { e.Subject = "a\r\nBcc: x@y.example" },
		"message id": func(e *Envelope) { e.MessageID = "a\nb" },
		"to":         func(e *Envelope) { e.To.Address = "a@b.example>\r\nRCPT TO:<x@y.example" },
		"two to":     func(e *Envelope) { e.To.Address = "a@b.example, x@y.example" },
		"named to":   func(e *Envelope) { e.To.Address = "A <a@b.example>" },
		"from":       func(e *Envelope) { e.From.Address = "shop" },
		"reply to":   func(e *Envelope) { e.ReplyTo = "x@y.example\n" },
	} {
		e := envelope(locale.En)
		spoil(&e)
		if err := s.Send(t.Context(), e); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(srv.accepted()); n != 1 {
		t.Errorf("%d mails went out", n)
	}
}

func TestTheAddressOfTheServerIsReadStrictly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url  string
		host string
		port int
		tls  bool
	}{
		{"smtp://mail.example", "mail.example", 587, false},
		{"smtp://mail.example:25", "mail.example", 25, false},
		{"smtps://u:p@mail.example", "mail.example", 465, true},
		{"smtp://[::1]:2525/?starttls=none", "::1", 2525, false},
	} {
		s, err := NewSMTP(c.url)
		if err != nil || s.host != c.host || s.port != c.port || s.tls != c.tls {
			t.Errorf("%s: %+v, %v", c.url, s, err)
		}
	}
	for _, url := range []string{"", "mail.example:25", "http://mail.example", "smtp://", "smtp://u:secret@h:99999", "smtp://u:secret@h:x",
		"smtp://h?starttls=maybe", "smtp://h?startls=none", "smtps://h?starttls=none", "smtp://h/path", "smtp://u:sec%zzret@h",
		"smtp://h?starttls=none&starttls=require"} {
		if _, err := NewSMTP(url); err == nil {
			t.Errorf("%q was accepted", url)
		} else if strings.Contains(fmt.Sprint(err), "sec") {
			t.Errorf("%q: the error tells the password: %v", url, err)
		}
	}
}
