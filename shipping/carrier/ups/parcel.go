package ups

import (
	"cmp"
	"strconv"
	"strings"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// domestic tells whether a shipment needs no customs; Puerto Rico belongs to
// the United States for UPS's own rules.
func domestic(from, to carrier.Address) bool {
	home := func(c string) string {
		if c = upper(c); c == "PR" {
			return "US"
		}
		return c
	}
	return home(from.Country) == home(to.Country)
}

// imperial tells whether UPS measures in inches and pounds there.
func imperial(country string) bool {
	switch upper(country) {
	case "US", "PR", "VI", "DO", "BS":
		return true
	}
	return false
}

// place is an address, as far as it is known: prices come before streets.
// Residential ones carry an indicator by their presence.
func place(a carrier.Address) object {
	p := object{"CountryCode": upper(a.Country)}
	var lines []string
	for _, l := range []string{a.Line1, a.Line2} {
		if l != "" {
			lines = append(lines, carrier.Cut(l, 35))
		}
	}
	if lines != nil {
		p["AddressLine"] = lines
	}
	if a.City != "" {
		p["City"] = carrier.Cut(a.City, 30)
	}
	if a.Region != "" {
		p["StateProvinceCode"] = carrier.Cut(upper(a.Region), 5)
	}
	if a.Postcode != "" {
		p["PostalCode"] = carrier.Cut(strings.ReplaceAll(a.Postcode, " ", ""), 9)
	}
	if a.Residential {
		p["ResidentialAddressIndicator"] = ""
	}
	return p
}

// party is a person or company at a place.
func party(a carrier.Address) object {
	name := a.Company
	if name == "" {
		name = a.Name
	}
	p := object{"Address": place(a)}
	if name != "" {
		p["Name"] = carrier.Cut(name, 35)
	}
	if a.Name != "" {
		p["AttentionName"] = carrier.Cut(a.Name, 35)
	}
	if number := digits(a.Phone, 15); number != "" {
		p["Phone"] = object{"Number": number}
	}
	if a.Email != "" && len(a.Email) <= 50 {
		p["EMailAddress"] = a.Email
	}
	if id := cmp.Or(a.TaxID, a.VAT, a.EORI); id != "" {
		p["TaxIdentificationNumber"] = carrier.Cut(id, 15)
	}
	return p
}

// digits keeps the last digits of a phone number, as many as UPS takes.
func digits(phone string, most int) string {
	d := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
	return d[max(0, len(d)-most):]
}

// measured is the weight and size of a parcel: whole inches or centimetres,
// every started one counted (as UPS bills since 2025-08-18), tenths of pounds or
// kilograms.
func measured(p carrier.Parcel, us bool) object {
	side := func(mm int64) string { return carrier.Centimetres(mm, 0, carrier.RoundUp) }
	unit, weightUnit, weight := "CM", "KGS", carrier.Kilograms(max(p.WeightG, 1), 1, carrier.RoundUp)
	if us {
		side = func(mm int64) string { return carrier.Inches(mm, 0, carrier.RoundUp) }
		unit, weightUnit, weight = "IN", "LBS", carrier.Pounds(max(p.WeightG, 1), 1, carrier.RoundUp)
	}
	m := object{"PackageWeight": object{"UnitOfMeasurement": object{"Code": weightUnit}, "Weight": weight}}
	if p.LengthMM > 0 && p.WidthMM > 0 && p.HeightMM > 0 {
		m["Dimensions"] = object{"UnitOfMeasurement": object{"Code": unit}, "Length": side(p.LengthMM), "Width": side(p.WidthMM), "Height": side(p.HeightMM)}
	}
	return m
}

// wishes are the options that UPS takes for each parcel.
type wishes struct {
	domestic bool
	insured  []int64 // minor units by parcel
	collect  []int64
	options  carrier.Options
}

// spread shares what is insured by the worth of the parcels, and what is to be
// collected evenly.
func spread(o carrier.Options, parcels []carrier.Parcel, isDomestic bool) (wishes, error) {
	w := wishes{domestic: isDomestic, options: o}
	worth, even := make([]int64, len(parcels)), make([]int64, len(parcels))
	for i, p := range parcels {
		worth[i], even[i] = max(p.Value.Minor, 0), 1
	}
	var err error
	if w.insured, err = money.Split(o.Insurance.Minor, worth); err != nil {
		return w, err
	}
	w.collect, err = money.Split(o.CashOnDelivery.Minor, even)
	return w, err
}

// parcel is the PackageServiceOptions of one; nil for none.
func (w wishes) parcel(i int) object {
	s := object{}
	if w.domestic && (w.options.Signature || w.options.AdultSignature) {
		kind := "2"
		if w.options.AdultSignature {
			kind = "3"
		}
		s["DeliveryConfirmation"] = object{"DCISType": kind}
	}
	if w.insured[i] > 0 {
		s["DeclaredValue"] = sum(money.Of(w.insured[i], w.options.Insurance.Currency))
	}
	if w.domestic && w.collect[i] > 0 {
		s["COD"] = object{"CODFundsCode": "0", "CODAmount": sum(money.Of(w.collect[i], w.options.CashOnDelivery.Currency))}
	}
	if len(s) == 0 {
		return nil
	}
	return s
}

// shipment is the ShipmentServiceOptions; nil for none.
func (w wishes) shipment() object {
	s := object{}
	if w.options.Saturday {
		s["SaturdayDeliveryIndicator"] = ""
	}
	if !w.domestic && (w.options.Signature || w.options.AdultSignature) {
		kind := "1"
		if w.options.AdultSignature {
			kind = "2"
		}
		s["DeliveryConfirmation"] = object{"DCISType": kind}
	}
	if !w.domestic && w.options.CashOnDelivery.Minor > 0 {
		s["COD"] = object{"CODFundsCode": "1", "CODAmount": sum(w.options.CashOnDelivery)}
	}
	if len(s) == 0 {
		return nil
	}
	return s
}

// sum is an amount in UPS's form.
func sum(a money.Amount) object {
	return object{"CurrencyCode": a.Currency, "MonetaryValue": money.Decimal(a.Minor, a.Currency)}
}

// refuse is what cannot be asked of UPS at all, before it is asked.
func (u *UPS) refuse(call string, parcels []carrier.Parcel, o carrier.Options) error {
	switch {
	case len(parcels) == 0:
		return u.client.Fail(call, carrier.KindInvalid, "parcels", "there is no parcel")
	case len(parcels) > 200:
		return u.client.Fail(call, carrier.KindInvalid, "parcels", "more than 200 parcels in one shipment")
	case o.HazmatClass != "":
		return u.client.Fail(call, carrier.KindNotServiceable, "options.hazmat_class", "dangerous goods need a contract and papers of their own")
	}
	for i, p := range parcels {
		if p.WeightG <= 0 {
			return u.client.Fail(call, carrier.KindInvalid, "parcels["+strconv.Itoa(i)+"].weight_g", "must be above 0")
		}
	}
	return nil
}
