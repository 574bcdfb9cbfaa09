package wire

import (
	"errors"
	"net/http"

	"doorstep/payment"
	"doorstep/payment/sandbox"
)

func ok(o sandbox.Object) answer { return answer{status: http.StatusOK, body: o} }

// failure is an error in Stripe's form.
func failure(status int, kind, code, param, message string) answer {
	return problem(status, sandbox.Object{"type": kind, "code": code, "param": param, "message": message})
}

// problem is an error with what it says; empty members are left out.
func problem(status int, e sandbox.Object) answer {
	for _, name := range []string{"code", "param"} {
		if e[name] == "" {
			delete(e, name)
		}
	}
	return answer{status: status, body: sandbox.Object{"error": e}}
}

// invalid is a request that was not begun.
func invalid(status int, code, param, message string) answer {
	a := failure(status, "invalid_request_error", code, param, message)
	a.unsaved = true
	return a
}

func broken() answer {
	return failure(http.StatusInternalServerError, "api_error", "", "", "Sorry! There was an error while talking to the bank.")
}

func missing(kind, id string) answer {
	return invalid(http.StatusNotFound, "resource_missing", "id", "No such "+kind+": '"+id+"'")
}

// unexpected says that a payment intent does not stand so that this could be done.
func (h *Handler) unexpected(c sandbox.Charge, what string) answer {
	return problem(http.StatusBadRequest, sandbox.Object{
		"type": "invalid_request_error", "code": "payment_intent_unexpected_state", "payment_intent": h.g.Intent(c, false),
		"message": "This PaymentIntent could not be " + what + " because it has a status of " + sandbox.IntentStatus(c) + ".",
	})
}

// declined says that a card was refused.
func (h *Handler) declined(c sandbox.Charge) answer {
	e := sandbox.CardError(c)
	e["payment_intent"] = h.g.Intent(c, false)
	return problem(http.StatusPaymentRequired, e)
}

// fault is the answer to an error of the books.
func fault(err error, id string) answer {
	switch {
	case errors.Is(err, sandbox.ErrKeyReused):
		a := failure(http.StatusBadRequest, "idempotency_error", "", "",
			"Keys for idempotent requests can only be used with the same parameters they were first used with.")
		a.unsaved = true
		return a
	case errors.Is(err, payment.ErrNotAtGateway):
		return missing("payment_intent", id)
	}
	a := broken() // the books could not be written: nothing has happened
	a.unsaved = true
	return a
}
