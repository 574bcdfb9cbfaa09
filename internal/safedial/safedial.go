// Package safedial calls addresses that merchants have given, without letting
// them reach anything that is not on the public internet: not this machine, not
// the networks around it, not the metadata service of its cloud.
//
// The address is looked at twice. Check refuses what can be seen in the text of
// a URL, so that a merchant is told at once. The dialer looks again at the
// numbers that the socket is about to connect to, after names were resolved, so
// that a name which changes its mind in between gains nothing.
package safedial

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"doorstep/internal/clock"
)

const (
	// MaxAnswer is how much of an answer is kept, in bytes.
	MaxAnswer = 64 << 10
	// Timeout is how long one call may take, from the name to the end of the answer.
	Timeout   = 10 * time.Second
	maxHeader = 32 << 10
	maxURL    = 2000
)

// Resolver finds the addresses of a name; *net.Resolver does.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Config says what is allowed. The zero value allows https to port 443 of
// public addresses.
type Config struct {
	Ports []int // besides 443
	HTTP  bool  // plain http too, on port 80
	// Allow are networks that may be reached although they are not public: an
	// operator's own receivers. Deny are further ones that may not, such as the
	// public addresses of a router in front of this machine.
	Allow, Deny []netip.Prefix
	// Proxy is an HTTP proxy (http or https) that connects in our place. It is
	// given the address that was checked, never the name.
	Proxy    *url.URL
	Timeout  time.Duration  // of one call; 0 is Timeout
	Resolver Resolver       // nil is the system's
	RootCAs  *x509.CertPool // nil is the system's
}

// Client calls merchant-given addresses. It is safe for concurrent use.
type Client struct {
	config    Config
	transport *http.Transport
	own       ownAddresses
	checked   bool                       // Send also looks at the URL; false only in tests of the dialer
	machine   clock.System               // durations
	dialed    func(netip.AddrPort) error // the last step before the kernel, for tests
}

// New makes a client.
func New(c Config) *Client {
	if c.Timeout == 0 {
		c.Timeout = Timeout
	}
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
	client := &Client{config: c, checked: true, dialed: func(netip.AddrPort) error { return nil }}
	client.own.clock = &client.machine
	client.transport = &http.Transport{
		DialContext:            client.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.RootCAs},
		TLSHandshakeTimeout:    c.Timeout,
		ResponseHeaderTimeout:  c.Timeout,
		MaxResponseHeaderBytes: maxHeader,
		// A connection serves one call: whatever is wrong with one call, such as
		// an answer without an end, goes away with it.
		DisableKeepAlives: true,
		// What is kept is what was sent; a small body cannot swell.
		DisableCompression: true,
	}
	return client
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // at most MaxAnswer bytes
	Cut    bool   // there was more
}

// Send makes one call and reads the beginning of its answer. Redirects are not
// followed: they are an answer like any other. A call without an answer is a
// *CallError, which says why in one word. Took is how long it all lasted.
func (c *Client) Send(ctx context.Context, req *http.Request) (answer Answer, took time.Duration, err error) {
	start := c.machine.Now()
	defer func() { took = max(c.machine.Now().Sub(start), 0) }()
	if c.checked {
		if err := c.Check(req.URL.String()); err != nil {
			return answer, 0, &CallError{Refused, err}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	// RoundTrip instead of http.Client: it follows nothing and keeps no cookies.
	res, err := c.transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return answer, 0, failure(ctx, err)
	}
	defer func() { _ = res.Body.Close() }() // the connection ends with it
	answer.Status, answer.Header = res.StatusCode, res.Header
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxAnswer+1))
	answer.Body, answer.Cut = body, len(body) > MaxAnswer
	if answer.Cut {
		answer.Body, err = body[:MaxAnswer], nil // what follows does not matter
	}
	if err != nil {
		return answer, 0, failure(ctx, err)
	}
	return answer, 0, nil
}

// dial connects to the checked address of a name: resolved once, here.
func (c *Client) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, refuse("the address cannot be read")
	}
	number, err := net.LookupPort("tcp", port)
	if err != nil {
		return nil, refuse("the port cannot be read")
	}
	all, err := c.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	if c.config.Proxy != nil {
		return c.through(ctx, netip.AddrPortFrom(all[0], uint16(number)))
	}
	var errs []error
	for _, addr := range all {
		conn, err := c.connect(ctx, netip.AddrPortFrom(addr, uint16(number)))
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// resolve gives the addresses of a host that may be called. When there is none,
// it says that they are refused.
func (c *Client) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	var all []netip.Addr
	if addr, err := netip.ParseAddr(host); err == nil {
		all = append(all, addr)
	} else {
		if all, err = c.config.Resolver.LookupNetIP(ctx, "ip", host); err != nil {
			return nil, &CallError{Name, err}
		}
		for i := range all {
			all[i] = all[i].Unmap() // resolvers write IPv4 addresses in the form that URLs must not
		}
	}
	if len(all) == 0 {
		return nil, &CallError{Name, errors.New("the name has no address")}
	}
	var why error
	all = slices.DeleteFunc(all, func(a netip.Addr) bool {
		err := c.permit(a)
		if err != nil {
			why = err
		}
		return err != nil
	})
	if len(all) == 0 {
		return nil, why
	}
	return all, nil
}
