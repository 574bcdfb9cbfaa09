package wire

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

var (
	createParams = []string{
		"amount", "currency", "confirm", "capture_method", "confirmation_method", "payment_method", "payment_method_types",
		"payment_method_options", "automatic_payment_methods", "metadata", "description", "return_url", "receipt_email", "shipping",
		"statement_descriptor", "statement_descriptor_suffix", "off_session", "setup_future_usage", "use_stripe_sdk",
		"error_on_requires_action", "transfer_group", "expand",
	}
	confirmParams = []string{
		"payment_method", "payment_method_options", "payment_method_types", "return_url", "off_session", "capture_method",
		"error_on_requires_action", "use_stripe_sdk", "receipt_email", "shipping", "setup_future_usage", "client_secret", "expand",
	}
	refundParams = []string{"payment_intent", "charge", "amount", "reason", "metadata", "expand"}
	listParams   = []string{"created", "limit", "starting_after", "payment_intent", "charge", "expand"}
)

// tokens are Stripe's test payment methods, as cards of ours.
var tokens = map[string]string{
	"pm_card_visa": "tok_visa", "pm_card_visa_debit": "tok_visa", "pm_card_mastercard": "tok_visa", "pm_card_amex": "tok_visa",
	"pm_card_us": "tok_visa", "pm_card_de": "tok_visa", "pm_card_am": "tok_visa", "pm_card_discover": "tok_visa", "pm_card_jcb": "tok_visa",
	"pm_card_visa_chargeDeclined":                  "tok_declined",
	"pm_card_chargeDeclined":                       "tok_declined",
	"pm_card_visa_chargeDeclinedInsufficientFunds": "tok_insufficient_funds",
	"pm_card_chargeDeclinedInsufficientFunds":      "tok_insufficient_funds",
	"pm_card_visa_chargeDeclinedLostCard":          "tok_lost_card",
	"pm_card_visa_chargeDeclinedStolenCard":        "tok_stolen_card",
	"pm_card_chargeDeclinedFraudulent":             "tok_fraudulent",
	"pm_card_chargeDeclinedExpiredCard":            "tok_expired_card",
	"pm_card_chargeDeclinedIncorrectCvc":           "tok_incorrect_cvc",
	"pm_card_chargeDeclinedProcessingError":        "tok_processing_error",
	"pm_card_authenticationRequired":               "tok_3ds",
	"pm_card_threeDSecure2Required":                "tok_3ds",
	"pm_card_threeDSecureRequired":                 "tok_3ds",
}

// token is the card that a payment method stands for.
func token(method string) (string, bool) {
	if strings.HasPrefix(method, "tok_") {
		return method, true
	}
	t, known := tokens[method]
	return t, known
}

// wrong is an answer for a parameter that breaks a rule.
func wrong(param, code, message string) *answer {
	a := invalid(http.StatusBadRequest, code, param, message)
	return &a
}

// amount is a parameter of minor units; absent is -1.
func (q *query) amount(name string) (int64, *answer) {
	text := q.form.Get(name)
	if text == "" {
		return -1, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return 0, wrong(name, "parameter_invalid_integer", "Invalid integer: "+text)
	case n < 1:
		return 0, wrong(name, "parameter_invalid_integer", "This value must be greater than or equal to 1.")
	case n > 99_999_999:
		return 0, wrong(name, "amount_too_large", "Amount must be no more than 999,999.99.")
	}
	return n, nil
}

// choice is a parameter of a few values, the first when absent.
func (q *query) choice(name string, values ...string) (string, *answer) {
	text := q.form.Get(name)
	if text == "" {
		return values[0], nil
	}
	if !slices.Contains(values, text) {
		return "", wrong(name, "", "Invalid "+name+": must be one of "+strings.Join(slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" }), ", "))
	}
	return text, nil
}

// many is a list parameter: name[0]=, name[1]= or name[]=.
func (q *query) many(name string) []string {
	all := slices.Clone(q.form[name+"[]"])
	for i := range 20 {
		if v := q.form.Get(name + "[" + strconv.Itoa(i) + "]"); v != "" {
			all = append(all, v)
		}
	}
	return all
}

// metadata is the parameter of that name, with Stripe's limits.
func (q *query) metadata() (map[string]string, *answer) {
	all := map[string]string{}
	for name, values := range q.form {
		key, ok := strings.CutPrefix(name, "metadata[")
		if !ok {
			continue
		}
		key = strings.TrimSuffix(key, "]")
		if len(key) > 40 || len(values[0]) > 500 || strings.ContainsAny(key, "[]") || len(all) == 50 {
			return nil, wrong(name, "", "Metadata has at most 50 keys of at most 40 characters without brackets, and values of at most 500.")
		}
		if values[0] != "" {
			all[key] = values[0]
		}
	}
	return all, nil
}

// expands says whether an object is wanted in whole.
func (q *query) expands(name string) bool { return slices.Contains(q.many("expand"), name) }
