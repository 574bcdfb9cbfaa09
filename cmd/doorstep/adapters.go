package main

import (
	"context"

	"github.com/google/uuid"

	"doorstep/api"
	"doorstep/cart"
	"doorstep/catalog"
	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/order"
	"doorstep/pricing"
	"doorstep/search"
)

// What one room declares and another offers under a slightly different name.

// keys lets the API find out whose key it is.
type keys struct{ *customer.Service }

func (k keys) Authenticate(ctx context.Context, key string) (api.Principal, error) {
	p, err := k.Service.Authenticate(ctx, key)
	return api.Principal{Merchant: p.Merchant, KeyID: p.KeyID, Secret: p.Secret, Scopes: p.Scopes, Origins: p.Origins, ExpiresAt: p.ExpiresAt}, err
}

// cartSource lets checkout read a cart.
type cartSource struct{ *cart.Service }

func (c cartSource) ForCheckout(ctx context.Context, merchant, id uuid.UUID, secret string, trusted bool) (checkout.Source, error) {
	contents, err := c.Service.ForCheckout(ctx, merchant, id, secret, trusted)
	return checkout.Source(contents), err
}

// Rules loads all that a merchant's prices depend on.
func (h *house) Rules(ctx context.Context, merchant uuid.UUID) (*checkout.Rules, error) {
	rules, err := h.pricing.Load(ctx, merchant) // reads the version first: the rest is never older
	if err != nil {
		return nil, err
	}
	settings, _, err := h.customers.Settings(ctx, merchant)
	if err != nil {
		return nil, err
	}
	live, _, err := h.shipping.Live(ctx, merchant)
	if err != nil {
		return nil, err
	}
	origins, err := h.suppliers.Origins(ctx, merchant)
	if err != nil {
		return nil, err
	}
	return &checkout.Rules{Version: rules.Version, Settings: settings, Pricing: rules, Policy: live, Suppliers: origins}, nil
}

// returnDays is how long after delivery a merchant takes things back.
func (h *house) returnDays(ctx context.Context, merchant uuid.UUID) (int64, error) {
	settings, _, err := h.customers.Settings(ctx, merchant)
	return settings.ReturnWindowDays, err
}

// priceLines works out what is added to an order that stands: at today's taxes
// of the place it goes to, without promotions.
func (h *house) priceLines(ctx context.Context, o *order.Order, lines []pricing.Line) (pricing.Result, error) {
	rules, err := h.pricing.Load(ctx, o.MerchantID)
	if err != nil {
		return pricing.Result{}, err
	}
	in := pricing.Input{Currency: o.Currency, Lines: lines, PricesIncludeTax: o.PricesIncludeTax, Now: h.db.Now()}
	if o.Country != nil {
		in.Destination.Country = *o.Country
		in.TaxRates = rules.TaxRates(*o.Country)
	}
	c, err := h.contacts.Contact(ctx, o.MerchantID, o.ContactID)
	if err != nil && !fault.Is(err, customer.ErrContactGone) {
		return pricing.Result{}, err
	}
	if a := c.Shipping; a != nil && a.Country == in.Destination.Country {
		in.Destination.Region, in.Destination.Postcode = a.Region, a.Postcode
	}
	return pricing.Total(in)
}

// mailContacts lets notify reach people.
type mailContacts struct{ *customer.Contacts }

func (m mailContacts) Contact(ctx context.Context, merchant, contact uuid.UUID) (name, email string, err error) {
	c, err := m.Contacts.Contact(ctx, merchant, contact)
	return c.Name, c.Email, err
}

// shelf shows the catalogue to the search index.
type shelf struct {
	catalog   *catalog.Service
	customers *customer.Service
}

func (s shelf) Merchants(ctx context.Context) ([]uuid.UUID, error) {
	all, err := s.customers.Merchants(ctx)
	ids := make([]uuid.UUID, len(all))
	for i, m := range all {
		ids[i] = m.ID
	}
	return ids, err
}

func (s shelf) Docs(ctx context.Context, merchant uuid.UUID, products []uuid.UUID) ([]search.Doc, error) {
	found, _, err := s.catalog.Docs(ctx, merchant, products)
	docs := make([]search.Doc, len(found))
	for i := range found {
		docs[i] = searchDoc(&found[i])
	}
	return docs, err
}

func (s shelf) AllDocs(ctx context.Context, merchant uuid.UUID, yield func(search.Doc) error) error {
	return s.catalog.AllDocs(ctx, merchant, func(d catalog.SearchDoc) error { return yield(searchDoc(&d)) })
}

func searchDoc(d *catalog.SearchDoc) search.Doc {
	doc := search.Doc{
		Merchant: d.Merchant, ProductID: d.ProductID, Slug: d.Slug, Title: map[string]string{"en": d.Title}, Description: map[string]string{"en": d.Description},
		Brand: d.Brand, Category: d.Category, Tags: d.Tags, Attrs: d.Attributes, SKUs: d.SKUs, Barcodes: d.Barcodes, Prices: d.Prices,
		InStock: d.InStock, Status: string(d.Status), Image: d.Image, CreatedAt: d.CreatedAt,
	}
	for lang, t := range d.Translations {
		if t.Title != "" {
			doc.Title[lang] = t.Title
		}
		if t.Description != "" {
			doc.Description[lang] = t.Description
		}
	}
	return doc
}

// cartRules is the part of the rules that a cart needs.
type cartRules struct{ h *house }

func (r cartRules) Rules(ctx context.Context, merchant uuid.UUID) (*cart.Rules, error) {
	all, err := r.h.Rules(ctx, merchant)
	if err != nil {
		return nil, err
	}
	return &cart.Rules{Version: all.Version, Settings: all.Settings, Pricing: all.Pricing}, nil
}
