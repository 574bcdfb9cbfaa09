package web

import (
	"errors"
	"net/url"
	"time"

	"github.com/gofiber/fiber/v2"
)

// registerRecovery adds the page that the link of a reminder opens. Without a
// storefront there is no cart to go to, and no page.
func (s *Site) registerRecovery(app *fiber.App) {
	if s.options.ShopKey != "" {
		s.get(app, "/recover/:token", recoverPage)
		s.post(app, "/recover/:token", recoverCart)
	}
}

// recovered is a cart that was left, as the API tells of it.
type recovered struct {
	State   string    `json:"state"`
	CartID  string    `json:"cart_id"`
	Secret  string    `json:"secret"`
	Changed bool      `json:"changed"`
	LeftAt  time.Time `json:"left_at"`
	Lines   []struct {
		Title       string `json:"title"`
		Options     string `json:"options"`
		Image       string `json:"image"`
		Quantity    int64  `json:"quantity"`
		WasQuantity int64  `json:"was_quantity"`
		Buyable     int64  `json:"buyable"`
		Unit        Money  `json:"unit"`
		WasUnit     *Money `json:"was_unit"`
		Total       Money  `json:"total"`
		Change      string `json:"change"`
	} `json:"lines"`
	Discounts []struct {
		Code    string `json:"code"`
		Applied bool   `json:"applied"`
		Reason  string `json:"reason_code"`
		Amount  Money  `json:"amount"`
	} `json:"discounts"`
	Totals struct{ Subtotal, Discount, Total Money } `json:"totals"`
}

type recoveryPage struct {
	*recovered
	Token, Error string
}

// recoverPage shows what would come back, and changes nothing: programs that look
// through mails open links.
func recoverPage(v *visit) error {
	v.private()
	p := recoveryPage{recovered: &recovered{}, Token: v.trackToken()}
	if err := v.call(ask{Path: "/v1/recover/" + url.PathEscape(p.Token)}, p.recovered); err != nil {
		return v.refuseRecovery(err)
	}
	return v.showIn("track/recover", v.trackFrame(""), p)
}

// recoverCart opens the cart, gives it to this browser and goes there.
func recoverCart(v *visit) error {
	v.private()
	token, cart := v.trackToken(), recovered{}
	err := v.call(ask{Method: fiber.MethodPost, Path: "/v1/recover/" + url.PathEscape(token)}, &cart)
	var p *Problem
	if errors.As(err, &p) && p.Status == fiber.StatusConflict {
		return v.Redirect("/recover/"+url.PathEscape(token), fiber.StatusSeeOther) // which says how it stands now
	}
	if err != nil {
		return v.refuseRecovery(err)
	}
	v.keep(cartCookie, cart.CartID, cart.Secret, cartLife)
	return v.Redirect("/shop/cart", fiber.StatusSeeOther)
}

func (v *visit) refuseRecovery(err error) error {
	var p *Problem
	if errors.As(err, &p) && (p.Status == fiber.StatusNotFound || p.Status == fiber.StatusUnprocessableEntity) {
		v.Status(fiber.StatusNotFound)
		return v.showIn("track/norecovery", v.trackFrame(""), nil)
	}
	return err
}
