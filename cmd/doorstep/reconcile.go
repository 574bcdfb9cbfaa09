package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"doorstep/payment"
)

// bookless is the sandbox as a command sees it whose books the running program
// holds: nothing can be compared with them from here.
type bookless struct{ payment.Provider }

func runReconcile(ctx context.Context, io streams, args []string) error {
	f, data := flags(io, "reconcile", "[--days N] [--data DIR]", `Compares every charge and refund in the payment providers' books with the payments,
refunds and the ledger, writes each difference down and mends what can be mended.
The running program does the same once a day. It may be repeated. Exit code 0 means
that nothing is left open, 3 that a person has to look.`)
	days := f.Int("days", 0, "how many `DAYS` back; default DOORSTEP_RECONCILE_DAYS")
	if _, err := parse(f, args); err != nil {
		return err
	}
	c, err := settings(*data, "")
	if err != nil {
		return err
	}
	if *days == 0 {
		*days = c.ReconcileDays
	}
	if *days < 1 || *days > 400 {
		return usage(f, "--days wants 1 to 400")
	}
	dsn, server, err := database(ctx, c, quiet(io))
	if err != nil {
		return err
	}
	// The database was asleep: no program is running, and the sandbox's books are free.
	h, err := wire(ctx, c, quiet(io), dsn, server, server == nil)
	if err != nil {
		return err
	}
	defer h.close()
	return h.reconcile(ctx, io, *days)
}

func (h *house) reconcile(ctx context.Context, io streams, days int) error {
	if p, ok := h.payments.Provider("sandbox"); ok {
		if _, hidden := p.(bookless); hidden {
			fmt.Fprintln(io.out, "The sandbox's books belong to the program that is running: it compares them itself.")
		}
	}
	now := h.db.Now()
	r, err := h.payments.Reconcile(ctx, now.AddDate(0, 0, -days), now)
	fmt.Fprintf(io.out, "%d charges and %d payments of %d days; %d are under way.\n", r.Charges, r.Payments, days, r.Young)
	if len(r.Kinds) > 0 {
		rows := [][]string{{"DIFFERENCE", "NEW", "MENDED", "OPEN"}}
		for _, kind := range slices.Sorted(maps.Keys(r.Kinds)) {
			t := r.Kinds[kind]
			rows = append(rows, []string{string(kind), strconv.Itoa(t.Found), strconv.Itoa(t.Mended), strconv.Itoa(t.Open)})
		}
		table(io, rows...)
	}
	if r.Unassigned > 0 {
		fmt.Fprintf(io.out, "%d charges are of no merchant here.\n", r.Unassigned)
	}
	switch {
	case err != nil:
		return err
	case r.Total().Open > 0 || r.Unassigned > 0:
		fmt.Fprintln(io.out, "Some differences need a person: GET /v1/payment-differences lists them.")
		return errViolated
	}
	fmt.Fprintln(io.out, "Nothing is left open.")
	return nil
}
