package wire

import (
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"time"

	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// desk adds what no gateway offers to its shops: the buyer's page for 3-D
// Secure, and by /gateway the hands that make things happen by themselves.
func (h *Handler) desk() {
	h.mux.HandleFunc("GET /3ds/{id}", h.page)
	h.mux.HandleFunc("POST /3ds/{id}", h.authenticate)
	for path, do := range map[string]func(intent string, form func(string) string) error{
		"refund": func(intent string, form func(string) string) error {
			amount, err := strconv.ParseInt(form("amount"), 10, 64)
			if err != nil {
				return sandbox.ErrUnknownPayment
			}
			_, err = h.g.RefundOutside(intent, amount)
			return err
		},
		"fail_refund": func(intent string, form func(string) string) error { return h.g.FailRefund(intent, form("refund")) },
		"dispute":     func(intent string, _ func(string) string) error { return h.g.Dispute(intent) },
		"close_dispute": func(intent string, form func(string) string) error {
			return h.g.CloseDispute(intent, form("won") == "true")
		},
	} {
		to := route{params: []string{"amount", "refund", "won"}}
		h.mux.HandleFunc("POST /gateway/{id}/"+path, func(w http.ResponseWriter, r *http.Request) {
			q, refused := read(w, r, to)
			if refused != nil {
				write(w, r, *refused)
				return
			}
			write(w, r, h.happened(r.PathValue("id"), do(r.PathValue("id"), q.form.Get)))
		})
	}
	h.mux.HandleFunc("POST /gateway/clock", h.turn)
	h.mux.HandleFunc("POST /gateway/faults", h.ask)
	h.mux.HandleFunc("GET /gateway/trace", func(w http.ResponseWriter, r *http.Request) {
		a := ok(sandbox.Object{"object": "trace", "calls": h.faults.Trace()})
		if no := unauthorized(r); no != nil {
			a = *no
		}
		write(w, r, a)
	})
}

// turn moves the gateway's clock on, when it is one that can be moved.
func (h *Handler) turn(w http.ResponseWriter, r *http.Request) {
	q, refused := read(w, r, route{params: []string{"seconds"}})
	if refused != nil {
		write(w, r, *refused)
		return
	}
	seconds, err := strconv.ParseInt(q.form.Get("seconds"), 10, 32)
	c, movable := h.keys.clock.(interface {
		Shift(d time.Duration) time.Duration
	})
	if err != nil || seconds < 0 || !movable {
		write(w, r, invalid(http.StatusBadRequest, "parameter_invalid_integer", "seconds", "The clock cannot be turned so."))
		return
	}
	c.Shift(time.Duration(seconds) * time.Second)
	write(w, r, ok(sandbox.Object{"object": "clock", "now": h.keys.clock.Now().Unix()}))
}

// ask makes the next call of a kind go wrong.
func (h *Handler) ask(w http.ResponseWriter, r *http.Request) {
	q, refused := read(w, r, route{params: []string{"call", "kind"}})
	if refused != nil {
		write(w, r, *refused)
		return
	}
	call, kind := sandbox.Call(q.form.Get("call")), sandbox.Fault(q.form.Get("kind"))
	if h.faults == nil || !slices.Contains(sandbox.Calls(), call) || !slices.Contains(sandbox.FaultKinds(), kind) {
		a := invalid(http.StatusBadRequest, "", "kind", "Say call and kind.")
		a.body["calls"], a.body["kinds"] = sandbox.Calls(), sandbox.FaultKinds()
		write(w, r, a)
		return
	}
	h.faults.Once(call, kind)
	write(w, r, ok(sandbox.Object{"object": "fault", "call": call, "kind": kind}))
}

// happened answers with how a charge stands after something that happened to it.
func (h *Handler) happened(id string, err error) answer {
	switch {
	case errors.Is(err, sandbox.ErrUnknownPayment):
		return failure(http.StatusConflict, "invalid_request_error", "", "", "This payment intent does not stand so that it could happen.")
	case err != nil:
		return fault(err, id)
	}
	c, _ := h.g.Charge(id)
	return ok(h.g.Intent(c, true))
}

var page = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Your bank</title>
<h1>Your bank</h1>
{{if .}}<p>{{.}}</p>{{else}}<p>Is it you who pays?</p>
<form method="post"><button name="outcome" value="success">Yes, it is me</button> <button name="outcome" value="fail">No</button></form>{{end}}
</html>
`))

func show(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; form-action 'self'")
	w.WriteHeader(status)
	_ = page.Execute(w, text) // the reader may have gone
}

func (h *Handler) page(w http.ResponseWriter, _ *http.Request) { show(w, http.StatusOK, "") }

func (h *Handler) authenticate(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err := h.g.Authenticate(r.PathValue("id"), r.PostFormValue("outcome") == "success")
	switch {
	case errors.Is(err, sandbox.ErrUnknownPayment), errors.Is(err, payment.ErrNotAtGateway):
		show(w, http.StatusNotFound, "No payment waits for you here.")
	case err != nil:
		show(w, http.StatusInternalServerError, "The bank could not write it down.")
	default:
		show(w, http.StatusOK, "Thank you. You may go back to the shop.")
	}
}
