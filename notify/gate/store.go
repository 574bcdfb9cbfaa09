package gate

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

// Pass decides about a mail with the transaction that sends it. When the answer
// is Allow, the mail counts for the person's caps once tx stands, so tx must be
// the one after which the mail is handed over; any other answer is for Record. It
// locks the person: of two mails at once, the second sees what the first was
// told.
func (g *Gate) Pass(ctx context.Context, tx db.Tx, a *Ask) (Answer, error) {
	now := g.clock.Now()
	tx.Queue(`insert into gate_people (merchant_id, person, updated_at) values ($1, $2, $3)
		on conflict (merchant_id, person) do update set updated_at = excluded.updated_at`, a.Merchant, a.Person, now)
	answer, err := g.Look(ctx, tx, a)
	if err == nil && answer.Verdict == Allow {
		g.record(tx, a, answer, now)
	}
	return answer, err
}

// Look decides as Pass does, and neither counts nor locks.
func (g *Gate) Look(ctx context.Context, tx db.Tx, a *Ask) (Answer, error) {
	if len(a.Person) == 0 {
		return Answer{}, ErrPerson
	}
	now := g.clock.Now()
	f, err := g.facts(ctx, tx, a, now)
	if err != nil {
		return Answer{}, err
	}
	return Decide(now, a, f), nil
}

// Record writes down what was answered about a mail that was not sent. A mail
// that has passed before stays counted: it may have been handed over.
func (g *Gate) Record(tx db.Tx, a *Ask, answer Answer) { g.record(tx, a, answer, g.clock.Now()) }

func (g *Gate) record(tx db.Tx, a *Ask, answer Answer, now time.Time) {
	var until, passed *time.Time
	caps := a.Rules.Caps
	if caps == nil {
		caps = []Cap{}
	}
	switch answer.Verdict {
	case Allow:
		passed = &now
	case Wait:
		until = &answer.Until
	}
	tx.Queue(`insert into gate_decisions as d
			(merchant_id, id, mail_key, person, topic, kind, country, verdict, code, until_at, caps, decided_at, passed_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		on conflict (merchant_id, mail_key) do update set verdict = excluded.verdict, code = excluded.code, until_at = excluded.until_at,
			caps = excluded.caps, decided_at = excluded.decided_at, passed_at = coalesce(excluded.passed_at, d.passed_at)`,
		a.Merchant, a.ID, a.Key, a.Person, a.Topic, a.Kind, a.Country, string(answer.Verdict), answer.Code, until, caps, now, passed)
}

// Undo takes back that a mail has passed, when it was certainly not handed over.
func (g *Gate) Undo(ctx context.Context, d *db.DB, merchant uuid.UUID, key, code string) error {
	_, err := d.Exec(ctx, `update gate_decisions set verdict = 'refuse', code = $3, passed_at = null, decided_at = $4
		where merchant_id = $1 and mail_key = $2 and passed_at is not null`, merchant, key, code, g.clock.Now())
	return err
}

// facts reads what the decision depends on.
func (g *Gate) facts(ctx context.Context, tx db.Tx, a *Ask, now time.Time) (*Facts, error) {
	f := &Facts{}
	var bought *time.Time
	longest := time.Duration(0)
	for _, c := range a.Rules.Caps {
		longest = max(longest, c.window())
	}
	err := tx.QueryRow(ctx, `select
			coalesce((select reason from suppressions where merchant_id = $1 and person = $2 and topic in ('all', $3) and lifted_at is null
				order by case when $6 and reason in ('hard_bounce', 'manual') then 0 else 1 end, case reason when 'complaint' then 1 when 'hard_bounce' then 2 when 'unsubscribed' then 3 else 4 end limit 1), ''),
			(select max(placed_at) from v_person_purchases where merchant_id = $1 and email_hmac = $2),
			array(select passed_at from gate_decisions where merchant_id = $1 and person = $2 and passed_at > $4 and mail_key <> $5
				and (not $6 or topic = $3) order by passed_at)`,
		a.Merchant, a.Person, a.Topic, now.Add(-longest), a.Key, a.ForOrder).Scan(&f.Suppressed, &bought, &f.Passed)
	if err != nil {
		return nil, err
	}
	f.Suppressed = codeOf(f.Suppressed)
	if bought != nil {
		f.BoughtAt = *bought
	}
	granted, confirmed, found, err := g.consents.MailConsent(ctx, tx, a.Merchant, a.Person, []string{a.Topic, topicAll})
	if found {
		f.Consent = &Consent{granted, confirmed}
	}
	return f, err
}

// codeOf is the code of a refusal for the reason of a suppression.
func codeOf(reason string) string {
	if reason == ReasonByHand {
		return SuppressedByHand
	}
	return reason
}

// The reasons of suppressions.
const (
	ReasonUnsubscribed = Unsubscribed
	ReasonComplaint    = Complained
	ReasonBounce       = Bounced
	ReasonByHand       = "manual"
)

// Suppression is that somebody is sent nothing about a topic.
type Suppression struct {
	ID        uuid.UUID
	Topic     string // "all" or one of Topics
	Reason    string
	Source    string // who said so: link, smtp, a provider, api
	CreatedAt time.Time
	LiftedAt  *time.Time
}

// Suppress sees to it that the person is sent nothing about the topic any more;
// "all" is every topic. It may be repeated, and says whether that was new.
func (g *Gate) Suppress(ctx context.Context, tx db.Tx, merchant uuid.UUID, person []byte, topic, reason, source string) (bool, error) {
	if len(person) == 0 {
		return false, ErrPerson
	}
	if topic != topicAll && !slices.Contains(Topics(), topic) {
		return false, ErrTopic
	}
	if !slices.Contains([]string{ReasonUnsubscribed, ReasonComplaint, ReasonBounce, ReasonByHand}, reason) {
		return false, ErrReason
	}
	// The person's row is locked as a decision does it: a mail that is decided
	// about at this moment comes before or after, never beside.
	tx.Queue(`insert into gate_people (merchant_id, person, updated_at) values ($1, $2, $3)
		on conflict (merchant_id, person) do update set updated_at = excluded.updated_at`, merchant, person, g.clock.Now())
	n, err := tx.Exec(ctx, `insert into suppressions (merchant_id, id, person, topic, reason, source, created_at) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (merchant_id, person, topic, reason) where lifted_at is null do nothing`,
		merchant, id.New(), person, topic, reason, source, g.clock.Now())
	return n > 0, err
}

// Lift ends the active suppressions of a person with those reasons; topic "all"
// means those of every topic. It says how many there were.
func (g *Gate) Lift(ctx context.Context, tx db.Tx, merchant uuid.UUID, person []byte, topic string, reasons ...string) (int64, error) {
	return tx.Exec(ctx, `update suppressions set lifted_at = $5 where merchant_id = $1 and person = $2 and ($3 = 'all' or topic in ('all', $3))
		and reason = any ($4) and lifted_at is null`, merchant, person, topic, reasons, g.clock.Now())
}

// Suppressed says whether the person is sent nothing about the topic, and why.
func (g *Gate) Suppressed(ctx context.Context, tx db.Tx, merchant uuid.UUID, person []byte, topic string) (string, error) {
	var reason string
	_, err := db.One(tx.QueryRow(ctx, `select reason from suppressions where merchant_id = $1 and person = $2 and topic in ('all', $3) and lifted_at is null limit 1`,
		merchant, person, topic), &reason)
	return codeOf(reason), err
}

// Suppressions lists all of a person, the newest first.
func (g *Gate) Suppressions(ctx context.Context, merchant uuid.UUID, person []byte) ([]Suppression, error) {
	rows, err := g.db.Query(ctx, `select id, topic, reason, source, created_at, lifted_at from suppressions
		where merchant_id = $1 and person = $2 order by created_at desc, id desc limit 100`, merchant, person)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Suppression, err error) {
		return s, row.Scan(&s.ID, &s.Topic, &s.Reason, &s.Source, &s.CreatedAt, &s.LiftedAt)
	})
}

// person finds whom a decision was about, and what.
func (g *Gate) person(ctx context.Context, merchant, decision uuid.UUID) (person []byte, topic string, err error) {
	found, err := db.One(g.db.QueryRow(ctx, `select person, topic from gate_decisions where merchant_id = $1 and id = $2`, merchant, decision), &person, &topic)
	if err == nil && !found {
		err = ErrLink
	}
	return person, topic, err
}
