package main

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"doorstep/internal/safedial"
	"doorstep/shipping"
	"doorstep/shipping/rating"
)

// carrierAccounts makes the rooms that know and ask carriers.
func (h *house) carrierAccounts() (*shipping.Accounts, *rating.Rater, error) {
	public, err := egress(h.config)
	if err != nil {
		return nil, nil, err
	}
	door := &carrierDoor{h: h, public: public, guarded: public.Transport(), loopback: &http.Transport{
		Proxy: nil, DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext, MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second,
	}}
	h.closers = append(h.closers, door.loopback.CloseIdleConnections)
	accounts := shipping.NewAccounts(shipping.AccountsConfig{
		DB: h.db, Seal: h.vault.SealSecret, Open: h.vault.OpenSecret, Carriers: carriers, Check: door.Check, Transport: door, Clock: h.clock, Log: h.log,
	})
	rater := rating.New(rating.Config{Clock: h.clock, Log: h.log})
	h.closers = append(h.closers, rater.Close)
	return accounts, rater, nil
}

// carrierDoor calls the addresses that merchants have given for carriers: public
// ones only, and in the demo also those of this machine, where the carriers that
// doorstep fake-carriers plays are.
type carrierDoor struct {
	h        *house
	public   *safedial.Client
	guarded  http.RoundTripper
	loopback *http.Transport
}

// Check says why an address may not be called.
func (d *carrierDoor) Check(text string) error {
	if u, err := url.Parse(text); err == nil && d.home(u) && u.User == nil && u.Fragment == "" {
		return nil
	}
	return d.public.Check(text)
}

// home says whether an address is this machine's and may be called.
func (d *carrierDoor) home(u *url.URL) bool {
	addr, err := netip.ParseAddr(u.Hostname())
	return d.h.demo && err == nil && addr.IsLoopback() && u.Scheme == "http"
}

// RoundTrip carries a call.
func (d *carrierDoor) RoundTrip(req *http.Request) (*http.Response, error) {
	if d.home(req.URL) {
		return d.loopback.RoundTrip(req)
	}
	return d.guarded.RoundTrip(req)
}
