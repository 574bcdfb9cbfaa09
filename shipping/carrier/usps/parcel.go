package usps

import (
	"slices"
	"strconv"
	"strings"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// territories are places with a country code of their own that are states to
// the Postal Service.
var territories = []string{"PR", "GU", "VI", "AS", "MP", "FM", "MH", "PW"}

// home tells whether mail there is domestic.
func home(a carrier.Address) bool {
	return upper(a.Country) == "US" || slices.Contains(territories, upper(a.Country))
}

// zip is the first five digits of a ZIP code and the other four.
func zip(postcode string) (five, four string) {
	five, four, _ = strings.Cut(strings.TrimSpace(postcode), "-")
	return five, four
}

// address is a domestic one of a person.
func address(a carrier.Address) object {
	five, four := zip(a.Postcode)
	state := upper(a.Region)
	if slices.Contains(territories, upper(a.Country)) {
		state = upper(a.Country)
	}
	o := object{"streetAddress": carrier.Cut(a.Line1, 50), "city": carrier.Cut(a.City, 28), "state": state, "ZIPCode": five}
	if a.Line2 != "" {
		o["secondaryAddress"] = carrier.Cut(a.Line2, 50)
	}
	if len(four) == 4 {
		o["ZIPPlus4"] = four
	}
	return person(o, a)
}

// abroad is one in another country.
func abroad(a carrier.Address) object {
	o := object{"streetAddress": carrier.Cut(a.Line1, 50), "city": carrier.Cut(a.City, 28), "countryISOAlpha2Code": upper(a.Country)}
	if a.Line2 != "" {
		o["secondaryAddress"] = carrier.Cut(a.Line2, 50)
	}
	if a.Postcode != "" {
		o["postalCode"] = carrier.Cut(a.Postcode, 11)
	}
	if a.Region != "" {
		o["province"] = carrier.Cut(a.Region, 40)
	}
	return person(o, a)
}

// person adds who is there: a first and a last name, or a firm.
func person(o object, a carrier.Address) object {
	if first, last, two := strings.Cut(strings.TrimSpace(a.Name), " "); two {
		o["firstName"], o["lastName"] = carrier.Cut(first, 50), carrier.Cut(last, 50)
	} else if first != "" {
		o["firstName"], o["lastName"] = carrier.Cut(first, 50), carrier.Cut(first, 50)
	}
	if a.Company != "" {
		o["firm"] = carrier.Cut(a.Company, 50)
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, a.Phone)
	if len(digits) >= 10 && len(digits) <= 15 {
		if home(a) {
			digits = digits[len(digits)-10:]
		}
		o["phone"] = digits
	}
	if a.Email != "" && len(a.Email) <= 50 && home(a) {
		o["email"] = a.Email
	}
	return o
}

// measures are weight in pounds and sides in inches, length first: the Service
// rounds by its own rules, so it gets them as exactly as it reads them.
//
// It prices nothing without sides; a parcel whose size is not known yet goes as
// the smallest that the machines take, which is priced by its weight alone.
func measures(p carrier.Parcel) object {
	sides := []int64{p.LengthMM, p.WidthMM, p.HeightMM}
	if p.LengthMM == 0 && p.WidthMM == 0 && p.HeightMM == 0 {
		sides = []int64{153, 77, 7}
	}
	slices.Sort(sides)
	inches := func(mm int64) carrier.Decimal { return carrier.Decimal(carrier.Inches(mm, 2, carrier.RoundUp)) }
	return object{
		"weight": carrier.Decimal(carrier.Pounds(p.WeightG, 4, carrier.RoundUp)),
		"length": inches(sides[2]), "width": inches(sides[1]), "height": inches(sides[0]),
	}
}

// The extra services that are asked for.
const (
	insured     = 930
	insuredMore = 931 // above 500 dollars
	signed      = 921
	signedAdult = 922
)

// extras are the extra services for the options.
func extras(o carrier.Options) []int {
	all := []int{}
	switch {
	case o.AdultSignature:
		all = append(all, signedAdult)
	case o.Signature:
		all = append(all, signed)
	}
	switch {
	case o.Insurance.Minor > 500_00:
		all = append(all, insuredMore)
	case o.Insurance.Minor > 0:
		all = append(all, insured)
	}
	return all
}

// dollars is an amount as the Service's JSON number.
func dollars(a money.Amount) carrier.Decimal {
	return carrier.Decimal(money.Decimal(a.Minor, a.Currency))
}

// refuse is what cannot be asked at all, before it is asked.
func (u *USPS) refuse(call string, from, to carrier.Address, parcels []carrier.Parcel, o carrier.Options) error {
	fail := func(kind carrier.Kind, field, text string) error { return u.client.Fail(call, kind, field, text) }
	switch {
	case !home(from):
		return fail(carrier.KindNotServiceable, "from.country", "the Postal Service takes parcels in the United States")
	case o.Return && !home(to):
		return fail(carrier.KindNotServiceable, "to.country", "returns come from inside the United States")
	case len(parcels) == 0:
		return fail(carrier.KindInvalid, "parcels", "there is no parcel")
	case o.HazmatClass != "":
		return fail(carrier.KindNotServiceable, "options.hazmat_class", "dangerous goods need papers of their own")
	case o.CashOnDelivery.Minor > 0:
		return fail(carrier.KindNotServiceable, "options.cash_on_delivery", "cash on delivery is not for labels of the API")
	case o.Insurance.Minor > 0 && o.Insurance.Currency != "USD":
		return fail(carrier.KindInvalid, "options.insurance", "must be in USD")
	}
	for i, p := range parcels {
		unsized := p.LengthMM == 0 && p.WidthMM == 0 && p.HeightMM == 0 && call == "rates"
		if p.WeightG <= 0 || !unsized && (p.LengthMM <= 0 || p.WidthMM <= 0 || p.HeightMM <= 0) {
			return fail(carrier.KindInvalid, "parcels["+strconv.Itoa(i)+"]", "must have a weight and three sides")
		}
	}
	return nil
}

// shape is how a parcel goes through the machines: at most 22x18x15 inches, 25
// pounds, and at least 6x3 inches by a quarter.
func shape(p carrier.Parcel) string {
	sides := []int64{p.LengthMM, p.WidthMM, p.HeightMM}
	slices.Sort(sides)
	if sides[2] > 558 || sides[1] > 457 || sides[0] > 381 || p.WeightG > 11_339 || sides[2] < 153 || sides[1] < 77 || sides[0] < 7 {
		return "NONSTANDARD"
	}
	return "MACHINABLE"
}
