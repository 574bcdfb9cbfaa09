package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"doorstep/cmd/doorstep/cases"
	"doorstep/internal/config"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/obs"
	"doorstep/internal/pgserver"
	"doorstep/search"
	"doorstep/search/bleveengine"
)

var errBelow = fault.New(fault.Conflict, "cases_below", "Fewer cases came out right than were wanted.")

// casesRun is what runCases was asked for.
type casesRun struct {
	io           streams
	world, cases string
	only         string // the id of one case
	check        bool
	atLeast      float64
}

// run builds the world in a scratch database, plays the cases, and prints a line of
// JSON for each.
func (r *casesRun) run(ctx context.Context) error {
	world, err := opened(r.world, cases.ReadWorld)
	if err != nil {
		return err
	}
	all, err := opened(r.cases, cases.ReadCases)
	if err != nil {
		return err
	}
	if r.only != "" {
		all = slices.DeleteFunc(all, func(c cases.Case) bool { return c.ID != r.only })
	}
	c, end, err := scratch(ctx)
	if err != nil {
		return err
	}
	defer end()
	warn := func(format string, args ...any) { fmt.Fprintf(r.io.err, "doorstep: "+format+"\n", args...) }
	out := json.NewEncoder(r.io.out)
	out.SetEscapeHTML(false)
	summary := &cases.Summary{}
	began := time.Now()
	begun := began
	err = playCases(ctx, c, world, all, playOptions{warn: warn, log: obs.NewLog(r.io.err, cmp.Or(os.Getenv("DOORSTEP_LOG"), "error")), check: r.check,
		built: func() { begun = time.Now() },
		played: func(c *cases.Case, result *cases.Result) error {
			summary.Add(c, result)
			return out.Encode(result)
		}})
	if err != nil {
		return err
	}
	fmt.Fprintf(r.io.err, "%d cases in %s, %.1f a second; the world took %s\n", len(all), time.Since(begun).Round(time.Millisecond),
		float64(len(all))/max(time.Since(begun).Seconds(), .001), begun.Sub(began).Round(time.Millisecond))
	if !r.check {
		return nil
	}
	summary.Print(r.io.err)
	if summary.Rate() < r.atLeast {
		return errBelow
	}
	return nil
}

// scratch is a configuration whose database and folder are gone after end: a private
// PostgreSQL, or a database of its own on the server that DATABASE_URL names.
func scratch(ctx context.Context) (c config.Config, end func(), err error) {
	folder, err := os.MkdirTemp("", "doorstep-cases-")
	if err != nil {
		return c, nil, err
	}
	remove := func() { _ = os.RemoveAll(folder) }   // what cannot be removed is in the temporary folder anyway
	if err := os.Chmod(folder, 0o711); err != nil { // PostgreSQL's own user has to get in
		remove()
		return c, nil, err
	}
	if c, err = settings(folder, "127.0.0.1:0"); err != nil {
		remove()
		return c, nil, err
	}
	given := c.DatabaseURL.Reveal()
	if given == "" {
		server, err := pgserver.Start(ctx, pgserver.Config{DataDir: folder, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			remove()
			return c, nil, err
		}
		c.DatabaseURL = config.Secret(server.DSN())
		return c, func() {
			_ = server.Stop(context.WithoutCancel(ctx)) // nothing in it is kept
			remove()
		}, nil
	}
	name := "doorstep_cases_" + id.Secret(8)
	own, drop, err := scratchDatabase(ctx, given, name)
	if err != nil {
		remove()
		return c, nil, err
	}
	c.DatabaseURL = config.Secret(own)
	return c, func() {
		drop()
		remove()
	}, nil
}

// scratchDatabase makes a database on a server, to be dropped afterwards.
func scratchDatabase(ctx context.Context, server, name string) (dsn string, drop func(), err error) {
	at, err := url.Parse(server)
	if err != nil || at.Scheme == "" {
		return "", nil, fault.New(fault.Invalid, "database_url_form", "The cases want DATABASE_URL as an address: postgres://user@host/database.")
	}
	do := func(ctx context.Context, sql string) error {
		conn, err := pgx.Connect(ctx, server)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }() // it has answered
		_, err = conn.Exec(ctx, sql)
		return err
	}
	quoted := pgx.Identifier{name}.Sanitize()
	if err := do(ctx, "create database "+quoted); err != nil {
		return "", nil, fmt.Errorf("a scratch database: %w", err)
	}
	at.Path = "/" + name
	return at.String(), func() {
		_ = do(context.WithoutCancel(ctx), "drop database if exists "+quoted+" with (force)") // the server's owner sees it by its name
	}, nil
}

// playOptions are what goes with a play.
type playOptions struct {
	warn   func(format string, args ...any)
	log    *slog.Logger
	check  bool
	built  func()
	played func(c *cases.Case, r *cases.Result) error
}

// playCases builds a world on an empty database and plays cases in it.
func playCases(ctx context.Context, c config.Config, world *cases.World, all []cases.Case, o playOptions) error {
	s, end, err := raise(ctx, c, world, o)
	if err != nil {
		return err
	}
	defer end()
	p, err := s.opening(ctx)
	if err != nil {
		return err
	}
	if o.built != nil {
		o.built()
	}
	for i := range all {
		result, err := p.play(ctx, &all[i], o.check)
		if err != nil {
			return fmt.Errorf("case %s: %w", all[i].ID, err)
		}
		if err := o.played(&all[i], result); err != nil {
			return err
		}
	}
	return nil
}

// raise builds a world in a shop of its own, on an empty database. Call end when
// there is no error.
func raise(ctx context.Context, c config.Config, world *cases.World, o playOptions) (s *stage, end func(), err error) {
	c.RateLimit, c.MetricsAddr, c.BaseURL, c.OTLPEndpoint, c.ShopKey, c.Env = 0, "", "http://127.0.0.1:8080", "", "", "development"
	c.SMTPURL, c.StripeKey, c.PayPalClientID = "", "", "" // nobody outside is told anything
	h, err := wire(ctx, c, o.log, c.DatabaseURL.Reveal(), nil, false)
	if err != nil {
		return nil, nil, err
	}
	var engine *bleveengine.Engine
	end = func() {
		if engine != nil {
			_ = engine.Close() // it is removed
		}
		h.close()
	}
	defer func() {
		if err != nil {
			end()
		}
	}()
	if engine, err = bleveengine.New(c.DataDir+"/search", bleveengine.Options{}); err != nil {
		return nil, nil, err
	}
	follower := search.NewFollower(engine, search.NewStore(h.db), shelf{h.catalog, h.customers}, search.FollowerOptions{Log: o.log})
	traces, err := obs.NewTraces(ctx, "", version)
	if err != nil {
		return nil, nil, err
	}
	door, err := h.door(ctx, engine, follower, obs.NewMetrics(h.db.Pool()), traces)
	if err != nil {
		return nil, nil, err
	}
	s = &stage{h: h, call: &inProcess{door: door}, world: world, warn: o.warn}
	if err := s.build(ctx); err != nil {
		return nil, nil, err
	}
	return s, end, index(ctx, follower)
}

// index makes the search index once: nothing that a case changes is searched for.
func index(ctx context.Context, follower *search.Follower) error {
	following, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = follower.Run(following) // it ends with its context
	}()
	defer func() {
		stop()
		<-done
	}()
	select {
	case <-follower.Ready():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
