package api

import (
	"context"
	"net/http"

	"doorstep/cart"
	"doorstep/checkout"
	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/payment"

	"github.com/google/uuid"
)

// paymentMethods is all that this route asks of its room.
type paymentMethods interface {
	Methods(ctx context.Context, q checkout.MethodsRequest) (*checkout.Methods, error)
}

type listPaymentMethodsIn struct {
	Country    string    `query:"country" maxLength:"2" pattern:"^([A-Z]{2})?$" example:"AM" doc:"Where it would be sent, ISO 3166-1 alpha-2"`
	Currency   string    `query:"currency" maxLength:"3" pattern:"^([A-Z]{3})?$" example:"EUR" doc:"The shop's first when absent; a cart brings its own"`
	Amount     int64     `query:"amount" minimum:"1" maximum:"1000000000000000" doc:"What is to be paid, in minor units; without it and without a cart limits are shown and not applied"`
	CartID     uuid.UUID `query:"cart_id" format:"uuid" doc:"Instead of amount: what this cart would cost, sent to the country"`
	CartSecret string    `header:"Cart-Secret" maxLength:"200" doc:"As returned on creation; not needed with a secret key"`
}

// PaymentMethods are the ways to pay, those that are not offered, and what is
// true of the shop.
type PaymentMethods struct {
	Country     string              `json:"country,omitempty"`
	Currency    string              `json:"currency"`
	Currencies  []string            `json:"currencies" doc:"Those in which the shop sells, its first one first"`
	Amount      *Money              `json:"amount,omitempty" doc:"What is to be paid, without the fee of a method"`
	Methods     []OfferedMethod     `json:"methods"`
	Unavailable []UnavailableMethod `json:"unavailable"`
	Trust       PaymentTrust        `json:"trust"`
}

// OfferedMethod is a way to pay.
type OfferedMethod struct {
	Method   string   `json:"method" enum:"card,wallet,paypal,bank_transfer,cash_on_delivery"`
	Name     string   `json:"name"`
	Provider string   `json:"provider"`
	Wallets  []string `json:"wallets,omitempty" doc:"Wallets that the provider shows with it" example:"apple_pay"`
	Fee      Money    `json:"fee"`
	Total    *Money   `json:"total,omitempty" doc:"The fee included; the checkout counts the tax on the fee, if there is any"`
	MaxTotal *Money   `json:"max_total,omitempty" doc:"The highest total, when the shop has set one"`
	DueDays  int64    `json:"due_days,omitempty" doc:"Days after which an unpaid order is canceled"`
	// AccountLines stand in the mail to the buyer too.
	AccountLines []string `json:"account_lines,omitempty" doc:"Of a bank transfer: what to transfer to, line by line"`
	// PublishableKey is public by its nature.
	PublishableKey string `json:"publishable_key,omitempty" doc:"For the provider's own form in the storefront"`
	Refunds        string `json:"refunds" enum:"original_method,by_merchant" doc:"How money goes back: the way it came, or handed back by the shop"`
}

// UnavailableMethod is a way to pay that is not offered, and why.
type UnavailableMethod struct {
	Method   string `json:"method" enum:"card,wallet,paypal,bank_transfer,cash_on_delivery"`
	Name     string `json:"name"`
	Reason   string `json:"reason_code" enum:"not_enabled,provider_missing,country_not_served,country_needed,total_too_high,currency_not_supported,amount_not_expressible"`
	MaxTotal *Money `json:"max_total,omitempty"`
}

// PaymentTrust is Trust with what the shop has set about returns and itself. A
// fact that the shop has not set is left out.
type PaymentTrust struct {
	Trust
	ShopName         string `json:"shop_name,omitempty"`
	ReturnWindowDays int64  `json:"return_window_days,omitempty" doc:"How long after delivery a return may be asked for"`
	ContactEmail     string `json:"contact_email,omitempty" format:"email"`
}

type paymentMethodsOut struct {
	Body PaymentMethods
}

func registerPaymentMethods(s *Server, svc paymentMethods, w *Writer) {
	handle(s, Route{
		ID: "list-payment-methods", Method: http.MethodGet, Path: "/v1/payment-methods", Tag: "payments",
		Summary:     "List the ways to pay by country, currency, amount or cart, and why others are not offered",
		Description: "The rules are those of the checkout. The trust block holds only what is true of the shop.",
		Auth:        publishable(), Errors: []*fault.Error{checkout.ErrCurrency, checkout.ErrCountry, checkout.ErrAmount, checkout.ErrEmpty, cart.ErrNotFound, cart.ErrClosed},
	}, func(ctx context.Context, in *listPaymentMethodsIn) (*paymentMethodsOut, error) {
		q := checkout.MethodsRequest{
			Merchant: caller(ctx).Merchant, Country: in.Country, Currency: in.Currency, CartSecret: in.CartSecret, Trusted: caller(ctx).Secret,
		}
		if in.Amount > 0 {
			q.Amount = &in.Amount
		}
		if in.CartID != uuid.Nil {
			q.CartID = &in.CartID
		}
		m, err := svc.Methods(ctx, q)
		if err != nil {
			return nil, err
		}
		return &paymentMethodsOut{Body: paymentMethodsOf(m, language(ctx), w)}, nil
	})
}

func paymentMethodsOf(m *checkout.Methods, lang locale.Lang, w *Writer) PaymentMethods {
	of := func(minor int64) *Money { return ptr(moneyOf(minor, m.Currency)) }
	limit := func(minor *int64) *Money {
		if minor == nil {
			return nil
		}
		return of(*minor)
	}
	name := func(method payment.Method) string {
		return textOr(lang, "payment_method."+string(method), string(method))
	}
	set := &m.Settings
	b := PaymentMethods{
		Country: m.Country, Currency: m.Currency, Currencies: orEmpty(set.Currencies), Methods: make([]OfferedMethod, 0, len(m.Offers)), Unavailable: make([]UnavailableMethod, 0, len(m.Hidden)),
		Trust: PaymentTrust{
			Trust:    Trust{TLS: w.Secure, CardData: "never_touches_this_server", Policies: []PolicyLink{}, CheckedOn: set.Trust.CheckedOn},
			ShopName: set.Name, ReturnWindowDays: set.ReturnWindowDays, ContactEmail: set.Sender.Email,
		},
	}
	if m.Known {
		b.Amount = of(m.Total)
	}
	for i := range m.Offers {
		o := &m.Offers[i]
		offered := OfferedMethod{
			Method: string(o.Method), Name: name(o.Method), Provider: o.Provider, Wallets: o.Wallets, Fee: *of(o.Fee), MaxTotal: limit(o.Limit),
			DueDays: o.DueDays, PublishableKey: o.PublishableKey, Refunds: "original_method",
		}
		if o.Method.Offline() {
			offered.Refunds = "by_merchant"
		}
		if o.Method == payment.BankTransfer {
			offered.AccountLines = set.BankTransfer.AccountLines
		}
		if m.Known {
			offered.Total = of(o.Total)
		}
		if o.Method == payment.Card {
			b.Trust.Processor = o.Provider
		}
		b.Methods = append(b.Methods, offered)
	}
	for _, h := range m.Hidden {
		b.Unavailable = append(b.Unavailable, UnavailableMethod{Method: string(h.Method), Name: name(h.Method), Reason: h.Reason, MaxTotal: limit(h.Limit)})
	}
	for _, p := range set.Trust.Policies {
		b.Trust.Policies = append(b.Trust.Policies, PolicyLink{Kind: p.Kind, URL: p.URL})
	}
	return b
}
