package api

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// peer is the address at the other end: of the connection, or, when that is a
// trusted proxy, the last address before our proxies in X-Forwarded-For. What
// stands further left was written by whoever liked to.
func (s *Server) peer(c *fiber.Ctx) netip.Addr {
	remote := addrOf(c.Context().RemoteAddr())
	if len(s.proxies) == 0 || !s.trusted(remote) {
		return remote
	}
	hops := strings.Split(c.Get(fiber.HeaderXForwardedFor), ",")
	for _, hop := range slices.Backward(hops) {
		ip, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		if ip = ip.Unmap(); !s.trusted(ip) {
			return ip
		}
	}
	return remote
}

// admitShopper believes Shopper-IP from a server of the merchant (secret key)
// or from a trusted proxy, and ignores it from anyone else.
func (s *Server) admitShopper(c *fiber.Ctx, r *request) {
	r.peer = r.ip
	header := c.Request().Header.Peek("Shopper-IP")
	if len(header) == 0 || !r.caller.Secret && !s.trusted(addrOf(c.Context().RemoteAddr())) {
		return
	}
	if ip, err := netip.ParseAddr(strings.TrimSpace(string(header))); err == nil {
		r.ip, r.named = ip.Unmap(), true
	}
}

func (s *Server) trusted(ip netip.Addr) bool {
	return slices.ContainsFunc(s.proxies, func(p netip.Prefix) bool { return p.Contains(ip) })
}

func addrOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip, _ := netip.AddrFromSlice(tcp.IP)
	return ip.Unmap()
}

// network is what counts as one household: an IPv4 address, or the /64 that an
// IPv6 subscriber may walk through freely.
func network(ip netip.Addr) netip.Addr {
	if !ip.Is6() {
		return ip
	}
	p, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return ip
	}
	return p.Addr()
}
