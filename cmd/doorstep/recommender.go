package main

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/notify"
	"doorstep/order"
	"doorstep/recommend"
)

// recommender finds what goes with a cart, for a mail about it.
type recommender struct{ *house }

// ForCart gives at most so many things that can be bought now.
func (r recommender) ForCart(ctx context.Context, merchant uuid.UUID, currency, language string, variants []uuid.UUID, most int) ([]notify.Extra, error) {
	offers, err := r.catalog.Offers(ctx, merchant, currency, language, variants)
	if err != nil {
		return nil, err
	}
	a := recommend.Ask{Merchant: merchant, Surface: recommend.Email, Currency: currency, Locale: language, Places: most}
	for _, v := range variants {
		if o, known := offers.Of(v); known {
			a.Seeds = append(a.Seeds, o.ProductID)
		}
	}
	if len(a.Seeds) == 0 {
		return nil, nil
	}
	l, err := r.recommend.List(ctx, a)
	if err != nil {
		return nil, err
	}
	extras := make([]notify.Extra, len(l.Picks))
	for i, p := range l.Picks {
		extras[i] = notify.Extra{Name: p.Product.Title, Price: p.Product.From.Minor}
	}
	return extras, nil
}

// firstCurrency is the one that a shop sells in first.
func (h *house) firstCurrency(ctx context.Context, merchant uuid.UUID) (string, error) {
	set, _, err := h.customers.Settings(ctx, merchant)
	if err != nil || len(set.Currencies) == 0 {
		return "", err
	}
	return set.Currencies[0], nil
}

// learnPurchase lets what was bought be learned soon.
func (h *house) learnPurchase(ctx context.Context, e order.Placed) error {
	return h.recommend.Changed(ctx, e.MerchantID, e.OrderID)
}

// unlearnPurchase lets what was canceled be forgotten soon.
func (h *house) unlearnPurchase(ctx context.Context, e order.Canceled) error {
	return h.recommend.Changed(ctx, e.MerchantID, e.OrderID)
}

// lastLists writes down which lists were given when the program ends, and ends
// what is learned in the background.
func (h *house) lastLists() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := h.recommend.Flush(ctx); err != nil {
		h.log.Warn("the last lists are not written down", "error", err)
	}
	h.recommend.Close()
}
