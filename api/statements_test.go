package api

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"doorstep/payment"

	"github.com/google/uuid"
)

type fakeStatements struct{ *shop }

func theLine() payment.StatementLine {
	day := noon
	return payment.StatementLine{
		ID: thing, StatementID: thing, Row: 2, BookedOn: &day, AmountMinor: 1050, FeeMinor: 20, Currency: "EUR", Status: payment.LineOverpaid, Reason: payment.ReasonOver,
		OrderID: &thing, PaymentID: &thing, CapturedMinor: 1000, SurplusMinor: 50, MatchedBy: "import", UpdatedAt: noon, Payer: "Ani " + canary, Reference: goodNumber,
	}
}

func theStatement(m uuid.UUID) *payment.Statement {
	st := &payment.Statement{
		ID: thing, Rows: 3, Known: 1, Failed: 1, Errors: []payment.RowError{{Row: 3, Field: "amount", Code: "amount_unreadable", Message: "this is no amount"}},
		Counts: map[payment.LineStatus]int{payment.LineOverpaid: 1}, CreatedAt: noon,
	}
	if m == merchant {
		st.FileName = canary
	}
	return st
}

func (f fakeStatements) Import(_ context.Context, m uuid.UUID, kind payment.StatementKind, name string, file io.Reader) (*payment.Statement, error) {
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	if err := f.see("ImportStatement", m, true, nil, string(kind)+" "+name+" "+string(text)); err != nil {
		return nil, err
	}
	return theStatement(m), nil
}

func (f fakeStatements) Statement(_ context.Context, m uuid.UUID, _ payment.StatementKind, id uuid.UUID) (*payment.Statement, error) {
	if err := f.known("Statement", m, id, false, payment.ErrStatementMissing, nil); err != nil {
		return nil, err
	}
	return theStatement(m), nil
}

func (f fakeStatements) Recent(_ context.Context, m uuid.UUID, _ payment.StatementKind) ([]payment.Statement, error) {
	if err := f.see("RecentStatements", m, false, nil, nil); err != nil || m != merchant {
		return nil, err
	}
	return []payment.Statement{*theStatement(m)}, nil
}

func (f fakeStatements) Lines(_ context.Context, m uuid.UUID, _ payment.StatementKind, id uuid.UUID, status payment.LineStatus, after, _ int) ([]payment.StatementLine, bool, error) {
	if err := f.known("StatementLines", m, id, false, payment.ErrStatementMissing, []any{status, after}); err != nil {
		return nil, false, err
	}
	return []payment.StatementLine{theLine()}, after == 0, nil
}

func (f fakeStatements) Match(_ context.Context, m uuid.UUID, kind payment.StatementKind, line, order uuid.UUID, actor string) (*payment.StatementLine, error) {
	if err := f.known("Match", m, line, true, payment.ErrLineMissing, string(kind)+" "+order.String()+" "+actor); err != nil {
		return nil, err
	}
	l := theLine()
	return &l, nil
}

func TestStatementsAreTakenInAndTheirLinesShown(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	root := with(rootKey)
	csv := with(rootKey, "Content-Type", "text/csv")
	run(t, s, []scenario{
		{
			name: "a bank statement", method: http.MethodPost, path: "/v1/bank-statements?file_name=march", header: csv, body: "date,amount\n", status: http.StatusCreated,
			want:       []string{`"rows":3,"rows_known":1,"rows_failed":1`, `"overpaid":1`, `"row":3,"field":"amount","code":"amount_unreadable"`},
			wantHeader: map[string]string{"Location": "/v1/bank-statements/" + anID},
		},
		{name: "an empty one", method: http.MethodPost, path: "/v1/bank-statements", header: csv, status: http.StatusBadRequest},
		{name: "one that is too large", method: http.MethodPost, path: "/v1/bank-statements", header: csv, body: strings.Repeat("x", payment.MaxStatementBytes+1), status: http.StatusRequestEntityTooLarge, want: []string{"statement_too_large"}},
		{name: "by a reader", method: http.MethodPost, path: "/v1/courier-settlements", header: with("ds_sk_admin_reader"), body: "x", status: http.StatusUnauthorized},
		{
			name: "its lines", method: http.MethodGet, path: "/v1/bank-statements/" + anID + "/lines?status=overpaid", header: root, status: http.StatusOK,
			want: []string{`"booked_on":"2026-03-01","amount":{"amount":1050,"currency":"EUR"},"fee":{"amount":20,"currency":"EUR"}`, `"surplus":{"amount":50,"currency":"EUR"}`, `"reason_code":"over"`, "next_cursor"},
		},
		{name: "lines of no status", method: http.MethodGet, path: "/v1/bank-statements/" + anID + "/lines?status=lost", header: root, status: http.StatusUnprocessableEntity},
		{name: "a match", method: http.MethodPost, path: "/v1/bank-lines/" + anID + "/match", header: root, body: `{"order_id":"` + aLine + `"}`, status: http.StatusOK},
	})
	if c := rooms.last(t, "Match"); !strings.HasPrefix(c.given.(string), "bank "+aLine+" api_key:") {
		t.Error(c.given)
	}
	_, body := send(t, s, http.MethodGet, "/v1/bank-statements/"+anID+"/lines", root, "")
	_, cursor, _ := strings.Cut(body, `"next_cursor":"`)
	cursor, _, _ = strings.Cut(cursor, `"`)
	if res, body := send(t, s, http.MethodGet, "/v1/bank-statements/"+anID+"/lines?cursor="+cursor, root, ""); res.StatusCode != http.StatusOK || strings.Contains(body, "next_cursor") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
