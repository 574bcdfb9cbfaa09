package api

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"doorstep/internal/fault"
	"doorstep/payment"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
)

// statements is all that these routes ask of their room.
type statements interface {
	Import(ctx context.Context, merchant uuid.UUID, kind payment.StatementKind, name string, file io.Reader) (*payment.Statement, error)
	Statement(ctx context.Context, merchant uuid.UUID, kind payment.StatementKind, statement uuid.UUID) (*payment.Statement, error)
	Recent(ctx context.Context, merchant uuid.UUID, kind payment.StatementKind) ([]payment.Statement, error)
	Lines(ctx context.Context, merchant uuid.UUID, kind payment.StatementKind, statement uuid.UUID, status payment.LineStatus, after, limit int) ([]payment.StatementLine, bool, error)
	Match(ctx context.Context, merchant uuid.UUID, kind payment.StatementKind, line, order uuid.UUID, actor string) (*payment.StatementLine, error)
}

// Statement is a file of what has arrived, and what became of its lines.
type Statement struct {
	ID        uuid.UUID        `json:"id" format:"uuid"`
	FileName  string           `json:"file_name,omitempty"`
	Rows      int              `json:"rows"`
	Known     int              `json:"rows_known" doc:"Taken in before, with another file: they count for nothing here"`
	Failed    int              `json:"rows_failed" doc:"Cannot be read"`
	Lines     StatementCounts  `json:"lines"`
	Errors    []ImportRowError `json:"errors" doc:"The first 200"`
	CreatedAt time.Time        `json:"created_at"`
}

// StatementCounts is how many lines of a statement stand how.
type StatementCounts struct {
	New        int `json:"new" doc:"Not looked at yet; this is done within seconds"`
	Matched    int `json:"matched"`
	Partial    int `json:"partial"`
	Overpaid   int `json:"overpaid"`
	Difference int `json:"difference"`
	Unmatched  int `json:"unmatched"`
	Ignored    int `json:"ignored"`
}

func statementOf(s payment.Statement) Statement {
	n := s.Counts
	b := Statement{
		ID: s.ID, FileName: s.FileName, Rows: s.Rows, Known: s.Known, Failed: s.Failed, Errors: make([]ImportRowError, len(s.Errors)), CreatedAt: s.CreatedAt.UTC(),
		Lines: StatementCounts{
			New: n[payment.LineNew], Matched: n[payment.LineMatched], Partial: n[payment.LinePartial], Overpaid: n[payment.LineOverpaid],
			Difference: n[payment.LineDifference], Unmatched: n[payment.LineUnmatched], Ignored: n[payment.LineIgnored],
		},
	}
	for i, e := range s.Errors {
		b.Errors[i] = ImportRowError{Row: int64(e.Row), Field: e.Field, Code: e.Code, Message: e.Message}
	}
	return b
}

// StatementLine is one sum of money that came or went.
type StatementLine struct {
	ID          uuid.UUID  `json:"id" format:"uuid"`
	StatementID uuid.UUID  `json:"statement_id" format:"uuid"`
	Row         int        `json:"row" doc:"As a spreadsheet counts: the head is 1"`
	BookedOn    string     `json:"booked_on,omitempty" example:"2026-03-05"`
	Amount      Money      `json:"amount"`
	Fee         *Money     `json:"fee,omitempty" doc:"Kept back by the courier"`
	Reference   string     `json:"reference,omitempty" doc:"What the payer wrote"`
	Payer       string     `json:"payer,omitempty"`
	OrderNumber string     `json:"order_number,omitempty" doc:"As the courier wrote it"`
	Tracking    string     `json:"tracking_number,omitempty"`
	Status      string     `json:"status" enum:"new,matched,partial,overpaid,difference,unmatched,ignored"`
	Reason      string     `json:"reason_code,omitempty" enum:"unknown_reference,ambiguous_reference,wrong_currency,already_paid,order_canceled,not_awaited,outgoing,short,over"`
	OrderID     *uuid.UUID `json:"order_id,omitempty" format:"uuid"`
	PaymentID   *uuid.UUID `json:"payment_id,omitempty" format:"uuid"`
	Captured    Money      `json:"captured" doc:"What this line added to its payment"`
	Surplus     Money      `json:"surplus" doc:"What came beyond what was due, for the merchant to give back"`
	MatchedBy   string     `json:"matched_by,omitempty" example:"import"`
	UpdatedAt   time.Time  `json:"updated_at"`
}

func statementLineOf(l payment.StatementLine) StatementLine {
	of := func(minor int64) Money { return moneyOf(minor, l.Currency) }
	b := StatementLine{
		ID: l.ID, StatementID: l.StatementID, Row: l.Row, Amount: of(l.AmountMinor), Reference: l.Reference, Payer: l.Payer, OrderNumber: l.Number,
		Tracking: l.Tracking, Status: string(l.Status), Reason: l.Reason, OrderID: l.OrderID, PaymentID: l.PaymentID, Captured: of(l.CapturedMinor),
		Surplus: of(l.SurplusMinor), MatchedBy: l.MatchedBy, UpdatedAt: l.UpdatedAt.UTC(),
	}
	if l.BookedOn != nil {
		b.BookedOn = l.BookedOn.Format(time.DateOnly)
	}
	if l.FeeMinor != 0 {
		b.Fee = ptr(of(l.FeeMinor))
	}
	return b
}

type importStatementIn struct {
	Name string `query:"file_name" maxLength:"200" doc:"To know it again"`
}

type statementCreatedOut struct {
	Location string `header:"Location"`
	Body     Statement
}

type statementOut struct {
	Body Statement
}

type listStatementLinesIn struct {
	ByID
	PageQuery
	Status string `query:"status" enum:"new,matched,partial,overpaid,difference,unmatched,ignored"`
}

type matchLineIn struct {
	ByID
	Body struct {
		OrderID uuid.UUID `json:"order_id" format:"uuid"`
	}
}

type statementLineOut struct {
	Body StatementLine
}

const statementLineList = "statement-lines"

// statementRoom answers the routes of one kind of statement.
type statementRoom struct {
	svc  statements
	kind payment.StatementKind
	path string
}

func registerStatements(s *Server, svc statements) {
	registerStatementKind(s, &statementRoom{svc, payment.BankStatement, "/v1/bank-statements"}, "bank-statement", "bank", "a bank statement",
		"Columns: date, amount, currency, reference, payer, bank_reference_id, in any order and with any usual delimiter and decimal sign. Each line pays for the order whose number stands in its reference, in any spelling; what cannot be matched says why.")
	registerStatementKind(s, &statementRoom{svc, payment.CourierSettlement, "/v1/courier-settlements"}, "courier-settlement", "courier", "what a courier has collected",
		"Columns: tracking_number or order_number, amount, currency, fee, and date and id where there are any. Each line settles a payment in cash; differences to what was paid at the door are shown.")
}

func registerStatementKind(s *Server, r *statementRoom, name, short, what, columns string) {
	handle(s, Route{
		ID: "import-" + name, Method: http.MethodPost, Path: r.path, Status: http.StatusCreated, Tag: "payments", Summary: "Take in " + what + " as CSV",
		Description: columns + " The body is the file itself, up to 8 MiB and 10,000 rows. The same file again is the same statement, and a line counts once in however many files it stands.",
		Auth:        secret("orders:write"), Upload: true, Deadline: Payments, Errors: []*fault.Error{payment.ErrStatementFile, payment.ErrStatementSize},
	}, r.take)
	s.huma.OpenAPI().Paths[r.path].Post.RequestBody = &huma.RequestBody{
		Required: true, Description: "The file", Content: map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}
	handle(s, Route{
		ID: "list-" + name + "s", Method: http.MethodGet, Path: r.path, Tag: "payments", Summary: "List the latest of " + what + ", the newest first",
		Auth: secret("orders:read"),
	}, func(ctx context.Context, _ *struct{}) (*listOut[Statement], error) {
		all, err := r.svc.Recent(ctx, caller(ctx).Merchant, r.kind)
		if err != nil {
			return nil, err
		}
		return listOf(all, "", statementOf), nil
	})
	handle(s, Route{
		ID: "read-" + name, Method: http.MethodGet, Path: r.path + "/{id}", Tag: "payments", Summary: "Read what became of " + what,
		Auth: secret("orders:read"), Errors: []*fault.Error{payment.ErrStatementMissing},
	}, func(ctx context.Context, in *ByID) (*statementOut, error) {
		st, err := r.svc.Statement(ctx, caller(ctx).Merchant, r.kind, in.ID)
		if err != nil {
			return nil, err
		}
		return &statementOut{Body: statementOf(*st)}, nil
	})
	handle(s, Route{
		ID: "list-" + name + "-lines", Method: http.MethodGet, Path: r.path + "/{id}/lines", Tag: "payments", Summary: "List its lines in the order of the file",
		Auth: secret("orders:read"), Errors: []*fault.Error{payment.ErrStatementMissing, errCursor},
	}, r.lines)
	handle(s, Route{
		ID: "match-" + short + "-line", Method: http.MethodPost, Path: "/v1/" + short + "-lines/{id}/match", Tag: "payments", Summary: "Say by hand which order a line pays for",
		Description: "For lines that are unmatched. Saying it again changes nothing.",
		Auth:        secret("orders:write"), Errors: []*fault.Error{payment.ErrLineMissing, payment.ErrLineTaken, payment.ErrLineUnfit},
	}, func(ctx context.Context, in *matchLineIn) (*statementLineOut, error) {
		l, err := r.svc.Match(ctx, caller(ctx).Merchant, r.kind, in.ID, in.Body.OrderID, actor(ctx))
		if err != nil {
			return nil, err
		}
		return &statementLineOut{Body: statementLineOf(*l)}, nil
	})
}

func (r *statementRoom) take(ctx context.Context, in *importStatementIn) (*statementCreatedOut, error) {
	file := upload(ctx)
	info, err := file.Stat()
	if err != nil {
		return nil, errFullDisk.Because(err)
	}
	switch {
	case info.Size() == 0:
		return nil, errMalformed.Saying("This call needs a body.")
	case info.Size() > payment.MaxStatementBytes:
		return nil, payment.ErrStatementSize
	}
	st, err := r.svc.Import(ctx, caller(ctx).Merchant, r.kind, in.Name, file)
	if err != nil {
		return nil, err
	}
	return &statementCreatedOut{Location: r.path + "/" + st.ID.String(), Body: statementOf(*st)}, nil
}

func (r *statementRoom) lines(ctx context.Context, in *listStatementLinesIn) (*listOut[StatementLine], error) {
	after := 0
	cursor, err := roomCursor(statementLineList, in.Cursor)
	if err != nil {
		return nil, err
	}
	if cursor != "" {
		if after, err = strconv.Atoi(cursor); err != nil {
			return nil, errCursor
		}
	}
	all, more, err := r.svc.Lines(ctx, caller(ctx).Merchant, r.kind, in.ID, payment.LineStatus(in.Status), after, in.Limit)
	if err != nil {
		return nil, err
	}
	next := ""
	if more {
		next = strconv.Itoa(all[len(all)-1].Row)
	}
	return listOf(all, pageCursor(statementLineList, next), statementLineOf), nil
}
