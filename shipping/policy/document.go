package policy

// Document is a shipping policy as the merchant writes it, `shipping-policy/v1`.
// Units: money in integer minor units of Currency, weights in grams, lengths in
// millimetres, percentages in basis points (1/10,000). The order of its lists
// never matters, but for the actions of a rule, the fallbacks of a live price
// and the two ends of `between`.
type Document struct {
	// Version names the format; absent means this one.
	Version string `json:"version,omitempty" form:"enum=shipping-policy/v1"`
	// Currency is the one currency of every amount in the document.
	Currency string `json:"currency" form:"req,pat=currency"`
	// Timezone is the IANA zone of the shop; now.* uses it where no origin does.
	Timezone string   `json:"timezone,omitempty" form:"max=64"`
	Zones    []Zone   `json:"zones,omitempty" form:"max=500"`
	Origins  []Origin `json:"origins,omitempty" form:"max=100"`
	// Packaging are the boxes that orders are packed into when a request has no
	// parcels but goods with sizes; MaxParcelG is what a worker may lift.
	Packaging  []Packaging `json:"packaging,omitempty" form:"max=100"`
	MaxParcelG int64       `json:"max_parcel_g,omitempty" form:"grams"`
	Methods    []Method    `json:"methods" form:"req,max=500"`
	Rules      []Rule      `json:"rules,omitempty" form:"max=1000"`
	// Rounding is the last step of phase round for every option.
	Rounding *Rounding `json:"rounding,omitempty"`
	// Rates are exchange rates such as "AMD->EUR": "0.0023", in major units.
	Rates map[string]string `json:"rates,omitempty" form:"max=400,key=pair,each=decimal"`
	// Rating says how long live prices may take; it is for whoever asks carriers.
	Rating *Rating `json:"rating,omitempty"`
	// CarrierDimRules are dated facts about how carriers turn size into weight.
	CarrierDimRules []CarrierDimRule `json:"carrier_dim_rules,omitempty" form:"max=200"`
	// Incoterm, DutyBps and DestVATBps are for sums of landed cost.
	Incoterm   string           `json:"incoterm,omitempty" form:"enum=EXW|FCA|CPT|CIP|DAP|DPU|DDP|FAS|FOB|CFR|CIF"`
	DutyBps    map[string]int64 `json:"duty_bps,omitempty" form:"max=2000,key=hs,each=bps"`
	DestVATBps map[string]int64 `json:"dest_vat_bps,omitempty" form:"max=300,key=country,each=bps"`
	// DataVersions names the data the merchant worked with; they are part of the hash.
	DataVersions map[string]string `json:"data_versions,omitempty" form:"max=50,key=code,each=id"`
}

// Zone is a named set of places. A place is in it when it fits one of Match and
// none of Exclude.
type Zone struct {
	ID      string  `json:"id" form:"req,pat=id"`
	Match   []Place `json:"match" form:"req,min=1,max=5000"`
	Exclude []Place `json:"exclude,omitempty" form:"max=5000"`
}

// Place is a country or a part of it; everything given must fit. Postcodes are
// compared as their country does: by digits, or by outward parts (GB, IE). From
// and To are inclusive and may be shorter than a postcode.
type Place struct {
	Country string `json:"country" form:"req,pat=country"`
	Region  string `json:"region,omitempty" form:"min=1,max=100"`
	City    string `json:"city,omitempty" form:"min=1,max=100"`
	Exact   string `json:"exact,omitempty" form:"min=1,max=16"`
	Prefix  string `json:"prefix,omitempty" form:"min=1,max=16"`
	From    string `json:"from,omitempty" form:"min=1,max=16"`
	To      string `json:"to,omitempty" form:"min=1,max=16"`
}

// Origin is a place that goods leave from, with its calendar.
type Origin struct {
	ID       string `json:"id" form:"req,pat=id"`
	Kind     string `json:"kind,omitempty" form:"enum=warehouse|store|supplier"`
	Country  string `json:"country,omitempty" form:"pat=country"`
	Timezone string `json:"timezone,omitempty" form:"max=64"`
	// Cutoff is the local time before which an order is accepted the same day;
	// absent means the end of the day.
	Cutoff string `json:"cutoff,omitempty" form:"pat=clock"`
	// Workdays are Monday to Friday when absent.
	Workdays []Weekday `json:"workdays,omitempty" form:"min=1,max=7"`
	Holidays []string  `json:"holidays,omitempty" form:"max=1000,each=date"`
	// HandlingBusinessDays pass between accepting and shipping.
	HandlingBusinessDays int64 `json:"handling_business_days,omitempty" form:"days"`
}

// Method is one way to send an order, with its price before rules.
type Method struct {
	ID      string `json:"id" form:"req,pat=id"`
	Name    Text   `json:"name,omitzero"`
	Carrier string `json:"carrier,omitempty" form:"pat=id"`
	Service string `json:"service,omitempty" form:"pat=id"`
	// Zones that are served; absent means everywhere.
	Zones []string `json:"zones,omitempty" form:"min=1,max=500,each=id"`
	// Origins it can leave from; absent means all.
	Origins []string `json:"origins,omitempty" form:"min=1,max=100,each=id"`
	Mode    string   `json:"mode,omitempty" form:"pat=code"`
	Limits  *Limits  `json:"limits,omitempty"`
	Packing *Packing `json:"packing,omitempty"`
	// Price may only be absent when ByOrigin names every origin that is served.
	Price    *Price              `json:"price,omitempty"`
	Transit  *Transit            `json:"transit_business_days,omitempty"`
	ByOrigin map[string]ByOrigin `json:"by_origin,omitempty" form:"min=1,max=100,key=id"`
}

// ByOrigin is what differs for goods from one origin. Each origin is priced by
// itself, for what leaves from it.
type ByOrigin struct {
	Price   *Price   `json:"price,omitempty"`
	Transit *Transit `json:"transit_business_days,omitempty"`
}

// Limits are what one parcel of the method may have, both ends included; Parcels
// is how many there may be. GirthMM is the way around the two smaller sides.
type Limits struct {
	WeightG   *int64 `json:"weight_g,omitempty" form:"grams"`
	MaxSideMM *int64 `json:"max_side_mm,omitempty" form:"mm"`
	GirthMM   *int64 `json:"girth_mm,omitempty" form:"mm"`
	Parcels   *int64 `json:"parcels,omitempty" form:"count"`
}

// Packing says how a parcel's size counts as weight. DimRounding rounds each
// side to whole centimetres first; WeightStepG rounds the result up.
type Packing struct {
	DivisorCM3PerKG int64  `json:"divisor_cm3_per_kg,omitempty" form:"min=1,max=100000"`
	WeightStepG     int64  `json:"weight_step_g,omitempty" form:"min=1,max=1000000"`
	DimRounding     string `json:"dim_rounding,omitempty" form:"enum=nearest|up"`
}

// Transit is how many business days the way takes.
type Transit struct {
	Min int64 `json:"min" form:"req,days"`
	Max int64 `json:"max" form:"req,days"`
}

// Price is a sum of money that depends on the order. Which fields it has
// depends on Type:
//
//	flat          amount
//	per_item      first, additional (or step) for each further unit; or amount for each
//	weight_steps  first for the first_g grams, step for each started step_g above
//	tiers         by, tiers[]
//	percent_of    bps of basis, at least min, at most max
//	sum, max, min of[]
//	live          carrier, service, fallback[]; tiers and by serve the fallback `table`
type Price struct {
	Type       string     `json:"type" form:"req,enum=flat|per_item|weight_steps|tiers|percent_of|live|sum|max|min"`
	Amount     *int64     `json:"amount,omitempty" form:"money"`
	FirstG     *int64     `json:"first_g,omitempty" form:"grams"`
	First      *int64     `json:"first,omitempty" form:"money"`
	Additional *int64     `json:"additional,omitempty" form:"money"`
	StepG      *int64     `json:"step_g,omitempty" form:"min=1,max=1000000000"`
	Step       *int64     `json:"step,omitempty" form:"money"`
	By         string     `json:"by,omitempty" form:"enum=weight_g|subtotal|quantity|volume"`
	Tiers      []Tier     `json:"tiers,omitempty" form:"min=1,max=500"`
	Of         []Price    `json:"of,omitempty" form:"min=1,max=16"`
	Bps        *int64     `json:"bps,omitempty" form:"bps"`
	Basis      string     `json:"basis,omitempty" form:"enum=cart.subtotal|cart.discounted_subtotal"`
	Min        *int64     `json:"min,omitempty" form:"money"`
	Max        *int64     `json:"max,omitempty" form:"money"`
	Carrier    string     `json:"carrier,omitempty" form:"pat=id"`
	Service    string     `json:"service,omitempty" form:"pat=id"`
	Fallback   []Fallback `json:"fallback,omitempty" form:"min=1,max=8"`
}

// Tier is one row of a table: From is inside, To is not. An absent To has no end.
type Tier struct {
	From   int64  `json:"from,omitempty" form:"min=0,max=1000000000000000"`
	To     *int64 `json:"to,omitempty" form:"min=1,max=1000000000000000"`
	Amount int64  `json:"amount" form:"req,money"`
}

// Fallback is what stands in for a live price that cannot be had, tried in
// their order. MaxAgeS is for stale, Amount for flat.
type Fallback struct {
	Use     string `json:"use" form:"req,enum=stale|service|table|flat|hide"`
	MaxAgeS *int64 `json:"max_age_s,omitempty" form:"min=1,max=2592000"`
	Service string `json:"service,omitempty" form:"pat=id"`
	Amount  *int64 `json:"amount,omitempty" form:"money"`
}

// Rule changes methods when its condition holds. Inside a phase rules run by
// Priority ascending, then by ID in byte order.
type Rule struct {
	ID       string     `json:"id" form:"req,pat=id"`
	Phase    string     `json:"phase" form:"req,enum=eligibility|price|adjust|threshold|promotion|round|promise|present"`
	Priority int64      `json:"priority,omitempty" form:"order"`
	Methods  Selector   `json:"methods" form:"req"`
	When     *Condition `json:"when,omitempty"`
	Then     []Action   `json:"then" form:"req,min=1,max=16"`
	// Hint asks for the amount of money that is missing for the rule.
	Hint string `json:"hint,omitempty" form:"enum=amount_to_threshold"`
}

// Condition is a tree: all, any, not, or one comparison. A comparison with a
// missing fact is neither true nor false but unknown.
type Condition struct {
	_     struct{}    `form:"one=all|any|not|field"`
	All   []Condition `json:"all,omitempty" form:"min=1,max=64"`
	Any   []Condition `json:"any,omitempty" form:"min=1,max=64"`
	Not   *Condition  `json:"not,omitempty"`
	Field string      `json:"field,omitempty" form:"fields"`
	Op    string      `json:"op,omitempty" form:"ops"`
	Value *Value      `json:"value,omitempty"`
	// Filter narrows the items that an item field looks at.
	Filter *Condition `json:"filter,omitempty"`
	// Quantifier says how many items must comply: any (as when absent), all or
	// none. Aggregate makes one number of them instead: a sum weighs prices and
	// weights by quantity, count counts lines.
	Quantifier string `json:"quantifier,omitempty" form:"enum=any|all|none"`
	Aggregate  string `json:"aggregate,omitempty" form:"enum=sum|count|max"`
	// Origin is whose local time a now field means.
	Origin string `json:"origin,omitempty" form:"pat=id"`
}

// Action is one thing a rule does. Amount is money in minor units, for the
// actions handling_days and promise_pad it is a number of business days.
type Action struct {
	Action      string     `json:"action" form:"req,enum=offer|hide|require_only|rename|describe|sort|set_default|group|surcharge|surcharge_percent|surcharge_per_unit|surcharge_per_kg|surcharge_per_parcel|discount|discount_percent|set_price|set_base_price|cap|floor|free_over|cod_fee|insurance_fee|handling_days|cutoff|promise_pad|round_to|require|stop"`
	Amount      *int64     `json:"amount,omitempty" form:"money"`
	Bps         *int64     `json:"bps,omitempty" form:"bps"`
	Basis       string     `json:"basis,omitempty" form:"enum=base|running|cart.subtotal|cart.discounted_subtotal"`
	Code        string     `json:"code,omitempty" form:"pat=code"`
	Filter      *Condition `json:"filter,omitempty"`
	SkipSources []string   `json:"skip_sources,omitempty" form:"min=1,max=5,each=source"`
	StepMajor   Step       `json:"step_major,omitzero"`
	Mode        string     `json:"mode,omitempty" form:"enum=up|down|nearest|first"`
	Text        Text       `json:"text,omitzero"`
	Position    *int64     `json:"position,omitempty" form:"order"`
	Group       string     `json:"group,omitempty" form:"pat=id"`
	Kind        string     `json:"kind,omitempty" form:"enum=signature|adult|document"`
	Cutoff      string     `json:"cutoff,omitempty" form:"pat=clock"`
}

// Rounding rounds totals to a step of the currency they are shown in.
type Rounding struct {
	StepMajor Step   `json:"step_major" form:"req"`
	Mode      string `json:"mode,omitempty" form:"enum=up|down|nearest"`
}

// Rating is the patience with carriers.
type Rating struct {
	DeadlineMS int64    `json:"deadline_ms,omitempty" form:"millis"`
	Breaker    *Breaker `json:"breaker,omitempty"`
}

// Breaker stops asking a carrier for OpenS seconds after that many failures.
type Breaker struct {
	Failures int64 `json:"failures" form:"req,min=1,max=1000"`
	OpenS    int64 `json:"open_s" form:"req,min=1,max=86400"`
}

// CarrierDimRule is how a carrier computes dimensional weight from a day on (To
// is the first day after). Exactly one divisor is given; AppliesAboveIn3 is the
// volume up to which only the actual weight counts.
type CarrierDimRule struct {
	_               struct{} `form:"one=divisor_in3_per_lb|divisor_cm3_per_kg"`
	Carrier         string   `json:"carrier" form:"req,pat=id"`
	From            string   `json:"from,omitempty" form:"pat=date"`
	To              string   `json:"to,omitempty" form:"pat=date"`
	DivisorIn3PerLB int64    `json:"divisor_in3_per_lb,omitempty" form:"min=1,max=100000"`
	DivisorCM3PerKG int64    `json:"divisor_cm3_per_kg,omitempty" form:"min=1,max=100000"`
	DimRounding     string   `json:"dim_rounding,omitempty" form:"enum=nearest|up"`
	AppliesAboveIn3 int64    `json:"applies_above_in3,omitempty" form:"min=0,max=1000000"`
}
