package paypal

import (
	"context"
	"net/http"
	"net/url"

	"doorstep/payment"
)

// complaint is a dispute, as far as we read it.
type complaint struct {
	ID      string `json:"dispute_id"`
	Status  string `json:"status"`
	Amount  sum    `json:"dispute_amount"`
	Outcome struct {
		Code string `json:"outcome_code"`
	} `json:"dispute_outcome"`
}

// dispute asks whether the buyer wants the money of an order back, and how it
// was decided. An account that may not read its disputes has none here.
func (g *Gateway) dispute(ctx context.Context, o *order) (payment.Status, int64, error) {
	var all struct {
		Items []complaint `json:"items"`
	}
	_, err := g.call(ctx, http.MethodGet, "/v1/customer/disputes?disputed_transaction_id="+url.QueryEscape(o.capture().ID), "", nil, &all)
	if _, no := refused(err); no || err == nil && len(all.Items) == 0 {
		return "", 0, nil
	}
	if err != nil {
		return "", 0, err
	}
	d := all.Items[0]
	if d.Status == "RESOLVED" && d.Outcome.Code == "" { // lists do not say how it ended
		if _, err := g.call(ctx, http.MethodGet, "/v1/customer/disputes/"+url.PathEscape(d.ID), "", nil, &d); err != nil {
			return "", 0, err
		}
	}
	amount, err := d.Amount.minor(o.only().Amount.Currency)
	if err != nil {
		amount = 0 // all of it
	}
	if d.Status != "RESOLVED" {
		return payment.Disputed, amount, nil
	}
	switch d.Outcome.Code {
	case "RESOLVED_BUYER_FAVOUR", "ACCEPTED":
		return payment.DisputeLost, amount, nil
	}
	return payment.DisputeWon, amount, nil // for the seller, paid by PayPal, or taken back by the buyer
}
