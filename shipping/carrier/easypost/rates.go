package easypost

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"doorstep/shipping/carrier"
)

// atOnce is how many requests one call makes beside each other.
const atOnce = 4

// Rates prices the parcels. EasyPost knows shipments of one parcel: several are
// priced each, and a service costs what it costs for all of them.
func (e *EasyPost) Rates(ctx context.Context, r carrier.RateRequest) (carrier.RateAnswer, error) {
	if len(r.Parcels) == 0 {
		return carrier.RateAnswer{}, e.client.Fail("rates", carrier.KindInvalid, "parcels", "are missing")
	}
	answers := make([]carrier.RateAnswer, len(r.Parcels))
	group, inside := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, p := range r.Parcels {
		group.Go(func() (err error) {
			answers[i], err = e.ratesOf(inside, r, p)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return carrier.RateAnswer{}, err
	}
	all := answers[0]
	for _, a := range answers[1:] {
		var err error
		if all, err = e.both(all, a); err != nil {
			return carrier.RateAnswer{}, err
		}
	}
	return all, nil
}

// both adds the prices of services that take either parcel.
func (e *EasyPost) both(a, b carrier.RateAnswer) (carrier.RateAnswer, error) {
	sum := carrier.RateAnswer{Refused: append(slices.Clone(a.Refused), b.Refused...)}
	for _, one := range a.Rates {
		i := slices.IndexFunc(b.Rates, func(r carrier.Rate) bool { return r.Service == one.Service })
		if i < 0 {
			continue
		}
		other := b.Rates[i]
		total, err := one.Total.Add(other.Total)
		if err != nil {
			return sum, e.client.Fail("rates", carrier.KindContract, "rates.rate", "parcels of one service cannot be added")
		}
		one.Total, one.TransitDays = total, max(one.TransitDays, other.TransitDays)
		if other.Promised.After(one.Promised) {
			one.Promised = other.Promised
		}
		one.Guaranteed = one.Guaranteed && other.Guaranteed
		sum.Rates = append(sum.Rates, one)
	}
	return sum, nil
}

func (e *EasyPost) ratesOf(ctx context.Context, r carrier.RateRequest, p carrier.Parcel) (carrier.RateAnswer, error) {
	q, err := e.ask("rates", "", r, p, "")
	if err != nil {
		return carrier.RateAnswer{}, err
	}
	s, err := e.create(ctx, "rates", q)
	if err != nil {
		return carrier.RateAnswer{}, err
	}
	return e.priced(s, r.Services)
}

func (e *EasyPost) create(ctx context.Context, call string, q question) (shipment, error) {
	var s shipment
	err := e.client.Do(ctx, carrier.Call{Name: call, Method: http.MethodPost, Path: "/v2/shipments", JSON: map[string]any{"shipment": q}}, &s)
	if err == nil && s.ID == "" {
		err = e.client.Missing(call, "id")
	}
	return s, err
}

// priced reads the rates of a shipment.
func (e *EasyPost) priced(s shipment, wanted []string) (carrier.RateAnswer, error) {
	var a carrier.RateAnswer
	for _, r := range s.Rates {
		if len(wanted) > 0 && !slices.Contains(wanted, r.code()) {
			continue
		}
		total, err := carrier.RoundAmount(string(r.Rate), r.Currency)
		if err != nil || r.ID == "" || r.Carrier == "" || r.Service == "" {
			return a, e.client.Fail("rates", carrier.KindContract, "rates", fmt.Sprintf("the rate of %s cannot be read", r.code()))
		}
		out := carrier.Rate{Carrier: r.Carrier, Service: r.code(), Total: total, Negotiated: r.ListRate != "" && r.ListRate != r.Rate, ID: r.code()}
		if r.DeliveryDays != nil {
			out.TransitDays = max(*r.DeliveryDays, 0)
		}
		if r.DeliveryDate != nil {
			out.Promised = *r.DeliveryDate
			out.Guaranteed = r.Guaranteed != nil && *r.Guaranteed
		}
		out.Level = carrier.LevelOf(services, out.Service, carrier.LevelByDays(out.TransitDays))
		a.Rates = append(a.Rates, out)
	}
	for _, m := range s.Messages {
		text := carrier.Clip(fmt.Sprint(m.Message))
		a.Refused = append(a.Refused, carrier.Refusal{Service: m.Carrier, Kind: refusal(text), Text: text})
	}
	return a, nil
}

// refusal guesses from its text why one of EasyPost's carriers gave no rate;
// there is no code for it.
func refusal(text string) carrier.Kind {
	text = strings.ToLower(text)
	for _, word := range []string{"credential", "authent", "authoriz", "unauthorized", "account number"} {
		if strings.Contains(text, word) {
			return carrier.KindAuth
		}
	}
	switch {
	case strings.Contains(text, "timed out"), strings.Contains(text, "timeout"):
		return carrier.KindTimeout
	case strings.Contains(text, "required"), strings.Contains(text, "invalid"):
		return carrier.KindInvalid
	}
	return carrier.KindNotServiceable
}
