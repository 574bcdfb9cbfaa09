package wire

import (
	"net/http"
	"slices"
	"strings"

	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// threeDecimals are the currencies of a thousand parts, of which Stripe takes
// only whole tens.
var threeDecimals = []string{"BHD", "JOD", "KWD", "OMR", "TND"}

// create makes a payment intent, and tries its card when it is confirmed at once.
func (h *Handler) create(q *query) answer {
	w, refused := wish(q)
	if refused != nil {
		return *refused
	}
	c, err := h.g.Create(w)
	if err != nil {
		return fault(err, "")
	}
	return h.paid(q, c)
}

// wish reads what a new payment intent should be.
func wish(q *query) (sandbox.Wish, *answer) {
	w := sandbox.Wish{Key: q.key, Currency: strings.ToUpper(q.form.Get("currency")), Waits: q.form.Get("confirm") != "true"}
	amount, no := q.amount("amount")
	if no != nil {
		return w, no
	}
	capture, no := q.choice("capture_method", "automatic", "automatic_async", "manual")
	if no != nil {
		return w, no
	}
	if w.Metadata, no = q.metadata(); no != nil {
		return w, no
	}
	switch {
	case amount < 0:
		return w, wrong("amount", "parameter_missing", "Missing required param: amount.")
	case w.Currency == "":
		return w, wrong("currency", "parameter_missing", "Missing required param: currency.")
	case len(w.Currency) != 3 || strings.Trim(w.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return w, wrong("currency", "", "Invalid currency: "+w.Currency)
	case slices.Contains(threeDecimals, w.Currency) && amount%10 != 0:
		return w, wrong("amount", "", "Amounts of currencies with three decimals must end in 0.")
	}
	// Whoever writes a key there looks for it there, as with Stripe.
	w.Amount, w.Automatic, w.PaymentID, w.Ref = amount, capture != "manual", w.Metadata["payment_id"], w.Metadata["key"]
	if w.Methods, no = methods(q, !w.Waits); no != nil {
		return w, no
	}
	w.Token, no = card(q)
	if no == nil && w.Token == "" && !w.Waits {
		no = wrong("payment_method", "payment_intent_unexpected_state", "You cannot confirm this PaymentIntent because it's missing a payment method.")
	}
	return w, no
}

// methods are the kinds of payment methods that are taken. Without a list it is
// what the dashboard allows, which may lead the buyer to other pages: confirming
// needs an address to come back to then.
func methods(q *query, confirmed bool) ([]string, *answer) {
	all := q.many("payment_method_types")
	automatic := q.form.Get("automatic_payment_methods[enabled]")
	if len(all) > 0 {
		if automatic == "true" {
			return nil, wrong("payment_method_types", "", "You may only specify one of these parameters: automatic_payment_methods, payment_method_types.")
		}
		for _, m := range all {
			if !slices.Contains([]string{"card", "link", "paypal", "klarna"}, m) {
				return nil, wrong("payment_method_types", "", "The payment method type provided: "+m+" is invalid.")
			}
		}
		return all, nil
	}
	if confirmed && automatic != "false" && q.form.Get("automatic_payment_methods[allow_redirects]") != "never" && q.form.Get("return_url") == "" {
		return nil, wrong("return_url", "", "This PaymentIntent may send your customer to another page: provide a return_url, "+
			"or automatic_payment_methods[allow_redirects]=never, or payment_method_types.")
	}
	if automatic == "false" {
		return []string{"card"}, nil
	}
	return []string{"card", "link"}, nil
}

// card is the token of the payment method, empty when there is none.
func card(q *query) (string, *answer) {
	method := q.form.Get("payment_method")
	if method == "" {
		return "", nil
	}
	t, known := token(method)
	if !known {
		return "", wrong("payment_method", "resource_missing", "No such PaymentMethod: '"+method+"'")
	}
	return t, nil
}

// paid answers with a payment intent whose card was tried.
func (h *Handler) paid(q *query, c sandbox.Charge) answer {
	if c.Status == payment.Failed {
		return h.declined(c)
	}
	a := h.intent(q, c)
	if c.Status != payment.Pending {
		a.as = map[string]sandbox.Fault{
			sandbox.Slow: sandbox.IsSlow, sandbox.LostAnswer: sandbox.LosesAnswer, sandbox.ServerError: sandbox.BreaksAfter,
		}[c.Token]
	}
	return a
}

func (h *Handler) intent(q *query, c sandbox.Charge) answer {
	return ok(h.g.Intent(c, q.expands("latest_charge")))
}

func (h *Handler) retrieve(q *query) answer {
	c, found := h.g.Charge(q.PathValue("id"))
	if !found {
		return missing("payment_intent", q.PathValue("id"))
	}
	return h.intent(q, c)
}

func (h *Handler) confirm(q *query) answer {
	t, no := card(q)
	if no != nil {
		return *no
	}
	c, refusal, err := h.g.Approve(q.PathValue("id"), q.key, t)
	switch {
	case err != nil:
		return fault(err, q.PathValue("id"))
	case refusal != "":
		return h.unexpected(c, "confirmed")
	}
	return h.paid(q, c)
}

func (h *Handler) capture(q *query) answer {
	id := q.PathValue("id")
	amount, no := q.amount("amount_to_capture")
	if no != nil {
		return *no
	}
	c, found := h.g.Charge(id)
	if !found {
		return missing("payment_intent", id)
	}
	if amount < 0 {
		amount = c.Amount
	}
	if c.Status == payment.Authorized && amount > c.Amount {
		return failure(http.StatusBadRequest, "invalid_request_error", "amount_too_large", "amount_to_capture",
			"The amount to capture is greater than the authorized amount.")
	}
	m, err := h.g.Take(id, q.key, amount)
	return h.moved(q, m, err, "captured")
}

func (h *Handler) cancel(q *query) answer {
	reason, no := q.choice("cancellation_reason", "", "duplicate", "fraudulent", "requested_by_customer", "abandoned")
	if no != nil {
		return *no
	}
	m, err := h.g.Release(q.PathValue("id"), q.key, reason)
	return h.moved(q, m, err, "canceled")
}

func (h *Handler) moved(q *query, m sandbox.Moved, err error, what string) answer {
	switch {
	case err != nil:
		return fault(err, q.PathValue("id"))
	case m.Refusal != "":
		return h.unexpected(m.Charge, what)
	}
	return h.intent(q, m.Charge)
}

// refund gives money back, all that is left when no amount is said.
func (h *Handler) refund(q *query) answer {
	intent, charge := q.form.Get("payment_intent"), q.form.Get("charge")
	if (intent == "") == (charge == "") {
		return *wrong("payment_intent", "parameter_missing", "Say one of payment_intent and charge.")
	}
	if charge != "" {
		intent = "pi_" + strings.TrimPrefix(charge, "ch_")
	}
	amount, no := q.amount("amount")
	if no != nil {
		return *no
	}
	if _, no := q.choice("reason", "", "duplicate", "fraudulent", "requested_by_customer"); no != nil {
		return *no
	}
	metadata, no := q.metadata()
	if no != nil {
		return *no
	}
	c, found := h.g.Charge(intent)
	if !found {
		return missing("payment_intent", intent)
	}
	if amount < 0 {
		amount = c.Captured - c.Refunded
	}
	m, err := h.g.GiveBack(intent, q.key, amount, metadata)
	if err != nil {
		return fault(err, intent)
	}
	if m.Refusal != "" {
		return unrefundable(m)
	}
	for _, r := range m.Charge.Refunds {
		if r.ID == m.Move {
			return ok(sandbox.RefundObject(m.Charge, r))
		}
	}
	return broken()
}

// unrefundable says why money was not given back.
func unrefundable(m sandbox.Moved) answer {
	no := func(code, param, message string) answer {
		return failure(http.StatusBadRequest, "invalid_request_error", code, param, message)
	}
	switch {
	case m.Refusal == "charge_disputed":
		return no("charge_disputed", "", "This charge is disputed; the bank decides.")
	case m.Charge.Captured == 0:
		return no("payment_intent_unexpected_state", "payment_intent", "This PaymentIntent ("+m.Charge.ID+") does not have a successful charge to refund.")
	case m.Charge.Refunded == m.Charge.Captured:
		return no("charge_already_refunded", "", "This charge has already been refunded.")
	}
	return no("amount_too_large", "amount", "The refund is greater than the unrefunded amount of the charge.")
}
