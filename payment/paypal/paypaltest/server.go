// Package paypaltest is a PayPal of our own on loopback, written from the public
// reference of its REST API: tokens, Orders v2, Payments v2, disputes and
// webhooks, as far as a shop uses them. It is strict about what it is sent, and
// it can be made to go wrong.
package paypaltest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/id"
	"doorstep/payment/sandbox"
)

// What opens the API of a Server, and the webhook that it has.
const (
	ClientID  = "client-of-the-shop"
	Secret    = "secret-of-the-shop"
	WebhookID = "WH0SHOP0001"
)

// Server is the fake. Its fields may be set before the first request.
type Server struct {
	// Faults makes calls go wrong: CallAuthorize is the call that holds the money,
	// CallFind reading an order.
	Faults *sandbox.Faults
	// Late is how long slow answers take, Lost how long an answer that never comes.
	Late, Lost time.Duration
	// TokenLife is expires_in of tokens; 9 h when zero.
	TokenLife time.Duration
	// PageSize is how many entries of the books stand on a page at most; as asked
	// when zero.
	PageSize int
	// Intercept may answer a request in place of the server.
	Intercept func(w http.ResponseWriter, r *http.Request) bool

	web    *httptest.Server
	clock  clock.Clock
	mu     sync.Mutex
	tokens map[string]bool
	made   int // tokens
	orders map[string]*order
	byKey  map[string]string // PayPal-Request-Id to the id of what it made
	broken map[string]bool   // keys whose answer is 500 for good
	shops  map[int]func(ctx context.Context, header http.Header, body []byte) error
	news   int
}

// New starts a server; Close it afterwards.
func New(c clock.Clock) *Server {
	s := &Server{
		Faults: sandbox.NewFaults(1, 0), Late: 20 * time.Millisecond, Lost: 3 * time.Second, clock: c, tokens: map[string]bool{},
		orders: map[string]*order{}, byKey: map[string]string{}, broken: map[string]bool{}, shops: map[int]func(context.Context, http.Header, []byte) error{},
	}
	s.web = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

// URL is where it listens.
func (s *Server) URL() string { return s.web.URL }

// Close ends it.
func (s *Server) Close() {
	s.web.CloseClientConnections()
	s.web.Close()
}

// ExpireTokens makes every token given out so far end at once.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// Tokens is how many tokens were given out.
func (s *Server) Tokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made
}

// answer is what a call is answered.
type answer struct {
	status int
	body   any
}

// refuse is an answer in PayPal's form for errors.
func refuse(status int, name, issue string) answer {
	body := map[string]any{"name": name, "message": "The request was refused.", "debug_id": id.Secret(6)}
	if issue != "" {
		body["details"] = []map[string]string{{"issue": issue, "description": "For this reason."}}
	}
	return answer{status, body}
}

func unprocessable(issue string) answer {
	return refuse(http.StatusUnprocessableEntity, "UNPROCESSABLE_ENTITY", issue)
}

func missing() answer {
	return refuse(http.StatusNotFound, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
}

func malformed(issue string) answer { return refuse(http.StatusBadRequest, "INVALID_REQUEST", issue) }

// call is one request.
type call struct {
	key  string // PayPal-Request-Id
	id   string // of what the path names
	body []byte
	r    *http.Request
}

func (c *call) decode(into any) bool { return json.Unmarshal(c.body, into) == nil }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if s.Intercept != nil && s.Intercept(w, r) {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	if r.URL.Path == "/v1/oauth2/token" {
		s.token(w, r, body)
		return
	}
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	known := s.tokens[bearer]
	s.mu.Unlock()
	switch c := (&call{key: r.Header.Get("Paypal-Request-Id"), body: body, r: r}); {
	case !known:
		write(w, answer{http.StatusUnauthorized, map[string]string{"error": "invalid_token"}})
	case r.Method != http.MethodGet && r.Header.Get("Content-Type") != "application/json":
		write(w, answer{http.StatusUnsupportedMediaType, map[string]string{"name": "UNSUPPORTED_MEDIA_TYPE"}})
	case len(c.key) > 108:
		write(w, malformed("INVALID_STRING_LENGTH"))
	default:
		s.take(w, c)
	}
}

// take finds out what is asked, and lets it go wrong when that is planned.
func (s *Server) take(w http.ResponseWriter, c *call) {
	name, do := s.route(c)
	if do == nil {
		write(w, missing())
		return
	}
	kind := sandbox.Answers
	if name != "" {
		kind = s.Faults.Next(name)
	}
	s.mu.Lock()
	broken := c.key != "" && s.broken[c.key]
	s.mu.Unlock()
	trouble := refuse(http.StatusInternalServerError, "INTERNAL_SERVER_ERROR", "")
	switch {
	case kind == sandbox.BreaksBefore, broken:
		write(w, trouble)
		return
	case kind == sandbox.Throttles:
		w.Header().Set("Retry-After", "1")
		write(w, refuse(http.StatusTooManyRequests, "RATE_LIMIT_REACHED", ""))
		return
	case kind == sandbox.Silent:
		s.hush(c)
		return
	}
	a := do(c)
	if kind == sandbox.HearsTwice {
		a = do(c)
	}
	switch kind {
	case sandbox.BreaksAfter:
		s.mu.Lock()
		s.broken[c.key] = c.key != ""
		s.mu.Unlock()
		a = trouble
	case sandbox.LosesAnswer:
		s.hush(c)
		return
	case sandbox.IsSlow, sandbox.HearsTwice:
		s.wait(c, s.Late)
	case sandbox.Resets:
		panic(http.ErrAbortHandler)
	case sandbox.SpeaksHTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html><body>We will be back soon.</body></html>")
		return
	case sandbox.Truncates:
		whole := a.bytes()
		w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
		w.WriteHeader(a.status)
		_, _ = w.Write(whole[:len(whole)/2])
		panic(http.ErrAbortHandler)
	case sandbox.AnswersOthers:
		a = answer{a.status, map[string]any{"id": "OTHER", "status": "COMPLETED", "links": []string{}}}
	}
	write(w, a)
}

// wait lets time pass, unless the caller goes.
func (s *Server) wait(c *call, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.r.Context().Done():
	}
}

// hush never answers.
func (s *Server) hush(c *call) {
	s.wait(c, s.Lost)
	panic(http.ErrAbortHandler)
}

func write(w http.ResponseWriter, a answer) {
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.bytes()) // the caller may have gone
}

// bytes is the body as JSON; ours always can be.
func (a answer) bytes() []byte {
	b, err := json.Marshal(a.body)
	if err != nil {
		panic(err)
	}
	return b
}

func (s *Server) token(w http.ResponseWriter, r *http.Request, body []byte) {
	user, password, _ := r.BasicAuth()
	if user != ClientID || password != Secret || string(body) != "grant_type=client_credentials" {
		write(w, answer{http.StatusUnauthorized, map[string]string{"error": "invalid_client"}})
		return
	}
	life := s.TokenLife
	if life == 0 {
		life = 9 * time.Hour
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	text := "A21AA" + id.Secret(20)
	s.tokens[text] = true
	write(w, answer{http.StatusOK, map[string]any{"access_token": text, "token_type": "Bearer", "expires_in": int64(life.Seconds()), "scope": "https://uri.paypal.com/services/payments/payment/authcapture"}})
}

// route finds the handler of a request, and the kind of call it counts as.
func (s *Server) route(c *call) (sandbox.Call, func(*call) answer) {
	parts := strings.Split(strings.Trim(c.r.URL.Path, "/"), "/")
	pattern := c.r.Method
	for i, p := range parts {
		if i == 3 && len(parts) > 3 {
			c.id = p
			p = "{id}"
		}
		pattern += " " + p
	}
	switch pattern {
	case "POST v2 checkout orders":
		return "", s.create
	case "GET v2 checkout orders {id}":
		return sandbox.CallFind, s.read
	case "PATCH v2 checkout orders {id}":
		return "", s.patch
	case "POST v2 checkout orders {id} authorize":
		return sandbox.CallAuthorize, s.authorize
	case "POST v2 payments authorizations {id} capture":
		return sandbox.CallCapture, s.capture
	case "POST v2 payments authorizations {id} void":
		return sandbox.CallVoid, s.void
	case "POST v2 payments captures {id} refund":
		return sandbox.CallRefund, s.refund
	case "GET v2 payments captures {id}":
		return "", s.readCapture
	case "GET v2 payments authorizations {id}":
		return "", s.readHold
	case "GET v1 reporting transactions":
		return sandbox.CallList, s.transactions
	case "GET v1 customer disputes":
		return "", s.disputes
	case "GET v1 customer disputes {id}":
		return "", s.dispute
	case "POST v1 notifications verify-webhook-signature":
		return "", s.verify
	}
	return "", nil
}
