package safedial

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"

	"doorstep/internal/fault"
)

// ErrRefused says that an address may not be called; its sentence says why.
var ErrRefused = fault.New(fault.Invalid, "address_refused", "This address may not be called.")

func refuse(why string) error {
	return ErrRefused.Saying("This address may not be called: " + why + ".")
}

// The words of a CallError. They tell a merchant what to look at and nothing
// about the networks around this machine.
const (
	Refused  = "address_refused" // not public, or not allowed
	Name     = "name_unknown"    // the name has no address
	Connect  = "no_connection"   // nobody answers there
	TLS      = "tls_failed"      // no trusted certificate
	TimedOut = "timed_out"       // no whole answer in time
	Broken   = "connection_lost" // the connection ended before the answer did, or the answer is no HTTP
)

// CallError is a call without an answer.
type CallError struct {
	Word  string
	cause error
}

// Error says the word and the cause; only the word is for merchants.
func (f *CallError) Error() string { return f.Word + ": " + f.cause.Error() }

// Unwrap gives the cause.
func (f *CallError) Unwrap() error { return f.cause }

// failure finds the word for what went wrong.
func failure(ctx context.Context, err error) *CallError {
	var f *CallError
	var op *net.OpError
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, ErrRefused):
		return &CallError{Refused, err}
	case ctx.Err() != nil || isTimeout(err):
		return &CallError{TimedOut, err}
	case isTLS(err):
		return &CallError{TLS, err}
	case errors.Is(err, syscall.ECONNRESET):
		return &CallError{Broken, err}
	case errors.As(err, &op) && op.Op == "dial":
		return &CallError{Connect, err}
	}
	return &CallError{Broken, err}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

func isTLS(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		alert        tls.AlertError
		host         x509.HostnameError
	)
	return errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &host) ||
		strings.Contains(err.Error(), "tls: ")
}

// Check says at once, from the text alone, why a URL may not be called, as
// ErrRefused; nil promises nothing about what its name will resolve to.
func (c *Client) Check(text string) error {
	if len(text) > maxURL {
		return refuse("it is longer than 2000 characters")
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' || text[i] == '\\' {
			return refuse("it has characters that must be encoded; international names are written in their xn-- form")
		}
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Host == "":
		return refuse("it is no absolute URL such as https://shop.example/hooks")
	case u.Scheme != "https" && (u.Scheme != "http" || !c.config.HTTP):
		return refuse("it must begin with https://")
	case u.User != nil || strings.Contains(u.Host, "@"):
		return refuse("it must not hold a user name or password")
	case u.Fragment != "" || strings.Contains(text, "#"):
		return refuse("it must not have a fragment")
	}
	port := 443
	if u.Scheme == "http" {
		port = 80
	}
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return refuse("the port cannot be read")
		}
	} else if strings.HasSuffix(u.Host, ":") {
		return refuse("the port cannot be read")
	}
	if !c.port(port) {
		return refuse("this port is not allowed")
	}
	return c.checkHost(u.Hostname(), strings.HasPrefix(u.Host, "["))
}

// checkHost looks at a host as it is written.
func (c *Client) checkHost(host string, bracketed bool) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		return c.permit(addr)
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	labels := strings.Split(name, ".")
	last := labels[len(labels)-1]
	switch {
	case bracketed || strings.ContainsAny(name, ":%"):
		return refuse("the address cannot be read")
	case last == "" || len(name) > 253:
		return refuse("the name cannot be read")
	case numeric(last):
		// Some resolvers read 0177.1, 0x7f000001 and 2130706433 as addresses.
		return refuse("an address is written as four decimal numbers without leading zeros")
	}
	for _, l := range labels {
		if !hostLabel(l) {
			return refuse("the name cannot be read")
		}
	}
	for _, private := range []string{"localhost", "local", "internal", "intranet", "lan", "home", "corp", "localdomain"} {
		if last == private && !c.config.named() {
			return refuse("this name is not public")
		}
	}
	if len(labels) == 1 && !c.config.named() {
		return refuse("a name without a dot is not public")
	}
	return nil
}

// named says whether names of private networks make sense: only where some
// private network may be reached at all.
func (c Config) named() bool { return len(c.Allow) > 0 }

// numeric says whether the last part of a name makes it an address to some.
func numeric(label string) bool {
	if rest, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

func hostLabel(l string) bool {
	if l == "" || len(l) > 63 {
		return false
	}
	for i := range len(l) {
		if b := l[i]; (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '-' && b != '_' {
			return false
		}
	}
	return true
}
