package api

import (
	"context"
	"strings"
	"sync"
	"time"

	"doorstep/checkout"
	"doorstep/customer"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"
)

// shopSettings is what routes for shoppers ask about the shop.
type shopSettings interface {
	Settings(ctx context.Context, merchant uuid.UUID) (customer.Settings, int64, error)
}

// settingsKept is how long a change of the settings may go unseen here.
const settingsKept = time.Second

// shops keeps the currencies of the merchants that are asked for.
type shops struct {
	server  *Server
	source  shopSettings
	held    sync.Map // uuid.UUID to *heldShop; no more than there are merchants with keys in use
	flights singleflight.Group
}

type heldShop struct {
	currencies []string
	read       time.Time
}

// currency is the one asked for, or the shop's first. It fails with
// checkout.ErrCurrency for one that the shop does not sell in.
func (s *shops) currency(ctx context.Context, merchant uuid.UUID, asked string, now time.Time) (string, error) {
	shop, err := s.shop(ctx, merchant, now)
	if err != nil {
		return "", err
	}
	for _, c := range shop.currencies {
		if asked == "" || c == asked {
			return c, nil
		}
	}
	return "", checkout.ErrCurrency.At("query.currency", "expected one of "+strings.Join(shop.currencies, ", "))
}

func (s *shops) shop(ctx context.Context, merchant uuid.UUID, now time.Time) (*heldShop, error) {
	if v, ok := s.held.Load(merchant); ok {
		shop, _ := v.(*heldShop) // nothing else is stored
		if age := now.Sub(shop.read); age >= 0 && age < settingsKept {
			return shop, nil
		}
	}
	flight := s.flights.DoChan(merchant.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), usual) // for all who wait
		defer cancel()
		now := s.server.clock.Now()
		settings, _, err := s.source.Settings(ctx, merchant)
		if err != nil {
			return nil, err
		}
		shop := &heldShop{currencies: settings.Currencies, read: now}
		s.held.Store(merchant, shop)
		return shop, nil
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case done := <-flight:
		shop, _ := done.Val.(*heldShop) // nil with an error
		return shop, done.Err
	}
}
