package recovery

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

const planColumns = `p.merchant_id, p.id, p.journey_id, p.times, p.cart_id, p.checkout_id, p.contact_id, p.person, p.arm, p.country, p.locale, p.currency,
	p.value_minor, p.lines, p.codes, p.status = 'open', p.reason, p.restored_cart_id, p.restored_at, p.abandoned_at, p.created_at`

func (p *plan) fields(lines *[]byte) []any {
	return []any{
		&p.Merchant, &p.ID, &p.Journey, &p.Times, &p.Cart, &p.Checkout, &p.Contact, &p.Person, &p.Arm, &p.Country, &p.Locale, &p.Currency,
		&p.ValueMinor, lines, &p.Codes, &p.Open, &p.Reason, &p.RestoredCart, &p.RestoredAt, &p.AbandonedAt, &p.CreatedAt,
	}
}

func (p *plan) decode(lines []byte) error {
	if err := json.Unmarshal(lines, &p.Lines); err != nil {
		return fmt.Errorf("recovery: plan %s: %w", p.ID, err)
	}
	return nil
}

// insertPlan writes a plan and its reminders once, and closes those that the same
// person has from before.
func (s *Service) insertPlan(ctx context.Context, p *plan, dues []time.Time) error {
	lines, err := json.Marshal(p.Lines)
	if err != nil {
		return fmt.Errorf("recovery: %w", err)
	}
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, `insert into recovery_plans (merchant_id, id, journey_id, times, cart_id, checkout_id, contact_id, person, arm, country, locale,
				currency, value_minor, lines, codes, status, abandoned_at, created_at, updated_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'open', $16, $17, $17)
			on conflict (merchant_id, journey_id, times) do nothing`,
			p.Merchant, p.ID, p.Journey, p.Times, p.Cart, p.Checkout, p.Contact, p.Person, p.Arm, p.Country, p.Locale,
			p.Currency, p.ValueMinor, lines, p.Codes, p.AbandonedAt, p.CreatedAt)
		if err != nil || n == 0 {
			return err
		}
		for i, due := range dues {
			tx.Queue(`insert into recovery_reminders (merchant_id, id, plan_id, step, status, due_at, created_at, updated_at) values ($1, $2, $3, $4, 'planned', $5, $6, $6)`,
				p.Merchant, id.New(), p.ID, i+1, due, p.CreatedAt)
		}
		closePlans(tx, p.Merchant, `person = $4 and id <> $5 and abandoned_at <= $6`, CodeNewer, s.Clock.Now(), p.Person, p.ID, p.AbandonedAt)
		return nil
	})
}

// closePlans queues the end of the open plans that where finds, and of their
// reminders. Its arguments begin at $4.
func closePlans(tx db.Tx, merchant uuid.UUID, where, reason string, now time.Time, args ...any) {
	tx.Queue(`with closed as (
			update recovery_plans set status = 'closed', reason = $2, closed_at = $3, updated_at = $3
			where merchant_id = $1 and status = 'open' and `+where+` returning id)
		update recovery_reminders r set status = 'skipped', code = $2, updated_at = $3 from closed
		where r.merchant_id = $1 and r.plan_id = closed.id and r.status = 'planned'`, append([]any{merchant, reason, now}, args...)...)
}

func (s *Service) closeJourney(ctx context.Context, merchant, journey uuid.UUID, at time.Time, reason string) error {
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		closePlans(tx, merchant, `journey_id = $4 and abandoned_at <= $5`, reason, s.Clock.Now(), journey, at)
		return nil
	})
}

// Forget closes what is planned for a contact that is erased, with the
// transaction.
func (s *Service) Forget(_ context.Context, tx db.Tx, merchant, contact uuid.UUID) error {
	closePlans(tx, merchant, `contact_id = $4`, CodeErased, s.Clock.Now(), contact)
	return nil
}

// planOf reads the plan of a reminder; nil when there is none.
func (s *Service) planOf(ctx context.Context, merchant, reminder uuid.UUID) (*plan, error) {
	var p plan
	var lines []byte
	found, err := db.One(s.DB.QueryRow(ctx, `select `+planColumns+` from recovery_reminders r
		join recovery_plans p on p.merchant_id = r.merchant_id and p.id = r.plan_id
		where r.merchant_id = $1 and r.id = $2`, merchant, reminder), p.fields(&lines)...)
	if err != nil || !found {
		return nil, err
	}
	return &p, p.decode(lines)
}

// reminder is one mail that may be due.
type reminder struct {
	plan     plan
	ID       uuid.UUID
	Step     int
	Steps    int // of its plan
	Status   string
	Code     string
	Attempts int
	DueAt    time.Time
	Later    bool // a later one of the plan is due as well
}

const reminderColumns = planColumns + `, r.id, r.step, (select max(x.step) from recovery_reminders x where x.merchant_id = r.merchant_id and x.plan_id = r.plan_id),
	r.status, r.code, r.attempts, r.due_at,
	exists (select from recovery_reminders x where x.merchant_id = r.merchant_id and x.plan_id = r.plan_id and x.step > r.step and x.status = 'planned' and x.due_at <= $1)`

func scanReminder(row pgx.CollectableRow) (*reminder, error) {
	var r reminder
	var lines []byte
	err := row.Scan(append(r.plan.fields(&lines), &r.ID, &r.Step, &r.Steps, &r.Status, &r.Code, &r.Attempts, &r.DueAt, &r.Later)...)
	if err == nil {
		err = r.plan.decode(lines)
	}
	return &r, err
}

// due reads reminders whose time has come, of shops that send.
func (s *Service) due(ctx context.Context, now time.Time, limit int) ([]*reminder, error) {
	rows, err := s.DB.Query(ctx, `select `+reminderColumns+` from recovery_reminders r
		join recovery_settings st on st.merchant_id = r.merchant_id and st.stopped_at is null and (st.document ->> 'enabled')::boolean
		join recovery_plans p on p.merchant_id = r.merchant_id and p.id = r.plan_id
		where r.status = 'planned' and r.due_at <= $1 order by r.due_at, r.id limit $2`, now, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanReminder)
}

// planned reads the reminders of a shop that are still to come, the next first.
func (s *Service) planned(ctx context.Context, merchant uuid.UUID, now time.Time, limit int) ([]*reminder, error) {
	rows, err := s.DB.Query(ctx, `select `+reminderColumns+` from recovery_reminders r
		join recovery_plans p on p.merchant_id = r.merchant_id and p.id = r.plan_id
		where r.merchant_id = $2 and r.status = 'planned' order by r.due_at, r.id limit $3`, now, merchant, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanReminder)
}

// restoredID is the id of the new cart that a link makes, the same at every try.
func (s *Service) restoredID(ctx context.Context, p *plan) (fresh uuid.UUID, err error) {
	err = s.DB.QueryRow(ctx, `update recovery_plans set new_cart_id = coalesce(new_cart_id, $3) where merchant_id = $1 and id = $2 returning new_cart_id`,
		p.Merchant, p.ID, id.New()).Scan(&fresh)
	return fresh, err
}

// renewID is the id of one more cart, when the one with the old id is over.
func (s *Service) renewID(ctx context.Context, p *plan, old uuid.UUID) (fresh uuid.UUID, err error) {
	err = s.DB.QueryRow(ctx, `update recovery_plans set new_cart_id = case new_cart_id when $3 then $4 else new_cart_id end
		where merchant_id = $1 and id = $2 returning new_cart_id`, p.Merchant, p.ID, old, id.New()).Scan(&fresh)
	return fresh, err
}

// noteRestored writes down that a link has opened a cart, the first time, and that
// nobody need be reminded of it any more.
func (s *Service) noteRestored(ctx context.Context, p *plan, cart uuid.UUID) error {
	now := s.Clock.Now()
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		tx.Queue(`update recovery_plans set restored_cart_id = $3, restored_at = coalesce(restored_at, $4), updated_at = $4
			where merchant_id = $1 and id = $2 and (restored_cart_id is distinct from $3 or restored_at is null)`, p.Merchant, p.ID, cart, now)
		closePlans(tx, p.Merchant, `id = $4`, CodeRestored, now, p.ID)
		return nil
	})
}
