package easypost

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"golang.org/x/text/unicode/norm"
	"maps"
	"net/http"
	"strings"
	"time"

	"doorstep/shipping/carrier"
)

// meaning is a status with whose side the trouble is on.
type meaning struct {
	status carrier.Status
	reason carrier.Reason
}

// codes say what EasyPost's statuses mean, some with their detail; a status with
// a detail that is not listed means what the status alone does.
var codes = map[string]meaning{
	"unknown":              {carrier.StatusUnknown, ""},
	"error":                {carrier.StatusUnknown, ""}, // EasyPost failed, not the parcel
	"pre_transit":          {carrier.StatusPending, ""},
	"in_transit":           {carrier.StatusInTransit, ""},
	"out_for_delivery":     {carrier.StatusOutForDelivery, ""},
	"delivered":            {carrier.StatusDelivered, ""},
	"available_for_pickup": {carrier.StatusReadyForPickup, ""},
	"return_to_sender":     {carrier.StatusReturning, ""},
	"failure":              {carrier.StatusFailed, ""},
	"cancelled":            {carrier.StatusCancelled, ""},

	"in_transit/received_at_origin_facility": {carrier.StatusPickedUp, ""},
	"in_transit/delayed":                     {carrier.StatusDelayed, carrier.ReasonCarrier},
	"in_transit/weather_delay":               {carrier.StatusDelayed, carrier.ReasonWeather},
	"in_transit/missorted":                   {carrier.StatusDelayed, carrier.ReasonCarrier},
	"in_transit/transit_exception":           {carrier.StatusDelayed, carrier.ReasonCarrier},
	"in_transit/held":                        {carrier.StatusOnHold, carrier.ReasonCarrier},
	"in_transit/awaiting_information":        {carrier.StatusOnHold, carrier.ReasonShipper},
	"in_transit/address_correction":          {carrier.StatusOnHold, carrier.ReasonRecipient},
	"in_transit/delivery_exception":          {carrier.StatusFailed, carrier.ReasonRecipient},
	"in_transit/refused":                     {carrier.StatusFailed, carrier.ReasonRecipient},
	"in_transit/damaged":                     {carrier.StatusFailed, carrier.ReasonCarrier},
	"in_transit/lost":                        {carrier.StatusFailed, carrier.ReasonCarrier},
	"in_transit/arrived_at_pickup_location":  {carrier.StatusReadyForPickup, ""},
	"in_transit/return":                      {carrier.StatusReturning, ""},
	"failure/lost":                           {carrier.StatusFailed, carrier.ReasonCarrier},
	"failure/damaged":                        {carrier.StatusFailed, carrier.ReasonCarrier},
	"failure/refused":                        {carrier.StatusFailed, carrier.ReasonRecipient},
	"failure/delivery_exception":             {carrier.StatusFailed, carrier.ReasonRecipient},
}

// Codes tells EasyPost's statuses, alone and with their details.
func (e *EasyPost) Codes() map[string]carrier.Status {
	all := make(map[string]carrier.Status, len(codes))
	for code, m := range maps.All(codes) {
		all[code] = m.status
	}
	return all
}

func read(status, detail string) (code string, m meaning) {
	code = status
	if detail != "" && detail != status {
		code += "/" + detail
	}
	if m, ok := codes[code]; ok {
		return code, m
	}
	if m, ok := codes[status]; ok {
		return code, m
	}
	return code, meaning{status: carrier.StatusUnknown}
}

// tracker is EasyPost's view of a parcel.
type tracker struct {
	ID       string     `json:"id"`
	Object   string     `json:"object"`
	Code     string     `json:"tracking_code"`
	Carrier  string     `json:"carrier"`
	SignedBy *string    `json:"signed_by"`
	Expected *time.Time `json:"est_delivery_date"`
	Details  []struct {
		Status      string    `json:"status"`
		Detail      *string   `json:"status_detail"`
		Message     *string   `json:"message"`
		Description *string   `json:"description"`
		At          time.Time `json:"datetime"`
		Place       *struct {
			City    *string `json:"city"`
			State   *string `json:"state"`
			Country *string `json:"country"`
		} `json:"tracking_location"`
	} `json:"tracking_details"`
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// tracked is the parcel in our words.
func (e *EasyPost) tracked(call string, t tracker) (carrier.Tracked, error) {
	if t.Code == "" {
		return carrier.Tracked{}, e.client.Missing(call, "tracking_code")
	}
	out := carrier.Tracked{Number: t.Code, Carrier: t.Carrier, SignedBy: carrier.Clip(text(t.SignedBy))}
	if t.Expected != nil {
		out.Expected = *t.Expected
	}
	for _, d := range t.Details {
		if d.Status == "" || d.At.IsZero() {
			return carrier.Tracked{}, e.client.Missing(call, "tracking_details.status")
		}
		code, m := read(d.Status, text(d.Detail))
		event := carrier.Event{Code: carrier.Clip(code), Status: m.status, Reason: m.reason, Description: carrier.Clip(text(d.Message)), At: d.At}
		if event.Description == "" {
			event.Description = carrier.Clip(text(d.Description))
		}
		if p := d.Place; p != nil {
			event.Location = place(text(p.City), text(p.State), text(p.Country))
		}
		if m.status == carrier.StatusDelivered && d.At.After(out.Delivered) {
			out.Delivered = d.At
		}
		out.Events = append(out.Events, event)
	}
	out.Events = carrier.Tidy(out.Events)
	return out, nil
}

func place(parts ...string) string {
	var said []string
	for _, p := range parts {
		if p != "" {
			said = append(said, p)
		}
	}
	return carrier.Clip(strings.Join(said, ", "))
}

// Track asks for each number; EasyPost gives the tracker that it has, or makes one.
func (e *EasyPost) Track(ctx context.Context, numbers []string) ([]carrier.Tracked, error) {
	return carrier.TrackEach(numbers, atOnce, func(number string) ([]carrier.Tracked, error) {
		var t tracker
		body := map[string]any{"tracker": map[string]string{"tracking_code": number}}
		err := e.client.Do(ctx, carrier.Call{Name: "track", Method: http.MethodPost, Path: "/v2/trackers", JSON: body}, &t)
		switch carrier.KindOf(err) {
		case "":
		case carrier.KindNotFound, carrier.KindInvalid: // nobody's number: no parcel
			return nil, nil
		default:
			return nil, err
		}
		one, err := e.tracked("track", t)
		if err != nil {
			return nil, err
		}
		return []carrier.Tracked{one}, nil
	})
}

// ParseWebhook checks X-Hmac-Signature and reads a tracker's news; news of other
// things are no parcels.
func (e *EasyPost) ParseWebhook(header http.Header, body []byte) ([]carrier.Tracked, error) {
	if e.settings.WebhookSecret == "" {
		return nil, e.client.Fail("webhook", carrier.KindUnsupported, "webhook_secret", "is not set")
	}
	mac := hmac.New(sha256.New, norm.NFKD.Bytes([]byte(e.settings.WebhookSecret)))
	mac.Write(body)
	want := "hmac-sha256-hex=" + hex.EncodeToString(mac.Sum(nil))
	if !hmac.Equal([]byte(want), []byte(strings.TrimSpace(header.Get("X-Hmac-Signature")))) {
		return nil, e.client.Fail("webhook", carrier.KindForged, "X-Hmac-Signature", "does not fit the body")
	}
	var news struct {
		ID     string  `json:"id"`
		Result tracker `json:"result"`
	}
	if err := e.client.Read("webhook", body, &news); err != nil {
		return nil, err
	}
	if news.ID == "" {
		return nil, e.client.Missing("webhook", "id")
	}
	if news.Result.Object != "Tracker" {
		return nil, nil
	}
	t, err := e.tracked("webhook", news.Result)
	if err != nil {
		return nil, err
	}
	t.EventID = news.ID
	return []carrier.Tracked{t}, nil
}
