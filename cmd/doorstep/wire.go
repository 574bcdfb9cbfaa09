package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/analytics"
	"doorstep/api"
	"doorstep/cart"
	"doorstep/catalog"
	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/internal/clock"
	"doorstep/internal/config"
	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/idem"
	"doorstep/internal/jobs"
	"doorstep/internal/obs"
	"doorstep/internal/pgserver"
	"doorstep/migrations"
	"doorstep/notify"
	"doorstep/notify/gate"
	"doorstep/notify/recovery"
	"doorstep/notify/webhook"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/payment/sandbox"
	"doorstep/pricing"
	"doorstep/recommend"
	"doorstep/search"
	"doorstep/shipping"
	"doorstep/shipping/label"
	"doorstep/shipping/rating"
	"doorstep/shipping/supplier"
	"doorstep/shipping/track"
	supportdesk "doorstep/support/desk"
	"doorstep/support/dialog"
	"doorstep/support/hook"
	"doorstep/support/inbound"
)

// settings reads the environment; data and addr win over it when given.
func settings(data, addr string) (config.Config, error) {
	c, err := config.Load()
	if err != nil {
		return c, err
	}
	if data != "" {
		c.DataDir = data
	}
	if addr != "" {
		c.Addr = addr
	}
	return c, c.Validate()
}

// build says which program this is.
func build() api.Version {
	v := api.Version{Version: version, Commit: commit, Go: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok && commit == "" {
		v.Commit = "unknown"
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Commit = s.Value
			}
		}
	}
	return v
}

// house is all rooms, wired together: what every command works with.
type house struct {
	config  config.Config
	log     *slog.Logger
	clock   *clock.System
	server  *pgserver.Server // nil when the database is not ours
	dsn     string
	db      *db.DB
	vault   *customer.Vault
	gateway *sandbox.Gateway // nil in production
	demo    bool             // with demo data and the helpers under /dev
	shopKey string           // publishable, of the shop that /shop shows
	atOnce  int              // how much errands do at a time; zero is what each finds right
	abroad  clock.Clock      // the sandbox gateway's own clock; nil is the shop's

	customers  *customer.Service
	contacts   *customer.Contacts
	catalog    *catalog.Service
	pricing    *pricing.Service
	shipping   *shipping.Service
	accounts   *shipping.Accounts // with carriers
	labels     *label.Service
	tracks     *track.Service
	suppliers  *supplier.Service
	carts      *cart.Service
	analytics  *analytics.Service
	recommend  *recommend.Service
	terms      *search.Terms // what is searched for
	payments   *payment.Service
	statements *payment.Statements
	orders     *order.Service
	documents  *order.Documents
	checkouts  *checkout.Service
	mail       *notify.Service
	gate       *gate.Gate // for mail that nobody has to be sent
	recovery   *recovery.Service
	desks      *supportdesk.Desks // how shops answer
	talks      *dialog.Service    // the assistant; there with the door
	letters    *inbound.Service   // that customers write
	support    *hook.Service      // what they notice before they are asked
	inboxes    inboxRoom          // where staff answer
	webhooks   *webhook.Service
	idem       *idem.Store
	jobs       *jobs.Runner
	writer     *api.Writer

	inbox *payment.Inbox // what payment providers tell

	closers []func()
}

// database finds the database of the data folder: the one that is named, the
// one that a running program has, or one of our own that is started now.
func database(ctx context.Context, c config.Config, log *slog.Logger) (dsn string, server *pgserver.Server, err error) {
	if c.DatabaseURL != "" {
		return c.DatabaseURL.Reveal(), nil, nil
	}
	dsn, running, err := pgserver.Running(c.DataDir)
	if err != nil || running {
		return dsn, nil, err
	}
	return startDatabase(ctx, c, log)
}

func startDatabase(ctx context.Context, c config.Config, log *slog.Logger) (string, *pgserver.Server, error) {
	server, err := pgserver.Start(ctx, pgserver.Config{DataDir: c.DataDir, Log: log})
	if err != nil {
		return "", nil, err
	}
	return server.DSN(), server, nil
}

// open wires the house for a command that works beside the running program, or
// without one. Close it afterwards.
func open(ctx context.Context, c config.Config, log *slog.Logger) (*house, error) {
	dsn, server, err := database(ctx, c, log)
	if err != nil {
		return nil, err
	}
	return wire(ctx, c, log, dsn, server, true)
}

// wire builds every room on the database at dsn. With sharing, the sandbox's
// books are left to the program that is running.
func wire(ctx context.Context, c config.Config, log *slog.Logger, dsn string, server *pgserver.Server, sharing bool) (_ *house, err error) {
	h := &house{config: c, log: log, clock: &clock.System{}, server: server, dsn: dsn, shopKey: c.ShopKey}
	if server != nil {
		h.closers = append(h.closers, func() {
			stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.ShutdownTimeout)
			defer cancel()
			if err := server.Stop(stopping); err != nil {
				log.Error("PostgreSQL did not stop", "error", err)
			}
		})
	}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	if err := os.MkdirAll(c.DataDir, 0o711); err != nil {
		return nil, fmt.Errorf("the data folder: %w", err)
	}
	if err := migrations.Up(ctx, dsn); err != nil {
		return nil, err
	}
	if h.db, err = db.Open(ctx, db.Config{URL: dsn, Clock: h.clock, MaxConns: c.MaxConns}); err != nil {
		return nil, err
	}
	h.closers = append(h.closers, h.db.Close)
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	h.closers = append(h.closers, stop)
	if err := h.clock.Follow(following, time.Minute, h.db.Time); err != nil {
		return nil, err
	}
	master, err := customer.LoadMasterKey(c.DataDir, c.MasterKey.Reveal())
	if err != nil {
		return nil, err
	}
	if h.vault, err = customer.NewVault(master); err != nil {
		return nil, err
	}
	if err := h.rooms(sharing); err != nil {
		return nil, err
	}
	return h, nil
}

// rooms makes the services, from the ground floor up.
func (h *house) rooms(sharing bool) error {
	c := h.config
	h.idem = idem.New(h.db)
	h.customers = customer.New(h.db, h.vault)
	h.contacts = customer.NewContacts(h.db, h.vault)
	h.catalog = catalog.New(h.db, catalog.WithBump(h.customers.Bump))
	h.pricing = pricing.New(h.db, h.customers.Bump)
	if err := h.mails(); err != nil {
		return err
	}
	h.writer = &api.Writer{Track: func(o *order.Order) string { return h.trackingURL(o) }, Secure: strings.HasPrefix(c.URL(), "https://")}
	h.orders = order.New(order.Config{
		DB: h.db, Links: h.vault, EmailHMAC: h.vault.EmailHMAC, Seal: h.vault.Seal, Emails: h.contacts.Emails, Log: h.log,
		ReturnDays: h.returnDays, Shelf: h.catalog, Price: h.priceLines, Contact: h.contacts.Contact, Customer: h.buyer,
	})
	var rater *rating.Rater
	var err error
	if h.accounts, rater, err = h.carrierAccounts(); err != nil {
		return err
	}
	h.shipping = shipping.New(shipping.Config{DB: h.db, Orders: h.orders, Accounts: h.accounts, Rater: rater, Bump: func(tx db.Tx, m uuid.UUID) {
		_ = h.customers.Bump(context.Background(), tx, m) // it only queues
	}})
	h.carriersAtWork()
	providers, err := h.providers(sharing)
	if err != nil {
		return err
	}
	h.payments = payment.New(payment.Config{DB: h.db, Orders: h.orders, Providers: providers, Timeout: c.GatewayTimeout, AtOnce: h.atOnce, Log: h.log})
	h.statements = payment.NewStatements(payment.StatementsConfig{DB: h.db, Payments: h.payments, Vault: h.vault, Number: order.ParseNumber, Log: h.log})
	h.orders.Connect(h.payments, h.shipping)
	h.supply()
	h.documents = order.NewDocuments(order.DocumentsConfig{
		DB: h.db, Orders: h.orders, Payments: h.payments, Settings: h.customers, Contacts: h.contacts, Seal: h.vault.SealSecret, Open: h.vault.OpenSecret,
	})
	h.carts = cart.New(cart.Config{DB: h.db, Rules: cartRules{h}, Promotions: h.pricing, TTL: c.CartTTL, Checkouts: checkoutStates{h}})
	h.closers = append(h.closers, h.lastEvents)
	h.terms = search.NewTerms(h.db)
	h.recommend = recommend.New(recommend.Config{
		DB: h.db, Shelf: h.catalog, Log: h.log, Feed: h.catalog, Currency: h.firstCurrency, EventsKept: c.EventsKept, LargeLines: c.RecommendLarge,
	})
	h.closers = append(h.closers, h.lastLists)
	h.customers.OnErase(h.recommend.Forget)
	h.analytics = analytics.New(analytics.Config{DB: h.db, Zones: shopZones{h.customers}, Keep: c.JourneyLog})
	h.checkouts = checkout.New(checkout.Config{
		DB: h.db, Vault: h.vault, Rules: h, Carriers: h.shipping, Carts: cartSource{h.carts}, Promotions: h.pricing, Orders: h.orders, Providers: h.payments, Answers: h.writer,
		Log: h.log, Later: h.carts.Later, TTL: c.CheckoutTTL, HoldTTL: c.ReservationTTL, GatewayTimeout: c.GatewayTimeout, AtOnce: h.atOnce,
	})
	h.inbox = payment.NewInbox(payment.InboxConfig{
		DB: h.db, Providers: h.payments, Settler: settler{h.checkouts}, Adopter: h.payments, Merchants: merchantList{h.customers},
		Now: h.unshifted, Timeout: c.GatewayTimeout + 5*time.Second, AtOnce: h.atOnce, Log: h.log,
	})
	h.payments.Connect(h.settle, shelf{h.catalog, h.customers}.Merchants)
	if err := h.hooks(); err != nil {
		return err
	}
	h.recoveries()
	h.supports()
	h.forgetTalks()
	h.mailIn()
	h.jobs = jobs.New(h.db, jobs.Config{Log: h.log, Timeout: c.JobTimeout})
	h.subscribe()
	return nil
}

// providers are the payment gateways. The sandbox is refused in production: a
// shop must not think that it has been paid.
func (h *house) providers(sharing bool) ([]payment.Provider, error) {
	live := append(h.stripe(), h.paypal()...) // what moves money comes before what plays
	if h.config.Production() {
		return live, nil
	}
	books := ""
	if !sharing {
		books = filepath.Join(h.config.DataDir, booksFile)
	}
	var err error
	var now clock.Clock = h.db
	if h.abroad != nil {
		now = h.abroad
	}
	if h.gateway, err = sandbox.Open(books, h.config.URL()+"/dev/3ds/", now); err != nil {
		return nil, err
	}
	h.closers = append(h.closers, func() { _ = h.gateway.Close() }) // every line was written when it was answered
	// Its webhooks are signed as Stripe's are.
	h.gateway.Secrets = h.config.StripeSecrets()
	if sharing {
		return append(live, bookless{h.gateway}), nil
	}
	return append(live, h.gateway), nil
}

// unshifted is the world's time, whatever the demo's clock was moved to.
func (h *house) unshifted() time.Time { return h.clock.Now().Add(-h.clock.Shift(0)) }

// deliverNews lets the sandbox of the demo tell its news to the program's own
// inbox, over HTTP and signed, as a real gateway does. Where the operator has set
// secrets, somebody else delivers.
func (h *house) deliverNews(addr string) {
	if !h.demo || len(h.gateway.Secrets) > 0 {
		return
	}
	secret := "whsec_" + id.Secret(20)
	h.gateway.Secrets = []string{secret}
	h.gateway.Deliver(sandbox.Post{URL: "http://" + reachable(addr) + "/webhooks/payments/sandbox", Secret: secret, Now: h.unshifted})
}

// trackingURL is the page of an order. What it shows the API tells under
// /v1/track/ and the same token.
func (h *house) trackingURL(o *order.Order) string {
	return h.config.URL() + "/t/" + h.orders.TrackingToken(o)
}

// close undoes wire, the last thing first.
func (h *house) close() {
	for i := len(h.closers) - 1; i >= 0; i-- {
		h.closers[i]()
	}
	h.closers = nil
}

// quiet is the log of commands: only what an operator must see, on stderr.
func quiet(io streams) *slog.Logger { return obs.NewLog(io.err, "warn") }

// proxies reads the trusted proxies: addresses or networks.
func proxies(list []string) ([]netip.Prefix, error) {
	all := make([]netip.Prefix, 0, len(list))
	for _, text := range list {
		text = strings.TrimSpace(text)
		if p, err := netip.ParsePrefix(text); err == nil {
			all = append(all, p)
			continue
		}
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, errors.New("config: DOORSTEP_TRUSTED_PROXIES: " + text + " is no address and no network")
		}
		all = append(all, netip.PrefixFrom(a, a.BitLen()))
	}
	return all, nil
}
