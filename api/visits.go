package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"doorstep/cart"
	"doorstep/checkout"
	"doorstep/internal/fault"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// What shoppers do on the way to an order is written down by the rooms; the door
// says who they are, and takes in what only storefronts can see.

// Headers with which a storefront says more of a visit than can be seen.
const (
	visitorHeader = "Visitor-Id"   // a name of its own for the shopper, at most 64 signs
	deviceHeader  = "Device-Class" // mobile, tablet or desktop, where a server calls for the shopper
	testHeader    = "Test-Traffic" // true: nobody means to buy
)

// visited says whether calls of a route belong to journeys.
func (r *Route) visited() bool { return r.Tag == "carts" || r.Tag == "checkouts" }

// visit is what the headers of a request say of who shops.
func visit(c *fiber.Ctx, r *request) cart.Visit {
	h := &c.Request().Header
	v := cart.Visit{Visitor: string(h.Peek(visitorHeader)), Test: string(h.Peek(testHeader)) == "true"}
	if !plainID(v.Visitor) {
		v.Visitor = ""
	}
	switch d := cart.Device(h.Peek(deviceHeader)); {
	case d == cart.Mobile || d == cart.Tablet || d == cart.Desktop:
		v.Device = d
	case !r.caller.Secret: // else it is the shop's own server that calls, whoever shops
		v.Device = deviceOf(string(h.UserAgent()))
	}
	return v
}

// plainID says whether text is a name made of letters, digits, - and _.
func plainID(text string) bool {
	return len(text) <= 64 && !strings.ContainsFunc(text, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-'
	})
}

// The words by which programs say in User-Agent what they are.
var (
	robotWords  = []string{"bot", "crawl", "spider", "slurp", "preview", "headless", "lighthouse", "monitor", "facebookexternalhit", "scrapy", "ahrefs", "semrush"}
	tabletWords = []string{"ipad", "tablet", "kindle", "silk/", "playbook"}
	mobileWords = []string{"mobi", "iphone", "ipod", "android"}
)

// deviceOf is the class of device of a User-Agent: what it claims, for everybody
// can claim anything. An Android that does not say Mobile is a tablet.
func deviceOf(agent string) cart.Device {
	if agent == "" {
		return ""
	}
	agent = strings.ToLower(agent[:min(len(agent), 512)])
	has := func(words []string) bool {
		for _, w := range words {
			if strings.Contains(agent, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has(robotWords):
		return cart.Bot
	case has(tabletWords), strings.Contains(agent, "android") && !strings.Contains(agent, "mobi"):
		return cart.Tablet
	case has(mobileWords):
		return cart.Mobile
	case strings.HasPrefix(agent, "mozilla/"), strings.HasPrefix(agent, "opera/"):
		return cart.Desktop
	}
	return cart.Other
}

// slow is from where on a shopper has waited for too long.
const slow = 3 * time.Second

// trouble notes that the shop itself was slow or has failed a shopper.
func (s *Server) trouble(c *fiber.Ctx, r *request, err error) {
	took, status := s.machine.Now().Sub(r.started), c.Response().StatusCode()
	if err != nil {
		status = statusOf(faultOf(err))
	}
	kind := cart.StepSlow
	switch {
	case s.later == nil:
		return
	case status >= http.StatusInternalServerError:
		kind = cart.StepFailed
	case took < slow || status >= http.StatusBadRequest:
		return
	}
	of, err := uuid.Parse(c.Params("id"))
	if err != nil {
		return // it has no name yet
	}
	e := cart.NewEvent(r.ctx, r.caller.Merchant, s.clock.Now(), kind, cart.StepCart)
	e.Attributes.DurationMS = took.Milliseconds()
	switch {
	case r.route.Tag == "carts":
		e.Journey = &of
	case r.route.ID == "complete-checkout":
		e.Checkout, e.Step = &of, cart.StepPayment
	default:
		e.Checkout, e.Step = &of, cart.StepContact
	}
	s.later(e)
}

// cartReports take in what storefronts have seen, and checkoutReports likewise.
type cartReports interface {
	Later(e cart.Event)
	Report(ctx context.Context, a cart.Access, cart uuid.UUID, reports []cart.Report) (int, error)
}

type checkoutReports interface {
	Report(ctx context.Context, who checkout.Access, checkout uuid.UUID, reports []cart.Report) (int, error)
}

// StepEvent is one thing that a storefront has seen.
type StepEvent struct {
	ID         string     `json:"id" minLength:"1" maxLength:"64" example:"e-1" doc:"Of the storefront's own making: sent again it counts once"`
	Type       string     `json:"type" enum:"step_entered,field_error,step_slow,step_failed,account_wall,reason_given"`
	Step       string     `json:"step" enum:"cart,contact,address,shipping,payment,review"`
	Reason     string     `json:"reason,omitempty" enum:"price_sensitivity,shipping_cost,shipping_speed,product_fit,trust_security,returns_policy,payment_options,comparison,timing_deferred,other" doc:"Of reason_given: what the shopper has said"`
	Field      string     `json:"field,omitempty" maxLength:"64" doc:"Of field_error: the name of the field, never what was typed"`
	DurationMS int64      `json:"duration_ms,omitempty" minimum:"0" maximum:"86400000" doc:"Of step_slow"`
	At         *time.Time `json:"at,omitempty" doc:"By the storefront's clock; only its distance from the shop's is kept"`
}

// StepEvents is what a storefront reports at once.
type StepEvents struct {
	Events []StepEvent `json:"events" minItems:"1" maxItems:"50"`
}

// Taken says how much of a report was new.
type Taken struct {
	Accepted int `json:"accepted" doc:"Events that were new"`
	Known    int `json:"known" doc:"Events that had been reported before"`
}

type takenOut struct {
	Body Taken
}

type reportCartIn struct {
	CartPath
	Body StepEvents
}

type reportCheckoutIn struct {
	CheckoutPath
	Body StepEvents
}

func (b *StepEvents) value() []cart.Report {
	all := make([]cart.Report, len(b.Events))
	for i := range b.Events {
		e := &b.Events[i]
		all[i] = cart.Report{ID: e.ID, Kind: cart.Kind(e.Type), Step: cart.Step(e.Step), Reason: e.Reason, Field: e.Field, DurationMS: e.DurationMS}
		if e.At != nil {
			all[i].At = *e.At
		}
	}
	return all
}

func taken(n int, b *StepEvents, err error) (*takenOut, error) {
	if err != nil {
		return nil, err
	}
	return &takenOut{Body: Taken{Accepted: n, Known: len(b.Events) - n}}, nil
}

const reportHelp = "Up to 50 events at once. An event is known by its id and counts once. The shop's clock says when it happened. Nothing that a person has typed belongs here. Headers: Visitor-Id names the visit, Test-Traffic: true keeps it out of all figures."

func registerReports(s *Server, carts cartReports, checkouts checkoutReports) {
	if carts != nil {
		handle(s, Route{
			ID: "report-cart-events", Method: http.MethodPost, Path: cartPath + "/events", Tag: "carts", Summary: "Report what a storefront has seen of a cart", Description: reportHelp,
			Auth: publishable(), Once: OnceNever, Errors: []*fault.Error{cart.ErrNotFound, cart.ErrClosed, cart.ErrReport, cart.ErrTooManyEvents},
		}, func(ctx context.Context, in *reportCartIn) (*takenOut, error) {
			n, err := carts.Report(ctx, in.access(ctx), in.ID, in.Body.value())
			return taken(n, &in.Body, err)
		})
	}
	if checkouts != nil {
		handle(s, Route{
			ID: "report-checkout-events", Method: http.MethodPost, Path: "/v1/checkouts/{id}/events", Tag: "checkouts", Summary: "Report what a storefront has seen of a checkout", Description: reportHelp,
			Auth: publishable(), Once: OnceNever, Errors: []*fault.Error{checkout.ErrNotFound, checkout.ErrClosed, cart.ErrReport, cart.ErrTooManyEvents},
		}, func(ctx context.Context, in *reportCheckoutIn) (*takenOut, error) {
			n, err := checkouts.Report(ctx, in.access(ctx), in.ID, in.Body.value())
			return taken(n, &in.Body, err)
		})
	}
}
