// Package gate is the one way out for every automated mail that is not
// transactional: reminders, offers, news, surveys. It asks whether the person
// wants the mail (consent by the law of their country, explicit consent records,
// suppressions), whether it is time (quiet hours where they live) and whether
// they have had enough (frequency caps over all kinds together), and writes down
// what it answered and why. Mails that an order needs do not come here.
//
// People are known to it by the HMAC of their address only.
package gate

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/clock"
	"doorstep/internal/db"
)

// Verdict is what the gate answers.
type Verdict string

// The verdicts.
const (
	Allow  Verdict = "allow"
	Wait   Verdict = "wait"
	Refuse Verdict = "refuse"
)

// The codes of refusals and waits. They are stable.
const (
	Unsubscribed       = "unsubscribed"        // the person wants no such mail
	Complained         = "complaint"           // the person has called one of our mails spam
	Bounced            = "hard_bounce"         // the address does not exist
	SuppressedByHand   = "suppressed"          // by the merchant
	ConsentRefused     = "consent_refused"     // the newest record says no
	ConsentMissing     = "consent_missing"     // the law asks for one
	ConsentUnconfirmed = "consent_unconfirmed" // the law asks for one that is confirmed
	SenderIncomplete   = "sender_incomplete"   // the shop does not say who writes, as the law asks
	FrequencyCap       = "frequency_cap"       // enough for now
	QuietHours         = "quiet_hours"         // it is night where the person lives
	ByConsent          = "explicit_consent"    // allowed: the person has agreed
	ByPurchase         = "existing_customer"   // allowed: has bought here, and the law lets that do
	ByNegotiation      = "negotiation"         // allowed: was about to buy, and the law lets that do
	ByLaw              = "no_consent_needed"   // allowed: until the person objects
	ByOrder            = "own_order"           // allowed: it is about an order of the person
	longestWait        = 14 * 24 * time.Hour   // of what is found out at once; then it is asked again
	topicAll           = "all"                 // every topic
)

// Ask is one mail that somebody wants to send.
type Ask struct {
	Merchant uuid.UUID
	ID       uuid.UUID // of the mail, by which its reader unsubscribes
	Key      string    // the mail's name; the same mail may ask again and counts once
	Topic    string    // what the person can unsubscribe from, see Topics
	Kind     string    // of the mail, for the records
	Person   []byte    // HMAC of the address
	Country  string    // ISO 3166-1 alpha-2; empty or unknown is treated most strictly
	Zone     string    // of the person, when known; else those of the country count
	// InquiredAt is when the person was last about to buy; zero is never.
	InquiredAt time.Time
	// ForOrder is a mail with news of the person's own order that nobody has asked
	// for yet. It needs no consent and does not wait for the morning, but an address
	// that does not exist or that the merchant has closed is not written to, and the
	// caps count: only mails of its own topic, OrderTopic.
	ForOrder bool
	Rules    Rules
}

// OrderTopic is the topic of mails with ForOrder. Nobody can unsubscribe from it.
const OrderTopic = "orders"

// Rules are a shop's own: they can only make the law stricter.
type Rules struct {
	Caps  []Cap `json:"caps"`
	Quiet Quiet `json:"quiet_hours"`
	// SoftOptIn says that the shop tells everybody who types an address what it
	// will be used for, and lets them refuse there and then. Without it only
	// explicit consent counts where the law knows exceptions for customers.
	SoftOptIn bool `json:"soft_opt_in"`
	// OptInOnly are countries where the shop wants explicit consent anyway.
	OptInOnly []string `json:"opt_in_only"`
	// Zone is the shop's own, for people whose country is not known.
	Zone string `json:"-"`
	// Sender and Postal say that the shop has a name and an address to answer to,
	// and a postal address.
	Sender bool `json:"-"`
	Postal bool `json:"-"`
}

// Cap allows Mails mails within any Hours hours.
type Cap struct {
	Mails int `json:"mails"`
	Hours int `json:"hours"`
}

func (c Cap) window() time.Duration { return time.Duration(c.Hours) * time.Hour }

// Answer is what the gate says of one mail.
type Answer struct {
	Verdict Verdict
	Code    string    // why
	Until   time.Time // of Wait: when to ask again
}

// Consent is the newest record of a person about a topic.
type Consent struct {
	Granted, Confirmed bool
}

// Facts is what a decision depends on besides the mail itself.
type Facts struct {
	Suppressed string      // the code of an active suppression; empty is none
	Consent    *Consent    // nil is none
	BoughtAt   time.Time   // the last purchase that stands; zero is never
	Passed     []time.Time // when mails of any kind went to the person, oldest first
}

// Decide answers for a mail at a moment. It is pure.
func Decide(now time.Time, a *Ask, f *Facts) Answer {
	if a.ForOrder {
		return decideForOrder(now, a, f)
	}
	law := lawOf(a.Country)
	if f.Suppressed != "" {
		return Answer{Verdict: Refuse, Code: f.Suppressed}
	}
	if !a.Rules.Sender || law.Postal && !a.Rules.Postal {
		return Answer{Verdict: Refuse, Code: SenderIncomplete}
	}
	basis := law.basis(now, a, f)
	if basis.Verdict != Allow {
		return basis
	}
	at, code := now, basis.Code
	zones := zonesOf(a)
	// The two push each other on: what the caps allow may be night, and the
	// morning after may be too much again. Each turn moves on, so it ends.
	for range 100 {
		free := afterCaps(at, a.Rules.Caps, f.Passed)
		next := a.Rules.Quiet.after(free, zones)
		switch {
		case next.After(free):
			code = QuietHours
		case free.After(at):
			code = FrequencyCap
		}
		if next.Equal(at) {
			break
		}
		at = next
		if at.Sub(now) > longestWait {
			break
		}
	}
	if at.After(now) {
		return Answer{Verdict: Wait, Code: code, Until: at}
	}
	return Answer{Verdict: Allow, Code: basis.Code}
}

// decideForOrder answers for news of the person's own order.
func decideForOrder(now time.Time, a *Ask, f *Facts) Answer {
	if f.Suppressed == Bounced || f.Suppressed == SuppressedByHand {
		return Answer{Verdict: Refuse, Code: f.Suppressed}
	}
	if free := afterCaps(now, a.Rules.Caps, f.Passed); free.After(now) {
		return Answer{Verdict: Wait, Code: FrequencyCap, Until: free}
	}
	return Answer{Verdict: Allow, Code: ByOrder}
}

// afterCaps is the first moment from at on at which no cap is reached.
func afterCaps(at time.Time, caps []Cap, passed []time.Time) time.Time {
	for moved := true; moved; {
		moved = false
		for _, c := range caps {
			if c.Mails <= 0 {
				return at.Add(longestWait + time.Hour)
			}
			// Those within the window that ends now; whatever lies ahead counts too.
			recent := passed
			for len(recent) > 0 && !recent[0].After(at.Add(-c.window())) {
				recent = recent[1:]
			}
			if len(recent) >= c.Mails {
				at, moved = recent[len(recent)-c.Mails].Add(c.window()), true
			}
		}
	}
	return at
}

// Consents finds what a person has agreed to: the newest record about the topic
// or about all topics; nil when there is none. It reads within tx.
type Consents interface {
	MailConsent(ctx context.Context, tx db.Tx, merchant uuid.UUID, person []byte, topics []string) (granted, confirmed, found bool, err error)
}

// People knows people by their addresses.
type People interface {
	// Person is the HMAC of the address of a contact, erased or not; nil when there
	// is no such contact.
	Person(ctx context.Context, merchant, contact uuid.UUID) ([]byte, error)
	// PersonByEmail is the HMAC of an address.
	PersonByEmail(merchant uuid.UUID, email string) []byte
}

// Links signs the links by which people unsubscribe. Open fails with a fault of
// kind NotFound for forged, malformed and expired ones.
type Links interface {
	Sign(merchant, mail uuid.UUID, expires time.Time) string
	Open(token string, now time.Time) (merchant, mail uuid.UUID, err error)
}

// Options are the parts that a Gate is made of.
type Options struct {
	DB       *db.DB
	Clock    clock.Clock
	Consents Consents
	People   People
	Links    Links
	URL      string // of the program, for links in mails, without a slash at the end
	// Providers verify news of mails, by the name under which they bring them.
	Providers map[string]Provider
}

// Gate decides. It is safe for concurrent use.
type Gate struct {
	db       *db.DB
	clock    clock.Clock
	consents Consents
	o        Options
}

// New makes a gate.
func New(o Options) *Gate { return &Gate{o.DB, o.Clock, o.Consents, o} }

// Topics are what a person can agree to and unsubscribe from one by one.
func Topics() []string { return []string{"reminders", "offers", "news", "surveys"} }
