package payment

import (
	"context"

	"doorstep/internal/fault"
)

// ErrAmount says that a provider has no way to say an amount in its currency.
var ErrAmount = fault.New(fault.Invalid, "amount_not_expressible", "The payment provider cannot move this amount in this currency.")

// Expressible asks a provider whether it can move an amount of minor units; one
// that says nothing of amounts can. The error is ErrAmount.
func Expressible(p Provider, amount int64, currency string) error {
	if c, ok := p.(Chooser); ok {
		if why := c.Refuses(amount, currency); why != "" {
			return ErrAmount.With("reason", why)
		}
	}
	return nil
}

// expressible asks the provider of a payment; there is none for those that no
// gateway knows.
func (s *Service) expressible(p *Payment, amount int64) error {
	provider, ok := s.Provider(p.Provider)
	if !ok {
		return nil
	}
	return Expressible(provider, amount, p.Currency)
}

// Publisher has a key that storefronts need for the provider's own form. It is
// no secret.
type Publisher interface {
	Publishable() string
}

// Fetcher reads an authorization by the gateway's own id, for providers that
// would have to look through lists for a key. It answers as Find does.
type Fetcher interface {
	Fetch(ctx context.Context, key, gatewayID string) (Result, error)
}

// Find asks a provider how an authorization stands, by its gateway id when that
// is known and of use.
func Find(ctx context.Context, p Provider, key string, gatewayID *string) (Result, error) {
	if f, ok := p.(Fetcher); ok && gatewayID != nil && *gatewayID != "" {
		return f.Fetch(ctx, key, *gatewayID)
	}
	return p.Find(ctx, key)
}
