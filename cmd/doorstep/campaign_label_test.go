package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"

	"doorstep/internal/clock"
	"doorstep/internal/id"
	"doorstep/shipping/carrier/fake"
)

// What staff do with labels while the program dies. The carrier lives on.
func init() {
	mails := map[string]int{"order_confirmation": 1, "shipped": 1}
	maps.Copy(journeys, map[string]journey{
		"buy a label": {
			points:  []string{"label.buy.written", "label.buy.ask", "label.buy.answered", "label.buy.queued", "label.buy.recorded", "idem.finish"},
			prepare: linked, client: buysLabel, after: oneLabelMade(false), status: "confirmed", payment: "unpaid", mails: mails,
		},
		"give a label back": {
			points:  []string{"label.void.written", "label.void.answered", "label.void.recorded"},
			prepare: labeled, client: voidsLabel, after: oneLabelMade(true), status: "confirmed", payment: "unpaid", mails: mails,
		},
	})
}

// linked is a shop with a parcel, and an account with a carrier.
func linked(ctx context.Context, t *testing.T, s *sale) error {
	s.carriers = fake.New(&clock.System{})
	web := httptest.NewServer(s.carriers)
	t.Cleanup(web.Close)
	if err := shipped(ctx, t, s); err != nil {
		return err
	}
	v, _ := fake.Played("easypost")
	credentials := m{}
	for _, c := range v.Credentials {
		credentials[c.Name] = c.Value
	}
	a, err := s.ask(ctx, true, http.MethodPost, "/v1/carrier-accounts", m{
		"carrier": "easypost", "code": "ep-" + id.Secret(6), "base_url": web.URL + "/easypost", "credentials": credentials,
		"ship_from": m{"company": "Shop", "line1": "417 Montgomery Street", "city": "San Francisco", "region": "CA", "postcode": "94104", "country": "US", "phone": "+14155550100"},
	})
	if err == nil && a.status != http.StatusCreated {
		err = fmt.Errorf("link: %v", a)
	}
	s.account = a.text("id")
	return err
}

// labeled is one whose parcel has its label.
func labeled(ctx context.Context, t *testing.T, s *sale) error {
	if err := linked(ctx, t, s); err != nil {
		return err
	}
	if err := buysLabel(ctx, s); err != nil {
		return err
	}
	return s.rest(ctx)
}

func buysLabel(ctx context.Context, s *sale) error {
	_, err := s.twice(ctx, "/v1/shipments/"+s.parcel+"/label", m{"account_id": s.account, "service": "USPS.PriorityMailInternational"}, http.StatusCreated)
	return err
}

func voidsLabel(ctx context.Context, s *sale) error {
	_, err := s.twice(ctx, "/v1/shipments/"+s.parcel+"/label/void", m{}, http.StatusOK)
	return err
}

// oneLabelMade asks the carrier's own books.
func oneLabelMade(voided bool) func(context.Context, *testing.T, *sale) {
	return func(ctx context.Context, t *testing.T, s *sale) {
		made := s.carriers.World("easypost").Parcels()
		if len(made) != 1 || made[0].Voided != voided {
			t.Errorf("the carrier made %d labels, %+v", len(made), made)
		}
		var status string
		if err := s.db.QueryRow(ctx, `select status from labels where subject_id::text = $1`, s.parcel).Scan(&status); err != nil {
			t.Error(err)
		}
		if want := map[bool]string{false: "bought", true: "void"}[voided]; status != want {
			t.Errorf("the label is %s, want %s", status, want)
		}
	}
}
