// Package wire lets the sandbox gateway speak Stripe's wire format, so that
// Stripe's own client libraries can be pointed at it. What is bought here stands
// in the same books as what is bought in the process.
//
// The parts spoken are payment intents with their charges, refunds, disputes and
// events; parameters that are not understood are refused, as Stripe does.
package wire

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/id"
	"doorstep/payment/sandbox"
)

// maxBody is how many bytes of a request are read.
const maxBody = 64 << 10

// Options of a handler.
type Options struct {
	Clock  clock.Clock     // of idempotency keys; required
	Faults *sandbox.Faults // none when nil
}

// Handler answers requests in Stripe's form.
type Handler struct {
	g      *sandbox.Gateway
	faults *sandbox.Faults
	keys   *keyring
	mux    *http.ServeMux
}

// New makes the handler for a gateway.
func New(g *sandbox.Gateway, o Options) *Handler {
	h := &Handler{g: g, faults: o.Faults, keys: newKeyring(o.Clock), mux: http.NewServeMux()}
	for pattern, r := range map[string]route{
		"POST /v1/payment_intents":              {sandbox.CallAuthorize, createParams, h.create},
		"GET /v1/payment_intents":               {sandbox.CallList, listParams, h.listIntents},
		"GET /v1/payment_intents/{id}":          {sandbox.CallFind, []string{"expand", "client_secret"}, h.retrieve},
		"POST /v1/payment_intents/{id}/confirm": {sandbox.CallFind, confirmParams, h.confirm},
		"POST /v1/payment_intents/{id}/capture": {sandbox.CallCapture, []string{"amount_to_capture", "expand", "final_capture", "metadata"}, h.capture},
		"POST /v1/payment_intents/{id}/cancel":  {sandbox.CallVoid, []string{"cancellation_reason", "expand"}, h.cancel},
		"GET /v1/charges":                       {sandbox.CallList, listParams, h.listCharges},
		"GET /v1/charges/{id}":                  {sandbox.CallFind, []string{"expand"}, h.retrieveCharge},
		"POST /v1/refunds":                      {sandbox.CallRefund, refundParams, h.refund},
		"GET /v1/refunds":                       {sandbox.CallList, listParams, h.listRefunds},
		"GET /v1/refunds/{id}":                  {sandbox.CallFind, []string{"expand"}, h.retrieveRefund},
		"GET /v1/disputes":                      {sandbox.CallList, listParams, h.listDisputes},
		"GET /v1/events":                        {sandbox.CallList, append([]string{"type", "types"}, listParams...), h.listEvents},
		"GET /v1/events/{id}":                   {sandbox.CallFind, []string{"expand"}, h.retrieveEvent},
	} {
		h.mux.HandleFunc(pattern, func(w http.ResponseWriter, req *http.Request) { h.serve(w, req, r) })
	}
	h.desk()
	h.mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		write(w, req, invalid(http.StatusNotFound, "", "", "Unrecognized request URL ("+req.Method+": "+req.URL.Path+")."))
	})
	return h
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// route is one path with the parameters it understands.
type route struct {
	call   sandbox.Call
	params []string // without what stands in brackets
	do     func(q *query) answer
}

// query is a request that was read.
type query struct {
	*http.Request
	form url.Values
	key  string // idempotency key; empty when none came
}

// answer is what is answered.
type answer struct {
	status int
	body   sandbox.Object
	// as is the fault of the card that was used.
	as sandbox.Fault
	// unsaved answers are not repeated for the same key: nothing was begun.
	unsaved  bool
	replayed bool
}

// serve takes a request through authorization, faults and idempotency.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, to route) {
	q, refused := read(w, r, to)
	if refused != nil {
		write(w, r, *refused)
		return
	}
	kind := h.faults.Next(to.call)
	switch kind {
	case sandbox.BreaksBefore:
		write(w, r, broken())
		return
	case sandbox.Throttles:
		w.Header().Set("Retry-After", "1")
		write(w, r, failure(http.StatusTooManyRequests, "invalid_request_error", "rate_limit", "", "Request rate limit exceeded."))
		return
	case sandbox.Silent:
		h.hush(r)
	}
	a := h.once(q, to, kind)
	if kind == sandbox.HearsTwice {
		a = h.once(q, to, kind)
	}
	if kind == sandbox.Answers && a.as != "" {
		kind = a.as
	}
	h.say(w, r, a, kind)
}

// once does what is asked, once for each key.
func (h *Handler) once(q *query, to route, kind sandbox.Fault) answer {
	if q.Method != http.MethodPost || q.key == "" {
		return breaking(to.do(q), kind)
	}
	known, begun := h.keys.begin(q)
	if !begun {
		return known
	}
	a := breaking(to.do(q), kind)
	h.keys.end(q.key, a)
	return a
}

// breaking puts an error in the place of an answer where the fault wants it.
func breaking(a answer, kind sandbox.Fault) answer {
	if kind == sandbox.BreaksAfter || a.as == sandbox.BreaksAfter {
		return broken()
	}
	return a
}

// say brings an answer to its caller, or what the fault makes of it.
func (h *Handler) say(w http.ResponseWriter, r *http.Request, a answer, kind sandbox.Fault) {
	switch kind {
	case sandbox.LosesAnswer:
		h.hush(r)
	case sandbox.IsSlow, sandbox.HearsTwice:
		wait(r, h.g.SlowFor)
	case sandbox.Resets:
		reset(w)
	case sandbox.SpeaksHTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>Welcome</title><p>Please sign in to this network.") // the caller may have gone
		return
	case sandbox.AnswersOthers:
		a.body = another(a.body)
	case sandbox.Truncates:
		whole := a.body.Bytes()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(a.status)
		_, _ = w.Write(whole[:len(whole)/2])
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		panic(http.ErrAbortHandler)
	}
	write(w, r, a)
}

// another is an object as it might be answered to somebody else.
func another(o sandbox.Object) sandbox.Object {
	other := sandbox.Object{}
	for name, value := range o {
		other[name] = value
	}
	if o["object"] == "list" {
		return sandbox.Object{"id": "cus_another", "object": "customer", "livemode": false}
	}
	for _, name := range []string{"id", "payment_intent", "charge", "latest_charge"} {
		if text, ok := o[name].(string); ok {
			prefix, _, _ := strings.Cut(text, "_")
			other[name] = prefix + "_another"
		}
	}
	if n, ok := o["amount"].(int64); ok {
		other["amount"] = n + 1
	}
	other["metadata"] = sandbox.Object{}
	return other
}

// hush says nothing until the caller has gone, or its patience should be over.
func (h *Handler) hush(r *http.Request) {
	wait(r, h.g.LostFor)
	panic(http.ErrAbortHandler)
}

func wait(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-r.Context().Done():
	case <-t.C:
	}
}

// reset cuts the line so that the caller sees it cut.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // what follows is a reset then
	}
	_ = conn.Close()
	panic(http.ErrAbortHandler)
}

// read checks who asks and reads what.
func read(w http.ResponseWriter, r *http.Request, to route) (*query, *answer) {
	if a := unauthorized(r); a != nil {
		return nil, a
	}
	no := func(a answer) (*query, *answer) { return nil, &a }
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return no(invalid(http.StatusRequestEntityTooLarge, "", "", "The request is too large."))
	}
	if err != nil {
		return no(invalid(http.StatusBadRequest, "", "", "The request cannot be read."))
	}
	text := r.URL.RawQuery
	if r.Method == http.MethodPost {
		text = string(body)
		if t := r.Header.Get("Content-Type"); text != "" && !strings.HasPrefix(t, "application/x-www-form-urlencoded") {
			return no(invalid(http.StatusBadRequest, "", "", "Invalid request: the content type must be application/x-www-form-urlencoded."))
		}
	}
	form, err := url.ParseQuery(text)
	if err != nil {
		return no(invalid(http.StatusBadRequest, "", "", "Invalid request: the parameters cannot be read."))
	}
	for name, values := range form {
		base, _, _ := strings.Cut(name, "[")
		if !slices.Contains(to.params, base) {
			return no(invalid(http.StatusBadRequest, "parameter_unknown", name, "Received unknown parameter: "+name))
		}
		if len(values) > 1 && !strings.HasSuffix(name, "[]") {
			return no(invalid(http.StatusBadRequest, "parameter_invalid", name, "Received the parameter twice: "+name))
		}
	}
	key := r.Header.Get("Idempotency-Key")
	if len(key) > 255 {
		return no(failure(http.StatusBadRequest, "idempotency_error", "", "", "Idempotency keys have at most 255 characters."))
	}
	return &query{Request: r, form: form, key: key}, nil
}

// unauthorized refuses whoever has no secret test key.
func unauthorized(r *http.Request) *answer {
	key, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if user, _, ok := r.BasicAuth(); ok {
		key, bearer = user, true
	}
	var message string
	switch {
	case !bearer || key == "":
		message = "You did not provide an API key. Any key that starts with sk_test_ will do."
	case strings.HasPrefix(key, "sk_live_") || strings.HasPrefix(key, "rk_live_"):
		message = "A live key was sent to a sandbox. Take it out of this configuration and roll it."
	case !strings.HasPrefix(key, "sk_test_") && !strings.HasPrefix(key, "rk_test_"):
		message = "Invalid API Key provided. Any key that starts with sk_test_ will do."
	default:
		return nil
	}
	a := invalid(http.StatusUnauthorized, "", "", message)
	return &a
}

// write writes an answer. A caller that has gone does not matter.
func write(w http.ResponseWriter, r *http.Request, a answer) {
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Request-Id", "req_"+id.Secret(10))
	head.Set("Stripe-Version", sandbox.APIVersion)
	head.Set("Cache-Control", "no-cache, no-store")
	if key := r.Header.Get("Idempotency-Key"); key != "" && len(key) <= 255 {
		head.Set("Idempotency-Key", key)
	}
	if a.replayed {
		head.Set("Idempotent-Replayed", "true")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(append(a.body.Bytes(), '\n'))
}
