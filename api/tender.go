package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/order"
	"doorstep/payment"

	"github.com/google/uuid"
)

// CheckoutGiftCard says what becomes of a gift card that the buyer named.
type CheckoutGiftCard struct {
	LastFour   string `json:"last_four" example:"4RSP" doc:"Of its code. A card that is on the checkout already can be named by them"`
	Applied    bool   `json:"applied"`
	Amount     Money  `json:"amount" doc:"What it pays of the total"`
	Balance    *Money `json:"balance,omitempty" doc:"What is on it now; absent for a code that is not known"`
	ReasonCode string `json:"reason_code,omitempty" enum:"unknown,empty,disabled,expired,currency,covered" doc:"Why it pays nothing; covered when others pay all of it"`
}

// CheckoutStoreCredit says what becomes of the customer's store credit.
type CheckoutStoreCredit struct {
	Applied    bool   `json:"applied"`
	Amount     Money  `json:"amount" doc:"What it pays of the total"`
	Balance    Money  `json:"balance" doc:"What the customer has now"`
	ReasonCode string `json:"reason_code,omitempty" enum:"empty,covered"`
}

// checkoutCredits are the credits of a checkout as they are shown.
func checkoutCredits(v *checkout.View) (cards []CheckoutGiftCard, own *CheckoutStoreCredit) {
	cards = []CheckoutGiftCard{}
	for _, c := range v.Credits {
		amount := moneyOf(c.Amount, v.Currency)
		balance := moneyOf(c.Balance, c.Currency)
		if c.Method == payment.ByStoreCredit {
			own = &CheckoutStoreCredit{Applied: c.Amount > 0, Amount: amount, Balance: balance, ReasonCode: c.Reason}
			continue
		}
		card := CheckoutGiftCard{LastFour: c.CodeEnd, Applied: c.Amount > 0, Amount: amount, ReasonCode: c.Reason}
		if c.Reason != payment.CreditReasonUnknown {
			card.Balance = &balance
		}
		cards = append(cards, card)
	}
	return cards, own
}

// OrderTender is what a gift card or store credit paid of an order.
type OrderTender struct {
	Method    string    `json:"method" enum:"gift_card,store_credit"`
	LastFour  string    `json:"last_four,omitempty" doc:"Of the gift card's code"`
	PaymentID uuid.UUID `json:"payment_id" format:"uuid"`
	Amount    Money     `json:"amount"`
}

// tendersOf are what credits paid of an order, and how much in all.
func tendersOf(o *order.Order) (all []OrderTender, credited Money) {
	all, credited = []OrderTender{}, moneyOf(0, o.Currency)
	tenders, err := o.Credits()
	if err != nil {
		return all, credited
	}
	for _, t := range tenders {
		credited.Amount += t.Amount
		all = append(all, OrderTender{Method: string(t.Method), LastFour: t.CodeEnd, PaymentID: t.PaymentID, Amount: moneyOf(t.Amount, o.Currency)})
	}
	return all, credited
}

// spender finds the customer who sends a form that wants store credit; nobody
// when there is no session with it.
func spender(ctx context.Context, svc people, session string, f *CheckoutForm) (*uuid.UUID, error) {
	if svc == nil || session == "" || f.StoreCredit == nil || !*f.StoreCredit {
		return nil, nil
	}
	sn, err := svc.Session(ctx, caller(ctx).Merchant, session)
	if err != nil {
		return nil, err
	}
	return &sn.CustomerID, nil
}

// MyStoreCredit is what the customer who is signed in has, in one currency.
type MyStoreCredit struct {
	Balance   Money           `json:"balance"`
	Entries   []MyCreditEntry `json:"entries" doc:"The newest 100, the newest first"`
	UpdatedAt time.Time       `json:"updated_at"`
}

// MyCreditEntry is one movement of store credit, as its owner sees it.
type MyCreditEntry struct {
	Type     string     `json:"type" enum:"credit_issued,credit_adjusted,refund,credit_held,credit_released"`
	Amount   Money      `json:"amount" doc:"Below 0 when it was spent or taken"`
	Balance  Money      `json:"balance" doc:"After it"`
	OrderID  *uuid.UUID `json:"order_id,omitempty" format:"uuid"`
	BookedAt time.Time  `json:"booked_at"`
}

func myStoreCreditOf(a payment.CreditAccount) MyStoreCredit {
	b := MyStoreCredit{Balance: moneyOf(a.Balance, a.Currency), Entries: make([]MyCreditEntry, len(a.Entries)), UpdatedAt: a.UpdatedAt.UTC()}
	for i, e := range a.Entries {
		b.Entries[i] = MyCreditEntry{
			Type: e.SourceKind, Amount: moneyOf(e.Amount, a.Currency), Balance: moneyOf(e.Balance, a.Currency), OrderID: e.OrderID, BookedAt: e.BookedAt.UTC(),
		}
	}
	return b
}

func registerMyCredit(s *Server, svc credits, p people) {
	handle(s, Route{
		ID: "list-my-store-credit", Method: http.MethodGet, Path: "/v1/me/store-credit", Tag: "customers",
		Summary: "The store credit of who is signed in, by currency", Auth: publishable(), Errors: []*fault.Error{customer.ErrSession},
	}, func(ctx context.Context, in *meIn) (*listOut[MyStoreCredit], error) {
		merchant := caller(ctx).Merchant
		sn, err := p.Session(ctx, merchant, in.Session)
		if err != nil {
			return nil, err
		}
		all, err := svc.StoreCredit(ctx, merchant, sn.CustomerID)
		if fault.Is(err, customer.ErrPersonUnknown) { // erased this moment
			err = customer.ErrSession
		}
		if err != nil {
			return nil, err
		}
		return listOf(all, "", myStoreCreditOf), nil
	})
}
