package paypal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/payment"
)

// order is an order of Orders v2, as far as we read it. Ours have one unit.
type order struct {
	ID     string    `json:"id"`
	Status string    `json:"status"`
	Made   time.Time `json:"create_time"`
	Units  []unit    `json:"purchase_units"`
	Links  []link    `json:"links"`
}

type unit struct {
	CustomID  string `json:"custom_id"`
	InvoiceID string `json:"invoice_id"`
	Amount    sum    `json:"amount"`
	Payments  struct {
		Authorizations []hold  `json:"authorizations"`
		Captures       []taken `json:"captures"`
		Refunds        []taken `json:"refunds"`
	} `json:"payments"`
}

type hold struct {
	ID     string    `json:"id"`
	Status string    `json:"status"`
	Amount sum       `json:"amount"`
	Ends   time.Time `json:"expiration_time"`
}

// taken is a capture or a refund.
type taken struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Amount   sum    `json:"amount"`
	CustomID string `json:"custom_id"`
	Related  struct {
		IDs struct {
			Order string `json:"order_id"`
		} `json:"related_ids"`
	} `json:"supplementary_data"`
	Links []link `json:"links"`
}

type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

// The words of PayPal that we act on.
const (
	approved = "APPROVED"
	created  = "CREATED"
	denied   = "DENIED"
	voided   = "VOIDED"
	expired  = "EXPIRED"
	pending  = "PENDING"
	done     = "COMPLETED"
	failed   = "FAILED"
	canceled = "CANCELLED"
)

// The custom id of an order is the merchant and the payment; in front of it
// stands dead once the order was given up before the buyer approved it. That of
// a refund is its key.
const (
	dead      = "void:"
	refundKey = "key:"
)

func customID(merchant, pay uuid.UUID) string { return merchant.String() + "/" + pay.String() }

// owner reads a custom id; zero ids when it is none of ours.
func owner(custom string) (merchant, pay uuid.UUID) {
	m, p, ok := strings.Cut(strings.TrimPrefix(custom, dead), "/")
	if !ok {
		return uuid.Nil, uuid.Nil
	}
	merchant, e1 := uuid.Parse(m)
	pay, e2 := uuid.Parse(p)
	if e1 != nil || e2 != nil {
		return uuid.Nil, uuid.Nil
	}
	return merchant, pay
}

// fetch reads an order. It fails with payment.ErrNotAtGateway when PayPal does
// not know it.
func (g *Gateway) fetch(ctx context.Context, id string) (*order, error) {
	if id == "" {
		return nil, payment.ErrNotAtGateway
	}
	var o order
	_, err := g.call(ctx, http.MethodGet, "/v2/checkout/orders/"+url.PathEscape(id), "", nil, &o)
	if r, ok := refused(err); ok && r.status == http.StatusNotFound {
		return nil, payment.ErrNotAtGateway.Because(err)
	}
	if err == nil && (o.ID != id || len(o.Units) != 1) {
		err = fmt.Errorf("paypal: asked for order %s, got %s with %d units", id, o.ID, len(o.Units))
	}
	return &o, err
}

// only is the one unit of an order.
func (o *order) only() *unit { return &o.Units[0] }

// given says that the order was given up before anything was held.
func (o *order) given() bool { return strings.HasPrefix(o.only().CustomID, dead) }

// hold is the newest authorization; nil before there is one.
func (o *order) hold() *hold {
	all := o.only().Payments.Authorizations
	if len(all) == 0 {
		return nil
	}
	return &all[len(all)-1]
}

// live is the authorization of which something can be taken or let go.
func (o *order) live() *hold {
	h := o.hold()
	if h == nil || h.Status != created && h.Status != pending {
		return nil
	}
	for i := range o.only().Payments.Captures {
		if c := &o.only().Payments.Captures[i]; c.counts() || c.Status == pending {
			return nil
		}
	}
	return h
}

// capture is the capture from which refunds are made; nil before there is one.
func (o *order) capture() *taken {
	for i := range o.only().Payments.Captures {
		if c := &o.only().Payments.Captures[i]; c.counts() {
			return c
		}
	}
	return nil
}

// counts says that the money of a capture has been taken, whatever went back.
func (t *taken) counts() bool {
	switch t.Status {
	case done, "PARTIALLY_REFUNDED", "REFUNDED":
		return true
	}
	return false
}

// result is how an order stands.
func (o *order) result() (payment.Result, error) {
	u := o.only()
	currency := u.Amount.Currency
	r := payment.Result{GatewayID: o.ID, Refunds: []payment.GatewayRefund{}}
	var errs []error
	add := func(to *int64, s sum) {
		n, err := s.minor(currency)
		errs = append(errs, err)
		*to += n
	}
	add(&r.Authorized, u.Amount)
	waiting := false
	for i := range u.Payments.Captures {
		switch c := &u.Payments.Captures[i]; {
		case c.counts():
			add(&r.Captured, c.Amount)
		case c.Status == pending:
			waiting = true
		}
	}
	for _, b := range u.Payments.Refunds {
		back := payment.GatewayRefund{GatewayID: b.ID, Failed: b.Status == failed || b.Status == canceled}
		back.Key, _ = strings.CutPrefix(b.CustomID, refundKey)
		if back.Key == b.CustomID {
			back.Key = "" // it was made by somebody else
		}
		add(&back.Amount, b.Amount)
		if !back.Failed {
			r.Refunded += back.Amount
		}
		r.Refunds = append(r.Refunds, back)
	}
	r.Status = o.status(&r, waiting)
	return r, errors.Join(errs...)
}

// status is our word for how an order stands. What is under review is pending:
// neither yes nor no.
func (o *order) status(r *payment.Result, waiting bool) payment.Status {
	h := o.hold()
	switch {
	case r.Captured > 0:
		return payment.Captured
	case waiting:
		return payment.Pending
	case h != nil:
		switch h.Status {
		case created:
			r.HoldEnds = h.Ends
			return payment.Authorized
		case denied:
			r.FailureCode = "authorization_denied"
			return payment.Failed
		case voided:
			return payment.Voided
		case expired:
			return payment.Expired
		}
		return payment.Pending
	case o.given(), o.Status == voided:
		return payment.Voided
	case o.Status == done:
		return payment.Pending
	}
	for _, l := range o.Links {
		if l.Rel == "approve" || l.Rel == "payer-action" {
			r.Action = &payment.Action{Type: "redirect", URL: l.Href}
		}
	}
	if r.Action == nil {
		// PayPal shows the way only as long as it is open; it is always this one.
		r.Action = &payment.Action{Type: "redirect", URL: o.page()}
	}
	return payment.RequiresAction
}

// page is where a buyer approves an order.
func (o *order) page() string {
	host := "https://www.paypal.com"
	for _, l := range o.Links {
		if l.Rel == "self" && strings.Contains(l.Href, ".sandbox.") {
			host = "https://www.sandbox.paypal.com"
		}
	}
	return host + "/checkoutnow?token=" + url.QueryEscape(o.ID)
}
