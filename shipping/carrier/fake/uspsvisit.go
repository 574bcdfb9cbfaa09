package fake

import (
	"encoding/base64"
	"net/http"
	"strings"

	"doorstep/shipping/carrier"
)

func uspsScanForm(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		MailingDate, EntryFacilityZIPCode, DestinationEntryFacilityType string
		Shipment                                                        struct{ TrackingNumbers []string }
		FromAddress                                                     uspsPlace
	}
	if !Asked(r, &in) || len(in.EntryFacilityZIPCode) != 5 || in.MailingDate == "" || in.DestinationEntryFacilityType == "" || in.FromAddress.StreetAddress == "" {
		uspsRefuse(rw, http.StatusBadRequest, "fromAddress", "OASValidation: required fields are missing.")
		return
	}
	for _, number := range in.Shipment.TrackingNumbers {
		if found := w.Find(number); len(found) == 0 || found[0].Voided {
			uspsRefuse(rw, http.StatusBadRequest, "shipment.trackingNumbers", "The tracking number "+number+" cannot be on a SCAN form.")
			return
		}
	}
	id := "9275" + w.Digits(18)
	Reply(rw, http.StatusOK, map[string]any{
		"manifestNumber": id, "trackingNumbers": in.Shipment.TrackingNumbers, "SCANFormImage": base64.StdEncoding.EncodeToString(Label(carrier.PDF, id)),
	})
}

func uspsPickup(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		PickupDate     string
		PickupAddress  struct{ Address uspsPlace }
		Packages       []struct{ PackageType string }
		PickupLocation struct{ PackageLocation string }
	}
	if !Asked(r, &in) || in.PickupDate < w.Now().Format("2006-01-02") || len(in.Packages) == 0 || in.PickupLocation.PackageLocation == "" || in.PickupAddress.Address.ZIPCode == "" {
		uspsRefuse(rw, http.StatusBadRequest, "pickupDate", "The pickup cannot be scheduled.")
		return
	}
	id := "WEB" + w.Digits(9)
	w.Keep("pickup "+id, "etag-"+id)
	rw.Header().Set("ETag", "etag-"+id)
	Reply(rw, http.StatusOK, map[string]string{"confirmationNumber": id, "pickupDate": in.PickupDate})
}

func uspsReadPickup(w *World, rw http.ResponseWriter, r *http.Request) {
	tag, ok := w.Kept("pickup " + r.PathValue("id")).(string)
	if !ok {
		uspsRefuse(rw, http.StatusNotFound, "confirmationNumber", "No such pickup.")
		return
	}
	rw.Header().Set("ETag", tag)
	Reply(rw, http.StatusOK, map[string]string{"confirmationNumber": r.PathValue("id")})
}

func uspsCancelPickup(w *World, rw http.ResponseWriter, r *http.Request) {
	if tag, _ := w.Kept("pickup " + r.PathValue("id")).(string); tag == "" || tag != r.Header.Get("If-Match") {
		uspsRefuse(rw, http.StatusPreconditionFailed, "If-Match", "The pickup is another by now.")
		return
	}
	w.Keep("pickup "+r.PathValue("id"), nil)
	rw.WriteHeader(http.StatusOK)
}

func uspsAddress(_ *World, rw http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	street := q.Get("streetAddress")
	if len(q.Get("state")) != 2 || street == "" {
		uspsRefuse(rw, http.StatusBadRequest, "state", "OASValidation: the state must have two signs.")
		return
	}
	if !strings.ContainsAny(street, "0123456789") { // a street without a house
		uspsRefuse(rw, http.StatusNotFound, "streetAddress", "Address Not Found")
		return
	}
	Reply(rw, http.StatusOK, map[string]any{
		"firm": nil,
		"address": map[string]string{
			"streetAddress": strings.ToUpper(street), "secondaryAddress": strings.ToUpper(q.Get("secondaryAddress")), "city": strings.ToUpper(q.Get("city")),
			"state": q.Get("state"), "ZIPCode": q.Get("ZIPCode"), "ZIPPlus4": "3002",
		},
		"additionalInfo": map[string]string{"DPVConfirmation": "Y", "business": "N", "vacant": "N", "DPVCMRA": "N"},
	})
}

func uspsSubscribe(w *World, rw http.ResponseWriter, r *http.Request) {
	var in struct {
		ListenerURL, Secret string
		FilterProperties    struct{ MID string }
	}
	if !Asked(r, &in) || !strings.HasPrefix(in.ListenerURL, "https://") || len(in.Secret) < 32 || in.FilterProperties.MID != uspsMID {
		uspsRefuse(rw, http.StatusBadRequest, "listenerURL", "OASValidation: the listener must be https and the secret have 32 signs.")
		return
	}
	Reply(rw, http.StatusOK, map[string]string{"subscriptionId": w.ID("", 32)})
}
