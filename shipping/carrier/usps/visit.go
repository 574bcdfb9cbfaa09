package usps

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"time"

	"doorstep/shipping/carrier"
)

// Manifest makes the SCAN form of labels at home and abroad: the carrier scans
// it once instead of each parcel.
func (u *USPS) Manifest(ctx context.Context, r carrier.ManifestRequest) (carrier.Manifest, error) {
	var numbers []string
	for _, l := range r.Labels {
		numbers = append(numbers, l.Numbers...)
	}
	if len(numbers) == 0 {
		return carrier.Manifest{}, u.client.Fail("manifest", carrier.KindInvalid, "labels", "there is none")
	}
	from := address(r.From)
	delete(from, "phone")
	delete(from, "email")
	var said struct {
		ID    string `json:"manifestNumber"`
		Image string `json:"SCANFormImage"`
	}
	err := u.client.Do(ctx, carrier.Call{
		Name: "manifest", Method: http.MethodPost, Path: "/scan-forms/v3/scan-form", Header: http.Header{"Accept": {labelsJSON}},
		JSON: object{
			"imageInfo": object{"imageType": "PDF", "labelType": "8.5X11LABEL"}, "mailingDate": r.Day.Format(time.DateOnly), "overwriteMailingDate": false,
			"entryFacilityZIPCode": from["ZIPCode"], "destinationEntryFacilityType": "NONE", "shipment": object{"trackingNumbers": numbers}, "fromAddress": from,
		},
	}, &said)
	if err != nil {
		return carrier.Manifest{}, err
	}
	image, err := base64.StdEncoding.DecodeString(said.Image)
	if said.ID == "" || err != nil || len(image) == 0 {
		return carrier.Manifest{ID: said.ID}, u.client.Missing("manifest", "SCANFormImage")
	}
	return carrier.Manifest{ID: said.ID, Papers: []carrier.Paper{{Kind: "manifest", Format: carrier.PDF, Bytes: image}}}, nil
}

// BookPickup has the letter carrier take parcels along on a day; it is free. The
// hours of the window do not matter to the Service.
func (u *USPS) BookPickup(ctx context.Context, r carrier.PickupRequest) (carrier.Pickup, error) {
	if !home(r.From) {
		return carrier.Pickup{}, u.client.Fail("pickup", carrier.KindNotServiceable, "from.country", "letter carriers come in the United States")
	}
	where := person(object{}, r.From)
	place := address(r.From)
	for _, k := range []string{"firstName", "lastName", "firm", "phone", "email"} {
		delete(place, k)
	}
	pickup := object{"address": place}
	for _, k := range []string{"firstName", "lastName", "firm"} {
		if v, ok := where[k]; ok {
			pickup[k] = v
		}
	}
	var contact []object
	if v, ok := where["email"]; ok {
		contact = append(contact, object{"email": v})
	}
	pickup["contact"] = contact
	location := object{"packageLocation": "FRONT_DOOR"}
	if r.Note != "" {
		location = object{"packageLocation": "OTHER", "specialInstructions": carrier.Cut(r.Note, 255)}
	}
	var said struct {
		ID string `json:"confirmationNumber"`
	}
	err := u.client.Do(ctx, carrier.Call{
		Name: "pickup", Method: http.MethodPost, Path: "/pickup/v3/carrier-pickup",
		JSON: object{
			"pickupDate": r.Ready.Format(time.DateOnly), "pickupAddress": pickup,
			"packages":        []object{{"packageType": "OTHER", "packageCount": max(r.Parcels, 1)}},
			"estimatedWeight": carrier.Decimal(carrier.Pounds(max(r.WeightG, 1), 1, carrier.RoundUp)), "pickupLocation": location,
		},
	}, &said)
	if err != nil {
		return carrier.Pickup{}, err
	}
	if said.ID == "" {
		return carrier.Pickup{}, u.client.Missing("pickup", "confirmationNumber")
	}
	return carrier.Pickup{ID: said.ID}, nil
}

// CancelPickup calls the letter carrier off. The Service wants to hear which
// version of the pickup is meant, so it is read first.
func (u *USPS) CancelPickup(ctx context.Context, id string) error {
	path := "/pickup/v3/carrier-pickup/" + url.PathEscape(id)
	now, err := u.client.Send(ctx, carrier.Call{Name: "pickup", Path: path})
	if err != nil {
		return err
	}
	return u.client.Do(ctx, carrier.Call{Name: "pickup", Method: http.MethodDelete, Path: path, Header: http.Header{"If-Match": {now.Header.Get("ETag")}}}, nil)
}

// CheckAddress asks whether mail can be delivered to a domestic address. The
// Service says whether it is a business, not whether somebody lives there.
func (u *USPS) CheckAddress(ctx context.Context, a carrier.Address) (carrier.AddressVerdict, error) {
	if !home(a) {
		return carrier.AddressVerdict{}, u.client.Fail("address", carrier.KindUnsupported, "country", "only domestic addresses are checked")
	}
	asked := address(a)
	q := url.Values{}
	for _, k := range []string{"firm", "streetAddress", "secondaryAddress", "city", "state", "ZIPCode", "ZIPPlus4"} {
		if v, _ := asked[k].(string); v != "" {
			q.Set(k, v)
		}
	}
	var said addressAnswer
	err := u.client.Do(ctx, carrier.Call{Name: "address", Path: "/addresses/v3/address", Query: q}, &said)
	if carrier.KindOf(err) == carrier.KindNotFound {
		return carrier.AddressVerdict{Notes: []string{"no such address is known"}}, nil
	}
	if err != nil {
		return carrier.AddressVerdict{}, err
	}
	if said.Address.Street == "" {
		return carrier.AddressVerdict{}, u.client.Missing("address", "address.streetAddress")
	}
	return said.verdict(a), nil
}

type addressAnswer struct {
	Address struct {
		Street    string `json:"streetAddress"`
		Secondary string `json:"secondaryAddress"`
		City      string `json:"city"`
		State     string `json:"state"`
		ZIP       string `json:"ZIPCode"`
		Plus      string `json:"ZIPPlus4"`
	} `json:"address"`
	Info struct {
		DPV      string `json:"DPVConfirmation"`
		Business string `json:"business"`
		Vacant   string `json:"vacant"`
		Agent    string `json:"DPVCMRA"`
	} `json:"additionalInfo"`
	Corrections []struct {
		Code string `json:"code"`
		Text string `json:"text"`
	} `json:"corrections"`
}

// notes explain what DPV says besides yes.
var notes = map[string]string{
	"D": "the number of the apartment or suite is missing",
	"S": "the number of the apartment or suite is not known",
	"N": "the address is not known",
}

func (r *addressAnswer) verdict(asked carrier.Address) carrier.AddressVerdict {
	v := carrier.AddressVerdict{Deliverable: r.Info.DPV == "Y" || r.Info.DPV == "S" || r.Info.DPV == "D"}
	better := asked
	better.Line1, better.Line2 = r.Address.Street, r.Address.Secondary
	better.City, better.Region, better.Postcode = cmp.Or(r.Address.City, asked.City), cmp.Or(r.Address.State, asked.Region), cmp.Or(r.Address.ZIP, asked.Postcode)
	if r.Address.Plus != "" {
		better.Postcode += "-" + r.Address.Plus
	}
	if better != asked {
		v.Corrected = &better
	}
	if r.Info.Business == "Y" {
		no := false
		v.Residential = &no
	}
	if text := notes[r.Info.DPV]; text != "" {
		v.Notes = append(v.Notes, text)
	}
	if r.Info.Vacant == "Y" {
		v.Notes = append(v.Notes, "the place is vacant")
	}
	if r.Info.Agent == "Y" {
		v.Notes = append(v.Notes, "a mail agent receives there")
	}
	for _, c := range r.Corrections {
		v.Notes = append(v.Notes, carrier.Clip(c.Text))
	}
	return v
}
