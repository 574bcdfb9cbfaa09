package main

import (
	"context"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"doorstep/api"
	"doorstep/cmd/doorstep/demo"
	"doorstep/internal/db"
	"doorstep/payment"
	"doorstep/payment/sandbox"
	"doorstep/search"
	"doorstep/shipping/purchase"
	"doorstep/web"
)

// apiRooms puts every room behind the door.
func (h *house) apiRooms(engine search.Engine) api.Rooms {
	credits := payment.NewCredits(h.db, h.customers)
	r := api.Rooms{
		Writer: h.writer, Carts: h.carts, Checkouts: h.checkouts, PaymentMethods: h.checkouts, Statements: h.statements,
		Orders: dispatch{h.orders, h.accounts}, Documents: h.documents, Contacts: h.contacts, Payments: h.payments, Credits: credits, Differences: h.payments, Shipments: parcels{h.shipping, h.accounts}, Deliveries: h.shipping, CarrierAccounts: h.accounts,
		AfterSale: h.orders, People: h.persons(credits), Staff: h.customers, Keys: h.customers,
		Settings: h.customers, Webhooks: h.webhooks, Audit: h.customers, Locations: h.catalog, Promotions: h.pricing, TaxRates: h.pricing,
		Catalogue: h.catalog, Search: engine, Terms: h.terms, Recommendations: h.recommend, OrderImports: h.orders,
	}
	r.PaymentInbox, r.CarrierInbox, r.Labels = h.inbox, h.tracks, labelDesk{h.labels, h}
	r.Analytics = h.analytics
	r.Papers, r.Purchases = paperDesk{h}, purchase.New(h.db, h.catalog)
	r.Suppliers = h.suppliers
	r.Recovery, r.Subscriptions, r.Consents = h.recovery, h.gate, consentDesk{h}
	h.talks = h.assistant(engine)
	r.Assistant, r.Inbound = h.talks, h.letters
	r.Inbox, r.Support = h.inboxes, h.support
	if h.demo {
		r.Dev = &api.Dev{Mails: h.mail, Shift: h.shiftClock, Authenticate: h.authenticate}
	}
	return r
}

// shiftClock moves the demo's clock on and says what it then shows.
func (h *house) shiftClock(d time.Duration) time.Time {
	h.clock.Shift(d)
	return h.clock.Now()
}

// authenticate plays the buyer's 3-D Secure step, and then does what the
// gateway's webhook would: it settles the payment.
func (h *house) authenticate(ctx context.Context, paymentID string, succeeded bool) error {
	if err := h.gateway.Authenticate(paymentID, succeeded); err != nil {
		return err
	}
	id, err := uuid.Parse(paymentID)
	if err != nil {
		return sandbox.ErrUnknownPayment
	}
	var merchant uuid.UUID
	found, err := db.One(h.db.QueryRow(ctx, `select merchant_id from payments where id = $1`, id), &merchant)
	if err != nil || !found {
		return err
	}
	_, err = h.checkouts.Settle(ctx, merchant, id)
	if !succeeded {
		return nil // a declined payment is what was asked for
	}
	return err
}

// pages adds what people look at, and sends whoever comes to the front door on.
// The demo also serves its product pictures, drawn on the spot so that no page
// looks broken without a network.
func (h *house) pages(door *api.Server) {
	web.Register(door.App(), web.Options{
		API: door.Handler(), ShopKey: h.shopKey, BaseURL: h.config.URL(), Demo: h.demo, Clock: h.clock, Log: h.log,
	})
	front := "/docs"
	if h.shopKey != "" {
		front = "/shop"
	}
	door.App().Get("/", func(c *fiber.Ctx) error { return c.Redirect(front) })
	if !h.demo {
		return
	}
	door.App().Get("/demo/images/:file", func(c *fiber.Ctx) error {
		name, ok := strings.CutSuffix(c.Params("file"), ".svg")
		if !ok {
			return fiber.ErrNotFound
		}
		svg, ok := demo.Picture(name)
		if !ok {
			return fiber.ErrNotFound
		}
		c.Set(fiber.HeaderContentType, "image/svg+xml")
		c.Set(fiber.HeaderCacheControl, "public, max-age=86400")
		c.Set("Cross-Origin-Resource-Policy", "cross-origin")
		return c.Send(svg)
	})
}
