package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"doorstep/internal/clock"
	"doorstep/payment/sandbox"
	stripewire "doorstep/payment/sandbox/wire"
)

const gatewayHelp = `Runs the sandbox payment gateway as a program of its own, in Stripe's wire format:
whatever speaks to Stripe can be pointed at it, doorstep serve too. It moves no
money. Any key that starts with sk_test_ is let in.

  doorstep gateway &
  STRIPE_SECRET_KEY=sk_test_1 STRIPE_API_BASE=http://127.0.0.1:12111 doorstep serve
  curl http://127.0.0.1:12111/v1/payment_intents -u sk_test_1: -d amount=1000 -d currency=eur \
    -d confirm=true -d capture_method=manual -d payment_method=pm_card_visa -d 'payment_method_types[]=card'

Cards: pm_card_visa, pm_card_visa_chargeDeclined, pm_card_authenticationRequired
and others of Stripe's test cards; tok_visa, tok_declined, tok_3ds, tok_slow,
tok_lost_answer and tok_500_after_charge as in the demo. Keys are forgotten after
a day and holds end after a week. What happens without the shop:

  curl -u sk_test_1: -X POST  .../gateway/pi_.../refund -d amount=100    in the dashboard
  curl -u sk_test_1: -X POST  .../gateway/pi_.../dispute                 by the buyer's bank
  curl -u sk_test_1: -X POST  .../gateway/pi_.../close_dispute -d won=true
  curl -u sk_test_1: -X POST  .../gateway/clock -d seconds=86400         a day passes
  curl -u sk_test_1: -X POST  .../gateway/faults -d call=capture -d 'kind=does, cuts the line'
  curl -u sk_test_1:          .../gateway/trace                          calls and faults

With --faults 0.2 a fifth of all calls goes wrong in one of eleven ways: answers
are lost, late, cut, garbled, or say 500 though it was done. As many webhooks come
twice or late, and a quarter as many never. The same --seed goes wrong the same way.`

const (
	// gatewayAddr is where stripe-mock listens too.
	gatewayAddr = "127.0.0.1:12111"
	gatewayFile = "gateway.jsonl"
)

// gatewaySettings are the flags of the gateway.
type gatewaySettings struct {
	addr, dir, webhook, secret string
	seed                       uint64
	faults                     float64
	slow, silence              time.Duration
}

func runGateway(ctx context.Context, io streams, args []string) error {
	f, data := flags(io, "gateway", "[--addr HOST:PORT] [--webhook URL --webhook-secret whsec_...] [--seed N --faults RATE]", gatewayHelp)
	f.Lookup("data").Usage = "keep the books in `DIR`/" + gatewayFile + "; in memory without it"
	var s gatewaySettings
	f.StringVar(&s.addr, "addr", gatewayAddr, "`HOST:PORT` to listen on; port 0 takes any free one")
	f.StringVar(&s.webhook, "webhook", "", "`URL` that is told the news")
	f.StringVar(&s.secret, "webhook-secret", "", "`SECRET` that signs them, at will: whsec_...")
	f.Uint64Var(&s.seed, "seed", 1, "`N`: which faults there are")
	f.Float64Var(&s.faults, "faults", 0, "`RATE` of calls that go wrong, from 0 to 1")
	f.DurationVar(&s.slow, "slow", 2*time.Second, "how `LONG` slow answers take")
	f.DurationVar(&s.silence, "silence", time.Minute, "how `LONG` a lost answer keeps the line open")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	s.dir = *data
	if problem := s.wrong(words); problem != "" {
		return usage(f, problem)
	}
	return s.serve(ctx, io)
}

// wrong says what cannot be meant.
func (s *gatewaySettings) wrong(words []string) string {
	if len(words) > 0 {
		return "gateway takes no arguments"
	}
	if !(s.faults >= 0 && s.faults <= 1) {
		return "--faults is a share of all calls: from 0 to 1"
	}
	if (s.webhook == "") != (s.secret == "") {
		return "--webhook and --webhook-secret go together"
	}
	if u, err := url.Parse(s.webhook); s.webhook != "" && (err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http")) {
		return "--webhook wants a URL: http://127.0.0.1:8080/webhooks/payments/stripe"
	}
	return ""
}

// serve answers until ctx ends. Answers that are being kept back then are not
// waited for; the others are.
func (s *gatewaySettings) serve(ctx context.Context, io streams) (err error) {
	ln, err := net.Listen("tcp", s.addr)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	defer func() { _ = ln.Close() }() // closed already when all went well
	base := "http://" + reachable(ln.Addr().String())
	file := ""
	if s.dir != "" {
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			return err
		}
		file = filepath.Join(s.dir, gatewayFile)
	}
	now := &clock.System{}
	g, err := sandbox.Open(file, base+"/3ds/", now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	g.SlowFor, g.LostFor = s.slow, s.silence
	if s.webhook != "" {
		g.Deliver(sandbox.Post{URL: s.webhook, Secret: s.secret, Seed: s.seed, Twice: s.faults, Late: s.faults, Lost: s.faults / 4})
	}
	server := &http.Server{
		Handler:           stripewire.New(g, stripewire.Options{Clock: now, Faults: sandbox.NewFaults(s.seed, s.faults)}),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	broken := make(chan error, 1)
	go func() { broken <- server.Serve(ln) }()
	fmt.Fprintf(io.out, "The sandbox gateway listens on %s; STRIPE_API_BASE=%s STRIPE_SECRET_KEY=sk_test_1\n", base, base)
	select {
	case err := <-broken:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		return server.Close()
	}
	return nil
}
