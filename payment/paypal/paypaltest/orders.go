package paypaltest

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"doorstep/internal/id"
	"doorstep/internal/money"
)

// sum is an amount on the wire.
type sum struct {
	Currency string `json:"currency_code"`
	Value    string `json:"value"`
}

// whole are the currencies that PayPal writes without decimals.
var whole = []string{"HUF", "JPY", "TWD"}

// taken are the currencies that it takes.
const takes = "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN SEK SGD THB TWD USD"

// minor reads an amount, as strictly as PayPal does.
func (s sum) minor() (minor int64, issue string) {
	if !strings.Contains(takes, s.Currency) || len(s.Currency) != 3 {
		return 0, "CURRENCY_NOT_SUPPORTED"
	}
	if slices.Contains(whole, s.Currency) && strings.Contains(s.Value, ".") {
		return 0, "DECIMALS_NOT_SUPPORTED"
	}
	minor, err := money.Parse(s.Value, s.Currency)
	if err != nil {
		return 0, "DECIMAL_PRECISION"
	}
	if minor <= 0 {
		return 0, "CANNOT_BE_ZERO_OR_NEGATIVE"
	}
	return minor, ""
}

// said writes an amount as PayPal does.
func said(minor int64, currency string) sum {
	value := money.Decimal(minor, currency)
	if slices.Contains(whole, currency) {
		value, _, _ = strings.Cut(value, ".")
	}
	return sum{currency, value}
}

// order is one order with all that became of it.
type order struct {
	id, status, custom, invoice string
	amount                      int64
	currency                    string
	denies                      bool // the buyer's account will not pay
	hold                        *hold
	capture                     *move
	refunds                     []*move
	disputed, outcome           string
	made                        time.Time
}

type hold struct {
	id, status string
	at         time.Time
}

type move struct {
	id, key, status, custom string
	amount                  int64
	at                      time.Time
}

func newID() string { return strings.ToUpper(id.Secret(11)[:17]) }

func (s *Server) at(path string) string { return s.web.URL + path }

// show is the representation of an order.
func (s *Server) show(o *order) map[string]any {
	payments := map[string]any{}
	if h := o.hold; h != nil {
		payments["authorizations"] = []any{map[string]any{
			"id": h.id, "status": h.status, "amount": said(o.amount, o.currency), "custom_id": o.custom, "invoice_id": o.invoice,
			"expiration_time": o.made.AddDate(0, 0, 29).Format(time.RFC3339), "create_time": o.made.Format(time.RFC3339),
		}}
	}
	if o.capture != nil {
		payments["captures"] = []any{s.showCapture(o)}
	}
	var back []any
	for _, r := range o.refunds {
		back = append(back, s.showRefund(o, r))
	}
	if back != nil {
		payments["refunds"] = back
	}
	links := []map[string]string{{"rel": "self", "method": "GET", "href": s.at("/v2/checkout/orders/" + o.id)}}
	if o.status == "PAYER_ACTION_REQUIRED" {
		links = append(links, map[string]string{"rel": "payer-action", "method": "GET", "href": s.at("/checkoutnow?token=" + o.id)})
	}
	return map[string]any{
		"id": o.id, "intent": "AUTHORIZE", "status": o.status, "create_time": o.made.Format(time.RFC3339), "links": links,
		"purchase_units": []any{map[string]any{
			"reference_id": "default", "amount": said(o.amount, o.currency), "custom_id": o.custom, "invoice_id": o.invoice, "payments": payments,
		}},
	}
}

func (s *Server) showCapture(o *order) map[string]any {
	return map[string]any{
		"id": o.capture.id, "status": o.capture.status, "amount": said(o.capture.amount, o.currency), "final_capture": true, "custom_id": o.custom, "invoice_id": o.invoice,
		"supplementary_data": map[string]any{"related_ids": map[string]string{"order_id": o.id, "authorization_id": o.hold.id}},
		"links":              []map[string]string{{"rel": "up", "method": "GET", "href": s.at("/v2/payments/authorizations/" + o.hold.id)}},
	}
}

func (s *Server) showRefund(o *order, r *move) map[string]any {
	return map[string]any{
		"id": r.id, "status": r.status, "amount": said(r.amount, o.currency), "custom_id": r.custom, "invoice_id": o.invoice,
		"links": []map[string]string{{"rel": "up", "method": "GET", "href": s.at("/v2/payments/captures/" + o.capture.id)}},
	}
}

func (s *Server) create(c *call) answer {
	var in struct {
		Intent string `json:"intent"`
		Units  []struct {
			Amount  sum    `json:"amount"`
			Custom  string `json:"custom_id"`
			Invoice string `json:"invoice_id"`
		} `json:"purchase_units"`
	}
	if !c.decode(&in) || in.Intent != "AUTHORIZE" || len(in.Units) != 1 {
		return malformed("INVALID_PARAMETER_VALUE")
	}
	u := in.Units[0]
	amount, issue := u.Amount.minor()
	if issue != "" {
		return unprocessable(issue)
	}
	if len(u.Custom) > 127 || len(u.Invoice) > 127 {
		return malformed("INVALID_STRING_MAX_LENGTH")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if had, ok := s.byKey[c.key]; ok && c.key != "" {
		return answer{http.StatusOK, s.show(s.orders[had])}
	}
	o := &order{
		id: newID(), status: "PAYER_ACTION_REQUIRED", custom: u.Custom, invoice: u.Invoice, amount: amount, currency: u.Amount.Currency, made: s.clock.Now().UTC(),
	}
	s.orders[o.id] = o
	if c.key != "" {
		s.byKey[c.key] = o.id
	}
	return answer{http.StatusCreated, s.show(o)}
}

func (s *Server) read(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.orders[c.id]
	if !ok {
		return missing()
	}
	return answer{http.StatusOK, s.show(o)}
}

func (s *Server) patch(c *call) answer {
	var in []struct{ Op, Path, Value string }
	if !c.decode(&in) || len(in) != 1 || in[0].Op != "replace" || in[0].Path != "/purchase_units/@reference_id=='default'/custom_id" || len(in[0].Value) > 127 {
		return malformed("INVALID_PATCH_OPERATION")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.orders[c.id]
	switch {
	case !ok:
		return missing()
	case o.status == "COMPLETED" || o.status == "VOIDED":
		return unprocessable("ORDER_COMPLETED_OR_VOIDED")
	}
	o.custom = in[0].Value
	return answer{http.StatusNoContent, nil}
}

// Approve plays the buyer who agrees on PayPal's page; with denies, from an
// account that will not pay. It says whether there was something to agree to.
func (s *Server) Approve(orderID string, denies bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.orders[orderID]
	if !ok || o.status != "PAYER_ACTION_REQUIRED" {
		return false
	}
	o.status, o.denies = "APPROVED", denies
	s.tell("CHECKOUT.ORDER.APPROVED", "checkout-order", s.show(o))
	return true
}

// Forget plays that PayPal does not know an order any more.
func (s *Server) Forget(orderID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.orders, orderID)
}

func (s *Server) authorize(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.orders[c.id]
	switch {
	case !ok:
		return missing()
	case o.hold != nil && s.byKey[c.key] == o.hold.id:
		return answer{http.StatusCreated, s.show(o)}
	case o.hold != nil:
		return unprocessable("ORDER_ALREADY_AUTHORIZED")
	case o.status != "APPROVED":
		return unprocessable("ORDER_NOT_APPROVED")
	}
	o.status, o.hold = "COMPLETED", &hold{id: newID(), status: "CREATED", at: s.clock.Now().UTC()}
	if o.denies {
		o.hold.status = "DENIED"
	}
	s.byKey[c.key] = o.hold.id
	s.tell("PAYMENT.AUTHORIZATION."+o.hold.status, "authorization", map[string]any{
		"id": o.hold.id, "status": o.hold.status, "amount": said(o.amount, o.currency), "custom_id": o.custom, "invoice_id": o.invoice,
		"supplementary_data": map[string]any{"related_ids": map[string]string{"order_id": o.id}},
	})
	return answer{http.StatusCreated, s.show(o)}
}

// of finds an order by something of it.
func (s *Server) of(is func(o *order) bool) *order {
	for _, o := range s.orders {
		if is(o) {
			return o
		}
	}
	return nil
}

func (s *Server) held(authorization string) *order {
	return s.of(func(o *order) bool { return o.hold != nil && o.hold.id == authorization })
}

func (s *Server) captured(capture string) *order {
	return s.of(func(o *order) bool { return o.capture != nil && o.capture.id == capture })
}

func (s *Server) capture(c *call) answer {
	var in struct {
		Amount sum  `json:"amount"`
		Final  bool `json:"final_capture"`
	}
	if !c.decode(&in) || !in.Final {
		return malformed("INVALID_PARAMETER_VALUE")
	}
	amount, issue := in.Amount.minor()
	if issue != "" {
		return unprocessable(issue)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.held(c.id)
	switch {
	case o == nil:
		return missing()
	case o.capture != nil && o.capture.key == c.key:
		return answer{http.StatusOK, s.showCapture(o)}
	case o.capture != nil:
		return unprocessable("AUTHORIZATION_ALREADY_CAPTURED")
	case o.hold.status != "CREATED":
		return unprocessable("AUTHORIZATION_" + o.hold.status)
	case in.Amount.Currency != o.currency:
		return unprocessable("CURRENCY_MISMATCH")
	case amount*100 > o.amount*115: // more than was held, as tips: the shop must not do it
		return unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED")
	}
	o.capture = &move{id: newID(), key: c.key, status: "COMPLETED", amount: amount, at: s.clock.Now().UTC()}
	if o.hold.status = "CAPTURED"; amount < o.amount {
		o.hold.status = "PARTIALLY_CAPTURED"
	}
	s.tell("PAYMENT.CAPTURE.COMPLETED", "capture", s.showCapture(o))
	return answer{http.StatusCreated, s.showCapture(o)}
}

func (s *Server) void(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.held(c.id)
	switch {
	case o == nil:
		return missing()
	case o.hold.status == "VOIDED":
		return unprocessable("PREVIOUSLY_VOIDED")
	case o.capture != nil:
		return unprocessable("PREVIOUSLY_CAPTURED")
	case o.hold.status != "CREATED":
		return unprocessable("AUTHORIZATION_" + o.hold.status)
	}
	o.hold.status = "VOIDED"
	s.tell("PAYMENT.AUTHORIZATION.VOIDED", "authorization", map[string]any{
		"id": o.hold.id, "status": "VOIDED", "custom_id": o.custom, "supplementary_data": map[string]any{"related_ids": map[string]string{"order_id": o.id}},
	})
	return answer{http.StatusOK, map[string]any{"id": o.hold.id, "status": "VOIDED"}}
}

// Expire ends the hold of an order.
func (s *Server) Expire(orderID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders[orderID].hold.status = "EXPIRED"
}

// Review puts a capture that was made back under review, or ends it so.
func (s *Server) Review(orderID, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders[orderID].capture.status = status
}

func (s *Server) refund(c *call) answer {
	var in struct {
		Amount sum    `json:"amount"`
		Custom string `json:"custom_id"`
	}
	if !c.decode(&in) || len(in.Custom) > 127 {
		return malformed("INVALID_PARAMETER_VALUE")
	}
	amount, issue := in.Amount.minor()
	if issue != "" {
		return unprocessable(issue)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.captured(c.id)
	if o == nil {
		return missing()
	}
	if in.Amount.Currency != o.currency {
		return unprocessable("CURRENCY_MISMATCH")
	}
	return s.giveBack(o, c.key, in.Custom, amount)
}

func (s *Server) giveBack(o *order, key, custom string, amount int64) answer {
	left := o.capture.amount
	for _, r := range o.refunds {
		if r.key == key && key != "" {
			return answer{http.StatusOK, s.showRefund(o, r)}
		}
		left -= r.amount
	}
	switch {
	case left == 0:
		return unprocessable("CAPTURE_FULLY_REFUNDED")
	case amount > left:
		return unprocessable("REFUND_AMOUNT_EXCEEDED")
	}
	r := &move{id: newID(), key: key, status: "COMPLETED", custom: custom, amount: amount}
	o.refunds = append(o.refunds, r)
	if o.capture.status = "REFUNDED"; amount < left {
		o.capture.status = "PARTIALLY_REFUNDED"
	}
	s.tell("PAYMENT.CAPTURE.REFUNDED", "refund", s.showRefund(o, r))
	return answer{http.StatusCreated, s.showRefund(o, r)}
}

// RefundOutside gives money back in PayPal's own pages.
func (s *Server) RefundOutside(orderID string, amount int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[orderID]
	return o != nil && o.capture != nil && s.giveBack(o, "", o.custom, amount).status == http.StatusCreated
}

// ForgetKeys plays that PayPal keeps no PayPal-Request-Id for ever.
func (s *Server) ForgetKeys() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.byKey)
	for _, o := range s.orders {
		for _, r := range o.refunds {
			r.key = ""
		}
		if o.capture != nil {
			o.capture.key = ""
		}
	}
}

// FailRefund lets a refund fail that was on its way.
func (s *Server) FailRefund(refundID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		for _, r := range o.refunds {
			if r.id == refundID {
				r.status = "FAILED"
			}
		}
	}
}

func (s *Server) readCapture(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.captured(c.id)
	if o == nil {
		return missing()
	}
	return answer{http.StatusOK, s.showCapture(o)}
}
