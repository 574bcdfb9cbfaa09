package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/cmd/doorstep/demo"
	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/obs"
	"doorstep/notify/recovery"
	"doorstep/pricing"
	"doorstep/web"
)

var errDemoInProduction = fault.New(fault.Conflict, "demo_in_production", "The demo plays payments and shows mails, so it does not run with DOORSTEP_ENV=production.")

func runDemo(ctx context.Context, io streams, args []string) error {
	f, data, addr := serveFlags(io, "demo", "[--addr HOST:PORT] [--data DIR] [--json]",
		"Starts the whole shop with a private PostgreSQL, demo data, sandbox payments and captured mail.\nA second start on the same folder keeps what was sold.")
	asJSON := f.Bool("json", false, "print one line of JSON on standard output when ready")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return usage(f, "demo takes no arguments")
	}
	c, err := settings(*data, *addr)
	if err != nil {
		return err
	}
	if c.Production() {
		return errDemoInProduction
	}
	c.RateLimit = 0 // everybody here is on this machine
	if os.Getenv("DOORSTEP_LOG") == "" {
		c.LogLevel = "warn"
	}
	if !*asJSON {
		fmt.Fprintln(io.err, "Starting. The first time this takes a few seconds: a database is made and filled.")
	}
	var shop demoShop
	return serve(ctx, c, obs.NewLog(io.err, c.LogLevel), func(h *house) error {
		if *asJSON {
			return json.NewEncoder(io.out).Encode(map[string]string{
				"api_url": h.config.URL(), "publishable_key": shop.Publishable, "secret_key": shop.Secret,
			})
		}
		shop.print(io, h.config.URL())
		return nil
	}, func(h *house) error {
		shop, err = h.prepareDemo(ctx)
		h.shopKey = shop.Publishable
		return err
	})
}

// demoShop is what a second start must know again: keys are kept hashed, so the
// demo keeps its own in a file of the data folder.
type demoShop struct {
	Merchant    uuid.UUID `json:"merchant"`
	Publishable string    `json:"publishable_key"`
	Secret      string    `json:"secret_key"`
}

func (d demoShop) print(io streams, url string) {
	fmt.Fprintf(io.out, `
Doorstep is ready.

  shop              %[1]s/shop
  API               %[1]s/v1
  dashboard         %[1]s/admin   (sign in as %[4]s; the code is in the captured mail)
  documentation     %[1]s/docs
  captured mail     %[1]s/dev/mail
  publishable key   %[2]s
  secret key        %[3]s

Try:
  curl '%[1]s/v1/search?q=pomegranate+mug' -H 'Authorization: Bearer %[2]s'

Stop with Ctrl-C; the next start keeps everything.
`, url, d.Publishable, d.Secret, web.DemoOwner)
}

// prepareDemo makes the demo shop, or finds the one made before. Each step may
// be repeated, so that a start that was cut off is finished by the next one.
func (h *house) prepareDemo(ctx context.Context) (demoShop, error) {
	file := filepath.Join(h.config.DataDir, "demo.json")
	var shop demoShop
	text, err := os.ReadFile(file)
	if err == nil {
		if err := json.Unmarshal(text, &shop); err != nil {
			return shop, fmt.Errorf("%s: %w", file, err)
		}
		if _, err := h.customers.Merchant(ctx, shop.Merchant); err == nil {
			return shop, h.demoOwner(ctx, shop.Merchant)
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return shop, err
	}
	if shop, err = h.makeDemo(ctx); err != nil {
		return shop, fmt.Errorf("demo data: %w", err)
	}
	text, err = json.MarshalIndent(shop, "", "  ") //nolint:gosec // the keys of the demo are kept in the open for whoever tries it out
	if err != nil {
		return shop, err
	}
	return shop, os.WriteFile(file, append(text, '\n'), 0o600)
}

func (h *house) makeDemo(ctx context.Context) (shop demoShop, err error) {
	var set customer.Settings
	if err := json.Unmarshal(demo.Settings, &set); err != nil {
		return shop, err
	}
	if shop.Merchant, err = h.demoMerchant(ctx, set); err != nil {
		return shop, err
	}
	if err := h.demoPolicy(ctx, shop.Merchant); err != nil {
		return shop, err
	}
	if err := h.demoPrices(ctx, shop.Merchant); err != nil {
		return shop, err
	}
	if err := h.demoProducts(ctx, shop.Merchant, set.Currencies[0]); err != nil {
		return shop, err
	}
	// The demo reminds everybody it may, and at once; how few that are in most
	// countries without consent is what its dry run shows.
	if _, err := h.recovery.Change(ctx, shop.Merchant, nil, func(s *recovery.Settings) error {
		s.Enabled, s.SoftOptIn, s.CanaryBps = true, true, 10000
		return nil
	}); err != nil {
		return shop, err
	}
	if _, shop.Publishable, err = h.customers.CreateKey(ctx, shop.Merchant, customer.NewKey{Kind: customer.Publishable, Name: "demo", Origins: []string{"*"}}); err != nil {
		return shop, err
	}
	if _, shop.Secret, err = h.customers.CreateKey(ctx, shop.Merchant, customer.NewKey{Kind: customer.SecretKey, Name: "demo", Scopes: []string{"*"}}); err != nil {
		return shop, err
	}
	return shop, h.demoOwner(ctx, shop.Merchant)
}

// demoOwner makes somebody who can sign in to the dashboard: the code is in the
// captured mail.
func (h *house) demoOwner(ctx context.Context, merchant uuid.UUID) error {
	_, code, err := h.customers.Invite(ctx, merchant, web.DemoOwner, customer.Owner)
	if errors.Is(err, customer.ErrStaffActive) {
		return nil
	}
	if err != nil {
		return err
	}
	session, _, err := h.customers.JoinStaff(ctx, merchant, code, "")
	if err != nil {
		return err
	}
	return h.customers.SignOutStaff(ctx, merchant, session.ID)
}

// demoMerchant makes the merchant, or finds the one of a start that was cut off.
func (h *house) demoMerchant(ctx context.Context, set customer.Settings) (uuid.UUID, error) {
	all, err := h.customers.Merchants(ctx)
	if err != nil {
		return uuid.Nil, err
	}
	for _, m := range all {
		if m.Name == set.Name {
			return m.ID, nil
		}
	}
	m, err := h.customers.CreateMerchant(ctx, set.Name, set)
	return m.ID, err
}

func (h *house) demoPolicy(ctx context.Context, merchant uuid.UUID) error {
	live, _, err := h.shipping.Live(ctx, merchant)
	if err != nil || live != nil {
		return err
	}
	draft, err := h.shipping.NewDraft(ctx, merchant, demo.ShippingPolicy)
	if err != nil {
		return err
	}
	_, err = h.shipping.Publish(ctx, merchant, draft.ID)
	return err
}

func (h *house) demoPrices(ctx context.Context, merchant uuid.UUID) error {
	var promotions []struct {
		Promotion pricing.Promotion `json:"promotion"`
		Codes     []string          `json:"codes"`
	}
	if err := json.Unmarshal(demo.Promotions, &promotions); err != nil {
		return err
	}
	there, _, err := h.pricing.Promotions(ctx, merchant, "", 100, "")
	if err != nil {
		return err
	}
	made := map[string]uuid.UUID{}
	for i := range there {
		made[there[i].Name["en"]] = there[i].ID
	}
	for _, p := range promotions {
		promotion, found := made[p.Promotion.Name["en"]]
		if !found {
			r, err := h.pricing.CreatePromotion(ctx, merchant, p.Promotion)
			if err != nil {
				return err
			}
			promotion = r.ID
		}
		codes := p.Codes[:0:0]
		for _, c := range p.Codes {
			if !strings.EqualFold(c, p.Promotion.PublicCode) { // that one comes with the promotion
				codes = append(codes, c)
			}
		}
		if len(codes) == 0 {
			continue
		}
		if err := h.pricing.AddCodes(ctx, merchant, promotion, codes, false); err != nil && !errors.Is(err, pricing.ErrCodeTaken) {
			return err
		}
	}
	var rates []pricing.TaxRate
	if err := json.Unmarshal(demo.TaxRates, &rates); err != nil {
		return err
	}
	for _, t := range rates {
		if _, err := h.pricing.CreateTaxRate(ctx, merchant, t); err != nil && !errors.Is(err, pricing.ErrTaxRateTaken) {
			return err
		}
	}
	return nil
}

// demoProducts takes the catalogue in by the same road as any merchant's file.
func (h *house) demoProducts(ctx context.Context, merchant uuid.UUID, currency string) error {
	file := filepath.Join(h.config.DataDir, "demo-products.csv")
	if err := os.WriteFile(file, demo.Products, 0o600); err != nil {
		return err
	}
	defer func() { _ = os.Remove(file) }() // the next start writes it again
	sum := sha256.Sum256(demo.Products)
	i, err := h.catalog.StartImport(ctx, merchant, catalog.ImportFile{
		Name: "demo-products.csv", Path: file, SHA256: sum[:], Size: int64(len(demo.Products)),
	}, catalog.ImportOptions{Currency: currency})
	if err != nil {
		return err
	}
	return h.catalog.RunImport(ctx, merchant, i.ID)
}
