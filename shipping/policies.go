package shipping

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/money"
	"doorstep/shipping/policy"
)

// PolicyStatus is how a version of a policy stands.
type PolicyStatus string

// The statuses of a policy. Of each merchant at most one version is published.
const (
	Draft     PolicyStatus = "draft"
	Published PolicyStatus = "published"
	Retired   PolicyStatus = "retired"
)

// Version is one version of a merchant's shipping policy. A draft may be
// replaced; a version that was ever published stays as it is.
type Version struct {
	MerchantID  uuid.UUID       `gorm:"column:merchant_id"`
	ID          uuid.UUID       `gorm:"column:id"`
	Version     int             `gorm:"column:version"`
	Status      PolicyStatus    `gorm:"column:status"`
	Document    json.RawMessage `gorm:"column:document"`
	Hash        string          `gorm:"column:hash"` // of the document's canonical form
	CreatedAt   time.Time       `gorm:"column:created_at"`
	PublishedAt *time.Time      `gorm:"column:published_at"`
	UpdatedAt   time.Time       `gorm:"column:updated_at"`
}

// TableName is where GORM finds it.
func (Version) TableName() string { return "shipping_policies" }

// draftTries bounds how often a version number is drawn again when somebody
// else has just taken it.
const draftTries = 10

// NewDraft keeps a document as a new draft. A document with mistakes is
// policy.ErrInvalid.
func (s *Service) NewDraft(ctx context.Context, merchant uuid.UUID, document []byte) (*Version, error) {
	document, hash, err := prepare(document)
	if err != nil {
		return nil, err
	}
	v := id.New()
	if err := numbered(func() error {
		_, err := s.DB.Exec(ctx, insertVersion, merchant, v, string(Draft), document, hash, s.DB.Now(), nil)
		return err
	}); err != nil {
		return nil, err
	}
	return s.Version(ctx, merchant, v)
}

// numbered repeats an insert whose version number somebody else has just taken.
func numbered(insert func() error) error {
	for try := 1; ; try++ {
		err := insert()
		if try == draftTries || !db.Violates(err, "shipping_policies_merchant_id_version_key") {
			return err
		}
	}
}

const insertVersion = `insert into shipping_policies (merchant_id, id, version, status, document, hash, created_at, published_at, updated_at)
	select $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5, $6, $7::timestamptz, $6 from shipping_policies where merchant_id = $1`

// prepare makes a document fit to be kept: checked, and without needless space.
func prepare(document []byte) ([]byte, string, error) {
	p, err := policy.Load(document)
	if err != nil {
		return nil, "", err
	}
	var tight bytes.Buffer
	if err := json.Compact(&tight, document); err != nil {
		return nil, "", policy.ErrInvalid.Because(err)
	}
	return tight.Bytes(), p.Hash(), nil
}

// ReplaceDraft puts another document in the place of a draft. It fails with
// ErrPolicyNotFound, ErrPolicyState or policy.ErrInvalid.
func (s *Service) ReplaceDraft(ctx context.Context, merchant, version uuid.UUID, document []byte) (*Version, error) {
	document, hash, err := prepare(document)
	if err != nil {
		return nil, err
	}
	n, err := s.DB.Exec(ctx, `update shipping_policies set document = $3, hash = $4, updated_at = $5
		where merchant_id = $1 and id = $2 and status = 'draft'`, merchant, version, document, hash, s.DB.Now())
	return s.ofDraft(ctx, merchant, version, n, err)
}

// DeleteDraft forgets a draft. It fails with ErrPolicyNotFound or ErrPolicyState.
func (s *Service) DeleteDraft(ctx context.Context, merchant, version uuid.UUID) error {
	n, err := s.DB.Exec(ctx, `delete from shipping_policies where merchant_id = $1 and id = $2 and status = 'draft'`, merchant, version)
	if err == nil && n == 1 {
		return nil
	}
	_, err = s.ofDraft(ctx, merchant, version, n, err)
	return err
}

// ofDraft reads a version after a change that only drafts allow.
func (s *Service) ofDraft(ctx context.Context, merchant, version uuid.UUID, n int64, err error) (*Version, error) {
	if err != nil {
		return nil, err
	}
	v, err := s.Version(ctx, merchant, version)
	if err == nil && n == 0 {
		return nil, ErrPolicyState
	}
	return v, err
}

// Publish makes a version the one that quotes are made from and retires the one
// before. A retired version is published again as a new version with the same
// document, so that history stays as it was. Publishing the published version
// changes nothing. It fails with ErrPolicyNotFound or, for a document that this
// program no longer accepts, policy.ErrInvalid.
func (s *Service) Publish(ctx context.Context, merchant, version uuid.UUID) (*Version, error) {
	live := version
	err := numbered(func() (err error) {
		live, err = s.publish(ctx, merchant, version)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.Version(ctx, merchant, live)
}

// publish gives the id of the version that is then published.
func (s *Service) publish(ctx context.Context, merchant, version uuid.UUID) (live uuid.UUID, err error) {
	now := s.DB.Now()
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		live = version
		v, err := lockVersion(ctx, tx, merchant, version)
		if err != nil || v.Status == Published {
			return err
		}
		if _, _, err := prepare(v.Document); err != nil {
			return err
		}
		tx.Queue(`update shipping_policies set status = 'retired', updated_at = $2 where merchant_id = $1 and status = 'published'`, merchant, now)
		if v.Status == Draft {
			tx.Guard(1, ErrPolicyState, `update shipping_policies set status = 'published', published_at = $3, updated_at = $3
				where merchant_id = $1 and id = $2 and status = 'draft'`, merchant, version, now)
		} else {
			live = id.New()
			tx.Queue(insertVersion, merchant, live, string(Published), v.Document, v.Hash, now, now)
		}
		s.Bump(tx, merchant)
		return nil
	})
	return live, err
}

// lockVersion locks all versions of the merchant, so that one is published at a
// time, and reads one of them.
func lockVersion(ctx context.Context, tx db.Tx, merchant, version uuid.UUID) (*Version, error) {
	rows, err := tx.Query(ctx, `select id, status, document, hash from shipping_policies where merchant_id = $1 order by id for no key update`, merchant)
	if err != nil {
		return nil, err
	}
	var found *Version
	var v Version
	_, err = pgx.ForEachRow(rows, []any{&v.ID, &v.Status, &v.Document, &v.Hash}, func() error {
		if v.ID == version {
			c := v
			c.Document = bytes.Clone(v.Document)
			found = &c
		}
		return nil
	})
	if err == nil && found == nil {
		err = ErrPolicyNotFound
	}
	return found, err
}

// compiled is the last published policy of a merchant that was compiled here.
type compiled struct {
	id      uuid.UUID
	version int
	policy  *policy.Policy
}

// mostCompiled bounds how many merchants' policies are kept ready.
const mostCompiled = 1000

// ready keeps compiled policies. A published document never changes, so its id
// is all that has to be compared.
type ready struct {
	mu  sync.Mutex
	all map[uuid.UUID]compiled
}

func (r *ready) of(merchant uuid.UUID) compiled {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[merchant]
}

func (r *ready) keep(merchant uuid.UUID, c compiled) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil || len(r.all) >= mostCompiled {
		r.all = map[uuid.UUID]compiled{}
	}
	r.all[merchant] = c
}

// Live is the merchant's published policy with its version number, nil and 0
// when there is none. It costs one small query; a policy is compiled once.
func (s *Service) Live(ctx context.Context, merchant uuid.UUID) (*policy.Policy, int, error) {
	var now compiled
	found, err := db.One(s.DB.QueryRow(ctx, `select id, version from shipping_policies where merchant_id = $1 and status = 'published'`, merchant), &now.id, &now.version)
	if err != nil || !found {
		return nil, 0, err
	}
	if c := s.ready.of(merchant); c.id == now.id {
		return c.policy, c.version, nil
	}
	v, err := s.Version(ctx, merchant, now.id)
	if err != nil {
		return nil, 0, err
	}
	if now.policy, err = policy.Load(v.Document); err != nil {
		return nil, 0, fmt.Errorf("shipping: published policy %s: %w", v.ID, err)
	}
	s.ready.keep(merchant, now)
	return now.policy, now.version, nil
}

// Quote says what delivery costs by the published policy; without one nothing is
// offered (no_method). An absent time is now. Impossible requests are
// policy.ErrRequest.
func (s *Service) Quote(ctx context.Context, merchant uuid.UUID, r policy.Request) (policy.Answer, error) {
	p, _, err := s.Live(ctx, merchant)
	if err != nil {
		return policy.Answer{}, err
	}
	if len(r.CarrierStubs) > 0 {
		return policy.Answer{}, policy.ErrRequest.At("carrier_stubs", "belong to simulations")
	}
	if r.Now.IsZero() {
		r.Now = s.DB.Now()
	}
	if r.Origins, err = s.furtherOrigins(ctx, merchant, r); err != nil {
		return policy.Answer{}, err
	}
	return quote(p, r, func() []policy.Heard { return heard(s.Hear(ctx, merchant, p, r)) })
}

// furtherOrigins are those that a request brings and, when its goods name where
// they leave from, the merchant's that it does not.
func (s *Service) furtherOrigins(ctx context.Context, merchant uuid.UUID, r policy.Request) ([]policy.Origin, error) {
	if s.Origins == nil || !slices.ContainsFunc(r.Items, func(i policy.Item) bool { return i.Origin != "" }) {
		return r.Origins, nil
	}
	known, err := s.Origins(ctx, merchant)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(r.Origins)
	for _, o := range known {
		if !slices.ContainsFunc(all, func(have policy.Origin) bool { return have.ID == o.ID }) {
			all = append(all, o)
		}
	}
	return all, nil
}

// quote answers a request whose time is set, with what carriers say of it.
func quote(p *policy.Policy, r policy.Request, hear func() []policy.Heard) (policy.Answer, error) {
	if err := r.Check(); err != nil {
		return policy.Answer{}, err
	}
	if p == nil {
		return policy.Answer{Options: []policy.Option{}, Hidden: []policy.Hidden{}, Code: policy.CodeNoMethod}, nil
	}
	return p.QuoteHeard(r, hear()), nil
}

// Simulation is what a policy is tried on: a document, or a version by its
// number, or with neither the published one. Now stands in for requests that
// name no time themselves. Stubs play the carriers, by the name that the policy
// has for them, unless a request brings its own; a carrier without one is down.
type Simulation struct {
	Document json.RawMessage
	Version  int
	Now      time.Time
	Stubs    map[string]policy.Stub
	Requests []policy.Request
}

// MostSimulated is how many requests one simulation takes.
const MostSimulated = 500

// Simulate answers each request, in their order, without a write and without a
// call of any carrier. It fails with policy.ErrInvalid,
// policy.ErrRequest or ErrPolicyNotFound.
func (s *Service) Simulate(ctx context.Context, merchant uuid.UUID, sim Simulation) ([]policy.Answer, error) {
	if len(sim.Requests) > MostSimulated {
		return nil, policy.ErrRequest.At("body.requests", fmt.Sprintf("has more than %d entries", MostSimulated))
	}
	p, err := s.tried(ctx, merchant, sim)
	if err != nil {
		return nil, err
	}
	answers := make([]policy.Answer, len(sim.Requests))
	played := newStage(sim.Stubs)
	for i, r := range sim.Requests {
		if r.Now.IsZero() {
			r.Now = sim.Now
		}
		if r.Now.IsZero() {
			r.Now = s.DB.Now()
		}
		if answers[i], err = quote(p, r, func() []policy.Heard { return played.hear(p, r) }); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// tried is the policy that a simulation is about.
func (s *Service) tried(ctx context.Context, merchant uuid.UUID, sim Simulation) (*policy.Policy, error) {
	switch {
	case sim.Document != nil:
		return policy.Load(sim.Document)
	case sim.Version != 0:
		v, err := s.VersionNumber(ctx, merchant, sim.Version)
		if err != nil {
			return nil, err
		}
		return policy.Load(v.Document)
	}
	p, _, err := s.Live(ctx, merchant)
	return p, err
}

// starterPrices are plain prices of a parcel in minor units, where five units of
// the currency would be odd.
var starterPrices = map[string]int64{"AMD": 150000, "KHR": 1000000, "JPY": 600, "KRW": 5000, "VND": 40000, "INR": 15000, "RUB": 40000, "THB": 15000}

// StarterPolicy is the document that a new shop begins with: one method to
// everywhere, free from ten times its price on. An unknown currency is
// money.ErrCurrency.
func StarterPolicy(currency string) ([]byte, error) {
	exponent, err := money.Exponent(currency)
	if err != nil {
		return nil, err
	}
	price, ok := starterPrices[currency]
	if !ok {
		price = 5
		for range exponent {
			price *= 10
		}
	}
	type object = map[string]any
	return json.Marshal(object{
		"version": "shipping-policy/v1", "currency": currency,
		"origins": []object{{"id": "main", "kind": "warehouse", "timezone": "UTC", "cutoff": "14:00", "handling_business_days": 1}},
		"methods": []object{{
			"id": "standard", "name": object{"en": "Standard delivery", "hy": "Ստանդարտ առաքում", "km": "ការដឹកជញ្ជូនធម្មតា"},
			"price": object{"type": "flat", "amount": price}, "transit_business_days": object{"min": 3, "max": 7},
		}},
		"rules": []object{{
			"id": "free-delivery", "phase": "threshold", "methods": "*", "hint": "amount_to_threshold",
			"then": []object{{"action": "free_over", "amount": 10 * price}},
		}},
	})
}
