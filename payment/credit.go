package payment

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/attempt"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/money"
)

// CreditKind says what holds a credit.
type CreditKind string

// The kinds of credit.
const (
	GiftCardKind    CreditKind = "gift_card"    // whoever has the code
	StoreCreditKind CreditKind = "store_credit" // a customer
)

// The statuses of a credit account.
const (
	CreditActive   = "active"
	CreditDisabled = "disabled"
)

// The faults of gift cards and store credit.
var (
	ErrGiftCardNotFound = fault.New(fault.NotFound, "gift_card_not_found", "There is no such gift card, or it is not valid any more.")
	ErrGiftCardExists   = fault.New(fault.Conflict, "gift_card_exists", "A gift card with this id has been issued. Its code was shown then, and only then.")
	ErrGiftCardTries    = fault.New(fault.TooMany, "too_many_attempts", "Too many codes that are not known. Wait a while and try again.")
	ErrCreditInput      = fault.New(fault.Invalid, "credit_invalid", "This credit cannot be given or taken; see errors.")
	ErrCreditTooLow     = fault.New(fault.Conflict, "credit_insufficient", "More would be taken than there is.")
	ErrCreditDisabled   = fault.New(fault.Conflict, "credit_disabled", "This gift card has been disabled.")
	ErrCreditTaken      = fault.New(fault.Conflict, "credit_source_taken", "This request has moved another credit before.")
)

// MaxCredit is the most that one account holds, in minor units.
const MaxCredit = 1_000_000_000_000

// mostEntries is how many of its newest entries an account is read with.
const mostEntries = 100

// CreditAccount is what the merchant owes to a holder. Amounts are minor units
// of Currency.
type CreditAccount struct {
	MerchantID uuid.UUID  `gorm:"column:merchant_id"`
	ID         uuid.UUID  `gorm:"column:id"`
	Kind       CreditKind `gorm:"column:kind"`
	Status     string     `gorm:"column:status"`
	Currency   string     `gorm:"column:currency"`
	Balance    int64      `gorm:"column:balance_minor"`
	CodeHash   []byte     `gorm:"column:code_hash"`
	CodeEnd    string     `gorm:"column:code_end"` // the last four signs
	CustomerID *uuid.UUID `gorm:"column:customer_id"`
	Note       string     `gorm:"column:note"`
	ExpiresAt  *time.Time `gorm:"column:expires_at"`
	Version    int64      `gorm:"column:version"`
	CreatedAt  time.Time  `gorm:"column:created_at"`
	UpdatedAt  time.Time  `gorm:"column:updated_at"`

	Entries []CreditEntry `gorm:"-"` // the newest first, at most 100; lists have none
}

// TableName is where GORM finds it.
func (CreditAccount) TableName() string { return "credit_accounts" }

// CreditEntry is one movement of an account.
type CreditEntry struct {
	MerchantID uuid.UUID  `gorm:"column:merchant_id"`
	SourceKind string     `gorm:"column:source_kind"` // of the Credit constants
	SourceID   uuid.UUID  `gorm:"column:source_id"`
	AccountID  uuid.UUID  `gorm:"column:account_id"`
	Amount     int64      `gorm:"column:amount_minor"` // below 0: taken
	Balance    int64      `gorm:"column:balance_minor"`
	Reason     string     `gorm:"column:reason"`
	Actor      string     `gorm:"column:actor"`
	OrderID    *uuid.UUID `gorm:"column:order_id"`
	BookedAt   time.Time  `gorm:"column:booked_at"`
}

// TableName is where GORM finds it.
func (CreditEntry) TableName() string { return "credit_entries" }

// What moves credit. A refund bears the name that it has in the ledger.
const (
	CreditIssued   = "credit_issued"
	CreditAdjusted = "credit_adjusted"
	CreditRefunded = bookedRefund
	CreditHeld     = "credit_held"     // for an order; the id is the payment's
	CreditReleased = "credit_released" // the order was not placed
)

// creditPeople is all that credit asks of the room of customers.
type creditPeople interface {
	Person(ctx context.Context, merchant, person uuid.UUID) (customer.Person, error)
}

// Credits keeps gift cards and store credit. It is safe for concurrent use.
type Credits struct {
	db     *db.DB
	people creditPeople
}

// NewCredits makes the service.
func NewCredits(d *db.DB, people creditPeople) *Credits { return &Credits{d, people} }

// NewGiftCard asks for a gift card. ID names it: there is one card of an id.
type NewGiftCard struct {
	ID        uuid.UUID
	Amount    int64 // minor units, 1 or more
	Currency  string
	ExpiresAt *time.Time // never when nil
	Note      string
}

// IssueGiftCard makes a gift card and gives its code, which is kept nowhere. It
// fails with ErrCreditInput or ErrGiftCardExists.
func (s *Credits) IssueGiftCard(ctx context.Context, merchant uuid.UUID, n NewGiftCard, actor string) (*CreditAccount, string, error) {
	now := s.db.Now()
	switch {
	case n.Amount < 1 || n.Amount > MaxCredit:
		return nil, "", ErrCreditInput.At("body.amount.amount", "must be 1 to 1000000000000")
	case !money.Known(n.Currency):
		return nil, "", ErrCreditInput.At("body.amount.currency", "is not a currency")
	case n.ExpiresAt != nil && !n.ExpiresAt.After(now):
		return nil, "", ErrCreditInput.At("body.expires_at", "must be in the future")
	}
	if n.ID == uuid.Nil {
		n.ID = id.New()
	}
	code := newCardCode()
	a := &CreditAccount{
		MerchantID: merchant, ID: n.ID, Kind: GiftCardKind, Status: CreditActive, Currency: n.Currency, CodeHash: cardHash(merchant, code),
		CodeEnd: code[len(code)-4:], Note: n.Note, ExpiresAt: n.ExpiresAt, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	err := db.Run(ctx, s.db, func(tx db.Tx) error {
		insertCredit(tx, a)
		return moveCredit(ctx, tx, a, creditMove{kind: CreditIssued, source: a.ID, amount: n.Amount, actor: actor, against: Granted}, now)
	})
	if db.Violates(err, "credit_accounts_pkey") {
		return nil, "", ErrGiftCardExists.Because(err)
	}
	if err != nil {
		return nil, "", err
	}
	a, err = s.GiftCard(ctx, merchant, a.ID)
	return a, code, err
}

// CreditChange gives or takes credit by hand. ID names the request: the same ID
// is the same change.
type CreditChange struct {
	ID       uuid.UUID
	Amount   int64 // minor units; below 0 it is taken
	Currency string
	Reason   string
}

func (c *CreditChange) check() error {
	if c.Amount == 0 || c.Amount > MaxCredit || c.Amount < -MaxCredit {
		return ErrCreditInput.At("body.amount.amount", "must be 1 to 1000000000000, or as much below 0")
	}
	if !money.Known(c.Currency) {
		return ErrCreditInput.At("body.amount.currency", "is not a currency")
	}
	return nil
}

// AdjustGiftCard gives to a card or takes from it, also when it has expired. It
// fails with ErrGiftCardNotFound, ErrCreditInput, ErrCreditTooLow,
// ErrCreditDisabled or ErrCreditTaken.
func (s *Credits) AdjustGiftCard(ctx context.Context, merchant, card uuid.UUID, c CreditChange, actor string) (*CreditAccount, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	a, err := s.GiftCard(ctx, merchant, card)
	if err != nil {
		return nil, err
	}
	if a.Currency != c.Currency {
		return nil, ErrCreditInput.At("body.amount.currency", "is not the currency of the card")
	}
	if err := s.adjust(ctx, a, c, actor); err != nil {
		return nil, err
	}
	return s.GiftCard(ctx, merchant, card)
}

// AdjustStoreCredit gives a customer credit in a currency, or takes it. It fails
// with customer.ErrPersonUnknown, ErrCreditInput, ErrCreditTooLow or
// ErrCreditTaken.
func (s *Credits) AdjustStoreCredit(ctx context.Context, merchant, person uuid.UUID, c CreditChange, actor string) (*CreditAccount, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if _, err := s.people.Person(ctx, merchant, person); err != nil {
		return nil, err
	}
	a := storeCredit(merchant, person, c.Currency, s.db.Now())
	if err := s.adjust(ctx, a, c, actor); err != nil {
		return nil, err
	}
	return s.account(ctx, merchant, a.ID, StoreCreditKind)
}

// storeCredit is the account of a customer in a currency, as it is when it is
// new. There is one, so its id follows from whose it is.
func storeCredit(merchant, person uuid.UUID, currency string, now time.Time) *CreditAccount {
	return &CreditAccount{
		MerchantID: merchant, ID: uuid.NewSHA1(person, []byte("store credit in "+currency)), Kind: StoreCreditKind, Status: CreditActive, Currency: currency,
		CustomerID: &person, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
}

// adjust makes a change once, whoever repeats it.
func (s *Credits) adjust(ctx context.Context, a *CreditAccount, c CreditChange, actor string) error {
	if c.ID == uuid.Nil {
		c.ID = id.New()
	}
	done, err := s.adjusted(ctx, a, c)
	if err != nil || done {
		return err
	}
	now := s.db.Now()
	err = db.Run(ctx, s.db, func(tx db.Tx) error {
		if a.Kind == StoreCreditKind {
			openCredit(tx, a)
		}
		return moveCredit(ctx, tx, a, creditMove{kind: CreditAdjusted, source: c.ID, amount: c.Amount, reason: c.Reason, actor: actor, against: Granted}, now)
	})
	// The same request may have been quicker elsewhere, and have left too little for this one.
	if db.Violates(err, "credit_entries_pkey") || errors.Is(err, db.ErrUnknown) || err != nil && fault.Is(err, ErrCreditTooLow) {
		if done, again := s.adjusted(ctx, a, c); again != nil || done {
			return again
		}
	}
	return err
}

// adjusted says whether a change has been made; ErrCreditTaken means that its ID
// names another one.
func (s *Credits) adjusted(ctx context.Context, a *CreditAccount, c CreditChange) (bool, error) {
	e, err := s.entry(ctx, a.MerchantID, CreditAdjusted, c.ID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err == nil && (e.AccountID != a.ID || e.Amount != c.Amount) {
		err = ErrCreditTaken
	}
	return err == nil, err
}

// DisableGiftCard ends a card for good; what is on it stays there. Disabling
// again changes nothing. It fails with ErrGiftCardNotFound.
func (s *Credits) DisableGiftCard(ctx context.Context, merchant, card uuid.UUID) (*CreditAccount, error) {
	if err := s.disable(ctx, merchant, card); err != nil {
		return nil, err
	}
	return s.GiftCard(ctx, merchant, card)
}

// wrongCards is how many codes that are not of a valid card may be tried from
// one address.
var wrongCards = attempt.Limit{Tries: 10, Window: 10 * time.Minute}

// GiftCardByCode finds the card of a code for whoever has it. Unknown, disabled
// and expired codes all fail with ErrGiftCardNotFound, and after too many of
// them from one address any code fails with ErrGiftCardTries for a while; tries
// without an ip are not counted.
func (s *Credits) GiftCardByCode(ctx context.Context, merchant uuid.UUID, code, ip string) (*CreditAccount, error) {
	a, wait, tries := &CreditAccount{}, time.Duration(0), []attempt.Try{}
	find := s.byCode(merchant, cardHash(merchant, code), a)
	if ip != "" {
		tries = append(tries, attempt.From("gift_card_ip", ip))
		if err := s.db.Read(ctx, find, wrongCards.Query(merchant, s.db.Now(), &wait, tries...)); err != nil {
			return nil, err
		}
	} else if err := s.db.Read(ctx, find); err != nil {
		return nil, err
	}
	valid := a.valid(s.db.Now())
	if wait == 0 && !valid && len(tries) > 0 {
		var err error
		if wait, err = wrongCards.Count(ctx, s.db, merchant, 1, tries...); err != nil {
			return nil, err
		}
	}
	switch {
	case wait > 0:
		return nil, ErrGiftCardTries.After(wait)
	case !valid:
		return nil, ErrGiftCardNotFound
	}
	return a, nil
}
