package mydhl

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// shipTime is how DHL wants instants to be written.
const shipTime = "2006-01-02T15:04:05 GMT-07:00"

// longest is how many signs DHL takes in a line.
const longest = 45

type account struct {
	TypeCode string `json:"typeCode"`
	Number   string `json:"number"`
}

func (d *MyDHL) accounts() []account { return []account{{"shipper", d.config.Account}} }

// place is an address in questions of price.
type place struct {
	PostalCode   string `json:"postalCode"`
	CityName     string `json:"cityName"`
	CountryCode  string `json:"countryCode"`
	ProvinceCode string `json:"provinceCode,omitempty"`
	AddressLine1 string `json:"addressLine1,omitempty"`
	AddressLine2 string `json:"addressLine2,omitempty"`
}

func at(a carrier.Address) place {
	p := place{PostalCode: a.Postcode, CityName: a.City, CountryCode: a.Country, AddressLine1: carrier.Cut(a.Line1, longest), AddressLine2: carrier.Cut(a.Line2, longest)}
	if len(a.Region) == 2 {
		p.ProvinceCode = a.Region
	}
	return p
}

// box is a parcel in kilograms and centimetres.
type box struct {
	Weight     carrier.Decimal `json:"weight"`
	Dimensions struct {
		Length carrier.Decimal `json:"length"`
		Width  carrier.Decimal `json:"width"`
		Height carrier.Decimal `json:"height"`
	} `json:"dimensions"`
	References []reference `json:"customerReferences,omitempty"`
}

type reference struct {
	Value    string `json:"value"`
	TypeCode string `json:"typeCode,omitempty"`
}

func boxes(parcels []carrier.Parcel) []box {
	all := make([]box, len(parcels))
	for i, p := range parcels {
		all[i].Weight = carrier.Decimal(carrier.Kilograms(p.WeightG, 3, carrier.RoundUp))
		for _, side := range []struct {
			to *carrier.Decimal
			mm int64
		}{{&all[i].Dimensions.Length, p.LengthMM}, {&all[i].Dimensions.Width, p.WidthMM}, {&all[i].Dimensions.Height, p.HeightMM}} {
			*side.to = carrier.Decimal(carrier.Centimetres(max(side.mm, 10), 1, carrier.RoundUp)) // at least a centimetre
		}
	}
	return all
}

// worth is the value of what is declared, and whether anything is.
func worth(c *carrier.Customs) (sum money.Amount, declared bool) {
	if c == nil || len(c.Items) == 0 {
		return money.Amount{}, false
	}
	sum = money.Of(0, c.Items[0].UnitValue.Currency)
	for _, item := range c.Items {
		line, err := money.Mul(item.UnitValue.Minor, item.Quantity)
		if err == nil {
			sum, err = sum.Add(money.Of(line, item.UnitValue.Currency))
		}
		if err != nil {
			return money.Amount{}, false
		}
	}
	return sum, true
}

func decimal(a money.Amount) carrier.Decimal {
	return carrier.Decimal(money.Decimal(a.Minor, a.Currency))
}

// able refuses what the API has no service for.
func (d *MyDHL) able(call string, o carrier.Options) error {
	switch {
	case o.CashOnDelivery.Minor > 0:
		return d.client.Fail(call, carrier.KindUnsupported, "options.cash_on_delivery", "DHL Express collects no price")
	case o.AdultSignature:
		return d.client.Fail(call, carrier.KindUnsupported, "options.adult_signature", "the MyDHL API has a direct signature only")
	}
	return nil
}

// extra is a value added service.
type extra struct {
	ServiceCode string          `json:"serviceCode"`
	Value       carrier.Decimal `json:"value,omitempty"`
	Currency    string          `json:"currency,omitempty"`
}

func extras(o carrier.Options, c *carrier.Customs) []extra {
	all := []extra{}
	if o.Insurance.Minor > 0 {
		all = append(all, extra{"II", decimal(o.Insurance), o.Insurance.Currency})
	}
	if o.Signature {
		all = append(all, extra{ServiceCode: "SF"})
	}
	if o.Saturday {
		all = append(all, extra{ServiceCode: "AA"})
	}
	if c != nil && c.Incoterm == "DDP" {
		all = append(all, extra{ServiceCode: "DD"})
	}
	return all
}

// answer is a list of priced products.
type answer struct {
	Products []product `json:"products"`
}

type price struct {
	CurrencyType string          `json:"currencyType"`
	Currency     string          `json:"priceCurrency"`
	Price        carrier.Decimal `json:"price"`
}

type product struct {
	Name   string `json:"productName"`
	Code   string `json:"productCode"`
	Weight *struct {
		Volumetric carrier.Decimal `json:"volumetric"`
		Provided   carrier.Decimal `json:"provided"`
	} `json:"weight"`
	Agreed bool    `json:"isCustomerAgreement"`
	Total  []price `json:"totalPrice"`
	Detail []struct {
		CurrencyType string      `json:"currencyType"`
		Currency     string      `json:"priceCurrency"`
		Breakdown    []breakdown `json:"breakdown"`
	} `json:"detailedPriceBreakdown"`
	Delivery *struct {
		Estimated string          `json:"estimatedDeliveryDateAndTime"`
		Days      carrier.Decimal `json:"totalTransitDays"`
	} `json:"deliveryCapabilities"`
}

type breakdown struct {
	Name        string          `json:"name"`
	ServiceCode string          `json:"serviceCode"`
	TypeCode    string          `json:"typeCode"`
	Price       carrier.Decimal `json:"price"`
	Currency    string          `json:"priceCurrency"`
}

// Rates asks for all products that go there.
func (d *MyDHL) Rates(ctx context.Context, r carrier.RateRequest) (carrier.RateAnswer, error) {
	if len(r.Parcels) == 0 {
		return carrier.RateAnswer{}, d.client.Fail("rates", carrier.KindInvalid, "parcels", "are missing")
	}
	if err := d.able("rates", r.Options); err != nil {
		return carrier.RateAnswer{}, err
	}
	when := r.ShipAt
	if when.IsZero() {
		when = d.config.Clock.Now()
	}
	body := map[string]any{
		"customerDetails": map[string]any{"shipperDetails": at(r.From), "receiverDetails": at(r.To)}, "accounts": d.accounts(),
		"plannedShippingDateAndTime": when.Format(shipTime), "unitOfMeasurement": "metric", "isCustomsDeclarable": r.Customs != nil,
		"packages": boxes(r.Parcels), "nextBusinessDay": true, "valueAddedServices": extras(r.Options, r.Customs),
	}
	if value, declared := worth(r.Customs); declared {
		body["monetaryAmount"] = []map[string]any{{"typeCode": "declaredValue", "value": decimal(value), "currency": value.Currency}}
	}
	var said answer
	if err := d.client.Do(ctx, carrier.Call{Name: "rates", Method: http.MethodPost, Path: "/rates", JSON: body}, &said); err != nil {
		return carrier.RateAnswer{}, err
	}
	if said.Products == nil {
		return carrier.RateAnswer{}, d.client.Missing("rates", "products")
	}
	return said.rates(r.Services), nil
}

// rates are the products with a price, of the services that are wanted.
func (a *answer) rates(wanted []string) carrier.RateAnswer {
	var out carrier.RateAnswer
	for i := range a.Products {
		p := &a.Products[i]
		if p.Code == "" || len(wanted) > 0 && !slices.Contains(wanted, p.Code) {
			continue
		}
		if rate, ok := p.rate(); ok {
			out.Rates = append(out.Rates, rate)
		} else {
			out.Refused = append(out.Refused, carrier.Refusal{Service: p.Code, Kind: carrier.KindNotServiceable, Text: carrier.Clip(p.Name + " has no price")})
		}
	}
	return out
}

// billed is the currency type of what the account is billed.
const billed = "BILLC"

// total is what the account is billed.
func total(prices []price) (money.Amount, bool) {
	for _, p := range prices {
		if p.CurrencyType != billed && (len(prices) > 1 || p.CurrencyType != "") {
			continue
		}
		sum, err := carrier.RoundAmount(string(p.Price), p.Currency)
		return sum, err == nil && sum.Minor > 0
	}
	return money.Amount{}, false
}

func (p *product) rate() (carrier.Rate, bool) {
	sum, ok := total(p.Total)
	if !ok {
		return carrier.Rate{}, false
	}
	r := carrier.Rate{Carrier: Name, Service: p.Code, Level: carrier.LevelOf(products, p.Code, carrier.Express), Total: sum, Negotiated: p.Agreed}
	for _, d := range p.Detail {
		if d.CurrencyType != billed || d.Currency != sum.Currency {
			continue
		}
		for _, b := range d.Breakdown {
			amount, err := carrier.RoundAmount(string(b.Price), d.Currency)
			if err != nil {
				continue
			}
			r.Charges = append(r.Charges, carrier.Charge{Kind: b.kind(p.Name), Name: carrier.Clip(b.Name), Amount: amount})
		}
	}
	r.Charges = carrier.Settle(r.Charges, sum)
	if w := p.Weight; w != nil {
		for _, kg := range []carrier.Decimal{w.Volumetric, w.Provided} {
			if g, err := carrier.FromKilograms(string(kg), carrier.RoundUp); err == nil {
				r.BillableG = max(r.BillableG, g)
			}
		}
	}
	if c := p.Delivery; c != nil {
		if t, err := time.Parse("2006-01-02T15:04:05", c.Estimated); err == nil {
			r.Promised = t // at the place: DHL says no zone
		}
		if days := c.Days.Seconds() / time.Second; days > 0 && days < 100 {
			r.TransitDays = int(days)
		}
	}
	return r, true
}

func (b *breakdown) kind(product string) carrier.ChargeKind {
	switch {
	case b.ServiceCode == "" && strings.EqualFold(b.Name, product):
		return carrier.ChargeBase
	case b.ServiceCode == "FF":
		return carrier.ChargeFuel
	case b.TypeCode == "TAX" || b.TypeCode == "VAT":
		return carrier.ChargeTax
	case strings.HasPrefix(string(b.Price), "-"):
		return carrier.ChargeDiscount
	}
	return carrier.ChargeSurcharge
}

// LandedCost reckons duty, tax and fees at DHL, in the currency of the goods: an
// estimate.
func (d *MyDHL) LandedCost(ctx context.Context, r carrier.RateRequest) (carrier.LandedCost, error) {
	var out carrier.LandedCost
	value, declared := worth(r.Customs)
	if !declared {
		return out, d.client.Fail("landed-cost", carrier.KindInvalid, "customs.items", "are missing, or of several currencies")
	}
	items := make([]map[string]any, len(r.Customs.Items))
	for i, item := range r.Customs.Items {
		items[i] = map[string]any{
			"number": i + 1, "name": item.Description, "description": item.Description, "manufacturerCountry": item.OriginCountry, "partNumber": item.SKU,
			"quantity": item.Quantity, "quantityType": "prt", "unitPrice": decimal(item.UnitValue), "unitPriceCurrencyCode": item.UnitValue.Currency,
			"commodityCode": item.HSCode, "weight": carrier.Decimal(carrier.Kilograms(max(item.NetG, 1), 3, carrier.RoundUp)), "weightUnitOfMeasurement": "metric",
		}
	}
	service := "P"
	if len(r.Services) > 0 {
		service = r.Services[0]
	}
	var said answer
	err := d.client.Do(ctx, carrier.Call{Name: "landed-cost", Method: http.MethodPost, Path: "/landed-cost", JSON: map[string]any{
		"customerDetails": map[string]any{"shipperDetails": at(r.From), "receiverDetails": at(r.To)}, "accounts": d.accounts(), "productCode": service,
		"unitOfMeasurement": "metric", "currencyCode": value.Currency, "isCustomsDeclarable": true, "isDTPRequested": r.Customs.Incoterm == "DDP",
		"isInsuranceRequested": r.Options.Insurance.Minor > 0, "getCostBreakdown": true, "shipmentPurpose": "commercial", "transportationMode": "air",
		"merchantSelectedCarrierName": "DHL", "packages": boxes(r.Parcels), "items": items,
	}}, &said)
	if err != nil {
		return out, err
	}
	if len(said.Products) == 0 || len(said.Products[0].Detail) == 0 {
		return out, d.client.Missing("landed-cost", "products.detailedPriceBreakdown")
	}
	return said.Products[0].landed(value.Currency), nil
}

// landed reads the totals: what DHL says in other currencies is left out.
func (p *product) landed(currency string) carrier.LandedCost {
	out := carrier.LandedCost{Duty: money.Of(0, currency), Tax: money.Of(0, currency), Fees: money.Of(0, currency)}
	for _, b := range p.Detail[0].Breakdown {
		amount, err := carrier.RoundAmount(string(b.Price), b.Currency)
		if err != nil || b.Currency != currency || !strings.HasPrefix(b.Name, "TOTAL ") {
			continue
		}
		switch b.TypeCode {
		case "DUTY":
			out.Duty = amount
		case "TAX":
			out.Tax = amount
		case "FEE":
			out.Fees = amount
		}
	}
	return out
}
