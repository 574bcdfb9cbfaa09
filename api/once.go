package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"time"

	"doorstep/internal/fault"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// Idempotency keeps the answers to writes, at least 24 h, unique by merchant
// and key.
type Idempotency interface {
	// Begin claims the key for lease and returns a zero Answer, or the stored one.
	// It refuses another hash (idempotency_conflict) and a claim that is still
	// held (idempotency_in_flight).
	Begin(ctx context.Context, merchant uuid.UUID, key string, hash []byte, lease time.Duration) (Answer, error)
	// Finish stores the answer to a claimed key.
	Finish(ctx context.Context, merchant uuid.UUID, key string, answer Answer) error
	// Abandon gives up a claim, so that the next caller starts afresh.
	Abandon(ctx context.Context, merchant uuid.UUID, key string) error
}

// Answer is what a write has answered.
type Answer struct {
	Done    bool
	Status  int
	Headers map[string]string
	Body    []byte
}

// kept are the headers that belong to an answer; all others are made anew.
var kept = []string{fiber.HeaderContentType, fiber.HeaderETag, fiber.HeaderLocation, fiber.HeaderCacheControl}

const (
	// leaseMargin is what a claim outlives its handler's deadline by.
	leaseMargin = 25 * time.Second
	// storeTime bounds the storing of an answer, whatever is left of the deadline.
	storeTime = 5 * time.Second
	inFlight  = "idempotency_in_flight"
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
	if r.caller.Merchant == uuid.Nil { // public writes are single use by their tokens
		return handler(c)
	}
	hash, err := fingerprint(c, r)
	if err != nil {
		return err
	}
	key = scoped(c, r, key)
	if r.route.Once == OnceInside {
		r.once = OnceKey{Key: key, Hash: hash}
		return handler(c)
	}
	answer, err := s.idempotency.Begin(r.ctx, r.caller.Merchant, key, hash, r.route.Deadline+leaseMargin)
	if err != nil {
		if e, ok := fault.As(err); ok && e.Code == inFlight && e.RetryAfter == 0 {
			return e.After(time.Second)
		}
		return err
	}
	if answer.Done {
		replay(c, answer)
		return nil
	}
	return s.claimed(c, r, key, handler)
}

// claimed runs the handler under a claim and stores its answer. Answers that
// say "later" are not the answer, so the claim is given up for them and the
// next call tries again: 5xx, 429, and anything with Retry-After.
func (s *Server) claimed(c *fiber.Ctx, r *request, key string, handler fiber.Handler) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), r.route.Deadline+storeTime)
	defer cancel()
	settled := false
	defer func() { // also when the handler panics
		if settled {
			return
		}
		if err := s.idempotency.Abandon(ctx, r.caller.Merchant, key); err != nil {
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
	answer := Answer{Done: true, Status: status, Headers: map[string]string{}, Body: bytes.Clone(resp.Body())}
	for _, name := range kept {
		if v := resp.Header.Peek(name); len(v) > 0 {
			answer.Headers[name] = string(v)
		}
	}
	// The effect has happened, so the claim is never given up from here on: if
	// the answer cannot be stored, the key stays claimed until its lease ends.
	settled = true
	if err := s.idempotency.Finish(ctx, r.caller.Merchant, key, answer); err != nil {
		s.complain(r, "idempotent answer not stored", err)
	}
	return nil
}

func (s *Server) complain(r *request, what string, err error) {
	s.log.LogAttrs(r.ctx, slog.LevelError, what, slog.String("trace_id", r.trace),
		slog.String("route", r.pattern()), slog.String("error", err.Error()))
}

func replay(c *fiber.Ctx, a Answer) {
	c.Status(a.Status)
	for name, v := range a.Headers {
		c.Set(name, v)
	}
	c.Set("Idempotent-Replayed", "true")
	c.Response().SetBodyRaw(a.Body)
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
// stored answer may only go back to who asked: to the holder of the cart's or
// checkout's secret or of the session, or, where there is none yet, to the same address. A secret
// key is one party; its keys stay as they are.
func scoped(c *fiber.Ctx, r *request, key string) string {
	if r.caller.Secret {
		return key
	}
	h := sha256.New()
	known := false
	for _, name := range []string{"Cart-Secret", "Checkout-Secret", "Customer-Session"} {
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
