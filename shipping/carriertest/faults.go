package carriertest

import (
	"context"
	"encoding/base64"
	"strings"

	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/fake"
)

// kinds is what each fault must be taken for.
var kinds = []struct {
	fault string
	kind  carrier.Kind
	read  bool // seen only by who reads the answer
}{
	{fake.Unauthorized, carrier.KindAuth, false},
	{fake.RateLimited, carrier.KindRateLimited, false},
	{fake.ServerError, carrier.KindUpstream, false},
	{fake.Elsewhere, carrier.KindContract, false},
	{fake.Reset, carrier.KindUpstream, false},
	{fake.Hang, carrier.KindTimeout, false},
	{fake.Page, carrier.KindMalformed, true},
	{fake.Truncated, carrier.KindMalformed, true},
	{fake.Drip, carrier.KindTimeout, true},
	{fake.Empty, carrier.KindMalformed, true},
	{fake.Blank, carrier.KindContract, true},
	{fake.ChangedType, carrier.KindContract, true},
	{fake.Oversize, carrier.KindMalformed, true},
}

// fails plays all faults on a call, and that it works again afterwards.
func (s *suite) fails(reads bool, call func(ctx context.Context) error) {
	s.Helper()
	for _, k := range kinds {
		if k.read && !reads {
			continue
		}
		s.server.Break(fake.Fault{Vendor: s.Vendor, Name: k.fault, To: s.away})
		ctx, cancel := context.WithTimeout(s.Context(), patience)
		if k.kind == carrier.KindTimeout {
			cancel()
			ctx, cancel = context.WithTimeout(s.Context(), short)
		}
		err := call(ctx)
		cancel()
		s.server.Mend("")
		if err == nil {
			s.Errorf("%s: it took that for an answer", k.fault)
			continue
		}
		e := s.failed(err)
		if e.Kind != k.kind {
			s.Errorf("%s: want %s, got %v", k.fault, k.kind, e)
		}
		if k.fault == fake.RateLimited && e.RetryAfter != fake.RetryAfter {
			s.Errorf("it should wait %v, not %v", fake.RetryAfter, e.RetryAfter)
		}
	}
	if n := s.elsewhere.Load(); n != 0 {
		s.Errorf("another host was called %d times", n)
	}
	if err := call(s.patient()); err != nil {
		s.Errorf("all is well again, but: %v", err)
	}
}

func ratesFail(s *suite) {
	s.rates(s.Request) // a token is there from now on
	s.fails(true, func(ctx context.Context) error {
		_, err := s.it.Rates(ctx, s.Request)
		return err
	})
}

func buyingFails(s *suite) {
	asked := order("fails", s.Request, s.rates(s.Request)[0])
	s.fails(true, func(ctx context.Context) error {
		_, err := s.it.Buy(ctx, asked)
		return err
	})
}

func trackingFails(s *suite) {
	number := s.buy("fails").Numbers[0]
	s.fails(true, func(ctx context.Context) error {
		_, err := s.it.Track(ctx, []string{number})
		return err
	})
}

func voidingFails(s *suite) {
	l := s.buy("fails")
	err := s.it.Void(s.patient(), carrier.LabelRef{ID: l.ID, Numbers: l.Numbers})
	if carrier.KindOf(err) == carrier.KindUnsupported {
		s.Skip("the carrier takes nothing back")
	}
	l = s.buy("fails-too")
	s.fails(false, func(ctx context.Context) error {
		return s.it.Void(ctx, carrier.LabelRef{ID: l.ID, Numbers: l.Numbers})
	})
}

func renews(s *suite) {
	s.rates(s.Request)
	s.server.Break(fake.Fault{Vendor: s.Vendor, Name: fake.Unauthorized, Times: 1})
	_, err := s.it.Rates(s.patient(), s.Request)
	if !s.Renews {
		if e := s.failed(err); e.Kind != carrier.KindAuth {
			s.Errorf("want auth, got %v", e)
		}
		s.rates(s.Request)
		return
	}
	if err != nil {
		s.Fatal(err)
	}
	if n := s.server.Requests(s.Vendor, "token"); n != 2 {
		s.Errorf("%d tokens were fetched, want 2", n)
	}
	s.world.Revoke()
	s.rates(s.Request)
	for _, k := range kinds {
		if k.kind == carrier.KindTimeout || k.fault == fake.RateLimited {
			continue
		}
		s.world.Revoke()
		s.server.Break(fake.Fault{Vendor: s.Vendor, Call: "token", Name: k.fault, To: s.away})
		_, err := s.it.Rates(s.patient(), s.Request)
		s.server.Mend("")
		if err == nil {
			s.Errorf("%s: it works without a token", k.fault)
		} else if e := s.failed(err); e.Kind != k.kind {
			s.Errorf("%s of the token: want %s, got %v", k.fault, k.kind, e)
		}
	}
	if n := s.elsewhere.Load(); n != 0 {
		s.Errorf("another host was called %d times", n)
	}
	s.rates(s.Request)
}

func hangsUp(s *suite) {
	s.rates(s.Request)
	came := s.server.Requests(s.Vendor, "rates")
	s.server.Break(fake.Fault{Vendor: s.Vendor, Name: fake.Hang})
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() {
		_, err := s.it.Rates(ctx, s.Request)
		result <- err
	}()
	s.until("the carrier is asked", func() bool { return s.server.Requests(s.Vendor, "rates") > came })
	cancel()
	if e := s.failed(<-result); e.Kind != carrier.KindCanceled {
		s.Errorf("want canceled, got %v", e)
	}
}

// keepsSecrets lets the carrier say our credentials back to us.
func keepsSecrets(s *suite) {
	s.rates(s.Request)
	s.server.Break(fake.Fault{Vendor: s.Vendor, Name: fake.Echo})
	_, err := s.it.Rates(s.patient(), s.Request)
	e := s.failed(err)
	v, _ := fake.Played(s.Vendor)
	for _, c := range v.Credentials {
		secret := strings.Contains(c.Name, "key") || strings.Contains(c.Name, "secret") || strings.Contains(c.Name, "password") || strings.Contains(c.Name, "token")
		if secret && strings.Contains(e.Error(), c.Value) {
			s.Errorf("the error tells %s: %v", c.Name, e)
		}
	}
	for word := range strings.FieldsSeq(e.Error()) {
		if b, err := base64.StdEncoding.DecodeString(word); err == nil && strings.Contains(string(b), ":") {
			s.Errorf("the error tells the credentials: %v", e)
		}
		if strings.HasPrefix(word, "token-") {
			s.Errorf("the error tells the token: %v", e)
		}
	}
}
