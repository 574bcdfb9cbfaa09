package notify

import (
	"doorstep/internal/locale"
	"doorstep/internal/money"
)

// Reminder is what a mail about a cart that was left says besides its lines.
type Reminder struct {
	URL   string // where the cart is opened again
	Leave string // where such mails are ended; it must change nothing when opened
	// Step counts the mails about this cart from 1; Last says that none follows.
	Step int
	Last bool
	// Together is what the lines cost now, before shipping, in minor units.
	Together int64
	// Unshown is how many lines there are besides those that are named.
	Unshown int64
	Extras  []Extra // what goes with the cart
	Postal  []string
}

// Extra is a thing that goes with a cart, at its price in minor units.
type Extra struct {
	Name, Options string
	Price         int64
}

// mostExtras is how many things a reminder may recommend.
const mostExtras = 4

// cleanReminder makes its texts harmless lines.
func (d *Data) cleanReminder(text func(*string)) {
	if d.Reminder == nil {
		return
	}
	r := *d.Reminder
	r.Extras = append([]Extra(nil), r.Extras...)
	for i := range r.Extras {
		text(&r.Extras[i].Name)
		text(&r.Extras[i].Options)
	}
	r.Postal = nil
	for _, line := range d.Reminder.Postal {
		if text(&line); line != "" {
			r.Postal = append(r.Postal, line)
		}
	}
	d.Reminder = &r
}

// checkReminder finds what a reminder lacks.
func (d Data) checkReminder(need func(bool, string)) {
	r := d.Reminder
	if r == nil {
		need(false, "reminder")
		return
	}
	need(validURL(r.URL), "reminder.url")
	need(validURL(r.Leave), "reminder.leave")
	need(r.Step > 0 && r.Unshown >= 0 && r.Together >= 0, "reminder.step")
	need(len(r.Postal) <= longest, "reminder.postal")
	need(len(r.Extras) <= mostExtras, "reminder.extras")
	for _, e := range r.Extras {
		need(e.Name != "" && e.Price >= 0, "reminder.extras")
	}
	_, err := money.Exponent(d.Order.Currency)
	need(err == nil, "order.currency")
	need(len(d.Lines) > 0 && len(d.Lines) <= maxLines, "lines")
	for _, l := range d.Lines {
		need(l.Name != "" && l.Quantity > 0, "lines")
	}
}

// reminder shows what was left, the lines first.
func (w *writer) reminder(v *view) {
	r := w.d.Reminder
	args := w.newsArgs()
	switch {
	case r.Last && r.Step > 1:
		v.Intro = w.own("last", args...)
	case r.Step > 1:
		v.Intro = w.own("again", args...)
	}
	v.Footer, v.Note, v.Late = w.own("footer", args...), "", true
	w.items(v, true)
	if r.Unshown > 0 {
		v.Sums = append(v.Sums, sum{w.fact("and_more", locale.Number(w.lang, r.Unshown)), false})
	}
	v.Sums = append(v.Sums, sum{w.fact("together", w.money(r.Together)), true})
	v.Note = w.own("note", args...)
	v.Button = button{w.t("mail.button.cart"), r.URL}
	if len(r.Extras) > 0 {
		v.More = w.t("mail.label.more")
		for _, e := range r.Extras {
			v.Extras = append(v.Extras, item{Name: e.Name, Options: e.Options, Total: w.money(e.Price)})
		}
	}
	v.Leave = button{w.t("mail.leave.reminders"), r.Leave}
	v.Postal = r.Postal
}
