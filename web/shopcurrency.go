package web

import (
	"net/url"
	"slices"

	"github.com/gofiber/fiber/v2"
)

// The currency in which prices are shown. A shop with several lets the reader
// choose; a cart keeps the one it was begun in, so that choosing another one moves
// its goods into a cart of that currency.

const currencyCookie = "doorstep-currency"

// chosenCurrency is what the reader has chosen, as long as the shop has it; empty
// is the shop's first.
func (p *shopPages) chosenCurrency(v *visit) string {
	chosen := v.cookie(currencyCookie)
	if chosen == "" {
		return ""
	}
	if all := p.about(v).Currencies; len(all) > 1 && slices.Contains(all[1:], chosen) {
		return chosen
	}
	return ""
}

// priced asks for prices in the reader's currency.
func (v *visit) priced(q url.Values) url.Values {
	if v.currency != "" {
		if q == nil {
			q = url.Values{}
		}
		q.Set("currency", v.currency)
	}
	return q
}

// chooseCurrency keeps the choice for a year, and brings what is in the cart along.
func (p *shopPages) chooseCurrency(v *visit) error {
	facts := p.about(v)
	chosen := v.FormValue("currency")
	if !slices.Contains(facts.Currencies, chosen) {
		return problemOf(fiber.StatusNotFound, "not_found")
	}
	if err := v.moveCart(chosen); err != nil {
		return err
	}
	if v.currency = chosen; chosen == facts.Currencies[0] {
		v.currency = ""
	}
	v.setCookie(currencyCookie, v.currency, year)
	return v.back("/shop")
}

// moveCart puts the goods of the cart into one of another currency. A cart that is
// empty, over or being paid is left alone: the next one begins as chosen.
func (v *visit) moveCart(currency string) error {
	c, err := v.readCart()
	if err != nil || c == nil || c.Currency == currency || c.Paying {
		return err
	}
	var moved cartBody
	if err := v.shop(ask{Method: fiber.MethodPost, Path: "/v1/carts", Body: map[string]any{"currency": currency}}, &moved); err != nil {
		return err
	}
	id, secret, _ := v.kept(cartCookie)
	if c.Count > 0 {
		err := v.shop(ask{
			Method: fiber.MethodPost, Path: "/v1/carts/" + moved.ID + "/merge", Body: map[string]any{"cart_id": id, "secret": secret}, Header: map[string]string{"Cart-Secret": moved.Secret},
		}, nil)
		if err != nil {
			return err
		}
	}
	v.keep(cartCookie, moved.ID, moved.Secret, cartLife)
	if b, ok := v.buying(); ok { // it is of no version of this cart, so that the next step begins anew with what was typed
		v.keep(checkoutCookie, b.ID, b.Secret+".-1", checkoutLife)
	}
	return nil
}
