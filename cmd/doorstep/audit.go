package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"doorstep/customer"
)

const auditHelp = `Follows the audit log of each shop from its first entry and says where it was
changed: exit code 3 then. The head is the hash of the last entry. Write it down
elsewhere now and then: a log that still contains it has lost nothing of what
came before.

  doorstep audit verify
  doorstep audit verify --head 5:9f2c...     of one shop: entry 5 had this hash`

func runAudit(ctx context.Context, io streams, args []string) error {
	f, data := flags(io, "audit", "verify [--merchant ID] [--head SEQ:HASH]", auditHelp)
	merchant := f.String("merchant", "", "the merchant's `ID`; default all of them")
	head := f.String("head", "", "`SEQ:HASH` as it was printed before")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	if !known(words, map[string]int{"verify": 0}) {
		return usage(f, "say verify")
	}
	return with(ctx, io, *data, func(h *house) error {
		var all []uuid.UUID
		if *merchant != "" || *head != "" {
			m, err := h.merchant(ctx, *merchant)
			if err != nil {
				return err
			}
			all = append(all, m)
		} else {
			merchants, err := h.customers.Merchants(ctx)
			if err != nil {
				return err
			}
			for _, m := range merchants {
				all = append(all, m.ID)
			}
		}
		return h.verifyAudit(ctx, io, all, *head)
	})
}

func (h *house) verifyAudit(ctx context.Context, io streams, merchants []uuid.UUID, head string) error {
	rows := [][]string{{"MERCHANT", "ENTRIES", "HEAD", "STATE"}}
	violated := false
	var complaints []string
	for _, m := range merchants {
		chain, err := h.customers.VerifyAudit(ctx, m, head)
		if err != nil {
			return err
		}
		state := "whole"
		if len(chain.Broken) > 0 {
			state, violated = "BROKEN", true
		}
		rows = append(rows, []string{m.String(), strconv.FormatInt(chain.Entries, 10), fmt.Sprintf("%d:%s", chain.Entries, hex.EncodeToString(chain.Head)), state})
		for _, b := range chain.Broken {
			complaints = append(complaints, m.String()+": "+b)
		}
	}
	table(io, rows...)
	for _, c := range complaints {
		fmt.Fprintln(io.out, c)
	}
	if violated {
		return errViolated
	}
	return nil
}

// operated gives the context under which what a command does to a shop is
// written into its audit log.
func (h *house) operated(ctx context.Context, merchant uuid.UUID, action, subject string, after map[string]any) context.Context {
	act := &customer.Act{Merchant: merchant, Actor: "operator", Origin: "command line", Action: action, Subject: subject}
	if err := act.Compare(nil, after); err != nil {
		h.log.WarnContext(ctx, "the audit log will not say what changed", "error", err) // only for values that are no JSON
	}
	return h.customers.Watch(ctx, act)
}
