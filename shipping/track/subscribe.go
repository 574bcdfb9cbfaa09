package track

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/shipping/carrier"
)

// mostNumbers is how many numbers a carrier takes at once.
const mostNumbers = 100

// The statuses of a subscription.
const (
	subscribed   = "done"
	unsubscribed = "refused"
)

// Subscribe has the carriers of a shipment's or a return's numbers tell of them
// by webhook: those that are told which parcels, and those that are told once
// where to send the news of all. What was asked is written down before, and what
// was answered afterwards, so that it is done once; a carrier that keeps silent is
// an error, to be tried again. Parcels are asked about on a schedule all the same.
func (s *Service) Subscribe(ctx context.Context, merchant, subject uuid.UUID) error {
	rows, err := s.DB.Query(ctx, `select account_id, number from parcel_watches where merchant_id = $1 and subject_id = $2 and final_at is null
		order by account_id, number`, merchant, subject)
	if err != nil {
		return err
	}
	watched, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		Account uuid.UUID
		Number  string
	}])
	byAccount := map[uuid.UUID][]string{}
	for _, w := range watched {
		byAccount[w.Account] = append(byAccount[w.Account], w.Number)
	}
	for account, numbers := range byAccount {
		err = errors.Join(err, s.subscribe(ctx, merchant, account, numbers))
	}
	return err
}

func (s *Service) subscribe(ctx context.Context, merchant, account uuid.UUID, numbers []string) error {
	c, err := s.Accounts.Carrier(ctx, merchant, account)
	if err != nil || !c.Capabilities().Webhooks {
		return err // without a secret none of its news would be believed
	}
	switch c := c.(type) {
	case carrier.Teller:
		due, err := s.due(ctx, merchant, account, numbers)
		for batch := range slices.Chunk(due, mostNumbers) {
			unknown, e := tell(ctx, s, func(ctx context.Context) ([]string, error) { return c.Subscribe(ctx, batch) })
			err = errors.Join(err, s.told(ctx, merchant, account, batch, unknown, "", e))
		}
		return err
	case carrier.Listener:
		address := ""
		if s.Address != nil {
			address = s.Address(c.(carrier.Carrier).Name(), merchant) //nolint:forcetypeassert // it came as one
		}
		if !strings.HasPrefix(address, "https://") {
			return nil // nobody could reach it
		}
		due, err := s.due(ctx, merchant, account, []string{""})
		if err != nil || len(due) == 0 {
			return err
		}
		id, err := tell(ctx, s, func(ctx context.Context) (string, error) { return c.Listen(ctx, address) })
		return s.told(ctx, merchant, account, due, nil, id, err)
	}
	return nil
}

// tell is one call of a carrier.
func tell[T any](ctx context.Context, s *Service, call func(ctx context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	return call(ctx)
}

// due writes down that a carrier is asked, and gives what it has not answered.
func (s *Service) due(ctx context.Context, merchant, account uuid.UUID, numbers []string) (due []string, err error) {
	now := s.DB.Now()
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		if _, err := tx.Exec(ctx, `insert into carrier_subscriptions (merchant_id, account_id, number, status, created_at, updated_at)
			select $1, $2, n, 'asked', $4, $4 from unnest($3::text[]) n on conflict do nothing`, merchant, account, numbers, now); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select number from carrier_subscriptions where merchant_id = $1 and account_id = $2 and number = any($3) and status = 'asked' order by number`,
			merchant, account, numbers)
		if err != nil {
			return err
		}
		due, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return due, err
}

// told writes down what a carrier has answered. A refusal is an end; silence is
// an error, and leaves it asked.
func (s *Service) told(ctx context.Context, merchant, account uuid.UUID, numbers, unknown []string, id string, err error) error {
	if kind := carrier.KindOf(err); err != nil && (kind.Unknown() || kind.Transient()) {
		return err
	}
	failure := ""
	if err != nil {
		s.Log.WarnContext(ctx, "a carrier does not tell of parcels by itself", "account", account, "error", err)
		failure, unknown = string(carrier.KindOf(err)), numbers
	}
	_, e := s.DB.Exec(ctx, `update carrier_subscriptions set status = case when number = any($4) then $5 else $6 end, reference = $7, failure = $8, updated_at = $9
		where merchant_id = $1 and account_id = $2 and number = any($3) and status = 'asked'`,
		merchant, account, numbers, append([]string{}, unknown...), unsubscribed, subscribed, id, failure, s.DB.Now())
	return e
}
