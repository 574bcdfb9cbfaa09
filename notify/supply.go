package notify

import (
	"time"

	"doorstep/internal/locale"
	"doorstep/internal/money"
)

// The mails about purchase orders: the first three go to a supplier, the others
// to who runs the shop.
const (
	SupplierOrder     Kind = "supplier_order"
	SupplierReduced   Kind = "supplier_reduced"   // Lines are not wanted any more
	SupplierCanceled  Kind = "supplier_canceled"  // likewise, and nothing else is
	SupplierRejected  Kind = "supplier_rejected"  // the supplier will not send Lines
	SupplierLate      Kind = "supplier_late"      // Lines should have been sent by now
	SupplierUnreached Kind = "supplier_unreached" // the mail cannot be delivered
)

// Supply is a purchase order at a supplier.
type Supply struct {
	Number   string // of the purchase order
	Order    string // of the buyer's order
	Supplier string
	Currency string
	URL      string    // where the supplier answers; only in mails to suppliers
	Due      time.Time // the day on which all of it should have left
	Cost     *int64    // of all lines, in minor units; nil when it is not known, and then no line shows one
	Again    bool      // it was mailed before, and stands differently now
}

// supplied says whether the kind is about a purchase order.
func (k Kind) supplied() bool {
	switch k {
	case SupplierOrder, SupplierReduced, SupplierCanceled, SupplierRejected, SupplierLate, SupplierUnreached:
		return true
	}
	return false
}

// cleanSupply makes the texts harmless lines.
func (d *Data) cleanSupply(text func(*string)) {
	if d.Supply == nil {
		return
	}
	s := *d.Supply
	text(&s.Number)
	text(&s.Order)
	s.Supplier = clean(s.Supplier, longName)
	d.Supply = &s
}

// checkSupply finds what a mail about a purchase order lacks.
func (d Data) checkSupply(kind Kind, need func(bool, string)) {
	s := d.Supply
	need(s != nil && s.Number != "" && s.Order != "" && s.Supplier != "", "supply")
	if s == nil {
		return
	}
	_, err := money.Exponent(s.Currency)
	need(err == nil, "supply.currency")
	need(len(d.Lines) > 0 && len(d.Lines) <= maxLines, "lines")
	for _, l := range d.Lines {
		need(l.Name != "" && l.Quantity > 0, "lines")
	}
	switch kind {
	case SupplierOrder:
		need(validURL(s.URL) && !s.Due.IsZero(), "supply.url")
	case SupplierReduced, SupplierCanceled:
		need(validURL(s.URL), "supply.url")
	}
}

// supplyArgs are the variables of these mails.
func (w *writer) supplyArgs() []any {
	s := w.d.Supply
	return []any{"shop", w.d.Shop.Name, "po", s.Number, "order", s.Order, "supplier", s.Supplier}
}

// supply shows a purchase order.
func (w *writer) supply(v *view, args []any) {
	s := w.d.Supply
	w.d.Order.Currency = s.Currency
	v.Button, v.Footer = button{}, w.t("mail.footer.supplier", args...)
	v.Facts = append(v.Facts, w.fact("purchase_order", s.Number))
	switch w.kind {
	case SupplierOrder:
		if s.Again {
			v.Intro = w.own("again", args...)
		}
		v.Facts = append(v.Facts, w.fact("ship_by", locale.Date(w.lang, w.local(s.Due))))
		v.Note = w.own("note", args...)
		v.Button = button{w.t("mail.button.answer"), s.URL}
		w.items(v, s.Cost != nil)
		if s.Cost != nil {
			v.Sums = append(v.Sums, sum{w.fact("total", w.money(*s.Cost)), true})
		}
		w.address(v)
		return
	case SupplierReduced, SupplierCanceled:
		v.Button = button{w.t("mail.button.purchase_order"), s.URL}
	default:
		v.Greeting, v.Footer = w.t("mail.greeting_staff"), w.t("mail.footer.owner", args...)
		v.Facts = append(v.Facts, w.fact("order", s.Order), w.fact("supplier", s.Supplier))
		if w.d.Reason != "" {
			v.Facts = append(v.Facts, w.fact("reason", w.d.Reason))
		}
		v.Note = w.own("note", args...)
	}
	w.items(v, false)
}
