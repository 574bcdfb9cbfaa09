package main

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/order"
	supportdesk "doorstep/support/desk"
	"doorstep/support/hook"
)

// inboxRoom is the inbox with what it needs of other rooms.
type inboxRoom struct {
	*supportdesk.Inbox
	h *house
}

// Settings gives the settings of the desk.
func (r inboxRoom) Settings(ctx context.Context, merchant uuid.UUID) (supportdesk.Settings, error) {
	return r.h.desks.Settings(ctx, merchant)
}

// Save changes them.
func (r inboxRoom) Save(ctx context.Context, merchant uuid.UUID, ifVersion *int64, patch func(*supportdesk.Settings)) (supportdesk.Settings, error) {
	return r.h.desks.Save(ctx, merchant, ifVersion, patch)
}

// besideTalk is how many orders are shown beside a conversation.
const besideTalk = 20

// writer is who writes a conversation; false as long as that is not proved: the contact
// of a mail is whoever its From line names.
func (r inboxRoom) writer(ctx context.Context, e *supportdesk.Entry) (customer.Contact, bool, error) {
	if e.ContactID == nil || len(e.EmailHMAC) == 0 {
		return customer.Contact{}, false, nil
	}
	c, err := r.h.contacts.Contact(ctx, e.MerchantID, *e.ContactID)
	if fault.Is(err, customer.ErrContactGone) {
		return c, false, nil
	}
	return c, err == nil, err
}

// Orders are those of whoever writes.
func (r inboxRoom) Orders(ctx context.Context, e *supportdesk.Entry) ([]order.Order, error) {
	c, known, err := r.writer(ctx, e)
	if err != nil || !known || c.Email == "" {
		return nil, err
	}
	page, err := r.h.orders.List(ctx, e.MerchantID, order.Filter{Email: c.Email}, "", besideTalk, false)
	return page.Orders, err
}

// Values are what reply templates may name.
func (r inboxRoom) Values(ctx context.Context, e *supportdesk.Entry, staff uuid.UUID) (map[string]string, error) {
	shop, _, err := r.h.customers.Settings(ctx, e.MerchantID)
	if err != nil {
		return nil, err
	}
	all := map[string]string{"shop": senderOf(&shop).Name, "agent": senderOf(&shop).Name}
	if c, known, err := r.writer(ctx, e); err != nil {
		return nil, err
	} else if known {
		all["name"] = c.Name
	}
	if e.OrderID == nil {
		return all, nil
	}
	o, err := r.h.orders.Order(ctx, e.MerchantID, *e.OrderID)
	if errors.Is(err, order.ErrNotFound) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	all["order"] = o.Number
	if key := "order_status." + string(o.Status); locale.Has(key) {
		all["order_status"] = locale.T(languageOf(e.Locale), key)
	}
	parcels, err := r.h.shipping.OfOrder(ctx, e.MerchantID, o.ID)
	if err != nil {
		return nil, err
	}
	for i := range parcels { // the last one counts
		all["carrier"], all["tracking"] = parcels[i].Carrier, parcels[i].TrackingNumber
	}
	return all, nil
}

// Member fails unless somebody works for the shop.
func (r inboxRoom) Member(ctx context.Context, merchant, staff uuid.UUID) error {
	_, err := r.h.customers.StaffMember(ctx, merchant, staff)
	return err
}

// leads says whether somebody may release and close what other staff have.
func (h *house) leads(ctx context.Context, merchant, staff uuid.UUID) (bool, error) {
	m, err := h.customers.StaffMember(ctx, merchant, staff)
	if fault.Is(err, customer.ErrStaffUnknown) {
		return false, nil
	}
	return m.Role == customer.Owner || m.Role == customer.Manager, err
}

// talkOver ends the case that a hand-over has opened.
func (h *house) talkOver(ctx context.Context, e supportdesk.Ended) error {
	return h.support.Settle(ctx, hook.Settled{
		Merchant: e.MerchantID, Events: []hook.Event{hook.AssistantHandoff}, Key: "talk_over:" + e.ConversationID.String() + e.At.UTC().String(), Subject: e.ConversationID,
		Why: "conversation_over", At: e.At,
	})
}
