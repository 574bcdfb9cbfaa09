package notify

import (
	"time"

	"doorstep/internal/locale"
	"doorstep/internal/money"
)

// writer turns data into a view; it keeps the first error.
type writer struct {
	kind Kind
	lang locale.Lang
	d    Data
	err  error
}

// t is the text of key. Every text may use the variables in args.
func (w *writer) t(key string, args ...any) string {
	s, err := locale.Text(w.lang, key, args...)
	if err != nil && w.err == nil {
		w.err = err
	}
	return s
}

func (w *writer) own(part string, args ...any) string {
	return w.t("mail."+string(w.kind)+"."+part, args...)
}

func (w *writer) money(minor int64) string {
	return money.Format(minor, w.d.Order.Currency, string(w.lang))
}

func (w *writer) day(t time.Time) string { return locale.Date(w.lang, w.local(t)) }

func (w *writer) local(t time.Time) time.Time {
	if w.d.Shop.Zone != nil {
		return t.In(w.d.Shop.Zone)
	}
	return t.UTC()
}

func (w *writer) fact(label, value string) fact {
	label = w.t("mail.label." + label)
	return fact{Label: label, Value: value, Joined: w.t("mail.fact", "label", label, "value", value)}
}

func (w *writer) named(label, value string) fact {
	return fact{Label: label, Value: value, Joined: w.t("mail.fact", "label", label, "value", value)}
}

// toStoreCredit and toGiftCard are where refunds go that no bank has a part in.
const (
	toStoreCredit = "store_credit"
	toGiftCard    = "gift_card"
)

func (w *writer) view() view {
	d := w.d
	args := []any{"number", d.Order.Number}
	switch w.kind {
	case PaymentInstructions:
		args = append(args, "amount", w.money(d.Transfer.Amount))
	case Refunded:
		args = append(args, "amount", w.money(d.Refund.Amount))
	case Shipped, OutForDelivery, Delivered, Delayed, DeliveryFailed, Lost:
		args = append(args, "carrier", d.Parcel.Carrier)
	case ReturnApproved:
		args = append(args, "return", d.Return.Number)
	case SupportNews: // its topic has its own words
	default:
		if w.kind.supplied() {
			args = w.supplyArgs()
			break
		}
		args = append(args, w.newsArgs()...)
	}
	intro := "intro"
	if w.kind == Refunded {
		switch d.Refund.Method {
		case toStoreCredit:
			intro = "credit"
		case toGiftCard:
			intro = "gift_card"
		}
	}
	v := view{
		Lang:   string(w.lang),
		Shop:   d.Shop.Name,
		Footer: w.t("mail.footer", "shop", d.Shop.Name),
		Button: button{w.t("mail.button.view_order"), d.Order.URL},
	}
	if w.kind != SupportNews {
		v.Subject, v.Heading, v.Intro = w.own("subject", args...), w.own("heading", args...), w.own(intro, args...)
	}
	v.Greeting = w.t("mail.greeting_plain")
	if greetable(d.Recipient) {
		v.Greeting = w.t("mail.greeting", "name", d.Recipient)
	}
	if d.Shop.Email != "" {
		v.Help = w.t("mail.help", "email", d.Shop.Email)
	}
	switch w.kind {
	case SupplierOrder, SupplierReduced, SupplierCanceled, SupplierRejected, SupplierLate, SupplierUnreached:
		w.supply(&v, args)
	case ReturnApproved:
		w.sendBack(&v, args)
	case SignInCode, StaffCode, StaffInvitation, WebhookDisabled, CardAttack:
		w.news(&v, args)
	case OrderConfirmation:
		w.order(&v)
	case PaymentInstructions:
		w.transfer(&v)
	case Shipped, OutForDelivery, Delivered, Delayed, DeliveryFailed, Lost:
		w.parcel(&v)
	case Cancelled, Refunded:
		w.back(&v)
	case SupportNews:
		w.told(&v)
	case SupportReply:
		w.answer(&v)
	}
	return v
}

// order shows what was bought and where it goes.
func (w *writer) order(v *view) {
	d := w.d
	v.Facts = append(v.Facts, w.fact("order", d.Order.Number))
	if !d.Order.PlacedAt.IsZero() {
		v.Facts = append(v.Facts, w.fact("placed", w.day(d.Order.PlacedAt)))
	}
	if d.PaymentMethod != "" {
		v.Facts = append(v.Facts, w.fact("payment", w.method(d.PaymentMethod)))
	}
	w.items(v, true)
	w.sums(v)
	w.address(v)
}

// transfer shows how to pay by bank.
func (w *writer) transfer(v *view) {
	t := w.d.Transfer
	v.Facts = append(v.Facts, w.fact("amount", w.money(t.Amount)), w.fact("reference", t.Reference))
	for _, a := range t.Account {
		v.Facts = append(v.Facts, w.named(a.Label, a.Value))
	}
	v.Facts = append(v.Facts, w.fact("due", w.day(t.Due)))
	v.Note = w.own("note")
	w.items(v, true)
	w.sums(v)
}

// parcel shows where the parcel is.
func (w *writer) parcel(v *view) {
	p := w.d.Parcel
	v.Facts = append(v.Facts, w.fact("order", w.d.Order.Number), w.fact("carrier", p.Carrier))
	if p.Number != "" {
		v.Facts = append(v.Facts, w.fact("tracking_number", p.Number))
	}
	switch w.kind {
	case Delivered, Lost:
		v.Note = w.own("note")
		return
	case Delayed, DeliveryFailed:
		v.Note = w.own("note")
	case Shipped:
		if !p.ExpectedTo.IsZero() {
			days := locale.DateRange(w.lang, w.local(p.ExpectedFrom), w.local(p.ExpectedTo))
			v.Facts = append(v.Facts, w.fact("expected", days))
		}
		if p.Partial {
			v.Note = w.own("note")
		}
		w.items(v, false)
		w.address(v)
	}
	v.Button.Label = w.t("mail.button.track")
	if p.URL != "" {
		v.Button.URL = p.URL
	}
}

// back shows what was called off and what money returns.
func (w *writer) back(v *view) {
	d := w.d
	v.Facts = append(v.Facts, w.fact("order", d.Order.Number))
	if d.Reason != "" {
		v.Facts = append(v.Facts, w.fact("reason", d.Reason))
	}
	if r := d.Refund; r != nil {
		v.Facts = append(v.Facts, w.fact("refund", w.money(r.Amount)))
		if r.Method != "" {
			v.Facts = append(v.Facts, w.fact("refund_to", w.method(r.Method)))
		}
	}
	w.items(v, false)
}

func (w *writer) method(code string) string { return w.t("payment_method." + code) }

// items lists the lines, with their totals when the mail is about money.
func (w *writer) items(v *view, priced bool) {
	if len(w.d.Lines) == 0 {
		return
	}
	v.Items = w.t("mail.label.items")
	for _, l := range w.d.Lines {
		it := item{Count: locale.Number(w.lang, l.Quantity), Name: l.Name, Options: l.Options}
		if priced {
			it.Total = w.money(l.Total)
		}
		v.Lines = append(v.Lines, it)
	}
}

func (w *writer) sums(v *view) {
	t := w.d.Totals
	if t == nil {
		return
	}
	add := func(label, value string, strong bool) {
		v.Sums = append(v.Sums, sum{w.fact(label, value), strong})
	}
	add("subtotal", w.money(t.Subtotal), false)
	if t.Discount != 0 {
		add("discount", w.money(t.Discount), false)
	}
	if t.Shipping == 0 {
		add("shipping", w.t("mail.label.free"), false)
	} else {
		add("shipping", w.money(t.Shipping), false)
	}
	if t.Duties != 0 {
		add("duties", w.money(t.Duties), false)
	}
	if t.Tax != 0 && !t.TaxIncluded {
		add("tax", w.money(t.Tax), false)
	}
	add("total", w.money(t.Total), true)
	if t.Tax != 0 && t.TaxIncluded {
		add("tax_included", w.money(t.Tax), false)
	}
	if t.ByGiftCard > 0 {
		add("by_gift_card", w.money(-t.ByGiftCard), false)
	}
	if t.ByStoreCredit > 0 {
		add("by_store_credit", w.money(-t.ByStoreCredit), false)
	}
	if paid := t.ByGiftCard + t.ByStoreCredit; paid > 0 && paid < t.Total {
		add("left_to_pay", w.money(t.Total-paid), true)
	}
}

func (w *writer) address(v *view) {
	if len(w.d.ShipTo) > 0 {
		v.ShipTo, v.Address = w.t("mail.label.ship_to"), w.d.ShipTo
	}
}
