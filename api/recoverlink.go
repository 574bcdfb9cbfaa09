package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/cart"
	"doorstep/internal/fault"
	"doorstep/notify/recovery"

	"github.com/google/uuid"
)

// RecoveredLine is a line of a cart that was left, as it was and as it is.
type RecoveredLine struct {
	SKU         string `json:"sku"`
	Title       string `json:"title"`
	Options     string `json:"options,omitempty" example:"Blue, L"`
	Image       string `json:"image,omitempty"`
	Quantity    int64  `json:"quantity"`
	WasQuantity int64  `json:"was_quantity"`
	Buyable     int64  `json:"buyable" doc:"Pieces that can be bought now"`
	Unit        Money  `json:"unit"`
	WasUnit     *Money `json:"was_unit,omitempty" doc:"When the cart was left"`
	Total       Money  `json:"total" doc:"Of the buyable pieces, after discounts"`
	Change      string `json:"change" enum:"unchanged,price_up,price_down,fewer_left,out_of_stock,no_longer_sold,new,removed"`
}

// RecoveredCode is what becomes of a discount code.
type RecoveredCode struct {
	Code    string `json:"code"`
	Applied bool   `json:"applied"`
	Reason  string `json:"reason_code,omitempty"`
	Amount  Money  `json:"amount" doc:"Zero or below"`
}

// RecoveredTotals is what the lines cost before shipping.
type RecoveredTotals struct {
	Subtotal Money `json:"subtotal"`
	Discount Money `json:"discount" doc:"Zero or below"`
	Total    Money `json:"total"`
}

// RecoveredCart is what the link of a reminder gives.
type RecoveredCart struct {
	State     string          `json:"state" enum:"open,bought,paying,nothing_left"`
	CartID    *uuid.UUID      `json:"cart_id,omitempty" format:"uuid" doc:"Only when it was restored"`
	Secret    string          `json:"secret,omitempty" doc:"Opens the cart, as Cart-Secret; only when it was restored. The one that it was made with goes on to work"`
	Changed   bool            `json:"changed" doc:"Something differs from what was left"`
	Restored  bool            `json:"restored" doc:"The link has opened a cart, now or before"`
	LeftAt    time.Time       `json:"left_at"`
	Currency  string          `json:"currency"`
	Language  string          `json:"language"`
	Lines     []RecoveredLine `json:"lines"`
	Discounts []RecoveredCode `json:"discounts"`
	Totals    RecoveredTotals `json:"totals"`
}

func recoveredCartOf(v *recovery.Preview) RecoveredCart {
	c := v.Basket.Currency
	b := RecoveredCart{
		State: v.State, Secret: v.Basket.Secret, Changed: v.Changed, Restored: v.Restored, LeftAt: v.LeftAt, Currency: c, Language: v.Basket.Language,
		Lines: make([]RecoveredLine, len(v.Lines)), Discounts: make([]RecoveredCode, len(v.Basket.Codes)),
		Totals: RecoveredTotals{moneyOf(v.Basket.Subtotal, c), moneyOf(v.Basket.Discount, c), moneyOf(v.Basket.Total, c)},
	}
	if b.Secret != "" {
		b.CartID = &v.Basket.ID
	}
	for i := range v.Lines {
		l := &v.Lines[i]
		b.Lines[i] = RecoveredLine{
			SKU: l.SKU, Title: l.Title, Options: l.Options, Image: l.Image, Quantity: l.Quantity, WasQuantity: l.WasQuantity, Buyable: l.Buyable,
			Unit: moneyOf(l.Unit, c), Total: moneyOf(l.Total, c), Change: string(l.Change),
		}
		if l.WasQuantity > 0 {
			b.Lines[i].WasUnit = ptr(moneyOf(l.WasUnit, c))
		}
	}
	for i, code := range v.Basket.Codes {
		b.Discounts[i] = RecoveredCode{code.Code, code.Applied, code.Reason, moneyOf(code.Amount, c)}
	}
	return b
}

type recoverIn struct {
	Token    string `path:"token" maxLength:"200" doc:"As in the link of the mail"`
	Language string `header:"Accept-Language" maxLength:"1000" doc:"The cart's own language when absent"`
}

type recoveredOut struct {
	Body RecoveredCart
}

func registerRecoverLink(s *Server, svc recoveryRoom) {
	const tag, path = "recovery", "/v1/recover/{token}"
	wanted := func(ctx context.Context, in *recoverIn) string {
		if in.Language == "" {
			return ""
		}
		return string(language(ctx))
	}
	answer := func(v *recovery.Preview, err error) (*recoveredOut, error) {
		if err != nil {
			return nil, err
		}
		return &recoveredOut{Body: recoveredCartOf(v)}, nil
	}
	handle(s, Route{
		ID: "preview-recovery", Method: http.MethodGet, Path: path, Tag: tag, Summary: "See what the link of a reminder would bring back",
		Description: "With what has changed since. It changes nothing, however often it is opened: programs that look through mails open links.",
		Auth:        public(), Errors: []*fault.Error{recovery.ErrLink},
	}, func(ctx context.Context, in *recoverIn) (*recoveredOut, error) {
		return answer(svc.Preview(ctx, in.Token, wanted(ctx, in)))
	})
	handle(s, Route{
		ID: "recover-cart", Method: http.MethodPost, Path: path, Tag: tag, Summary: "Open the cart that a reminder speaks of",
		Description: "With a secret of its own, at the prices of now. A cart that was merged or has expired comes back as a new one with what can still be bought. " +
			"Opening it again gives the same cart and the same secret.",
		Auth: public(), Once: OnceNever, Errors: []*fault.Error{recovery.ErrLink, recovery.ErrBought, recovery.ErrNothingLeft, cart.ErrClosed},
	}, func(ctx context.Context, in *recoverIn) (*recoveredOut, error) {
		return answer(svc.Restore(ctx, in.Token, wanted(ctx, in)))
	})
}
