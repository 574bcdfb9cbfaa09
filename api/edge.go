package api

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
)

// Seen tells a meter about one answered request.
type Seen struct {
	Method string
	// Route is the declared path, "-" where none matched.
	Route  string
	Status int
	Took   time.Duration
	Trace  string // in hex
}

// edge wraps every request, pages included: it names it, sets the headers that
// every answer has, takes the body, and turns what goes wrong into one problem.
func (s *Server) edge(c *fiber.Ctx) error {
	r := &request{server: s, started: s.machine.Now(), trace: traceFrom(c.Request().Header.Peek("traceparent")), ip: s.peer(c)}
	r.lang = languageOf(c.Request().Header.Peek(fiber.HeaderAcceptLanguage))
	c.Locals(requestKey{}, r)
	s.setHeaders(c, r)
	if err := s.pass(c, r); err != nil {
		s.writeProblem(c, r, err)
	}
	if r.pending {
		s.hangUp(c)
	}
	s.report(c, r)
	return nil
}

// hangUp ends a connection whose body was not wanted: what was not read would be
// taken for the next request. It is read for a while all the same, for a client
// that is cut off while it sends never sees why.
func (s *Server) hangUp(c *fiber.Ctx) {
	c.Context().SetConnectionClose()
	stream := c.Request().BodyStream()
	if stream == nil || c.Context().Conn().SetReadDeadline(s.machine.Now().Add(lingerTime)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, stream, uploadLimit) // best effort
}

// lingerTime is how long a body that was not wanted is listened to.
const lingerTime = 3 * time.Second

// pass lets the request through to its route. A panic comes back as an error.
func (s *Server) pass(c *fiber.Ctx, r *request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if done, err := s.preflight(c, r); done {
		return err
	}
	if err := checkURI(c.Request().RequestURI()); err != nil {
		return err
	}
	if err := s.takeBody(c, r); err != nil {
		return err
	}
	return c.Next()
}

// Headers of every answer; pages that show more set their own policy.
var (
	hNosniff  = []byte("X-Content-Type-Options")
	hFrame    = []byte("X-Frame-Options")
	hReferrer = []byte("Referrer-Policy")
	hPolicy   = []byte("Content-Security-Policy")
	hHSTS     = []byte("Strict-Transport-Security")
	hCORP     = []byte("Cross-Origin-Resource-Policy")
	hTrace    = []byte("X-Trace-Id")

	vNosniff  = []byte("nosniff")
	vDeny     = []byte("DENY")
	vReferrer = []byte("strict-origin-when-cross-origin")
	vPolicy   = []byte("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	vHSTS     = []byte("max-age=31536000")
	vCORP     = []byte("same-origin")
)

func (s *Server) setHeaders(c *fiber.Ctx, r *request) {
	h := &c.Response().Header
	h.SetCanonical(hTrace, []byte(r.trace))
	h.SetCanonical(hNosniff, vNosniff)
	h.SetCanonical(hFrame, vDeny)
	h.SetCanonical(hReferrer, vReferrer)
	h.SetCanonical(hPolicy, vPolicy)
	h.SetCanonical(hHSTS, vHSTS)
	h.SetCanonical(hCORP, vCORP)
}

// checkURI refuses escapes that PostgreSQL could not store as text (NUL, broken
// UTF-8), for they would come back as an error of the database.
func checkURI(uri []byte) error {
	plain := true
	for _, b := range uri {
		if b == '%' || b >= utf8.RuneSelf || b < 0x20 {
			plain = false
			break
		}
	}
	if plain {
		return nil
	}
	decoded := make([]byte, 0, len(uri))
	for i := 0; i < len(uri); i++ {
		if uri[i] == '%' && i+2 < len(uri) {
			hi, ok1 := unhex(uri[i+1])
			lo, ok2 := unhex(uri[i+2])
			if ok1 && ok2 {
				decoded = append(decoded, hi<<4|lo)
				i += 2
				continue
			}
		}
		decoded = append(decoded, uri[i])
	}
	if !utf8.Valid(decoded) || bytes.IndexByte(decoded, 0) >= 0 {
		return errRequest.Saying("The address holds bytes that are not UTF-8 text.")
	}
	return nil
}

func unhex(b byte) (byte, bool) {
	switch {
	case b >= '0' && b <= '9':
		return b - '0', true
	case b >= 'a' && b <= 'f':
		return b - 'a' + 10, true
	case b >= 'A' && b <= 'F':
		return b - 'A' + 10, true
	default:
		return 0, false
	}
}

// report tells the log and the meter. Good answers are for debugging only.
func (s *Server) report(c *fiber.Ctx, r *request) {
	status := c.Response().StatusCode()
	level := slog.LevelDebug
	if status >= fiber.StatusBadRequest {
		level = slog.LevelInfo
	}
	logged := s.log.Enabled(r.context(), level)
	if !logged && s.observe == nil {
		return
	}
	took := s.machine.Now().Sub(r.started)
	if s.observe != nil {
		s.observe(Seen{Method: c.Method(), Route: r.pattern(), Status: status, Took: took, Trace: r.trace})
	}
	if logged {
		s.log.LogAttrs(r.context(), level, "request", slog.String("trace_id", r.trace), slog.String("method", c.Method()),
			slog.String("route", r.pattern()), slog.Int("status", status), slog.Duration("took", took),
			slog.String("merchant_id", r.caller.Merchant.String()))
	}
}
