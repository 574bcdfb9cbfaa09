package main

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/notify"
	"doorstep/notify/webhook"
	"doorstep/order"
)

// Mails to those who run a shop or work there, and to buyers who may send
// something back.

// staffMail begins a mail to a member of staff.
func (h *house) staffMail(ctx context.Context, merchant uuid.UUID, kind notify.Kind, subject uuid.UUID) (notify.Mail, *customer.Settings, error) {
	shop, _, err := h.customers.Settings(ctx, merchant)
	if err != nil {
		return notify.Mail{}, nil, err
	}
	lang := locale.En
	if len(shop.Languages) > 0 {
		lang = languageOf(shop.Languages[0])
	}
	return notify.Mail{Merchant: merchant, Kind: kind, Subject: subject, Lang: lang, Data: notify.Data{Shop: senderOf(&shop)}}, &shop, nil
}

// mailStaffCode sends a member of staff the code that was asked for, unless it
// is of no use: nobody of that address works here, or not any more.
func (h *house) mailStaffCode(ctx context.Context, e customer.StaffCodeAsked) error {
	l, err := h.customers.StaffCodeLetter(ctx, e.MerchantID, e.RequestID)
	if err != nil || !l.Alive {
		return err
	}
	m, _, err := h.staffMail(ctx, e.MerchantID, notify.StaffCode, e.RequestID)
	if err != nil {
		return err
	}
	m.Contact, m.Lang, m.Data.SignIn = l.Contact, languageOf(l.Locale), &notify.SignIn{Code: l.Code, Minutes: l.Minutes}
	_, err = h.mail.Send(ctx, m)
	return err
}

// mailInvitation sends the code of an invitation, while that stands.
func (h *house) mailInvitation(ctx context.Context, e customer.StaffInvited) error {
	l, err := h.customers.InviteLetter(ctx, e)
	if err != nil || !l.Alive {
		return err
	}
	m, _, err := h.staffMail(ctx, e.MerchantID, notify.StaffInvitation, e.InviteID)
	if err != nil {
		return err
	}
	m.Contact, m.Data.Invitation = l.Contact, &notify.Invitation{Code: l.Code, Days: 7}
	_, err = h.mail.Send(ctx, m)
	return err
}

// tellOwners sends a mail to all who own the shop or, where nobody does, to the
// address that the shop writes from.
func (h *house) tellOwners(ctx context.Context, m notify.Mail, shop *customer.Settings) error {
	owners, err := h.customers.Owners(ctx, m.Merchant)
	if err != nil {
		return err
	}
	if len(owners) == 0 {
		if m.To = cmp.Or(shop.Sender.ReplyTo, shop.Sender.Email); m.To == "" {
			return nil // the audit log and the API say it all the same
		}
		_, err := h.mail.Send(ctx, m)
		return err
	}
	var errs []error
	for _, contact := range owners {
		m.Contact, m.Key = contact, string(m.Kind)+":"+m.Subject.String()+":"+contact.String()
		_, err := h.mail.Send(ctx, m)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// noteDisabled writes an endpoint that the program switched off into the audit
// log.
func (h *house) noteDisabled(tx db.Tx, e webhook.EndpointDisabled) error {
	act := &customer.Act{Merchant: e.MerchantID, Actor: "system", Origin: "deliveries", Action: "disable-webhook-endpoint", Subject: e.EndpointID.String()}
	if err := act.Compare(map[string]any{"status": webhook.Active}, map[string]any{"status": webhook.Disabled, "status_reason": e.Reason}); err != nil {
		return err
	}
	return h.customers.Record(tx, act)
}

// mailDisabled tells who runs the shop that an endpoint was switched off.
func (h *house) mailDisabled(ctx context.Context, e webhook.EndpointDisabled) error {
	endpoint, err := h.webhooks.Endpoint(ctx, e.MerchantID, e.EndpointID)
	if fault.KindOf(err) == fault.NotFound {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	m, shop, err := h.staffMail(ctx, e.MerchantID, notify.WebhookDisabled, e.EndpointID)
	if err != nil {
		return err
	}
	// Once for each time that it is switched off.
	m.Subject = uuid.NewSHA1(e.EndpointID, []byte(e.DisabledAt.UTC().String()))
	m.Data.Hook = &notify.Hook{URL: endpoint.URL, Reason: locale.T(m.Lang, "webhook_disabled_reason."+e.Reason)}
	return h.tellOwners(ctx, m, shop)
}

// mailReturnApproved tells the buyer what to do with what may come back.
func (h *house) mailReturnApproved(ctx context.Context, e order.ReturnAccepted) error {
	r, err := h.orders.Return(ctx, e.MerchantID, e.ReturnID)
	if err != nil {
		return err
	}
	l, err := h.letter(ctx, e.MerchantID, e.OrderID, notify.ReturnApproved, e.ReturnID)
	if err != nil {
		return err
	}
	back := &notify.Return{Number: r.Number}
	switch to, split := takenBackBy(r); {
	case split: // the buyer asks; each return of one place alone says where to
	case to != nil:
		at := r.Places[0].Address
		at.Name = cmp.Or(at.Name, r.Places[0].Name)
		back.Address = addressLines(&at, l.mail.Lang)
	case len(l.shop.Seller.Address) > 0:
		back.Address = append([]string{cmp.Or(l.shop.Seller.Name, l.shop.Name)}, l.shop.Seller.Address...)
	}
	l.mail.Data.Return = back
	for i := range r.Lines {
		for j := range l.order.Lines {
			if line := &l.order.Lines[j]; line.ID == r.Lines[i].LineID {
				l.mail.Data.Lines = append(l.mail.Data.Lines, notify.Line{Name: line.Title, Options: options(line), Quantity: r.Lines[i].Quantity})
			}
		}
	}
	return h.send(ctx, l)
}

// mailAttack tells who runs the shop that somebody seems to try stolen cards
// there, once a day however long it goes on.
func (h *house) mailAttack(ctx context.Context, e checkout.CardAttack) error {
	m, shop, err := h.staffMail(ctx, e.MerchantID, notify.CardAttack, uuid.NewSHA1(e.MerchantID, []byte("card attack of "+e.SeenAt.UTC().Format(time.DateOnly))))
	if err != nil {
		return err
	}
	m.Data.Attack = &notify.Attack{Declines: int64(e.Declines), Attempts: int64(e.Attempts), Minutes: e.Minutes}
	return h.tellOwners(ctx, m, shop)
}
