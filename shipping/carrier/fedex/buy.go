package fedex

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// document is something printable in an answer.
type document struct {
	Kind  string `json:"contentType"`
	Type  string `json:"docType"`
	Label string `json:"encodedLabel"`
}

// charged is one price of what was bought.
type charged struct {
	RateType string          `json:"rateType"`
	Net      carrier.Decimal `json:"totalNetCharge"`
	Currency string          `json:"currency"`
}

type shipped struct {
	Number    string     `json:"masterTrackingNumber"`
	Documents []document `json:"shipmentDocuments"`
	Pieces    []struct {
		Number    string          `json:"trackingNumber"`
		Net       carrier.Decimal `json:"netRateAmount"`
		Charge    carrier.Decimal `json:"netChargeAmount"`
		Currency  string          `json:"currency"`
		Documents []document      `json:"packageDocuments"`
	} `json:"pieceResponses"`
	Completed struct {
		Rating struct {
			Actual  string    `json:"actualRateType"`
			Details []charged `json:"shipmentRateDetails"`
		} `json:"shipmentRating"`
	} `json:"completedShipmentDetail"`
}

type shipAnswer struct {
	Output *struct {
		Shipments []shipped `json:"transactionShipments"`
	} `json:"output"`
	Errors []failure `json:"errors"`
}

// Buy makes one shipment with a label for each parcel. FedEx knows no keys: the
// key is the customer's reference on the labels.
func (f *FedEx) Buy(ctx context.Context, r carrier.ShipmentRequest) (carrier.Label, error) {
	if err := f.refuse("buy", r.Parcels, r.Options); err != nil {
		return carrier.Label{}, err
	}
	if r.Service == "" {
		return carrier.Label{}, f.client.Fail("buy", carrier.KindInvalid, "service", "is missing")
	}
	question, err := f.shipQuestion(r)
	if err != nil {
		return carrier.Label{}, err
	}
	var said shipAnswer
	err = f.client.Do(ctx, carrier.Call{
		Name: "buy", Method: http.MethodPost, Path: "/ship/v1/shipments", JSON: question, Header: http.Header{"X-Customer-Transaction-Id": {carrier.Reference(r.Key, 40)}},
	}, &said)
	if err == nil {
		err = f.enveloped("buy", said.Errors)
	}
	if err != nil {
		return carrier.Label{}, err
	}
	if said.Output == nil || len(said.Output.Shipments) == 0 {
		return carrier.Label{}, f.client.Missing("buy", "output.transactionShipments")
	}
	return f.label(said.Output.Shipments[0], r)
}

func (f *FedEx) label(s shipped, r carrier.ShipmentRequest) (carrier.Label, error) {
	l := carrier.Label{ID: s.Number, Service: r.Service, BuyerID: f.config.Account}
	if len(s.Pieces) != len(r.Parcels) {
		return l, f.client.Missing("buy", "output.transactionShipments.pieceResponses")
	}
	for _, p := range s.Pieces {
		i := slices.IndexFunc(p.Documents, func(d document) bool { return d.Kind == "LABEL" || d.Kind == "" })
		if p.Number == "" || i < 0 {
			return l, f.client.Missing("buy", "output.transactionShipments.pieceResponses.packageDocuments")
		}
		paper, ok := p.Documents[i].paper("label", p.Number)
		if !ok {
			return l, f.client.Missing("buy", "output.transactionShipments.pieceResponses.packageDocuments.encodedLabel")
		}
		l.Numbers, l.Papers = append(l.Numbers, p.Number), append(l.Papers, paper)
	}
	l.ID = cmp.Or(l.ID, l.Numbers[0])
	for _, d := range s.Documents {
		if paper, ok := d.paper("customs", ""); ok && d.Kind != "LABEL" {
			l.Papers = append(l.Papers, paper)
		}
	}
	var ok bool
	if l.Cost, ok = s.cost(); !ok {
		return l, f.client.Missing("buy", "output.transactionShipments.completedShipmentDetail.shipmentRating")
	}
	return l, nil
}

// paper reads something printable.
func (d document) paper(kind, number string) (carrier.Paper, bool) {
	bytes, err := base64.StdEncoding.DecodeString(d.Label)
	if err != nil || len(bytes) == 0 {
		return carrier.Paper{}, false
	}
	p := carrier.Paper{Kind: kind, Format: carrier.PDF, Bytes: bytes, Number: number}
	switch strings.ToUpper(d.Type) {
	case "ZPLII", "ZPL":
		p.Format, p.DPI = carrier.ZPL, 203
	case "PNG":
		p.Format, p.DPI = carrier.PNG, 200
	}
	return p, true
}

// cost is what the account pays for the shipment. Each piece has it again.
func (s *shipped) cost() (money.Amount, bool) {
	rating := s.Completed.Rating
	for _, wanted := range []func(c charged) bool{
		func(c charged) bool { return rating.Actual != "" && c.RateType == rating.Actual },
		func(c charged) bool { return strings.Contains(c.RateType, "ACCOUNT") },
		func(charged) bool { return true },
	} {
		if i := slices.IndexFunc(rating.Details, wanted); i >= 0 {
			d := rating.Details[i]
			if a, err := carrier.RoundAmount(string(d.Net), d.Currency); err == nil {
				return a, true
			}
		}
	}
	for _, p := range s.Pieces {
		if a, err := carrier.RoundAmount(cmp.Or(string(p.Net), string(p.Charge)), p.Currency); err == nil {
			return a, true
		}
	}
	return money.Amount{}, false
}

// picture is how a label is to be printed.
func picture(f carrier.Format) object {
	kind, stock := "PDF", "PAPER_4X6"
	switch f {
	case carrier.ZPL:
		kind, stock = "ZPLII", "STOCK_4X6"
	case carrier.PNG:
		kind = "PNG"
	}
	return object{"labelFormatType": "COMMON2D", "imageType": kind, "labelStockType": stock}
}

// reachable says what a party lacks without which FedEx answers that some field
// is invalid, and not which.
func (f *FedEx) reachable(who string, a carrier.Address) error {
	for _, need := range []struct{ field, value, text string }{
		{"line1", a.Line1, "is missing: FedEx delivers to a street"}, {"city", a.City, "is missing"},
		{"phone", a.Phone, "is missing: FedEx wants a number that the courier can call"}, {"name", a.Name + a.Company, "is missing"},
	} {
		if need.value == "" {
			return f.client.Fail("buy", carrier.KindInvalid, who+"."+need.field, need.text)
		}
	}
	return nil
}

func (f *FedEx) shipQuestion(r carrier.ShipmentRequest) (object, error) {
	if err := cmp.Or(f.reachable("from", r.From), f.reachable("to", r.To)); err != nil {
		return nil, err
	}
	parcels, err := lines(r.Parcels, r.Options, imperial(r.From.Country))
	if err != nil {
		return nil, f.client.Fail("buy", carrier.KindInvalid, "options.insurance", "is too large")
	}
	for _, p := range parcels {
		p["customerReferences"] = []object{{"customerReferenceType": "CUSTOMER_REFERENCE", "value": carrier.Reference(r.Key, 30)}}
	}
	at := r.ShipAt
	if at.IsZero() {
		at = f.clock.Now()
	}
	shipment := object{
		"shipper": party(r.From), "recipients": []object{party(r.To)}, "shipDatestamp": at.Format(time.DateOnly), "serviceType": r.Service,
		"packagingType": "YOUR_PACKAGING", "pickupType": f.config.PickupType, "totalPackageCount": len(parcels), "blockInsightVisibility": false,
		"shippingChargesPayment": object{"paymentType": "SENDER", "payor": f.payor()}, "labelSpecification": picture(r.Format),
		"rateRequestType": []string{"ACCOUNT", "LIST"}, "requestedPackageLineItems": parcels,
	}
	if s := special(r.Options); s != nil {
		shipment["shipmentSpecialServices"] = s
	}
	clearance, err := f.clearance("buy", r.From, r.To, r.Customs)
	if err != nil {
		return nil, err
	}
	if clearance != nil {
		shipment["customsClearanceDetail"] = clearance
		if r.Customs.ContentType != "documents" {
			shipment["shippingDocumentSpecification"] = object{
				"shippingDocumentTypes":   []string{"COMMERCIAL_INVOICE"},
				"commercialInvoiceDetail": object{"documentFormat": object{"docType": "PDF", "stockType": "PAPER_LETTER"}},
			}
		}
	}
	return object{"labelResponseOptions": "LABEL", "accountNumber": f.account(), "requestedShipment": shipment}, nil
}

// Void cancels a whole shipment.
func (f *FedEx) Void(ctx context.Context, l carrier.LabelRef) error {
	id := l.ID
	if id == "" && len(l.Numbers) > 0 {
		id = l.Numbers[0]
	}
	if id == "" {
		return f.client.Fail("void", carrier.KindInvalid, "id", "is missing")
	}
	var said struct {
		Output *struct {
			Canceled bool   `json:"cancelledShipment"`
			Message  string `json:"message"`
		} `json:"output"`
		Errors []failure `json:"errors"`
	}
	err := f.client.Do(ctx, carrier.Call{
		Name: "void", Method: http.MethodPut, Path: "/ship/v1/shipments/cancel",
		JSON: object{"accountNumber": f.account(), "trackingNumber": id, "deletionControl": "DELETE_ALL_PACKAGES"},
	}, &said)
	if err == nil {
		err = f.enveloped("void", said.Errors)
	}
	switch {
	case err != nil && carrier.KindOf(err) == carrier.KindInvalid && strings.Contains(strings.ToUpper(err.Error()), "ALREADY"):
		return nil
	case err != nil:
		return err
	case said.Output == nil:
		return f.client.Missing("void", "output.cancelledShipment")
	case !said.Output.Canceled:
		return f.client.Fail("void", carrier.KindInvalid, "id", cmp.Or(said.Output.Message, "it was not canceled"))
	}
	return nil
}
