package api

import (
	"context"
	"testing"
	"time"

	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/payment"

	"github.com/google/uuid"
)

func TestACheckoutIsPaidByCreditAndCustomersSeeTheirs(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	begin := `{"items":[{"sku":"MUG-01","quantity":1}],"gift_card_codes":["` + goodCard + `"],"use_store_credit":true}`
	run(t, s, []scenario{
		{name: "my credit", method: "GET", path: "/v1/me/store-credit", header: with(appKey, "Customer-Session", canary), status: 200,
			want: []string{`"balance":{"amount":750,"currency":"EUR"}`, `"type":"credit_adjusted"`}, wantNot: []string{canary}},
		{name: "nobody's credit", method: "GET", path: "/v1/me/store-credit", header: with(appKey), status: 401, want: []string{`"code":"session_invalid"`}},
		{name: "signed in", method: "POST", path: "/v1/checkouts", header: with(appKey, "Customer-Session", canary), body: begin, status: 201,
			want: []string{`"amount_due":{`, `"gift_cards":[`}, wantNot: []string{goodCard}},
		{name: "no such session", method: "POST", path: "/v1/checkouts", header: with(appKey, "Customer-Session", "x"), body: begin, status: 401},
		{name: "too many cards", method: "POST", path: "/v1/checkouts", header: with(appKey), status: 422, want: []string{`body.gift_card_codes`},
			body: `{"items":[{"sku":"MUG-01","quantity":1}],"gift_card_codes":["a","b","c","d","e","f"]}`},
	})
	for _, c := range rooms.seen() {
		if q, ok := c.given.(checkout.Request); ok && (q.Form.SignedIn == nil || *q.Form.SignedIn != thing || (*q.Form.GiftCards)[0] != goodCard) {
			t.Errorf("begun with %+v", q.Form)
		}
	}
}

// fakeCredits knows one gift card, by its id and by goodCard, and one customer.
type fakeCredits struct{ *shop }

const goodCard = "7K3M-Q2XT-H0AB-4RSP"

func theCredit(kind payment.CreditKind) *payment.CreditAccount {
	return &payment.CreditAccount{
		MerchantID: merchant, ID: thing, Kind: kind, Status: payment.CreditActive, Currency: "EUR", Balance: 750, CodeEnd: "4RSP", CustomerID: &thing, Note: canary,
		Version: 2, CreatedAt: noon, UpdatedAt: noon,
		Entries: []payment.CreditEntry{{SourceKind: payment.CreditAdjusted, SourceID: thing, Amount: -250, Balance: 750, Reason: canary, BookedAt: noon}},
	}
}

func (f fakeCredits) IssueGiftCard(_ context.Context, m uuid.UUID, n payment.NewGiftCard, _ string) (*payment.CreditAccount, string, error) {
	a := theCredit(payment.GiftCardKind)
	a.Note, a.Entries = n.Note, nil
	return a, goodCard, f.see("IssueGiftCard", m, true, nil, n)
}

func (f fakeCredits) GiftCard(_ context.Context, m, id uuid.UUID) (*payment.CreditAccount, error) {
	return theCredit(payment.GiftCardKind), f.known("GiftCard", m, id, false, payment.ErrGiftCardNotFound, nil)
}

func (f fakeCredits) GiftCards(_ context.Context, m uuid.UUID, _ time.Time, _ uuid.UUID, limit int) ([]payment.CreditAccount, error) {
	if err := f.see("GiftCards", m, false, nil, limit); err != nil || m != merchant {
		return nil, err
	}
	return []payment.CreditAccount{*theCredit(payment.GiftCardKind), *theCredit(payment.GiftCardKind)}, nil
}

func (f fakeCredits) AdjustGiftCard(_ context.Context, m, id uuid.UUID, c payment.CreditChange, _ string) (*payment.CreditAccount, error) {
	return theCredit(payment.GiftCardKind), f.known("AdjustGiftCard", m, id, true, payment.ErrGiftCardNotFound, c)
}

func (f fakeCredits) DisableGiftCard(_ context.Context, m, id uuid.UUID) (*payment.CreditAccount, error) {
	return theCredit(payment.GiftCardKind), f.known("DisableGiftCard", m, id, true, payment.ErrGiftCardNotFound, nil)
}

func (f fakeCredits) GiftCardByCode(_ context.Context, m uuid.UUID, code, ip string) (*payment.CreditAccount, error) {
	err := f.see("GiftCardByCode", m, false, payment.ErrGiftCardNotFound, ip)
	if err == nil && code != goodCard {
		err = payment.ErrGiftCardNotFound
	}
	return theCredit(payment.GiftCardKind), err
}

func (f fakeCredits) AdjustStoreCredit(_ context.Context, m, id uuid.UUID, c payment.CreditChange, _ string) (*payment.CreditAccount, error) {
	return theCredit(payment.StoreCreditKind), f.known("AdjustStoreCredit", m, id, true, customer.ErrPersonUnknown, c)
}

func (f fakeCredits) StoreCredit(_ context.Context, m, id uuid.UUID) ([]payment.CreditAccount, error) {
	return []payment.CreditAccount{*theCredit(payment.StoreCreditKind)}, f.known("StoreCredit", m, id, false, customer.ErrPersonUnknown, nil)
}

func TestGiftCardsAndStoreCredit(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	mine := func(key string) map[string]string { return with(rootKey, "Idempotency-Key", key) }
	card, credit := "/v1/gift-cards/"+thing.String(), "/v1/customers/"+thing.String()+"/store-credit"
	take := `{"amount":{"amount":-250,"currency":"EUR"},"reason":"Spent at the till"}`
	run(t, s, []scenario{
		{name: "issue", method: "POST", path: "/v1/gift-cards", header: with(rootKey), body: `{"id":"` + thing.String() + `","amount":{"amount":1000,"currency":"EUR"}}`, status: 201,
			want: []string{`"code":"` + goodCard + `"`, `"last_four":"4RSP"`, `"entries":[]`}, wantHeader: map[string]string{"Cache-Control": "no-store", "ETag": `"2"`}},
		{name: "issue without an id", method: "POST", path: "/v1/gift-cards", header: with(rootKey), body: `{"amount":{"amount":1000,"currency":"EUR"}}`, status: 422},
		{name: "a shop issues", method: "POST", path: "/v1/gift-cards", header: with(appKey), body: `{}`, status: 403},
		{name: "read", method: "GET", path: card, header: with(rootKey), status: 200, want: []string{`"balance":{"amount":750,"currency":"EUR"}`, `"type":"credit_adjusted"`}, wantNot: []string{goodCard}},
		{name: "list", method: "GET", path: "/v1/gift-cards?limit=1", header: with(rootKey), status: 200, want: []string{`"next_cursor":"`}, wantNot: []string{goodCard}},
		{name: "foreign cursor", method: "GET", path: "/v1/gift-cards?cursor=abc", header: with(rootKey), status: 422, want: []string{`"code":"cursor_invalid"`}},
		{name: "adjust", method: "POST", path: card + "/adjust", header: mine("a1"), body: take, status: 200, want: []string{`"amount":{"amount":-250,"currency":"EUR"}`}},
		{name: "adjust without a key", method: "POST", path: card + "/adjust", header: with(rootKey), body: take, status: 400},
		{name: "disable", method: "POST", path: card + "/disable", header: with(rootKey), status: 200},
		{name: "balance", method: "POST", path: "/v1/gift-cards/balance", body: `{"code":"` + goodCard + `"}`, header: with(appKey), status: 200,
			want: []string{`{"balance":{"amount":750,"currency":"EUR"}}`}, wantNot: []string{thing.String(), canary, goodCard}},
		{name: "no such code", method: "POST", path: "/v1/gift-cards/balance", body: `{"code":"7K3M-Q2XT-H0AB-4RSQ"}`, header: with(appKey), status: 404,
			want: []string{`"code":"gift_card_not_found"`}, wantNot: []string{"7K3M"}},
		{name: "give", method: "POST", path: credit, header: mine("c1"), body: `{"amount":{"amount":500,"currency":"EUR"},"reason":"sorry"}`, status: 200, want: []string{`"customer_id":"` + thing.String()}},
		{name: "what a customer has", method: "GET", path: credit, header: with(rootKey), status: 200, want: []string{`"balance":{"amount":750,"currency":"EUR"}`}},
		{name: "nobody's", method: "GET", path: "/v1/customers/" + merchant.String() + "/store-credit", header: with(rootKey), status: 404, want: []string{`"code":"customer_not_found"`}},
	})
	for _, c := range rooms.seen() {
		switch given := c.given.(type) {
		case payment.CreditChange:
			key := map[string]string{"AdjustGiftCard": "a1", "AdjustStoreCredit": "c1"}[c.method]
			if given.ID != uuid.NewSHA1(merchant, []byte("credit:"+key)) {
				t.Errorf("%s: the change is not named by its key: %+v", c.method, given)
			}
		case string:
			if c.method == "GiftCardByCode" && given == "" {
				t.Error("the guesses of a shopper are counted for nobody")
			}
		}
	}
}
