package gate

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
)

// The types of news.
const (
	NewsBounce      = "bounce"
	NewsComplaint   = "complaint"
	NewsUnsubscribe = "unsubscribe"
)

// News is what a mail provider tells of one mail.
type News struct {
	EventID   string
	Type      string // NewsBounce and the others; anything else changes nothing
	Permanent bool   // of a bounce: the address does not exist
	MessageID string // of the mail, with or without angle brackets
	Recipient string // used when the mail is not known; needs a merchant
}

// Provider verifies and reads what one mail provider sends. It fails with
// ErrSignature or ErrNews.
type Provider interface {
	Read(header http.Header, body []byte, now time.Time) (News, error)
}

// Receipt says what became of a piece of news.
type Receipt struct {
	Duplicate bool // it was here before
	Ignored   bool // nobody here is meant, or it changes nothing
}

// tolerance is how old news may be, by their signed time.
const tolerance = 5 * time.Minute

// Receive takes in news of a mail: a hard bounce and a complaint end all mail to
// the address that is not about an order. Each piece of news is acted on once.
func (g *Gate) Receive(ctx context.Context, provider string, merchant uuid.UUID, header http.Header, body []byte) (Receipt, error) {
	p, ok := g.o.Providers[provider]
	if !ok {
		return Receipt{}, ErrProvider
	}
	n, err := p.Read(header, body, g.clock.Now())
	if err != nil {
		return Receipt{}, err
	}
	reason := map[string]string{NewsBounce: ReasonBounce, NewsComplaint: ReasonComplaint, NewsUnsubscribe: ReasonUnsubscribed}[n.Type]
	if reason == "" || n.Type == NewsBounce && !n.Permanent {
		return Receipt{Ignored: true}, nil
	}
	owner, person, err := g.meant(ctx, merchant, n)
	if err != nil || person == nil {
		return Receipt{Ignored: true}, err
	}
	var r Receipt
	err = db.Run(ctx, g.db, func(tx db.Tx) error {
		isNew, err := tx.Exec(ctx, `insert into mail_news (merchant_id, provider, event_id, type, received_at) values ($1, $2, $3, $4, $5)
			on conflict (merchant_id, provider, event_id) do nothing`, owner, provider, n.EventID, n.Type, g.clock.Now())
		if r.Duplicate = isNew == 0; err != nil || r.Duplicate {
			return err
		}
		_, err = g.Suppress(ctx, tx, owner, person, topicAll, reason, provider)
		return err
	})
	return r, err
}

// meant finds whom news are about: by the mail, else by the address at the
// merchant to whom they were sent.
func (g *Gate) meant(ctx context.Context, merchant uuid.UUID, n News) (owner uuid.UUID, person []byte, err error) {
	text, _, _ := strings.Cut(strings.Trim(n.MessageID, "<> "), "@")
	if mail, bad := uuid.Parse(text); bad == nil {
		var contact uuid.UUID
		found, err := db.One(g.db.QueryRow(ctx, `select merchant_id, contact_id from deliveries where id = $1 and ($2::uuid is null or merchant_id = $2)`,
			mail, orNull(merchant)), &owner, &contact)
		if err != nil || found && contact != uuid.Nil {
			if err == nil {
				person, err = g.o.People.Person(ctx, owner, contact)
			}
			if fault.KindOf(err) == fault.NotFound {
				err = nil
			}
			return owner, person, err
		}
	}
	if merchant == uuid.Nil || !strings.Contains(n.Recipient, "@") {
		return merchant, nil, nil
	}
	return merchant, g.o.People.PersonByEmail(merchant, n.Recipient), nil
}

func orNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// Standard reads news that are signed as Standard Webhooks 1.0 asks, by one of
// several secrets (whsec_ and base64):
//
//	{"type": "bounce", "permanent": true, "message_id": "...", "recipient": "..."}
//
// webhook-id names the piece of news.
type Standard struct{ Secrets []string }

// Read verifies and reads.
func (s Standard) Read(header http.Header, body []byte, now time.Time) (News, error) {
	id, stamp := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	at, err := strconv.ParseInt(stamp, 10, 64)
	if id == "" || len(id) > 200 || err != nil || now.Sub(time.Unix(at, 0)).Abs() > tolerance || !s.signed(id+"."+stamp+".", body, header.Get("Webhook-Signature")) {
		return News{}, ErrSignature
	}
	var n struct {
		Type      string `json:"type"`
		Permanent bool   `json:"permanent"`
		MessageID string `json:"message_id"`
		Recipient string `json:"recipient"`
	}
	if err := json.Unmarshal(body, &n); err != nil || n.Type == "" {
		return News{}, ErrNews.Because(err)
	}
	return News{EventID: id, Type: n.Type, Permanent: n.Permanent, MessageID: n.MessageID, Recipient: n.Recipient}, nil
}

func (s Standard) signed(head string, body []byte, given string) bool {
	ok := false
	for _, secret := range s.Secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) == 0 {
			continue
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(head))
		mac.Write(body)
		want := mac.Sum(nil)
		for part := range strings.FieldsSeq(given) {
			got, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(part, "v1,"))
			ok = err == nil && strings.HasPrefix(part, "v1,") && hmac.Equal(got, want) || ok
		}
	}
	return ok
}

// Mailgun reads the webhooks of Mailgun, signed with its webhook signing key.
type Mailgun struct{ Keys []string }

// Read verifies and reads.
func (m Mailgun) Read(_ http.Header, body []byte, now time.Time) (News, error) {
	var b struct {
		Signature struct {
			Timestamp string `json:"timestamp"`
			Token     string `json:"token"`
			Signature string `json:"signature"`
		} `json:"signature"`
		Event struct {
			ID        string `json:"id"`
			Event     string `json:"event"`
			Severity  string `json:"severity"`
			Recipient string `json:"recipient"`
			Message   struct {
				Headers struct {
					MessageID string `json:"message-id"`
				} `json:"headers"`
			} `json:"message"`
		} `json:"event-data"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return News{}, ErrNews.Because(err)
	}
	at, err := strconv.ParseInt(b.Signature.Timestamp, 10, 64)
	given, bad := hex.DecodeString(b.Signature.Signature)
	if err != nil || bad != nil || now.Sub(time.Unix(at, 0)).Abs() > tolerance {
		return News{}, ErrSignature
	}
	ok := false
	for _, key := range m.Keys {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(b.Signature.Timestamp + b.Signature.Token))
		ok = key != "" && hmac.Equal(given, mac.Sum(nil)) || ok
	}
	if !ok {
		return News{}, ErrSignature
	}
	e := b.Event
	n := News{EventID: e.ID, Type: e.Event, MessageID: e.Message.Headers.MessageID, Recipient: e.Recipient}
	switch e.Event {
	case "failed":
		n.Type, n.Permanent = NewsBounce, e.Severity == "permanent"
	case "complained":
		n.Type = NewsComplaint
	case "unsubscribed":
		n.Type = NewsUnsubscribe
	}
	if n.EventID == "" || len(n.EventID) > 200 || n.Type == "" {
		return News{}, ErrNews
	}
	return n, nil
}
