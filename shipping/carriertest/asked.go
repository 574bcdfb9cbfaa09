package carriertest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"doorstep/internal/clock"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/fake"
)

// Asked is what a played carrier was asked. It is safe for concurrent use.
type Asked struct {
	mu     sync.Mutex
	last   any
	byPath map[string]any
}

// Last is the JSON of the last question that had some.
func (a *Asked) Last() any {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

// At is the JSON of the last question that was put to a path.
func (a *Asked) At(path string) any {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.byPath[path]
}

func (a *Asked) keep(path string, body []byte) {
	var said any
	if json.Unmarshal(body, &said) != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last, a.byPath[path] = said, said
}

// Played opens an account with the carrier that the fake plays under a name, at
// Noon, and keeps what it is asked.
func Played[C carrier.Carrier](t *testing.T, vendor string, open func(base string, c clock.Clock) C) (C, *Asked) {
	t.Helper()
	c, asked := clock.At(Noon), &Asked{byPath: map[string]any{}}
	door := fake.New(c)
	web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked.keep(r.URL.Path, body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		door.ServeHTTP(rw, r)
	}))
	t.Cleanup(web.Close)
	return open(web.URL+"/"+vendor, c), asked
}

// In walks into JSON: names into objects, of a list on the way the first.
func In(v any, path ...string) any {
	for _, name := range path {
		o, _ := First(v).(map[string]any)
		v = o[name]
	}
	return v
}

// First is the first of a list, and all else as it is.
func First(v any) any {
	if list, ok := v.([]any); ok && len(list) > 0 {
		return list[0]
	}
	return v
}

// PostcodeIsEnough proves that a country and a postcode give prices, and that a
// label of that service wants more.
func PostcodeIsEnough(t *testing.T, it carrier.Carrier, service string) {
	t.Helper()
	for _, to := range []carrier.Address{{Country: "US", Postcode: "10012"}, {Country: "AM", Postcode: "0002"}} {
		r := Domestic()
		r.To, r.Parcels = to, []carrier.Parcel{{WeightG: 900}}
		if to.Country != "US" {
			r.Customs = &carrier.Customs{ContentType: "sale_of_goods", Incoterm: "DAP"}
		}
		if a, err := it.Rates(t.Context(), r); err != nil || len(a.Rates) < 2 {
			t.Errorf("%s: want prices, got %+v, %v", to.Country, a, err)
		}
		_, err := it.Buy(t.Context(), carrier.ShipmentRequest{Key: "k", Service: service, From: r.From, To: to, Parcels: r.Parcels, Customs: r.Customs})
		if k := carrier.KindOf(err); k != carrier.KindInvalid {
			t.Errorf("%s: a label wants more, but: %v", to.Country, err)
		}
	}
}

// CodesHaveOneMeaning proves that the rows of a table, each a word and codes with
// blanks between them, map each code of a carrier's list to exactly one of the
// thirteen words.
func CodesHaveOneMeaning(t *testing.T, listed []string, rows int, row func(i int) (carrier.Status, string)) {
	t.Helper()
	seen := map[string]bool{}
	for i := range rows {
		status, codes := row(i)
		if !status.Known() {
			t.Errorf("%q is none of the thirteen words", status)
		}
		for code := range strings.FieldsSeq(codes) {
			if seen[code] {
				t.Errorf("%s has two meanings", code)
			}
			seen[code] = true
		}
	}
	for _, code := range listed {
		if !seen[code] {
			t.Errorf("%s is not mapped", code)
		}
	}
}

// ChargesAddUp proves that the parts of each price are its total.
func ChargesAddUp(t *testing.T, rates []carrier.Rate) {
	t.Helper()
	for _, r := range rates {
		var total int64
		for _, c := range r.Charges {
			if c.Amount.Currency != r.Total.Currency {
				t.Fatalf("a charge of %v in a price of %v", c.Amount, r.Total)
			}
			total += c.Amount.Minor
		}
		if total != r.Total.Minor || r.Total.Minor < 0 {
			t.Errorf("the charges %v are not the total %v", total, r.Total)
		}
	}
}
