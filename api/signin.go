package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/order"

	"github.com/google/uuid"
)

// people is all that these routes ask of the room of customers.
type people interface {
	AskCode(ctx context.Context, merchant uuid.UUID, email, locale, ip string) (request uuid.UUID, expires time.Time, err error)
	SignIn(ctx context.Context, merchant, request uuid.UUID, code string) (customer.Session, string, error)
	Session(ctx context.Context, merchant uuid.UUID, token string) (customer.Session, error)
	SignOut(ctx context.Context, merchant uuid.UUID, token string) error
	ExportPerson(ctx context.Context, merchant, person uuid.UUID) ([]byte, error)
	ErasePerson(ctx context.Context, merchant, person uuid.UUID) (int64, error)
}

// CodeOnItsWay says that a code was sent, if the address exists.
type CodeOnItsWay struct {
	RequestID uuid.UUID `json:"request_id" format:"uuid" doc:"Needed together with the code"`
	ExpiresAt time.Time `json:"expires_at"`
}

// SignedIn is a session; its token is shown this once.
type SignedIn struct {
	Token      string    `json:"token" doc:"Send it as Customer-Session"`
	CustomerID uuid.UUID `json:"customer_id" format:"uuid"`
	ExpiresAt  time.Time `json:"expires_at"`
}

// Me is the customer who is signed in.
type Me struct {
	CustomerID      uuid.UUID `json:"customer_id" format:"uuid"`
	Email           string    `json:"email"`
	Name            string    `json:"name,omitempty"`
	Phone           string    `json:"phone,omitempty"`
	ShippingAddress *Address  `json:"shipping_address,omitempty" doc:"Of the last order"`
	SignedInAt      time.Time `json:"signed_in_at"`
	ExpiresAt       time.Time `json:"expires_at"`
}

// MyOrder is an order as its buyer sees it in a list.
type MyOrder struct {
	ID                uuid.UUID `json:"id" format:"uuid"`
	Number            string    `json:"number" example:"DS-7K3M-Q2XT-H"`
	Status            string    `json:"status" enum:"pending,confirmed,on_hold,completed,canceled"`
	PaymentStatus     string    `json:"payment_status" enum:"unpaid,authorized,partially_paid,paid,partially_refunded,refunded,voided"`
	FulfillmentStatus string    `json:"fulfillment_status" enum:"unfulfilled,partial,fulfilled,delivered,partially_returned,returned"`
	PlacedAt          time.Time `json:"placed_at"`
	Totals            Totals    `json:"totals"`
	TrackingURL       string    `json:"tracking_url" format:"uri"`
}

// Erased says what an erasure took away.
type Erased struct {
	Contacts int64 `json:"contacts" doc:"How many records of the person were blanked; 0 when that was done before"`
}

type askCodeIn struct {
	Language string `header:"Accept-Language" maxLength:"1000" doc:"Of the mail"`
	Body     struct {
		Email string `json:"email" format:"email" maxLength:"254" example:"ani@example.com"`
	}
}

type askCodeOut struct{ Body CodeOnItsWay }

type signInIn struct {
	Body struct {
		RequestID uuid.UUID `json:"request_id" format:"uuid"`
		Code      string    `json:"code" pattern:"^[0-9]{6}$" maxLength:"6" example:"123456"`
	}
}

type signInOut struct{ Body SignedIn }

// SessionHeader is the token of a signed-in customer.
type SessionHeader struct {
	Session string `header:"Customer-Session" maxLength:"100" doc:"As returned by signing in"`
}

type meIn struct{ SessionHeader }

type meOut struct{ Body Me }

type myOrdersIn struct {
	SessionHeader
	PageQuery
}

type personIn struct{ ByID }

type exportedOut struct{ Body json.RawMessage }

type erasedOut struct{ Body Erased }

const myOrderList = "my-orders"

// accountRoom is where customers sign in and see what is theirs.
type accountRoom struct {
	people   people
	contacts contacts
	orders   orders
	writer   *Writer
}

func registerPeople(s *Server, svc people, c contacts, o orders, w *Writer) {
	r := &accountRoom{svc, c, o, w}
	handle(s, Route{
		ID: "ask-sign-in-code", Method: http.MethodPost, Path: "/v1/auth/codes", Status: http.StatusAccepted, Tag: "customers",
		Summary:     "Ask for a sign-in code by e-mail",
		Description: "A code of six digits goes to the address. The answer is the same whether or not it is known. The code holds for ten minutes and five tries, together with `request_id`.",
		Auth:        publishable(), Once: OnceNever, Errors: []*fault.Error{customer.ErrEmail, customer.ErrTooManyCodes},
	}, r.ask)
	handle(s, Route{
		ID: "sign-in", Method: http.MethodPost, Path: "/v1/auth/sessions", Status: http.StatusCreated, Tag: "customers",
		Summary: "Sign in with a code", Auth: publishable(), Once: OnceNever, Errors: []*fault.Error{customer.ErrCode},
	}, r.signIn)
	handle(s, Route{
		ID: "sign-out", Method: http.MethodDelete, Path: "/v1/auth/sessions/current", Tag: "customers",
		Summary: "Sign out", Auth: publishable(), Once: OnceNever,
	}, func(ctx context.Context, in *meIn) (*struct{}, error) {
		return nil, svc.SignOut(ctx, caller(ctx).Merchant, in.Session)
	})
	handle(s, Route{
		ID: "read-me", Method: http.MethodGet, Path: "/v1/me", Tag: "customers",
		Summary: "Who is signed in", Auth: publishable(), Errors: []*fault.Error{customer.ErrSession},
	}, r.me)
	handle(s, Route{
		ID: "list-my-orders", Method: http.MethodGet, Path: "/v1/me/orders", Tag: "customers",
		Summary: "The orders of who is signed in, the newest first", Auth: publishable(), Errors: []*fault.Error{customer.ErrSession},
	}, r.myOrders)
	handle(s, Route{
		ID: "export-customer", Method: http.MethodPost, Path: "/v1/customers/{id}/export", Tag: "customers",
		Summary: "Everything that is known of a person, as one document", Auth: secret("customers:read"), Once: OnceNever, Fresh: true,
		Errors: []*fault.Error{customer.ErrPersonUnknown, errSignInAgain},
	}, func(ctx context.Context, in *personIn) (*exportedOut, error) {
		document, err := svc.ExportPerson(ctx, caller(ctx).Merchant, in.ID)
		return &exportedOut{document}, err
	})
	handle(s, Route{
		ID: "erase-customer", Method: http.MethodPost, Path: "/v1/customers/{id}/erase", Tag: "customers",
		Summary:     "Erase a person",
		Description: "Name, address, phone and e-mail are destroyed with their key and cannot be brought back; orders keep their amounts, for the law wants them. It may be repeated.",
		Auth:        secret("customers:write"), Fresh: true, Errors: []*fault.Error{customer.ErrPersonUnknown, errSignInAgain},
	}, func(ctx context.Context, in *personIn) (*erasedOut, error) {
		n, err := svc.ErasePerson(ctx, caller(ctx).Merchant, in.ID)
		return &erasedOut{Erased{n}}, err
	})
}

func (r *accountRoom) ask(ctx context.Context, in *askCodeIn) (*askCodeOut, error) {
	request, expires, err := r.people.AskCode(ctx, caller(ctx).Merchant, in.Body.Email, string(language(ctx)), guesser(ctx))
	return &askCodeOut{CodeOnItsWay{request, expires}}, err
}

func (r *accountRoom) signIn(ctx context.Context, in *signInIn) (*signInOut, error) {
	sn, token, err := r.people.SignIn(ctx, caller(ctx).Merchant, in.Body.RequestID, in.Body.Code)
	return &signInOut{SignedIn{token, sn.CustomerID, sn.ExpiresAt}}, err
}

// who finds the customer of a session, and what is known of them.
func (r *accountRoom) who(ctx context.Context, session string) (customer.Session, customer.Contact, error) {
	merchant := caller(ctx).Merchant
	sn, err := r.people.Session(ctx, merchant, session)
	if err != nil {
		return sn, customer.Contact{}, err
	}
	c, err := r.contacts.Contact(ctx, merchant, sn.ContactID)
	if err == nil && c.Email == "" { // erased this moment
		err = customer.ErrSession
	}
	return sn, c, err
}

func (r *accountRoom) me(ctx context.Context, in *meIn) (*meOut, error) {
	sn, c, err := r.who(ctx, in.Session)
	if err != nil {
		return nil, err
	}
	return &meOut{Me{
		CustomerID: sn.CustomerID, Email: c.Email, Name: c.Name, Phone: c.Phone, ShippingAddress: addressOf(c.Shipping),
		SignedInAt: sn.CreatedAt, ExpiresAt: sn.ExpiresAt,
	}}, nil
}

func (r *accountRoom) myOrders(ctx context.Context, in *myOrdersIn) (*listOut[MyOrder], error) {
	_, c, err := r.who(ctx, in.Session)
	if err != nil {
		return nil, err
	}
	cursor, err := roomCursor(myOrderList, in.Cursor)
	if err != nil {
		return nil, err
	}
	page, err := r.orders.List(ctx, caller(ctx).Merchant, order.Filter{Email: c.Email}, cursor, in.Limit, false)
	if err != nil {
		return nil, err
	}
	return listOf(page.Orders, pageCursor(myOrderList, page.Next), func(o order.Order) MyOrder {
		return MyOrder{
			ID: o.ID, Number: o.Number, Status: string(o.Status), PaymentStatus: o.PaymentStatus, FulfillmentStatus: o.FulfillmentStatus,
			PlacedAt: o.PlacedAt, Totals: totalsOf(o.Subtotal, o.Discount, o.Shipping, o.Tax, o.Total, o.Currency).with(o.Duties), TrackingURL: r.writer.Track(&o),
		}
	}), nil
}
