package carriertest

import (
	"context"
	"slices"
	"sync"

	"github.com/google/go-cmp/cmp"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

var levels = []carrier.Level{carrier.Economy, carrier.Standard, carrier.Expedited, carrier.Express, carrier.Overnight}

func introduces(s *suite) {
	if s.Vendor != "" && s.it.Name() != s.Vendor {
		s.Errorf("its name is %q", s.it.Name())
	}
	c := s.it.Capabilities()
	seen := map[string]bool{}
	for _, service := range c.Services {
		if service.Code == "" || service.Name == "" || seen[service.Code] || !slices.Contains(levels, service.Level) {
			s.Errorf("the service %+v lacks something, or is there twice", service)
		}
		seen[service.Code] = true
	}
	for _, country := range c.Countries {
		if len(country) != 2 {
			s.Errorf("%q is no country", country)
		}
	}
}

func mapsCodes(s *suite) {
	coder, ok := s.it.(carrier.Coder)
	if !ok {
		s.Skip("it lists no codes")
	}
	codes := coder.Codes()
	if len(codes) == 0 {
		s.Error("it lists no codes")
	}
	for code, status := range codes {
		if code == "" || !status.Known() && status != carrier.StatusUnknown {
			s.Errorf("%q means %q, which is no status", code, status)
		}
	}
}

func rates(s *suite) {
	first := s.rates(s.Request)
	for _, r := range first {
		if r.Service == "" || r.Carrier == "" || r.Total.Minor <= 0 || !money.Known(r.Total.Currency) || r.TransitDays < 0 {
			s.Errorf("the rate lacks something: %+v", r)
		}
		if r.Level != "" && !slices.Contains(levels, r.Level) {
			s.Errorf("%q is no level", r.Level)
		}
		if len(r.Charges) > 0 {
			sum := money.Of(0, r.Total.Currency)
			for _, c := range r.Charges {
				var err error
				if sum, err = sum.Add(c.Amount); err != nil {
					s.Fatal(err)
				}
			}
			if sum != r.Total {
				s.Errorf("%s: the charges are %v, the total %v", r.Service, sum, r.Total)
			}
		}
	}
	again := s.rates(s.Request)
	if len(again) != len(first) {
		s.Fatalf("first there were %d rates, then %d", len(first), len(again))
	}
	heavy := s.Request
	heavy.Parcels = slices.Clone(heavy.Parcels)
	heavy.Parcels[0].WeightG *= 4
	for i, r := range s.rates(heavy) {
		if i < len(first) && r.Service == first[i].Service && r.Total.Minor <= first[i].Total.Minor {
			s.Errorf("%s: four times the weight costs %v, once %v", r.Service, r.Total, first[i].Total)
		}
		if i < len(again) && again[i].Total != first[i].Total {
			s.Errorf("%s: first %v, then %v", r.Service, first[i].Total, again[i].Total)
		}
	}
}

func ratesServices(s *suite) {
	all := s.rates(s.Request)
	one := s.Request
	one.Services = []string{all[len(all)-1].Service}
	for _, r := range s.rates(one) {
		if r.Service != one.Services[0] {
			s.Errorf("asked for %s, it gives %s", one.Services[0], r.Service)
		}
	}
	one.Services = []string{"no such service"}
	a, err := s.it.Rates(s.patient(), one)
	if err != nil {
		_ = s.failed(err) // it only has to be typed
	}
	if len(a.Rates) != 0 {
		s.Errorf("asked for a service that does not exist, it gives %+v", a.Rates)
	}
}

func ratesAtOnce(s *suite) {
	want := s.rates(s.Request)
	ctx := s.patient()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			got, err := s.it.Rates(ctx, s.Request)
			if err != nil {
				s.Error(err)
				return
			}
			for i, r := range got.Rates {
				if i >= len(want) || r.Total != want[i].Total || r.Service != want[i].Service {
					s.Error(cmp.Diff(want, got.Rates))
					return
				}
			}
		})
	}
	group.Wait()
}

func hangsUpFirst(s *suite) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	_, err := s.it.Rates(ctx, s.Request)
	if e := s.failed(err); e.Kind != carrier.KindCanceled {
		s.Errorf("want canceled, got %v", e)
	}
}
