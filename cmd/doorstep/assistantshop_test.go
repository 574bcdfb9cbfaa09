package main

import (
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/config"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/obs"
	"doorstep/pricing"
	"doorstep/search"
	"doorstep/search/bleveengine"
	"doorstep/support/skill"
	"doorstep/support/slot"
	normal "doorstep/support/text"
	"doorstep/support/understand"
)

// shopTalk is the demo's shop with what the assistant's skills see of it.
type shopTalk struct {
	*house
	shop     skill.Shop
	merchant uuid.UUID
	settings customer.Settings
}

func newShopTalk(t *testing.T) *shopTalk {
	t.Helper()
	c, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	c.DataDir = dbtest.Folder(t)
	log := obs.NewLog(io.Discard, "error")
	h, err := wire(t.Context(), c, log, dbtest.New(t).DSN, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	made, err := h.makeDemo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.shopKey = made.Publishable
	engine, err := bleveengine.New(filepath.Join(c.DataDir, "search"), bleveengine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	follower := search.NewFollower(engine, search.NewStore(h.db), shelf{h.catalog, h.customers}, search.FollowerOptions{Log: log})
	done := make(chan error, 1)
	go func() { done <- follower.Run(t.Context()) }()
	t.Cleanup(func() { <-done })
	select {
	case <-follower.Ready():
	case <-time.After(patience):
		t.Fatal("the index is not ready")
	}
	set, _, err := h.customers.Settings(t.Context(), made.Merchant)
	if err != nil {
		t.Fatal(err)
	}
	return &shopTalk{h, skill.Shop{Policies: shopPolicies{h}, Products: shopSearch{h, engine}, People: shopPeople{h}}, made.Merchant, set}
}

// ask is one message of somebody to one skill.
func (c *shopTalk) ask(t *testing.T, name, language, country, said string) (skill.Answer, map[string]string) {
	t.Helper()
	said = normal.Normalise(said)
	turn := &skill.Turn{
		Merchant: c.merchant, Conversation: id.New(), Now: c.db.Now(), Language: language, Country: country, Currency: "EUR", Text: said,
		Ask: understand.Ask{Intent: name, Text: said, Slots: slot.Read(said, nil)}, Settings: c.settings, Shop: c.shop,
	}
	all := skill.All()
	a, err := all[slices.IndexFunc(all, func(s skill.Skill) bool { return s.Name == name })].Answer(t.Context(), turn)
	if err != nil {
		t.Fatalf("%s %q: %v", name, said, err)
	}
	t.Logf("%q: %s", said, a.Reply)
	facts := map[string]string{}
	for _, f := range a.Facts {
		facts[f.Name] = f.Value
	}
	return a, facts
}

func TestTheAssistantQuotesTheShopThatTheCheckoutSees(t *testing.T) {
	t.Parallel()
	c := newShopTalk(t)
	t.Run("delivery", func(t *testing.T) {
		a, f := c.ask(t, "shipping_options", "en", "", "do you ship to Armenia?")
		if f["ships"] != "true" || f["delivery.1.price"] != "1.50" && f["delivery.2.price"] != "1.50" || f["delivery.1.free_from"] != "30.00" || f["delivery.1.from"] == "" {
			t.Errorf("%s\n%v", a.Reply, f)
		}
		a, f = c.ask(t, "shipping_options", "hy", "SE", "արագ առաքում ունե՞ք")
		if f["express"] != "true" || !strings.Contains(a.Reply, "Արագ առաքում") {
			t.Errorf("%s\n%v", a.Reply, f)
		}
		a, f = c.ask(t, "shipping_options", "en", "AM", "do you have express delivery?")
		if f["express"] != "false" {
			t.Errorf("%s\n%v", a.Reply, f)
		}
		a, f = c.ask(t, "delivery_time", "km", "KH", "ដឹកប៉ុន្មានថ្ងៃ")
		if f["delivery.1.days"] == "" || f["delivery.1.to"] < f["delivery.1.from"] || f["delivery.1.from"] == "" {
			t.Errorf("%s\n%v", a.Reply, f)
		}
	})
	t.Run("payment", func(t *testing.T) {
		a, f := c.ask(t, "payment_methods", "en", "AM", "how can I pay?")
		if methods := strings.Split(f["methods"], ","); !slices.Contains(methods, "card") || !slices.Contains(methods, "cash_on_delivery") || f["cod_max"] != "200.00" || f["cod_countries"] != "AM,KH" {
			t.Errorf("%s\n%v", a.Reply, f)
		}
		a, f = c.ask(t, "payment_methods", "en", "SE", "can I pay cash?")
		if f["asked_method.accepted"] != "false" || strings.Contains(f["methods"], "cash") {
			t.Errorf("%s\n%v", a.Reply, f)
		}
	})
	t.Run("codes", func(t *testing.T) { c.codes(t) })
	t.Run("products", func(t *testing.T) { c.products(t) })
}

func (c *shopTalk) codes(t *testing.T) {
	a, f := c.ask(t, "promo_code", "hy", "", "WELCOME10 կոդը գործո՞ւմ է")
	if f["coupon.works"] != "true" || f["coupon.first_order"] != "true" || !strings.Contains(a.Reply, "Բարի գալուստ") {
		t.Errorf("%s\n%v", a.Reply, f)
	}
	if a, f = c.ask(t, "promo_code", "en", "", "what is the minimum for code FIXED5"); f["coupon.minimum"] != "30.00" || f["coupon.per_customer"] != "1" {
		t.Errorf("%s\n%v", a.Reply, f)
	}
	if a, f = c.ask(t, "promo_code", "en", "", "any coupons right now"); !strings.Contains(a.Reply, "WELCOME10") {
		t.Errorf("%s\n%v", a.Reply, f)
	}
	// One that was for somebody, and has been used, is like one that never was.
	now := c.db.Now()
	ended := now.Add(-time.Hour)
	over, err := c.pricing.CreatePromotion(t.Context(), c.merchant, pricing.Promotion{Name: map[string]string{"en": "Over"}, Kind: pricing.KindPercent, BPS: 500, EndsAt: &ended})
	if err == nil {
		err = c.pricing.AddCodes(t.Context(), c.merchant, over.ID, []string{"OVER05"}, false)
	}
	if err != nil {
		t.Fatal(err)
	}
	if a, f = c.ask(t, "promo_code", "en", "", "my code OVER05 is refused"); f["coupon.why"] != "expired" {
		t.Errorf("%s\n%v", a.Reply, f)
	}
	single, err := c.pricing.CreatePromotion(t.Context(), c.merchant, pricing.Promotion{Name: map[string]string{"en": "Single"}, Kind: pricing.KindPercent, BPS: 500})
	if err == nil {
		err = c.pricing.AddCodes(t.Context(), c.merchant, single.ID, []string{"SINGLE05"}, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	if a, f = c.ask(t, "promo_code", "en", "", "does code SINGLE05 work"); f["coupon.works"] != "true" {
		t.Errorf("%s\n%v", a.Reply, f)
	}
	err = db.Run(t.Context(), c.db, func(tx db.Tx) error {
		c.pricing.Redeem(tx, c.merchant, id.New(), 1, []byte("somebody"), []pricing.Use{{PromotionID: single.ID, CodeKey: "SINGLE05", Amount: 100, Currency: "EUR"}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	spent, _ := c.ask(t, "promo_code", "en", "", "does code SINGLE05 work")
	never, _ := c.ask(t, "promo_code", "en", "", "does code SINGLE77 work")
	if spent.Reply != strings.ReplaceAll(never.Reply, "SINGLE77", "SINGLE05") {
		t.Errorf("%q and %q", spent.Reply, never.Reply)
	}
	conversation := id.New()
	for range 10 {
		if err := (shopPolicies{c.house}).Guessed(t.Context(), c.merchant, conversation); err != nil {
			t.Fatal(err)
		}
	}
	if err := (shopPolicies{c.house}).Guessed(t.Context(), c.merchant, conversation); fault.KindOf(err) != fault.TooMany {
		t.Errorf("the eleventh guess: %v", err)
	}
}

func (c *shopTalk) products(t *testing.T) {
	a, f := c.ask(t, "product_question", "en", "", "how much is the Ararat stoneware mug?")
	if f["product.price"] != "14.00" || f["product.in_stock"] != "true" || !strings.HasSuffix(f["product.url"], "/shop/products/ararat-stoneware-mug") || a.Type != skill.Fact {
		t.Errorf("%s\n%v", a.Reply, f)
	}
	if a, f = c.ask(t, "product_question", "en", "", "what is the ararat stoneware mug made of"); f["product.attribute.material"] != "Stoneware" {
		t.Errorf("%s\n%v", a.Reply, f)
	}
	if a, f = c.ask(t, "product_question", "en", "", "do you have the pomegranate mug in cobalt"); f["variant"] != "Cobalt" || f["variant.in_stock"] != "true" || f["variant.price"] != "13.00" || f["product.price.most"] != "16.50" {
		t.Errorf("%s\n%v", a.Reply, f)
	}
	if a, f = c.ask(t, "product_question", "hy", "", "«Արարատ» խեցե գավաթն ինչ արժե"); f["product.price"] != "14.00" {
		t.Errorf("%s\n%v", a.Reply, f)
	}
	if a, f = c.ask(t, "product_question", "km", "", "កែវគំនូរផ្លែទទឹមថ្លៃប៉ុន្មាន"); f["product"] == "" || a.Type != skill.Fact {
		t.Errorf("%s\n%v", a.Reply, f)
	}
	if a, f = c.ask(t, "product_question", "en", "", "do you sell umbrellas"); a.Type != skill.Fact || f["product.found"] != "false" {
		t.Errorf("%s\n%v", a.Reply, f)
	}
}

func TestTheAssistantKeepsConsentsOnceAndForgetsWhoAsks(t *testing.T) {
	t.Parallel()
	c := newShopTalk(t)
	const email = "ani@example.com"
	who := skill.Who{Level: skill.Verified, EmailHMAC: c.vault.EmailHMAC(c.merchant, email)}
	sealed, err := c.vault.Seal(c.merchant, customer.Contact{Name: "Ani", Email: email})
	if err == nil {
		err = db.Run(t.Context(), c.db, func(tx db.Tx) error {
			customer.QueueContact(tx, c.merchant, sealed, c.db.Now())
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	people, key := c.shop.People, id.New()
	for range 2 { // the second is a repetition of the same action
		if err := people.Subscribe(t.Context(), c.merchant, who, key); err != nil {
			t.Fatal(err)
		}
	}
	agreed, off, err := consentDesk{c.house}.Known(t.Context(), c.merchant, email)
	if err != nil || len(agreed) != 2 || !agreed[0].Granted || !agreed[0].Confirmed || agreed[0].Actor != "assistant" || len(off) != 0 {
		t.Errorf("after a yes: %+v %+v %v", agreed, off, err)
	}
	key = id.New()
	for range 2 {
		if err := people.Unsubscribe(t.Context(), c.merchant, who, key); err != nil {
			t.Fatal(err)
		}
	}
	agreed, off, err = consentDesk{c.house}.Known(t.Context(), c.merchant, email)
	if err != nil || len(agreed) != 3 || agreed[0].Granted || len(off) != 1 || off[0].Topic != "all" || off[0].LiftedAt != nil {
		t.Errorf("after a no: %+v %+v %v", agreed, off, err)
	}
	if err := people.Erase(t.Context(), c.merchant, who); err != nil {
		t.Fatal(err)
	}
	if _, err := c.contacts.Contact(t.Context(), c.merchant, sealed.ID); !fault.Is(err, customer.ErrContactGone) {
		t.Errorf("the contact is still there: %v", err)
	}
	if err := people.Subscribe(t.Context(), c.merchant, skill.Who{}, id.New()); !fault.Is(err, customer.ErrPersonUnknown) {
		t.Errorf("nobody has subscribed: %v", err)
	}
}
