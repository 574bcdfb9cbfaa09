package api

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"doorstep/cart"
	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/order"
	"doorstep/recommend"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// recommendations is all that these routes ask of their room.
type recommendations interface {
	List(ctx context.Context, a recommend.Ask) (*recommend.List, error)
	Seen(ctx context.Context, merchant uuid.UUID, events []recommend.Event) error
	recommendationRules
	recommendationReports
}

// Recommendation is a product with the reason why it is shown.
type Recommendation struct {
	Product Product              `json:"product"`
	Reason  RecommendationReason `json:"reason"`
}

// RecommendationReason is the largest part of what put a product into a list, in
// codes and numbers: a storefront words it in its own language.
type RecommendationReason struct {
	Code   string     `json:"code" enum:"bought_with,viewed_with,buy_again,popular_in,same_kind,popular,new_arrival,picked" doc:"bought_with and viewed_with: with item; popular_in and same_kind: in the category of item"`
	Item   *uuid.UUID `json:"item,omitempty" format:"uuid" doc:"The product that it goes with"`
	Orders int        `json:"orders,omitempty" doc:"Of bought_with: how many held both; told from five on"`
	Days   int        `json:"days,omitempty" doc:"Of buy_again: since it was last bought"`
}

// RecommendationList is a list with its name.
type RecommendationList struct {
	RequestID uuid.UUID        `json:"request_id" format:"uuid" doc:"Send it with the events that follow"`
	Arm       string           `json:"arm,omitempty" enum:"learned,popularity" doc:"With visitor: whose list it is. A twentieth of all visitors always gets what sells best, for comparison"`
	Version   int              `json:"version" doc:"Of how the surface ranks; 0 is the program's own"`
	Rules     int              `json:"rules_version" doc:"Of the merchant's rules; 0: there are none"`
	Data      []Recommendation `json:"data"`
}

// recommendationBody is a list without its name: the same for many.
type recommendationBody struct {
	Arm     string           `json:"arm,omitempty"`
	Version int              `json:"version"`
	Rules   int              `json:"rules_version"`
	Data    []Recommendation `json:"data"`
}

type recommendIn struct {
	Surface  string   `query:"surface" enum:"home,product,cart,post_purchase,email,substitute,exchange" default:"home"`
	Products []string `query:"product_id" maxItems:"20" format:"uuid" doc:"What the list stands beside; several with commas"`
	Cart     string   `query:"cart_id" format:"uuid" doc:"Its products, with Cart-Secret"`
	Order    string   `query:"order_id" format:"uuid" doc:"Its products; with a secret key only"`
	Limit    int      `query:"limit" minimum:"1" maximum:"50" default:"10"`
	Currency string   `query:"currency" maxLength:"3" example:"EUR" doc:"Of the prices shown; the shop's first when absent"`
	Secret   string   `header:"Cart-Secret" maxLength:"200" doc:"With cart_id; not needed with a secret key"`
	Language string   `header:"Accept-Language" maxLength:"1000" doc:"Of titles and texts"`
	Visitor  string   `query:"visitor" maxLength:"64" pattern:"^[A-Za-z0-9_.:-]*$" doc:"The same as in events; with it the list can be compared, and one of ten places may show what nobody has tried yet"`
	SignedIn string   `header:"Customer-Session" maxLength:"100" doc:"On home: for whom"`
}

type recommendOut struct{ Body RecommendationList }

// ShopperEvent is something that a shopper did with a product.
type ShopperEvent struct {
	ID        uuid.UUID  `json:"id" format:"uuid" doc:"Made up by the storefront; one that is told twice counts once"`
	Kind      string     `json:"kind" enum:"view,add,click,impression,order" doc:"click and impression are of a list that was recommended; order names what was bought, and no product"`
	Visitor   string     `json:"visitor" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9_.:-]+$" doc:"Whatever the storefront calls this browser; nothing that says who it is"`
	Product   *uuid.UUID `json:"product_id,omitempty" format:"uuid" doc:"Of all but order"`
	Order     *uuid.UUID `json:"order_id,omitempty" format:"uuid" doc:"Of order: counted when there is such an order, and once"`
	RequestID *uuid.UUID `json:"request_id,omitempty" format:"uuid" doc:"Of the list that it came from"`
	Surface   string     `json:"surface,omitempty" enum:"home,product,cart,post_purchase,email,substitute,exchange"`
	Position  int        `json:"position,omitempty" minimum:"0" maximum:"1000" doc:"In the list, from 1"`
	At        *time.Time `json:"at,omitempty" doc:"Now when absent; at most a day ago"`
}

type seenIn struct {
	Body struct {
		Events []ShopperEvent `json:"events" minItems:"1" maxItems:"100"`
	}
}

// recommendRoom answers the routes about what to show next.
type recommendRoom struct {
	svc    recommendations
	shops  *shops
	carts  carts
	orders orders
	people people
}

func registerRecommendations(s *Server, r Rooms, shops *shops) {
	room := &recommendRoom{r.Recommendations, shops, r.Carts, r.Orders, r.People}
	fast[recommendIn, recommendOut](s, Route{
		ID: "recommend-products", Method: http.MethodGet, Path: "/v1/recommendations", Tag: "recommendations", Summary: "What to show next, and why",
		Description: "Learned from what is bought and looked at together. All of it can be bought at this moment; what the list stands beside is never in it. " +
			"A shop that knows nothing yet shows what is new.",
		Auth: publishable(), Errors: []*fault.Error{recommend.ErrSurface, checkout.ErrCurrency, cart.ErrNotFound, order.ErrNotFound, errSecretRequired, errScopeMissing, customer.ErrSession},
	}, room.list)
	handle(s, Route{
		ID: "report-shopper-events", Method: http.MethodPost, Path: "/v1/events", Tag: "recommendations", Status: http.StatusAccepted, Summary: "Tell what shoppers look at",
		Auth: publishable(), Once: OnceNever, Errors: []*fault.Error{recommend.ErrEvents},
	}, room.seen)
	registerRecommendationRules(s, r.Recommendations, r.Catalogue)
	registerRecommendationReport(s, r.Recommendations)
}

// listSurfaces are those that may be asked for; the first is the default.
var listSurfaces = func() []string {
	all := make([]string, len(recommend.Surfaces))
	for i, s := range recommend.Surfaces {
		all[i] = string(s)
	}
	return all
}()

// visitorName is what a storefront may call a browser.
var visitorName = regexp.MustCompile(`^[A-Za-z0-9_.:-]*$`)

// parseRecommend reads a question; the seeds that it names by id are in it.
func parseRecommend(c *fiber.Ctx) (*recommendIn, []uuid.UUID, error) {
	p := parameters(c)
	in := &recommendIn{
		Surface: p.oneOf("surface", listSurfaces...), Cart: p.text("cart_id", 36), Order: p.text("order_id", 36), Limit: 10,
		Currency: p.text("currency", 3), Visitor: p.text("visitor", 64),
		Secret: string(c.Request().Header.Peek("Cart-Secret")), Language: string(c.Request().Header.Peek(fiber.HeaderAcceptLanguage)),
		SignedIn: string(c.Request().Header.Peek("Customer-Session")),
	}
	if n := p.number("limit", 1, recommend.MostPlaces); n != nil {
		in.Limit = int(*n)
	}
	if !visitorName.MatchString(in.Visitor) {
		p.refuse("visitor", "expected letters, digits and _.:- only")
	}
	var seeds []uuid.UUID
	if text := p.one("product_id"); text != "" {
		for i, one := range strings.Split(text, ",") {
			product, err := uuid.Parse(one)
			if err != nil || len(one) != 36 || i == mostBeside {
				p.refuse("product_id["+strconv.Itoa(i)+"]", "expected a UUID, and at most "+strconv.Itoa(mostBeside)+" of them")
				break
			}
			seeds = append(seeds, product)
		}
	}
	for name, text := range map[string]string{"cart_id": in.Cart, "order_id": in.Order} {
		if _, err := uuid.Parse(text); text != "" && (err != nil || len(text) != 36) {
			p.refuse(name, "expected a UUID")
		}
	}
	for name, h := range map[string]struct {
		value   string
		longest int
	}{"Cart-Secret": {in.Secret, 200}, "Customer-Session": {in.SignedIn, 100}, "Accept-Language": {in.Language, 1000}} {
		if len(h.value) > h.longest {
			p.wrong = append(p.wrong, fault.Field{Location: "header." + name, Message: "expected length <= " + strconv.Itoa(h.longest)})
		}
	}
	return in, seeds, p.done()
}

// mostBeside is how many products a list may stand beside.
const mostBeside = 20

// list answers from what the room keeps where it can: the bytes are made once for
// all who are given the same list, and each gets a request id of its own.
func (r *recommendRoom) list(c *fiber.Ctx) error {
	in, seeds, err := parseRecommend(c)
	if err != nil {
		return err
	}
	req, ctx := requestOf(c), contextOf(c)
	who := req.caller
	currency, err := r.shops.currency(ctx, who.Merchant, in.Currency, req.now)
	if err != nil {
		return err
	}
	a := recommend.Ask{
		Merchant: who.Merchant, Surface: recommend.Surface(in.Surface), Currency: currency, Locale: string(req.lang), Places: in.Limit, Visitor: in.Visitor, Seeds: seeds,
	}
	if err := r.more(ctx, in, &a); err != nil {
		return err
	}
	l, err := r.svc.List(ctx, a)
	if err != nil {
		return err
	}
	rest, err := l.Shared(func() ([]byte, error) { return marshal(recommendationsOf(l, currency)) })
	if err != nil {
		return err
	}
	c.Response().Header.SetContentType(fiber.MIMEApplicationJSON)
	c.Response().Header.SetCanonical(hCache, vNoStore)
	body := c.Response().BodyWriter()
	_, _ = io.WriteString(body, `{"request_id":"`+l.ID.String()+`",`) // into memory: it never fails
	_, _ = body.Write(rest[1:])
	return nil
}

// more adds the seeds of a cart or an order, and the person who is signed in.
func (r *recommendRoom) more(ctx context.Context, in *recommendIn, a *recommend.Ask) error {
	for _, seeds := range []func(context.Context, *recommendIn) ([]uuid.UUID, error){r.inCart, r.inOrder} {
		found, err := seeds(ctx, in)
		if err != nil {
			return err
		}
		a.Seeds = append(a.Seeds, found...)
	}
	if person := emailOf(r.people, a.Merchant, in.SignedIn); person != nil && a.Surface == recommend.Home {
		var err error
		if a.Person, err = person(ctx); err != nil {
			return err
		}
	}
	return nil
}

// recommendationsOf is a list without its name.
func recommendationsOf(l *recommend.List, currency string) recommendationBody {
	b := recommendationBody{Arm: string(l.Arm), Version: l.Version, Rules: l.Rules, Data: make([]Recommendation, len(l.Picks))}
	for i, p := range l.Picks {
		w := RecommendationReason{Code: string(p.Reason.Code), Orders: p.Reason.Orders, Days: p.Reason.Days}
		if p.Reason.Seed != uuid.Nil {
			w.Item = &p.Reason.Seed
		}
		b.Data[i] = Recommendation{productOf(p.Product, currency), w}
	}
	return b
}

// inCart are the products of the cart that was named.
func (r *recommendRoom) inCart(ctx context.Context, in *recommendIn) ([]uuid.UUID, error) {
	if in.Cart == "" {
		return nil, nil
	}
	id, err := uuid.Parse(in.Cart)
	if err != nil {
		return nil, cart.ErrNotFound
	}
	p := CartPath{ID: id, Secret: in.Secret, Language: in.Language}
	v, err := r.carts.View(ctx, p.access(ctx), id)
	if err != nil {
		return nil, err
	}
	var products []uuid.UUID
	for _, l := range v.Lines {
		if l.Offer != nil {
			products = append(products, l.Offer.ProductID)
		}
	}
	return products, nil
}

// inOrder are the products of the order that was named.
func (r *recommendRoom) inOrder(ctx context.Context, in *recommendIn) ([]uuid.UUID, error) {
	if in.Order == "" {
		return nil, nil
	}
	const scope = "orders:read"
	who := caller(ctx)
	switch {
	case !who.Secret:
		return nil, errSecretRequired
	case !who.Has(scope):
		return nil, errScopeMissing.With("scope", scope)
	}
	id, err := uuid.Parse(in.Order)
	if err != nil {
		return nil, order.ErrNotFound
	}
	o, err := r.orders.Order(ctx, who.Merchant, id)
	if err != nil {
		return nil, err
	}
	var products []uuid.UUID
	for _, l := range o.Lines {
		products = append(products, l.ProductID)
	}
	return products, nil
}

func (r *recommendRoom) seen(ctx context.Context, in *seenIn) (*struct{}, error) {
	events := make([]recommend.Event, len(in.Body.Events))
	for i, e := range in.Body.Events {
		events[i] = recommend.Event{
			ID: e.ID, Kind: recommend.Kind(e.Kind), Visitor: e.Visitor, Order: e.Order, Request: e.RequestID,
			Surface: recommend.Surface(e.Surface), Position: e.Position,
		}
		if e.Product != nil {
			events[i].Product = *e.Product
		}
		if e.At != nil {
			events[i].At = *e.At
		}
	}
	return nil, r.svc.Seen(ctx, caller(ctx).Merchant, events)
}
