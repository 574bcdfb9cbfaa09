package karrio

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"doorstep/shipping/carrier"
)

// atOnce is how many requests one call makes beside each other.
const atOnce = 4

// codes are Karrio's twelve statuses.
var codes = map[string]carrier.Status{
	"pending": carrier.StatusPending, "picked_up": carrier.StatusPickedUp, "in_transit": carrier.StatusInTransit, "on_hold": carrier.StatusOnHold,
	"out_for_delivery": carrier.StatusOutForDelivery, "ready_for_pickup": carrier.StatusReadyForPickup, "delivery_failed": carrier.StatusFailed,
	"delivery_delayed": carrier.StatusDelayed, "delivered": carrier.StatusDelivered, "return_to_sender": carrier.StatusReturning,
	"cancelled": carrier.StatusCancelled, "unknown": carrier.StatusUnknown,
}

// Codes tells Karrio's statuses. What the carriers behind it say is mapped there.
func (k *Karrio) Codes() map[string]carrier.Status {
	all := make(map[string]carrier.Status, len(codes))
	for code, status := range codes {
		all[code] = status
	}
	return all
}

// sides are whose side a reason names, by the beginning of Karrio's word.
var sides = []struct {
	prefix string
	reason carrier.Reason
}{
	{"carrier_", carrier.ReasonCarrier}, {"retailer_", carrier.ReasonShipper}, {"consignee_", carrier.ReasonRecipient}, {"customs_", carrier.ReasonCustoms},
	{"weather_", carrier.ReasonWeather}, {"natural_disaster", carrier.ReasonWeather}, {"force_majeure", carrier.ReasonWeather},
}

func reason(word string) carrier.Reason {
	if word == "" || word == "unknown" {
		return ""
	}
	for _, s := range sides {
		if strings.HasPrefix(word, s.prefix) {
			return s.reason
		}
	}
	return carrier.ReasonOther
}

// meaning is a status with its reason; a parcel that customs holds is said so.
func meaning(status, why string) (carrier.Status, carrier.Reason) {
	s, ok := codes[status]
	if !ok {
		s = carrier.StatusUnknown
	}
	r := reason(why)
	if s == carrier.StatusOnHold && r == carrier.ReasonCustoms {
		s = carrier.StatusCustomsHold
	}
	return s, r
}

// tracker is Karrio's view of a parcel.
type tracker struct {
	ID        string  `json:"id"`
	Object    string  `json:"object_type"`
	Name      string  `json:"carrier_name"`
	Number    string  `json:"tracking_number"`
	Status    string  `json:"status"`
	Estimated *string `json:"estimated_delivery"`
	Info      *struct {
		SignedBy *string `json:"signed_by"`
	} `json:"info"`
	Events []event `json:"events"`
}

type event struct {
	Date        string  `json:"date"`
	Time        *string `json:"time"`
	Timestamp   *string `json:"timestamp"`
	Status      *string `json:"status"`
	Code        *string `json:"code"`
	Reason      *string `json:"reason"`
	Description *string `json:"description"`
	Location    *string `json:"location"`
}

// clocks are the ways in which Karrio's connectors write the time of day.
var clocks = []string{"15:04", "15:04:05", "03:04 PM", "3:04 PM", "03:04:05 PM"}

// at is when an event was. Without a timestamp the zone is a guess.
func (e event) at() (at time.Time, guessed, ok bool) {
	if t := text(e.Timestamp); t != "" {
		if at, err := time.Parse(time.RFC3339, t); err == nil {
			return at, false, true
		}
	}
	if text(e.Time) == "" {
		at, err := time.Parse(time.DateOnly, e.Date)
		return at, true, err == nil
	}
	for _, clock := range clocks {
		if at, err := time.Parse(time.DateOnly+" "+clock, e.Date+" "+*e.Time); err == nil {
			return at, true, true
		}
	}
	return time.Time{}, false, false
}

// tracked is the parcel in our words. Connectors that leave the status out of
// their events still say the parcel's: it belongs to the youngest.
func (k *Karrio) tracked(call string, t tracker) (carrier.Tracked, error) {
	if t.Number == "" {
		return carrier.Tracked{}, k.client.Missing(call, "tracking_number")
	}
	out := carrier.Tracked{Number: t.Number, Carrier: t.Name}
	if t.Info != nil {
		out.SignedBy = carrier.Clip(text(t.Info.SignedBy))
	}
	if at, err := time.Parse(time.DateOnly, first(text(t.Estimated), 10)); err == nil {
		out.Expected = at
	}
	untold := map[int]bool{}
	for _, e := range t.Events {
		at, guessed, ok := e.at()
		if !ok {
			return carrier.Tracked{}, k.client.Fail(call, carrier.KindContract, "events.date", "is no time")
		}
		one := carrier.Event{Code: text(e.Code), Description: carrier.Clip(text(e.Description)), Location: carrier.Clip(text(e.Location)), At: at, ZoneGuessed: guessed}
		one.Status, one.Reason = meaning(text(e.Status), text(e.Reason))
		if one.Code == "" {
			one.Code = text(e.Status)
		}
		out.Events = append(out.Events, one)
		untold[len(out.Events)-1] = text(e.Status) == ""
	}
	if i := youngest(out.Events); i >= 0 && untold[i] {
		out.Events[i].Status, _ = meaning(t.Status, "")
		if out.Events[i].Code == "" {
			out.Events[i].Code = t.Status
		}
	}
	for _, e := range out.Events {
		if e.Status == carrier.StatusDelivered && e.At.After(out.Delivered) {
			out.Delivered = e.At
		}
	}
	out.Events = carrier.Tidy(out.Events)
	return out, nil
}

// youngest is the event of the latest instant, the first of several, for Karrio
// tells the newest first; -1 without events.
func youngest(events []carrier.Event) int {
	found := -1
	for i, e := range events {
		if found < 0 || e.At.After(events[found].At) {
			found = i
		}
	}
	return found
}

// Track reads the trackers, which Karrio makes with every label.
func (k *Karrio) Track(ctx context.Context, numbers []string) ([]carrier.Tracked, error) {
	return carrier.TrackEach(numbers, atOnce, func(number string) ([]carrier.Tracked, error) {
		var t tracker
		err := k.client.Do(ctx, carrier.Call{Name: "track", Path: "/v1/trackers/" + url.PathEscape(number)}, &t)
		if carrier.KindOf(err) == carrier.KindNotFound {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		one, err := k.tracked("track", t)
		if err != nil {
			return nil, err
		}
		return []carrier.Tracked{one}, nil
	})
}

// ParseWebhook checks the secret that Karrio sends along, for it does not sign
// bodies: give it an address over TLS only. The news has no id of its own, so the
// body's digest is one.
func (k *Karrio) ParseWebhook(header http.Header, body []byte) ([]carrier.Tracked, error) {
	if k.settings.WebhookSecret == "" {
		return nil, k.client.Fail("webhook", carrier.KindUnsupported, "webhook_secret", "is not set")
	}
	if subtle.ConstantTimeCompare([]byte(header.Get("X-Event-Id")), []byte(k.settings.WebhookSecret)) != 1 {
		return nil, k.client.Fail("webhook", carrier.KindForged, "X-Event-Id", "is not the secret")
	}
	var news struct {
		Event string  `json:"event"`
		Data  tracker `json:"data"`
	}
	if err := k.client.Read("webhook", body, &news); err != nil {
		return nil, err
	}
	if news.Event == "" {
		return nil, k.client.Missing("webhook", "event")
	}
	if !strings.HasPrefix(news.Event, "tracker") {
		return nil, nil
	}
	t, err := k.tracked("webhook", news.Data)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(body)
	t.EventID = hex.EncodeToString(digest[:])
	return []carrier.Tracked{t}, nil
}
