package shoppers

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// journey is what one person truly does, and how far they come.
type journey struct {
	*person
	play *play

	firstCart                string // the one that the journey began with
	cart, cartSecret         string
	checkout, checkoutSecret string
	goods                    int64

	events    int    // reported
	reached   string // the last step that was entered
	leftAt    time.Time
	reason    string // why they left; empty while they are there
	told      bool   // and have said so
	order     string
	orderedAt time.Time
	mails     int // reminders that came while they were away
	by        string
}

// The steps, as the shop's funnel names them.
const (
	stepCart     = "cart"
	stepContact  = "contact"
	stepAddress  = "address"
	stepShipping = "shipping"
	stepPayment  = "payment"
	stepOrder    = "order"
)

// ask calls the shop in the person's name.
func (j *journey) ask(ctx context.Context, method, path string, body any, headers ...string) (answer, error) {
	return j.play.call.do(ctx, method, path, body, append([]string{
		"Authorization", "Bearer " + j.play.shop.Publishable, "User-Agent", j.agent, "Shopper-IP", j.ip, "Accept-Language", j.home.language,
	}, headers...)...)
}

// refused is the error of a call that ought to have worked.
func refused(what string, a answer) error {
	return fmt.Errorf("shoppers: %s was answered with %d %v", what, a.status, a.body)
}

// next goes on after a while.
func (j *journey) next(do func(ctx context.Context) error) {
	j.play.then(j.play.shop.Now().Add(j.pause), do)
}

// leave ends the visit, for now.
func (j *journey) leave(ctx context.Context, reason string) error {
	now := j.play.shop.Now()
	j.reason, j.leftAt = reason, now
	if j.says && !j.told {
		j.told = true
		if err := j.tell(ctx, reason); err != nil {
			return err
		}
	}
	if j.returns {
		j.play.then(now.Add(j.returnsIn), func(ctx context.Context) error { return j.comeBack(ctx, "organic") })
	}
	return nil
}

// tell answers the question of the page why one leaves.
func (j *journey) tell(ctx context.Context, reason string) error {
	return j.report(ctx, m{"type": "reason_given", "step": j.reached, "reason": reason})
}

// report is what the page says of its reader.
func (j *journey) report(ctx context.Context, event m) error {
	j.events++
	event["id"] = fmt.Sprintf("e-%d", j.events)
	path, secret := "/v1/carts/"+j.cart+"/events", []string{"Cart-Secret", j.cartSecret}
	if j.checkout != "" {
		path, secret = "/v1/checkouts/"+j.checkout+"/events", []string{"Checkout-Secret", j.checkoutSecret}
	}
	a, err := j.ask(ctx, http.MethodPost, path, m{"events": []m{event}}, secret...)
	if err == nil && a.status >= http.StatusBadRequest {
		err = refused("an event", a)
	}
	return err
}

func (j *journey) fillCart(ctx context.Context) error {
	a, err := j.ask(ctx, http.MethodPost, "/v1/carts", m{"currency": j.home.currency, "items": j.items})
	if err != nil {
		return err
	}
	if a.status != http.StatusCreated {
		return refused("a cart", a)
	}
	j.cart, j.cartSecret, j.reached = a.text("id"), a.text("secret"), stepCart
	j.firstCart = j.cart
	if j.robot {
		return nil // it never comes back
	}
	if why := j.silent[stepCart]; why != "" {
		return j.leave(ctx, why)
	}
	if j.more {
		lines := a.list("items")
		if len(lines) > 0 {
			id := (answer{body: object(lines[0])}).text("id")
			if _, err := j.ask(ctx, http.MethodPatch, "/v1/carts/"+j.cart+"/items/"+id, m{"quantity": j.items[0].Quantity + 1}, "Cart-Secret", j.cartSecret); err != nil {
				return err
			}
		}
	}
	j.next(j.giveContact)
	return nil
}

func (j *journey) giveContact(ctx context.Context) error {
	a, err := j.ask(ctx, http.MethodPost, "/v1/checkouts", m{"cart_id": j.cart, "email": j.email, "locale": j.home.language}, "Cart-Secret", j.cartSecret)
	if err != nil {
		return err
	}
	if a.status != http.StatusCreated {
		return refused("a checkout", a)
	}
	j.checkout, j.checkoutSecret, j.reached = a.text("id"), a.text("secret"), stepAddress // it is asked for next
	if j.agrees {
		a, err := j.ask(ctx, http.MethodPost, "/v1/checkouts/"+j.checkout+"/consents", m{"topic": "reminders", "granted": true, "text_version": "1 " + j.home.language},
			"Checkout-Secret", j.checkoutSecret)
		if err != nil {
			return err
		}
		if a.status != http.StatusCreated {
			return refused("a consent", a)
		}
	}
	if why := j.silent[stepContact]; why != "" {
		return j.leave(ctx, why)
	}
	j.next(j.giveAddress)
	return nil
}

func (j *journey) address() m {
	a := m{"name": fmt.Sprintf("Shopper %d", j.n), "line1": j.home.line, "city": j.home.city, "postcode": j.home.postcode, "country": j.home.country, "phone": j.home.phone}
	if j.home.region != "" {
		a["region"] = j.home.region
	}
	return a
}

func (j *journey) giveAddress(ctx context.Context) error {
	a, err := j.change(ctx, m{"shipping_address": j.address()})
	if err != nil {
		return err
	}
	j.reached = stepShipping // the options are on the same page
	j.goods = a.amount("totals.subtotal")
	if why := j.silent[stepAddress]; why != "" {
		return j.leave(ctx, why)
	}
	if why := j.judge(a); why != "" {
		return j.leave(ctx, why)
	}
	if j.code != "" {
		j.next(j.tryCode)
	} else {
		j.next(j.pay)
	}
	return nil
}

// change alters the checkout.
func (j *journey) change(ctx context.Context, body m) (answer, error) {
	a, err := j.ask(ctx, http.MethodPatch, "/v1/checkouts/"+j.checkout, body, "Checkout-Secret", j.checkoutSecret)
	if err == nil && a.status != http.StatusOK {
		err = refused("a change of a checkout", a)
	}
	return a, err
}

// judge looks at the options, and gives the reason to leave, if there is one.
func (j *journey) judge(a answer) string {
	cheapest, days := int64(-1), -1
	for _, o := range a.list("shipping_options") {
		option := answer{body: object(o)}
		if price := option.amount("price"); cheapest < 0 || price < cheapest {
			cheapest = price
		}
		if by, err := time.Parse(time.DateOnly, option.text("estimated_delivery.to")); err == nil {
			if d := int(by.Sub(j.play.shop.Now()) / (24 * time.Hour)); days < 0 || d < days {
				days = d
			}
		}
	}
	if cheapest < 0 {
		return "other" // nothing is sent there
	}
	return j.leavesOver(j.goods, cheapest, days)
}

func (j *journey) tryCode(ctx context.Context) error {
	a, err := j.change(ctx, m{"discount_codes": []string{j.code}})
	if err != nil {
		return err
	}
	applied := slices.ContainsFunc(a.list("discounts"), func(d any) bool { return object(d)["applied"] == true })
	if !applied && j.overCode {
		return j.leave(ctx, Price)
	}
	j.next(j.pay)
	return nil
}

func (j *journey) pay(ctx context.Context) error {
	j.reached = stepPayment
	if err := j.report(ctx, m{"type": "step_entered", "step": stepPayment}); err != nil {
		return err
	}
	if why := j.silent[stepPayment]; why != "" {
		return j.leave(ctx, why)
	}
	if j.badCard {
		a, err := j.complete(ctx, "tok_declined", "first")
		if err != nil {
			return err
		}
		if a.status != http.StatusPaymentRequired {
			return refused("a card that is declined", a)
		}
		if j.overCard {
			return j.leave(ctx, PaymentOptions)
		}
	}
	return j.buy(ctx, "itself")
}

// complete pays for the checkout as it stands.
func (j *journey) complete(ctx context.Context, token, key string) (answer, error) {
	now, err := j.ask(ctx, http.MethodGet, "/v1/checkouts/"+j.checkout, nil, "Checkout-Secret", j.checkoutSecret)
	if err != nil {
		return now, err
	}
	return j.ask(ctx, http.MethodPost, "/v1/checkouts/"+j.checkout+"/complete",
		m{"payment": m{"method": "card", "token": token}, "expected_total": now.at("totals.total")},
		"Checkout-Secret", j.checkoutSecret, "Idempotency-Key", j.checkout+"-"+key)
}

// buy places the order. by is what brought the person to it.
func (j *journey) buy(ctx context.Context, by string) error {
	a, err := j.complete(ctx, "tok_visa", by)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return refused("a purchase", a)
	}
	j.order, j.orderedAt, j.reached, j.by = a.text("order.id"), j.play.shop.Now(), stepOrder, by
	j.play.then(j.orderedAt.Add(time.Duration(20+j.n%30)*time.Hour), j.ship)
	return nil
}

// comeBack finishes the purchase later: with the same cart and, if there is one
// that is still open, the same checkout.
func (j *journey) comeBack(ctx context.Context, by string) error {
	if j.order != "" {
		return nil
	}
	if j.checkout != "" {
		a, err := j.ask(ctx, http.MethodGet, "/v1/checkouts/"+j.checkout, nil, "Checkout-Secret", j.checkoutSecret)
		if err != nil {
			return err
		}
		if s := a.text("status"); s != "ready_for_payment" && s != "incomplete" {
			j.checkout = ""
		}
	}
	if j.checkout == "" {
		a, err := j.ask(ctx, http.MethodPost, "/v1/checkouts", m{"cart_id": j.cart, "email": j.email, "locale": j.home.language}, "Cart-Secret", j.cartSecret)
		if err != nil {
			return err
		}
		if a.status != http.StatusCreated {
			return refused("a second checkout", a)
		}
		j.checkout, j.checkoutSecret = a.text("id"), a.text("secret")
	}
	if _, err := j.change(ctx, m{"shipping_address": j.address()}); err != nil {
		return err
	}
	j.reached = stepPayment
	return j.buy(ctx, by)
}

// reminded is what a mail about the cart does.
func (j *journey) reminded(now time.Time, token string) {
	if j.mails++; j.mails > 1 || !j.clicks {
		return
	}
	j.play.then(now.Add(j.clicksIn), func(ctx context.Context) error {
		if j.order != "" {
			return nil
		}
		a, err := j.play.call.do(ctx, http.MethodPost, "/v1/recover/"+token, m{}, "User-Agent", j.agent)
		if err != nil {
			return err
		}
		if a.status != http.StatusOK && a.status != http.StatusCreated {
			return refused("a link of a reminder", a)
		}
		j.cart, j.cartSecret, j.checkout = a.text("cart_id"), a.text("secret"), ""
		return j.comeBack(ctx, "reminder")
	})
}

// ship is what the merchant does with an order.
func (j *journey) ship(ctx context.Context) error {
	key := []string{"Authorization", "Bearer " + j.play.shop.Secret, "Idempotency-Key", "ship-" + j.order}
	a, err := j.play.call.do(ctx, http.MethodPost, "/v1/orders/"+j.order+"/shipments", m{"carrier": "haypost", "tracking_number": strings.ToUpper("RR" + j.order[len(j.order)-9:])}, key...)
	if err != nil {
		return err
	}
	if a.status != http.StatusCreated {
		return refused("a parcel", a)
	}
	parcel := a.text("id")
	j.play.then(j.play.shop.Now().Add(time.Duration(40+j.n%120)*time.Hour), func(ctx context.Context) error {
		a, err := j.play.call.do(ctx, http.MethodPost, "/v1/shipments/"+parcel+"/events",
			m{"status": "delivered", "occurred_at": j.play.shop.Now().UTC().Format(time.RFC3339)}, "Authorization", "Bearer "+j.play.shop.Secret)
		if err == nil && a.status >= http.StatusBadRequest {
			err = refused("a delivery", a)
		}
		return err
	})
	return nil
}
