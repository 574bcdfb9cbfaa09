package sandbox

import (
	"fmt"
	"slices"
	"time"

	"doorstep/internal/id"
	"doorstep/payment"
)

// What happens at a gateway without the shop: by the merchant's hand in its
// dashboard, or by a buyer's bank. Each fails with ErrUnknownPayment when the
// charge does not stand so that it could happen.

// outside changes a charge on nobody's call.
func (g *Gateway) outside(chargeID, what string, do func(c *Charge, now time.Time) (news string)) error {
	d, err := g.act(chargeID, "", what, func(c *Charge, now time.Time) (string, string, []string) {
		news := do(c, now)
		if news == "" {
			return "", "impossible", nil
		}
		return "", "", []string{news}
	})
	if err != nil {
		return err
	}
	if d.Refusal != "" {
		return ErrUnknownPayment.Because(fmt.Errorf("sandbox: %s: charge %s is %s", what, chargeID, d.Charge.Status))
	}
	return nil
}

// RefundOutside gives money back as a merchant does in the dashboard. It
// returns the refund's id.
func (g *Gateway) RefundOutside(chargeID string, amount int64) (string, error) {
	r := Refund{ID: "re_" + id.Secret(15), Amount: amount}
	err := g.outside(chargeID, "refund", func(c *Charge, now time.Time) string {
		if amount <= 0 || amount > c.Captured-c.Refunded {
			return ""
		}
		r.At = now
		c.giveBack(r)
		return "charge.refunded"
	})
	return r.ID, err
}

// FailRefund lets a buyer's bank send a refund back.
func (g *Gateway) FailRefund(chargeID, refundID string) error {
	return g.outside(chargeID, "fail a refund", func(c *Charge, _ time.Time) string {
		i := slices.IndexFunc(c.Refunds, func(r Refund) bool { return r.ID == refundID && !r.Failed })
		if i < 0 {
			return ""
		}
		c.Refunds = slices.Clone(c.Refunds)
		c.Refunds[i].Failed = true
		c.Refunded -= c.Refunds[i].Amount
		return "charge.refund.updated"
	})
}

// Dispute lets a buyer's bank ask for all that was captured and not given back.
func (g *Gateway) Dispute(chargeID string) error {
	return g.outside(chargeID, "dispute", func(c *Charge, now time.Time) string {
		if c.Captured-c.Refunded <= 0 || c.Dispute != nil {
			return ""
		}
		c.Dispute = &Dispute{ID: "dp_" + c.rest(), Amount: c.Captured - c.Refunded, Status: payment.Disputed, At: now}
		return "charge.dispute.created"
	})
}

// CloseDispute ends a dispute, for the merchant when it is won.
func (g *Gateway) CloseDispute(chargeID string, won bool) error {
	return g.outside(chargeID, "close a dispute", func(c *Charge, _ time.Time) string {
		if c.Dispute == nil || c.Dispute.Status != payment.Disputed {
			return ""
		}
		d := *c.Dispute
		d.Status = payment.DisputeLost
		if won {
			d.Status = payment.DisputeWon
		}
		c.Dispute = &d
		return "charge.dispute.closed"
	})
}
