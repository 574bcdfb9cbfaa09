package mydhl

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"doorstep/shipping/carrier"
)

// dpi is of the printers that labels are asked for.
const dpi = 203

// party is a person at a place.
type party struct {
	PostalAddress place   `json:"postalAddress"`
	Contact       contact `json:"contactInformation"`
}

type contact struct {
	Email       string `json:"email,omitempty"`
	Phone       string `json:"phone"`
	CompanyName string `json:"companyName"`
	FullName    string `json:"fullName"`
}

func who(a carrier.Address) party {
	p := party{at(a), contact{Email: a.Email, Phone: a.Phone, CompanyName: a.Company, FullName: a.Name}}
	if p.Contact.CompanyName == "" {
		p.Contact.CompanyName = a.Name // DHL wants one of everybody
	}
	if p.Contact.FullName == "" {
		p.Contact.FullName = a.Company
	}
	return p
}

// mostPieces is how many pieces a waybill may have.
const mostPieces = 99

// Buy makes the labels of one shipment: its pieces share a waybill, whose number
// is all that is asked about afterwards. The key is DHL's customer reference,
// where a person can find it.
func (d *MyDHL) Buy(ctx context.Context, r carrier.ShipmentRequest) (carrier.Label, error) {
	if len(r.Parcels) == 0 || len(r.Parcels) > mostPieces {
		return carrier.Label{}, d.client.Fail("buy", carrier.KindInvalid, "parcels", "must be 1 to 99 pieces of a waybill")
	}
	if err := d.able("buy", r.Options); err != nil {
		return carrier.Label{}, err
	}
	var said made
	if err := d.client.Do(ctx, carrier.Call{Name: "buy", Method: http.MethodPost, Path: "/shipments", JSON: d.shipment(&r)}, &said); err != nil {
		return carrier.Label{}, err
	}
	return d.label(&r, &said)
}

// shipment is the question for a label.
func (d *MyDHL) shipment(r *carrier.ShipmentRequest) map[string]any {
	when := r.ShipAt
	if when.IsZero() {
		when = d.config.Clock.Now()
	}
	format := "pdf"
	if r.Format == carrier.ZPL {
		format = "zpl"
	}
	packages := boxes(r.Parcels)
	for i := range packages {
		packages[i].References = []reference{{Value: carrier.Reference(r.Key, 35), TypeCode: "CU"}}
	}
	content := map[string]any{
		"packages": packages, "isCustomsDeclarable": r.Customs != nil, "description": describe(r), "unitOfMeasurement": "metric", "incoterm": "DAP",
	}
	if c := r.Customs; c != nil {
		if c.Incoterm != "" {
			content["incoterm"] = c.Incoterm
		}
		if value, declared := worth(c); declared {
			content["declaredValue"], content["declaredValueCurrency"] = decimal(value), value.Currency
		}
		content["exportDeclaration"] = declaration(c)
	}
	return map[string]any{
		"plannedShippingDateAndTime": when.Format(shipTime), "pickup": map[string]any{"isRequested": false}, "productCode": r.Service,
		"getRateEstimates": true, "accounts": d.accounts(), "valueAddedServices": extras(r.Options, r.Customs),
		"outputImageProperties": map[string]any{
			"printerDPI": dpi, "encodingFormat": format,
			"imageOptions": []map[string]any{{"typeCode": "label", "templateName": "ECOM26_84_001", "isRequested": true}, {"typeCode": "waybillDoc", "isRequested": false}},
		},
		"customerDetails":    map[string]any{"shipperDetails": who(r.From), "receiverDetails": who(r.To)},
		"customerReferences": []reference{{Value: carrier.Reference(r.Key, 35), TypeCode: "CU"}}, "content": content,
	}
}

// describe says what is inside, in at most 70 signs.
func describe(r *carrier.ShipmentRequest) string {
	var words []string
	for _, p := range r.Parcels {
		for _, item := range p.Items {
			words = append(words, item.Description)
		}
	}
	text := strings.Join(words, ", ")
	if text == "" {
		text = "Goods"
	}
	if runes := []rune(text); len(runes) > 70 {
		text = string(runes[:70])
	}
	return text
}

// declaration is what customs of the sender's country wants.
func declaration(c *carrier.Customs) map[string]any {
	lines := make([]map[string]any, len(c.Items))
	for i, item := range c.Items {
		kg := carrier.Decimal(carrier.Kilograms(max(item.NetG*item.Quantity, 1), 3, carrier.RoundUp))
		lines[i] = map[string]any{
			"number": i + 1, "description": item.Description, "price": decimal(item.UnitValue),
			"quantity":            map[string]any{"value": item.Quantity, "unitOfMeasurement": "PCS"},
			"manufacturerCountry": item.OriginCountry, "weight": map[string]any{"netValue": kg, "grossValue": kg}, "exportReasonType": "permanent",
		}
		if item.HSCode != "" {
			lines[i]["commodityCodes"] = []map[string]any{{"typeCode": "outbound", "value": item.HSCode}}
		}
	}
	d := map[string]any{"lineItems": lines, "exportReason": strings.ReplaceAll(c.ContentType, "_", " ")}
	if c.InvoiceNumber != "" {
		d["invoice"] = map[string]any{"number": c.InvoiceNumber, "date": c.InvoiceDate.Format("2006-01-02")}
	}
	return d
}

// made is a shipment as DHL gives it.
type made struct {
	Number string `json:"shipmentTrackingNumber"`
	Pieces []struct {
		Number string `json:"trackingNumber"`
	} `json:"packages"`
	Documents []struct {
		Format  string `json:"imageFormat"`
		Content string `json:"content"`
		Type    string `json:"typeCode"`
	} `json:"documents"`
	Charges []price `json:"shipmentCharges"`
}

var kindOf = map[string]string{"label": "label", "invoice": "customs", "waybillDoc": "waybill", "shipmentReceipt": "receipt", "receipt": "receipt"}

// label reads what was made; whatever it lacks leaves the Buy unknown.
func (d *MyDHL) label(r *carrier.ShipmentRequest, said *made) (carrier.Label, error) {
	if said.Number == "" || len(said.Number) > 35 {
		return carrier.Label{}, d.client.Missing("buy", "shipmentTrackingNumber")
	}
	if len(r.Parcels) > 1 && len(said.Pieces) != len(r.Parcels) {
		return carrier.Label{}, d.client.Fail("buy", carrier.KindContract, "packages", "are not as many as the pieces")
	}
	l := carrier.Label{ID: said.Number, Numbers: []string{said.Number}, Service: r.Service}
	if cost, ok := total(said.Charges); ok {
		l.Cost = cost
	}
	labels := 0
	for _, doc := range said.Documents {
		kind, known := kindOf[doc.Type]
		if !known {
			continue
		}
		format := map[string]carrier.Format{"PDF": carrier.PDF, "ZPL": carrier.ZPL, "PNG": carrier.PNG}[strings.ToUpper(doc.Format)]
		content, err := base64.StdEncoding.DecodeString(doc.Content)
		if err != nil || len(content) == 0 || format == "" {
			return carrier.Label{}, d.client.Fail("buy", carrier.KindContract, "documents.content", "cannot be printed")
		}
		if kind == "label" {
			labels++
		}
		l.Papers = append(l.Papers, carrier.Paper{Kind: kind, Format: format, Bytes: content, DPI: dpi, Number: said.Number})
	}
	if labels == 0 {
		return carrier.Label{}, d.client.Missing("buy", "documents")
	}
	return l, nil
}

// BookPickup sends for a courier.
func (d *MyDHL) BookPickup(ctx context.Context, r carrier.PickupRequest) (carrier.Pickup, error) {
	var said struct {
		Numbers []string `json:"dispatchConfirmationNumbers"`
	}
	weight := carrier.Decimal(carrier.Kilograms(max(r.WeightG, 1), 3, carrier.RoundUp))
	err := d.client.Do(ctx, carrier.Call{Name: "pickup", Method: http.MethodPost, Path: "/pickups", JSON: map[string]any{
		"plannedPickupDateAndTime": r.Ready.Format(shipTime), "closeTime": r.Last.In(r.Ready.Location()).Format("15:04"), "location": "reception",
		"locationType": "business", "accounts": d.accounts(), "remark": carrier.Cut(r.Note, longest), "specialInstructions": []reference{{Value: carrier.Reference(r.Key, 35), TypeCode: "TBD"}},
		"customerDetails": map[string]any{"shipperDetails": who(r.From), "pickupDetails": who(r.From)},
		"shipmentDetails": []map[string]any{{
			"productCode": "P", "accounts": d.accounts(), "isCustomsDeclarable": false, "unitOfMeasurement": "metric",
			"packages": []map[string]any{{"weight": weight, "dimensions": map[string]int{"length": 1, "width": 1, "height": 1}}},
		}},
	}}, &said)
	if err != nil {
		return carrier.Pickup{}, err
	}
	if len(said.Numbers) == 0 || said.Numbers[0] == "" {
		return carrier.Pickup{}, d.client.Missing("pickup", "dispatchConfirmationNumbers")
	}
	return carrier.Pickup{ID: said.Numbers[0]}, nil
}

// CancelPickup sends the courier home.
func (d *MyDHL) CancelPickup(ctx context.Context, id string) error {
	return d.client.Do(ctx, carrier.Call{
		Name: "pickup", Method: http.MethodDelete, Path: "/pickups/" + url.PathEscape(id), Query: url.Values{"requestorName": {"Doorstep"}, "reason": {"001"}},
	}, nil)
}
