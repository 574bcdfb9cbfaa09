package fake

import (
	"fmt"
	"net/http"
	"strings"
)

func upsPickup(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		PickupCreationRequest struct {
			PickupDateInfo struct{ CloseTime, ReadyTime, PickupDate string }
			PickupPiece    []struct{ Quantity string }
		}
	}
	d := &in.PickupCreationRequest.PickupDateInfo
	if !Asked(r, &in) || len(d.PickupDate) != 8 || len(d.ReadyTime) != 4 || d.CloseTime <= d.ReadyTime || len(in.PickupCreationRequest.PickupPiece) == 0 {
		upsRefuse(rw, http.StatusBadRequest, "9500515", "Invalid pickup time window.")
		return
	}
	prn := "2929" + w.ID("", 7)
	w.Keep("pickup "+prn, true)
	Reply(rw, http.StatusOK, map[string]any{"PickupCreationResponse": map[string]any{
		"PRN": prn, "RateStatus": upsCoded{"01"}, "RateResult": map[string]any{"CurrencyCode": "USD", "GrandTotalOfAllCharge": "8.45"},
	}})
}

func upsCancelPickup(w *World, rw http.ResponseWriter, r *http.Request) {
	if w.Kept("pickup "+r.Header.Get("Prn")) != true {
		upsRefuse(rw, http.StatusNotFound, "9510119", "Pickup not found.")
		return
	}
	Reply(rw, http.StatusOK, map[string]any{"PickupCancelResponse": map[string]any{"PickupType": "01"}})
}

func upsAddress(_ *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		XAVRequest struct {
			AddressKeyFormat struct {
				AddressLine                            []string
				PoliticalDivision2, PoliticalDivision1 string
				PostcodePrimaryLow, CountryCode        string
			}
		}
	}
	if !Asked(r, &in) || in.XAVRequest.AddressKeyFormat.CountryCode != "US" {
		upsRefuse(rw, http.StatusBadRequest, "9264029", "The country is not supported.")
		return
	}
	k := in.XAVRequest.AddressKeyFormat
	if len(k.AddressLine) == 0 || !strings.ContainsAny(k.AddressLine[0], "0123456789") { // a street without a house
		Reply(rw, http.StatusOK, map[string]any{"XAVResponse": map[string]any{"NoCandidatesIndicator": "", "AddressClassification": upsCoded{"0"}}})
		return
	}
	Reply(rw, http.StatusOK, map[string]any{"XAVResponse": map[string]any{
		"ValidAddressIndicator": "", "AddressClassification": upsCoded{"2"},
		"Candidate": []any{map[string]any{"AddressClassification": upsCoded{"2"}, "AddressKeyFormat": map[string]any{
			"AddressLine": strings.ToUpper(strings.Join(k.AddressLine, " ")), "PoliticalDivision2": strings.ToUpper(k.PoliticalDivision2),
			"PoliticalDivision1": k.PoliticalDivision1, "PostcodePrimaryLow": k.PostcodePrimaryLow, "PostcodeExtendedLow": fmt.Sprintf("%04d", 3000+len(k.AddressLine)), "CountryCode": "US",
		}}},
	}})
}

func upsSubscribe(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		Locale             string
		TrackingNumberList []string
	}
	if !Asked(r, &in) || in.Locale == "" || len(in.TrackingNumberList) == 0 || len(in.TrackingNumberList) > 100 {
		upsRefuse(rw, http.StatusBadRequest, "VSS110", "The subscription request is not valid.")
		return
	}
	valid, invalid := []string{}, []string{}
	for _, number := range in.TrackingNumberList {
		if len(w.Find(number)) > 0 {
			valid = append(valid, number)
		} else {
			invalid = append(invalid, number)
		}
	}
	Reply(rw, http.StatusOK, map[string]any{"validTrackingNumbers": valid, "invalidTrackingNumbers": invalid})
}
