package ups

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// BookPickup sends a van for parcels that have their labels.
func (u *UPS) BookPickup(ctx context.Context, r carrier.PickupRequest) (carrier.Pickup, error) {
	weight, unit := carrier.Kilograms(max(r.WeightG, 100), 1, carrier.RoundUp), "KGS"
	if imperial(r.From.Country) {
		weight, unit = carrier.Pounds(max(r.WeightG, 100), 1, carrier.RoundUp), "LBS"
	}
	from := r.From
	residential := "N"
	if from.Residential {
		residential = "Y"
	}
	question := object{"PickupCreationRequest": object{
		"RatePickupIndicator": "Y",
		"Shipper":             object{"Account": object{"AccountNumber": u.account, "AccountCountryCode": upper(from.Country)}},
		"PickupDateInfo":      object{"CloseTime": r.Last.Format("1504"), "ReadyTime": r.Ready.Format("1504"), "PickupDate": r.Ready.Format("20060102")},
		"PickupAddress": object{
			"CompanyName": carrier.Cut(cmp.Or(from.Company, from.Name), 27), "ContactName": carrier.Cut(cmp.Or(from.Name, from.Company), 22),
			"AddressLine": []string{carrier.Cut(strings.TrimSpace(from.Line1+" "+from.Line2), 73)}, "City": carrier.Cut(from.City, 50), "StateProvince": carrier.Cut(upper(from.Region), 50),
			"PostalCode": carrier.Cut(strings.ReplaceAll(from.Postcode, " ", ""), 8), "CountryCode": upper(from.Country), "ResidentialIndicator": residential,
			"Phone": object{"Number": digits(from.Phone, 15)},
		},
		"AlternateAddressIndicator": "Y",
		"PickupPiece": []object{{
			"ServiceCode": "003", "Quantity": strconv.Itoa(max(r.Parcels, 1)), "DestinationCountryCode": upper(from.Country), "ContainerCode": "01",
		}},
		"TotalWeight":         object{"Weight": weight, "UnitOfMeasurement": unit},
		"OverweightIndicator": "N",
		"PaymentMethod":       "01", // the shipper's account
		"SpecialInstruction":  carrier.Cut(r.Note, 57),
		"ReferenceNumber":     carrier.Reference(r.Key, 35),
	}}
	var said struct {
		Response *struct {
			PRN    string `json:"PRN"`
			Result *struct {
				Currency string          `json:"CurrencyCode"`
				Total    carrier.Decimal `json:"GrandTotalOfAllCharge"`
			} `json:"RateResult"`
		} `json:"PickupCreationResponse"`
	}
	err := u.client.Do(ctx, carrier.Call{Name: "pickup", Method: http.MethodPost, Path: "/api/pickupcreation/" + version + "/pickup", JSON: question}, &said)
	if err != nil {
		return carrier.Pickup{}, err
	}
	if said.Response == nil || said.Response.PRN == "" {
		return carrier.Pickup{}, u.client.Missing("pickup", "PickupCreationResponse.PRN")
	}
	p := carrier.Pickup{ID: said.Response.PRN}
	if cost := said.Response.Result; cost != nil && money.Known(cost.Currency) {
		if p.Cost, err = carrier.RoundAmount(string(cost.Total), cost.Currency); err != nil {
			p.Cost = money.Amount{} // the van comes all the same
		}
	}
	return p, nil
}

// CancelPickup calls the van off by its request number.
func (u *UPS) CancelPickup(ctx context.Context, id string) error {
	return u.client.Do(ctx, carrier.Call{
		Name: "pickup", Method: http.MethodDelete, Path: "/api/shipments/" + version + "/pickup/02", Header: http.Header{"Prn": {id}},
	}, nil)
}

// CheckAddress asks whether a street address in the United States or Puerto Rico
// exists; of other countries UPS knows nothing.
func (u *UPS) CheckAddress(ctx context.Context, a carrier.Address) (carrier.AddressVerdict, error) {
	if c := upper(a.Country); c != "US" && c != "PR" {
		return carrier.AddressVerdict{}, u.client.Fail("address", carrier.KindUnsupported, "country", "only addresses in the United States and Puerto Rico are checked")
	}
	zip, plus, _ := strings.Cut(a.Postcode, "-")
	lines := []string{a.Line1}
	if a.Line2 != "" {
		lines = append(lines, a.Line2)
	}
	key := object{
		"ConsigneeName": carrier.Cut(cmp.Or(a.Company, a.Name), 40), "AddressLine": lines, "PoliticalDivision2": carrier.Cut(a.City, 30),
		"PoliticalDivision1": carrier.Cut(a.Region, 30), "PostcodePrimaryLow": zip, "CountryCode": upper(a.Country),
	}
	if plus != "" {
		key["PostcodeExtendedLow"] = plus
	}
	var said struct {
		Response *addressAnswer `json:"XAVResponse"`
	}
	err := u.client.Do(ctx, carrier.Call{
		Name: "address", Method: http.MethodPost, Path: "/api/addressvalidation/v2/3", JSON: object{"XAVRequest": object{"AddressKeyFormat": key}},
	}, &said)
	if err != nil {
		return carrier.AddressVerdict{}, err
	}
	if said.Response == nil {
		return carrier.AddressVerdict{}, u.client.Missing("address", "XAVResponse")
	}
	return said.Response.verdict(a), nil
}

// addressAnswer has its three indicators by presence.
type addressAnswer struct {
	Valid      *string        `json:"ValidAddressIndicator"`
	Ambiguous  *string        `json:"AmbiguousAddressIndicator"`
	None       *string        `json:"NoCandidatesIndicator"`
	Class      classification `json:"AddressClassification"`
	Candidates many[struct {
		Class classification `json:"AddressClassification"`
		Key   struct {
			Lines many[string] `json:"AddressLine"`
			City  string       `json:"PoliticalDivision2"`
			State string       `json:"PoliticalDivision1"`
			Low   string       `json:"PostcodePrimaryLow"`
			Plus  string       `json:"PostcodeExtendedLow"`
		} `json:"AddressKeyFormat"`
	}] `json:"Candidate"`
}

type classification struct {
	Code string `json:"Code"`
}

func (r *addressAnswer) verdict(asked carrier.Address) carrier.AddressVerdict {
	v := carrier.AddressVerdict{Deliverable: r.Valid != nil}
	class := r.Class.Code
	if len(r.Candidates) > 0 {
		c := r.Candidates[0]
		class = cmp.Or(c.Class.Code, class)
		better := asked
		if len(c.Key.Lines) > 0 {
			better.Line1, better.Line2 = c.Key.Lines[0], strings.Join(c.Key.Lines[1:], ", ")
		}
		better.City, better.Region, better.Postcode = cmp.Or(c.Key.City, asked.City), cmp.Or(c.Key.State, asked.Region), cmp.Or(c.Key.Low, asked.Postcode)
		if c.Key.Plus != "" {
			better.Postcode += "-" + c.Key.Plus
		}
		if better != asked {
			v.Corrected = &better
		}
	}
	if class == "1" || class == "2" {
		home := class == "2"
		v.Residential = &home
	}
	switch {
	case r.Ambiguous != nil:
		v.Notes = append(v.Notes, "several addresses are like this one")
	case r.None != nil:
		v.Notes = append(v.Notes, "no such address is known")
	}
	return v
}
