package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/google/uuid"

	"doorstep/cmd/doorstep/shoppers"
	"doorstep/internal/config"
	"doorstep/internal/fault"
	"doorstep/internal/obs"
	"doorstep/notify"
)

var (
	errSimulatedBefore = fault.New(fault.Conflict, "simulated_before", "There is a shop in this folder already, and its past cannot be played again: name a fresh folder with --data.")
	errSimulateWhat    = fault.New(fault.Invalid, "simulate_plan", "--days wants 1 to 365, --per-day 1 to 2000.")
)

// simulated is the folder of the shops that are played.
const simulated = "./.doorstep-simulated"

func runSimulate(ctx context.Context, io streams, args []string) error {
	f, data := flags(io, "simulate", "[--days 60] [--seed 7] [--per-day 50] [--data DIR] [--json]",
		"Plays shoppers whose reasons are known, day by day up to now, in a demo shop of its own. Then it holds what the\nshop reports of them against the truth. See docs/abandonment.md.")
	days := f.Int("days", 60, "how many `days` of shopping")
	seed := f.Uint64("seed", 7, "the same `seed` gives the same people")
	perDay := f.Int("per-day", 50, "how many `people` come each day")
	asJSON := f.Bool("json", false, "print the truth and the report as JSON")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return usage(f, "simulate takes no arguments")
	}
	if *days < 1 || *days > 365 || *perDay < 1 || *perDay > 2000 {
		return errSimulateWhat
	}
	if *data == "" {
		*data = simulated
	}
	c, err := settings(*data, "127.0.0.1:0")
	if err != nil {
		return err
	}
	if c.Production() {
		return errDemoInProduction
	}
	if _, err := os.Stat(filepath.Join(c.DataDir, "demo.json")); err == nil {
		return errSimulatedBefore
	}
	s := simulation{io: io, plan: shoppers.Plan{Days: *days, Seed: *seed, PerDay: *perDay}, json: *asJSON}
	return s.run(ctx, c)
}

// simulation is one run of runSimulate.
type simulation struct {
	io   streams
	plan shoppers.Plan
	json bool
	shop demoShop
	seen uuid.UUID // the newest mail that was handed out
}

func (s *simulation) run(ctx context.Context, c config.Config) error {
	c.RateLimit, c.MetricsAddr, c.BaseURL = 0, "", ""
	c.TrustedProxies = []string{"127.0.0.1"} // each shopper has an address of their own
	if os.Getenv("DOORSTEP_LOG") == "" {
		c.LogLevel = "error"
	}
	ctx, over := context.WithCancel(ctx)
	defer over()
	return serve(ctx, c, obs.NewLog(s.io.err, c.LogLevel), func(h *house) error {
		defer over()
		return s.play(ctx, h)
	}, func(h *house) error {
		// Four days more than are played, for what follows from the last of them.
		s.plan.Begin = h.clock.Now().Add(-time.Duration(s.plan.Days+4) * 24 * time.Hour).Truncate(time.Hour)
		h.clock.Shift(s.plan.Begin.Sub(h.clock.Now()))
		var err error
		s.shop, err = h.prepareDemo(ctx)
		h.shopKey = s.shop.Publishable
		return err
	})
}

func (s *simulation) play(ctx context.Context, h *house) error {
	truth, err := shoppers.Play(ctx, s.plan, shoppers.Shop{
		URL: h.config.URL(), Publishable: s.shop.Publishable, Secret: s.shop.Secret,
		Now:       h.clock.Now,
		Move:      func(to time.Time) { h.clock.Shift(to.Sub(h.clock.Now())) },
		Sweep:     func(ctx context.Context) error { return s.sweep(ctx, h) },
		Reminders: func(ctx context.Context) ([]shoppers.Reminder, error) { return s.reminders(ctx, h) },
		Told: func(day, people int) {
			fmt.Fprintf(s.io.err, "\rday %d of %d, %d people", day, s.plan.Days+4, people)
		},
	})
	fmt.Fprintln(s.io.err)
	if err != nil {
		return err
	}
	report, err := shoppers.Compare(ctx, truth, h.config.URL(), s.shop.Secret)
	if err != nil {
		return err
	}
	if s.json {
		return json.NewEncoder(s.io.out).Encode(map[string]any{"truth": truth, "report": report})
	}
	report.Print(s.io.out)
	fmt.Fprintf(s.io.out, "\nLook at the shop: doorstep demo --data %s\n", h.config.DataDir)
	if !report.Holds() {
		return errViolated
	}
	return nil
}

// sweep does what time brings, and waits until all that follows is done.
func (s *simulation) sweep(ctx context.Context, h *house) error {
	if err := h.jobs.Once(ctx, "cart.", "checkout.expire", "recovery.", "analytics."); err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return h.jobs.Drain(waiting)
}

// mailed is the most mails that are looked through at once.
const mailed = 500

var recoverLink = regexp.MustCompile(`/recover/([^\s"?]+)`)

// reminders are the links of the mails that have come since.
func (s *simulation) reminders(ctx context.Context, h *house) ([]shoppers.Reminder, error) {
	mails, err := h.mail.CapturedMails(ctx, mailed)
	if err != nil {
		return nil, err
	}
	var all []shoppers.Reminder
	for _, mail := range mails {
		if mail.ID == s.seen {
			break
		}
		if mail.Kind != notify.CartReminder {
			continue
		}
		link := recoverLink.FindStringSubmatch(mail.Text)
		if link == nil {
			return nil, fmt.Errorf("the reminder %s has no link", mail.ID)
		}
		token, err := url.PathUnescape(link[1])
		if err != nil {
			return nil, err
		}
		all = append(all, shoppers.Reminder{Email: mail.To, Token: token})
	}
	if len(mails) > 0 {
		s.seen = mails[0].ID
	}
	return all, nil
}
