package checkout

import (
	"bytes"
	"context"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	tried "doorstep/internal/attempt"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/jobs"
	"doorstep/payment"
)

// Thieves try stolen card numbers in shops: many small payments, nearly all
// declined. So only refusals count, and what is said of them is always the same.
// All counts are rows of the database, so that they hold over all nodes; they are
// read only while payments are declined, and written only when one was.

// ErrTooManyDeclines says that so many payments were declined that no other is
// tried. Ways to pay without a provider stay open. With challenge: sign_in, who
// signs in by e-mail may go on at once; an address or a shop under attack alone
// stops nobody for good.
var ErrTooManyDeclines = fault.New(fault.TooMany, "too_many_declines",
	"Too many payments were declined. Choose another way to pay, or come back later.")

const (
	// declinesPerCheckout is how many payments of one checkout may be declined.
	declinesPerCheckout = 3
	// declinesPerEmail is how many of one e-mail address within an hour, whatever
	// checkouts and cards.
	declinesPerEmail = 5
	// attackWindow is the time in which the declines of a shop are looked at.
	attackWindow = 10 * time.Minute
	// From attackDeclines on, when they are more than attackPercent of all that was
	// tried, buyers who are new have to sign in; from attackStop on they cannot pay
	// by a provider at all for a while.
	attackDeclines = 20
	attackStop     = 60
	attackPercent  = 30
	// wary is the number of declines from which on cards are looked at one by one.
	wary = 5
)

var (
	// declinesPerIP is how many may be declined from one address. Those that are
	// under way at the same moment are not known yet and may pass it.
	declinesPerIP = tried.Limit{Tries: 10, Window: time.Hour}
	// declinesPerCard is how many of one card, whoever shows it where: somebody
	// guesses what else is printed on it.
	declinesPerCard = tried.Limit{Tries: 4, Window: time.Hour}
)

// public is the address when it can be one shopper's: a proxy that is not known
// as one, or the machine itself, stands for all of them and is not counted.
func public(ip string) string {
	a, err := netip.ParseAddr(ip)
	if a = a.Unmap(); err != nil || !a.IsGlobalUnicast() || a.IsPrivate() {
		return ""
	}
	return ip
}

// declinesFrom counts for a shopper's address, declinesOf for a card.
func declinesFrom(ip string) tried.Try { return tried.From("payment_declined", ip) }

func declinesOf(provider, fingerprint string) tried.Try {
	return tried.Of("card_declined", provider, fingerprint)
}

// ownEnds are the failures that say nothing of the card.
func ownEnds() []string {
	return []string{neverReached, givenUp, outOfStock, wrongAmount, noWayOn, notPlaceable}
}

// declines counts how often providers have declined the payments of a checkout.
func declines(merchant, checkout uuid.UUID, n *int) *db.Query {
	return &db.Query{
		SQL: `select count(*) from payments where merchant_id = $1 and checkout_id = $2
			and failure_code <> '' and not (failure_code = any($3))`,
		Args: []any{merchant, checkout, ownEnds()},
		Each: func(rows pgx.Rows) error {
			for rows.Next() {
				if err := rows.Scan(n); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// signals are what the declines of the last time say about a payment.
type signals struct {
	any      bool       // that there are any of the last hour; the rest is read only then
	recent   int        // of the shop, within attackWindow
	placed   int        // what went well meanwhile; looked at from attackDeclines on
	since    *time.Time // of the one that made recent reach attackDeclines, counted back from now
	stopped  *time.Time // likewise attackStop
	byEmail  int        // of this e-mail, within an hour
	emailEnd *time.Time // when the oldest of those that matter was
}

// anySignals looks along with a checkout whether there is anything to read: one
// step into an index that holds failures only.
func anySignals(merchant uuid.UUID, now time.Time, g *signals) *db.Query {
	return &db.Query{
		SQL:  `select exists (select 1 from payments p where p.merchant_id = $1 and p.created_at > $2 and p.failure_code <> '')`,
		Args: []any{merchant, now.Add(-time.Hour)},
		Each: func(rows pgx.Rows) error {
			for rows.Next() {
				if err := rows.Scan(&g.any); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// signalsQuery reads the signals. It looks at failures only, unless there are many.
func signalsQuery(merchant, checkout uuid.UUID, now time.Time, g *signals) *db.Query {
	return &db.Query{
		// Look-ups one by one, for a join would be planned by statistics that are
		// oldest when an attack begins.
		SQL: `with f as (
				select p.created_at, (
					select k.email_hmac from contacts k where k.merchant_id = $1 and k.id = (
						select c.contact_id from checkouts c where c.merchant_id = $1 and c.id = p.checkout_id)
				) = (
					select k.email_hmac from contacts k where k.merchant_id = $1 and k.id = (
						select c.contact_id from checkouts c where c.merchant_id = $1 and c.id = $2)
				) as mine
				from payments p
				where p.merchant_id = $1 and p.created_at > $3 and p.part = 0 and p.failure_code <> '' and not (p.failure_code = any($5))
				order by p.created_at desc limit 500
			), s as (
				select count(*) filter (where created_at > $4) as recent,
					(array_agg(created_at order by created_at desc))[$6] as since, (array_agg(created_at order by created_at desc))[$7] as stopped,
					count(*) filter (where mine) as by_email, (array_agg(created_at order by created_at desc) filter (where mine))[$8] as email_end
				from f
			)
			select recent, since, stopped, by_email, email_end, case when recent >= $6 then (
				select count(*) from (select a.created_at from payments a where a.merchant_id = $1 and a.part = 0 and a.provider <> 'offline' and a.order_id is not null
					order by a.id desc limit 1000) a where a.created_at > $4) else 0 end
			from s`,
		Args: []any{merchant, checkout, now.Add(-time.Hour), now.Add(-attackWindow), ownEnds(), attackDeclines, attackStop, declinesPerEmail},
		Each: func(rows pgx.Rows) error {
			for rows.Next() {
				if err := rows.Scan(&g.recent, &g.since, &g.stopped, &g.byEmail, &g.emailEnd, &g.placed); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// attack says that so many payments of the shop are declined that somebody seems
// to try cards.
func (g *signals) attack() bool {
	return g.recent >= attackDeclines && g.recent*100 > attackPercent*(g.recent+g.placed)
}

// until is how long it takes until what was then is as old as window.
func until(then *time.Time, window time.Duration, now time.Time) time.Duration {
	if then == nil {
		return time.Second
	}
	return max(then.Add(window).Sub(now), time.Second)
}

// suspicious fails with ErrTooManyDeclines when a provider should not be asked
// for this buyer again.
func (s *Service) suspicious(ctx context.Context, sit *situation, c *Completion, provider string) error {
	g, now := &sit.signals, s.DB.Now()
	if g.any {
		if err := s.DB.Read(ctx, signalsQuery(sit.row.Merchant, sit.row.ID, now, g)); err != nil {
			return err
		}
	}
	switch {
	case sit.declines >= declinesPerCheckout:
		return ErrTooManyDeclines
	case g.byEmail >= declinesPerEmail:
		return ErrTooManyDeclines.After(until(g.emailEnd, time.Hour, now))
	case g.attack() && sit.isNew && g.recent >= attackStop:
		return ErrTooManyDeclines.After(until(g.stopped, attackWindow, now))
	}
	if err := s.knownCard(ctx, sit, c, provider); err != nil {
		return err
	}
	wait := sit.wait
	if g.attack() && sit.isNew {
		wait = max(wait, until(g.since, attackWindow, now))
	}
	if wait == 0 {
		return nil
	}
	known, err := c.Who.signedInAs(ctx, sit.sealed.EmailHMAC)
	if err != nil || known {
		return err
	}
	return ErrTooManyDeclines.With("challenge", "sign_in").After(wait)
}

// signedInAs says whether the buyer has shown that they read the mails of the
// address that the checkout is for.
func (a Access) signedInAs(ctx context.Context, hmac []byte) (bool, error) {
	if a.SignedIn == nil {
		return false, nil
	}
	theirs, err := a.SignedIn(ctx)
	return err == nil && len(hmac) > 0 && bytes.Equal(theirs, hmac), err
}

// knownCard refuses a card that was declined again and again, where the provider
// can tell cards apart before it is charged. That costs a call at most
// providers, so it is done only where much is declined. Who cannot be asked is no
// reason to refuse.
func (s *Service) knownCard(ctx context.Context, sit *situation, c *Completion, provider string) error {
	if sit.signals.recent < wary || c.Payment.Token == "" {
		return nil
	}
	p, _ := s.Providers.Provider(provider)
	teller, ok := p.(payment.Fingerprinter)
	if !ok {
		return nil
	}
	asking, cancel := context.WithTimeout(ctx, fingerprintTime)
	defer cancel()
	fingerprint, err := teller.Fingerprint(asking, c.Payment.Token)
	if err != nil || fingerprint == "" {
		return nil // the provider will decide
	}
	var wait time.Duration
	if err := s.DB.Read(ctx, declinesPerCard.Query(sit.row.Merchant, s.DB.Now(), &wait, declinesOf(provider, fingerprint))); err != nil || wait == 0 {
		return err
	}
	return ErrTooManyDeclines.After(wait)
}

// fingerprintTime bounds the question which card a token stands for.
const fingerprintTime = 2 * time.Second

// declined counts a refusal against the shopper's address and the card, and tells
// the merchant when there are too many. That it could not be counted is no reason
// to say anything else.
func (s *Service) declined(ctx context.Context, p *plan, ip string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseMargin)
	defer cancel()
	merchant := p.row.Merchant
	count := func(limit tried.Limit, try tried.Try) {
		if _, err := limit.Count(ctx, s.DB, merchant, 1, try); err != nil {
			s.Log.WarnContext(ctx, "a declined payment was not counted", "error", err)
		}
	}
	if ip != "" {
		count(declinesPerIP, declinesFrom(ip))
	}
	if p.fingerprint != "" {
		count(declinesPerCard, declinesOf(p.payment.Provider, p.fingerprint))
	}
	g := &p.sit.signals
	if g.recent++; !g.attack() && g.recent != attackDeclines { // what was placed is known from there on
		return
	}
	if err := s.alarm(ctx, merchant, p.row.ID); err != nil {
		s.Log.WarnContext(ctx, "a merchant was not told of declined cards", "error", err)
	}
}

// CardAttack says that somebody seems to try stolen cards in a shop.
type CardAttack struct {
	MerchantID uuid.UUID `json:"merchant_id"`
	Declines   int       `json:"declines"`
	Attempts   int       `json:"attempts"`
	Minutes    int64     `json:"minutes"` // in which they were
	SeenAt     time.Time `json:"seen_at"`
}

// EventName is checkout.card_attack.
func (CardAttack) EventName() string { return "checkout.card_attack" }

// Merchant is whose shop it is.
func (e CardAttack) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is the merchant.
func (e CardAttack) Aggregate() uuid.UUID { return e.MerchantID }

// alarm looks at the declines anew and tells of them when they are an attack.
// Whoever is told has to expect it again, as long as it goes on.
func (s *Service) alarm(ctx context.Context, merchant, checkout uuid.UUID) error {
	var g signals
	now := s.DB.Now()
	if err := s.DB.Read(ctx, signalsQuery(merchant, checkout, now, &g)); err != nil || !g.attack() {
		return err
	}
	s.Log.WarnContext(ctx, "somebody seems to try stolen cards", "merchant", merchant, "declines", g.recent, "placed", g.placed)
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		return jobs.Publish(tx, CardAttack{
			MerchantID: merchant, Declines: g.recent, Attempts: g.recent + g.placed, Minutes: int64(attackWindow / time.Minute), SeenAt: now,
		})
	})
}
