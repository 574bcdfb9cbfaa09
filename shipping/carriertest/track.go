package carriertest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/google/go-cmp/cmp"

	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/fake"
)

// way is a usual day, as far as the carrier has words for it.
var way = []carrier.Status{carrier.StatusPickedUp, carrier.StatusInTransit, carrier.StatusOutForDelivery, carrier.StatusDelivered}

func (s *suite) advance(number string, to carrier.Status) *fake.Webhook {
	s.Helper()
	hook, err := s.server.Advance(s.Vendor, number, to)
	if err != nil {
		s.Fatal(err)
	}
	return hook
}

func tracks(s *suite) {
	number := s.buy("tracks").Numbers[0]
	words, _ := fake.Played(s.Vendor)
	for _, status := range way {
		if _, ok := words.Words[status]; !ok {
			continue
		}
		s.advance(number, status)
		got := s.track(number)
		if e := last(got); e.Status != status || e.Code == "" {
			s.Errorf("the parcel is %s, but it says %+v", status, e)
		}
		if !slices.IsSortedFunc(got.Events, func(a, b carrier.Event) int { return a.At.Compare(b.At) }) {
			s.Error("the events are not in order")
		}
		for _, e := range got.Events {
			if e.At.Before(Noon.AddDate(0, 0, -1)) || e.At.After(Noon.AddDate(0, 0, 1)) {
				s.Errorf("the instant %v of %s is not the carrier's", e.At, e.Code)
			}
		}
		if delivered := !got.Delivered.IsZero(); delivered != (status == carrier.StatusDelivered) {
			s.Errorf("the parcel is %s, and delivered at %v", status, got.Delivered)
		}
	}
}

func tracksSeveral(s *suite) {
	one, other := s.buy("one").Numbers[0], s.buy("other").Numbers[0]
	s.advance(other, "")
	all, err := s.it.Track(s.patient(), []string{one, other})
	if err != nil {
		s.Fatal(err)
	}
	var numbers []string
	for _, p := range all {
		numbers = append(numbers, p.Number)
		if want := map[string]int{one: 1, other: 2}[p.Number]; len(p.Events) > want {
			s.Errorf("%s has %d events, want %d", p.Number, len(p.Events), want)
		}
	}
	slices.Sort(numbers)
	want := []string{one, other}
	slices.Sort(want)
	if !slices.Equal(numbers, want) {
		s.Errorf("asked for %v, it tells of %v", want, numbers)
	}
	if none, err := s.it.Track(s.patient(), nil); err != nil || len(none) != 0 {
		s.Errorf("asked for nothing, it gives %v, %v", none, err)
	}
}

func tracksNobody(s *suite) {
	number := s.buy("known").Numbers[0]
	all, err := s.it.Track(s.patient(), []string{"ZZ000000000ZZ", number})
	if err != nil {
		s.Fatal(err)
	}
	if !slices.ContainsFunc(all, func(p carrier.Tracked) bool { return p.Number == number && len(p.Events) > 0 }) {
		s.Errorf("the known parcel is missing: %+v", all)
	}
	for _, p := range all {
		if p.Number != number && len(p.Events) > 0 {
			s.Errorf("it tells of a parcel that does not exist: %+v", p)
		}
	}
}

func understands(s *suite) {
	v, _ := fake.Played(s.Vendor)
	if _, ok := v.Words[carrier.StatusUnknown]; !ok || len(v.Words) < 4 {
		s.Errorf("its fake has too few words: %v", v.Words)
	}
	for _, status := range append(carrier.Statuses(), carrier.StatusUnknown) {
		if _, ok := v.Words[status]; !ok {
			continue
		}
		number := s.buy("word-" + string(status)).Numbers[0]
		s.advance(number, status)
		if e := last(s.track(number)); e.Status != status {
			s.Errorf("%s (%q) is taken for %+v", status, v.Words[status], e)
		}
	}
}

func dropsRepeats(s *suite) {
	number := s.buy("repeats").Numbers[0]
	s.advance(number, "")
	once := s.track(number)
	s.server.Break(fake.Fault{Vendor: s.Vendor, Name: fake.Doubled})
	if twice := s.track(number); !cmp.Equal(once.Events, twice.Events) {
		s.Error(cmp.Diff(once.Events, twice.Events))
	}
}

func hears(s *suite) {
	number := s.buy("hears").Numbers[0]
	hook := s.advance(number, "")
	if !s.it.Capabilities().Webhooks {
		_, err := s.it.ParseWebhook(http.Header{}, []byte(`{}`))
		if e := s.failed(err); e.Kind != carrier.KindUnsupported {
			s.Errorf("want unsupported, got %v", e)
		}
		return
	}
	if hook == nil {
		s.Fatal("its fake sends no webhooks")
	}
	var ids []string
	want := carrier.StatusPickedUp
	if _, ok := fakeWords(s)[want]; !ok {
		want = carrier.StatusInTransit
	}
	for range 2 {
		for range 2 { // a repeat is the same news
			all, err := s.it.ParseWebhook(hook.Header, hook.Body)
			if err != nil {
				s.Fatal(err)
			}
			if len(all) != 1 || all[0].Number != number || all[0].EventID == "" {
				s.Fatalf("want news of %s, got %+v", number, all)
			}
			if e := last(all[0]); e.Status != want {
				s.Errorf("want %s, got %+v", want, e)
			}
			ids = append(ids, all[0].EventID)
		}
		want = carrier.StatusDelivered
		hook = s.advance(number, want)
	}
	if ids[0] != ids[1] || ids[1] == ids[2] || ids[2] != ids[3] {
		s.Errorf("repeats should have one id, others another: %v", ids)
	}
}

func fakeWords(s *suite) map[carrier.Status]string {
	v, _ := fake.Played(s.Vendor)
	return v.Words
}

func refusesForgery(s *suite) {
	if !s.it.Capabilities().Webhooks {
		s.Skip("it sends none")
	}
	hook := s.advance(s.buy("forgery").Numbers[0], "")
	forged := func(what string, header http.Header, body []byte) {
		_, err := s.it.ParseWebhook(header, body)
		if err == nil {
			s.Errorf("a webhook with %s was believed", what)
		} else if e := s.failed(err); e.Kind != carrier.KindForged {
			s.Errorf("%s: want forged, got %v", what, e)
		}
	}
	forged("no header", http.Header{}, hook.Body)
	other := http.Header{}
	for k, values := range hook.Header {
		for _, v := range values {
			if len(v) > 12 && k != "Content-Type" {
				v = v[:len(v)-2] + string([]byte{v[len(v)-1] ^ 1, v[len(v)-2] ^ 2})
			} else if k != "Content-Type" {
				v += "0"
			}
			other.Add(k, v)
		}
	}
	forged("another signature", other, hook.Body)
	if !s.BodyUnsigned {
		forged("another body", hook.Header, bytes.Replace(hook.Body, []byte(`{`), []byte(`{ `), 1))
		forged("no body", hook.Header, nil)
	}
}

func bearsNonsense(s *suite) {
	if !s.it.Capabilities().Webhooks {
		s.Skip("it sends none")
	}
	hook := s.advance(s.buy("nonsense").Numbers[0], "")
	for _, body := range []string{"<html></html>", "", "null", "7", `"text"`, "[]", "[null]", "{", "{}", string(hook.Body[:len(hook.Body)/2])} {
		all, err := s.it.ParseWebhook(s.server.Sign(s.Vendor, []byte(body)), []byte(body))
		if err != nil {
			_ = s.failed(err) // it only has to be typed
		}
		if err == nil && !json.Valid([]byte(body)) || len(all) > 0 {
			s.Errorf("%q was read as %+v, %v", body, all, err)
		}
	}
	body := fake.ChangeTypes(hook.Body)
	_, err := s.it.ParseWebhook(s.server.Sign(s.Vendor, body), body)
	if err == nil {
		s.Error("a webhook of other types was believed")
	} else {
		_ = s.failed(err) // it only has to be typed
	}
}
