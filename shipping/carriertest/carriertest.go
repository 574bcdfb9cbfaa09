// Package carriertest proves that a carrier's adapter keeps the promises of
// carrier.Carrier, against the carrier that shipping/carrier/fake plays. Every
// adapter runs through it:
//
//	func TestTheAdapter(t *testing.T) { // not parallel: goroutines are counted
//		carriertest.Run(t, carriertest.Bench{
//			Vendor: "acme",
//			New: func(base string, c clock.Clock) carrier.Carrier {
//				return acme.New(acme.Settings{BaseURL: base, Key: "acme-key"}, c)
//			},
//		})
//	}
//
// The suite is strict where a shop depends on it: errors have the kind that
// errors.go says, a label whose answer was lost is found or not bought twice,
// codes mean what the fake says they mean (fake.Vendor.Words), repeats of events
// are dropped (carrier.Tidy), a forged webhook is refused, nothing is left
// running afterwards.
package carriertest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"doorstep/internal/clock"
	"doorstep/internal/money"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/fake"
)

// Bench is an adapter with what it takes to try it.
type Bench struct {
	// Vendor is the name under which the fake plays it; empty for a carrier
	// without a network, of which only rates and codes are tried.
	Vendor string
	// New makes the adapter for a base URL ("http://127.0.0.1:1234/acme", no
	// slash at the end), with the fake's credentials.
	New func(base string, c clock.Clock) carrier.Carrier
	// Request is what it is asked to carry; Domestic() when its parcels are nil.
	Request carrier.RateRequest
	// Abroad is a second request, across a border; left out when nil.
	Abroad *carrier.RateRequest
	// Renews says that it fetches tokens, so that one refused token is no error.
	Renews bool
	// BodyUnsigned says that its webhooks prove their sender, but not their body.
	BodyUnsigned bool
}

// patience is how long a call may take that should succeed.
const patience = 20 * time.Second

// short is how long one may take that cannot.
const short = 150 * time.Millisecond

// Noon is when the suite's clocks stand at first: a Monday.
var Noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// Domestic asks about one parcel of 1.2 kg from San Francisco to New York.
func Domestic() carrier.RateRequest {
	return carrier.RateRequest{
		From:     carrier.Address{Name: "Doorstep", Company: "Doorstep Store", Line1: "417 Montgomery Street", City: "San Francisco", Region: "CA", Postcode: "94104", Country: "US", Phone: "+14155550100", Email: "shop@example.com"},
		To:       carrier.Address{Name: "Ada Shopper", Line1: "179 Greene Street", Line2: "Apt 3", City: "New York", Region: "NY", Postcode: "10012", Country: "US", Phone: "+12125550100", Email: "ada@example.com", Residential: true},
		Parcels:  []carrier.Parcel{parcel()},
		ShipAt:   Noon,
		Currency: "USD",
	}
}

// International asks about the same parcel to Yerevan, with its customs papers.
func International() carrier.RateRequest {
	r := Domestic()
	r.To = carrier.Address{Name: "Ani Shopper", Line1: "22 Saryan Street", City: "Yerevan", Postcode: "0002", Country: "AM", Phone: "+37410500000", Email: "ani@example.com"}
	r.Customs = &carrier.Customs{
		ContentType: "sale_of_goods", Incoterm: "DAP", InvoiceNumber: "DS-7K3M-Q2XT-H", InvoiceDate: Noon, AES: "NOEEI 30.37(a)", Items: r.Parcels[0].Items,
	}
	return r
}

func parcel() carrier.Parcel {
	return carrier.Parcel{
		LengthMM: 300, WidthMM: 200, HeightMM: 100, WeightG: 1200, Reference: "P1", Value: money.Of(4000, "USD"),
		Items: []carrier.Item{{SKU: "MUG-1", Description: "Ceramic mug", Quantity: 2, UnitValue: money.Of(2000, "USD"), NetG: 500, HSCode: "691200", OriginCountry: "US"}},
	}
}

// suite is one promise under test, with a carrier of its own.
type suite struct {
	*testing.T
	Bench
	server *fake.Server
	world  *fake.World
	clock  *clock.Manual
	it     carrier.Carrier
	// elsewhere counts the calls of another host, at away.
	elsewhere atomic.Int64
	away      string
}

// Run runs every promise on a carrier of its own, and counts what is left.
func Run(t *testing.T, b Bench) {
	t.Helper()
	if b.Request.Parcels == nil {
		b.Request = Domestic()
	}
	before := goleak.IgnoreCurrent()
	promises := []promise{
		{"it says who it is and what it can do", introduces},
		{"each code means one thing", mapsCodes},
		{"prices add up and stay", rates},
		{"only the services that are asked for are priced", ratesServices},
		{"many may ask at once", ratesAtOnce},
		{"a caller that is gone already is not served", hangsUpFirst},
	}
	if b.Vendor != "" {
		promises = append(promises, networked...)
	}
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			s := begin(t, b)
			p.keep(s)
		})
	}
	t.Run("no goroutine is left", func(t *testing.T) { goleak.VerifyNone(t, before) })
}

type promise struct {
	name string
	keep func(s *suite)
}

var networked = []promise{
	{"a label has a number and can be printed", buys},
	{"a label is bought without a rate", buysWithoutRate},
	{"the same key buys once", buysOnce},
	{"a label whose answer was lost is not bought twice", findsLost},
	{"several parcels are one shipment or refused", buysSeveral},
	{"a parcel crosses a border", crosses},
	{"a label is given back, and again", voids},
	{"a parcel is followed from shop to door", tracks},
	{"several parcels are asked for at once", tracksSeveral},
	{"a number that nobody knows is no failure", tracksNobody},
	{"every status of the carrier is understood", understands},
	{"events that come twice are told once", dropsRepeats},
	{"a webhook tells of its parcel", hears},
	{"a forged webhook is refused", refusesForgery},
	{"a webhook of nonsense does no harm", bearsNonsense},
	{"rates fail with their kind", ratesFail},
	{"buying fails with its kind", buyingFails},
	{"tracking fails with its kind", trackingFails},
	{"voiding fails with its kind", voidingFails},
	{"finding a label fails with its kind", findingFails},
	{"checking an address fails with its kind", checkingFails},
	{"sending for a van fails with its kind", pickupFails},
	{"closing the day fails with its kind", manifestFails},
	{"reckoning duty fails with its kind", landedCostFails},
	{"a refused token is renewed", renews},
	{"a caller that hangs up is told so", hangsUp},
	{"errors tell no secrets", keepsSecrets},
}

func begin(t *testing.T, b Bench) *suite {
	t.Helper()
	s := &suite{T: t, Bench: b, clock: clock.At(Noon)}
	base := ""
	if b.Vendor != "" {
		s.server = fake.New(s.clock)
		if s.world = s.server.World(b.Vendor); s.world == nil {
			t.Fatalf("nobody plays %s", b.Vendor)
		}
		web := httptest.NewServer(s.server)
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.elsewhere.Add(1) }))
		t.Cleanup(func() { web.CloseClientConnections(); web.Close(); other.Close() })
		base, s.away = web.URL+"/"+b.Vendor, other.URL+"/"
	}
	s.it = b.New(base, s.clock)
	return s
}

// patient is a context for what should succeed.
func (s *suite) patient() context.Context {
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	s.Cleanup(cancel)
	return ctx
}

// failed finds what a failed call of the adapter says, and that it says it well.
func (s *suite) failed(err error) *carrier.Error {
	s.Helper()
	var e *carrier.Error
	if !errors.As(err, &e) {
		s.Fatalf("want a *carrier.Error, got %v", err)
	}
	if e.Carrier != s.it.Name() || e.Call == "" || e.Kind == "" || len(e.Text) > 300 {
		s.Errorf("the error does not say enough, or too much: %#v", e)
	}
	return e
}

// rates asks for prices, which must be there.
func (s *suite) rates(r carrier.RateRequest) []carrier.Rate {
	s.Helper()
	a, err := s.it.Rates(s.patient(), r)
	if err != nil {
		s.Fatal(err)
	}
	if len(a.Rates) == 0 {
		s.Fatalf("no rates, but refused %+v", a.Refused)
	}
	return a.Rates
}

// order is the buying of one rate of a request.
func order(key string, r carrier.RateRequest, rate carrier.Rate) carrier.ShipmentRequest {
	return carrier.ShipmentRequest{
		Key: key, Service: rate.Service, RateID: rate.ID, From: r.From, To: r.To, Parcels: r.Parcels, Options: r.Options, Customs: r.Customs, ShipAt: r.ShipAt,
	}
}

// buy buys the first rate of the request.
func (s *suite) buy(key string) carrier.Label {
	s.Helper()
	l, err := s.it.Buy(s.patient(), order(key, s.Request, s.rates(s.Request)[0]))
	if err != nil {
		s.Fatal(err)
	}
	if len(l.Numbers) == 0 {
		s.Fatal("the label has no number")
	}
	return l
}

// track asks for the parcels behind one number.
func (s *suite) track(number string) carrier.Tracked {
	s.Helper()
	all, err := s.it.Track(s.patient(), []string{number})
	if err != nil {
		s.Fatal(err)
	}
	if len(all) != 1 || all[0].Number != number {
		s.Fatalf("want one parcel of number %s, got %+v", number, all)
	}
	return all[0]
}

// last is the youngest event of a parcel.
func last(t carrier.Tracked) carrier.Event {
	if len(t.Events) == 0 {
		return carrier.Event{}
	}
	e := t.Events[0]
	for _, other := range t.Events[1:] {
		if !other.At.Before(e.At) {
			e = other
		}
	}
	return e
}
