package usps

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"doorstep/shipping/carrier"
)

// event is one scan. Its eventTimestamp is local and rounded; GMTTimestamp is
// the instant.
type event struct {
	Type    string `json:"eventType"`
	Local   string `json:"eventTimestamp"`
	GMT     string `json:"GMTTimestamp"`
	Offset  string `json:"GMTOffset"`
	Country string `json:"eventCountry"`
	City    string `json:"eventCity"`
	State   string `json:"eventState"`
	ZIP     string `json:"eventZIP"`
	Name    string `json:"name"`
	Firm    string `json:"firm"`
	Code    string `json:"eventCode"`
}

type trackAnswer struct {
	Number    string  `json:"trackingNumber"`
	Category  string  `json:"statusCategory"`
	Expected  string  `json:"expectedDeliveryTimeStamp"`
	Predicted string  `json:"predictedDeliveryTimeStamp"`
	Day       string  `json:"predictedDeliveryDate"`
	Events    []event `json:"trackingEvents"`
}

// Track asks for each number. What was learned comes along with the error of
// the first number that failed.
func (u *USPS) Track(ctx context.Context, numbers []string) ([]carrier.Tracked, error) {
	return carrier.TrackEach(numbers, atOnce, func(number string) ([]carrier.Tracked, error) {
		var said trackAnswer
		err := u.client.Do(ctx, carrier.Call{Name: "track", Path: "/tracking/v3/tracking/" + url.PathEscape(number), Query: url.Values{"expand": {"DETAIL"}}}, &said)
		switch {
		case carrier.KindOf(err) == carrier.KindNotFound:
			return nil, nil
		case err != nil:
			return nil, err
		case said.Number == "":
			return nil, u.client.Missing("track", "trackingNumber")
		}
		said.Number = number
		return []carrier.Tracked{said.tracked()}, nil
	})
}

// tracked reads a parcel.
func (a *trackAnswer) tracked() carrier.Tracked {
	t := carrier.Tracked{Number: a.Number, Carrier: Name}
	for _, e := range a.Events {
		if one, ok := e.read(); ok {
			t.Events = append(t.Events, one)
			if one.Status == carrier.StatusDelivered {
				t.SignedBy = cmp.Or(t.SignedBy, e.Name, e.Firm)
			}
		}
	}
	t.Events = carrier.Tidy(t.Events)
	if n := len(t.Events); n > 0 && t.Events[n-1].Status == carrier.StatusUnknown {
		if m, ok := categories[strings.ToLower(strings.TrimSpace(a.Category))]; ok {
			t.Events[n-1].Status, t.Events[n-1].Reason = m.status, m.reason
		}
	}
	for _, e := range t.Events {
		if e.Status == carrier.StatusDelivered && t.Delivered.IsZero() {
			t.Delivered = e.At
		}
	}
	for _, text := range []string{a.Predicted, a.Expected} {
		if at, _, ok := instant(text, "", ""); ok {
			t.Expected = at
			return t
		}
	}
	t.Expected = endOf(cmp.Or(a.Day, a.Expected, a.Predicted))
	return t
}

// read makes an event of a scan; one without an instant is none.
func (e event) read() (carrier.Event, bool) {
	at, guessed, ok := instant(e.GMT, e.Offset, e.Local)
	if !ok {
		return carrier.Event{}, false
	}
	m, known := byCode[strings.TrimSpace(e.Code)]
	if !known {
		m.status = carrier.StatusUnknown
	}
	var place []string
	for _, p := range []string{e.City, e.State, e.ZIP, e.Country} {
		if p = strings.TrimSpace(p); p != "" {
			place = append(place, p)
		}
	}
	return carrier.Event{
		Code: cmp.Or(strings.TrimSpace(e.Code), e.Type), Status: m.status, Reason: m.reason, Description: carrier.Clip(e.Type),
		Location: strings.Join(place, ", "), At: at, ZoneGuessed: guessed,
	}, true
}

// instant reads GMT with the offset of the place, or else the local time alone,
// which is taken for UTC and marked so.
func instant(gmt, offset, local string) (at time.Time, guessed, ok bool) {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05"} { // its Z is left out at times
		if at, err := time.Parse(form, strings.TrimSpace(gmt)); err == nil {
			if o, err := time.Parse("-07:00", strings.TrimSpace(offset)); err == nil {
				return at.In(o.Location()), false, true
			}
			return at.UTC(), false, true
		}
	}
	at, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(strings.TrimSpace(local), "Z"))
	return at, true, err == nil
}

// ParseWebhook reads what a subscription sends: a parcel's events as Track gives
// them, or one event that stands beside the number.
func (u *USPS) ParseWebhook(header http.Header, body []byte) ([]carrier.Tracked, error) {
	stamp := cmp.Or(header.Get("X-Timestamp"), header.Get("X-Usps-Timestamp"))
	if stamp == "" || !carrier.SignedBy(u.config.WebhookSecret, header.Get("X-Hmac"), []byte(stamp), body) {
		return nil, u.client.Fail("webhook", carrier.KindForged, "x-hmac", "it is not signed with our secret")
	}
	var said struct {
		trackAnswer
		event
	}
	if err := u.client.Read("webhook", body, &said); err != nil {
		return nil, err
	}
	if said.Code != "" {
		said.Events = append(said.Events, said.event)
	}
	if said.Number == "" || len(said.Events) == 0 {
		return nil, u.client.Missing("webhook", "trackingNumber")
	}
	t := said.tracked()
	id := sha256.Sum256(body)
	t.EventID = hex.EncodeToString(id[:16])
	return []carrier.Tracked{t}, nil
}

// Listen has the events of all parcels of the mailer id sent to an https
// address from now on.
func (u *USPS) Listen(ctx context.Context, listener string) (id string, err error) {
	var said struct {
		ID string `json:"subscriptionId"`
	}
	err = u.client.Do(ctx, carrier.Call{
		Name: "subscribe", Method: http.MethodPost, Path: "/subscriptions-tracking/v3/subscriptions",
		JSON: object{"listenerURL": listener, "secret": u.config.WebhookSecret, "filterProperties": object{"MID": u.config.MID}},
	}, &said)
	if err == nil && said.ID == "" {
		err = u.client.Missing("subscribe", "subscriptionId")
	}
	return said.ID, err
}
