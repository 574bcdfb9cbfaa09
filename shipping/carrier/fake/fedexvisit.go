package fake

import (
	"encoding/base64"
	"net/http"
	"strings"
)

func fedexPickup(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		AssociatedAccountNumber fedexValue
		CarrierCode             string
		OriginDetail            struct {
			PickupLocation                        fedexAddressed
			ReadyDateTimestamp, CustomerCloseTime string
		}
	}
	if !Asked(r, &in) || in.AssociatedAccountNumber.Value != fedexAccount || !strings.HasPrefix(in.CarrierCode, "FDX") || len(in.OriginDetail.ReadyDateTimestamp) < 19 ||
		in.OriginDetail.CustomerCloseTime <= in.OriginDetail.ReadyDateTimestamp[11:19] || in.OriginDetail.PickupLocation.Contact.PhoneNumber == "" {
		fedexRefuse(rw, http.StatusBadRequest, "READYTIME.INVALID", "Invalid ready time.")
		return
	}
	code := w.Digits(4)
	w.Keep("pickup "+code, in.OriginDetail.ReadyDateTimestamp[:10])
	Reply(rw, http.StatusOK, map[string]any{"output": map[string]string{"pickupConfirmationCode": code, "location": "COSA", "message": "Courier on the way"}})
}

func fedexCancelPickup(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		AssociatedAccountNumber                         fedexValue
		PickupConfirmationCode, ScheduledDate, Location string
	}
	if !Asked(r, &in) || w.Kept("pickup "+in.PickupConfirmationCode) != any(in.ScheduledDate) || in.Location != "COSA" {
		fedexRefuse(rw, http.StatusNotFound, "PICKUP.NOT.FOUND", "No such pickup.")
		return
	}
	w.Keep("pickup "+in.PickupConfirmationCode, nil)
	Reply(rw, http.StatusOK, map[string]any{"output": map[string]string{"pickupConfirmationCode": in.PickupConfirmationCode, "cancelConfirmationMessage": "Requested pickup has been cancelled Successfully."}})
}

func fedexClose(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		AccountNumber                                  fedexValue
		CloseReqType, GroundServiceCategory, CloseDate string
	}
	if !Asked(r, &in) || in.AccountNumber.Value != fedexAccount || in.CloseReqType != "GCDR" || in.GroundServiceCategory != "GROUND" || len(in.CloseDate) != 10 {
		fedexRefuse(rw, http.StatusBadRequest, "CLOSEDATE.INVALID", "The close date is not valid.")
		return
	}
	sheet := "FEDEX GROUND PICKUP MANIFEST (SPECIMEN)\r\n" + in.CloseDate + "\r\n\r\n"
	for _, p := range w.Parcels() {
		if strings.Contains(p.Service, "GROUND") && !p.Voided {
			sheet += p.Number + "  " + p.To.City + "\r\n"
		}
	}
	Reply(rw, http.StatusOK, map[string]any{"transactionId": w.ID("", 32), "output": map[string]any{"closeDocuments": []any{
		map[string]any{"type": "MANIFEST", "parts": []any{map[string]string{"image": base64.StdEncoding.EncodeToString([]byte(sheet))}}},
	}}})
}

func fedexAddress(_ *World, rw http.ResponseWriter, r *http.Request) {
	var in struct{ AddressesToValidate []fedexAddressed }
	if !Asked(r, &in) || len(in.AddressesToValidate) == 0 || in.AddressesToValidate[0].Address.CountryCode == "" {
		fedexRefuse(rw, http.StatusBadRequest, "COUNTRYCODE.REQUIRED", "A country code is required.")
		return
	}
	p := in.AddressesToValidate[0].place()
	known := strings.ContainsAny(p.Line1, "0123456789") // a street with a house
	one := map[string]any{
		"streetLinesToken": []string{strings.ToUpper(p.Line1)}, "city": strings.ToUpper(p.City), "stateOrProvinceCode": p.Region, "postalCode": p.Postcode + "-3002", "countryCode": p.Country,
		"classification": "RESIDENTIAL", "attributes": map[string]any{"DPV": map[bool]string{true: "true", false: "false"}[known], "Resolved": known, "POBox": "false"},
	}
	if !known {
		one["classification"], one["customerMessages"] = "UNKNOWN", []any{map[string]string{"code": "STANDARDIZED.ADDRESS.NOTFOUND", "message": "Standardized address is not found."}}
	}
	Reply(rw, http.StatusOK, map[string]any{"output": map[string]any{"resolvedAddresses": []any{one}}})
}
