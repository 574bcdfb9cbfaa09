package gate

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
)

// linkLife is how long a mail's link to unsubscribe works: people clean up old
// mails, and no law lets it end within 30 days.
const linkLife = 5 * 365 * 24 * time.Hour

// UnsubscribeURL is the link of a mail; the mail is the ID of its Ask.
func (g *Gate) UnsubscribeURL(merchant, mail uuid.UUID) string {
	return g.o.URL + "/unsubscribe/" + g.o.Links.Sign(merchant, mail, g.clock.Now().Add(linkLife))
}

// Subscription is how somebody stands with a shop, as the holder of a link from
// one of their mails may see it.
type Subscription struct {
	Merchant uuid.UUID
	Topic    string // of the mail
	// Off and AllOff say that nothing of that topic, or nothing at all, is sent.
	Off, AllOff bool
}

// Subscription shows what a link stands for, and changes nothing. Forged and
// expired links, and those of mails that never were, fail with ErrLink.
func (g *Gate) Subscription(ctx context.Context, token string) (Subscription, error) {
	s, person, err := g.linked(ctx, token)
	if err != nil {
		return s, err
	}
	err = g.db.QueryRow(ctx, `select coalesce(bool_or(topic in ('all', $3)), false), coalesce(bool_or(topic = 'all'), false) from suppressions
		where merchant_id = $1 and person = $2 and lifted_at is null`, s.Merchant, person, s.Topic).Scan(&s.Off, &s.AllOff)
	return s, err
}

// Unsubscribe does what the holder of a link asks: nothing more of the topic of
// that mail, or with all, nothing more that is not about an order. Repeating it
// changes nothing.
func (g *Gate) Unsubscribe(ctx context.Context, token string, all bool) (Subscription, error) {
	s, person, err := g.linked(ctx, token)
	if err != nil {
		return s, err
	}
	topic := s.Topic
	if all {
		topic = topicAll
	}
	err = db.Run(ctx, g.db, func(tx db.Tx) error {
		_, err := g.Suppress(ctx, tx, s.Merchant, person, topic, ReasonUnsubscribed, "link")
		return err
	})
	if err != nil {
		return s, err
	}
	return g.Subscription(ctx, token)
}

func (g *Gate) linked(ctx context.Context, token string) (Subscription, []byte, error) {
	merchant, mail, err := g.o.Links.Open(token, g.clock.Now())
	if fault.KindOf(err) == fault.NotFound {
		err = ErrLink.Because(err)
	}
	if err != nil {
		return Subscription{}, nil, err
	}
	person, topic, err := g.person(ctx, merchant, mail)
	return Subscription{Merchant: merchant, Topic: topic}, person, err
}
