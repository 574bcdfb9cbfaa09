package skill

import (
	"context"
	"slices"
	"strconv"
)

// mostCountries is how many countries are named one by one.
const mostCountries = 12

// shippingOptions says where the shop sends to, how, and for how much, by the
// policy that the checkout asks.
func shippingOptions() Skill {
	return Skill{Name: "shipping_options", Intents: []string{"shipping_options"}, Answer: answerShipping}
}

func answerShipping(ctx context.Context, t *Turn) (Answer, error) {
	w := wordsFor(t)
	code, said := named(t)
	if code == "" || !said && asksWhere(t) {
		return shippingAnywhere(ctx, w)
	}
	found, err := deliveriesTo(ctx, t, code)
	if err != nil {
		return Answer{}, err
	}
	country := w.country(code)
	if len(found) == 0 {
		return w.notServed(code, country).answer(Policy), nil
	}
	if asksExpress(t) {
		if err := w.express(ctx, country, found, said); err != nil {
			return Answer{}, err
		}
	} else if said {
		w.fact("ships", "true", "")
		w.say("ship.yes", "country", country)
	}
	w.say("ship.options", "country", country)
	for i := range found {
		w.option(i, &found[i], "ship.option", "ship.option_dates")
	}
	w.free(found).line("ship.note")
	if url := policyLink(t, "shipping"); url != "" {
		w.say("ship.link", "url", w.fact("shipping_policy.url", url, ""))
	}
	if !said {
		w.elsewhere()
	}
	return w.answer(Policy), nil
}

// free says from which sum each way costs nothing, and that there is none when that
// was asked.
func (w *words) free(found []Delivery) *words {
	known := slices.ContainsFunc(found, func(d Delivery) bool { return d.FreeFrom > 0 || d.Price == 0 })
	for i := range found {
		if d := &found[i]; d.FreeFrom > 0 {
			w.line("ship.free_from", "name", d.Name, "amount", w.sum(deliveryFact(i)+".free_from", d.FreeFrom, d.Currency))
		}
	}
	if !known && says(w.t, "free", "անվճար", "ձրի", "anvchar", "ឥតគិតថ្លៃ", "មិនគិតថ្លៃ", "ហ្វ្រី") {
		w.line("ship.free_none")
	}
	return w
}

// elsewhere says what other countries there are, for whom the writer's was guessed.
func (w *words) elsewhere() *words {
	if n := len(w.t.Settings.Countries); n > 0 && n <= mostCountries {
		w.line("ship.countries", "countries", w.countries("ship_countries", w.t.Settings.Countries))
		return w.say("ship.else")
	}
	return w.line("ship.else")
}

// asksWhere says that the message asks for countries as such.
func asksWhere(t *Turn) bool {
	return says(t, "countries", "which country", "what country", "abroad", "worldwide", "international", "anywhere", "everywhere", "where do you",
		"որ երկր", "ինչ երկր", "երկրներ", "արտերկիր", "արտասահման", "ամբողջ աշխարհ", "ប្រទេសណា", "ប្រទេសអ្វី", "ប្រទេសខ្លះ", "ក្រៅប្រទេស", "អន្តរជាតិ", "បរទេស")
}

func asksExpress(t *Turn) bool {
	return says(t, "express", "overnight", "next day", "next-day", "same day", "fastest", "quickest", "urgent", "արագ", "էքսպրես", "շտապ", "arag", "រហ័ស", "លឿន", "អេក្សប្រេស", "ប្រញាប់")
}

// deliveriesTo are the ways to a country, none when it is not served.
func deliveriesTo(ctx context.Context, t *Turn, code string) ([]Delivery, error) {
	if !t.Settings.ShipsTo(code) {
		return nil, nil
	}
	return t.Shop.Policies.Deliveries(speaking(ctx, t), t.Merchant, code, t.Currency, t.Now)
}

// notServed says that nothing goes there, and whether that is meant to be so.
func (w *words) notServed(code, country string) *words {
	if len(w.t.Settings.Countries) > 0 && w.t.Settings.ShipsTo(code) {
		return w.say("ship.none_now", "country", country)
	}
	w.fact("ships", "false", "")
	w.say("ship.no", "country", country)
	if list := w.t.Settings.Countries; len(list) > 0 && len(list) <= mostCountries {
		w.say("ship.countries", "countries", w.countries("ship_countries", list))
	}
	return w
}

// deliveryFact names the facts of a delivery by its place in the list.
func deliveryFact(i int) string { return "delivery." + strconv.Itoa(i+1) }

// option adds one way on a line of its own, dated when its days are known.
func (w *words) option(i int, d *Delivery, plain, dated string) {
	at := deliveryFact(i)
	name := w.fact(at, d.Name, "")
	price := w.word("ship.free")
	if d.Price == 0 {
		w.fact(at+".price", "0", price)
	} else if price = w.sum(at+".price", d.Price, d.Currency); d.Estimated {
		price = w.word("ship.about", "price", price)
	}
	w.fact(at+".currency", d.Currency, "")
	if d.From == nil || d.To == nil {
		w.line(plain, "name", name, "price", price)
		return
	}
	w.line(dated, "name", name, "price", price, "dates", w.days(at, *d.From, *d.To))
}

// express says whether one of the ways is an express, and where else there is one
// unless the message was about this country alone and it has one.
func (w *words) express(ctx context.Context, country string, found []Delivery, said bool) error {
	if hasExpress(found) {
		w.fact("express", "true", "")
		if w.say("ship.express_yes", "country", country); said {
			return nil
		}
		return w.expressCountries(ctx)
	}
	w.fact("express", "false", "")
	w.say("ship.express_no", "country", country)
	return w.expressCountries(ctx)
}

func hasExpress(found []Delivery) bool {
	for i := range found {
		if found[i].Express {
			return true
		}
	}
	return false
}

// expressCountries says where there is an express, when the shop names few enough
// countries to ask for each.
func (w *words) expressCountries(ctx context.Context) error {
	list := w.t.Settings.Countries
	if len(list) == 0 || len(list) > mostCountries {
		return nil
	}
	var fast []string
	for _, code := range list {
		found, err := deliveriesTo(ctx, w.t, code)
		if err != nil {
			return err
		}
		if hasExpress(found) {
			fast = append(fast, code)
		}
	}
	if len(fast) == 0 {
		w.say("ship.express_nowhere")
		return nil
	}
	w.say("ship.express_countries", "countries", w.countries("express_countries", fast))
	return nil
}

// shippingAnywhere answers when no country is known.
func shippingAnywhere(ctx context.Context, w *words) (Answer, error) {
	if asksExpress(w.t) {
		if err := w.expressCountries(ctx); err != nil {
			return Answer{}, err
		}
	}
	w.served().say("ship.which")
	return w.countryButtons("ship.button.text").answer(Policy), nil
}

// served says where the shop sends to.
func (w *words) served() *words {
	list := w.t.Settings.Countries
	switch {
	case len(list) == 0:
		return w.say("ship.anywhere")
	case len(list) > mostCountries:
		return w.count("ship_countries.count", int64(len(list)), "ship.many")
	}
	return w.say("ship.countries", "countries", w.countries("ship_countries", list))
}

// countryButtons offer the first countries of the shop.
func (w *words) countryButtons(text string) *words {
	for _, code := range w.t.Settings.Countries[:min(len(w.t.Settings.Countries), mostButtons-1)] {
		name := w.countryName(code)
		w.choice(w.word("ship.button", "country", name), w.word(text, "country", name))
	}
	return w
}
