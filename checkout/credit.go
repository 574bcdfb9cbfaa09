package checkout

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"doorstep/internal/id"
	"doorstep/internal/money"
	"doorstep/payment"
)

// A buyer may use gift cards, and a customer who has signed in store credit,
// before anything else is charged: the cards in the order in which they were
// named, then the store credit. Expected totals stay those of the order; what
// remains for the chosen way to pay is what is due.

// Credit is what becomes of one credit that the buyer wants to use.
type Credit struct {
	Method   payment.Method
	CodeEnd  string // of a gift card: its last four signs
	Balance  int64  // minor units of Currency that are on it now
	Amount   int64  // that it pays, in minor units of the checkout's currency
	Reason   string // why it pays nothing: one of payment.CreditReason
	Currency string
}

// codeSigns is how many signs at the end of a code name a card that is on the
// checkout already.
const codeSigns = 4

// readCredits reads the credits of a checkout that uses any, and what they pay in
// its newest attempt.
func (s *Service) readCredits(ctx context.Context, sit *situation) error {
	r := &sit.row
	if len(r.Credits) == 0 {
		return nil
	}
	sit.held = map[uuid.UUID]int64{}
	return s.DB.Read(ctx, payment.CreditsQuery(r.Merchant, r.Credits, &sit.credits), payment.HeldQuery(r.Merchant, r.ID, r.Attempt, sit.held))
}

// takeCredits puts what the buyer wants to use onto the checkout. Codes are
// looked up as often as guesses are left; session is what else they count for.
func (s *Service) takeCredits(ctx context.Context, sit *situation, f *Form, session uuid.UUID, ip string) error {
	r := &sit.row
	if f.GiftCards == nil && f.StoreCredit == nil {
		return nil
	}
	var cards, own []uuid.UUID
	for _, a := range sit.credits {
		if a.Kind == payment.GiftCardKind {
			cards = append(cards, a.ID)
		}
	}
	for _, c := range r.Credits {
		if r.CustomerID != nil && c == payment.StoreCreditID(*r.CustomerID, r.Currency) {
			own = []uuid.UUID{c}
		}
	}
	if f.StoreCredit != nil {
		own = nil
		if *f.StoreCredit {
			if err := sit.belongTo(f.SignedIn); err != nil {
				return err
			}
			own = []uuid.UUID{payment.StoreCreditID(*f.SignedIn, r.Currency)}
		}
	}
	if f.GiftCards != nil {
		var err error
		if cards, err = s.typedCards(ctx, sit, *f.GiftCards, session, ip); err != nil {
			return err
		}
	}
	r.Credits = slices.Concat(cards, own)
	if len(r.Credits) == 0 {
		sit.credits = nil
		return nil
	}
	return s.DB.Read(ctx, payment.CreditsQuery(r.Merchant, r.Credits, &sit.credits))
}

// belongTo makes the checkout that of the customer who has signed in.
func (sit *situation) belongTo(customer *uuid.UUID) error {
	switch {
	case customer == nil:
		return ErrSignIn
	case sit.row.CustomerID != nil && *sit.row.CustomerID != *customer:
		return ErrNotTheirs
	}
	sit.row.CustomerID = customer
	return nil
}

// typedCards finds the cards of a typed list, which replaces the one before. A
// card that is on the checkout already may be named by its last four signs, for
// nobody keeps its code.
func (s *Service) typedCards(ctx context.Context, sit *situation, typed []string, session uuid.UUID, ip string) ([]uuid.UUID, error) {
	var cards []uuid.UUID
	var codes []string
	at := map[int]int{} // where in cards the card of a code belongs
	for _, code := range typed {
		code = strings.TrimSpace(code)
		if code == "" || slices.Contains(codes, code) {
			continue
		}
		if len(code) == codeSigns {
			if i := slices.IndexFunc(sit.credits, func(a payment.CreditAccount) bool { return strings.EqualFold(a.CodeEnd, code) }); i >= 0 {
				cards = append(cards, sit.credits[i].ID)
				continue
			}
		}
		at[len(codes)] = len(cards)
		codes, cards = append(codes, code), append(cards, uuid.Nil)
	}
	if len(cards) > payment.MaxGiftCards {
		return nil, ErrGiftCards
	}
	if len(codes) > 0 {
		found, err := payment.CardGuessesOf(sit.row.Merchant, session, ip).Find(ctx, s.DB, codes)
		if err != nil {
			return nil, err
		}
		for i, a := range found {
			if cards[at[i]] = a.ID; a.ID == uuid.Nil {
				sit.unknown = append(sit.unknown, codes[i])
			}
		}
	}
	seen := map[uuid.UUID]bool{uuid.Nil: true}
	return slices.DeleteFunc(cards, func(c uuid.UUID) bool {
		again := seen[c]
		seen[c] = true
		return again
	}), nil
}

// spread works out what each credit pays. Credits of an attempt that is under way
// or has become an order pay what they paid then.
func (s *Service) spread(sit *situation, a *assessment) {
	r := &sit.row
	if len(r.Credits) == 0 {
		return
	}
	switch r.Status {
	case InProgress, Authentication, StatusCompleted:
		for _, c := range sit.credits {
			if amount := sit.held[c.ID]; amount > 0 {
				a.uses = append(a.uses, payment.CreditUse{Account: c, Amount: amount})
				a.credit += amount
			}
		}
	default:
		a.uses, a.credit = payment.Spread(sit.credits, a.totals.Total, r.Currency, s.DB.Now())
	}
}

// covered says that credits pay all of it.
func (a *assessment) covered() bool { return a.credit > 0 && a.credit == a.totals.Total }

// tenders are the credits that pay, as payments of one more attempt.
func (a *assessment) tenders() []payment.Tender {
	var all []payment.Tender
	for _, u := range a.uses {
		if u.Amount > 0 {
			all = append(all, payment.Tender{
				PaymentID: id.New(), AccountID: u.Account.ID, Method: payment.Method(u.Account.Kind), CodeEnd: u.Account.CodeEnd, Amount: u.Amount,
			})
		}
	}
	return all
}

// byCredit is the way to pay of an order that credits pay all of: that of the
// first of them.
func (a *assessment) byCredit() MethodOffer {
	o := MethodOffer{Provider: payment.Balance, Total: a.totals.Total}
	if t := a.tenders(); len(t) > 0 {
		o.Method = t[0].Method
	}
	return o
}

// credits shows what becomes of the credits, those that are not known last.
func (a *assessment) credits(sit *situation) []Credit {
	all := make([]Credit, 0, len(a.uses)+len(sit.unknown))
	for _, u := range a.uses {
		all = append(all, Credit{
			Method: payment.Method(u.Account.Kind), CodeEnd: u.Account.CodeEnd, Balance: u.Account.Balance, Currency: u.Account.Currency, Amount: u.Amount,
			Reason: u.Reason,
		})
	}
	if r := &sit.row; r.CustomerID != nil && !slices.ContainsFunc(all, func(c Credit) bool { return c.Method == payment.ByStoreCredit }) &&
		slices.Contains(r.Credits, payment.StoreCreditID(*r.CustomerID, r.Currency)) {
		all = append(all, Credit{Method: payment.ByStoreCredit, Currency: r.Currency, Reason: payment.CreditReasonEmpty}) // no account was opened yet
	}
	for _, code := range sit.unknown {
		signs := []rune(code)
		all = append(all, Credit{Method: payment.ByGiftCard, Currency: sit.row.Currency, CodeEnd: string(signs[max(0, len(signs)-codeSigns):]), Reason: payment.CreditReasonUnknown})
	}
	return all
}

// repriced fails with ErrCreditChanged when the buyer would have to pay more than
// was shown because credits pay less, or anything else than the named due.
func (a *assessment) repriced(sit *situation, c *Completion, total int64) error {
	due := total - a.credit
	changed := a.credit < min(sit.row.ShownCredit, a.totals.Total)
	if c.Due != nil {
		changed = c.Due.Minor != due || c.Due.Currency != sit.row.Currency
	}
	if !changed {
		return nil
	}
	return ErrCreditChanged.With("totals", Totals(&a.totals)).With("amount_due", money.Of(due, sit.row.Currency))
}
