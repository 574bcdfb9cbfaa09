package ups

import (
	"cmp"
	"strconv"
	"strings"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// reasons are why goods are sent abroad.
var reasons = map[string]string{
	"sale_of_goods": "SALE", "gift": "GIFT", "sample": "SAMPLE", "returned_goods": "RETURN", "documents": "OTHER", "other": "OTHER",
}

// customs adds the commercial invoice to a shipment that crosses a border, or
// says that it holds documents only.
func (u *UPS) customs(r carrier.ShipmentRequest, shipment, options object) error {
	c := r.Customs
	if c == nil || len(c.Items) == 0 {
		return u.client.Fail("buy", carrier.KindInvalid, "customs.items", "are missing for a parcel that crosses a border")
	}
	shipment["Description"] = carrier.Cut(c.Items[0].Description, 50)
	if c.ContentType == "documents" {
		shipment["DocumentsOnlyIndicator"] = ""
		return nil
	}
	total, ok := worth(c.Items)
	if !ok {
		return u.client.Fail("buy", carrier.KindInvalid, "customs.items", "must be of one currency")
	}
	day := c.InvoiceDate
	if day.IsZero() {
		day = u.clock.Now()
	}
	terms := c.Incoterm
	if terms == "" {
		terms = "DAP"
	}
	to := party(r.To)
	delete(to, "TaxIdentificationNumber")
	forms := object{
		"FormType": []string{"01"}, "InvoiceNumber": carrier.Cut(cmp.Or(c.InvoiceNumber, carrier.Reference(r.Key, 35)), 35),
		"InvoiceDate": day.Format("20060102"), "ReasonForExport": cmp.Or(reasons[c.ContentType], "SALE"),
		"CurrencyCode": total.Currency, "TermsOfShipment": terms,
		"Contacts": object{"SoldTo": to}, "Product": products(c.Items),
	}
	if filing := exportFiling(c.AES); filing != nil {
		forms["EEIFilingOption"] = filing
	}
	options["InternationalForms"] = forms
	shipment["InvoiceLineTotal"] = sum(total)
	if c.IOSS != "" {
		from, _ := shipment["ShipFrom"].(object)
		from["VendorInfo"] = object{"VendorCollectIDTypeCode": "0356", "VendorCollectIDNumber": c.IOSS, "ConsigneeType": "02"}
	}
	return nil
}

func products(items []carrier.Item) []object {
	all := make([]object, len(items))
	for i, it := range items {
		p := object{
			"Description": []string{carrier.Cut(it.Description, 35)},
			"Unit": object{
				"Number": strconv.FormatInt(max(it.Quantity, 1), 10), "UnitOfMeasurement": object{"Code": "PCS"},
				"Value": money.Decimal(it.UnitValue.Minor, it.UnitValue.Currency),
			},
			"ProductWeight": object{"UnitOfMeasurement": object{"Code": "KGS"}, "Weight": carrier.Kilograms(max(it.NetG, 1)*max(it.Quantity, 1), 1, carrier.RoundUp)},
		}
		if it.HSCode != "" {
			p["CommodityCode"] = carrier.Cut(it.HSCode, 15)
		}
		if it.OriginCountry != "" {
			p["OriginCountryCode"] = upper(it.OriginCountry)
		}
		if it.SKU != "" {
			p["PartNumber"] = carrier.Cut(it.SKU, 10)
		}
		all[i] = p
	}
	return all
}

// exportFiling says that the shop filed its export itself: an ITN begins with X
// and fourteen digits, everything else is an exemption.
func exportFiling(aes string) object {
	if aes == "" {
		return nil
	}
	filed := object{"Code": "B", "ExemptionLegend": carrier.Cut(aes, 20)}
	if len(aes) == 15 && aes[0] == 'X' && strings.Trim(aes[1:], "0123456789") == "" {
		filed = object{"Code": "A", "PreDepartureITNNumber": aes}
	}
	return object{"Code": "1", "ShipperFiled": filed}
}
