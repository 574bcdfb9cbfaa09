package label

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const columns = `merchant_id, id, purpose, subject_id, order_id, account_id, carrier, service, format, status, carrier_key, failure, failure_text,
	carrier_id, numbers, cost_minor, currency, manifest_id, created_at, updated_at, bought_at, ended_at, asked, missed, asked_at, next_at, request, announces`

func scanLabel(row pgx.CollectableRow) (l Label, err error) {
	return l, row.Scan(&l.MerchantID, &l.ID, &l.Purpose, &l.SubjectID, &l.OrderID, &l.Account, &l.Carrier, &l.Service, &l.Format, &l.Status, &l.Key, &l.Failure,
		&l.FailureText, &l.CarrierID, &l.Numbers, &l.CostMinor, &l.Currency, &l.ManifestID, &l.CreatedAt, &l.UpdatedAt, &l.BoughtAt, &l.EndedAt,
		&l.Asked, &l.missed, &l.askedAt, &l.nextAt, &l.request, &l.tells)
}

func (s *Service) labels(ctx context.Context, where string, args ...any) ([]Label, error) {
	rows, err := s.DB.Query(ctx, `select `+columns+` from labels where `+where, args...)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, scanLabel)
	if err != nil || len(all) == 0 {
		return all, err
	}
	return all, s.describe(ctx, all)
}

// describe adds the papers of labels of one merchant.
func (s *Service) describe(ctx context.Context, all []Label) error {
	byID := make(map[uuid.UUID]*Label, len(all))
	ids, merchants := make([]uuid.UUID, len(all)), make([]uuid.UUID, len(all))
	for i := range all {
		ids[i], merchants[i], byID[all[i].ID] = all[i].ID, all[i].MerchantID, &all[i]
	}
	rows, err := s.DB.Query(ctx, `select owner_id, n, kind, format, media_type, dpi, number, sha256, size, content is null from carrier_papers
		where merchant_id = any($1) and owner_id = any($2) order by owner_id, n`, merchants, ids)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var owner uuid.UUID
		var p Paper
		if err := rows.Scan(&owner, &p.N, &p.Kind, &p.Format, &p.MediaType, &p.DPI, &p.Number, &p.SHA256, &p.Size, &p.Forgotten); err != nil {
			return err
		}
		if l := byID[owner]; l != nil {
			l.Papers = append(l.Papers, p)
		}
	}
	return rows.Err()
}

// Label reads one label, or fails with ErrNotFound.
func (s *Service) Label(ctx context.Context, merchant, label uuid.UUID) (*Label, error) {
	return one(s.labels(ctx, `merchant_id = $1 and id = $2`, merchant, label))
}

// Of is the newest label of a shipment or a return that was not given back and
// did not fail, or else the newest. It fails with ErrNotFound.
func (s *Service) Of(ctx context.Context, merchant uuid.UUID, purpose Purpose, subject uuid.UUID) (*Label, error) {
	return one(s.labels(ctx, `merchant_id = $1 and purpose = $2 and subject_id = $3 order by status in ('failed', 'void'), created_at desc, id desc limit 1`,
		merchant, string(purpose), subject))
}

func one(all []Label, err error) (*Label, error) {
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// Filter selects labels; zero values select all.
type Filter struct {
	Status  Status
	Order   uuid.UUID
	Subject uuid.UUID
}

// List lists labels, the newest first, after the place of the cursor.
func (s *Service) List(ctx context.Context, merchant uuid.UUID, f Filter, cursor string, limit int) ([]Label, string, error) {
	before, after := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), uuid.Max
	if cursor != "" {
		at, last, _ := strings.Cut(cursor, " ")
		var err, e error
		before, err = time.Parse(time.RFC3339Nano, at)
		if after, e = uuid.Parse(last); err != nil || e != nil {
			return nil, "", ErrInput.At("query.cursor", "is not one of ours")
		}
	}
	all, err := s.labels(ctx, `merchant_id = $1 and (created_at, id) < ($2::timestamptz, $3::uuid) and ($4::text = '' or status = $4)
		and ($5::uuid = $7::uuid or order_id = $5) and ($6::uuid = $7::uuid or subject_id = $6)
		order by created_at desc, id desc limit $8`, merchant, before, after, string(f.Status), f.Order, f.Subject, uuid.Nil, limit+1)
	if err != nil || len(all) <= limit {
		return all, "", err
	}
	last := &all[limit-1]
	return all[:limit], last.CreatedAt.UTC().Format(time.RFC3339Nano) + " " + last.ID.String(), nil
}

// take claims a pending label for one step; false says that somebody else has it.
func (s *Service) take(ctx context.Context, l *Label, todo step) (bool, error) {
	now := s.DB.Now()
	asks := 0
	if todo == ask {
		asks = 1
	}
	until := now.Add(lease)
	n, err := s.DB.Exec(ctx, `update labels set next_at = $4, asked = asked + $5, missed = case when $5 = 1 then 0 else missed end,
			asked_at = case when $5 = 1 then $6 else asked_at end, updated_at = $6
		where merchant_id = $1 and id = $2 and status = 'pending' and next_at = $3`, l.MerchantID, l.ID, l.nextAt, until, asks, now)
	if err != nil || n == 0 {
		return false, err
	}
	if l.Asked += asks; asks == 1 {
		l.missed, l.askedAt = 0, &now
	}
	s.Step("taken")
	return true, nil
}

// pause leaves a label for later.
func (s *Service) pause(ctx context.Context, l *Label, code, text string, wait time.Duration) error {
	return s.later(ctx, l, code, text, l.pauseOf(wait), l.Asked, l.missed)
}

// unasked notes that the last question was not taken.
func (s *Service) unasked(ctx context.Context, l *Label, code, text string, wait time.Duration) error {
	return s.later(ctx, l, code, text, l.pauseOf(wait), l.Asked-1, l.missed)
}

// miss notes that the carrier does not have the label.
func (s *Service) miss(ctx context.Context, l *Label) error {
	now := s.DB.Now()
	wait := l.pauseOf(0)
	if l.askedAt != nil {
		wait = max(wait, l.askedAt.Add(settles).Sub(now))
	}
	return s.later(ctx, l, "not_found_yet", "", wait, l.Asked, l.missed+1)
}

func (s *Service) later(ctx context.Context, l *Label, code, text string, wait time.Duration, asked, missed int) error {
	now := s.DB.Now()
	_, err := s.DB.Exec(ctx, `update labels set next_at = $3, failure = $4, failure_text = $5, asked = $6, missed = $7, updated_at = $8
		where merchant_id = $1 and id = $2 and status = 'pending'`, l.MerchantID, l.ID, now.Add(wait), code, text, asked, missed, now)
	return err
}

const workBatch = 100

// Work goes on with labels and errands that are due, and says with how many.
func (s *Service) Work(ctx context.Context) (int, error) {
	due, err := s.labels(ctx, `next_at <= $1 order by next_at limit $2`, s.DB.Now(), workBatch)
	if err != nil {
		return 0, err
	}
	errs := make([]error, len(due))
	if s.AtOnce == 1 {
		for i := range due {
			errs[i] = s.goOn(ctx, &due[i])
		}
	} else {
		var all sync.WaitGroup
		places := make(chan struct{}, s.AtOnce)
		for i := range due {
			places <- struct{}{}
			all.Go(func() {
				defer func() { <-places }()
				errs[i] = s.goOn(ctx, &due[i])
			})
		}
		all.Wait()
	}
	n, err := s.workErrands(ctx)
	return len(due) + n, errors.Join(errors.Join(errs...), err)
}

func (s *Service) goOn(ctx context.Context, l *Label) error {
	work := s.work
	if l.Status == Voiding {
		work = s.giveBack
	}
	if err := work(ctx, l); err != nil {
		return fmt.Errorf("label %s: %w", l.ID, err)
	}
	return nil
}

// Prune forgets what is printed on labels that are older than age: it is full of
// addresses. It says how many papers those were.
func (s *Service) Prune(ctx context.Context, age time.Duration) (int64, error) {
	return s.DB.Exec(ctx, `update carrier_papers set content = null where content is not null and created_at < $1`, s.DB.Now().Add(-age))
}
