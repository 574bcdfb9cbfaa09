package stripepay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/stripe/stripe-go/v76"
)

// failure is what became of a call that brought nothing back. Its text holds no
// client secret and no body, unlike the library's.
type failure struct {
	status  int    // of HTTP; 0 when there was no answer
	kind    string // api_error, card_error, idempotency_error, invalid_request_error
	code    string // why it was refused: of the decline, the error, or its kind
	param   string
	request string // id, for Stripe's support
	intent  *stripe.PaymentIntent
	cause   error
}

func (e *failure) Error() string {
	if e.status == 0 {
		return "stripe: no answer: " + e.cause.Error()
	}
	return fmt.Sprintf("stripe: %d %s: %s (parameter %q, request %q)", e.status, e.kind, e.code, e.param, e.request)
}

func (e *failure) Unwrap() error { return e.cause }

// errUnreadable stands for answers that are no JSON of Stripe's.
var errUnreadable = errors.New("an answer that cannot be read")

// explain sorts an error of the library.
func explain(err error) *failure {
	var s *stripe.Error
	if !errors.As(err, &s) {
		var u *url.Error
		switch {
		case errors.As(err, &u):
			return &failure{cause: u.Err}
		case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
			return &failure{cause: err}
		}
		return &failure{cause: errUnreadable} // its text would quote the body
	}
	e := &failure{status: s.HTTPStatusCode, kind: string(s.Type), param: s.Param, request: s.RequestID, intent: s.PaymentIntent}
	if e.denied() {
		e.code = "api_key_refused"
		return e
	}
	for _, code := range []string{string(s.DeclineCode), string(s.Code), string(s.Type), http.StatusText(s.HTTPStatusCode), "refused"} {
		if code != "" {
			e.code = code
			break
		}
	}
	return e
}

// refused says that Stripe has answered, and done nothing. Whoever reuses a key
// for something else, calls at the same time or too often, has no answer: what
// the key first stood for may have been done.
func (e *failure) refused() bool {
	switch {
	case e.kind == string(stripe.ErrorTypeIdempotency):
		return false
	case e.status == http.StatusConflict || e.status == http.StatusTooManyRequests || e.status == http.StatusRequestTimeout:
		return false
	}
	return e.status >= http.StatusBadRequest && e.status < http.StatusInternalServerError
}

// missing says that there is no such thing at Stripe.
func (e *failure) missing() bool {
	return e.status == http.StatusNotFound || e.status == http.StatusBadRequest && e.code == string(stripe.ErrorCodeResourceMissing)
}

// denied says that the key is wrong or may not do that: an operator's matter,
// and nothing that a payment can be blamed for.
func (e *failure) denied() bool {
	return e.status == http.StatusUnauthorized || e.status == http.StatusForbidden
}
