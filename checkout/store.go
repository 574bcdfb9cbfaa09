package checkout

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/idem"
	"doorstep/payment"
	"doorstep/pricing"
	"doorstep/shipping/policy"
)

// row is a checkout as it is stored.
type row struct {
	Merchant, ID, ContactID uuid.UUID
	CartID, CustomerID      *uuid.UUID
	SecretHash              []byte
	Status                  Status
	Version                 int64
	Attempt                 int
	Currency, Locale        string
	Country                 *string
	Variants                []uuid.UUID
	Quantities              []int64
	Codes                   []string
	Shown                   int64
	Option                  string
	Draft                   []byte
	OrderID                 *uuid.UUID
	ExpiresAt               time.Time
	Live                    *policy.Recorded // what carriers said when it was last shown
	Credits                 []uuid.UUID      // gift cards and store credit, in the order in which they are used
	ShownCredit             int64            // what they were to pay of Shown
}

const rowColumns = `c.merchant_id, c.id, c.contact_id, c.cart_id, c.customer_id, c.secret_hash, c.status, c.version, c.attempt, c.currency, c.locale,
	c.country, c.variant_ids, c.quantities, c.codes, c.shown_minor, c.shipping_option, c.draft, c.order_id, c.expires_at,
	c.credit_ids, c.shown_credit_minor, c.live_rates`

func (r *row) fields() []any {
	return []any{
		&r.Merchant, &r.ID, &r.ContactID, &r.CartID, &r.CustomerID, &r.SecretHash, &r.Status, &r.Version, &r.Attempt, &r.Currency, &r.Locale,
		&r.Country, &r.Variants, &r.Quantities, &r.Codes, &r.Shown, &r.Option, &r.Draft, &r.OrderID, &r.ExpiresAt,
		&r.Credits, &r.ShownCredit, &r.Live,
	}
}

func (r *row) wanted() []catalog.Wanted {
	w := make([]catalog.Wanted, len(r.Variants))
	for i := range w {
		w[i] = catalog.Wanted{VariantID: r.Variants[i], Quantity: r.Quantities[i]}
	}
	return w
}

// situation is all that a price and a placement depend on, read in one round trip.
type situation struct {
	row     row
	found   bool
	sealed  customer.Sealed
	contact customer.Contact
	isNew   bool // no order stands under the e-mail yet
	offers  catalog.Offers
	facts   pricing.Facts
	version int64
	rules   *Rules
	payment attempt // the newest; zero when there was none
	state   idem.State
	typed   []string         // codes that are new on this checkout
	typing  bool             // the buyer has just changed something
	guesses *pricing.Guesses // counts those of them that are wrong; nil without any

	credits []payment.CreditAccount // of row.Credits, those that there are
	held    map[uuid.UUID]int64     // what they pay in the newest attempt, by account, as long as it stands
	unknown []string                // ends of codes of gift cards that were typed just now and are of none

	declines int           // of this checkout's payments, by providers
	wait     time.Duration // until the shopper's address may be declined again
	signals  signals
}

// read gathers the situation of a checkout, and for a payment the state of its
// key and what is known of the shopper's address.
func (s *Service) read(ctx context.Context, merchant, checkout uuid.UUID, key *idem.Key, ip string) (*situation, error) {
	sit := &situation{}
	queries := []*db.Query{
		{SQL: `select ` + rowColumns + `, b.contact_id, b.email_hmac, b.wrapped_key, b.sealed, b.is_new, b.config_version
				from checkouts c join v_buyers b on b.merchant_id = c.merchant_id and b.contact_id = c.contact_id
				where c.merchant_id = $1 and c.id = $2`,
			Args: []any{merchant, checkout}, Each: func(rows pgx.Rows) error {
				sit.found = false
				for rows.Next() {
					sit.found = true
					c := &sit.sealed
					if err := rows.Scan(append(sit.row.fields(), &c.ID, &c.EmailHMAC, &c.WrappedKey, &c.Blob, &sit.isNew, &sit.version)...); err != nil {
						return err
					}
				}
				return nil
			}},
	}
	queries = append(queries, catalog.OfferQueryForCheckout(&sit.offers, merchant, checkout, s.DB.Now()))
	withFacts := s.mayPromote(merchant)
	if withFacts {
		queries = append(queries, s.Promotions.CheckoutFactsQueries(merchant, checkout, &sit.facts)...)
	}
	if key != nil {
		queries = append(queries, idem.Lookup(*key, &sit.state))
		queries = append(queries, anySignals(merchant, s.DB.Now(), &sit.signals))
		if ip != "" {
			queries = append(queries, declinesPerIP.Query(merchant, s.DB.Now(), &sit.wait, declinesFrom(ip)))
		}
	}
	if err := s.DB.Read(ctx, queries...); err != nil {
		return nil, err
	}
	if !sit.found {
		return nil, ErrNotFound
	}
	if sit.row.Attempt > 0 {
		if err := s.DB.Read(ctx, latestPayment(merchant, checkout, &sit.payment), declines(merchant, checkout, &sit.declines)); err != nil {
			return nil, err
		}
	}
	if err := s.readCredits(ctx, sit); err != nil {
		return nil, err
	}
	var err error
	if sit.contact, err = s.Vault.Open(merchant, sit.sealed); err != nil {
		return nil, err
	}
	if sit.rules, err = s.rules(ctx, merchant, sit.version); err != nil {
		return nil, err
	}
	if !withFacts && len(sit.rules.Pricing.Promotions) > 0 { // the first promotion was made just now
		if err := s.DB.Read(ctx, s.Promotions.CheckoutFactsQueries(merchant, checkout, &sit.facts)...); err != nil {
			return nil, err
		}
	}
	return sit, nil
}

// mayPromote says whether promotions have to be read along: unless the rules
// in memory say that the merchant has none.
func (s *Service) mayPromote(merchant uuid.UUID) bool {
	s.cache.mu.RLock()
	defer s.cache.mu.RUnlock()
	r := s.cache.all[merchant]
	return r == nil || len(r.Pricing.Promotions) > 0
}

const paymentColumns = `p.merchant_id, p.id, p.checkout_id, p.order_id, p.attempt, p.method, p.provider, p.gateway_key, p.request_key, p.gateway_id,
	p.status, p.amount_minor, p.captured_minor, p.credit_minor, p.currency, p.failure_code, p.next_action, p.created_at, p.updated_at`

func (a *attempt) fields() []any {
	return []any{
		&a.MerchantID, &a.ID, &a.CheckoutID, &a.OrderID, &a.Attempt, &a.Method, &a.Provider, &a.GatewayKey, &a.RequestKey, &a.GatewayID,
		&a.Status, &a.AmountMinor, &a.CapturedMinor, &a.CreditMinor, &a.Currency, &a.FailureCode, &a.action, &a.CreatedAt, &a.UpdatedAt,
	}
}

// attempt is a payment with what the buyer has to do next.
type attempt struct {
	payment.Payment
	action *payment.Action
}

func latestPayment(merchant, checkout uuid.UUID, a *attempt) *db.Query {
	return &db.Query{
		SQL:  `select ` + paymentColumns + ` from payments p where p.merchant_id = $1 and p.checkout_id = $2 and p.part = 0 order by p.attempt desc limit 1`,
		Args: []any{merchant, checkout},
		Each: func(rows pgx.Rows) error {
			*a = attempt{}
			for rows.Next() {
				if err := rows.Scan(a.fields()...); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// attemptByID reads one payment attempt with its checkout, both as of the same
// moment: the draft is that of this attempt as long as the attempt is open.
func (s *Service) attemptByID(ctx context.Context, merchant, id uuid.UUID) (*attempt, *row, error) {
	var a attempt
	var r row
	found := false
	err := s.DB.Read(ctx, &db.Query{
		SQL: `select ` + paymentColumns + `, ` + rowColumns + ` from payments p
			join checkouts c on c.merchant_id = p.merchant_id and c.id = p.checkout_id where p.merchant_id = $1 and p.id = $2`,
		Args: []any{merchant, id},
		Each: func(rows pgx.Rows) error {
			a, r, found = attempt{}, row{}, false
			for rows.Next() {
				found = true
				if err := rows.Scan(append(a.fields(), r.fields()...)...); err != nil {
					return err
				}
			}
			return nil
		},
	})
	if err == nil && !found {
		err = payment.ErrNotFound
	}
	return &a, &r, err
}

// insert queues a new checkout.
func (r *row) insert(tx db.Tx, keys []string, now time.Time) {
	tx.Queue(`insert into checkouts (merchant_id, id, contact_id, cart_id, customer_id, secret_hash, status, currency, locale, country,
			variant_ids, quantities, codes, code_keys, shown_minor, shipping_option, created_at, updated_at, expires_at,
			credit_ids, shown_credit_minor, live_rates)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17, $18, coalesce($19::uuid[], '{}'), $20, $21)`,
		r.Merchant, r.ID, r.ContactID, r.CartID, r.CustomerID, r.SecretHash, string(r.Status), r.Currency, r.Locale, r.Country,
		r.Variants, r.Quantities, r.Codes, keys, r.Shown, r.Option, now, r.ExpiresAt, r.Credits, r.ShownCredit, r.Live)
}

// update queues the changes of a PATCH, for the version that was read.
func (r *row) update(tx db.Tx, keys []string, now time.Time) {
	tx.Guard(1, errChanged, `update checkouts set status = $4, locale = $5, country = $6, codes = $7, code_keys = $8, shown_minor = $9,
			shipping_option = $10, version = version + 1, updated_at = $11, customer_id = $12, credit_ids = coalesce($13::uuid[], '{}'), shown_credit_minor = $14, live_rates = $15
		where merchant_id = $1 and id = $2 and version = $3 and status in ('incomplete', 'ready_for_payment')`,
		r.Merchant, r.ID, r.Version, string(r.Status), r.Locale, r.Country, r.Codes, keys, r.Shown, r.Option, now, r.CustomerID, r.Credits, r.ShownCredit, r.Live)
}

// allowed says whether the caller may see and change the checkout.
func (a Access) allowed(r *row) bool {
	if a.Merchant != r.Merchant {
		return false
	}
	return a.Trusted || subtle.ConstantTimeCompare(hash(a.Secret), r.SecretHash) == 1
}

func hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
