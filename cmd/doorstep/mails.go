package main

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/notify"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"
)

// mails opens the mail room: SMTP when it is named, else captured.
func (h *house) mails() (err error) {
	o := notify.Options{DB: h.db, Clock: h.db, Contacts: mailContacts{h.contacts}, From: h.config.MailFrom}
	if h.config.SMTPURL != "" {
		if o.Sender, err = notify.NewSMTP(h.config.SMTPURL.Reveal()); err != nil {
			return err
		}
	}
	if h.mail, err = notify.New(o); err != nil {
		return err
	}
	h.customers.OnErase(h.mail.Forget)
	return nil
}

// letter is what every mail about an order says.
type letter struct {
	order *order.Order
	shop  customer.Settings
	mail  notify.Mail
}

// letter begins a mail about an order; subject is what it speaks of.
func (h *house) letter(ctx context.Context, merchant, orderID uuid.UUID, kind notify.Kind, subject uuid.UUID) (*letter, error) {
	o, err := h.orders.Order(ctx, merchant, orderID)
	if err != nil {
		return nil, err
	}
	shop, _, err := h.customers.Settings(ctx, merchant)
	if err != nil {
		return nil, err
	}
	l := &letter{order: o, shop: shop, mail: notify.Mail{
		Merchant: merchant, Kind: kind, Subject: subject, Contact: o.ContactID, Lang: languageOf(o.Locale),
		Data: notify.Data{
			Shop:          senderOf(&shop),
			Order:         notify.Order{Number: o.Number, URL: h.trackingURL(o), Currency: o.Currency, PlacedAt: o.PlacedAt},
			PaymentMethod: o.PaymentMethod,
		},
	}}
	return l, nil
}

// senderOf is who writes the mails of a shop.
func senderOf(shop *customer.Settings) notify.Shop {
	zone, err := time.LoadLocation(shop.Timezone)
	if err != nil {
		zone = time.UTC
	}
	return notify.Shop{Name: cmp.Or(shop.Sender.Name, shop.Name), From: shop.Sender.Email, Email: shop.Sender.ReplyTo, Zone: zone}
}

// languageOf is the language of a mail; English when there is no other.
func languageOf(text string) locale.Lang {
	if lang := locale.Lang(text); lang.Known() {
		return lang
	}
	return locale.En
}

// goods adds the lines of the order and its totals.
func (l *letter) goods() {
	o := l.order
	for i := range o.Lines {
		line := &o.Lines[i]
		l.mail.Data.Lines = append(l.mail.Data.Lines, notify.Line{Name: line.Title, Options: options(line), Quantity: line.Quantity, Total: line.Total})
	}
	l.mail.Data.Totals = &notify.Totals{
		Subtotal: o.Subtotal, Discount: o.Discount, Shipping: o.Shipping, Duties: o.Duties, Tax: o.Tax, Total: o.Total, TaxIncluded: o.PricesIncludeTax,
	}
	tenders, err := o.Credits()
	if err != nil {
		return // it would only be told; the sums are right without
	}
	for _, t := range tenders {
		if t.Method == payment.ByStoreCredit {
			l.mail.Data.Totals.ByStoreCredit += t.Amount
		} else {
			l.mail.Data.Totals.ByGiftCard += t.Amount
		}
	}
}

// options are the choices of a line, as words.
func options(l *order.Line) string {
	var all []struct {
		Value string `json:"value"`
	}
	if json.Unmarshal(l.OptionValues, &all) != nil {
		return ""
	}
	words := make([]string, len(all))
	for i, o := range all {
		words[i] = o.Value
	}
	return strings.Join(words, ", ")
}

func (h *house) send(ctx context.Context, l *letter) error {
	_, err := h.mail.Send(ctx, l.mail)
	return err
}

// mailPlaced confirms the order; with a bank transfer it also says how to pay.
func (h *house) mailPlaced(ctx context.Context, e order.Placed) error {
	l, err := h.letter(ctx, e.MerchantID, e.OrderID, notify.OrderConfirmation, e.OrderID)
	if err != nil {
		return err
	}
	l.goods()
	if c, err := h.contacts.Contact(ctx, e.MerchantID, l.order.ContactID); err == nil && c.Shipping != nil {
		l.mail.Data.ShipTo = addressLines(c.Shipping, l.mail.Lang)
	}
	if err := h.send(ctx, l); err != nil || e.Method != string(payment.BankTransfer) {
		return err
	}
	p, err := h.payments.Payment(ctx, e.MerchantID, e.PaymentID)
	if err != nil || p.DueAt == nil {
		return err
	}
	l.mail.Kind = notify.PaymentInstructions
	l.mail.Data.Transfer = &notify.Transfer{Amount: p.AmountMinor, Reference: p.Reference, Due: *p.DueAt}
	for _, line := range l.shop.BankTransfer.AccountLines {
		label, value, found := strings.Cut(line, ":")
		if !found {
			label, value = "", line
		}
		l.mail.Data.Transfer.Account = append(l.mail.Data.Transfer.Account, notify.AccountLine{Label: strings.TrimSpace(label), Value: strings.TrimSpace(value)})
	}
	return h.send(ctx, l)
}

func addressLines(a *customer.Address, lang locale.Lang) []string {
	var lines []string
	for _, line := range []string{a.Name, a.Line1, a.Line2, strings.TrimSpace(a.Postcode + " " + a.City), a.Region, locale.Country(lang, a.Country)} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func (h *house) mailCanceled(ctx context.Context, e order.Canceled) error {
	l, err := h.letter(ctx, e.MerchantID, e.OrderID, notify.Cancelled, e.OrderID)
	if err != nil {
		return err
	}
	key := "cancel_reason." + e.Reason
	if locale.Has(key) {
		l.mail.Data.Reason = locale.T(l.mail.Lang, key)
	}
	return h.send(ctx, l)
}

// mailSignInCode sends a customer the code that was asked for, unless it is of
// no use any more.
func (h *house) mailSignInCode(ctx context.Context, e customer.CodeAsked) error {
	c, err := h.customers.CodeRequest(ctx, e.MerchantID, e.RequestID)
	if fault.Is(err, customer.ErrCode) || err == nil && !c.Alive {
		return nil
	}
	if err != nil {
		return err
	}
	shop, _, err := h.customers.Settings(ctx, e.MerchantID)
	if err != nil {
		return err
	}
	_, err = h.mail.Send(ctx, notify.Mail{
		Merchant: e.MerchantID, Kind: notify.SignInCode, Subject: e.RequestID, Contact: c.Contact, Lang: languageOf(c.Locale),
		Data: notify.Data{Shop: senderOf(&shop), SignIn: &notify.SignIn{Code: c.Code, Minutes: c.Minutes}},
	})
	return err
}

func (h *house) mailRefunded(ctx context.Context, e payment.Refunded) error {
	r, err := h.payments.RefundByID(ctx, e.MerchantID, e.RefundID)
	if err != nil {
		return err
	}
	l, err := h.letter(ctx, e.MerchantID, e.OrderID, notify.Refunded, e.RefundID)
	if err != nil {
		return err
	}
	p, err := h.payments.Payment(ctx, e.MerchantID, r.PaymentID)
	if err != nil {
		return err
	}
	l.mail.Data.Refund = &notify.Refund{Amount: r.AmountMinor, Method: string(p.Method)}
	if r.Destination == payment.ToStoreCredit {
		l.mail.Data.Refund.Method = payment.ToStoreCredit
	}
	return h.send(ctx, l)
}

func (h *house) mailShipped(ctx context.Context, e shipping.Shipped) error {
	return h.mailParcel(ctx, e.Ref, notify.Shipped)
}

func (h *house) mailOut(ctx context.Context, e shipping.OutForDelivery) error {
	return h.mailParcel(ctx, e.Ref, notify.OutForDelivery)
}

func (h *house) mailDelivered(ctx context.Context, e shipping.Delivered) error {
	return h.mailParcel(ctx, e.Ref, notify.Delivered)
}

// mailParcel tells where one parcel is, and what is in it.
func (h *house) mailParcel(ctx context.Context, ref shipping.Ref, kind notify.Kind) error {
	l, err := h.parcelLetter(ctx, ref, kind)
	if err != nil {
		return err
	}
	return h.send(ctx, l)
}

// parcelLetter writes a mail about one parcel.
func (h *house) parcelLetter(ctx context.Context, ref shipping.Ref, kind notify.Kind) (*letter, error) {
	l, err := h.letter(ctx, ref.MerchantID, ref.OrderID, kind, ref.ShipmentID)
	if err != nil {
		return nil, err
	}
	s, err := h.shipping.Shipment(ctx, ref.MerchantID, ref.ShipmentID)
	if err != nil {
		return nil, err
	}
	p := &notify.Parcel{Carrier: s.Carrier, Number: s.TrackingNumber, Untracked: s.TrackingNumber == "", Partial: l.order.FulfillmentStatus == "partial"}
	var option order.ShippingOption
	if json.Unmarshal(l.order.ShippingOption, &option) == nil && option.From != nil && option.To != nil {
		p.ExpectedFrom, p.ExpectedTo = *option.From, *option.To
	}
	l.mail.Data.Parcel = p
	if kind == notify.Shipped {
		for _, sl := range s.Lines {
			for i := range l.order.Lines {
				if line := &l.order.Lines[i]; line.ID == sl.OrderLineID {
					l.mail.Data.Lines = append(l.mail.Data.Lines, notify.Line{
						Name: line.Title, Options: options(line), Quantity: sl.Quantity, Total: line.Total * sl.Quantity / line.Quantity,
					})
				}
			}
		}
	}
	return l, nil
}
