package shipping

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/shipping/customs"
)

// LandedCost estimates what a consignment costs at the border. What the request
// leaves open is as the published policy has it: the currency, the country it
// leaves from, who pays, rates of duty, tax and exchange, and for the day the
// clock. The error is customs.ErrRequest.
func (s *Service) LandedCost(ctx context.Context, merchant uuid.UUID, r customs.Request) (customs.Estimate, error) {
	live, _, err := s.Live(ctx, merchant)
	if err != nil {
		return customs.Estimate{}, err
	}
	if r.Date == "" {
		r.Date = s.DB.Now().UTC().Format(time.DateOnly)
	}
	if live != nil {
		term, duty, tax := live.Terms()
		r.Exchange = live.Exchange
		if r.Currency == "" {
			r.Currency = live.Currency()
		}
		if r.From == "" {
			r.From = live.HomeCountry()
		}
		if r.Incoterm == "" {
			r.Incoterm = term
		}
		r.DutyBps, r.TaxBps = over(duty, r.DutyBps), over(tax, r.TaxBps)
	}
	if r.Incoterm == "" {
		r.Incoterm = customs.DAP
	}
	if r.Currency == "" {
		r.Currency = "EUR"
	}
	return customs.Reckon(r)
}

// over is the usual rates with others in their place.
func over(usual, others map[string]int64) map[string]int64 {
	all := make(map[string]int64, len(usual)+len(others))
	for k, v := range usual {
		all[k] = v
	}
	for k, v := range others {
		all[k] = v
	}
	return all
}
