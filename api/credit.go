package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/idem"
	"doorstep/payment"

	"github.com/google/uuid"
)

// credits is all that these routes ask of their room.
type credits interface {
	IssueGiftCard(ctx context.Context, merchant uuid.UUID, n payment.NewGiftCard, actor string) (*payment.CreditAccount, string, error)
	GiftCard(ctx context.Context, merchant, card uuid.UUID) (*payment.CreditAccount, error)
	GiftCards(ctx context.Context, merchant uuid.UUID, after time.Time, id uuid.UUID, limit int) ([]payment.CreditAccount, error)
	AdjustGiftCard(ctx context.Context, merchant, card uuid.UUID, c payment.CreditChange, actor string) (*payment.CreditAccount, error)
	DisableGiftCard(ctx context.Context, merchant, card uuid.UUID) (*payment.CreditAccount, error)
	GiftCardByCode(ctx context.Context, merchant uuid.UUID, code, ip string) (*payment.CreditAccount, error)
	AdjustStoreCredit(ctx context.Context, merchant, person uuid.UUID, c payment.CreditChange, actor string) (*payment.CreditAccount, error)
	StoreCredit(ctx context.Context, merchant, person uuid.UUID) ([]payment.CreditAccount, error)
}

// CreditEntry is one movement of a gift card or of store credit.
type CreditEntry struct {
	Type     string     `json:"type" enum:"credit_issued,credit_adjusted,refund,credit_held,credit_released"`
	SourceID uuid.UUID  `json:"source_id" format:"uuid" doc:"Of the refund, of the payment that it was held for, or of the request"`
	Amount   Money      `json:"amount" doc:"Below 0 when it was taken"`
	Balance  Money      `json:"balance" doc:"After it"`
	Reason   string     `json:"reason,omitempty"`
	Actor    string     `json:"actor,omitempty"`
	OrderID  *uuid.UUID `json:"order_id,omitempty" format:"uuid"`
	BookedAt time.Time  `json:"booked_at"`
}

func creditEntriesOf(a *payment.CreditAccount) []CreditEntry {
	all := make([]CreditEntry, len(a.Entries))
	for i, e := range a.Entries {
		all[i] = CreditEntry{
			Type: e.SourceKind, SourceID: e.SourceID, Amount: moneyOf(e.Amount, a.Currency), Balance: moneyOf(e.Balance, a.Currency), Reason: e.Reason,
			Actor: e.Actor, OrderID: e.OrderID, BookedAt: e.BookedAt.UTC(),
		}
	}
	return all
}

// GiftCard is a gift card as the merchant sees it.
type GiftCard struct {
	ID        uuid.UUID     `json:"id" format:"uuid"`
	Status    string        `json:"status" enum:"active,disabled"`
	Balance   Money         `json:"balance"`
	LastFour  string        `json:"last_four" example:"4RSP" doc:"Of its code"`
	Note      string        `json:"note,omitempty"`
	ExpiresAt *time.Time    `json:"expires_at,omitempty"`
	Entries   []CreditEntry `json:"entries" doc:"The newest 100, the newest first; empty in lists"`
	Version   int64         `json:"version"`
	CreatedAt time.Time     `json:"created_at"`
	UpdatedAt time.Time     `json:"updated_at"`
}

// GiftCardWithCode is a new gift card together with its code.
type GiftCardWithCode struct {
	GiftCard
	Code string `json:"code" example:"7K3M-Q2XT-H0AB-4RSP" doc:"Whoever has it has the card; it is shown only now"`
}

func giftCardOf(a payment.CreditAccount) GiftCard {
	return GiftCard{
		ID: a.ID, Status: a.Status, Balance: moneyOf(a.Balance, a.Currency), LastFour: a.CodeEnd, Note: a.Note, ExpiresAt: inUTC(a.ExpiresAt),
		Entries: creditEntriesOf(&a), Version: a.Version, CreatedAt: a.CreatedAt.UTC(), UpdatedAt: a.UpdatedAt.UTC(),
	}
}

// GiftCardBalance is what the holder of a card sees.
type GiftCardBalance struct {
	Balance   Money      `json:"balance"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// StoreCredit is what a customer has with the merchant, in one currency.
type StoreCredit struct {
	CustomerID uuid.UUID     `json:"customer_id" format:"uuid"`
	Balance    Money         `json:"balance"`
	Entries    []CreditEntry `json:"entries" doc:"The newest 100, the newest first"`
	UpdatedAt  time.Time     `json:"updated_at"`
}

func storeCreditOf(a payment.CreditAccount) StoreCredit {
	b := StoreCredit{Balance: moneyOf(a.Balance, a.Currency), Entries: creditEntriesOf(&a), UpdatedAt: a.UpdatedAt.UTC()}
	if a.CustomerID != nil {
		b.CustomerID = *a.CustomerID
	}
	return b
}

type giftCardOut struct {
	ETag string `header:"ETag"`
	Body GiftCard
}

func oneGiftCard(a *payment.CreditAccount, err error) (*giftCardOut, error) {
	if err != nil {
		return nil, err
	}
	return &giftCardOut{ETag: etag(a.Version), Body: giftCardOf(*a)}, nil
}

type giftCardCodeOut struct {
	ETag string `header:"ETag"`
	Body GiftCardWithCode
}

type giftCardBalanceOut struct{ Body GiftCardBalance }

type storeCreditOut struct{ Body StoreCredit }

type issueGiftCardIn struct {
	Body struct {
		ID        uuid.UUID  `json:"id" format:"uuid" doc:"Yours to choose: there is one card of an id, however often the request is sent"`
		Amount    Money      `json:"amount"`
		ExpiresAt *time.Time `json:"expires_at,omitempty" maxLength:"40" example:"2028-01-01T00:00:00Z" doc:"Never when absent"`
		Note      string     `json:"note,omitempty" maxLength:"500"`
	}
}

type listGiftCardsIn struct{ PageQuery }

type giftCardCodeIn struct {
	Body struct {
		Code string `json:"code" minLength:"1" maxLength:"64" example:"7K3M-Q2XT-H0AB-4RSP"`
	}
}

type changeCreditIn struct {
	ByID
	Key  string `header:"Idempotency-Key"`
	Body struct {
		Amount Money  `json:"amount" doc:"Below 0 it is taken"`
		Reason string `json:"reason" minLength:"1" maxLength:"500" example:"Spent at the till"`
	}
}

// change is what the request asks for. The key names it, so that a repeat is the
// same change even when the first answer was never stored.
func (in *changeCreditIn) change(merchant uuid.UUID) payment.CreditChange {
	return payment.CreditChange{
		ID: uuid.NewSHA1(merchant, []byte("credit:"+in.Key)), Amount: in.Body.Amount.Amount, Currency: in.Body.Amount.Currency, Reason: in.Body.Reason,
	}
}

const (
	giftCardPath = "/v1/gift-cards/{id}"
	giftCardList = "gift-cards"
)

func registerCredits(s *Server, svc credits, p people) {
	if p != nil {
		registerMyCredit(s, svc, p)
	}
	registerGiftCards(s, svc)
	registerGiftCardBalance(s, svc)
	const path = "/v1/customers/{id}/store-credit"
	handle(s, Route{
		ID: "list-store-credit", Method: http.MethodGet, Path: path, Tag: "payments", Summary: "Read what a customer has as store credit, by currency",
		Auth: secret("refunds:read"), Errors: []*fault.Error{customer.ErrPersonUnknown},
	}, func(ctx context.Context, in *ByID) (*listOut[StoreCredit], error) {
		all, err := svc.StoreCredit(ctx, caller(ctx).Merchant, in.ID)
		if err != nil {
			return nil, err
		}
		return listOf(all, "", storeCreditOf), nil
	})
	handle(s, Route{
		ID: "change-store-credit", Method: http.MethodPost, Path: path, Tag: "payments", Summary: "Give a customer store credit, or take it",
		Auth: secret("refunds:write"), Once: OnceRequired, Errors: []*fault.Error{
			customer.ErrPersonUnknown, payment.ErrCreditInput, payment.ErrCreditTooLow, payment.ErrCreditTaken, idem.ErrConflict, idem.ErrInFlight,
		},
	}, func(ctx context.Context, in *changeCreditIn) (*storeCreditOut, error) {
		merchant := caller(ctx).Merchant
		a, err := svc.AdjustStoreCredit(ctx, merchant, in.ID, in.change(merchant), actor(ctx))
		if err != nil {
			return nil, err
		}
		return &storeCreditOut{storeCreditOf(*a)}, nil
	})
}

func registerGiftCards(s *Server, svc credits) {
	read, write := secret("refunds:read"), secret("refunds:write")
	handle(s, Route{
		ID: "list-gift-cards", Method: http.MethodGet, Path: "/v1/gift-cards", Tag: "payments", Summary: "List gift cards, the newest first",
		Auth: read, Errors: []*fault.Error{errCursor},
	}, func(ctx context.Context, in *listGiftCardsIn) (*listOut[GiftCard], error) {
		at, id, _, err := parseTimeCursor(giftCardList, in.Cursor)
		if err != nil {
			return nil, err
		}
		all, err := svc.GiftCards(ctx, caller(ctx).Merchant, at, id, in.Limit+1)
		if err != nil {
			return nil, err
		}
		next := ""
		if len(all) > in.Limit {
			all = all[:in.Limit]
			next = timeCursor(giftCardList, all[in.Limit-1].CreatedAt, all[in.Limit-1].ID)
		}
		return listOf(all, next, giftCardOf), nil
	})
	handle(s, Route{
		ID: "issue-gift-card", Method: http.MethodPost, Path: "/v1/gift-cards", Status: http.StatusCreated, Tag: "payments", Summary: "Issue a gift card",
		Description: "The answer holds the code, so it is not kept for a repeat: one id is one card, and a repeat is answered with `gift_card_exists`. When the first answer was lost, disable the card and issue another.",
		Auth:        write, Once: OnceNever, Errors: []*fault.Error{payment.ErrCreditInput, payment.ErrGiftCardExists},
	}, func(ctx context.Context, in *issueGiftCardIn) (*giftCardCodeOut, error) {
		a, code, err := svc.IssueGiftCard(ctx, caller(ctx).Merchant, payment.NewGiftCard{
			ID: in.Body.ID, Amount: in.Body.Amount.Amount, Currency: in.Body.Amount.Currency, ExpiresAt: inUTC(in.Body.ExpiresAt), Note: in.Body.Note,
		}, actor(ctx))
		if err != nil {
			return nil, err
		}
		return &giftCardCodeOut{ETag: etag(a.Version), Body: GiftCardWithCode{giftCardOf(*a), code}}, nil
	})
	handle(s, Route{
		ID: "read-gift-card", Method: http.MethodGet, Path: giftCardPath, Tag: "payments", Summary: "Read a gift card with what has moved it",
		Auth: read, Errors: []*fault.Error{payment.ErrGiftCardNotFound},
	}, func(ctx context.Context, in *ByID) (*giftCardOut, error) {
		return oneGiftCard(svc.GiftCard(ctx, caller(ctx).Merchant, in.ID))
	})
	handle(s, Route{
		ID: "adjust-gift-card", Method: http.MethodPost, Path: giftCardPath + "/adjust", Tag: "payments", Summary: "Put more on a gift card, or take from it what was spent elsewhere",
		Auth: write, Once: OnceRequired, Errors: []*fault.Error{
			payment.ErrGiftCardNotFound, payment.ErrCreditInput, payment.ErrCreditTooLow, payment.ErrCreditDisabled, payment.ErrCreditTaken, idem.ErrConflict, idem.ErrInFlight,
		},
	}, func(ctx context.Context, in *changeCreditIn) (*giftCardOut, error) {
		merchant := caller(ctx).Merchant
		return oneGiftCard(svc.AdjustGiftCard(ctx, merchant, in.ID, in.change(merchant), actor(ctx)))
	})
	handle(s, Route{
		ID: "disable-gift-card", Method: http.MethodPost, Path: giftCardPath + "/disable", Tag: "payments", Summary: "End a gift card for good",
		Description: "What is on it stays there, and its code is not known any more. Disabling again changes nothing.",
		Auth:        write, Errors: []*fault.Error{payment.ErrGiftCardNotFound},
	}, func(ctx context.Context, in *ByID) (*giftCardOut, error) {
		return oneGiftCard(svc.DisableGiftCard(ctx, caller(ctx).Merchant, in.ID))
	})
}

func registerGiftCardBalance(s *Server, svc credits) {
	handle(s, Route{
		ID: "look-up-gift-card", Method: http.MethodPost, Path: "/v1/gift-cards/balance", Tag: "payments", Summary: "Read what is left on a gift card, by its code",
		Description: "Codes that are unknown, disabled or expired are all answered alike, and after ten of them within ten minutes from one address no code is answered for a while.",
		Auth:        publishable(), Once: OnceNever, Errors: []*fault.Error{payment.ErrGiftCardNotFound, payment.ErrGiftCardTries},
	}, func(ctx context.Context, in *giftCardCodeIn) (*giftCardBalanceOut, error) {
		a, err := svc.GiftCardByCode(ctx, caller(ctx).Merchant, in.Body.Code, guesser(ctx))
		if err != nil {
			return nil, err
		}
		return &giftCardBalanceOut{GiftCardBalance{moneyOf(a.Balance, a.Currency), inUTC(a.ExpiresAt)}}, nil
	})
}
