package fedex

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"doorstep/shipping/carrier"
)

// atMost is how many numbers FedEx takes in one question.
const atMost = 30

type scan struct {
	Date        string `json:"date"`
	Event       string `json:"eventType"`
	Derived     string `json:"derivedStatusCode"`
	Description string `json:"eventDescription"`
	Exception   string `json:"exceptionCode"`
	Why         string `json:"exceptionDescription"`
	Location    struct {
		City    string `json:"city"`
		Region  string `json:"stateOrProvinceCode"`
		Country string `json:"countryCode"`
	} `json:"scanLocation"`
	Delay struct {
		Type string `json:"type"`
	} `json:"delayDetail"`
}

type window struct {
	Window struct {
		Ends string `json:"ends"`
	} `json:"window"`
}

// result is one parcel; a number may have several.
type result struct {
	Info struct {
		Number   string `json:"trackingNumber"`
		UniqueID string `json:"trackingNumberUniqueId"`
	} `json:"trackingNumberInfo"`
	Latest struct {
		Derived string `json:"derivedCode"`
	} `json:"latestStatusDetail"`
	Scans []scan `json:"scanEvents"`
	Dates []struct {
		Type string `json:"type"`
		At   string `json:"dateTime"`
	} `json:"dateAndTimes"`
	Estimated window `json:"estimatedDeliveryTimeWindow"`
	Standard  window `json:"standardTransitTimeWindow"`
	Delivery  struct {
		Signed   string `json:"signedByName"`
		Received string `json:"receivedByName"`
	} `json:"deliveryDetails"`
	Error *failure `json:"error"`
}

type complete []struct {
	Number  string   `json:"trackingNumber"`
	Results []result `json:"trackResults"`
}

type trackAnswer struct {
	Output *struct {
		Complete complete `json:"completeTrackResults"`
	} `json:"output"`
	Errors []failure `json:"errors"`
}

// Track asks for numbers, thirty at a time. What was learned comes along with
// the error of the first question that failed. A number that FedEx used again
// gives two parcels, told apart by UniqueID.
func (f *FedEx) Track(ctx context.Context, numbers []string) ([]carrier.Tracked, error) {
	var all []carrier.Tracked
	for some := range slices.Chunk(numbers, atMost) {
		info := make([]object, len(some))
		for i, number := range some {
			info[i] = object{"trackingNumberInfo": object{"trackingNumber": number}}
		}
		var said trackAnswer
		err := f.client.Do(ctx, carrier.Call{
			Name: "track", Method: http.MethodPost, Path: "/track/v1/trackingnumbers", JSON: object{"includeDetailedScans": true, "trackingInfo": info},
		}, &said)
		if carrier.KindOf(err) == carrier.KindNotFound {
			continue
		}
		if err == nil {
			err = f.enveloped("track", said.Errors)
		}
		if err == nil && said.Output == nil {
			err = f.client.Missing("track", "output.completeTrackResults")
		}
		if err != nil {
			return all, err
		}
		found, err := f.read("track", said.Output.Complete)
		all = append(all, found...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// read makes parcels of what came. A number that is not known is left out;
// another failure of one number is an error.
func (f *FedEx) read(call string, all complete) ([]carrier.Tracked, error) {
	var found []carrier.Tracked
	var first error
	for _, c := range all {
		for _, r := range c.Results {
			if r.Error != nil && len(r.Scans) == 0 {
				if err := f.enveloped(call, []failure{*r.Error}); first == nil && carrier.KindOf(err) != carrier.KindNotFound {
					first = err
				}
				continue
			}
			number := cmp.Or(c.Number, r.Info.Number)
			if number == "" {
				return found, f.client.Missing(call, "output.completeTrackResults.trackingNumber")
			}
			found = append(found, r.tracked(number))
		}
	}
	return found, first
}

// tracked reads one parcel.
func (r *result) tracked(number string) carrier.Tracked {
	t := carrier.Tracked{Number: number, UniqueID: r.Info.UniqueID, Carrier: Name, SignedBy: cmp.Or(r.Delivery.Signed, r.Delivery.Received)}
	for i := range r.Scans {
		if e, ok := r.event(i); ok {
			t.Events = append(t.Events, e)
		}
	}
	t.Events = carrier.Tidy(t.Events)
	for _, e := range t.Events {
		if e.Status == carrier.StatusDelivered {
			t.Delivered = e.At
		}
	}
	for _, d := range r.Dates {
		at, _, ok := instant(d.At, time.UTC)
		switch {
		case !ok:
		case d.Type == "ACTUAL_DELIVERY" && r.Latest.Derived == "DL":
			t.Delivered = at
		case d.Type == "ESTIMATED_DELIVERY":
			t.Expected = at
		}
	}
	for _, w := range []window{r.Standard, r.Estimated} { // the estimate counts more
		if at, _, ok := instant(w.Window.Ends, time.UTC); ok {
			t.Expected = at
		}
	}
	return t
}

// event reads the scan at i; one without an instant is none. A time without its
// zone is taken to be of the zone of the scan beside it, and marked.
func (r *result) event(i int) (carrier.Event, bool) {
	s := r.Scans[i]
	at, guessed, ok := instant(s.Date, r.zone(i))
	if !ok {
		return carrier.Event{}, false
	}
	m, code := understand(s.Event, s.Derived)
	switch {
	case delays[s.Delay.Type] != "":
		m.reason = delays[s.Delay.Type]
	case m.status == carrier.StatusFailed && recipients[s.Exception]:
		m.reason = carrier.ReasonRecipient
	}
	text := s.Description
	if s.Why != "" && s.Why != text {
		text += ": " + s.Why
	}
	var place []string
	for _, p := range []string{s.Location.City, s.Location.Region, s.Location.Country} {
		if p = strings.TrimSpace(p); p != "" {
			place = append(place, p)
		}
	}
	return carrier.Event{
		Code: code, Status: m.status, Reason: m.reason, Description: carrier.Clip(text), Location: strings.Join(place, ", "), At: at, ZoneGuessed: guessed,
	}, true
}

// zone is that of the nearest scan that tells one; UTC when none does.
func (r *result) zone(i int) *time.Location {
	for far := 1; far < len(r.Scans); far++ {
		for _, j := range []int{i - far, i + far} {
			if j < 0 || j >= len(r.Scans) {
				continue
			}
			if at, guessed, ok := instant(r.Scans[j].Date, time.UTC); ok && !guessed {
				return at.Location()
			}
		}
	}
	return time.UTC
}

// instant reads a time with its offset, or one without, which is of the zone
// that is guessed.
func instant(text string, guess *time.Location) (at time.Time, guessed, ok bool) {
	text = strings.TrimSpace(text)
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		_, offset := at.Zone()
		return at.In(time.FixedZone("", offset)), false, true
	}
	at, err := time.ParseInLocation("2006-01-02T15:04:05", text, guess)
	return at, true, err == nil
}

// ParseWebhook reads what Advanced Integrated Visibility sends: results as of
// Track. Its header fdx-signature is the HMAC-SHA256 of the body with the
// project's security token, in base64 (or in hex, as FedEx's guide has it, too).
func (f *FedEx) ParseWebhook(header http.Header, body []byte) ([]carrier.Tracked, error) {
	if !carrier.SignedBy(f.config.WebhookToken, header.Get("Fdx-Signature"), body) {
		return nil, f.client.Fail("webhook", carrier.KindForged, "fdx-signature", "it is not signed with our token")
	}
	var said trackAnswer
	if err := f.client.Read("webhook", body, &said); err != nil {
		return nil, err
	}
	if said.Output == nil || len(said.Output.Complete) == 0 {
		return nil, f.client.Missing("webhook", "output.completeTrackResults")
	}
	all, err := f.read("webhook", said.Output.Complete)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	for i := range all {
		all[i].EventID = hex.EncodeToString(sum[:16])
		if i > 0 { // several parcels in one: each is news of its own
			all[i].EventID += fmt.Sprintf("-%d", i)
		}
	}
	return all, nil
}
