package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/fault"
	"doorstep/shipping/carrier/fake"
)

const fakeCarriersHelp = `Plays carriers on this machine, each with its own API, so that a shop can be tried
to the doorstep without an account anywhere. It prints for each the address and the
credentials that POST /v1/carrier-accounts takes. Parcels live in memory, and only
until the command ends.

  doorstep fake-carriers --webhooks http://127.0.0.1:8080/webhooks/carriers

What happens without the shop:

  curl .../_/parcels                                            all parcels, with their history
  curl -d '{"vendor":"ups","number":"1Z..."}' .../_/advance     one moves on, and its carrier tells the shop
  curl -d '{"vendor":"ups","number":"1Z...","status":"delivery_failed"}' .../_/advance
  curl -d '{"vendor":"ups","fault":"hang"}' .../_/faults        it goes wrong until it is told to stop
  curl -d '{"vendor":"ups","call":"buy","fault":"lost","times":1}' .../_/faults
  curl .../_/faults                                             what goes wrong, and what can
  curl -X DELETE .../_/faults                                   all is well again`

// fakeCarriersAddr is where the carriers are played unless told otherwise.
const fakeCarriersAddr = "127.0.0.1:12222"

var errLoopback = fault.New(fault.Invalid, "loopback_only", "The played carriers listen on this machine only: 127.0.0.1 or ::1.")

func runFakeCarriers(ctx context.Context, io streams, args []string) error {
	f := bareFlags(io, "fake-carriers", "[--addr HOST:PORT] [--webhooks URL] [--json]", fakeCarriersHelp)
	addr := f.String("addr", fakeCarriersAddr, "`HOST:PORT` to listen on, of this machine; port 0 takes any free one")
	hooks := f.String("webhooks", "", "`URL` that each carrier's webhooks go to, with its name behind: http://127.0.0.1:8080/webhooks/carriers")
	asJSON := f.Bool("json", false, "print the accounts as JSON, one a line")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return usage(f, "fake-carriers takes no arguments")
	}
	if u, err := url.Parse(*hooks); *hooks != "" && (err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http")) {
		return usage(f, "--webhooks wants a URL: http://127.0.0.1:8080/webhooks/carriers")
	}
	host, _, err := net.SplitHostPort(*addr)
	if at, bad := netip.ParseAddr(host); err != nil || host != "localhost" && (bad != nil || !at.IsLoopback()) {
		return errLoopback
	}
	return playCarriers(ctx, io, *addr, *hooks, *asJSON)
}

// playCarriers answers until ctx ends. Answers that are being kept back then are
// not waited for.
func playCarriers(ctx context.Context, io streams, addr, hooks string, asJSON bool) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	defer func() { _ = ln.Close() }() // closed already when all went well
	played := fake.New(&clock.System{})
	for _, name := range fake.Names() {
		if hooks != "" {
			played.Listen(name, strings.TrimRight(hooks, "/")+"/"+name)
		}
	}
	server := &http.Server{
		Handler: played, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	broken := make(chan error, 1)
	go func() { broken <- server.Serve(ln) }()
	if err := introduceCarriers(io, "http://"+ln.Addr().String(), asJSON); err != nil {
		return err
	}
	select {
	case err := <-broken:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		return server.Close()
	}
	return nil
}

// introduceCarriers prints what links an account with each carrier.
func introduceCarriers(io streams, base string, asJSON bool) error {
	type account struct {
		Carrier     string            `json:"carrier"`
		BaseURL     string            `json:"base_url"`
		Credentials map[string]string `json:"credentials"`
	}
	if !asJSON {
		fmt.Fprintf(io.out, "The carriers are played at %s; link them with POST /v1/carrier-accounts:\n\n", base)
	}
	for _, name := range fake.Names() {
		v, _ := fake.Played(name)
		a := account{Carrier: name, BaseURL: base + "/" + name, Credentials: map[string]string{}}
		for _, c := range v.Credentials {
			a.Credentials[c.Name] = c.Value
		}
		line, err := json.Marshal(a)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(io.out, "%s\n", line); err != nil {
			return err
		}
	}
	if !asJSON {
		fmt.Fprintf(io.out, "\nAdd ship_from with the address that parcels leave from. Parcels: %s/_/parcels  Faults: %s/_/faults\n", base, base)
	}
	return nil
}
