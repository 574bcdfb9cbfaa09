package safedial

import "net/netip"

// notPublic are the networks of IPv4 that are not the public internet, by the
// registry of special-purpose addresses, and the metadata services that hide
// among public ones.
var notPublic = prefixes(
	"0.0.0.0/8",        // this network
	"10.0.0.0/8",       // private
	"100.64.0.0/10",    // carrier-grade NAT; also a metadata service
	"127.0.0.0/8",      // this machine
	"168.63.129.16/32", // a metadata service
	"169.254.0.0/16",   // link-local; most metadata services
	"172.16.0.0/12",    // private
	"192.0.0.0/24",     // protocol assignments; also a metadata service
	"192.0.2.0/24",     // documentation
	"192.88.99.0/24",   // 6to4 relays
	"192.168.0.0/16",   // private
	"198.18.0.0/15",    // benchmarks
	"198.51.100.0/24",  // documentation
	"203.0.113.0/24",   // documentation
	"224.0.0.0/4",      // multicast
	"240.0.0.0/4",      // reserved, and broadcast
)

// global is what of IPv6 is given out for the public internet: everything else
// (loopback, mapped, NAT64, unique local, link-local, site-local, multicast) is
// not. notGlobal are the parts of it that lead elsewhere.
var (
	global    = netip.MustParsePrefix("2000::/3")
	notGlobal = prefixes(
		"2001::/23",     // protocol assignments, Teredo among them
		"2001:db8::/32", // documentation
		"2002::/16",     // 6to4: any IPv4 address inside
		"3fff::/20",     // documentation
	)
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		all[i] = netip.MustParsePrefix(t)
	}
	return all
}

// public says whether an address is on the public internet. Addresses that
// carry another one inside are not: what they lead to cannot be told.
func public(a netip.Addr) bool {
	switch {
	case !a.IsValid() || a.Zone() != "" || a.Is4In6():
		return false
	case a.Is4():
		return !within(a, notPublic)
	}
	if !global.Contains(a) || within(a, notGlobal) {
		return false
	}
	b := a.As16()
	isatap := b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
	return !isatap
}

func within(a netip.Addr, networks []netip.Prefix) bool {
	for _, p := range networks {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
