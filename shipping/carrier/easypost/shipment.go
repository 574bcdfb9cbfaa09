package easypost

import (
	"time"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// address is EasyPost's.
type address struct {
	Name        string `json:"name,omitempty"`
	Company     string `json:"company,omitempty"`
	Street1     string `json:"street1,omitempty"`
	Street2     string `json:"street2,omitempty"`
	City        string `json:"city,omitempty"`
	State       string `json:"state,omitempty"`
	Zip         string `json:"zip,omitempty"`
	Country     string `json:"country"`
	Phone       string `json:"phone,omitempty"`
	Email       string `json:"email,omitempty"`
	Residential *bool  `json:"residential,omitempty"`
	TaxID       string `json:"federal_tax_id,omitempty"`
}

func to(a carrier.Address) address {
	out := address{
		Name: a.Name, Company: a.Company, Street1: a.Line1, Street2: a.Line2, City: a.City, State: a.Region, Zip: a.Postcode,
		Country: a.Country, Phone: a.Phone, Email: a.Email, TaxID: a.TaxID,
	}
	if a.Residential {
		out.Residential = &a.Residential
	}
	return out
}

// parcel is in inches and ounces, rounded up: what is too small is billed later.
type parcel struct {
	Length carrier.Decimal `json:"length,omitempty"`
	Width  carrier.Decimal `json:"width,omitempty"`
	Height carrier.Decimal `json:"height,omitempty"`
	Weight carrier.Decimal `json:"weight"`
}

func pack(p carrier.Parcel) parcel {
	out := parcel{Weight: carrier.Decimal(carrier.Ounces(p.WeightG, 1, carrier.RoundUp))}
	if p.LengthMM > 0 && p.WidthMM > 0 && p.HeightMM > 0 {
		out.Length = carrier.Decimal(carrier.Inches(p.LengthMM, 2, carrier.RoundUp))
		out.Width = carrier.Decimal(carrier.Inches(p.WidthMM, 2, carrier.RoundUp))
		out.Height = carrier.Decimal(carrier.Inches(p.HeightMM, 2, carrier.RoundUp))
	}
	return out
}

type customsItem struct {
	Description string          `json:"description"`
	Quantity    int64           `json:"quantity"`
	Value       carrier.Decimal `json:"value"`  // of the whole line
	Weight      carrier.Decimal `json:"weight"` // of the whole line, in ounces
	Currency    string          `json:"currency"`
	HSTariff    string          `json:"hs_tariff_number,omitempty"`
	Code        string          `json:"code,omitempty"`
	Origin      string          `json:"origin_country"`
}

type customs struct {
	ContentsType string        `json:"contents_type"`
	Explanation  string        `json:"contents_explanation,omitempty"`
	Certify      bool          `json:"customs_certify"`
	Signer       string        `json:"customs_signer"`
	EELPFC       string        `json:"eel_pfc,omitempty"`
	NonDelivery  string        `json:"non_delivery_option"`
	Restriction  string        `json:"restriction_type"`
	Items        []customsItem `json:"customs_items"`
}

// contents are EasyPost's words for what is inside.
var contents = map[string]string{
	"sale_of_goods": "merchandise", "gift": "gift", "documents": "documents", "sample": "sample", "returned_goods": "returned_goods",
}

func declare(c *carrier.Customs, signer string) (*customs, error) {
	out := &customs{ContentsType: contents[c.ContentType], Certify: true, Signer: signer, EELPFC: c.AES, NonDelivery: "return", Restriction: "none"}
	if out.ContentsType == "" {
		out.ContentsType, out.Explanation = "other", c.ContentType
	}
	for _, i := range c.Items {
		value, err := money.Mul(i.UnitValue.Minor, i.Quantity)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, customsItem{
			Description: i.Description, Quantity: i.Quantity, Value: carrier.Decimal(money.Decimal(value, i.UnitValue.Currency)), Currency: i.UnitValue.Currency,
			Weight: carrier.Decimal(carrier.Ounces(i.NetG*i.Quantity, 2, carrier.RoundHalfUp)), HSTariff: i.HSCode, Code: i.SKU, Origin: i.OriginCountry,
		})
	}
	return out, nil
}

type payer struct {
	Type string `json:"type"`
}

type options struct {
	LabelFormat string `json:"label_format,omitempty"`
	LabelDate   string `json:"label_date,omitempty"`
	Currency    string `json:"currency,omitempty"`
	Confirm     string `json:"delivery_confirmation,omitempty"`
	Saturday    bool   `json:"saturday_delivery,omitempty"`
	Hazmat      string `json:"hazmat,omitempty"`
	Incoterm    string `json:"incoterm,omitempty"`
	Duty        *payer `json:"duty_payment,omitempty"`
	Invoice     string `json:"invoice_number,omitempty"`
	Print       string `json:"print_custom_1,omitempty"`
}

// question is a shipment to make.
type question struct {
	Reference string   `json:"reference,omitempty"`
	To        address  `json:"to_address"`
	From      address  `json:"from_address"`
	Parcel    parcel   `json:"parcel"`
	Customs   *customs `json:"customs_info,omitempty"`
	Options   options  `json:"options"`
	Accounts  []string `json:"carrier_accounts,omitempty"`
}

// ask makes the question for one parcel. Format is empty for a rate. A return is
// an ordinary label from the customer to the shop: EasyPost's is_return would
// turn the addresses round once more.
func (e *EasyPost) ask(call, key string, r carrier.RateRequest, p carrier.Parcel, f carrier.Format) (question, error) {
	if r.Options.CashOnDelivery.Minor != 0 {
		return question{}, e.client.Fail(call, carrier.KindUnsupported, "options.cash_on_delivery", "is not sold by EasyPost's carriers in one way")
	}
	q := question{
		Reference: key, To: to(r.To), From: to(r.From), Parcel: pack(p), Accounts: e.settings.Accounts,
		Options: options{Currency: r.Currency, Saturday: r.Options.Saturday, Hazmat: r.Options.HazmatClass, Print: p.Reference},
	}
	if !r.ShipAt.IsZero() {
		q.Options.LabelDate = r.ShipAt.UTC().Format(time.RFC3339)
	}
	switch {
	case r.Options.AdultSignature:
		q.Options.Confirm = "ADULT_SIGNATURE"
	case r.Options.Signature:
		q.Options.Confirm = "SIGNATURE"
	}
	if f != "" {
		q.Options.LabelFormat = map[carrier.Format]string{carrier.PDF: "PDF", carrier.ZPL: "ZPL", carrier.PNG: "PNG"}[f]
	}
	if c := r.Customs; c != nil {
		signer := r.From.Name
		if signer == "" {
			signer = r.From.Company
		}
		declared, err := declare(c, signer)
		if err != nil {
			return question{}, e.client.Fail(call, carrier.KindInvalid, "customs.items", "are worth too much")
		}
		q.Customs, q.Options.Invoice, q.Options.Incoterm = declared, c.InvoiceNumber, c.Incoterm
		if c.Incoterm == "DDP" {
			q.Options.Duty = &payer{"SENDER"}
		}
	}
	return q, nil
}

// rate is one of a shipment's.
type rate struct {
	ID           string          `json:"id"`
	Carrier      string          `json:"carrier"`
	Service      string          `json:"service"`
	Rate         carrier.Decimal `json:"rate"`
	Currency     string          `json:"currency"`
	ListRate     carrier.Decimal `json:"list_rate"`
	DeliveryDays *int            `json:"delivery_days"`
	DeliveryDate *time.Time      `json:"delivery_date"`
	Guaranteed   *bool           `json:"delivery_date_guaranteed"`
}

func (r rate) code() string { return r.Carrier + "." + r.Service }

// shipment is what EasyPost has of one.
type shipment struct {
	ID           string  `json:"id"`
	Reference    *string `json:"reference"`
	Rates        []rate  `json:"rates"`
	SelectedRate *rate   `json:"selected_rate"`
	Messages     []struct {
		Carrier string `json:"carrier"`
		Type    string `json:"type"`
		Message any    `json:"message"`
	} `json:"messages"`
	TrackingCode *string `json:"tracking_code"`
	RefundStatus *string `json:"refund_status"`
	PostageLabel *struct {
		URL        string `json:"label_url"`
		Type       string `json:"label_file_type"`
		Resolution int    `json:"label_resolution"`
	} `json:"postage_label"`
	Forms []struct {
		Type string `json:"form_type"`
		URL  string `json:"form_url"`
	} `json:"forms"`
}
