package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"doorstep/internal/card"
	"doorstep/internal/idem"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// Idempotency keeps the answers to writes, at least 24 h, unique by merchant
// and key; *idem.Store does.
type Idempotency interface {
	// Begin claims the key for lease, or gives the stored answer (Done). It fails
	// with idem.ErrConflict or idem.ErrInFlight.
	Begin(ctx context.Context, k idem.Key, lease time.Duration) (idem.State, error)
	// Finish stores the answer to a claimed key.
	Finish(ctx context.Context, k idem.Key, status int, headers map[string]string, body []byte) error
	// Abandon gives up a claim, so that the next caller starts afresh.
	Abandon(ctx context.Context, k idem.Key) error
}

// kept are the headers that belong to an answer; all others are made anew.
var kept = []string{fiber.HeaderContentType, fiber.HeaderETag, fiber.HeaderLocation, fiber.HeaderCacheControl}

const (
	// leaseMargin is what a claim outlives its handler's deadline by.
	leaseMargin = 25 * time.Second
	// storeTime bounds the storing of an answer, whatever is left of the deadline.
	storeTime = 5 * time.Second
)

// once runs a write at most once per Idempotency-Key, and replays its answer.
func (s *Server) once(c *fiber.Ctx, r *request, handler fiber.Handler) error {
	key := string(c.Request().Header.Peek("Idempotency-Key"))
	if key == "" {
		if r.route.Once != OnceOptional {
			return errKeyRequired
		}
		return handler(c)
	}
	if !visible(key) {
		return errKeyForm
	}
	if card.In([]byte(key)) { // keys are stored
		return errCard.At("header.Idempotency-Key", "holds a card number")
	}
	if r.caller.Merchant == uuid.Nil { // public writes are single use by their tokens
		return handler(c)
	}
	hash, err := fingerprint(c, r)
	if err != nil {
		return err
	}
	k := idem.Key{Merchant: r.caller.Merchant, Key: scoped(c, r, key), Hash: hash}
	if r.route.Once == OnceInside {
		r.once = k
		return handler(c)
	}
	state, err := s.idempotency.Begin(r.ctx, k, r.route.Deadline+leaseMargin)
	if err != nil {
		return err
	}
	if state.Done {
		replay(c, state)
		return nil
	}
	return s.claimed(c, r, k, handler)
}

// claimed runs the handler under a claim and stores its answer. Answers that
// say "later" are not the answer, so the claim is given up for them and the
// next call tries again: 5xx, 429, and anything with Retry-After.
func (s *Server) claimed(c *fiber.Ctx, r *request, k idem.Key, handler fiber.Handler) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), r.route.Deadline+storeTime)
	defer cancel()
	settled := false
	defer func() { // also when the handler panics
		if settled {
			return
		}
		if err := s.idempotency.Abandon(ctx, k); err != nil {
			s.complain(r, "idempotency claim not given up", err)
		}
	}()
	if err := handler(c); err != nil {
		s.writeProblem(c, r, err)
	}
	resp := c.Response()
	status := resp.StatusCode()
	if status >= fiber.StatusInternalServerError || status == fiber.StatusTooManyRequests ||
		len(resp.Header.Peek(fiber.HeaderRetryAfter)) > 0 || resp.IsBodyStream() {
		return nil
	}
	headers := map[string]string{}
	for _, name := range kept {
		if v := resp.Header.Peek(name); len(v) > 0 {
			headers[name] = string(v)
		}
	}
	// The effect has happened, so the claim is never given up from here on: if
	// the answer cannot be stored, the key stays claimed until its lease ends.
	settled = true
	if err := s.idempotency.Finish(ctx, k, status, headers, bytes.Clone(resp.Body())); err != nil {
		s.complain(r, "idempotent answer not stored", err)
	}
	return nil
}

func (s *Server) complain(r *request, what string, err error) {
	s.log.LogAttrs(r.ctx, slog.LevelError, what, slog.String("trace_id", r.trace),
		slog.String("route", r.pattern()), slog.String("error", err.Error()))
}

const replayedHeader = "Idempotent-Replayed"

func replay(c *fiber.Ctx, a idem.State) {
	c.Status(a.Status)
	for name, v := range a.Headers {
		c.Set(name, v)
	}
	c.Set(replayedHeader, "true")
	c.Response().SetBodyRaw(a.Body)
}

// stored is the answer that an OnceInside route has kept in its own
// transaction: the handler returns replayed(state) as its error.
type stored struct{ state idem.State }

// replayed answers with what is stored, byte for byte.
func replayed(state idem.State) error { return &stored{state} }

// Error is for the type's sake only.
func (a *stored) Error() string { return "stored answer" }

// GetStatus is the stored status; huma asks for it.
func (a *stored) GetStatus() int { return a.state.Status }

// ContentType tells answers from problems.
func (a *stored) ContentType(usual string) string {
	if a.state.Status >= fiber.StatusBadRequest {
		return (*Problem)(nil).ContentType(usual)
	}
	return usual
}

// GetHeaders mark the answer as a replay.
func (a *stored) GetHeaders() http.Header {
	h := http.Header{replayedHeader: {"true"}}
	for name, v := range a.state.Headers {
		if name != fiber.HeaderContentType && name != fiber.HeaderCacheControl {
			h.Set(name, v)
		}
	}
	return h
}

// visible says whether a key is 1 to 255 visible ASCII characters.
func visible(key string) bool {
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return false
		}
	}
	return len(key) >= 1 && len(key) <= 255
}

// scoped keeps shoppers apart. Everyone holds the same publishable key, so a
// stored answer may only go back to who asked: to the holder of the cart's,
// checkout's or conversation's secret or of the session, or, where there is none yet, to the same address. A secret
// key is one party; its keys stay as they are.
func scoped(c *fiber.Ctx, r *request, key string) string {
	if r.caller.Secret {
		return key
	}
	h := sha256.New()
	known := false
	for _, name := range []string{"Cart-Secret", "Checkout-Secret", "Conversation-Secret", "Customer-Session"} {
		secret := c.Request().Header.Peek(name)
		known = known || len(secret) > 0
		part(h, secret)
	}
	if !known {
		part(h, network(r.ip).AsSlice())
	}
	return hex.EncodeToString(h.Sum(nil)[:8]) + ":" + key
}

// fingerprint is the hash of what is asked: method, address and body, where
// JSON that means the same hashes the same.
func fingerprint(c *fiber.Ctx, r *request) ([]byte, error) {
	body := r.body
	switch {
	case r.file != nil:
		body = r.digest
	case len(body) > 0 && !r.route.Raw:
		canonical, err := canonicalJSON(body)
		if err != nil {
			return nil, errMalformed.Because(err)
		}
		body = canonical
	}
	h := sha256.New()
	part(h, []byte(c.Method()))
	part(h, c.Request().URI().Path())
	part(h, c.Request().URI().QueryString())
	part(h, body)
	return h.Sum(nil), nil
}

// part writes b with its length, so that no two lists of parts look the same.
func part(h interface{ Write([]byte) (int, error) }, b []byte) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(b)))
	_, _ = h.Write(n[:]) // a hash never fails
	_, _ = h.Write(b)
}

// canonicalJSON writes a document with sorted fields and no white space.
// Numbers keep their text, for 64 bits do not survive a float.
func canonicalJSON(b []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}
