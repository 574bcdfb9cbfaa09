package safedial

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"

	"doorstep/internal/clock"
)

// connect opens the socket. Control sees the very address that the kernel is
// about to be given and has the last word.
func (c *Client) connect(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{KeepAlive: -1, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return refuse("the address cannot be read")
		}
		if err := c.permit(at.Addr()); err != nil {
			return err
		}
		if !c.port(int(at.Port())) {
			return refuse("this port is not allowed")
		}
		return c.dialed(at)
	}}
	return d.DialContext(ctx, "tcp", to.String())
}

// through connects by way of the egress proxy, which is told the address and
// not the name, so that it resolves nothing by itself. The proxy was given by
// the operator and may stand on a private network.
func (c *Client) through(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if !c.port(int(to.Port())) {
		return nil, refuse("this port is not allowed")
	}
	if err := c.dialed(to); err != nil {
		return nil, err
	}
	proxy := c.config.Proxy
	conn, err := (&net.Dialer{KeepAlive: -1}).DialContext(ctx, "tcp", proxyAddress(proxy))
	if err != nil {
		return nil, fmt.Errorf("the egress proxy: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	tunnel, err := c.tunnel(ctx, conn, to)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("the egress proxy: %w", err)
	}
	return tunnel, nil
}

func (c *Client) tunnel(ctx context.Context, conn net.Conn, to netip.AddrPort) (net.Conn, error) {
	proxy := c.config.Proxy
	if proxy.Scheme == "https" {
		secured := tls.Client(conn, &tls.Config{ServerName: proxy.Hostname(), MinVersion: tls.VersionTLS12, RootCAs: c.config.RootCAs})
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = secured
	}
	ask := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: to.String()}, Host: to.String(), Header: http.Header{}}
	if u := proxy.User; u != nil {
		password, _ := u.Password()
		ask.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	if err := ask.Write(conn); err != nil {
		return nil, err
	}
	// A proxy has nothing to say after its answer until the client has spoken, so
	// a buffer that holds more is an error and nothing is lost with the reader.
	reader := bufio.NewReaderSize(conn, 4096)
	res, err := http.ReadResponse(reader, ask)
	if err != nil {
		return nil, err
	}
	_ = res.Body.Close() // the answer to CONNECT has none
	if res.StatusCode != http.StatusOK || reader.Buffered() > 0 {
		return nil, fmt.Errorf("answered %d", res.StatusCode)
	}
	return conn, nil
}

func proxyAddress(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[u.Scheme]
	}
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// port says whether a port may be called.
func (c *Client) port(n int) bool {
	if n == 443 || n == 80 && c.config.HTTP {
		return true
	}
	for _, p := range c.config.Ports {
		if p == n {
			return true
		}
	}
	return false
}

// permit says whether an address may be called.
func (c *Client) permit(a netip.Addr) error {
	if a.Zone() != "" {
		return refuse("addresses with a zone are of this machine's networks")
	}
	for _, p := range c.config.Deny {
		if p.Contains(a.Unmap()) {
			return refuse("this address is not allowed")
		}
	}
	for _, p := range c.config.Allow {
		if p.Contains(a) {
			return nil
		}
	}
	if !public(a) {
		return refuse("this address is not public")
	}
	if c.own.has(a) {
		return refuse("this address is our own")
	}
	return nil
}

// ownTTL is how long the addresses of this machine are believed.
const ownTTL = 30 * time.Second

// ownAddresses are those of this machine's interfaces.
type ownAddresses struct {
	clock *clock.System
	mu    sync.Mutex
	read  time.Time
	known map[netip.Addr]bool
}

func (o *ownAddresses) has(a netip.Addr) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := o.clock.Now(); o.known == nil || now.Sub(o.read) > ownTTL {
		found, err := net.InterfaceAddrs()
		if err == nil {
			o.known, o.read = map[netip.Addr]bool{}, now
		}
		for _, f := range found {
			if p, err := netip.ParsePrefix(f.String()); err == nil {
				o.known[p.Addr().Unmap()] = true
			}
		}
	}
	return o.known[a]
}
