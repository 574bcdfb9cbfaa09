package webhook

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/jobs"
	"doorstep/internal/killpoint"
)

// Status is where a delivery stands.
type Status string

// The states of a delivery: pending, and then one of the other two. Sending it
// again by hand makes it pending anew.
const (
	Pending   Status = "pending"
	Delivered Status = "delivered" // answered with 200 to 299
	Dead      Status = "dead"      // given up
)

// Why a delivery is dead.
const (
	reasonExhausted = "exhausted"         // the last attempt of the schedule has failed
	reasonGone      = "gone"              // the endpoint answered 410
	reasonDisabled  = "endpoint_disabled" // it waited for three days for an endpoint that was disabled
)

// Delivery is one event on its way to one endpoint.
type Delivery struct {
	ID, Endpoint, EventID, Aggregate uuid.UUID
	Event                            string
	Status                           Status
	Reason                           string // why it is dead
	Attempts                         int
	LastCode                         *int   // of the last answer
	LastError                        string // the last attempt without an answer
	// DueAt is when the next attempt comes, or, while one runs, the one after a
	// crash. It means something while the delivery is pending.
	DueAt                 time.Time
	OccurredAt, CreatedAt time.Time
	SettledAt             *time.Time
	Body                  string    // as it is sent; empty before the first attempt and in lists
	Log                   []Attempt // empty in lists
}

// WebhookID is the header webhook-id: the same at every attempt.
func (d *Delivery) WebhookID() string { return webhookID(d.EventID) }

func webhookID(event uuid.UUID) string { return "msg_" + event.String() }

// Attempt is one try of a delivery.
type Attempt struct {
	N         int
	StartedAt time.Time
	Duration  time.Duration
	Code      *int   // of the answer; nil without one
	Error     string // why there was none, in one word
	Excerpt   string // the beginning of the answer
}

const deliveryColumns = `id, endpoint_id, event_id, aggregate_id, event, status, reason, attempts, last_code, last_error, due_at, occurred_at, created_at, settled_at`

func (d *Delivery) scan() []any {
	return []any{&d.ID, &d.Endpoint, &d.EventID, &d.Aggregate, &d.Event, &d.Status, &d.Reason, &d.Attempts, &d.LastCode, &d.LastError,
		&d.DueAt, &d.OccurredAt, &d.CreatedAt, &d.SettledAt}
}

func (d *Delivery) inUTC() {
	d.DueAt, d.OccurredAt, d.CreatedAt, d.SettledAt = d.DueAt.UTC(), d.OccurredAt.UTC(), d.CreatedAt.UTC(), utc(d.SettledAt)
}

// Filter selects deliveries; zero values select all.
type Filter struct {
	Endpoint uuid.UUID
	Status   Status
	Event    string
}

// Deliveries lists deliveries, the newest first, at most limit of those older
// than before (uuid.Nil: from the newest).
func (s *Service) Deliveries(ctx context.Context, merchant uuid.UUID, f Filter, limit int, before uuid.UUID) ([]Delivery, error) {
	var endpoint, last *uuid.UUID
	if f.Endpoint != uuid.Nil {
		endpoint = &f.Endpoint
	}
	if before != uuid.Nil {
		last = &before
	}
	rows, err := s.db.Query(ctx, `select `+deliveryColumns+` from webhook_deliveries
		where merchant_id = $1 and ($2::uuid is null or endpoint_id = $2) and ($3 = '' or status = $3) and ($4 = '' or event = $4) and ($5::uuid is null or id < $5)
		order by id desc limit $6`, merchant, endpoint, string(f.Status), f.Event, last, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Delivery, err error) {
		err = row.Scan(d.scan()...)
		d.inUTC()
		return d, err
	})
}

// Delivery is one delivery with its body and attempts, or ErrDeliveryUnknown.
func (s *Service) Delivery(ctx context.Context, merchant, delivery uuid.UUID) (Delivery, error) {
	var d Delivery
	found, err := db.One(s.db.QueryRow(ctx, `select `+deliveryColumns+`, coalesce(body, '') from webhook_deliveries where merchant_id = $1 and id = $2`,
		merchant, delivery), append(d.scan(), &d.Body)...)
	if err != nil {
		return d, err
	}
	if !found {
		return d, ErrDeliveryUnknown
	}
	d.inUTC()
	rows, err := s.db.Query(ctx, `select n, started_at, duration_ms, code, error, excerpt from webhook_attempts
		where merchant_id = $1 and delivery_id = $2 order by n`, merchant, delivery)
	if err != nil {
		return d, err
	}
	d.Log, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Attempt, err error) {
		var ms int64
		err = row.Scan(&a.N, &a.StartedAt, &ms, &a.Code, &a.Error, &a.Excerpt)
		a.StartedAt, a.Duration = a.StartedAt.UTC(), time.Duration(ms)*time.Millisecond
		return a, err
	})
	return d, err
}

// Redeliver sends a delivery again, now and under the same webhook-id, however
// it had ended; one that waits for its next attempt does not wait any longer.
// Later news of the same order or parcel does not wait for it. It fails with
// ErrDeliveryUnknown, ErrEndpointDisabled, or ErrDeliveryRunning while an
// attempt is under way.
func (s *Service) Redeliver(ctx context.Context, merchant, delivery uuid.UUID) (Delivery, error) {
	err := db.Run(ctx, s.db, func(tx db.Tx) error {
		var status Status
		var endpoint EndpointStatus
		var running bool
		found, err := db.One(tx.QueryRow(ctx, `select d.status, e.status, coalesce(d.lease_until > $3, false) from webhook_deliveries d
			join webhook_endpoints e on e.merchant_id = d.merchant_id and e.id = d.endpoint_id
			where d.merchant_id = $1 and d.id = $2 for update of d`, merchant, delivery, s.db.Now()), &status, &endpoint, &running)
		switch {
		case err != nil:
			return err
		case !found:
			return ErrDeliveryUnknown
		case endpoint != Active:
			return ErrEndpointDisabled
		case status == Pending && running:
			return ErrDeliveryRunning
		}
		// What still waits keeps its place in the order.
		tx.Queue(`update webhook_deliveries set status = 'pending', reason = '', settled_at = null, due_at = $3, first_of_round = attempts,
				replayed = replayed or status <> 'pending'
			where merchant_id = $1 and id = $2`, merchant, delivery, s.db.Now())
		tx.AfterCommit(s.Wake)
		return nil
	})
	if err != nil {
		return Delivery{}, err
	}
	return s.Delivery(ctx, merchant, delivery)
}

// taken is a delivery as one attempt has it.
type taken struct {
	merchant, id, endpoint, event, aggregate uuid.UUID
	attempt, firstOfRound                    int
	eventName, url                           string
	payload                                  []byte
	body                                     *string
	occurredAt                               time.Time
}

// take gives deliveries that are due to this program for a lease: at most free
// in all, and for each endpoint what it has room for beside those that run. A
// delivery is passed over while something earlier of the same aggregate waits,
// here or still in the outbox.
func (s *Service) take(ctx context.Context, free int) ([]taken, error) {
	now := s.db.Now()
	var some bool
	if err := s.db.QueryRow(ctx, `select exists (select from webhook_deliveries where status = 'pending' and due_at <= $1)`, now).Scan(&some); err != nil || !some {
		return nil, err
	}
	busy, counts := s.busy()
	rows, err := s.db.Pool().Query(ctx, `
		with due as (
			select d.merchant_id, d.id, e.url
			from webhook_endpoints e
			left join unnest($2::uuid[], $3::int[]) as b (endpoint, n) on b.endpoint = e.id
			cross join lateral (
				select d.merchant_id, d.id, d.due_at from webhook_deliveries d
				where d.merchant_id = e.merchant_id and d.endpoint_id = e.id and d.status = 'pending' and d.due_at <= $1
				  and (d.replayed or not exists (
					select from webhook_deliveries p
					where p.merchant_id = d.merchant_id and p.endpoint_id = d.endpoint_id and p.aggregate_id = d.aggregate_id
					  and p.status = 'pending' and not p.replayed and p.event_id < d.event_id))
				  and not exists (select from v_outbox_waiting o where o.merchant_id = d.merchant_id and o.aggregate_id = d.aggregate_id and o.id < d.event_id)
				order by d.due_at limit greatest($4 - coalesce(b.n, 0), 0) for update skip locked) d
			where e.status = 'active' and (e.paused_until is null or e.paused_until <= $1)
			order by d.due_at limit $5)
		update webhook_deliveries d set attempts = d.attempts + 1, due_at = $6, lease_until = $6
		from due where d.merchant_id = due.merchant_id and d.id = due.id
		returning d.merchant_id, d.id, d.endpoint_id, d.event_id, d.aggregate_id, d.attempts, d.first_of_round, d.event, due.url, d.payload, d.body, d.occurred_at`,
		now, busy, counts, s.config.PerEndpoint, free, now.Add(s.config.Lease))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t taken, err error) {
		return t, row.Scan(&t.merchant, &t.id, &t.endpoint, &t.event, &t.aggregate, &t.attempt, &t.firstOfRound, &t.eventName, &t.url, &t.payload, &t.body, &t.occurredAt)
	})
}

// giveBack undoes take for an attempt that was not made.
func (s *Service) giveBack(ctx context.Context, t *taken, until time.Time) error {
	_, err := s.db.Exec(ctx, `update webhook_deliveries set attempts = attempts - 1, due_at = $4, lease_until = null
		where merchant_id = $1 and id = $2 and attempts = $3 and status = 'pending'`, t.merchant, t.id, t.attempt, until)
	return err
}

// freeze keeps the body, so that every attempt sends the same bytes, and gives
// back the one that was kept first.
func (s *Service) freeze(ctx context.Context, t *taken, body string) (string, error) {
	err := db.Run(ctx, s.db, func(tx db.Tx) error {
		return tx.QueryRow(ctx, `update webhook_deliveries set body = coalesce(body, $3) where merchant_id = $1 and id = $2 returning body`,
			t.merchant, t.id, body).Scan(&body)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrDeliveryUnknown
	}
	return body, err
}

// verdict is what became of an attempt.
type verdict struct {
	Attempt
	status  Status
	reason  string
	due     time.Time  // of the next attempt, when pending
	pause   *time.Time // of the whole endpoint
	disable string     // why the endpoint is to be disabled
}

// settle notes an attempt. That it has arrived is noted whatever happened to
// the row meanwhile; anything else only while the attempt still has it.
func (s *Service) settle(ctx context.Context, t *taken, v verdict) error {
	return db.Run(ctx, s.db, func(tx db.Tx) error {
		now := s.db.Now()
		tx.Queue(`insert into webhook_attempts (merchant_id, delivery_id, n, started_at, duration_ms, code, error, excerpt) values ($1, $2, $3, $4, $5, $6, $7, $8)
			on conflict do nothing`, t.merchant, t.id, t.attempt, v.StartedAt, v.Duration.Milliseconds(), v.Code, v.Error, v.Excerpt)
		if v.status == Delivered {
			tx.Queue(`update webhook_deliveries set status = 'delivered', reason = '', settled_at = $3, last_code = $4, last_error = '', lease_until = null
				where merchant_id = $1 and id = $2 and status <> 'delivered'`, t.merchant, t.id, now, v.Code)
			tx.Queue(`update webhook_endpoints set failing_since = null where merchant_id = $1 and id = $2 and failing_since is not null`, t.merchant, t.endpoint)
			followers(tx, t, now)
			killpoint.Hit("webhook.note")
			return nil
		}
		if v.status == Dead {
			tx.Queue(`update webhook_deliveries set status = 'dead', reason = $5, settled_at = $4, last_code = $6, last_error = $7, lease_until = null
				where merchant_id = $1 and id = $2 and attempts = $3 and status = 'pending'`, t.merchant, t.id, t.attempt, now, v.reason, v.Code, v.Error)
			followers(tx, t, now)
		} else {
			tx.Queue(`update webhook_deliveries set due_at = $4, last_code = $5, last_error = $6, lease_until = null
				where merchant_id = $1 and id = $2 and attempts = $3 and status = 'pending'`, t.merchant, t.id, t.attempt, v.due, v.Code, v.Error)
			followers(tx, t, v.due)
		}
		tx.Queue(`update webhook_endpoints set failing_since = coalesce(failing_since, $3), paused_until = greatest(paused_until, $4)
			where merchant_id = $1 and id = $2 and status = 'active'`, t.merchant, t.endpoint, v.StartedAt, v.pause)
		if v.disable != "" {
			return s.disable(ctx, tx, t, v.disable, now)
		}
		return nil
	})
}

// disable switches an endpoint off and sees to it that its merchant is told. Of
// several attempts that find it so, one does.
func (s *Service) disable(ctx context.Context, tx db.Tx, t *taken, reason string, now time.Time) error {
	n, err := tx.Exec(ctx, `update webhook_endpoints set status = 'disabled', status_reason = $3, disabled_at = $4, version = version + 1, updated_at = $4
		where merchant_id = $1 and id = $2 and status = 'active'`, t.merchant, t.endpoint, reason, now)
	if err != nil || n == 0 {
		return err
	}
	e := EndpointDisabled{MerchantID: t.merchant, EndpointID: t.endpoint, Reason: reason, DisabledAt: now}
	if s.config.Note != nil {
		if err := s.config.Note(tx, e); err != nil {
			return err
		}
	}
	return jobs.Publish(tx, e)
}

// followers are due when what they wait for is settled or tried again.
func followers(tx db.Tx, t *taken, due time.Time) {
	tx.Queue(`update webhook_deliveries set due_at = $5
		where merchant_id = $1 and endpoint_id = $2 and aggregate_id = $3 and status = 'pending' and not replayed and event_id > $4 and attempts = first_of_round`,
		t.merchant, t.endpoint, t.aggregate, t.event, due)
}

// Sweep gives up what waits for endpoints that have long been disabled, and
// forgets old deliveries and dead secrets. It says how many deliveries went.
func (s *Service) Sweep(ctx context.Context) (int64, error) {
	now := s.db.Now()
	if _, err := s.db.Exec(ctx, `update webhook_deliveries d set status = 'dead', reason = $2, settled_at = $1 from webhook_endpoints e
		where e.merchant_id = d.merchant_id and e.id = d.endpoint_id and e.status = 'disabled' and d.status = 'pending' and d.due_at < $3 and e.disabled_at < $3`,
		now, reasonDisabled, now.Add(-s.config.GiveUp)); err != nil {
		return 0, err
	}
	if _, err := s.db.Exec(ctx, `delete from webhook_secrets where expires_at < $1`, now); err != nil {
		return 0, err
	}
	var all int64
	for {
		n, err := s.db.Exec(ctx, `delete from webhook_deliveries where (merchant_id, id) in (
			select merchant_id, id from webhook_deliveries where status <> 'pending' and settled_at < $1 limit 1000)`, now.Add(-Kept))
		if all += n; err != nil || n < 1000 {
			return all, err
		}
	}
}
