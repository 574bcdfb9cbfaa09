package policy

import "slices"

// fieldType is what a fact is, and so which comparisons make sense for it.
type fieldType uint8

const (
	aText     fieldType = iota
	aNumber             // a whole number: money, weight, length, count
	aFlag               // true or false
	aList               // several texts
	aPostcode           // compared as the country of the destination does
	aZone               // the zones the destination is in
	anOrigin            // texts, one for each place the order leaves from
	aClock              // minutes since midnight
	aWeekday            // 1 Monday to 7 Sunday
	aDate               // days, see dayNumber
)

// fieldScope is what a fact depends on. Facts of the request are the same for
// all methods, so a condition on them alone is decided once for each quote.
type fieldScope uint8

const (
	ofRequest fieldScope = iota
	ofMethod             // how the method packs and from where it sends
	ofQuote              // known when the method has a price
	ofItem
)

type fieldID uint8

const (
	destCountry fieldID = iota
	destRegion
	destCity
	destPostcode
	destZone
	destResidential
	destPOBox
	destMilitary
	destDistance
	originID
	originCountry
	originKind
	cartSubtotal
	cartDiscounted
	cartQuantity
	cartLines
	cartWeight
	cartVolume
	cartHS6
	cartPromoCodes
	parcelBillable
	parcelActual
	parcelLongest
	parcelGirth
	parcelCount
	itemSKU
	itemTags
	itemCategories
	itemHazmat
	itemFragile
	itemOriginCountry
	itemHS
	itemProfile
	itemOrigin
	itemQuantity
	itemUnitPrice
	itemSubtotal
	itemWeight
	itemLongest
	customerGroups
	customerOrders
	customerNew
	customerLanguage
	orderChannel
	orderCurrency
	orderPayment
	orderGift
	orderReturn
	orderInbound
	nowTime
	nowWeekday
	nowDate
	nowToCutoff
	quoteCarrier
	quoteService
	quoteSource
	quoteTransit
	quotePrice
	fieldCount
)

type fieldSpec struct {
	name  string
	kind  fieldType
	scope fieldScope
}

var fields = [fieldCount]fieldSpec{
	destCountry:       {"dest.country", aText, ofRequest},
	destRegion:        {"dest.region", aText, ofRequest},
	destCity:          {"dest.city", aText, ofRequest},
	destPostcode:      {"dest.postcode", aPostcode, ofRequest},
	destZone:          {"dest.zone", aZone, ofRequest},
	destResidential:   {"dest.residential", aFlag, ofRequest},
	destPOBox:         {"dest.is_po_box", aFlag, ofRequest},
	destMilitary:      {"dest.is_military", aFlag, ofRequest},
	destDistance:      {"dest.distance_km", aNumber, ofRequest},
	originID:          {"origin.id", anOrigin, ofMethod},
	originCountry:     {"origin.country", anOrigin, ofMethod},
	originKind:        {"origin.kind", anOrigin, ofMethod},
	cartSubtotal:      {"cart.subtotal", aNumber, ofRequest},
	cartDiscounted:    {"cart.discounted_subtotal", aNumber, ofRequest},
	cartQuantity:      {"cart.quantity", aNumber, ofRequest},
	cartLines:         {"cart.lines", aNumber, ofRequest},
	cartWeight:        {"cart.weight_g", aNumber, ofRequest},
	cartVolume:        {"cart.volume_mm3", aNumber, ofRequest},
	cartHS6:           {"cart.distinct_hs6", aNumber, ofRequest},
	cartPromoCodes:    {"cart.promo_codes", aList, ofRequest},
	parcelBillable:    {"parcel.billable_g", aNumber, ofMethod},
	parcelActual:      {"parcel.actual_g", aNumber, ofMethod},
	parcelLongest:     {"parcel.longest_mm", aNumber, ofMethod},
	parcelGirth:       {"parcel.girth_mm", aNumber, ofMethod},
	parcelCount:       {"parcel.count", aNumber, ofMethod},
	itemSKU:           {"item.sku", aText, ofItem},
	itemTags:          {"item.tags", aList, ofItem},
	itemCategories:    {"item.categories", aList, ofItem},
	itemHazmat:        {"item.hazmat_class", aText, ofItem},
	itemFragile:       {"item.fragile", aFlag, ofItem},
	itemOriginCountry: {"item.origin_country", aText, ofItem},
	itemHS:            {"item.hs_code", aText, ofItem},
	itemProfile:       {"item.profile", aText, ofItem},
	itemOrigin:        {"item.origin", aText, ofItem},
	itemQuantity:      {"item.quantity", aNumber, ofItem},
	itemUnitPrice:     {"item.unit_price", aNumber, ofItem},
	itemSubtotal:      {"item.subtotal", aNumber, ofItem},
	itemWeight:        {"item.weight_g", aNumber, ofItem},
	itemLongest:       {"item.longest_mm", aNumber, ofItem},
	customerGroups:    {"customer.groups", aList, ofRequest},
	customerOrders:    {"customer.orders_count", aNumber, ofRequest},
	customerNew:       {"customer.is_new", aFlag, ofRequest},
	customerLanguage:  {"customer.language", aText, ofRequest},
	orderChannel:      {"order.channel", aText, ofRequest},
	orderCurrency:     {"order.currency", aText, ofRequest},
	orderPayment:      {"order.payment_method", aText, ofRequest},
	orderGift:         {"order.is_gift", aFlag, ofRequest},
	orderReturn:       {"order.is_return", aFlag, ofRequest},
	orderInbound:      {"order.is_inbound", aFlag, ofRequest},
	nowTime:           {"now.local_time", aClock, ofRequest},
	nowWeekday:        {"now.weekday", aWeekday, ofRequest},
	nowDate:           {"now.date", aDate, ofRequest},
	nowToCutoff:       {"now.minutes_to_cutoff", aNumber, ofRequest},
	quoteCarrier:      {"quote.carrier", aText, ofQuote},
	quoteService:      {"quote.service", aText, ofQuote},
	quoteSource:       {"quote.source", aText, ofQuote},
	quoteTransit:      {"quote.transit_days", aNumber, ofQuote},
	quotePrice:        {"quote.price", aNumber, ofQuote},
}

var fieldNames = func() []string {
	names := make([]string, 0, fieldCount)
	for _, f := range fields {
		names = append(names, f.name)
	}
	return names
}()

func fieldByName(name string) (fieldID, bool) {
	i := slices.Index(fieldNames, name)
	return fieldID(max(i, 0)), i >= 0
}

type opID uint8

const (
	opEq opID = iota
	opNe
	opIn
	opNotIn
	opLt
	opLte
	opGt
	opGte
	opBetween
	opContainsAny
	opContainsAll
	opContainsNone
	opExists
	opMissing
	opPostcodeIn
	opInZone
	opPrefix
)

var opNames = []string{
	opEq: "eq", opNe: "ne", opIn: "in", opNotIn: "not_in", opLt: "lt", opLte: "lte", opGt: "gt", opGte: "gte",
	opBetween: "between", opContainsAny: "contains_any", opContainsAll: "contains_all", opContainsNone: "contains_none",
	opExists: "exists", opMissing: "missing", opPostcodeIn: "postcode_in", opInZone: "in_zone", opPrefix: "matches_prefix",
}

// allowed are the comparisons that each type of fact has besides exists and
// missing.
var allowed = [...][]opID{
	aText:     {opEq, opNe, opIn, opNotIn, opPrefix},
	aNumber:   {opEq, opNe, opIn, opNotIn, opLt, opLte, opGt, opGte, opBetween},
	aFlag:     {opEq, opNe},
	aList:     {opContainsAny, opContainsAll, opContainsNone},
	aPostcode: {opEq, opNe, opIn, opNotIn, opPostcodeIn, opPrefix, opInZone},
	aZone:     {opEq, opNe, opIn, opNotIn, opInZone},
	anOrigin:  {opEq, opNe, opIn, opNotIn},
	aClock:    {opEq, opNe, opLt, opLte, opGt, opGte, opBetween},
	aWeekday:  {opEq, opNe, opIn, opNotIn, opLt, opLte, opGt, opGte, opBetween},
	aDate:     {opEq, opNe, opIn, opNotIn, opLt, opLte, opGt, opGte, opBetween},
}
