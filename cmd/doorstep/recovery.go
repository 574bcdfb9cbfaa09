package main

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/cart"
	"doorstep/catalog"
	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/notify/gate"
	"doorstep/notify/recovery"
	"doorstep/pricing"
)

// recoveries opens the gate for mail that nobody has to be sent, and the room
// that wins back carts.
func (h *house) recoveries() {
	people := mailPeople{h}
	providers := map[string]gate.Provider{}
	if secrets := h.config.MailWebhookKeys(); len(secrets) > 0 {
		providers["standard"] = gate.Standard{Secrets: secrets}
	}
	if keys := h.config.MailgunKeys(); len(keys) > 0 {
		providers["mailgun"] = gate.Mailgun{Keys: keys}
	}
	h.gate = gate.New(gate.Options{
		DB: h.db, Clock: h.db, Consents: h.customers, People: people, Links: signedLinks{h.vault, customer.EndMail}, URL: h.config.URL(), Providers: providers,
	})
	h.recovery = recovery.New(recovery.Config{
		DB: h.db, Clock: h.db, Gate: h.gate, Mail: h.mail, Carts: leftCarts{h}, Shops: mailShops{h.customers}, People: people,
		Links: signedLinks{h.vault, customer.RecoverCart}, Recommender: recommender{h}, URL: h.config.URL(), Log: h.log,
	})
	h.mail.OnBounce(h.bounced)
	h.customers.OnErase(h.recovery.Forget)
}

// remindOfCarts lets reminders follow from what is told of carts.
func (h *house) remindOfCarts() {
	on(h, "recovery.plan", h.planReminders)        // cart.abandoned
	on(h, "recovery.returned", h.shopperReturned)  // cart.recovered: no reminder for now
	on(h, "recovery.converted", h.leftCartOrdered) // cart.converted: nor ever
	on(h, "recovery.expired", h.leftCartExpired)   // cart.expired
	h.jobs.Every("recovery.remind", 2*time.Second, h.recovery.Remind)
	h.jobs.Every("recovery.tidy", time.Hour, h.recovery.Tidy)
}

func (h *house) planReminders(ctx context.Context, e cart.WasAbandoned) error {
	return h.recovery.Plan(ctx, recovery.Left{
		Merchant: e.MerchantID, Journey: e.JourneyID, Times: e.Times, Cart: e.CartID, Checkout: e.CheckoutID, Contact: e.ContactID,
		ValueMinor: e.ValueMinor, Currency: e.Currency, Country: e.Country, Language: e.Language, LeftAt: e.AbandonedAt,
	})
}

func (h *house) shopperReturned(ctx context.Context, e cart.WasRecovered) error {
	return h.recovery.Returned(ctx, e.MerchantID, e.JourneyID, e.RecoveredAt)
}

func (h *house) leftCartOrdered(ctx context.Context, e cart.WasConverted) error {
	return h.recovery.Converted(ctx, e.MerchantID, e.JourneyID, e.ConvertedAt)
}

func (h *house) leftCartExpired(ctx context.Context, e cart.WasExpired) error {
	return h.recovery.Expired(ctx, e.MerchantID, e.JourneyID, e.ExpiredAt)
}

// bounced ends mail to an address that does not exist.
func (h *house) bounced(ctx context.Context, merchant, contact uuid.UUID) error {
	person, err := h.contacts.Person(ctx, merchant, contact)
	if err != nil {
		if fault.Is(err, customer.ErrContactGone) {
			return nil
		}
		return err
	}
	return db.Run(ctx, h.db, func(tx db.Tx) error {
		_, err := h.gate.Suppress(ctx, tx, merchant, person, "all", gate.ReasonBounce, "smtp")
		return err
	})
}

// signedLinks signs the links of mails for one purpose.
type signedLinks struct {
	vault   *customer.Vault
	purpose customer.Purpose
}

func (l signedLinks) Sign(merchant, mail uuid.UUID, expires time.Time) string {
	return l.vault.Link(l.purpose, merchant, mail, expires)
}

func (l signedLinks) Open(token string, now time.Time) (merchant, mail uuid.UUID, err error) {
	return l.vault.OpenLink(l.purpose, token, now)
}

// mailPeople lets the mail room know people without their addresses.
type mailPeople struct{ h *house }

func (m mailPeople) Person(ctx context.Context, merchant, contact uuid.UUID) ([]byte, error) {
	return m.h.contacts.Person(ctx, merchant, contact)
}

func (m mailPeople) PersonByEmail(merchant uuid.UUID, email string) []byte {
	return m.h.vault.EmailHMAC(merchant, email)
}

func (m mailPeople) Bucket(use string, merchant uuid.UUID, subject []byte) int {
	return m.h.vault.Bucket(use, merchant, subject)
}

// mailShops says who writes the mails of a shop.
type mailShops struct{ customers *customer.Service }

func (m mailShops) Shop(ctx context.Context, merchant uuid.UUID) (recovery.Shop, error) {
	set, _, err := m.customers.Settings(ctx, merchant)
	if err != nil {
		return recovery.Shop{}, err
	}
	shop := recovery.Shop{Shop: senderOf(&set), Sender: set.Sender.ReplyTo != "" || set.Sender.Email != ""}
	if len(set.Seller.Address) > 0 {
		shop.Postal = append([]string{cmp.Or(set.Seller.Name, set.Name)}, set.Seller.Address...)
	}
	return shop, nil
}

// leftCarts shows the room of carts to those who remind people of them.
type leftCarts struct{ h *house }

func (l leftCarts) Left(ctx context.Context, merchant uuid.UUID, id, checkout *uuid.UUID, language string) (*recovery.Basket, error) {
	return basketOf(l.h.carts.Left(ctx, merchant, id, checkout, language))
}

func (l leftCarts) Appraise(ctx context.Context, merchant uuid.UUID, currency, language string, lines []recovery.Line, codes []string) (*recovery.Basket, error) {
	return basketOf(l.h.carts.Appraise(ctx, merchant, wantedAgain(currency, language, lines, codes)))
}

func (l leftCarts) Standing(ctx context.Context, tx db.Tx, merchant uuid.UUID, id, checkout *uuid.UUID) (recovery.Standing, error) {
	st, err := l.h.carts.Standing(ctx, tx, merchant, id, checkout)
	return recovery.Standing(st), err
}

func (l leftCarts) Buyable(ctx context.Context, tx db.Tx, merchant uuid.UUID, currency string, variants []uuid.UUID) (bool, error) {
	return l.h.carts.Buyable(ctx, tx, merchant, currency, variants)
}

func (l leftCarts) Restore(ctx context.Context, merchant, journey uuid.UUID, id *uuid.UUID, newID uuid.UUID, currency, language string, lines []recovery.Line, codes []string) (*recovery.Basket, error) {
	return basketOf(l.h.carts.Restore(ctx, cart.Restoration{
		Merchant: merchant, Journey: journey, Cart: id, NewID: newID, Basket: wantedAgain(currency, language, lines, codes),
		// The same for the same cart, so that a second click opens what the first did.
		Secret: func(id uuid.UUID) string { return l.h.vault.Link(customer.OpenCart, merchant, id, time.Unix(0, 0)) },
	}))
}

func (l leftCarts) Returned(ctx context.Context, merchant, journey uuid.UUID, checkout *uuid.UUID) {
	l.h.carts.Return(ctx, merchant, journey, checkout, "reminder")
}

func wantedAgain(currency, language string, lines []recovery.Line, codes []string) cart.Basket {
	b := cart.Basket{Currency: currency, Locale: language, Codes: codes}
	for i := range lines {
		b.Lines = append(b.Lines, catalog.Wanted{VariantID: lines[i].VariantID, Quantity: lines[i].Quantity})
	}
	return b
}

// basketOf is a cart as reminders show it.
func basketOf(v *cart.View, err error) (*recovery.Basket, error) {
	if err != nil {
		return nil, err
	}
	b := &recovery.Basket{
		ID: v.ID, Secret: v.Secret, Currency: v.Currency, Language: v.Locale, Subtotal: v.Totals.Subtotal, Discount: v.Totals.Discount,
		Total: v.Totals.DiscountedSubtotal,
	}
	for i := range v.Lines {
		b.Lines = append(b.Lines, lineLeft(&v.Lines[i]))
	}
	for i := range v.Totals.Discounts {
		if d := &v.Totals.Discounts[i]; d.Code != "" {
			b.Codes = append(b.Codes, codeLeft(d))
		}
	}
	return b, nil
}

func lineLeft(l *cart.ViewLine) recovery.Line {
	line := recovery.Line{VariantID: l.ID, Quantity: l.Quantity, Buyable: l.Counted, Total: l.Total.Subtotal + l.Total.Discount, Problem: string(l.Problem)}
	if o := l.Offer; o != nil {
		line.SKU, line.Title, line.Image, line.Unit = o.SKU, o.Title, o.Image, o.Unit
		words := make([]string, len(o.OptionValues))
		for i, v := range o.OptionValues {
			words[i] = v.Value
		}
		line.Options = strings.Join(words, ", ")
	}
	return line
}

func codeLeft(d *pricing.Outcome) recovery.Code {
	return recovery.Code{Code: d.Code, Applied: d.Applied, Reason: string(d.Reason), Amount: d.Amount}
}

// consentDesk keeps what people agree to in one room, and lifts in another what
// they had asked for before.
type consentDesk struct{ h *house }

func (d consentDesk) Consent(ctx context.Context, merchant uuid.UUID, email string, c customer.Consent) (customer.Consent, error) {
	if !customer.IsEmail(email) {
		return c, customer.ErrEmail.At("body.email", "is no e-mail address")
	}
	person := d.h.vault.EmailHMAC(merchant, email)
	err := db.Run(ctx, d.h.db, func(tx db.Tx) (err error) {
		recorded, err := d.h.customers.RecordConsent(tx, merchant, person, c)
		if err != nil {
			return err
		}
		if c.Granted {
			_, err = d.h.gate.Lift(ctx, tx, merchant, person, c.Topic, gate.ReasonUnsubscribed)
		}
		c.ID, c.CreatedAt, c.GivenAt = recorded.ID, recorded.CreatedAt, recorded.GivenAt
		return err
	})
	return c, err
}

func (d consentDesk) ConsentAtCheckout(ctx context.Context, who checkout.Access, id uuid.UUID, c customer.Consent) (customer.Consent, error) {
	v, err := d.h.checkouts.View(ctx, who, id)
	if err != nil {
		return c, err
	}
	if a := v.Contact.Shipping; a != nil {
		c.Country = a.Country
	}
	c.Actor = "shopper"
	return d.Consent(ctx, who.Merchant, v.Contact.Email, c)
}

func (d consentDesk) Known(ctx context.Context, merchant uuid.UUID, email string) ([]customer.Consent, []gate.Suppression, error) {
	if !customer.IsEmail(email) {
		return nil, nil, customer.ErrEmail.At("body.email", "is no e-mail address")
	}
	person := d.h.vault.EmailHMAC(merchant, email)
	agreed, err := d.h.customers.ConsentLog(ctx, merchant, person)
	if err != nil {
		return nil, nil, err
	}
	off, err := d.h.gate.Suppressions(ctx, merchant, person)
	return agreed, off, err
}

func (d consentDesk) Suppress(ctx context.Context, merchant uuid.UUID, email, topic string) error {
	if !customer.IsEmail(email) {
		return customer.ErrEmail.At("body.email", "is no e-mail address")
	}
	return db.Run(ctx, d.h.db, func(tx db.Tx) error {
		_, err := d.h.gate.Suppress(ctx, tx, merchant, d.h.vault.EmailHMAC(merchant, email), topic, gate.ReasonByHand, "api")
		return err
	})
}

func (d consentDesk) Lift(ctx context.Context, merchant uuid.UUID, email, topic string) error {
	if !customer.IsEmail(email) {
		return customer.ErrEmail.At("body.email", "is no e-mail address")
	}
	return db.Run(ctx, d.h.db, func(tx db.Tx) error {
		_, err := d.h.gate.Lift(ctx, tx, merchant, d.h.vault.EmailHMAC(merchant, email), topic, gate.ReasonByHand, gate.ReasonBounce)
		return err
	})
}
