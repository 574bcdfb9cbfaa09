package checkout

import (
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/sony/gobreaker/v2"

	"doorstep/internal/fault"
)

// ErrGatewayBusy says that a payment was not begun, because the provider is too
// slow or down. Nothing was written and no card was touched.
var ErrGatewayBusy = fault.New(fault.Unavailable, "payment_provider_busy",
	"The payment provider does not keep up just now. Nothing was charged; try again in a moment.").After(2 * time.Second)

const (
	// gatewayCalls is how many authorizations may wait for providers at once. A
	// provider that takes half a minute for each holds up this many buyers and
	// nobody else.
	gatewayCalls = 256
	// gatewayShare is how many of them may be one merchant's, as long as others
	// sell too.
	gatewayShare = 128
	// downTime is for how long nobody is sent to a provider that counts as down.
	downTime = 5 * time.Second
)

// gate keeps the crowd in front of slow providers small. What it refuses has not
// begun; payments under way are always seen through.
type gate struct {
	mu         sync.Mutex
	inside     int
	byMerchant map[uuid.UUID]int
	breakers   map[string]*gobreaker.TwoStepCircuitBreaker[any]
	patience   int // Config.GatewayPatience
}

// enter lets a payment begin, or fails with ErrGatewayBusy. leave takes the
// error of the provider's answer; nil when there was one, whatever it said.
func (g *gate) enter(merchant uuid.UUID, provider string) (leave func(error), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside >= gatewayCalls || g.byMerchant[merchant] >= gatewayShare {
		return nil, ErrGatewayBusy
	}
	answered, err := g.breaker(provider).Allow()
	if err != nil {
		return nil, ErrGatewayBusy.After(downTime).Because(err)
	}
	if g.byMerchant == nil {
		g.byMerchant = map[uuid.UUID]int{}
	}
	g.inside++
	g.byMerchant[merchant]++
	return func(err error) {
		answered(err)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.inside--
		if g.byMerchant[merchant]--; g.byMerchant[merchant] == 0 {
			delete(g.byMerchant, merchant)
		}
	}, nil
}

// breaker is the provider's own; there are as many as providers.
func (g *gate) breaker(provider string) *gobreaker.TwoStepCircuitBreaker[any] {
	b, ok := g.breakers[provider]
	if !ok {
		b = gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
			Name: provider, MaxRequests: 3, Timeout: downTime,
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= uint32(min(g.patience, 1<<30)) },
		})
		if g.breakers == nil {
			g.breakers = map[string]*gobreaker.TwoStepCircuitBreaker[any]{}
		}
		g.breakers[provider] = b
	}
	return b
}
