package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"syscall"
	"time"

	"github.com/google/uuid"

	"doorstep/api"
	"doorstep/internal/config"
	"doorstep/internal/fault"
	"doorstep/internal/obs"
	"doorstep/internal/pgserver"
	"doorstep/search"
	"doorstep/search/bleveengine"
)

var errNotWarm = fault.New(fault.Unavailable, "not_ready", "The program is starting or stopping.")

// serveFlags are the flags that serve and demo share.
func serveFlags(io streams, name, args, about string) (f *flag.FlagSet, data, addr *string) {
	f, data = flags(io, name, args, about)
	return f, data, f.String("addr", "", "`HOST:PORT` to listen on; port 0 takes any free one; default DOORSTEP_ADDR or 127.0.0.1:8080")
}

func runServe(ctx context.Context, io streams, args []string) error {
	f, data, addr := serveFlags(io, "serve", "[--addr HOST:PORT] [--data DIR]", "Starts the shop and serves until SIGTERM or Ctrl-C.")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return usage(f, "serve takes no arguments")
	}
	c, err := settings(*data, *addr)
	if err != nil {
		return err
	}
	return serve(ctx, c, obs.NewLog(io.err, c.LogLevel), func(h *house) error {
		fmt.Fprintf(io.err, "Doorstep %s listens on %s; documentation at %s/docs\n", version, h.config.URL(), h.config.URL())
		return nil
	}, nil)
}

// serve runs the whole program until ctx ends. prepare, when given, fills the
// house before the door opens; ready is called once it can answer.
func serve(ctx context.Context, c config.Config, log *slog.Logger, ready, prepare func(h *house) error) error {
	ln, err := net.Listen("tcp", c.Addr)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("cannot listen on %s, for another program does: stop that one, or choose another address with --addr HOST:PORT", c.Addr)
		}
		return fmt.Errorf("cannot listen: %w", err)
	}
	defer func() { _ = ln.Close() }() // closed already when all went well
	c.Addr = ln.Addr().String()       // port 0 has become a real one
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	dsn, server := c.DatabaseURL.Reveal(), (*pgserver.Server)(nil)
	if dsn == "" {
		// Never beside another program: that one would have the folder's lock.
		if dsn, server, err = startDatabase(starting, c, log); err != nil {
			return err
		}
	}
	h, err := wire(starting, c, log, dsn, server, false)
	if err != nil {
		return err
	}
	defer h.close()
	h.demo = prepare != nil
	if h.demo {
		if err := prepare(h); err != nil {
			return err
		}
	}
	return h.run(ctx, ln, ready)
}

// run opens the door and keeps it open until ctx ends or something that cannot
// be mended breaks.
func (h *house) run(ctx context.Context, ln net.Listener, ready func(h *house) error) error {
	engine, err := bleveengine.New(filepath.Join(h.config.DataDir, "search"), bleveengine.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = engine.Close() }() // every write was durable when it returned
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	metrics := obs.NewMetrics(h.db.Pool())
	h.watchPayments(metrics)
	traces, err := obs.NewTraces(ctx, h.config.OTLPEndpoint, version)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = traces.Close(closing) // what the collector does not take is not worth waiting for
	}()
	var door *api.Server
	follower := search.NewFollower(engine, search.NewStore(h.db), shelf{h.catalog, h.customers}, search.FollowerOptions{
		Log: h.log, OnChange: func(merchant uuid.UUID, products []uuid.UUID) { door.ProductsChanged(merchant, products) },
	})
	if door, err = h.door(ctx, engine, follower, metrics, traces); err != nil {
		return err
	}
	broken := make(chan error, 4)
	background := func(work func() error) {
		go func() {
			if err := work(); err != nil && running.Err() == nil {
				broken <- err
			}
		}()
	}
	background(func() error { return follower.Run(running) })
	h.deliverNews(ln.Addr().String())
	background(func() error { return door.Serve(ln) })
	if err := h.serveMetrics(running, metrics, background); err != nil {
		return err
	}
	if err := h.jobs.Start(running); err != nil {
		return err
	}
	if h.server != nil {
		background(func() error {
			<-h.server.Done()
			return h.server.Err()
		})
	}
	failure := h.wait(ctx, follower, ready, broken)
	return errors.Join(failure, h.stop(ctx, door))
}

// wait says when everything is warm, and then waits for the end.
func (h *house) wait(ctx context.Context, follower *search.Follower, ready func(h *house) error, broken <-chan error) error {
	select {
	case <-follower.Ready():
		if err := ready(h); err != nil {
			return err
		}
	case <-ctx.Done():
		return nil
	case err := <-broken:
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-broken:
		return err
	}
}

// stop ends requests and jobs within the deadline; what is not done by then is
// retried at the next start.
func (h *house) stop(ctx context.Context, door *api.Server) error {
	h.log.Info("stopping")
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.config.ShutdownTimeout)
	defer cancel()
	err := door.Shutdown(stopping)
	err = errors.Join(err, h.jobs.Stop(stopping))
	h.customers.Wait()
	return err
}

// door builds the HTTP door with all rooms behind it.
func (h *house) door(ctx context.Context, engine search.Engine, follower *search.Follower, metrics *obs.Metrics, traces *obs.Traces) (*api.Server, error) {
	trusted, err := proxies(h.config.TrustedProxies)
	if err != nil {
		return nil, err
	}
	door := api.New(api.Options{
		Log: h.log, Clock: h.clock, Keys: keys{h.customers}, Idempotency: sealedAnswers{h.idem, h.vault}, OriginKnown: h.customers.OriginKnown,
		OwnOrigins: []string{h.config.URL()}, PlainCookies: plainLoopback(h.config.URL()), TrustedProxies: trusted, Version: build(), Limits: h.limits(),
		TempDir: h.config.DataDir, UploadDir: h.uploads(),
		// The follower knows the database's time; the demo's clock may have been moved on.
		Feed: func() time.Time { return follower.Status().At.Add(h.clock.Shift(0)) },
		Ready: func(asking context.Context) error {
			select {
			case <-follower.Ready():
			default:
				return errNotWarm
			}
			if ctx.Err() != nil {
				return errNotWarm
			}
			_, err := h.db.Time(asking)
			return err
		},
		Observe: func(s api.Seen) {
			metrics.Request(s.Method, s.Route, s.Status, s.Took)
			traces.Request(s.Trace, s.Method, s.Route, s.Status, h.clock.Now(), s.Took)
		},
	})
	rooms := h.apiRooms(engine)
	h.pages(door)
	api.Register(door, rooms)
	return door, nil
}

// plainLoopback says whether the program is reached without TLS, and only from
// its own machine: browsers would not keep a Secure cookie there.
func plainLoopback(base string) bool {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}

// uploads is where files wait for their import.
func (h *house) uploads() string { return filepath.Join(h.config.DataDir, "uploads") }

// limits are the operator's for shoppers; servers of a merchant may ask for ten
// times as much. Zero turns all of them off.
func (h *house) limits() api.Limits {
	n := float64(h.config.RateLimit)
	if n <= 0 {
		off := api.Limit{PerSecond: -1}
		return api.Limits{Publishable: off, Secret: off, Public: off}
	}
	return api.Limits{Publishable: api.Limit{PerSecond: n, Burst: int(4 * n)}, Secret: api.Limit{PerSecond: 10 * n, Burst: int(40 * n)}}
}

// watchPayments shows what in the payments needs a person.
func (h *house) watchPayments(m *obs.Metrics) {
	m.Watch("doorstep_payment_differences_open", "Differences from the payment providers' books that are not mended.", func(ctx context.Context) (float64, error) {
		n, _, err := h.payments.OpenDifferences(ctx)
		return float64(n), err
	})
	m.Watch("doorstep_payment_captures_due", "Holds that end within a day and have not been captured.", func(ctx context.Context) (float64, error) {
		_, n, err := h.payments.OpenDifferences(ctx)
		return float64(n), err
	})
}

func (h *house) serveMetrics(ctx context.Context, m *obs.Metrics, background func(func() error)) error {
	if h.config.MetricsAddr == "" {
		return nil
	}
	ln, err := net.Listen("tcp", h.config.MetricsAddr)
	if err != nil {
		h.log.Warn("metrics are off: their address is taken", "listen", h.config.MetricsAddr, "error", err)
		return nil
	}
	background(func() error { return m.Serve(ctx, ln) })
	return nil
}

// startTimeout bounds everything before the door opens.
const startTimeout = 2 * time.Minute
