package fedex

import (
	"cmp"
	"strconv"
	"strings"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// domestic tells whether a shipment needs no customs.
func domestic(from, to carrier.Address) bool { return upper(from.Country) == upper(to.Country) }

// imperial tells whether FedEx measures in inches and pounds there.
func imperial(country string) bool { return upper(country) == "US" || upper(country) == "PR" }

// address is where somebody is, as far as it is known: prices come before streets.
func address(a carrier.Address) object {
	o := object{"countryCode": upper(a.Country), "residential": a.Residential}
	var lines []string
	for _, l := range []string{a.Line1, a.Line2} {
		if l != "" {
			lines = append(lines, carrier.Cut(l, 35))
		}
	}
	if lines != nil {
		o["streetLines"] = lines
	}
	if a.City != "" {
		o["city"] = carrier.Cut(a.City, 35)
	}
	if a.Postcode != "" {
		o["postalCode"] = carrier.Cut(a.Postcode, 10)
	}
	// Regions are known to FedEx by two signs, and only in some countries.
	if r := upper(a.Region); len(r) == 2 {
		o["stateOrProvinceCode"] = r
	}
	return o
}

// party is a person or company at a place.
func party(a carrier.Address) object {
	phone := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, a.Phone)
	contact := object{"personName": carrier.Cut(cmp.Or(a.Name, a.Company), 70), "phoneNumber": phone[max(0, len(phone)-15):]}
	if a.Company != "" {
		contact["companyName"] = carrier.Cut(a.Company, 35)
	}
	if a.Email != "" && len(a.Email) <= 80 {
		contact["emailAddress"] = a.Email
	}
	o := object{"address": address(a), "contact": contact}
	if id := cmp.Or(a.TaxID, a.VAT, a.EORI); id != "" {
		o["tins"] = []object{{"number": carrier.Cut(id, 18), "tinType": "BUSINESS_NATIONAL"}}
	}
	return o
}

// weight is what a parcel weighs, rounded up to hundredths.
func weight(g int64, us bool) object {
	if us {
		return object{"units": "LB", "value": carrier.Decimal(carrier.Pounds(max(g, 1), 2, carrier.RoundUp))}
	}
	return object{"units": "KG", "value": carrier.Decimal(carrier.Kilograms(max(g, 1), 2, carrier.RoundUp))}
}

// sum is an amount in FedEx's form.
func sum(a money.Amount) object {
	return object{"amount": carrier.Decimal(money.Decimal(a.Minor, a.Currency)), "currency": a.Currency}
}

// lines are the parcels: whole inches or centimetres, every started one counted
// (as FedEx bills since 2025-08-18).
func lines(parcels []carrier.Parcel, o carrier.Options, us bool) ([]object, error) {
	worth := make([]int64, len(parcels))
	for i, p := range parcels {
		worth[i] = max(p.Value.Minor, 0)
	}
	insured, err := money.Split(o.Insurance.Minor, worth)
	if err != nil {
		return nil, err
	}
	all := make([]object, len(parcels))
	for i, p := range parcels {
		side := func(mm int64) carrier.Decimal { return carrier.Decimal(carrier.Centimetres(mm, 0, carrier.RoundUp)) }
		unit := "CM"
		if us {
			side = func(mm int64) carrier.Decimal { return carrier.Decimal(carrier.Inches(mm, 0, carrier.RoundUp)) }
			unit = "IN"
		}
		all[i] = object{"sequenceNumber": i + 1, "weight": weight(p.WeightG, us)}
		if p.LengthMM > 0 && p.WidthMM > 0 && p.HeightMM > 0 {
			all[i]["dimensions"] = object{"length": side(p.LengthMM), "width": side(p.WidthMM), "height": side(p.HeightMM), "units": unit}
		}
		if insured[i] > 0 {
			all[i]["declaredValue"] = sum(money.Of(insured[i], o.Insurance.Currency))
		}
		if o.Signature || o.AdultSignature {
			kind := "DIRECT"
			if o.AdultSignature {
				kind = "ADULT"
			}
			all[i]["packageSpecialServices"] = object{"specialServiceTypes": []string{"SIGNATURE_OPTION"}, "signatureOptionType": kind}
		}
	}
	return all, nil
}

// special is what is wished for the whole shipment; nil for nothing.
func special(o carrier.Options) object {
	var types []string
	s := object{}
	if o.Saturday {
		types = append(types, "SATURDAY_DELIVERY")
	}
	if o.CashOnDelivery.Minor > 0 {
		types = append(types, "COD")
		s["shipmentCODDetail"] = object{"codCollectionType": "ANY", "shipmentCodAmount": sum(o.CashOnDelivery)}
	}
	if o.Return {
		types = append(types, "RETURN_SHIPMENT")
		s["returnShipmentDetail"] = object{"returnType": "PRINT_RETURN_LABEL"}
	}
	if len(types) == 0 {
		return nil
	}
	s["specialServiceTypes"] = types
	return s
}

// refuse is what cannot be asked of FedEx at all, before it is asked.
func (f *FedEx) refuse(call string, parcels []carrier.Parcel, o carrier.Options) error {
	switch {
	case len(parcels) == 0:
		return f.client.Fail(call, carrier.KindInvalid, "parcels", "there is no parcel")
	case len(parcels) > 99:
		return f.client.Fail(call, carrier.KindInvalid, "parcels", "more than 99 parcels in one shipment")
	case o.HazmatClass != "":
		return f.client.Fail(call, carrier.KindNotServiceable, "options.hazmat_class", "dangerous goods need a contract and papers of their own")
	}
	for i, p := range parcels {
		if p.WeightG <= 0 {
			return f.client.Fail(call, carrier.KindInvalid, "parcels["+strconv.Itoa(i)+"].weight_g", "must be above 0")
		}
	}
	return nil
}

// purposes are why goods are sent abroad.
var purposes = map[string]string{
	"sale_of_goods": "SOLD", "gift": "GIFT", "sample": "SAMPLE", "returned_goods": "REPAIR_AND_RETURN", "documents": "NOT_SOLD", "other": "NOT_SOLD",
}

// clearance is what customs wants to know; nil inside one country.
func (f *FedEx) clearance(call string, from, to carrier.Address, c *carrier.Customs) (object, error) {
	if domestic(from, to) {
		return nil, nil
	}
	if c == nil || len(c.Items) == 0 {
		return nil, f.client.Fail(call, carrier.KindInvalid, "customs.items", "are missing for a parcel that crosses a border")
	}
	total := money.Of(0, c.Items[0].UnitValue.Currency)
	items := make([]object, len(c.Items))
	for i, it := range c.Items {
		n := max(it.Quantity, 1)
		line, err := money.Mul(it.UnitValue.Minor, n)
		if err == nil {
			total, err = total.Add(money.Of(line, it.UnitValue.Currency))
		}
		if err != nil {
			return nil, f.client.Fail(call, carrier.KindInvalid, "customs.items", "must be of one currency, and not worth too much")
		}
		items[i] = object{
			"description": carrier.Cut(it.Description, 450), "quantity": n, "quantityUnits": "PCS", "numberOfPieces": n,
			"unitPrice": sum(it.UnitValue), "customsValue": sum(money.Of(line, it.UnitValue.Currency)), "weight": weight(max(it.NetG, 1)*n, false),
		}
		for k, v := range map[string]string{"harmonizedCode": it.HSCode, "countryOfManufacture": upper(it.OriginCountry), "partNumber": carrier.Cut(it.SKU, 20)} {
			if v != "" {
				items[i][k] = v
			}
		}
	}
	duties := object{"paymentType": "RECIPIENT"}
	if c.Incoterm == "DDP" {
		duties = object{"paymentType": "SENDER", "payor": f.payor()}
	}
	invoice := object{"shipmentPurpose": cmp.Or(purposes[c.ContentType], "SOLD"), "termsOfSale": cmp.Or(c.Incoterm, "DAP")}
	if c.InvoiceNumber != "" {
		invoice["customerReferences"] = []object{{"customerReferenceType": "INVOICE_NUMBER", "value": carrier.Cut(c.InvoiceNumber, 30)}}
	}
	o := object{
		"commodities": items, "dutiesPayment": duties, "commercialInvoice": invoice, "isDocumentOnly": c.ContentType == "documents", "totalCustomsValue": sum(total),
	}
	if c.AES != "" {
		o["exportDetail"] = object{"exportComplianceStatement": c.AES}
	}
	return o, nil
}

// account is the account's number.
func (f *FedEx) account() object { return object{"value": f.config.Account} }

func (f *FedEx) payor() object {
	return object{"responsibleParty": object{"accountNumber": f.account()}}
}
