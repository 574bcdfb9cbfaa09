package main

import (
	"context"
	"fmt"

	"github.com/google/uuid"
)

func runAnalytics(ctx context.Context, io streams, args []string) error {
	f, data := flags(io, "analytics", "rebuild [--merchant ID] [--data DIR]",
		"Makes the figures of all merchants, or of one, anew from the log of journeys, beside the running program or without it,\nand compares them with those before, to the byte. Exit code 3 when they were not what the log gives.")
	merchant := f.String("merchant", "", "only this merchant's `ID`")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	if !known(words, map[string]int{"rebuild": 0}) {
		return usage(f, "say rebuild")
	}
	return with(ctx, io, *data, func(h *house) error {
		var all []uuid.UUID
		if *merchant != "" {
			m, err := h.merchant(ctx, *merchant)
			if err != nil {
				return err
			}
			all = append(all, m)
		} else {
			found, err := h.customers.Merchants(ctx)
			if err != nil {
				return err
			}
			for _, m := range found {
				all = append(all, m.ID)
			}
		}
		other := false
		for _, m := range all {
			r, err := h.analytics.Rebuild(ctx, m)
			if err != nil {
				return err
			}
			verdict := "identical"
			switch {
			case r.Before == "":
				verdict = "nothing to compare with"
			case !r.Same():
				verdict, other = "DIFFERENT before: "+r.Before[:16], true
			}
			fmt.Fprintf(io.out, "%s  %d journeys  %s  %s\n", m, r.Journeys, r.After[:16], verdict)
		}
		if other {
			return errViolated
		}
		return nil
	})
}
