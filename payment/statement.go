package payment

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

// StatementKind is who says that money has arrived.
type StatementKind string

// The kinds of statements.
const (
	BankStatement     StatementKind = "bank"
	CourierSettlement StatementKind = "courier"
)

// method is the way to pay that a kind of statement is about.
func (k StatementKind) method() Method {
	if k == CourierSettlement {
		return CashOnDelivery
	}
	return BankTransfer
}

// LineStatus is what became of a line of a statement.
type LineStatus string

// The statuses of lines.
const (
	LineNew        LineStatus = "new"        // taken in, not looked at yet
	LineMatched    LineStatus = "matched"    // it pays what was due
	LinePartial    LineStatus = "partial"    // it pays less than was due; another line may bring the rest
	LineOverpaid   LineStatus = "overpaid"   // it pays more than was due: the surplus is the merchant's to give back
	LineDifference LineStatus = "difference" // the courier hands over another sum than was paid at the door
	LineUnmatched  LineStatus = "unmatched"  // it pays for nothing that is waiting, for Reason
	LineIgnored    LineStatus = "ignored"    // money that left
)

// Why a line stands as it does.
const (
	ReasonReference = "unknown_reference"
	ReasonAmbiguous = "ambiguous_reference" // it names several orders
	ReasonCurrency  = "wrong_currency"
	ReasonPaid      = "already_paid"
	ReasonCanceled  = "order_canceled"
	ReasonNotDue    = "not_awaited" // the order is paid for in another way
	ReasonOutgoing  = "outgoing"
	ReasonShort     = "short"
	ReasonOver      = "over"
)

// Statement is a file that a bank or a courier has made.
type Statement struct {
	MerchantID uuid.UUID     `gorm:"column:merchant_id"`
	ID         uuid.UUID     `gorm:"column:id"`
	Kind       StatementKind `gorm:"column:kind"`
	FileName   string        `gorm:"column:file_name"`
	FileHash   []byte        `gorm:"column:file_hash"`
	Rows       int           `gorm:"column:rows_read"`
	Known      int           `gorm:"column:rows_known"`  // taken in before, with another file
	Failed     int           `gorm:"column:rows_failed"` // cannot be read
	Errors     []RowError    `gorm:"column:errors;serializer:json"`
	CreatedAt  time.Time     `gorm:"column:created_at"`
	// Counts is how many of its lines stand how, without those known before.
	Counts map[LineStatus]int `gorm:"-"`
}

// TableName is where GORM finds it.
func (Statement) TableName() string { return "statements" }

// RowError is one row that cannot be read, counted as a spreadsheet does.
type RowError struct {
	Row     int    `json:"row"`
	Field   string `json:"field"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// StatementLine is one sum of money that came or went. Amounts are minor units.
type StatementLine struct {
	MerchantID    uuid.UUID     `gorm:"column:merchant_id"`
	ID            uuid.UUID     `gorm:"column:id"`
	StatementID   uuid.UUID     `gorm:"column:statement_id"`
	Kind          StatementKind `gorm:"column:kind"`
	Row           int           `gorm:"column:row_number"`
	Fingerprint   []byte        `gorm:"column:fingerprint"`
	BookedOn      *time.Time    `gorm:"column:booked_on"`
	AmountMinor   int64         `gorm:"column:amount_minor"`
	FeeMinor      int64         `gorm:"column:fee_minor"`
	Currency      string        `gorm:"column:currency"`
	Number        string        `gorm:"column:number"`
	Tracking      string        `gorm:"column:tracking"`
	ContactID     *uuid.UUID    `gorm:"column:contact_id"`
	Status        LineStatus    `gorm:"column:status"`
	Reason        string        `gorm:"column:reason"`
	OrderID       *uuid.UUID    `gorm:"column:order_id"`
	PaymentID     *uuid.UUID    `gorm:"column:payment_id"`
	CapturedMinor int64         `gorm:"column:captured_minor"`
	SurplusMinor  int64         `gorm:"column:surplus_minor"`
	MatchedBy     string        `gorm:"column:matched_by"`
	CreatedAt     time.Time     `gorm:"column:created_at"`
	UpdatedAt     time.Time     `gorm:"column:updated_at"`
	// Payer and Reference are kept sealed.
	Payer     string `gorm:"-"`
	Reference string `gorm:"-"`
}

// TableName is where GORM finds it.
func (StatementLine) TableName() string { return "statement_lines" }

// Limits of one file.
const (
	MaxStatementBytes = 8 << 20
	maxStatementRows  = 10_000
	maxRowErrors      = 200
	maxCell           = 2000
)

// The faults of statements.
var (
	ErrStatementMissing = fault.New(fault.NotFound, "statement_not_found", "There is no such statement.")
	ErrLineMissing      = fault.New(fault.NotFound, "statement_line_not_found", "There is no such line.")
	ErrStatementFile    = fault.New(fault.Invalid, "statement_unreadable", "The file is no CSV with the columns that are needed.")
	ErrStatementSize    = fault.New(fault.TooLarge, "statement_too_large", "A statement is at most 8 MiB and 10,000 rows.")
	ErrLineTaken        = fault.New(fault.Conflict, "line_already_matched", "This line has been matched already.")
	ErrLineUnfit        = fault.New(fault.Conflict, "line_not_matchable", "This line cannot pay for this order.")
	errMovedMeanwhile   = fault.New(fault.Conflict, "line_moved", "The payment has changed meanwhile.")
)

// vault seals what people wrote.
type vault interface {
	Seal(merchant uuid.UUID, c customer.Contact) (customer.Sealed, error)
	Open(merchant uuid.UUID, s customer.Sealed) (customer.Contact, error)
}

// StatementsConfig is what Statements needs.
type StatementsConfig struct {
	DB       *db.DB
	Payments *Service
	Vault    vault
	// Number reads an order number as people type it and gives its one form.
	Number func(typed string) (string, bool)
	Log    *slog.Logger
}

// Statements takes in what banks and couriers say has arrived and notes it on
// the payments that wait for it. A line counts once, however often and in
// however many files it comes.
type Statements struct{ StatementsConfig }

// NewStatements makes the service.
func NewStatements(c StatementsConfig) *Statements {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Statements{c}
}

// settleBudget is how long Import looks for the orders of its lines; Work does
// what is left then.
const settleBudget = 5 * time.Second

// Import takes in a CSV file; the columns are described in docs/payments.md.
// Rows that cannot be read are listed in the statement and do not stop the
// others. The same file again is the same statement. It fails with
// ErrStatementFile or ErrStatementSize, and then nothing was written.
func (s *Statements) Import(ctx context.Context, merchant uuid.UUID, kind StatementKind, name string, file io.Reader) (*Statement, error) {
	hash := sha256.New()
	read, err := readStatement(io.TeeReader(io.LimitReader(file, MaxStatementBytes+1), hash), kind)
	if err != nil {
		return nil, err
	}
	now := s.DB.Now()
	st := &Statement{
		MerchantID: merchant, ID: id.New(), Kind: kind, FileName: clip(name, 200), FileHash: hash.Sum(nil), Rows: read.rows,
		Failed: read.failed, Errors: read.errors, CreatedAt: now,
	}
	for i := range read.lines {
		l := &read.lines[i]
		l.MerchantID, l.ID, l.StatementID, l.Kind, l.CreatedAt, l.UpdatedAt = merchant, id.New(), st.ID, kind, now, now
	}
	again, err := s.keep(ctx, st, read.lines)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, settleBudget)
	defer cancel()
	if err := s.settle(within, merchant, again, nil); err != nil && within.Err() == nil {
		return nil, err
	}
	return s.Statement(ctx, merchant, kind, again)
}

// Work looks for the orders of lines that were taken in and not looked at, by a
// program that died or ran out of time.
func (s *Statements) Work(ctx context.Context) error {
	waiting, err := s.waiting(ctx)
	for _, w := range waiting {
		err = errors.Join(err, s.settle(ctx, w.Merchant, w.Statement, nil))
	}
	return err
}

// settle works through the new lines of a statement. What fails stays behind
// and does not hold up the others.
func (s *Statements) settle(ctx context.Context, merchant, statement uuid.UUID, after *StatementLine) error {
	var failed error
	for {
		lines, err := s.newLines(ctx, merchant, statement, after)
		if err != nil || len(lines) == 0 {
			return errors.Join(failed, err)
		}
		for i := range lines {
			if err := s.settleLine(ctx, &lines[i]); err != nil {
				failed = errors.Join(failed, fmt.Errorf("payment: line %s: %w", lines[i].ID, err))
			}
			if ctx.Err() != nil {
				return failed
			}
		}
		after = &lines[len(lines)-1]
	}
}

// settleTries bounds how often a line is looked at anew because its payment
// changed; each time somebody else has noted something.
const settleTries = 20

// settleLine finds out what a line pays for and notes it.
func (s *Statements) settleLine(ctx context.Context, l *StatementLine) error {
	for range settleTries {
		found, err := s.orderOf(ctx, l)
		if err != nil {
			return err
		}
		v := verdict{status: LineUnmatched, reason: found.reason}
		if found.reason == "" {
			if v, err = s.judge(ctx, l, found); err != nil {
				return err
			}
		}
		err = s.record(ctx, l, &v, LineNew, "import")
		switch {
		case err == nil, errors.Is(err, ErrLineTaken): // perhaps somebody else was quicker
			return nil
		case !fault.Is(err, ErrNotCapturable, errMovedMeanwhile, db.ErrUnknown):
			return err
		}
	}
	return errMovedMeanwhile
}

// Match says by hand which order a line pays for. Doing so again changes
// nothing. It fails with ErrLineMissing, ErrLineTaken or, with the member
// reason, ErrLineUnfit.
func (s *Statements) Match(ctx context.Context, merchant uuid.UUID, kind StatementKind, line, order uuid.UUID, actor string) (*StatementLine, error) {
	for range settleTries {
		l, err := s.Line(ctx, merchant, kind, line)
		if err != nil {
			return nil, err
		}
		if l.PaymentID != nil && *l.OrderID == order {
			return l, nil
		}
		if l.Status != LineUnmatched {
			return nil, ErrLineTaken.With("status", l.Status)
		}
		found, err := s.orderByID(ctx, merchant, order)
		if err != nil {
			return nil, err
		}
		if found.reason != "" {
			return nil, ErrLineUnfit.With("reason", found.reason)
		}
		v, err := s.judge(ctx, l, found)
		if err != nil {
			return nil, err
		}
		if v.payment == nil {
			if now, err := s.Line(ctx, merchant, kind, line); err != nil || now.Status != LineUnmatched {
				continue // this very line may be what has paid for it
			}
			return nil, ErrLineUnfit.With("reason", v.reason)
		}
		err = s.record(ctx, l, &v, LineUnmatched, actor)
		if err != nil && !fault.Is(err, ErrNotCapturable, errMovedMeanwhile, ErrLineTaken, db.ErrUnknown) {
			return nil, err
		}
	}
	return nil, errMovedMeanwhile
}

// clip cuts a text to so many bytes, between characters.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && text[most]&0xC0 == 0x80 {
		most--
	}
	return text[:most]
}
