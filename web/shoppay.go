package web

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

const (
	awayCookie = "doorstep-away" // the reader was sent to a bank
	awayLife   = time.Hour
)

// testCards are the cards that the sandbox plays, by their tokens.
var testCards = []string{"tok_visa", "tok_3ds", "tok_declined", "tok_insufficient_funds", "tok_slow", "tok_lost_answer"}

// payData is the second step: delivery, codes, credit, and the payment.
type payData struct {
	Checkout  *checkoutBody
	Key       string // under which this payment is asked for, however often
	Method    string // chosen
	Card      string // the chosen test card
	Cards     []string
	Stripe    string // its publishable key
	Alert     string
	Was       *Money   // the total that was shown before, when it has changed
	Short     []string // lines that have run out
	Code      string
	CodeError string
	Gift      string
	GiftError string
	SignedIn  bool
	Credit    *Money // store credit that could be used
	Said      string
}

// Shown is the method as it is charged, for the totals.
func (d *payData) Shown() payMethod {
	for _, m := range d.Checkout.Methods {
		if m.Method == d.Method {
			return m
		}
	}
	return payMethod{Total: d.Checkout.Totals.Total, Due: d.Checkout.AmountDue, Fee: Money{Currency: d.Checkout.Totals.Total.Currency}}
}

// Covered says whether credit pays all of it.
func (d *payData) Covered() bool {
	return len(d.Checkout.Methods) == 1 && (d.Checkout.Methods[0].Method == "gift_card" || d.Checkout.Methods[0].Method == "store_credit")
}

func (p *shopPages) payPage(v *visit) error {
	c, err := p.openCheckout(v)
	if err != nil {
		return p.notStarted(v, err)
	}
	if to := elsewhere(c); to != "" {
		return v.go303(to)
	}
	if len(c.Missing) > 0 {
		return v.go303("/shop/checkout")
	}
	v.entered(c, "shipping", "payment")
	d := &payData{Checkout: c, Method: v.Query("method")}
	if v.Query("refused") == "declined" {
		d.Alert = v.text("pay.declined")
	}
	return p.showPay(v, d)
}

// showPay fills in what the page needs besides, and lets the provider's own form
// for cards in where there is one.
func (p *shopPages) showPay(v *visit, d *payData) error {
	d.Key = newKey()
	c := d.Checkout
	if !slices.ContainsFunc(c.Methods, func(m payMethod) bool { return m.Method == d.Method }) {
		d.Method = ""
		if len(c.Methods) > 0 {
			d.Method = c.Methods[0].Method
		}
	}
	for _, m := range c.Methods {
		switch {
		case m.Provider == "sandbox" && m.Method == "card":
			d.Cards = testCards
		case m.Provider == "stripe" && m.PublishableKey != "":
			d.Stripe = m.PublishableKey
		}
	}
	if d.Stripe != "" {
		c.Methods = slices.DeleteFunc(c.Methods, func(m payMethod) bool { return m.Method == "wallet" && m.Provider == "stripe" }) // its form shows them itself
		v.allowStripe()
	}
	if !slices.Contains(d.Cards, d.Card) && len(d.Cards) > 0 {
		d.Card = d.Cards[0]
	}
	if d.SignedIn = v.customerSession() != ""; d.SignedIn && c.StoreCredit == nil {
		d.Credit = v.credit(c.Totals.Total.Currency)
	}
	return p.show(v, "pay", d)
}

// allowStripe lets in what Stripe's own form needs, as Stripe says.
func (v *visit) allowStripe() {
	for _, host := range []string{"https://js.stripe.com", "https://*.js.stripe.com"} {
		v.allow("script-src", host)
		v.allow("frame-src", host)
	}
	v.allow("frame-src", "https://hooks.stripe.com")
	v.allow("connect-src", "https://api.stripe.com")
}

// change applies a change of the second step and shows what it has become: in
// place for scripts, else by going there.
func (p *shopPages) change(v *visit, d *payData, body map[string]any) error {
	c, err := p.openCheckout(v)
	if err != nil {
		return p.notStarted(v, err)
	}
	if to := elsewhere(c); to != "" {
		return v.go303(to)
	}
	b, ok := v.started(c)
	if !ok {
		return problemOf(fiber.StatusNotFound, "checkout_not_found")
	}
	changed, err := v.patchCheckout(b, body)
	if err != nil {
		problem := asProblem(err)
		if problem == nil || problem.Status >= fiber.StatusInternalServerError {
			return err
		}
		d.Checkout = c
		switch {
		case d.Code != "":
			d.CodeError = v.sentence(err)
		case d.Gift != "":
			d.GiftError = v.sentence(err)
		default:
			d.Alert = v.sentence(err)
		}
		v.Status(problem.Status)
		return p.showPay(v, d)
	}
	if v.fragment() == "" {
		return v.go303("/shop/checkout/pay")
	}
	d.Checkout, d.Code, d.Gift = changed, "", ""
	d.Said = v.text("pay.total_said", "total", changed.Totals.Total.Text(v.Lang))
	return p.showPay(v, d)
}

func (p *shopPages) chooseShipping(v *visit) error {
	return p.change(v, &payData{}, map[string]any{"shipping_option_id": clip(v.FormValue("option"))})
}

// codesAnd gives the codes of the checkout, changed.
func (p *shopPages) codesAnd(v *visit, change func(codes []string) []string) ([]string, error) {
	c, err := p.openCheckout(v)
	if err != nil || c == nil {
		return nil, err
	}
	return change(c.Codes()), nil
}

func (p *shopPages) addCheckoutCode(v *visit) error {
	code := strings.TrimSpace(clip(v.FormValue("code")))
	if code == "" {
		return v.go303("/shop/checkout/pay")
	}
	codes, err := p.codesAnd(v, func(codes []string) []string { return append(codes, code) })
	if err != nil {
		return p.notStarted(v, err)
	}
	return p.change(v, &payData{Code: code}, map[string]any{"discount_codes": codes})
}

func (p *shopPages) removeCheckoutCode(v *visit) error {
	code := v.FormValue("code")
	codes, err := p.codesAnd(v, func(codes []string) []string {
		return slices.DeleteFunc(codes, func(c string) bool { return strings.EqualFold(c, code) })
	})
	if err != nil {
		return p.notStarted(v, err)
	}
	return p.change(v, &payData{}, map[string]any{"discount_codes": codes})
}

// useCredit takes a gift card (gift), takes one off (drop), or turns store credit
// on or off (credit).
func (p *shopPages) useCredit(v *visit) error {
	if credit := v.FormValue("credit"); credit != "" {
		return p.change(v, &payData{}, map[string]any{"use_store_credit": credit == "yes"})
	}
	c, err := p.openCheckout(v)
	if err != nil {
		return p.notStarted(v, err)
	}
	gift, drop := strings.TrimSpace(clip(v.FormValue("gift"))), v.FormValue("drop")
	if c == nil || gift == "" && drop == "" {
		return v.go303("/shop/checkout/pay")
	}
	cards := []string{}
	for _, card := range c.GiftCards {
		if card.LastFour != drop && card.Reason != "unknown" {
			cards = append(cards, card.LastFour)
		}
	}
	if gift != "" {
		cards = append(cards, gift)
	}
	return p.change(v, &payData{Gift: gift}, map[string]any{"gift_card_codes": cards})
}

// paid is the answer to a payment.
type paid struct {
	Status string     `json:"status"`
	Order  *orderBody `json:"order"`
	Next   *struct {
		Type           string `json:"type"`
		URL            string `json:"url"`
		ClientSecret   string `json:"client_secret"`
		PublishableKey string `json:"publishable_key"`
	} `json:"next_action"`
}

// pay asks for the money. The key comes with the form, so that a form that is
// sent twice pays once.
func (p *shopPages) pay(v *visit) error {
	b, ok := v.buying()
	if !ok {
		return v.go303("/shop/cart")
	}
	method, key := v.FormValue("method"), v.FormValue("key")
	if !plain(key) {
		key = newKey()
	}
	v.entered(&checkoutBody{ID: b.ID}, "review")
	payment := map[string]any{"method": method}
	switch token := v.FormValue("token"); {
	case method == "card" && v.FormValue("stripe") != "" && plain(v.FormValue("stripe")):
		payment["token"] = v.FormValue("stripe")
	case method == "card" && plain(token):
		payment["token"] = token
	}
	body := map[string]any{"payment": payment}
	if m := sumIn(v.FormValue("total." + method)); m != nil {
		body["expected_total"] = m
	}
	if m := sumIn(v.FormValue("due." + method)); m != nil {
		body["expected_due"] = m
	}
	answer, err := v.complete(b, key, body)
	if err != nil {
		return p.refused(v, err, method)
	}
	return p.answered(v, answer)
}

// sumIn reads a sum as the form writes it: 2950 EUR.
func sumIn(text string) *Money {
	amount, currency, _ := strings.Cut(text, " ")
	n, err := strconv.ParseInt(amount, 10, 64)
	if err != nil || len(currency) != 3 {
		return nil
	}
	return &Money{n, currency}
}

func (v *visit) complete(b buying, key string, body map[string]any) (*paid, error) {
	header := b.headers(v)
	header["Idempotency-Key"] = key
	var answer paid
	if err := v.shop(ask{Method: fiber.MethodPost, Path: "/v1/checkouts/" + b.ID + "/complete", Body: body, Header: header}, &answer); err != nil {
		return nil, err
	}
	return &answer, nil
}

// answered leads on from an answer to a payment.
func (p *shopPages) answered(v *visit, a *paid) error {
	switch a.Status {
	case "completed":
		return v.go303("/shop/checkout/done")
	case "authentication_required":
		return v.go303("/shop/checkout/next")
	}
	return v.go303("/shop/checkout/wait")
}

// refused shows on the page for paying why it came to nothing. What is chosen
// stays chosen, and nothing was charged.
func (p *shopPages) refused(v *visit, err error, method string) error {
	problem := asProblem(err)
	if problem == nil {
		return err
	}
	switch problem.Code {
	case "checkout_in_progress", "idempotency_in_flight":
		return v.go303("/shop/checkout/wait")
	}
	c, openErr := p.openCheckout(v)
	if openErr != nil {
		return p.notStarted(v, openErr)
	}
	if to := elsewhere(c); to != "" {
		return v.go303(to)
	}
	d := &payData{Checkout: c, Method: method, Card: v.FormValue("token")}
	switch problem.Code {
	case "payment_declined":
		d.Alert = v.text("pay.declined")
	case "total_changed", "credit_changed":
		d.Alert = v.text("pay.total_changed")
		d.Was = sumIn(v.FormValue("total." + method))
	case "out_of_stock":
		d.Alert = v.text("pay.out_of_stock")
		d.Short = shortOf(problem, c)
	case "payment_token_missing":
		d.Alert = v.text("pay.token_missing")
	default:
		d.Alert = v.sentence(err)
	}
	v.Status(problem.Status)
	return p.showPay(v, d)
}

// shortOf names the lines that have run out.
func shortOf(problem *Problem, c *checkoutBody) []string {
	var body struct {
		Lines []struct {
			SKU       string `json:"sku"`
			VariantID string `json:"variant_id"`
		} `json:"lines"`
	}
	if err := json.Unmarshal(problem.Body, &body); err != nil {
		return nil
	}
	var names []string
	for _, short := range body.Lines {
		for _, l := range c.Lines {
			if l.SKU == short.SKU && l.SKU != "" || l.ID == short.VariantID {
				names = append(names, l.Title)
			}
		}
	}
	return names
}

// howItWent asks for the payment that is under way, or the order that it became.
// It never pays: nothing is sent that one could pay with.
func (v *visit) howItWent() (*paid, error) {
	b, ok := v.buying()
	if !ok {
		return nil, problemOf(fiber.StatusNotFound, "checkout_not_found")
	}
	return v.complete(b, newKey(), map[string]any{"payment": map[string]any{"method": "card"}})
}

// lost is where a reader goes whose payment came to nothing, or who has none.
func (p *shopPages) lost(v *visit, err error) error {
	problem := asProblem(err)
	if problem == nil {
		return err
	}
	switch problem.Code {
	case "payment_token_missing":
		return v.go303("/shop/checkout/pay")
	case "payment_declined":
		return v.go303("/shop/checkout/pay?refused=declined")
	case "checkout_not_found":
		return v.go303("/shop/cart")
	}
	return p.refused(v, err, "")
}

// nextData is the way to the buyer's bank or wallet.
type nextData struct {
	URL    string
	Stripe string // its publishable key, when its own script goes on
	Secret string // of that payment
}

// nextAction sends the buyer to the bank or wallet. It is a page with a link: the
// policy lets forms lead nowhere else, not even by a redirect.
func (p *shopPages) nextAction(v *visit) error { return p.onward(v, true) }

// comeBack is where banks and wallets send the buyer back to.
func (p *shopPages) comeBack(v *visit) error { return p.onward(v, false) }

func (p *shopPages) onward(v *visit, away bool) error {
	v.setCookie(awayCookie, "", 0)
	a, err := v.howItWent()
	if err != nil {
		return p.lost(v, err)
	}
	if a.Status != "authentication_required" || a.Next == nil {
		return p.answered(v, a)
	}
	d := &nextData{URL: a.Next.URL}
	if strings.HasPrefix(d.URL, p.site.origin+"/dev/3ds/") {
		d.URL += "?return=" + url.QueryEscape("/shop/checkout/return")
	}
	if d.URL == "" && a.Next.ClientSecret != "" {
		d.Stripe, d.Secret = a.Next.PublishableKey, a.Next.ClientSecret
		v.allowStripe()
	}
	if away && d.URL != "" {
		v.setCookie(awayCookie, "1", awayLife)
		v.Set("Refresh", "1; url="+d.URL)
	}
	return p.show(v, "next", d)
}

// returned leads a buyer whom a bank has sent to the front door to where the
// payment goes on.
func (v *visit) returned() bool {
	if v.cookie(awayCookie) == "" {
		return false
	}
	v.setCookie(awayCookie, "", 0)
	_, ok := v.buying()
	return ok
}

// wait shows that the bank has not answered yet, and asks again.
func (p *shopPages) wait(v *visit) error {
	a, err := v.howItWent()
	if problem := asProblem(err); problem != nil && (problem.Code == "checkout_in_progress" || problem.Code == "idempotency_in_flight" || problem.Status == fiber.StatusServiceUnavailable) {
		return p.show(v, "wait", nil)
	}
	if err != nil {
		return p.lost(v, err)
	}
	if a.Status == "complete_in_progress" {
		return p.show(v, "wait", nil)
	}
	return p.answered(v, a)
}
