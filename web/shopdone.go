package web

import (
	"slices"
	"strings"
)

// orderBody is an order as its buyer sees it.
type orderBody struct {
	ID            string     `json:"id"`
	Number        string     `json:"number"`
	Status        string     `json:"status"`
	PaymentMethod string     `json:"payment_method"`
	Lines         []cartLine `json:"line_items"`
	Totals        totals     `json:"totals"`
	TaxIncluded   bool       `json:"prices_include_tax"`
	Credited      Money      `json:"credited"`
	Shipping      *struct {
		Name string    `json:"name"`
		Days *dayRange `json:"estimated_delivery"`
	} `json:"shipping_option"`
	TrackingURL string `json:"tracking_url"`
}

// products are those that were bought; as many as the API takes.
func (o *orderBody) products() []string {
	var all []string
	for _, l := range o.Lines {
		if l.ProductID != "" && !slices.Contains(all, l.ProductID) && len(all) < 20 {
			all = append(all, l.ProductID)
		}
	}
	return all
}

// Track is the page that follows the order.
func (o *orderBody) Track() string { return trackLink(o.TrackingURL) }

// trackLink is the page for a link of the API to an order; empty for none.
func trackLink(link string) string {
	token := link[strings.LastIndexByte(link, '/')+1:]
	if !plain(token) {
		return ""
	}
	return "/t/" + token
}

// doneData is the confirmation.
type doneData struct {
	Order       *orderBody
	Email       string
	Transfer    *payMethod // what to transfer where
	Recommended []hit
}

// done shows the order that the checkout has become.
func (p *shopPages) done(v *visit) error {
	a, err := v.howItWent()
	if err != nil {
		return p.lost(v, err)
	}
	if a.Status != "completed" || a.Order == nil {
		return p.answered(v, a)
	}
	d := &doneData{Order: a.Order, Recommended: v.recommended("post_purchase", a.Order.products()...)}
	v.ordered(a.Order.ID)
	if c, err := v.readCheckout(); err == nil && c != nil {
		d.Email = c.Email
	}
	if a.Order.PaymentMethod == "bank_transfer" && a.Order.Status == "pending" {
		for _, m := range p.about(v).Methods {
			if m.Method == "bank_transfer" {
				d.Transfer = &m
			}
		}
	}
	return p.show(v, "done", d)
}
