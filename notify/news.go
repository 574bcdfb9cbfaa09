package notify

import "doorstep/internal/locale"

// Return is what a buyer may send back now, and how.
type Return struct {
	Number  string   // the RMA number, which goes with the parcel
	Address []string // where it goes to, line by line; empty: the shop will say
}

// Invitation asks somebody to join the staff.
type Invitation struct {
	Code string
	Days int64 // that it holds
}

// Hook is a webhook endpoint of the shop.
type Hook struct {
	URL    string
	Reason string // why it is disabled, in the reader's language
}

// Attack is what looks like somebody who tries stolen cards.
type Attack struct {
	Declines, Attempts int64
	Minutes            int64 // in which they were
}

// orderless kinds speak of no order.
func (k Kind) orderless() bool {
	switch k {
	case SignInCode, StaffCode, StaffInvitation, WebhookDisabled, CardAttack, CartReminder, SupportReply:
		return true
	}
	return k.supplied()
}

// cleanNews makes the texts of these parts harmless lines.
func (d *Data) cleanNews(text func(*string)) {
	if d.Return != nil {
		r := Return{Number: d.Return.Number}
		text(&r.Number)
		for _, line := range d.Return.Address {
			if text(&line); line != "" {
				r.Address = append(r.Address, line)
			}
		}
		d.Return = &r
	}
	if d.Invitation != nil {
		i := *d.Invitation
		text(&i.Code)
		d.Invitation = &i
	}
	if d.Hook != nil {
		h := *d.Hook
		text(&h.URL)
		text(&h.Reason)
		d.Hook = &h
	}
	d.cleanReminder(text)
}

// checkNews finds what a mail that speaks of no order lacks.
func (d Data) checkNews(kind Kind, need func(bool, string)) {
	switch kind {
	case SupplierOrder, SupplierReduced, SupplierCanceled, SupplierRejected, SupplierLate, SupplierUnreached:
		d.checkSupply(kind, need)
	case StaffInvitation:
		need(d.Invitation != nil && d.Invitation.Code != "" && d.Invitation.Days > 0, "invitation")
	case WebhookDisabled:
		need(d.Hook != nil && d.Hook.URL != "" && d.Hook.Reason != "", "hook")
	case CardAttack:
		need(d.Attack != nil && d.Attack.Declines > 0 && d.Attack.Attempts >= d.Attack.Declines && d.Attack.Minutes > 0, "attack")
	case CartReminder:
		d.checkReminder(need)
	case SupportReply:
		d.checkAnswer(need)
	default:
		need(d.SignIn != nil && d.SignIn.Code != "" && d.SignIn.Minutes > 0, "sign_in")
	}
}

// newsArgs are the variables of mails that speak of no order.
func (w *writer) newsArgs() []any {
	d := w.d
	args := []any{"shop", d.Shop.Name}
	number := func(n int64) string { return locale.Number(w.lang, n) }
	switch w.kind {
	case SignInCode, StaffCode:
		args = append(args, "code", d.SignIn.Code, "minutes", number(d.SignIn.Minutes))
	case StaffInvitation:
		args = append(args, "days", number(d.Invitation.Days))
	case CardAttack:
		args = append(args, "declines", number(d.Attack.Declines), "attempts", number(d.Attack.Attempts), "minutes", number(d.Attack.Minutes))
	}
	return args
}

// news shows what speaks of no order.
func (w *writer) news(v *view, args []any) {
	d := w.d
	v.Button, v.Footer, v.Note = button{}, w.own("footer", args...), w.own("note", args...)
	if w.kind != SignInCode {
		v.Greeting = w.t("mail.greeting_staff") // they are no customers
	}
	switch w.kind {
	case StaffInvitation:
		v.Facts = append(v.Facts, w.fact("code", d.Invitation.Code))
	case WebhookDisabled:
		v.Facts = append(v.Facts, w.fact("endpoint", d.Hook.URL), w.fact("reason", d.Hook.Reason))
	case CardAttack:
	default:
		v.Facts = append(v.Facts, w.fact("code", d.SignIn.Code))
	}
}

// sendBack shows what goes back and how.
func (w *writer) sendBack(v *view, args []any) {
	r := w.d.Return
	v.Facts = append(v.Facts, w.fact("order", w.d.Order.Number), w.fact("return", r.Number))
	w.items(v, false)
	v.Note = w.own("note", args...)
	if len(r.Address) > 0 {
		v.ShipTo, v.Address = w.t("mail.label.return_to"), r.Address
		return
	}
	v.Note += " " + w.own("ask")
}
