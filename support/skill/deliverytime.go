package skill

import (
	"context"
	"strconv"
)

// deliveryTime says how long a parcel takes when it is ordered now, and of an order
// that stands when it comes.
func deliveryTime() Skill {
	return Skill{
		Name: "delivery_time", Intents: []string{"delivery_time"}, Order: MayOrder,
		Answer: func(ctx context.Context, t *Turn) (Answer, error) {
			if t.Order != nil {
				return orderPromise(ctx, t)
			}
			return answerDeliveryTime(ctx, t)
		},
	}
}

func answerDeliveryTime(ctx context.Context, t *Turn) (Answer, error) {
	w := wordsFor(t)
	code, said := named(t)
	if code == "" {
		return w.say("time.which").served().countryButtons("time.button.text").answer(Policy), nil
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
	}
	known := false
	for i := range found {
		d := &found[i]
		if d.From == nil && d.DaysMax == 0 {
			continue
		}
		if !known {
			w.say("time.head", "country", country)
		}
		known = true
		w.duration(i, d)
	}
	if !known {
		return w.say("time.unknown", "country", country).answer(Policy), nil
	}
	if w.line("time.order"); !said {
		w.say("ship.else")
	}
	return w.answer(Policy), nil
}

// duration adds how long one way takes, on a line of its own.
func (w *words) duration(i int, d *Delivery) {
	at := deliveryFact(i)
	name := w.fact(at, d.Name, "")
	days := ""
	if d.DaysMax > 0 {
		days = strconv.FormatInt(d.DaysMin, 10) + "–" + strconv.FormatInt(d.DaysMax, 10)
		if d.DaysMin == d.DaysMax {
			days = strconv.FormatInt(d.DaysMax, 10)
		}
		w.fact(at+".days", days, days)
	}
	switch {
	case d.From == nil || d.To == nil:
		w.line("time.days_only", "name", name, "days", days)
	case days == "":
		w.line("time.option", "name", name, "dates", w.days(at, *d.From, *d.To))
	default:
		w.line("time.option_days", "name", name, "dates", w.days(at, *d.From, *d.To), "days", days)
	}
}
