package payment

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/attempt"
	"doorstep/internal/db"
	"doorstep/internal/fault"
)

// Gift cards and store credit pay for orders beside the chosen way to pay. Each
// that does is a payment of its own, a part of the same attempt: held when the
// attempt begins, spent when the order is placed, given back when the attempt
// comes to nothing. What was spent goes back as any captured payment does.

// The methods of credits.
const (
	ByGiftCard    Method = Method(GiftCardKind)
	ByStoreCredit Method = Method(StoreCreditKind)
)

// Balance is the provider name of payments by credit.
const Balance = "credit"

// Credit says that the method is a gift card or store credit.
func (m Method) Credit() bool { return m == ByGiftCard || m == ByStoreCredit }

// Tender is what one credit pays of an order. It is kept with the order.
type Tender struct {
	PaymentID uuid.UUID `json:"payment_id"`
	AccountID uuid.UUID `json:"account_id"`
	Method    Method    `json:"method"`
	CodeEnd   string    `json:"code_end,omitempty"` // of a gift card
	Amount    int64     `json:"amount"`             // minor units of the order's currency
}

// MaxGiftCards is how many gift cards one order may use.
const MaxGiftCards = 5

// ErrCreditHeld says that the credits of an attempt are not held any more, or
// not in that amount.
var ErrCreditHeld = fault.New(fault.Conflict, "credit_not_held", "The credit of this payment is not held any more.")

// usable says why a credit cannot pay in a currency now; empty when it can.
func (a *CreditAccount) usable(currency string, now time.Time) string {
	switch {
	case a.Status != CreditActive:
		return CreditReasonDisabled
	case a.ExpiresAt != nil && !a.ExpiresAt.After(now):
		return CreditReasonExpired
	case a.Currency != currency:
		return CreditReasonCurrency
	case a.Balance < 1:
		return CreditReasonEmpty
	}
	return ""
}

// Why a credit pays nothing.
const (
	CreditReasonUnknown  = "unknown"
	CreditReasonEmpty    = "empty"
	CreditReasonDisabled = "disabled"
	CreditReasonExpired  = "expired"
	CreditReasonCurrency = "currency"
	CreditReasonCovered  = "covered" // others pay all of it
)

// CreditUse is what becomes of a credit that the buyer wants to use.
type CreditUse struct {
	Account CreditAccount
	Amount  int64  // that it pays, in minor units
	Reason  string // why it pays nothing; empty when it pays
}

// Spread says what each credit pays of a total: as much as it can, one after the
// other.
func Spread(accounts []CreditAccount, total int64, currency string, now time.Time) (uses []CreditUse, sum int64) {
	for _, a := range accounts {
		u := CreditUse{Account: a, Reason: a.usable(currency, now)}
		if u.Reason == "" {
			if u.Amount = min(a.Balance, total-sum); u.Amount < 1 {
				u.Amount, u.Reason = 0, CreditReasonCovered
			}
		}
		sum += u.Amount
		uses = append(uses, u)
	}
	return uses, sum
}

// StoreCreditID is the account of a customer in a currency, which may not be
// open yet.
func StoreCreditID(person uuid.UUID, currency string) uuid.UUID {
	return storeCredit(uuid.Nil, person, currency, time.Time{}).ID
}

// CardGuesses keeps gift cards from being guessed: it counts codes that are not
// of a valid card together with those of GiftCardByCode.
type CardGuesses struct {
	merchant uuid.UUID
	tries    []attempt.Try
	wait     time.Duration
}

// CardGuessesOf counts for a session, which is a checkout or a cart that existed
// before, and for the address of a shopper. uuid.Nil and an empty ip are not
// counted.
func CardGuessesOf(merchant, session uuid.UUID, ip string) *CardGuesses {
	g := &CardGuesses{merchant: merchant}
	if session != uuid.Nil {
		g.tries = append(g.tries, attempt.Of("gift_card_session", session.String()))
	}
	if ip != "" {
		g.tries = append(g.tries, attempt.From("gift_card_ip", ip))
	}
	return g
}

// Find looks the cards of typed codes up, in one round trip with the guesses that
// are left. A code that is of no card gives an account without an ID. It fails
// with ErrGiftCardTries when too many codes were wrong, these or earlier ones,
// and then says nothing of any.
func (g *CardGuesses) Find(ctx context.Context, d *db.DB, codes []string) ([]CreditAccount, error) {
	now := d.Now()
	hashes := make([][]byte, len(codes))
	for i, c := range codes {
		hashes[i] = cardHash(g.merchant, c)
	}
	found := make([]CreditAccount, len(codes))
	queries := []*db.Query{cardsQuery(g.merchant, hashes, found)}
	if len(g.tries) > 0 {
		queries = append(queries, wrongCards.Query(g.merchant, now, &g.wait, g.tries...))
	}
	if err := d.Read(ctx, queries...); err != nil {
		return nil, err
	}
	misses := 0
	for i := range found {
		if !found[i].valid(now) {
			misses++
		}
	}
	if g.wait == 0 && misses > 0 && len(g.tries) > 0 {
		var err error
		if g.wait, err = wrongCards.Count(ctx, d, g.merchant, misses, g.tries...); err != nil {
			return nil, err
		}
	}
	if g.wait > 0 {
		return nil, ErrGiftCardTries.After(g.wait)
	}
	return found, nil
}

// valid says that there is such a card and that it can be used.
func (a *CreditAccount) valid(now time.Time) bool {
	return a.ID != uuid.Nil && a.Status == CreditActive && (a.ExpiresAt == nil || a.ExpiresAt.After(now))
}
