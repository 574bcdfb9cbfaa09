package safedial

import (
	"crypto/tls"
	"net/http"
	"time"
)

// reusing is Client's way of calling for programs that call one address again
// and again.
type reusing struct {
	client    *Client
	transport *http.Transport
}

// Transport carries calls that the caller reads by itself, with the same looks at
// addresses as Send and with connections that are kept between calls. The size
// and the time of an answer are the caller's to bound.
func (c *Client) Transport() http.RoundTripper {
	return &reusing{c, &http.Transport{
		DialContext:            c.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.config.RootCAs},
		TLSHandshakeTimeout:    c.config.Timeout,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        time.Minute,
		ForceAttemptHTTP2:      true,
	}}
}

// RoundTrip refuses what Check refuses, and sends the rest.
func (r *reusing) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.client.checked {
		if err := r.client.Check(req.URL.String()); err != nil {
			if req.Body != nil {
				_ = req.Body.Close() // as a RoundTripper must
			}
			return nil, err
		}
	}
	return r.transport.RoundTrip(req)
}
