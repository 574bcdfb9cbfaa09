package paypal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/payment"
)

// PayPal has no list of orders. Its books are the transactions of the account,
// which its reporting knows up to three hours late. A payment that is not in them
// yet is read by its id, so that only what nobody knows of is seen that late.

const (
	pageSize = 500 // the most
	// mostPages bounds one look through the books: PayPal shows 10,000 entries.
	mostPages = 20
	// bookDelay is how late an entry may be in the books.
	bookDelay = 3 * time.Hour
)

// entry is a transaction in the books, as far as we read it.
type entry struct {
	Info struct {
		ID     string    `json:"transaction_id"`
		Code   string    `json:"transaction_event_code"`
		Custom string    `json:"custom_field"`
		Made   time.Time `json:"transaction_initiation_date"`
	} `json:"transaction_info"`
}

// The kinds of entries that begin a charge, by the first letters of their code:
// payments, and authorizations of which nothing was taken. Refunds, disputes and
// fees belong to the charge of another entry.
const (
	paymentEntry       = "T00"
	authorizationEntry = "T13"
)

// Charges lists the orders on which money was held or taken; see
// payment.Bookkeeper. It reads each from PayPal once more, for entries tell one
// movement and not how the order stands.
func (g *Gateway) Charges(ctx context.Context, from, to time.Time, each func(payment.GatewayCharge) error) error {
	now := g.clock.Now()
	seen := map[string]bool{}
	for page := 1; ; page++ {
		var books struct {
			Details []entry `json:"transaction_details"`
			Pages   int     `json:"total_pages"`
		}
		q := url.Values{
			"start_date": {from.UTC().Format(time.RFC3339)}, "end_date": {to.UTC().Format(time.RFC3339)}, "fields": {"transaction_info"},
			"balance_affecting_records_only": {"N"}, // authorizations too
			"page_size":                      {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(page)},
		}
		_, err := g.call(ctx, http.MethodGet, "/v1/reporting/transactions?"+q.Encode(), "", nil, &books)
		if r, ok := refused(err); ok && r.status == http.StatusBadRequest && now.Sub(from) < 2*bookDelay {
			return nil // the books do not reach that far yet
		} else if ok && r.status == http.StatusForbidden {
			return nil // the account does not let us see them; each payment is asked for by its id
		}
		if err == nil && books.Details == nil {
			err = errors.New("paypal: asked for the books, got something else")
		}
		if err != nil {
			return err
		}
		for i := range books.Details {
			if err := g.entry(ctx, &books.Details[i], from, to, seen, each); err != nil {
				return err
			}
		}
		if page >= books.Pages {
			return nil
		}
		if page == mostPages {
			return errors.New("paypal: the books are longer than PayPal shows")
		}
	}
}

// entry gives the charge of an entry, once for each order.
func (g *Gateway) entry(ctx context.Context, e *entry, from, to time.Time, seen map[string]bool, each func(payment.GatewayCharge) error) error {
	path := "/v2/payments/captures/"
	switch {
	case strings.HasPrefix(e.Info.Code, authorizationEntry):
		path = "/v2/payments/authorizations/"
	case !strings.HasPrefix(e.Info.Code, paymentEntry):
		return nil
	}
	if e.Info.Made.Before(from) || !e.Info.Made.Before(to) {
		return nil // the end that was asked for is part of what PayPal lists
	}
	if _, pay := owner(e.Info.Custom); pay == uuid.Nil {
		return nil // of another program that shares the account
	}
	var t taken
	_, err := g.call(ctx, http.MethodGet, path+url.PathEscape(e.Info.ID), "", nil, &t)
	if r, ok := refused(err); ok && r.status == http.StatusNotFound {
		return nil // neither a capture nor an authorization of an order
	}
	if err != nil {
		return err
	}
	id := t.Related.IDs.Order
	if id == "" || seen[id] {
		return nil
	}
	seen[id] = true
	o, err := g.fetch(ctx, id)
	if err != nil {
		return lost(err)
	}
	c, err := g.charge(ctx, o)
	if err != nil {
		return err
	}
	c.CreatedAt = e.Info.Made // the order may have waited long for its buyer
	return each(c)
}

// charge is how an order stands in the books.
func (g *Gateway) charge(ctx context.Context, o *order) (payment.GatewayCharge, error) {
	r, err := o.result()
	if err == nil && o.capture() != nil {
		r.Dispute, r.Disputed, err = g.dispute(ctx, o)
	}
	if err != nil {
		return payment.GatewayCharge{}, fmt.Errorf("paypal: order %s: %w", o.ID, err)
	}
	c := payment.GatewayCharge{
		GatewayID: o.ID, Currency: o.only().Amount.Currency, Status: r.Status, Authorized: r.Authorized, Captured: r.Captured, Refunded: r.Refunded,
		Refunds: r.Refunds, Dispute: r.Dispute, Disputed: r.Disputed, CreatedAt: o.Made, HoldEnds: r.HoldEnds,
	}
	c.Merchant, c.PaymentID = owner(o.only().CustomID)
	return c, nil
}
