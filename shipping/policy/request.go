package policy

import (
	"reflect"
	"time"

	"doorstep/internal/fault"
	"doorstep/internal/money"
)

// ErrRequest is a quote request with impossible values; Fields say which.
var ErrRequest = fault.New(fault.Invalid, "shipping_request_invalid", "The shipping request has mistakes.")

// Request is everything a quote depends on besides the policy. What is absent
// is not known, which conditions and prices take into account; only an absent
// list of groups, tags, categories or codes means an empty one. Money is in
// minor units of Currency.
type Request struct {
	// Now is the instant of the quote. When it is zero, nothing that depends on
	// the time is known and there is no promise.
	Now      time.Time `json:"now,omitzero"`
	Dest     Dest      `json:"dest,omitzero"`
	Customer Customer  `json:"customer,omitzero"`
	Order    Order     `json:"order,omitzero"`
	// Items are nil when the cart is not known yet; an empty list is an empty cart.
	Items   []Item   `json:"items,omitempty" form:"max=500"`
	Parcels []Parcel `json:"parcels,omitempty" form:"max=200"`
	// Origins are places that goods leave from besides those of the policy, such as
	// suppliers, whose calendars are kept elsewhere. An origin of the policy with
	// the same id wins.
	Origins []Origin `json:"origins,omitempty" form:"max=100"`
	// PromoCodes are the codes the order uses.
	PromoCodes []string `json:"promo_codes,omitempty" form:"max=50"`
	// OrderDiscountBps is taken from the goods after their own discounts, then
	// OrderDiscount in minor units.
	OrderDiscountBps int64 `json:"order_discount_bps,omitempty" form:"min=0,max=10000"`
	OrderDiscount    int64 `json:"order_discount,omitempty" form:"money"`
	// GiftCard pays; it never lowers the subtotal that thresholds look at.
	GiftCard int64 `json:"gift_card,omitempty" form:"money"`
	// Shipping, Incoterm and ShipDate (2026-11-02) are for sums of landed cost;
	// ShipDate also chooses dated carrier facts.
	Shipping int64  `json:"shipping,omitempty" form:"money"`
	Incoterm string `json:"incoterm,omitempty" form:"max=3"`
	ShipDate string `json:"ship_date,omitempty" form:"pat=date"`
	// Currency is that of the items and of the answer; the policy's when empty.
	Currency string `json:"currency,omitempty" form:"pat=currency"`
	// CarrierStubs are what carriers would say, for simulations only: they play
	// outages without asking anybody.
	CarrierStubs map[string]Stub `json:"carrier_stubs,omitempty" form:"max=50,key=id"`
	// Explain asks for explain[] and for the skipped days of promises.
	Explain bool `json:"explain,omitempty"`
}

// Dest is where the order goes, as far as it is known.
type Dest struct {
	Country     string `json:"country,omitempty" form:"max=2"`
	Region      string `json:"region,omitempty" form:"max=100"`
	City        string `json:"city,omitempty" form:"max=100"`
	Postcode    string `json:"postcode,omitempty" form:"max=32"`
	Address1    string `json:"address1,omitempty" form:"max=300"`
	Residential *bool  `json:"residential,omitempty"`
	// IsPOBox and IsMilitary are read from the address when absent.
	IsPOBox    *bool  `json:"is_po_box,omitempty"`
	IsMilitary *bool  `json:"is_military,omitempty"`
	DistanceKM *int64 `json:"distance_km,omitempty" form:"min=0,max=50000"`
}

// Customer is what is known of the buyer.
type Customer struct {
	Groups      []string `json:"groups,omitempty" form:"max=100"`
	OrdersCount *int64   `json:"orders_count,omitempty" form:"count"`
	// IsNew follows from OrdersCount when absent.
	IsNew *bool `json:"is_new,omitempty"`
	// Language also chooses the texts of the answer.
	Language string `json:"language,omitempty" form:"max=35"`
}

// Order is what is known of the order as such.
type Order struct {
	Channel       string `json:"channel,omitempty" form:"max=64"`
	PaymentMethod string `json:"payment_method,omitempty" form:"max=64"`
	IsGift        bool   `json:"is_gift,omitempty"`
	IsReturn      bool   `json:"is_return,omitempty"`
	IsInbound     bool   `json:"is_inbound,omitempty"`
}

// Item is one line of the cart. Its weight is either WeightG or a decimal text
// Weight in Unit, of one piece; sides are of one piece too.
type Item struct {
	SKU       string `json:"sku,omitempty" form:"max=200"`
	Quantity  int64  `json:"quantity" form:"req,min=1,max=1000000"`
	UnitPrice int64  `json:"unit_price,omitempty" form:"money"`
	// Discount is taken off the whole line, in minor units.
	Discount    int64    `json:"discount,omitempty" form:"money"`
	WeightG     *int64   `json:"weight_g,omitempty" form:"grams"`
	Weight      string   `json:"weight,omitempty" form:"pat=decimal"`
	Unit        string   `json:"unit,omitempty" form:"enum=kg|g|lb|oz"`
	LengthMM    *int64   `json:"l_mm,omitempty" form:"mm"`
	WidthMM     *int64   `json:"w_mm,omitempty" form:"mm"`
	HeightMM    *int64   `json:"h_mm,omitempty" form:"mm"`
	Tags        []string `json:"tags,omitempty" form:"max=200"`
	Categories  []string `json:"categories,omitempty" form:"max=200"`
	HazmatClass string   `json:"hazmat_class,omitempty" form:"max=64"`
	Fragile     bool     `json:"fragile,omitempty"`
	// ThisWayUp keeps the height upright, KeepApart names a group whose goods share
	// no box with those of another (the hazard class when absent), and NestMM is
	// what each further piece adds to the height of a nested set.
	ThisWayUp     bool   `json:"this_way_up,omitempty"`
	KeepApart     string `json:"keep_apart,omitempty" form:"max=64"`
	NestMM        int64  `json:"nest_mm,omitempty" form:"min=0,max=100000"`
	OriginCountry string `json:"origin_country,omitempty" form:"max=2"`
	HS            string `json:"hs,omitempty" form:"max=16"`
	// Description says to customs what the goods are.
	Description string `json:"description,omitempty" form:"max=200"`
	Profile     string `json:"profile,omitempty" form:"max=64"`
	// Origin is the id of the place it leaves from.
	Origin string `json:"origin,omitempty" form:"max=64"`
}

// Stub is what a carrier would answer: rates, or an HTTP status and a body that
// are no answer, after a delay.
type Stub struct {
	Rates   []LiveRate `json:"rates,omitempty" form:"max=200"`
	DelayMS int64      `json:"delay_ms,omitempty" form:"min=0,max=600000"`
	Status  int64      `json:"status,omitempty" form:"min=0,max=599"`
	Body    string     `json:"body,omitempty" form:"max=65536"`
}

// Parcel is one packed box.
type Parcel struct {
	LengthMM int64 `json:"l_mm" form:"req,mm"`
	WidthMM  int64 `json:"w_mm" form:"req,mm"`
	HeightMM int64 `json:"h_mm" form:"req,mm"`
	WeightG  int64 `json:"weight_g" form:"req,grams"`
}

// ParseRequest reads a request strictly, as Parse does a document. The error is
// ErrRequest with the wrong places as Fields.
func ParseRequest(data []byte) (Request, error) {
	var bad problems
	var req Request
	if n := read(data, maxDocument, &bad); n != nil {
		requestShape.into(reflect.ValueOf(&req).Elem(), n, "", &bad)
	}
	if len(bad.list) == 0 {
		req.check(&bad)
	}
	return req, bad.err(ErrRequest)
}

// Check says whether Quote can work with the request; the error is ErrRequest
// with the wrong places as Fields. It is for requests that did not come from
// ParseRequest.
func (req *Request) Check() error {
	var bad problems
	req.check(&bad)
	return bad.err(ErrRequest)
}

// check keeps every later sum inside 64 bits: each number has its range, and
// the whole cart has one too.
func (req *Request) check(bad *problems) {
	inside := func(at string, v, most int64) {
		if v < 0 || v > most {
			bad.add(at, "must be from 0 to %d", most)
		}
	}
	if len(req.Items) > 500 || len(req.Parcels) > 200 {
		bad.add("items", "must be at most 500, and parcels at most 200")
		return
	}
	inside("order_discount_bps", req.OrderDiscountBps, 10_000)
	inside("order_discount", req.OrderDiscount, maxAmount)
	if req.Currency != "" && !money.Known(req.Currency) {
		bad.add("currency", "is not a known currency")
	}
	if _, err := time.Parse(time.DateOnly, req.ShipDate); req.ShipDate != "" && err != nil {
		bad.add("ship_date", "is not a day of the calendar")
	}
	req.checkOrigins(bad)
	var total, weight int64
	for i := range req.Items {
		total, weight = req.Items[i].check(index("items", i), total, weight, bad)
	}
	for i, p := range req.Parcels {
		at := index("parcels", i)
		inside(at+".l_mm", p.LengthMM, 1_000_000)
		inside(at+".w_mm", p.WidthMM, 1_000_000)
		inside(at+".h_mm", p.HeightMM, 1_000_000)
		inside(at+".weight_g", p.WeightG, 1_000_000_000)
	}
}

// check returns the totals so far of money and weight, so that the whole cart
// stays inside them.
func (it *Item) check(at string, total, weight int64, bad *problems) (int64, int64) {
	inside := func(name string, v, most int64) bool {
		if v < 0 || v > most {
			bad.add(at+name, "must be from 0 to %d", most)
			return false
		}
		return true
	}
	ok := inside(".unit_price", it.UnitPrice, maxAmount)
	ok = inside(".discount", it.Discount, maxAmount) && ok
	ok = inside(".nest_mm", it.NestMM, 100_000) && ok
	if it.Quantity < 1 || it.Quantity > 1_000_000 {
		bad.add(at+".quantity", "must be from 1 to 1000000")
		ok = false
	}
	for name, side := range map[string]*int64{".l_mm": it.LengthMM, ".w_mm": it.WidthMM, ".h_mm": it.HeightMM} {
		if side != nil {
			ok = inside(name, *side, 1_000_000) && ok
		}
	}
	if it.WeightG != nil {
		ok = inside(".weight_g", *it.WeightG, 1_000_000_000) && ok
	}
	if (it.Weight == "") != (it.Unit == "") || (it.Weight != "" && it.WeightG != nil) {
		bad.add(at+".weight", "is either weight_g, or weight with its unit")
		ok = false
	}
	ng, _, err := it.nanograms()
	if err != "" {
		bad.add(at+".weight", "%s", err)
		ok = false
	}
	if !ok {
		return total, weight
	}
	line, err2 := money.Mul(it.UnitPrice, it.Quantity)
	if total += line; err2 != nil || line > maxTotal || total > maxTotal {
		bad.add(at, "makes the cart worth more than %d minor units", maxTotal)
		return 0, weight
	}
	if weight += ng; weight > maxNanograms {
		bad.add(at, "makes the cart heavier than 9,000 tonnes")
		return total, 0
	}
	return total, weight
}
