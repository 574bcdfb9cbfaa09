package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// healthPatience is how long a program may take to say that it is well; the
// probes of containers wait three seconds.
const healthPatience = 2500 * time.Millisecond

// errNotWell is a program that answers and cannot serve.
var errNotWell = errors.New("the program answers but is not ready")

// runHealth asks the running program whether it can serve.
func runHealth(ctx context.Context, io streams, args []string) error {
	f, data, addr := serveFlags(io, "health", "[--addr HOST:PORT]",
		"Asks the running program whether it can serve, for the probes of containers. Exit code 0 means yes, 1 no.")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return usage(f, "health takes no arguments")
	}
	c, err := settings(*data, *addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(c.Addr)+"/health/ready", http.NoBody)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("nothing answers at %s: %w", c.Addr, err)
	}
	defer func() { _ = res.Body.Close() }() // the status is what we came for
	if res.StatusCode != http.StatusOK {
		return errNotWell
	}
	fmt.Fprintln(io.out, "ready")
	return nil
}

// reachable is the address at which this machine reaches what listens on addr:
// one that listens everywhere is asked on loopback.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if host == "" {
		return net.JoinHostPort("127.0.0.1", port)
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip.Is6() {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}
