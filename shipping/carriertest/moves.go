package carriertest

import (
	"bytes"
	"context"
	"slices"
	"time"

	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/fake"
)

// signs are what printed things begin with.
var signs = map[carrier.Format]string{carrier.PDF: "%PDF", carrier.ZPL: "^XA", carrier.PNG: "\x89PNG"}

func buys(s *suite) {
	formats := s.it.Capabilities().Formats
	if len(formats) == 0 {
		s.Error("it prints in no format")
	}
	for _, f := range append([]carrier.Format{""}, formats...) {
		rate := s.rates(s.Request)[0]
		asked := order("buys-"+string(f), s.Request, rate)
		asked.Format = f
		l, err := s.it.Buy(s.patient(), asked)
		if err != nil {
			s.Fatal(err)
		}
		want := f
		if f == "" {
			want = carrier.PDF
		}
		if l.ID == "" || len(l.Numbers) != len(s.Request.Parcels) || slices.Contains(l.Numbers, "") || l.Service != rate.Service {
			s.Errorf("the label lacks something: %+v", l)
		}
		if l.Cost.Minor != 0 && l.Cost != rate.Total {
			s.Errorf("it costs %v, but %v was said", l.Cost, rate.Total)
		}
		printed := 0
		for _, p := range l.Papers {
			if p.Kind == "label" && p.Format == want && bytes.HasPrefix(bytes.TrimSpace(p.Bytes), []byte(signs[want])) {
				printed++
			}
		}
		if printed == 0 && slices.Contains(formats, want) {
			s.Errorf("there is no label as %s: %+v", want, l.Papers)
		}
		for _, number := range l.Numbers {
			if len(s.world.Find(number)) != 1 {
				s.Errorf("the carrier has no parcel %s", number)
			}
		}
	}
}

func buysWithoutRate(s *suite) {
	asked := order("no-rate", s.Request, s.rates(s.Request)[0])
	asked.RateID = ""
	l, err := s.it.Buy(s.patient(), asked)
	if err != nil {
		s.Fatal(err)
	}
	if len(l.Numbers) == 0 || len(s.world.Find(l.Numbers[0])) != 1 {
		s.Errorf("no parcel: %+v", l)
	}
}

func buysOnce(s *suite) {
	if !s.it.Capabilities().IdempotentBuy {
		s.Skip("the carrier knows no keys")
	}
	one, other := s.buy("same"), s.buy("same")
	if !slices.Equal(one.Numbers, other.Numbers) || one.ID != other.ID {
		s.Errorf("the same key gave %v and %v", one.Numbers, other.Numbers)
	}
	if n := len(s.world.Parcels()); n != len(one.Numbers) {
		s.Errorf("%d parcels were made", n)
	}
	if another := s.buy("another"); slices.Equal(one.Numbers, another.Numbers) {
		s.Error("another key gave the same label")
	}
}

func findsLost(s *suite) {
	rate := s.rates(s.Request)[0]
	s.server.Break(fake.Fault{Vendor: s.Vendor, Call: "buy", Name: fake.Lost, Times: 1})
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() {
		_, err := s.it.Buy(ctx, order("lost", s.Request, rate))
		result <- err
	}()
	s.until("the carrier has made the label", func() bool { return len(s.world.Parcels()) > 0 })
	cancel()
	if e := s.failed(<-result); !e.Kind.Unknown() {
		s.Errorf("nobody knows what became of it, but it says %v", e)
	}
	made := s.world.Parcels()
	var l carrier.Label
	var err error
	finder, finds := s.it.(carrier.Finder)
	switch {
	case finds:
		if l, err = finder.Find(s.patient(), "lost"); err != nil {
			s.Fatal(err)
		}
		if _, err := finder.Find(s.patient(), "never bought"); s.failed(err).Kind != carrier.KindNotFound {
			s.Errorf("want not_found, got %v", err)
		}
	case s.it.Capabilities().IdempotentBuy:
		if l, err = s.it.Buy(s.patient(), order("lost", s.Request, rate)); err != nil {
			s.Fatal(err)
		}
	default:
		s.Skip("the carrier knows no keys")
	}
	if len(l.Numbers) != len(made) || l.Numbers[0] != made[0].Number || len(s.world.Parcels()) != len(made) {
		s.Errorf("the carrier made %d parcels, the label is %+v", len(s.world.Parcels()), l)
	}
}

// until waits for what the carrier does beside us.
func (s *suite) until(what string, done func() bool) {
	s.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatalf("it never came that %s", what)
		}
	}
}

func buysSeveral(s *suite) {
	r := s.Request
	second := r.Parcels[0]
	second.Reference, second.WeightG = "P2", second.WeightG/2
	r.Parcels = []carrier.Parcel{r.Parcels[0], second}
	if !s.it.Capabilities().MultiParcel {
		asked := order("several", r, carrier.Rate{Service: s.rates(s.Request)[0].Service})
		_, err := s.it.Buy(s.patient(), asked)
		if k := s.failed(err).Kind; k != carrier.KindUnsupported && k != carrier.KindInvalid && k != carrier.KindNotServiceable {
			s.Errorf("want a refusal, got %v", err)
		}
		if n := len(s.world.Parcels()); n != 0 {
			s.Errorf("%d parcels were made", n)
		}
		return
	}
	l, err := s.it.Buy(s.patient(), order("several", r, s.rates(r)[0]))
	if err != nil {
		s.Fatal(err)
	}
	one := len(l.Numbers) == 1 && len(s.world.Parcels()) == 1 // two pieces of one waybill
	if !one && (len(l.Numbers) != 2 || l.Numbers[0] == l.Numbers[1]) {
		s.Errorf("two parcels have the numbers %v", l.Numbers)
	}
	var weight int64
	for _, p := range s.world.Parcels() {
		weight += p.WeightG
	}
	if want := r.Parcels[0].WeightG + second.WeightG; weight < want || weight > want+want/20 {
		s.Errorf("the carrier has %d g of %d", weight, want)
	}
}

func crosses(s *suite) {
	if s.Abroad == nil {
		s.Skip("it stays inside its country")
	}
	l, err := s.it.Buy(s.patient(), order("abroad", *s.Abroad, s.rates(*s.Abroad)[0]))
	if err != nil {
		s.Fatal(err)
	}
	found := s.world.Find(l.Numbers[0])
	if len(found) != 1 || found[0].To.Country != s.Abroad.To.Country {
		s.Errorf("the carrier has %+v", found)
	}
}

func voids(s *suite) {
	l := s.buy("voids")
	ref := carrier.LabelRef{ID: l.ID, Numbers: l.Numbers}
	for range 2 {
		if err := s.it.Void(s.patient(), ref); err != nil {
			if carrier.KindOf(err) == carrier.KindUnsupported {
				s.Skip("the carrier takes nothing back")
			}
			s.Fatal(err)
		}
	}
	for _, number := range l.Numbers {
		if p := s.world.Find(number); len(p) != 1 || !p[0].Voided {
			s.Errorf("the parcel %s is not void", number)
		}
	}
	if err := s.it.Void(s.patient(), carrier.LabelRef{ID: "nobody", Numbers: []string{"000000"}}); err == nil {
		s.Error("a label that nobody made was given back")
	} else if k := s.failed(err).Kind; k != carrier.KindNotFound && k != carrier.KindInvalid {
		s.Errorf("want not_found, got %v", err)
	}
}
