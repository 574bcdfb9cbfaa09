package main

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"doorstep/cmd/doorstep/verify"
	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/migrations"
	"doorstep/payment/sandbox"
	"doorstep/shipping"
)

var errWhichMerchant = fault.New(fault.Invalid, "which_merchant", "There are several merchants here: say which with --merchant ID (doorstep merchants list).")
var errNoMerchant = fault.New(fault.NotFound, "no_merchant", "There is no merchant yet: doorstep merchants create NAME.")

// with opens the house beside whatever runs on the data folder, and closes it.
func with(ctx context.Context, io streams, data string, do func(h *house) error) error {
	c, err := settings(data, "")
	if err != nil {
		return err
	}
	h, err := open(ctx, c, quiet(io))
	if err != nil {
		return err
	}
	defer h.close()
	return do(h)
}

// merchant is the one that is named, or the only one there is.
func (h *house) merchant(ctx context.Context, named string) (uuid.UUID, error) {
	if named != "" {
		m, err := uuid.Parse(named)
		if err != nil {
			return m, fault.New(fault.Invalid, "merchant_id_invalid", "--merchant wants an id as doorstep merchants list prints it.")
		}
		_, err = h.customers.Merchant(ctx, m)
		return m, err
	}
	all, err := h.customers.Merchants(ctx)
	switch {
	case err != nil:
		return uuid.Nil, err
	case len(all) == 0:
		return uuid.Nil, errNoMerchant
	case len(all) > 1:
		return uuid.Nil, errWhichMerchant
	}
	return all[0].ID, nil
}

// table prints rows in columns.
func table(io streams, rows ...[]string) {
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	_ = w.Flush() // standard output: nobody left to tell
}

func runMigrate(ctx context.Context, io streams, args []string) error {
	f, data := flags(io, "migrate", "[--data DIR]", "Brings the database to this version's schema. It may be repeated and run by several at once.")
	if _, err := parse(f, args); err != nil {
		return err
	}
	return with(ctx, io, *data, func(h *house) error {
		fmt.Fprintf(io.out, "The schema is current (%s).\n", migrations.Hash())
		return nil
	})
}

func runMerchants(ctx context.Context, io streams, args []string) error {
	f, data := flags(io, "merchants", "create NAME [--currency EUR] | list", "Shops on this installation. Each has its own catalogue, keys, orders and settings.")
	currency := f.String("currency", "EUR", "the shop's first `CURRENCY`")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	switch {
	case len(words) == 2 && words[0] == "create":
		return with(ctx, io, *data, func(h *house) error { return h.createMerchant(ctx, io, words[1], strings.ToUpper(*currency)) })
	case len(words) == 1 && words[0] == "list":
		return with(ctx, io, *data, func(h *house) error {
			all, err := h.customers.Merchants(ctx)
			rows := [][]string{{"ID", "NAME", "CREATED"}}
			for _, m := range all {
				rows = append(rows, []string{m.ID.String(), m.Name, m.CreatedAt.Format(time.DateOnly)})
			}
			table(io, rows...)
			return err
		})
	}
	return usage(f, "say create NAME or list")
}

// createMerchant makes a shop that can sell at once: with settings, a simple
// shipping policy and its first secret key.
func (h *house) createMerchant(ctx context.Context, io streams, name, currency string) error {
	m, err := h.customers.CreateMerchant(ctx, name, customer.DefaultSettings(name, currency))
	if err != nil {
		return err
	}
	document, err := shipping.StarterPolicy(currency)
	if err != nil {
		return err
	}
	draft, err := h.shipping.NewDraft(ctx, m.ID, document)
	if err != nil {
		return err
	}
	if _, err := h.shipping.Publish(ctx, m.ID, draft.ID); err != nil {
		return err
	}
	_, text, err := h.customers.CreateKey(ctx, m.ID, customer.NewKey{Kind: customer.SecretKey, Name: "first", Scopes: []string{"*"}})
	if err != nil {
		return err
	}
	table(io, []string{"merchant", m.ID.String()}, []string{"secret key", text + "   (shown once)"})
	return nil
}

func runStaff(ctx context.Context, io streams, args []string) error {
	f, data := flags(io, "staff", "invite EMAIL --role ROLE | list | remove ID", "People who work for a shop. An invitation is a code that works once, for seven days; it is also sent by mail.")
	role := f.String("role", "manager", "`ROLE`: owner, manager, agent, packer or reader")
	merchant := f.String("merchant", "", "the merchant's `ID`, when there are several")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	if !known(words, map[string]int{"invite": 1, "list": 0, "remove": 1}) {
		return usage(f, "say invite EMAIL, list or remove ID")
	}
	return with(ctx, io, *data, func(h *house) error {
		m, err := h.merchant(ctx, *merchant)
		if err != nil {
			return err
		}
		switch words[0] {
		case "invite":
			s, code, err := h.customers.Invite(h.operated(ctx, m, "invite-staff", "", map[string]any{"role": *role}), m, words[1], customer.Role(*role))
			if err != nil {
				return err
			}
			table(io, []string{"staff", s.ID.String()}, []string{"code", code + "   (shown once, works once within 7 days)"})
			return nil
		case "remove":
			s, err := uuid.Parse(words[1])
			if err != nil {
				return usage(f, "remove wants an id as staff list prints it")
			}
			return h.customers.RemoveStaff(h.operated(ctx, m, "remove-staff", s.String(), nil), m, s)
		case "list":
			all, err := h.customers.ListStaff(ctx, m)
			rows := [][]string{{"ID", "ROLE", "STATUS", "EMAIL"}}
			for _, s := range all {
				rows = append(rows, []string{s.ID.String(), string(s.Role), s.Status, s.Email})
			}
			table(io, rows...)
			return err
		}
		return nil
	})
}

// known says whether the first word is one of those, with as many others behind
// it as it needs: whoever mistypes should learn it before a database starts.
func known(words []string, needs map[string]int) bool {
	if len(words) == 0 {
		return false
	}
	n, ok := needs[words[0]]
	return ok && n == len(words)-1
}

const keysHelp = `Makes, lists and revokes API keys. A publishable key may stand in a storefront and
do what a shopper may; name the web origins where browsers may use it. A secret
key stays on servers and does what its scopes say.

  doorstep keys create --publishable --origin https://shop.example
  doorstep keys create --scope orders:read --scope refunds:write --name accounting
  doorstep keys revoke 0199...

Scopes: catalog, stock, orders, refunds, shipping, promotions, customers,
analytics, support, settings, each with :read or :write; * is everything.`

// list is a flag that may be given several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, ", ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func runKeys(ctx context.Context, io streams, args []string) error {
	f, data := flags(io, "keys", "create | list | revoke ID", keysHelp)
	var scopes, origins list
	publishable := f.Bool("publishable", false, "a key for storefronts")
	f.Var(&scopes, "scope", "what a secret key may do; may be repeated; default *")
	f.Var(&origins, "origin", "a web `ORIGIN` where browsers may use a publishable key; may be repeated; * is any")
	name := f.String("name", "", "what it is for")
	expires := f.Duration("expires-in", 0, "how long it works, such as 720h; default for ever")
	merchant := f.String("merchant", "", "the merchant's `ID`, when there are several")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	if !known(words, map[string]int{"create": 0, "list": 0, "revoke": 1}) {
		return usage(f, "say create, list or revoke ID")
	}
	return with(ctx, io, *data, func(h *house) error {
		m, err := h.merchant(ctx, *merchant)
		if err != nil {
			return err
		}
		switch words[0] {
		case "create":
			n := customer.NewKey{Kind: customer.SecretKey, Name: *name, Scopes: scopes, Origins: origins}
			if *publishable || len(origins) > 0 {
				n.Kind = customer.Publishable
			} else if len(scopes) == 0 {
				n.Scopes = []string{"*"}
			}
			if *expires != 0 {
				at := h.db.Now().Add(*expires)
				n.ExpiresAt = &at
			}
			k, text, err := h.customers.CreateKey(h.operated(ctx, m, "create-key", "", map[string]any{"kind": n.Kind, "name": n.Name, "scopes": n.Scopes, "origins": n.Origins, "expires_at": n.ExpiresAt}), m, n)
			if err != nil {
				return err
			}
			table(io, []string{"id", k.ID.String()}, []string{"key", text}, []string{"", "It is shown only now."})
			return nil
		case "revoke":
			k, err := uuid.Parse(words[1])
			if err != nil {
				return usage(f, "revoke wants an id as keys list prints it")
			}
			_, err = h.customers.RevokeKey(h.operated(ctx, m, "revoke-key", k.String(), nil), m, k)
			return err
		case "list":
			return h.listKeys(ctx, io, m)
		}
		return nil
	})
}

func (h *house) listKeys(ctx context.Context, io streams, merchant uuid.UUID) error {
	all, err := h.customers.ListKeys(ctx, merchant)
	rows := [][]string{{"ID", "KIND", "NAME", "ENDS IN", "SCOPES", "ORIGINS", "STATE", "LAST USED"}}
	for _, k := range all {
		state, used := "live", "never"
		switch {
		case k.RevokedAt != nil:
			state = "revoked"
		case k.ExpiresAt != nil && !h.db.Now().Before(*k.ExpiresAt):
			state = "expired"
		}
		if k.LastUsedAt != nil {
			used = k.LastUsedAt.Format(time.RFC3339)
		}
		rows = append(rows, []string{k.ID.String(), string(k.Kind), k.Name, k.Last4, strings.Join(k.Scopes, " "), strings.Join(k.Origins, " "), state, used})
	}
	table(io, rows...)
	return err
}

func runVerify(ctx context.Context, io streams, args []string) error {
	f, data := flags(io, "verify", "[--data DIR]", "Checks on the live tables that nothing was lost or doubled: orders, payments, the\ngateway's books, stock, discounts, derived states. Exit code 0 means all is well, 3 that it is not.")
	if _, err := parse(f, args); err != nil {
		return err
	}
	return with(ctx, io, *data, func(h *house) error {
		var books []verify.Books
		if !h.config.Production() {
			books = append(books, sandbox.Journal(filepath.Join(h.config.DataDir, booksFile)))
		}
		found, err := verify.Run(ctx, h.db, h.db.Now(), books...)
		if err != nil {
			return err
		}
		for _, v := range found {
			fmt.Fprintln(io.out, v)
		}
		if len(found) > 0 {
			return errViolated
		}
		fmt.Fprintf(io.out, "All %d invariants hold.\n", len(verify.Invariants()))
		return nil
	})
}

func runDB(ctx context.Context, io streams, args []string) error {
	f, data := flags(io, "db", "url [--data DIR]", "Prints the address of the running database, for psql: psql \"$(doorstep db url)\".")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(words) != 1 || words[0] != "url" {
		return usage(f, "say doorstep db url")
	}
	c, err := settings(*data, "")
	if err != nil {
		return err
	}
	dsn, server, err := database(ctx, c, quiet(io))
	if err != nil {
		return err
	}
	if server != nil { // it was started only now, and ends with this command
		_ = server.Stop(ctx)
		return fault.New(fault.Conflict, "database_not_running", "The private database runs with doorstep serve or demo. Start one of them first.")
	}
	fmt.Fprintln(io.out, dsn)
	return nil
}

var _ flag.Value = (*list)(nil)
