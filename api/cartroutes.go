package api

import (
	"context"
	"net/http"
	"strings"

	"doorstep/cart"
	"doorstep/internal/fault"
	"doorstep/pricing"

	"github.com/google/uuid"
)

// CartForm is what a cart begins with.
type CartForm struct {
	Currency string   `json:"currency,omitempty" maxLength:"3" pattern:"^([A-Z]{3})?$" example:"EUR" doc:"Of the cart for its whole life; the shop's first when absent"`
	Items    []ItemIn `json:"items,omitempty" maxItems:"100"`
}

type startCartIn struct {
	Language string `header:"Accept-Language" maxLength:"1000"`
	Body     *CartForm
}

type readCartIn struct {
	CartPath
	Known string `header:"If-None-Match" maxLength:"1000" doc:"304 when it is the ETag of now"`
}

type cartSummaryOut struct {
	Status int
	ETag   string `header:"ETag"`
	Body   CartSummary
}

type addItemIn struct {
	CartChange
	Body ItemIn
}

// LinePath names a line of a cart.
type LinePath struct {
	CartChange
	Line uuid.UUID `path:"line_id" format:"uuid"`
}

type changeItemIn struct {
	LinePath
	Body struct {
		Quantity int64 `json:"quantity" minimum:"0" maximum:"9999" example:"3" doc:"0 takes the line out"`
	}
}

type cartCodeIn struct {
	CartChange
	Code string `path:"code" maxLength:"200" example:"WELCOME10"`
}

type mergeCartIn struct {
	CartChange
	Body struct {
		CartID uuid.UUID `json:"cart_id" format:"uuid" doc:"The cart to pour into this one"`
		Secret string    `json:"secret,omitempty" maxLength:"200" doc:"Of that cart; not needed with a secret key"`
	}
}

const cartPath = "/v1/carts/{id}"

var cartFaults = []*fault.Error{cart.ErrNotFound, cart.ErrClosed, cart.ErrVersion}

func registerCarts(s *Server, svc carts) {
	handle(s, Route{
		ID: "start-cart", Method: http.MethodPost, Path: "/v1/carts", Status: http.StatusCreated, Tag: "carts", Summary: "Begin a cart, empty or with items",
		Auth: publishable(), Errors: []*fault.Error{cart.ErrCurrency, cart.ErrSKU, cart.ErrPrice, cart.ErrQuantity, cart.ErrTooMany, cart.ErrOutOfStock},
	}, func(ctx context.Context, in *startCartIn) (*cartOut, error) {
		var q cart.NewCart
		if in.Language != "" {
			q.Locale = string(language(ctx))
		}
		if in.Body != nil {
			q.Currency = in.Body.Currency
			for _, it := range in.Body.Items {
				q.Items = append(q.Items, cart.Item{SKU: it.SKU, Quantity: it.Quantity})
			}
		}
		v, err := svc.Create(ctx, caller(ctx).Merchant, q)
		out, err := oneCart(ctx, in.Language, v, err)
		if err == nil {
			out.Status = http.StatusCreated
		}
		return out, err
	})
	handle(s, Route{
		ID: "read-cart", Method: http.MethodGet, Path: cartPath, Tag: "carts", Summary: "Read a cart with the prices and stock of this moment",
		Auth: publishable(), Errors: []*fault.Error{cart.ErrNotFound},
	}, func(ctx context.Context, in *readCartIn) (*cartOut, error) {
		v, err := svc.View(ctx, in.access(ctx), in.ID)
		out, err := oneCart(ctx, in.Language, v, err)
		if err == nil && has(in.Known, out.ETag) {
			out.Status = http.StatusNotModified
		}
		return out, err
	})
	handle(s, Route{
		ID: "sum-up-cart", Method: http.MethodGet, Path: cartPath + "/summary", Tag: "carts", Summary: "Read a cart in a few numbers, for every page",
		Auth: publishable(), Errors: []*fault.Error{cart.ErrNotFound},
	}, func(ctx context.Context, in *readCartIn) (*cartSummaryOut, error) {
		v, err := svc.Summary(ctx, in.access(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		out := &cartSummaryOut{Status: http.StatusOK, ETag: v.Tag, Body: CartSummary{
			ID: v.ID, Status: string(v.Status), Version: v.Version, Currency: v.Currency, Count: v.Count, Lines: v.Lines, Problems: v.Problems,
			Subtotal: moneyOf(v.Subtotal, v.Currency),
		}}
		if has(in.Known, out.ETag) {
			out.Status = http.StatusNotModified
		}
		return out, nil
	})
	handle(s, Route{
		ID: "delete-cart", Method: http.MethodDelete, Path: cartPath, Tag: "carts", Summary: "Give up a cart", Auth: publishable(), Errors: cartFaults,
	}, func(ctx context.Context, in *CartChange) (*struct{}, error) {
		a, err := in.access(ctx)
		if err != nil {
			return nil, err
		}
		return nil, svc.Delete(ctx, a, in.ID)
	})
	registerCartItems(s, svc)
	registerCartActs(s, svc)
}

// changed runs a change to a cart and writes what has become of it.
func changed(ctx context.Context, in *CartChange, change func(a cart.Access) (*cart.View, error)) (*cartOut, error) {
	a, err := in.access(ctx)
	if err != nil {
		return nil, err
	}
	v, err := change(a)
	return oneCart(ctx, in.Language, v, err)
}

// ofOne names the wrong places of a body that is one item: the room speaks of a
// list of them.
func ofOne(err error) error {
	e, ok := fault.As(err)
	if !ok || len(e.Fields) == 0 {
		return err
	}
	c := *e
	c.Fields = nil
	for _, f := range e.Fields {
		c.Fields = append(c.Fields, fault.Field{Location: strings.Replace(f.Location, "body.items[0]", "body", 1), Message: f.Message})
	}
	return &c
}

func registerCartItems(s *Server, svc carts) {
	faults := append([]*fault.Error{cart.ErrSKU, cart.ErrPrice, cart.ErrQuantity, cart.ErrTooMany, cart.ErrOutOfStock}, cartFaults...)
	handle(s, Route{
		ID: "add-cart-item", Method: http.MethodPost, Path: cartPath + "/items", Tag: "carts", Summary: "Put something into a cart, on top of what it holds of it",
		Auth: publishable(), Errors: faults,
	}, func(ctx context.Context, in *addItemIn) (*cartOut, error) {
		return changed(ctx, &in.CartChange, func(a cart.Access) (*cart.View, error) {
			v, err := svc.Add(ctx, a, in.ID, []cart.Item{{SKU: in.Body.SKU, Quantity: in.Body.Quantity}})
			return v, ofOne(err)
		})
	})
	handle(s, Route{
		ID: "change-cart-item", Method: http.MethodPatch, Path: cartPath + "/items/{line_id}", Tag: "carts", Summary: "Change how much is wanted of a line",
		Auth: publishable(), Errors: append([]*fault.Error{cart.ErrLine, cart.ErrOutOfStock}, cartFaults...),
	}, func(ctx context.Context, in *changeItemIn) (*cartOut, error) {
		return changed(ctx, &in.CartChange, func(a cart.Access) (*cart.View, error) {
			if in.Body.Quantity == 0 {
				return svc.Remove(ctx, a, in.ID, in.Line)
			}
			return svc.SetQuantity(ctx, a, in.ID, in.Line, in.Body.Quantity)
		})
	})
	handle(s, Route{
		ID: "remove-cart-item", Method: http.MethodDelete, Path: cartPath + "/items/{line_id}", Tag: "carts", Summary: "Take a line out of a cart",
		Auth: publishable(), Errors: append([]*fault.Error{cart.ErrLine}, cartFaults...),
	}, func(ctx context.Context, in *LinePath) (*cartOut, error) {
		return changed(ctx, &in.CartChange, func(a cart.Access) (*cart.View, error) { return svc.Remove(ctx, a, in.ID, in.Line) })
	})
}

func registerCartActs(s *Server, svc carts) {
	handle(s, Route{
		ID: "clear-cart", Method: http.MethodPost, Path: cartPath + "/clear", Tag: "carts", Summary: "Empty a cart; undo brings it back",
		Auth: publishable(), Errors: cartFaults,
	}, func(ctx context.Context, in *CartChange) (*cartOut, error) {
		return changed(ctx, in, func(a cart.Access) (*cart.View, error) { return svc.Clear(ctx, a, in.ID) })
	})
	handle(s, Route{
		ID: "undo-cart", Method: http.MethodPost, Path: cartPath + "/undo", Tag: "carts", Summary: "Bring back what clear took out",
		Auth: publishable(), Errors: append([]*fault.Error{cart.ErrUndo}, cartFaults...),
	}, func(ctx context.Context, in *CartChange) (*cartOut, error) {
		return changed(ctx, in, func(a cart.Access) (*cart.View, error) { return svc.Undo(ctx, a, in.ID) })
	})
	handle(s, Route{
		ID: "add-cart-code", Method: http.MethodPost, Path: cartPath + "/discount-codes/{code}", Tag: "carts", Summary: "Put a discount code onto a cart",
		Description: "A code that the shop knows stays, with its saving or the reason why it does not apply yet. One that it does not know, or no longer, is refused; ten of those within ten minutes, on one cart or from one address, and further ones wait.",
		Auth:        publishable(), Errors: append([]*fault.Error{cart.ErrDiscount, cart.ErrCodes, pricing.ErrTooManyTries}, cartFaults...),
	}, func(ctx context.Context, in *cartCodeIn) (*cartOut, error) {
		return changed(ctx, &in.CartChange, func(a cart.Access) (*cart.View, error) {
			v, err := svc.AddCode(ctx, a, in.ID, in.Code)
			return v, refusedCode(ctx, err)
		})
	})
	handle(s, Route{
		ID: "remove-cart-code", Method: http.MethodDelete, Path: cartPath + "/discount-codes/{code}", Tag: "carts", Summary: "Take a discount code off a cart",
		Auth: publishable(), Errors: cartFaults,
	}, func(ctx context.Context, in *cartCodeIn) (*cartOut, error) {
		return changed(ctx, &in.CartChange, func(a cart.Access) (*cart.View, error) { return svc.RemoveCode(ctx, a, in.ID, in.Code) })
	})
	handle(s, Route{
		ID: "merge-cart", Method: http.MethodPost, Path: cartPath + "/merge", Tag: "carts", Summary: "Pour another cart into this one",
		Description: "At log-in, a guest's cart into the customer's: quantities add up and codes unite, within the limits of a cart.",
		Auth:        publishable(), Errors: append([]*fault.Error{cart.ErrSelf}, cartFaults...),
	}, func(ctx context.Context, in *mergeCartIn) (*cartOut, error) {
		return changed(ctx, &in.CartChange, func(a cart.Access) (*cart.View, error) {
			return svc.Merge(ctx, a, in.ID, in.Body.CartID, in.Body.Secret)
		})
	})
}
