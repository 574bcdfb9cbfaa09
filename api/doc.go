// Package api is the one HTTP door: every route, who may call it, the limits
// it keeps, the OpenAPI document and the problem documents.
//
// # How a resource file is written
//
// One file per resource (products.go, carts.go, ...) declares the small
// interface that it needs from its room, the bodies it speaks and one function
// registerX(s *Server, svc X); rooms.go calls it. A route is declared in one
// place, together with what it demands:
//
//	// wishes is all that these routes ask of their room.
//	type wishes interface {
//		Add(ctx context.Context, merchant uuid.UUID, sku string) (wish.Wish, error)
//	}
//
//	type wishBody struct {
//		ID  uuid.UUID `json:"id" format:"uuid"`
//		SKU string    `json:"sku"`
//	}
//	type addWishIn struct {
//		Body struct {
//			SKU string `json:"sku" minLength:"1" maxLength:"64" example:"MUG-01"`
//		}
//	}
//	type addWishOut struct {
//		Body wishBody
//	}
//
//	func registerWishes(s *Server, svc wishes) {
//		handle(s, Route{
//			ID: "add-wish", Method: http.MethodPost, Path: "/v1/wishes", Status: http.StatusCreated,
//			Tag: "wishes", Summary: "Remember a product for later",
//			Auth: publishable(), Errors: []*fault.Error{wish.ErrUnknownSKU},
//		}, func(ctx context.Context, in *addWishIn) (*addWishOut, error) {
//			w, err := svc.Add(ctx, caller(ctx).Merchant, in.Body.SKU)
//			if err != nil {
//				return nil, err // a *fault.Error becomes its problem document, anything else "internal"
//			}
//			return &addWishOut{Body: wishBody{ID: w.ID, SKU: w.SKU}}, nil
//		})
//	}
//
// Inside a handler ctx carries the deadline, and caller(ctx), shopper(ctx),
// language(ctx), traceID(ctx), onceKey(ctx) and upload(ctx) tell what the edge
// found out. Strings are copies and may be kept.
//
// # What happens before a handler runs
//
// The edge (edge.go) names the request, sets the security headers, reads the
// body within its limit, answers preflights and turns every error and panic
// into one problem document. The guard (guard.go) then, per route: finds the
// caller, refuses a foreign Origin, limits the rate, inspects the JSON (depth,
// UTF-8, doubled fields, card numbers), sets the deadline and takes care of
// Idempotency-Key. Routes that must be fast use [fast] in place of handle: the
// same guard and the same document, but a plain Fiber handler without huma.
// A handler that streams (server-sent events) goes on after it has returned, so
// it takes context.WithoutCancel(contextOf(c)) with a deadline per event.
package api
