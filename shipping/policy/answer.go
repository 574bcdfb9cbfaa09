package policy

import "doorstep/internal/money"

// Answer is what a policy makes of a request. The same policy and request give
// the same bytes of JSON, whatever the order of the lists in the document.
type Answer struct {
	// PolicyHash names the policy that was used.
	PolicyHash string `json:"policy_hash"`
	// Options are the offered methods, in the order to show them.
	Options []Option `json:"options"`
	// Hidden are the methods that are not offered, by id, each with its reason.
	Hidden []Hidden `json:"hidden"`
	// Parcels are the boxes as the first option weighs them or, without options,
	// the first method by id.
	Parcels []ParcelWeight `json:"parcels,omitempty"`
	// Shipments are the cart split by the place it leaves from, by origin id.
	Shipments []Shipment `json:"shipments,omitempty"`
	// DiscountedSubtotal is the goods after all discounts, in minor units of the
	// request's currency; gift cards do not lower it. Absent without a cart.
	DiscountedSubtotal *int64 `json:"discounted_subtotal,omitempty"`
	// Sources are what was heard of carriers for live prices, with its age and how
	// long it took, when an explanation is asked for.
	Sources []Source `json:"sources,omitempty"`
	// Explain says which rule did what to which method, when asked for.
	Explain []Explanation `json:"explain,omitempty"`
	// Code is no_method when nothing is offered, shipping_request_invalid when
	// the request cannot be worked with, else empty.
	Code string `json:"code,omitempty"`
}

// Option is one offered method. Lines add up to Total.
type Option struct {
	Method      string       `json:"method"`
	Name        string       `json:"name"`
	Description string       `json:"description,omitempty"`
	Carrier     string       `json:"carrier,omitempty"`
	Service     string       `json:"service,omitempty"`
	Total       money.Amount `json:"total"`
	Lines       []Line       `json:"lines"`
	// Source is where the price is from: flat, table, or a carrier by live, cache
	// or stale; table also stands for a price computed from the order.
	Source string `json:"source"`
	// Estimated is true when the price stands in for a carrier's, or when a rule
	// about it could not be decided for lack of facts.
	Estimated bool `json:"estimated"`
	// Code is what kept the carrier's own price away, when another stands in:
	// carrier_timeout and the like.
	Code string `json:"code,omitempty"`
	// AgeS is how many seconds old the carrier's answer is.
	AgeS    int64    `json:"age_s,omitempty"`
	Hint    *Hint    `json:"hint,omitempty"`
	Promise *Promise `json:"promise,omitempty"`
	Transit *Transit `json:"transit_business_days,omitempty"`
	// ByShipment shares Total over the origins, for methods priced by origin.
	ByShipment map[string]money.Amount `json:"by_shipment,omitempty"`
	BillableG  *int64                  `json:"billable_g,omitempty"`
	// LandedCost is duty and tax at the border, when the policy or the request
	// has terms for them.
	LandedCost *LandedCost `json:"landed_cost,omitempty"`
	Require    []string    `json:"require,omitempty"`
	Group      string      `json:"group,omitempty"`
	Default    bool        `json:"default,omitempty"`

	position int64
	placed   bool // position was set by a rule
}

// Line is one part of a total. Ref is "price" for the method's own price, the
// id of the rule, or "rounding".
type Line struct {
	Ref   string `json:"ref"`
	Delta int64  `json:"delta"`
}

// Hint says how much is missing for a rule, such as free delivery.
type Hint struct {
	Rule    string       `json:"rule"`
	Missing money.Amount `json:"missing"`
}

// Hidden is a method that is not offered. Field names the missing fact when
// Code is insufficient_data; Origin the place that does not serve it.
type Hidden struct {
	Method string `json:"method"`
	Code   string `json:"code"`
	Rule   string `json:"rule,omitempty"`
	Origin string `json:"origin,omitempty"`
	Field  string `json:"field,omitempty"`
	// Carrier is the one whose price is missing.
	Carrier string `json:"carrier,omitempty"`
}

// Codes of hidden methods. Rules may bring codes of their own.
const (
	CodeZoneNotServed       = "zone_not_served"
	CodeOverWeight          = "over_weight"
	CodeOverSize            = "over_size"
	CodeTooManyParcels      = "too_many_parcels"
	CodeNotFromOrigin       = "not_available_from_origin"
	CodeCarrierError        = "carrier_error"
	CodeNoExchangeRate      = "no_exchange_rate"
	CodeInsufficientData    = "insufficient_data"
	CodeRuleHidden          = "rule_hidden"
	CodePriceUnavailable    = "price_unavailable"
	CodeNoMethod            = "no_method"
	CodeRequestInvalid      = "shipping_request_invalid"
	refPrice, refRounding   = "price", "rounding"
	sourceFlat, sourceTable = "flat", "table"
)

// ParcelWeight is what one parcel weighs for the price: the greater of its real
// and its volumetric weight, rounded up to the method's step.
type ParcelWeight struct {
	VolumetricG int64 `json:"volumetric_g"`
	BillableG   int64 `json:"billable_g"`
	// Box is the kind of box of a parcel that was packed by the policy, empty for
	// goods in their own wrapping; then Code may say why, such as over_weight. The
	// sides are outer ones.
	Box      string       `json:"box,omitempty"`
	Code     string       `json:"code,omitempty"`
	LengthMM int64        `json:"l_mm,omitempty"`
	WidthMM  int64        `json:"w_mm,omitempty"`
	HeightMM int64        `json:"h_mm,omitempty"`
	WeightG  int64        `json:"weight_g,omitempty"`
	Contents []PackedItem `json:"contents,omitempty"`
}

// Shipment is what leaves from one origin.
type Shipment struct {
	Origin string         `json:"origin"`
	Items  []ShipmentItem `json:"items"`
}

// ShipmentItem is one line of a shipment.
type ShipmentItem struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}

// Promise is when an order placed now goes out and arrives. Accepted, Ship and
// the two ends of the delivery are days at the origin (2026-11-02).
type Promise struct {
	Origin   string `json:"origin,omitempty"`
	Accepted string `json:"accepted"`
	// CutoffAt is the instant (RFC 3339, UTC) until which the promise holds.
	CutoffAt        string `json:"cutoff_at"`
	SecondsToCutoff int64  `json:"seconds_to_cutoff"`
	Ship            string `json:"ship"`
	DeliverMin      string `json:"deliver_min,omitempty"`
	DeliverMax      string `json:"deliver_max,omitempty"`
	// Skipped are the days between that do not count, when explained.
	Skipped []SkippedDay `json:"skipped,omitempty"`
}

// SkippedDay is a day on which nothing moves: weekend, holiday, or cutoff for
// today when it is too late.
type SkippedDay struct {
	Date   string `json:"date"`
	Reason string `json:"reason"`
}

// Explanation is what became of one rule for one method.
type Explanation struct {
	Method  string `json:"method"`
	Rule    string `json:"rule"`
	Phase   string `json:"phase"`
	Matched bool   `json:"matched"`
	// Unknown is true when facts were missing to decide the condition.
	Unknown bool `json:"unknown,omitempty"`
	// Skipped is group when another rule of its group came first.
	Skipped string   `json:"skipped,omitempty"`
	Leaf    *Leaf    `json:"leaf,omitempty"`
	Effects []Effect `json:"effects,omitempty"`
}

// Leaf is the comparison that decided against a rule. Actual is absent when the
// fact is missing.
type Leaf struct {
	Path     string `json:"path"`
	Field    string `json:"field"`
	Op       string `json:"op"`
	Expected any    `json:"expected,omitempty"`
	Actual   any    `json:"actual,omitempty"`
}

// Effect is what one action did to the price, in the policy's currency before
// conversion.
type Effect struct {
	Action  string `json:"action"`
	Basis   string `json:"basis,omitempty"`
	Delta   int64  `json:"delta"`
	Running int64  `json:"running"`
}
