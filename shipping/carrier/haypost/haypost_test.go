package haypost

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/money"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carriertest"
)

func account(base string, c clock.Clock) *HayPost {
	return New(Config{Base: base, Username: "shop@example.am", Password: "haypost-password-of-the-shop", Customer: 999_000_111, Clock: c})
}

// inside asks about a parcel from Yerevan to Gyumri.
func inside() carrier.RateRequest {
	r := carriertest.Domestic()
	r.From = carrier.Address{Name: "Doorstep Store", Line1: "Սարյան 22", City: "Երևան", Postcode: "0002", Country: "AM", Phone: "+37410500000"}
	r.To = carrier.Address{Name: "Անի Պետրոսյան", Line1: "Աբովյան 12", City: "Գյումրի", Postcode: "3101", Country: "AM", Phone: "+37491000000"}
	r.Currency = "AMD"
	return r
}

func TestTheAdapter(t *testing.T) { // not parallel: goroutines are counted
	carriertest.Run(t, carriertest.Bench{
		Vendor: "haypost", Request: inside(), Renews: true,
		New: func(base string, c clock.Clock) carrier.Carrier { return account(base, c) },
	})
}

// answering is an adapter with a token whose every call is answered so.
func answering(t *testing.T, status int, body string) *HayPost {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/Token") {
			_, _ = w.Write([]byte(`{"accessToken":"a-token-of-the-shop","expDate":0}`))
			return
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(web.Close)
	return account(web.URL, clock.At(carriertest.Noon))
}

func TestATariffIsAWholeNumberOfDrams(t *testing.T) {
	t.Parallel()
	r := inside()
	r.Services = []string{"sprint_simple"}
	a, err := answering(t, 200, `320`).Rates(t.Context(), r)
	if err != nil || len(a.Rates) != 1 || a.Rates[0].Total != money.Of(32_000, "AMD") { // a dram has a hundred luma
		t.Errorf("got %+v, %v", a, err)
	}
	for _, nonsense := range []string{`0`, `-5`, `"free"`, `{"price":320}`, `null`} {
		if a, err := answering(t, 200, nonsense).Rates(t.Context(), r); carrier.KindOf(err) != carrier.KindContract {
			t.Errorf("%s was read as %+v, %v", nonsense, a, err)
		}
	}
}

func TestEveryStateHasOneMeaningAndOthersAreUnknown(t *testing.T) {
	t.Parallel()
	codes := (&HayPost{}).Codes()
	for n := 1; n <= 11; n++ {
		if s := codes[strconv.Itoa(n)]; !s.Known() {
			t.Errorf("state %d means %q", n, s)
		}
	}
	if len(codes) != 11 {
		t.Errorf("%d states", len(codes))
	}
	said := tracking{}
	said.Histories = append(said.Histories, struct {
		ID         carrier.Decimal `json:"id"`
		StateID    carrier.Decimal `json:"stateId"`
		CreateDate string          `json:"createDate"`
	}{"1", "12", "2024-06-10T08:59:20.5298"})
	got := said.tracked("X").Events
	if len(got) != 1 || got[0].Status != carrier.StatusUnknown || !got[0].ZoneGuessed || !got[0].At.Equal(time.Date(2024, 6, 10, 4, 59, 20, 529_800_000, time.UTC)) {
		t.Errorf("got %+v", got)
	}
}

func TestParcelsThatLeaveArmeniaAreRefusedBeforeHayPostIsAsked(t *testing.T) {
	t.Parallel()
	h := answering(t, 500, `{}`)
	if _, err := h.Rates(t.Context(), carriertest.International()); carrier.KindOf(err) != carrier.KindNotServiceable {
		t.Error(err)
	}
	r := inside()
	r.To.Country = "GE"
	if _, err := h.Buy(t.Context(), carrier.ShipmentRequest{Key: "k", Service: "sprint_simple", From: r.From, To: r.To, Parcels: r.Parcels}); carrier.KindOf(err) != carrier.KindNotServiceable {
		t.Error(err)
	}
}

func TestTheLabelHasTheBarcodeAndTheAddresses(t *testing.T) {
	t.Parallel()
	r := inside()
	h := answering(t, 200, `{"id":15022783,"barcode":"PAS105759416AM","revertOrderId":15022784}`)
	ask := carrier.ShipmentRequest{Key: "k", Service: "parcel_simple", From: r.From, To: r.To, Parcels: r.Parcels, Format: carrier.ZPL}
	ask.To.Line2 = "^XZ ~JA" // no command of the printer
	l, err := h.Buy(t.Context(), ask)
	if err != nil || l.ID != "15022783" || l.Numbers[0] != "PAS105759416AM" {
		t.Fatalf("%+v, %v", l, err)
	}
	text := string(l.Papers[0].Bytes)
	if !strings.Contains(text, "^FDPAS105759416AM^FS") || !strings.Contains(text, "Գյումրի") || strings.Contains(text, "~JA") || strings.Count(text, "^XZ") != 1 {
		t.Errorf("the label is %s", text)
	}
	ask.Format = ""
	if l, err = h.Buy(t.Context(), ask); err != nil || !bytes.HasPrefix(l.Papers[0].Bytes, []byte("%PDF")) {
		t.Errorf("%v", err)
	}
	if _, err := answering(t, 200, `{"id":1,"barcode":"^XA"}`).Buy(t.Context(), ask); !carrier.KindOf(err).Unknown() {
		t.Errorf("the order was made, but it says %v", err)
	}
}

func TestBarsAreCode128(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for v, p := range patterns {
		sum := 0
		for _, width := range p {
			sum += int(width - '0')
		}
		if want := map[bool]int{true: 13, false: 11}[v == stop]; sum != want || seen[p] {
			t.Errorf("pattern %d is %s", v, p)
		}
		seen[p] = true
	}
	if len(patterns) != 107 {
		t.Errorf("%d patterns", len(patterns))
	}
	// The check sign of "PJJ123C" is 55, as in the standard's own example.
	bars := code128("PJJ123C")
	check := ""
	for _, width := range bars[len(bars)-13 : len(bars)-7] {
		check += strconv.Itoa(width)
	}
	if len(bars) != 6*9+7 || check != patterns[54] && check != patterns[55] {
		t.Errorf("%d bars, check %s", len(bars), check)
	}
}

func FuzzTracking(f *testing.F) {
	f.Add([]byte(`{"order":{"id":1,"trackingId":"PAS1AM","stateId":6,"createDate":"2024-06-10T08:59:21"},"orderStateHistories":[{"id":2,"stateId":1,"createDate":"2024-06-10T08:59:20.5298"}]}`))
	f.Add([]byte(`{"order":{},"orderStateHistories":[null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var said tracking
		if carrier.Read(Name, "track", body, &said) != nil {
			return
		}
		for _, e := range said.tracked("X").Events {
			if !e.Status.Known() && e.Status != carrier.StatusUnknown || e.Code == "" {
				t.Errorf("%+v", e)
			}
		}
	})
}
