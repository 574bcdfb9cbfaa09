package ups

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"doorstep/shipping/carrier"
)

// picture is something printable in an answer.
type picture struct {
	Format struct {
		Code string `json:"Code"`
	} `json:"ImageFormat"`
	LabelFormat struct {
		Code string `json:"Code"`
	} `json:"LabelImageFormat"` // its name where labels are recovered
	Graphic string `json:"GraphicImage"`
}

// form is a customs paper.
type form struct {
	Image *picture `json:"Image"`
}

type shipAnswer struct {
	Response *struct {
		Results struct {
			ID      string `json:"ShipmentIdentificationNumber"`
			Charges *struct {
				Total     *priced `json:"TotalCharges"`
				WithTaxes *priced `json:"TotalChargesWithTaxes"`
			} `json:"ShipmentCharges"`
			Negotiated *negotiated `json:"NegotiatedRateCharges"`
			Packages   many[struct {
				Number string   `json:"TrackingNumber"`
				Label  *picture `json:"ShippingLabel"`
			}] `json:"PackageResults"`
			Forms many[form] `json:"Form"`
		} `json:"ShipmentResults"`
	} `json:"ShipmentResponse"`
}

// Buy makes one shipment with a label for each parcel. UPS knows no keys: the
// key is the reference that Find looks for.
func (u *UPS) Buy(ctx context.Context, r carrier.ShipmentRequest) (carrier.Label, error) {
	if err := u.refuse("buy", r.Parcels, r.Options); err != nil {
		return carrier.Label{}, err
	}
	if r.Service == "" {
		return carrier.Label{}, u.client.Fail("buy", carrier.KindInvalid, "service", "is missing")
	}
	question, err := u.shipQuestion(r)
	if err != nil {
		return carrier.Label{}, err
	}
	var said shipAnswer
	err = u.client.Do(ctx, carrier.Call{
		Name: "buy", Method: http.MethodPost, Path: "/api/shipments/" + version + "/ship", JSON: question,
	}, &said)
	if err != nil {
		return carrier.Label{}, err
	}
	return u.bought(said, r)
}

func (u *UPS) bought(said shipAnswer, r carrier.ShipmentRequest) (carrier.Label, error) {
	if said.Response == nil || said.Response.Results.ID == "" {
		return carrier.Label{}, u.client.Missing("buy", "ShipmentResponse.ShipmentResults.ShipmentIdentificationNumber")
	}
	results := said.Response.Results
	label := carrier.Label{ID: results.ID, Service: r.Service, BuyerID: u.account}
	if len(results.Packages) != len(r.Parcels) {
		return label, u.client.Missing("buy", "ShipmentResponse.ShipmentResults.PackageResults")
	}
	for _, p := range results.Packages {
		paper, err := u.paper(p.Label, r.Format)
		if err != nil || p.Number == "" {
			return label, u.client.Missing("buy", "ShipmentResponse.ShipmentResults.PackageResults.ShippingLabel")
		}
		paper.Kind, paper.Number = "label", p.Number
		label.Numbers, label.Papers = append(label.Numbers, p.Number), append(label.Papers, paper)
	}
	for _, f := range results.Forms {
		if f.Image == nil {
			continue
		}
		if bytes, err := base64.StdEncoding.DecodeString(f.Image.Graphic); err == nil && len(bytes) > 0 {
			label.Papers = append(label.Papers, carrier.Paper{Kind: "customs", Format: carrier.PDF, Bytes: bytes})
		}
	}
	var prices []*priced
	if n := results.Negotiated; n != nil {
		prices = append(prices, n.WithTaxes, n.Total)
	}
	if c := results.Charges; c != nil {
		prices = append(prices, c.WithTaxes, c.Total)
	}
	for _, p := range prices {
		if a, ok := p.amount(); ok {
			label.Cost = a
			return label, nil
		}
	}
	return label, u.client.Missing("buy", "ShipmentResponse.ShipmentResults.ShipmentCharges.TotalCharges")
}

// paper turns a label into the format that is wanted: UPS prints GIF and ZPL.
func (u *UPS) paper(p *picture, wanted carrier.Format) (carrier.Paper, error) {
	if p == nil {
		return carrier.Paper{}, errNoPicture
	}
	bytes, err := base64.StdEncoding.DecodeString(p.Graphic)
	if err != nil || len(bytes) == 0 {
		return carrier.Paper{}, errNoPicture
	}
	code := strings.ToUpper(cmp.Or(p.Format.Code, p.LabelFormat.Code))
	switch {
	case code == "ZPL":
		return carrier.Paper{Format: carrier.ZPL, Bytes: bytes, DPI: 203}, nil
	case code == "PDF" && wanted != carrier.PNG:
		return carrier.Paper{Format: carrier.PDF, Bytes: bytes}, nil
	}
	return printed(bytes, wanted)
}

// labelFormat is what UPS is asked for.
func labelFormat(f carrier.Format) object {
	code := "GIF"
	if f == carrier.ZPL {
		code = "ZPL"
	}
	return object{
		"LabelImageFormat": object{"Code": code},
		"LabelStockSize":   object{"Height": "6", "Width": "4"},
	}
}

func (u *UPS) shipQuestion(r carrier.ShipmentRequest) (object, error) {
	inside := domestic(r.From, r.To)
	w, err := spread(r.Options, r.Parcels, inside)
	if err != nil {
		return nil, u.client.Fail("buy", carrier.KindInvalid, "options", "the amounts are too large")
	}
	shop := r.From
	if r.Options.Return {
		shop = r.To
	}
	shipper := party(shop)
	shipper["ShipperNumber"] = u.account
	charges := []object{{"Type": "01", "BillShipper": object{"AccountNumber": u.account}}}
	if r.Customs != nil && r.Customs.Incoterm == "DDP" {
		charges = append(charges, object{"Type": "02", "BillShipper": object{"AccountNumber": u.account}})
	}
	packages := shipPackages(r, w, imperial(r.From.Country))
	shipment := object{
		"Shipper": shipper, "ShipFrom": party(r.From), "ShipTo": party(r.To), "Service": object{"Code": r.Service},
		"PaymentInformation":    object{"ShipmentCharge": charges},
		"ShipmentRatingOptions": object{"NegotiatedRatesIndicator": "X"},
		"Package":               packages,
	}
	reference := object{"Value": carrier.Reference(r.Key, 35)}
	if from := upper(r.From.Country); inside && (from == "US" || from == "PR") {
		for _, p := range packages { // references stand on the parcels there
			p["ReferenceNumber"] = []object{reference}
		}
	} else {
		shipment["ReferenceNumber"] = []object{reference}
	}
	if r.Options.Return {
		shipment["ReturnService"] = object{"Code": "9"} // a label for the customer to print
	}
	options := w.shipment()
	if !inside {
		if options == nil {
			options = object{}
		}
		if err := u.customs(r, shipment, options); err != nil {
			return nil, err
		}
	}
	if len(options) > 0 {
		shipment["ShipmentServiceOptions"] = options
	}
	return object{"ShipmentRequest": object{
		"Request":            object{"RequestOption": "nonvalidate", "TransactionReference": object{"CustomerContext": carrier.Reference(r.Key, 512)}},
		"Shipment":           shipment,
		"LabelSpecification": labelFormat(r.Format),
	}}, nil
}

func shipPackages(r carrier.ShipmentRequest, w wishes, us bool) []object {
	all := make([]object, len(r.Parcels))
	for i, p := range r.Parcels {
		all[i] = measured(p, us)
		all[i]["Packaging"] = object{"Code": "02"}
		if r.Options.Return {
			all[i]["Description"] = "Returned goods"
		}
		if s := w.parcel(i); s != nil {
			all[i]["PackageServiceOptions"] = s
		}
	}
	return all
}

// Void gives a whole shipment back.
func (u *UPS) Void(ctx context.Context, l carrier.LabelRef) error {
	id := l.ID
	if id == "" && len(l.Numbers) > 0 {
		id = l.Numbers[0] // the first parcel's number is the shipment's
	}
	if id == "" {
		return u.client.Fail("void", carrier.KindInvalid, "id", "is missing")
	}
	var said struct {
		Response *struct {
			Summary struct {
				Status struct {
					Code string `json:"Code"`
					Text string `json:"Description"`
				} `json:"Status"`
			} `json:"SummaryResult"`
		} `json:"VoidShipmentResponse"`
	}
	err := u.client.Do(ctx, carrier.Call{
		Name: "void", Method: http.MethodDelete, Path: "/api/shipments/" + version + "/void/cancel/" + url.PathEscape(id),
	}, &said)
	switch {
	case err != nil:
		return alreadyVoid(err)
	case said.Response == nil || said.Response.Summary.Status.Code == "":
		return u.client.Missing("void", "VoidShipmentResponse.SummaryResult.Status.Code")
	case said.Response.Summary.Status.Code != "1":
		return u.client.Fail("void", carrier.KindInvalid, "id", cmp.Or(said.Response.Summary.Status.Text, "it was not voided"))
	}
	return nil
}

// alreadyVoid forgives the refusal of a shipment that is void.
func alreadyVoid(err error) error {
	var e *carrier.Error
	if errors.As(err, &e) && e.Status < 500 && strings.Contains(strings.ToLower(e.Text), "already been voided") {
		return nil
	}
	return err
}

// Find asks for the labels of the attempt with that key.
func (u *UPS) Find(ctx context.Context, key string) (carrier.Label, error) {
	var said struct {
		Response *struct {
			ID     string `json:"ShipmentIdentificationNumber"`
			Labels many[struct {
				Number string   `json:"TrackingNumber"`
				Label  *picture `json:"LabelImage"`
			}] `json:"LabelResults"`
		} `json:"LabelRecoveryResponse"`
	}
	question := object{"LabelRecoveryRequest": object{
		"LabelSpecification": object{"LabelImageFormat": object{"Code": "PDF"}},
		"ReferenceValues":    object{"ReferenceNumber": object{"Value": carrier.Reference(key, 35)}, "ShipperNumber": u.account},
	}}
	err := u.client.Do(ctx, carrier.Call{Name: "find", Method: http.MethodPost, Path: "/api/labels/v1/recovery", JSON: question}, &said)
	if err != nil {
		return carrier.Label{}, err
	}
	if said.Response == nil || len(said.Response.Labels) == 0 {
		return carrier.Label{}, u.client.Missing("find", "LabelRecoveryResponse.LabelResults")
	}
	label := carrier.Label{ID: said.Response.ID, BuyerID: u.account}
	for _, l := range said.Response.Labels {
		if l.Number == "" {
			return label, u.client.Missing("find", "LabelRecoveryResponse.LabelResults.TrackingNumber")
		}
		label.Numbers = append(label.Numbers, l.Number)
		if paper, err := u.paper(l.Label, carrier.PDF); err == nil {
			paper.Kind, paper.Number = "label", l.Number
			label.Papers = append(label.Papers, paper)
		}
	}
	if label.ID == "" {
		label.ID = label.Numbers[0]
	}
	return label, nil
}
