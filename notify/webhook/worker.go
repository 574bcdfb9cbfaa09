package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/killpoint"
	"doorstep/internal/safedial"
)

const (
	// excerptSize is how much of an answer the log keeps, in bytes.
	excerptSize = 1 << 10
	// longestPause bounds what an endpoint may ask for with Retry-After.
	longestPause = 24 * time.Hour
	// again is when a delivery is looked at again that could not be written.
	again = 30 * time.Second
	// noteTime bounds the noting of an attempt that was made.
	noteTime = 5 * time.Second
)

// Run sends what is due until ctx ends, and returns when the last attempt has.
// An attempt that is cut off is made again, by this program or another.
func (s *Service) Run(ctx context.Context) error {
	ticker := time.NewTicker(s.config.Poll)
	defer ticker.Stop()
	var workers sync.WaitGroup
	defer workers.Wait()
	slots := make(chan struct{}, s.config.Workers)
	for {
		if free := s.config.Workers - len(slots); free > 0 {
			batch, err := s.take(ctx, free)
			if err != nil {
				return err // told by whoever called; it calls again
			}
			for i := range batch {
				t := &batch[i]
				slots <- struct{}{}
				s.count(t.endpoint, 1)
				workers.Go(func() {
					defer func() {
						s.count(t.endpoint, -1)
						<-slots
						s.Wake()
					}()
					s.work(ctx, t)
				})
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-ticker.C:
		}
	}
}

// busy lists the endpoints that are being sent to, and how often at once.
func (s *Service) busy() (endpoints []uuid.UUID, counts []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	endpoints, counts = []uuid.UUID{}, []int{}
	for e, n := range s.running {
		endpoints, counts = append(endpoints, e), append(counts, n)
	}
	return endpoints, counts
}

func (s *Service) count(endpoint uuid.UUID, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[endpoint] += n; s.running[endpoint] == 0 {
		delete(s.running, endpoint)
	}
}

// work makes one attempt and notes it. A panic is its own failure; the lease
// gives the delivery to the next.
func (s *Service) work(ctx context.Context, t *taken) {
	defer func() {
		if value := recover(); value != nil {
			s.log.ErrorContext(ctx, "a webhook panicked", "delivery", t.id, "panic", value, "trace", string(debug.Stack()))
		}
	}()
	killpoint.Hit("webhook.taken")
	req, err := s.request(ctx, t)
	noting, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	if err != nil {
		if ctx.Err() == nil {
			s.log.WarnContext(ctx, "a webhook could not be written", "delivery", t.id, "event", t.eventName, "error", err)
		}
		if err := s.giveBack(noting, t, s.db.Now().Add(again)); err != nil {
			s.log.WarnContext(ctx, "a webhook was not given back", "delivery", t.id, "error", err)
		}
		return
	}
	started := s.db.Now()
	killpoint.Hit("webhook.ask")
	answer, took, err := s.config.Caller.Send(ctx, req)
	killpoint.Hit("webhook.answered")
	if ctx.Err() != nil && err != nil { // cut off by our own end: it says nothing about the endpoint
		if err := s.giveBack(noting, t, s.db.Now()); err != nil {
			s.log.WarnContext(ctx, "a webhook was not given back", "delivery", t.id, "error", err)
		}
		return
	}
	v := s.judge(noting, t, answer, err)
	v.N, v.StartedAt, v.Duration = t.attempt, started, took
	if v.disable != "" {
		s.log.WarnContext(ctx, "a webhook endpoint was disabled", "merchant", t.merchant, "endpoint", t.endpoint, "reason", v.disable)
	}
	if err := s.settle(noting, t, v); err != nil {
		s.log.WarnContext(ctx, "a webhook attempt was not noted", "delivery", t.id, "error", err)
	}
	killpoint.Hit("webhook.noted")
}

// request writes the request of an attempt. Its body was written before the
// first one; its timestamp and signatures are of now.
func (s *Service) request(ctx context.Context, t *taken) (*http.Request, error) {
	body, err := s.body(ctx, t)
	if err != nil {
		return nil, err
	}
	secrets, err := s.secrets(ctx, t.merchant, t.endpoint)
	if err != nil {
		return nil, err
	}
	if len(secrets) == 0 {
		return nil, errors.New("the endpoint has no secret")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	now := s.db.Now()
	name := webhookID(t.event)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Doorstep-Webhooks/1")
	req.Header.Set("Webhook-Id", name)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("Webhook-Signature", sign(name, now, body, secrets...))
	return req, nil
}

func (s *Service) body(ctx context.Context, t *taken) ([]byte, error) {
	if t.body != nil {
		return []byte(*t.body), nil
	}
	var data any = json.RawMessage(t.payload)
	if t.eventName != TestEvent {
		var err error
		if data, err = s.config.Compose(ctx, t.merchant, t.eventName, t.payload); err != nil {
			return nil, err
		}
	}
	b, err := envelope{Type: t.eventName, Timestamp: t.occurredAt, Data: data}.write()
	if err != nil {
		return nil, fmt.Errorf("webhook: %s: %w", t.eventName, err)
	}
	kept, err := s.freeze(ctx, t, string(b))
	return []byte(kept), err
}

// judge says what an answer, or the lack of one, means for the delivery and its
// endpoint.
func (s *Service) judge(ctx context.Context, t *taken, answer safedial.Answer, failed error) verdict {
	v := verdict{status: Pending}
	now := s.db.Now()
	var wait time.Duration
	var lost *safedial.CallError
	switch {
	case errors.As(failed, &lost):
		v.Error = lost.Word
	case failed != nil:
		v.Error = safedial.Broken
	default:
		v.Code, v.Excerpt = &answer.Status, excerpt(answer.Body)
		if answer.Status >= 200 && answer.Status <= 299 {
			v.status = Delivered
			return v
		}
		wait = retryAfter(answer, now)
	}
	if v.Code != nil && *v.Code == http.StatusGone {
		v.status, v.reason, v.disable = Dead, reasonGone, Gone
		return v
	}
	if wait > 0 {
		until := now.Add(wait)
		v.pause = &until
	}
	step := t.attempt - t.firstOfRound - 1
	if step >= len(s.config.Schedule) {
		v.status, v.reason = Dead, reasonExhausted
	} else {
		v.due = now.Add(max(jitter(s.config.Schedule[max(step, 0)]), wait))
	}
	if s.failedTooLong(ctx, t, now) {
		v.disable = Failing
	}
	return v
}

// failedTooLong says whether nothing has arrived at the endpoint for so long
// that it is given up.
func (s *Service) failedTooLong(ctx context.Context, t *taken, now time.Time) bool {
	var long bool
	err := s.db.QueryRow(ctx, `select coalesce(failing_since <= $3, false) from webhook_endpoints where merchant_id = $1 and id = $2`,
		t.merchant, t.endpoint, now.Add(-s.config.GiveUp)).Scan(&long)
	return err == nil && long
}

// jitter spreads a wait by a tenth to either side, so that what failed together
// does not come back together.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}

// retryAfter is how long an endpoint asks to be left alone, by 429 and 503.
func retryAfter(answer safedial.Answer, now time.Time) time.Duration {
	if answer.Status != http.StatusTooManyRequests && answer.Status != http.StatusServiceUnavailable {
		return 0
	}
	text := strings.TrimSpace(answer.Header.Get("Retry-After"))
	var wait time.Duration
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), longestPause)
}

// excerpt is the beginning of an answer as text that can be stored and shown.
func excerpt(body []byte) string {
	if len(body) > excerptSize {
		body = body[:excerptSize]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(string(body), ""), "\x00", "")
}
