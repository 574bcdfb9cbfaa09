package ups

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"doorstep/shipping/carrier"
)

// atOnce is how many numbers are asked for at the same time: UPS takes one a call.
const atOnce = 4

// activity is one scan.
type activity struct {
	Date      string `json:"date"`
	Time      string `json:"time"`
	GMTDate   string `json:"gmtDate"`
	GMTTime   string `json:"gmtTime"`
	GMTOffset string `json:"gmtOffset"`
	Location  struct {
		Address address `json:"address"`
	} `json:"location"`
	Status struct {
		Type        string `json:"type"`
		Code        string `json:"code"`
		StatusCode  string `json:"statusCode"`
		Description string `json:"description"`
	} `json:"status"`
}

type address struct {
	City     string `json:"city"`
	Region   string `json:"stateProvince"`
	Postcode string `json:"postalCode"`
	Code     string `json:"countryCode"`
	Country  string `json:"country"`
}

func (a address) text() string {
	var parts []string
	for _, p := range []string{a.City, a.Region, cmp.Or(a.Code, a.Country)} {
		if p = strings.TrimSpace(p); p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}

type trackedPackage struct {
	Number   string     `json:"trackingNumber"`
	Activity []activity `json:"activity"`
	Dates    []struct {
		Type string `json:"type"`
		Date string `json:"date"`
	} `json:"deliveryDate"`
	Times struct {
		End string `json:"endTime"`
	} `json:"deliveryTime"`
	Delivery struct {
		By string `json:"receivedBy"`
	} `json:"deliveryInformation"`
}

type trackAnswer struct {
	Response *struct {
		Shipments many[struct {
			Packages many[trackedPackage] `json:"package"`
			Warnings many[struct {
				Code string `json:"code"`
			}] `json:"warnings"`
		}] `json:"shipment"`
	} `json:"trackResponse"`
}

// Track asks for each number. What was learned comes along with the error of
// the first number that failed.
func (u *UPS) Track(ctx context.Context, numbers []string) ([]carrier.Tracked, error) {
	return carrier.TrackEach(numbers, atOnce, func(number string) ([]carrier.Tracked, error) { return u.track(ctx, number) })
}

func (u *UPS) track(ctx context.Context, number string) ([]carrier.Tracked, error) {
	var said trackAnswer
	err := u.client.Do(ctx, carrier.Call{
		Name: "track", Path: "/api/track/v1/details/" + url.PathEscape(number), Query: url.Values{"locale": {"en_US"}},
		Header: http.Header{"Transid": {carrier.Reference(number, 32)}},
	}, &said)
	if carrier.KindOf(err) == carrier.KindNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return u.readTrack(said, number)
}

func (u *UPS) readTrack(said trackAnswer, number string) ([]carrier.Tracked, error) {
	if said.Response == nil || len(said.Response.Shipments) == 0 {
		return nil, u.client.Missing("track", "trackResponse.shipment")
	}
	var all []trackedPackage
	for _, s := range said.Response.Shipments {
		all = append(all, s.Packages...)
	}
	// Other parcels of the shipment have numbers of their own; a parcel that was
	// handed over to a post may have got another one.
	if same := slices.DeleteFunc(slices.Clone(all), func(p trackedPackage) bool { return p.Number != number }); len(same) > 0 {
		all = same
	}
	if len(all) == 0 {
		return nil, nil
	}
	all[0].Number = number
	return []carrier.Tracked{all[0].tracked()}, nil
}

// tracked reads a parcel.
func (p *trackedPackage) tracked() carrier.Tracked {
	t := carrier.Tracked{Number: p.Number, Carrier: Name, SignedBy: p.Delivery.By}
	for _, a := range p.Activity {
		if e, ok := a.event(); ok {
			t.Events = append(t.Events, e)
		}
	}
	t.Events = carrier.Tidy(t.Events)
	for _, e := range t.Events {
		if e.Status == carrier.StatusDelivered && t.Delivered.IsZero() {
			t.Delivered = e.At
		}
	}
	for _, kind := range []string{"SDD", "RDD"} { // scheduled, then rescheduled, which counts more
		for _, d := range p.Dates {
			if at, err := time.Parse("20060102", d.Date); err == nil && d.Type == kind {
				t.Expected = at.Add(endOfDay(p.Times.End))
			}
		}
	}
	return t
}

// endOfDay is until when a parcel comes on its day.
func endOfDay(clock string) time.Duration {
	if at, err := time.Parse("150405", strings.ReplaceAll(clock, ":", "")); err == nil {
		return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	}
	return 23*time.Hour + 59*time.Minute
}

// event reads an activity; one without an instant is none.
func (a activity) event() (carrier.Event, bool) {
	at, guessed, ok := instant(a.GMTDate, a.GMTTime, a.GMTOffset, a.Date, a.Time)
	if !ok {
		return carrier.Event{}, false
	}
	m, code := understand(a.Status.StatusCode, strings.TrimSpace(a.Status.Type))
	return carrier.Event{
		Code: cmp.Or(code, a.Status.Code), Status: m.status, Reason: m.reason, Description: carrier.Clip(a.Status.Description),
		Location: a.Location.Address.text(), At: at, ZoneGuessed: guessed,
	}, true
}

// instant reads UPS's times: GMT with an offset, or the local time alone, which
// is taken for UTC and marked so. Times come with colons or without.
func instant(gmtDate, gmtTime, offset, date, clock string) (at time.Time, guessed, ok bool) {
	bare := strings.NewReplacer(":", "", "-", "")
	if at, err := time.Parse("20060102150405", bare.Replace(gmtDate)+bare.Replace(gmtTime)); err == nil {
		zone := time.UTC
		if o, err := time.Parse("-07:00", strings.ReplaceAll(offset, ".", ":")); err == nil {
			zone = o.Location()
		}
		return at.In(zone), false, true
	}
	at, err := time.Parse("20060102150405", bare.Replace(date)+bare.Replace(clock))
	return at, true, err == nil
}

// alert is what Track Alert sends of one event.
type alert struct {
	Number   string  `json:"trackingNumber"`
	Date     string  `json:"localActivityDate"`
	Time     string  `json:"localActivityTime"`
	Location address `json:"activityLocation"`
	Status   *struct {
		Type        string `json:"type"`
		Code        string `json:"code"`
		Description string `json:"description"`
		StatusCode  string `json:"descriptionCode"`
	} `json:"activityStatus"`
	Scheduled string `json:"scheduledDeliveryDate"`
	GMTDate   string `json:"gmtActivityDate"`
	GMTTime   string `json:"gmtActivityTime"`
	GMTOffset string `json:"gmtOffset"`
	Received  string `json:"receivedBy"`
}

// ParseWebhook reads one event of Track Alert. UPS does not sign what it sends;
// it sends along the credential that it was given, which proves the sender only.
func (u *UPS) ParseWebhook(header http.Header, body []byte) ([]carrier.Tracked, error) {
	given := header.Get("Credential")
	if given == "" {
		given = strings.TrimPrefix(header.Get("Authorization"), "Bearer ")
	}
	want := sha256.Sum256([]byte(u.credential))
	got := sha256.Sum256([]byte(given))
	if u.credential == "" || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return nil, u.client.Fail("webhook", carrier.KindForged, "credential", "it does not carry our credential")
	}
	var said alert
	if err := u.client.Read("webhook", body, &said); err != nil {
		return nil, err
	}
	if said.Number == "" || said.Status == nil {
		return nil, u.client.Missing("webhook", "trackingNumber")
	}
	at, guessed, ok := instant(said.GMTDate, said.GMTTime, said.GMTOffset, said.Date, said.Time)
	if !ok {
		return nil, u.client.Missing("webhook", "gmtActivityDate")
	}
	m, code := understand(said.Status.StatusCode, strings.TrimSpace(said.Status.Type))
	id := sha256.Sum256(body)
	t := carrier.Tracked{
		Number: said.Number, Carrier: Name, EventID: hex.EncodeToString(id[:16]), SignedBy: said.Received,
		Events: []carrier.Event{{
			Code: cmp.Or(code, said.Status.Code), Status: m.status, Reason: m.reason, Description: carrier.Clip(said.Status.Description),
			Location: said.Location.text(), At: at, ZoneGuessed: guessed,
		}},
	}
	if m.status == carrier.StatusDelivered {
		t.Delivered = at
	}
	if day, err := time.Parse("20060102", said.Scheduled); err == nil {
		t.Expected = day.Add(endOfDay(""))
	}
	return []carrier.Tracked{t}, nil
}

// Subscribe has Track Alert tell of parcels for the next fourteen days; where
// to, and with which credential, stands in the account at UPS. At most a hundred
// numbers are taken at once; those that UPS does not know are given back.
func (u *UPS) Subscribe(ctx context.Context, numbers []string) (unknown []string, err error) {
	var said struct {
		Valid   []string `json:"validTrackingNumbers"`
		Invalid []string `json:"invalidTrackingNumbers"`
	}
	err = u.client.Do(ctx, carrier.Call{
		Name: "subscribe", Method: http.MethodPost, Path: "/api/track/v2/subscription/standard/package",
		Header: http.Header{"Transid": {carrier.Reference(strings.Join(numbers, " "), 32)}},
		JSON:   object{"locale": "en_US", "trackingNumberList": numbers},
	}, &said)
	if err == nil && len(said.Valid)+len(said.Invalid) == 0 && len(numbers) > 0 {
		err = u.client.Missing("subscribe", "validTrackingNumbers")
	}
	return said.Invalid, err
}
