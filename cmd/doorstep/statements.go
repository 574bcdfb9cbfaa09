package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"doorstep/payment"
)

// statementKinds are the words of the command for the kinds of statements.
var statementKinds = map[string]payment.StatementKind{"statement": payment.BankStatement, "settlement": payment.CourierSettlement}

// importStatement takes in a file of what has arrived and shows what became of
// its lines.
func importStatement(ctx context.Context, out streams, data, merchant, word, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return errNoFile.Because(err)
	}
	defer func() { _ = f.Close() }() // only read
	return with(ctx, out, data, func(h *house) error {
		m, err := h.merchant(ctx, merchant)
		if err != nil {
			return err
		}
		st, err := h.statements.Import(ctx, m, statementKinds[word], filepath.Base(path), f)
		if err != nil {
			return err
		}
		for _, e := range st.Errors[:min(len(st.Errors), shownErrors)] {
			fmt.Fprintf(out.err, "row %d, %s: %s\n", e.Row, e.Field, e.Message)
		}
		fmt.Fprintf(out.out, "%d rows, %d of them known before; %d rows had mistakes\n", st.Rows, st.Known, st.Failed)
		for _, status := range []payment.LineStatus{
			payment.LineMatched, payment.LinePartial, payment.LineOverpaid, payment.LineDifference, payment.LineUnmatched, payment.LineIgnored, payment.LineNew,
		} {
			if n := st.Counts[status]; n > 0 {
				fmt.Fprintf(out.out, "%6d %s\n", n, status)
			}
		}
		return nil
	})
}
