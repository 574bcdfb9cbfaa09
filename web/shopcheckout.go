package web

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

const (
	checkoutCookie = "doorstep-checkout"
	checkoutLife   = 2 * 24 * time.Hour
)

// address is where the parcel goes, as it is typed.
type address struct {
	Name     string `json:"name,omitempty"`
	Line1    string `json:"line1,omitempty"`
	Line2    string `json:"line2,omitempty"`
	City     string `json:"city,omitempty"`
	Postcode string `json:"postcode,omitempty"`
	Region   string `json:"region,omitempty"`
	Country  string `json:"country,omitempty"`
	Phone    string `json:"phone,omitempty"`
}

// payMethod is a way to pay: of a checkout, or of the shop as such.
type payMethod struct {
	Method         string   `json:"method"`
	Name           string   `json:"name"`
	Provider       string   `json:"provider"`
	Fee            Money    `json:"fee"`
	Total          Money    `json:"total"`
	Due            Money    `json:"due"`
	DueDays        int      `json:"due_days"`
	AccountLines   []string `json:"account_lines"`
	PublishableKey string   `json:"publishable_key"`
}

type shippingOption struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Price       Money     `json:"price"`
	Days        *dayRange `json:"estimated_delivery"`
	Estimated   bool      `json:"estimated"`
	Hint        *struct {
		Text string `json:"text"`
	} `json:"hint"`
}

type giftCard struct {
	LastFour string `json:"last_four"`
	Applied  bool   `json:"applied"`
	Amount   Money  `json:"amount"`
	Balance  *Money `json:"balance"`
	Reason   string `json:"reason_code"`
}

type storeCredit struct {
	Applied bool   `json:"applied"`
	Amount  Money  `json:"amount"`
	Balance Money  `json:"balance"`
	Reason  string `json:"reason_code"`
}

type checkoutBody struct {
	ID          string           `json:"id"`
	Secret      string           `json:"secret"`
	Status      string           `json:"status"`
	Locale      string           `json:"locale"`
	Email       string           `json:"email"`
	Address     *address         `json:"shipping_address"`
	Lines       []cartLine       `json:"line_items"`
	Totals      totals           `json:"totals"`
	TaxIncluded bool             `json:"prices_include_tax"`
	Shipping    []shippingOption `json:"shipping_options"`
	Selected    string           `json:"selected_shipping_option_id"`
	GiftCards   []giftCard       `json:"gift_cards"`
	StoreCredit *storeCredit     `json:"store_credit"`
	AmountDue   Money            `json:"amount_due"`
	Methods     []payMethod      `json:"payment_methods"`
	Discounts   []discount       `json:"discounts"`
	Offers      []offer          `json:"offers"`
	Missing     []string         `json:"missing"`
	Trust       struct {
		Processor string `json:"processor"`
	} `json:"trust"`
}

// Needs says whether something that is asked for is still missing.
func (c *checkoutBody) Needs(field string) bool {
	return slices.Contains(c.Missing, "shipping_address."+field)
}

// Credited is what gift cards and store credit pay.
func (c *checkoutBody) Credited() Money {
	return Money{c.Totals.Total.Amount - c.AmountDue.Amount, c.Totals.Total.Currency}
}

// Codes are the discount codes that were typed.
func (c *checkoutBody) Codes() []string {
	codes := []string{}
	for _, d := range c.Discounts {
		if d.Code != "" {
			codes = append(codes, d.Code)
		}
	}
	return codes
}

// open says whether it can still be changed.
func (c *checkoutBody) open() bool {
	return c.Status == "incomplete" || c.Status == "ready_for_payment"
}

// buying is the checkout that the reader's cookie names, with what opens it.
type buying struct {
	ID, Secret string
	Cart       int64 // the version of the cart that it began with
}

func (v *visit) buying() (b buying, ok bool) {
	id, rest, ok := v.kept(checkoutCookie)
	cut := strings.LastIndexByte(rest, '.')
	if !ok || cut < 1 {
		return b, false
	}
	version, err := strconv.ParseInt(rest[cut+1:], 10, 64)
	return buying{id, rest[:cut], version}, err == nil
}

// headers open the checkout, and say who is signed in.
func (b buying) headers(v *visit) map[string]string {
	h := map[string]string{"Checkout-Secret": b.Secret}
	if session := v.customerSession(); session != "" {
		h["Customer-Session"] = session
	}
	return h
}

// readCheckout is the checkout of the cookie; nil when there is none any more.
func (v *visit) readCheckout() (*checkoutBody, error) {
	b, ok := v.buying()
	if !ok {
		return nil, nil
	}
	var c checkoutBody
	err := v.shop(ask{Path: "/v1/checkouts/" + b.ID, Header: b.headers(v)}, &c)
	if p := asProblem(err); p != nil && p.Status == fiber.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// openCheckout is the checkout of the reader's cart: the one of the cookie while
// the cart is as it was then, else a new one with what was typed so far. It is
// nil when there is nothing to buy.
func (p *shopPages) openCheckout(v *visit) (*checkoutBody, error) {
	old, err := v.readCheckout()
	if err != nil {
		return nil, err
	}
	if old != nil && (old.Status == "authentication_required" || old.Status == "complete_in_progress") {
		return old, nil
	}
	sum, err := v.sumCart()
	if problem := asProblem(err); err != nil && (problem == nil || problem.Status != fiber.StatusNotFound) {
		return nil, err
	}
	if sum.Count == 0 {
		if old != nil && old.Status == "completed" {
			return old, nil
		}
		return nil, nil
	}
	if b, _ := v.buying(); old != nil && old.open() && b.Cart == sum.Version {
		if old.Locale != v.Lang.String() { // the reader has chosen another language meanwhile
			if changed, err := v.patchCheckout(b, map[string]any{"locale": v.Lang}); err == nil {
				return changed, nil
			}
		}
		return old, nil
	}
	return p.startCheckout(v, sum.Version, old)
}

// startCheckout begins to buy the cart. What is known of the buyer comes along.
func (p *shopPages) startCheckout(v *visit, version int64, old *checkoutBody) (*checkoutBody, error) {
	id, secret, _ := v.kept(cartCookie)
	body := map[string]any{"cart_id": id}
	header := map[string]string{"Cart-Secret": secret}
	switch {
	case old != nil && old.open():
		if old.Email != "" {
			body["email"] = old.Email
		}
		if old.Address != nil {
			body["shipping_address"] = old.Address
		}
	default:
		me := v.me()
		if me.Email != "" {
			body["email"] = me.Email
		}
		if me.Address != nil {
			body["shipping_address"] = me.Address
		} else if c := v.country(); c != "" {
			body["shipping_address"] = address{Country: c}
		}
	}
	var c checkoutBody
	err := v.shop(ask{Method: fiber.MethodPost, Path: "/v1/checkouts", Body: body, Header: header}, &c)
	if problem := asProblem(err); problem != nil && body["shipping_address"] != nil && problem.Status == fiber.StatusUnprocessableEntity {
		delete(body, "shipping_address") // a guess that the shop does not ship to, or an address of long ago
		err = v.shop(ask{Method: fiber.MethodPost, Path: "/v1/checkouts", Body: body, Header: header}, &c)
	}
	if err != nil {
		return nil, err
	}
	b := buying{c.ID, c.Secret, version}
	v.keep(checkoutCookie, b.ID, b.Secret+"."+strconv.FormatInt(version, 10), checkoutLife)
	if old == nil || !old.open() {
		return &c, nil
	}
	codes := c.Codes()
	for _, code := range old.Codes() {
		if !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	if len(codes) > len(c.Codes()) {
		if changed, err := v.patchCheckout(b, map[string]any{"discount_codes": codes}); err == nil {
			return changed, nil
		}
	}
	return &c, nil
}

// patchCheckout changes a checkout and gives what it has become.
func (v *visit) patchCheckout(b buying, change map[string]any) (*checkoutBody, error) {
	var c checkoutBody
	err := v.shop(ask{Method: fiber.MethodPatch, Path: "/v1/checkouts/" + b.ID, Body: change, Header: b.headers(v)}, &c)
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// elsewhere is the page for a checkout that is not to be changed now; empty when
// it is.
func elsewhere(c *checkoutBody) string {
	switch {
	case c == nil:
		return "/shop/cart"
	case c.Status == "completed":
		return "/shop/checkout/done"
	case c.Status == "authentication_required":
		return "/shop/checkout/next"
	case c.Status == "complete_in_progress":
		return "/shop/checkout/wait"
	}
	return ""
}

// addressData is the first step: who buys, and where it goes.
type addressData struct {
	Checkout  *checkoutBody
	Email     string
	Typed     address
	Errors    map[string]string // by the name of the field
	Alert     string
	Countries []country
	Postcode  bool // is needed
	Region    bool
	SignedIn  bool
	Remind    bool // is ticked
}

func (p *shopPages) addressPage(v *visit) error {
	c, err := p.openCheckout(v)
	if err != nil {
		return p.notStarted(v, err)
	}
	if to := elsewhere(c); to != "" {
		return v.go303(to)
	}
	v.entered(c, "contact", "address")
	d := p.addressData(v, c)
	d.Email = c.Email
	if c.Address != nil {
		d.Typed = *c.Address
	}
	return p.show(v, "checkout", d)
}

// notStarted shows in the cart why it cannot be bought: something has run out.
func (p *shopPages) notStarted(v *visit, err error) error {
	problem := asProblem(err)
	if problem == nil || problem.Status >= fiber.StatusInternalServerError {
		return err
	}
	c, readErr := v.readCart()
	if readErr != nil || c == nil {
		return err
	}
	v.Status(problem.Status)
	return p.show(v, "cart", &cartData{Cart: c, Alert: v.sentence(err)})
}

func (p *shopPages) addressData(v *visit, c *checkoutBody) *addressData {
	d := &addressData{Checkout: c, Countries: p.places(v.Lang), Errors: map[string]string{}, SignedIn: v.customerSession() != ""}
	d.Postcode, d.Region = c.Needs("postcode"), c.Needs("region")
	if a := c.Address; a != nil { // what is there was needed, or is worth seeing
		d.Region = d.Region || a.Region != ""
	}
	return d
}

// typedAddress reads the form.
func typedAddress(v *visit) (email string, a address) {
	field := func(name string) string { return strings.TrimSpace(clip(v.FormValue(name))) }
	return field("email"), address{
		Name: field("name"), Line1: field("line1"), City: field("city"), Postcode: field("postcode"), Region: field("region"),
		Country: strings.ToUpper(field("country")), Phone: field("phone"),
	}
}

// saveAddress ends the first step, or says at each field what is wrong with it.
func (p *shopPages) saveAddress(v *visit) error { return p.takeAddress(v, true) }

// updateAddress shows what delivery costs to the country that was chosen, and
// keeps everything that was typed.
func (p *shopPages) updateAddress(v *visit) error { return p.takeAddress(v, false) }

func (p *shopPages) takeAddress(v *visit, whole bool) error {
	c, err := p.openCheckout(v)
	if err != nil {
		return p.notStarted(v, err)
	}
	if to := elsewhere(c); to != "" {
		return v.go303(to)
	}
	email, a := typedAddress(v)
	change := map[string]any{"shipping_address": a, "locale": v.Lang.String()}
	if whole {
		change["email"] = email
	}
	b, ok := v.started(c)
	if !ok {
		return problemOf(fiber.StatusNotFound, "checkout_not_found")
	}
	changed, err := v.patchCheckout(b, change)
	remind := v.FormValue("remind") != ""
	if err == nil && whole && remind {
		v.agree(b)
	}
	if err == nil && whole && len(changed.Missing) == 0 {
		return v.go303("/shop/checkout/pay")
	}
	if err == nil {
		c = changed
	}
	d := p.addressData(v, c)
	d.Email, d.Typed, d.Remind = email, a, remind
	d.Region = d.Region || a.Region != ""
	switch problem := asProblem(err); {
	case problem != nil:
		d.wrong(v, problem)
		v.Status(problem.Status)
	case err != nil:
		return err
	case whole:
		for _, missing := range c.Missing {
			d.Errors[strings.TrimPrefix(missing, "shipping_address.")] = v.text("checkout.error.needed")
		}
		v.Status(fiber.StatusUnprocessableEntity)
	}
	v.stumbled(c, d.Errors)
	if whole && len(d.Errors) > 0 && d.Alert == "" {
		d.Alert = v.text("checkout.error.look")
	}
	return p.show(v, "checkout", d)
}

// agree writes down that the reader wants to be reminded of a cart that is left.
// What they ticked stands beside the field, in the version that is named. That it
// cannot be written down keeps nobody from buying.
func (v *visit) agree(b buying) {
	err := v.shop(ask{
		Method: fiber.MethodPost, Path: "/v1/checkouts/" + b.ID + "/consents", Header: b.headers(v),
		Body: map[string]any{"topic": "reminders", "granted": true, "text_version": "1 " + v.Lang.String()},
	}, nil)
	if err != nil {
		v.site.options.Log.Warn("a consent was not written down", "error", err)
	}
}

// started is what opens a checkout, which this very request may have begun: then
// its cookie is only on its way to the reader.
func (v *visit) started(c *checkoutBody) (buying, bool) {
	if c.Secret != "" {
		return buying{ID: c.ID, Secret: c.Secret}, true
	}
	return v.buying()
}

// wrong lays out what the API refused by field.
func (d *addressData) wrong(v *visit, problem *Problem) {
	for _, e := range problem.Errors {
		name := strings.TrimPrefix(strings.TrimPrefix(e.Location, "body."), "shipping_address.")
		switch name {
		case "email", "country", "postcode":
			d.Errors[name] = v.text("checkout.error." + name)
		case "name", "line1", "city", "region", "phone":
			d.Errors[name] = v.text("checkout.error.text")
		}
	}
	if len(d.Errors) == 0 {
		d.Alert = v.sentence(problem)
	}
}
