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
}

const rowColumns = `merchant_id, id, contact_id, cart_id, customer_id, secret_hash, status, version, attempt, currency, locale, country,
	variant_ids, quantities, codes, shown_minor, shipping_option, draft, order_id, expires_at`

func (r *row) scan(rows pgx.Rows) error {
	return rows.Scan(&r.Merchant, &r.ID, &r.ContactID, &r.CartID, &r.CustomerID, &r.SecretHash, &r.Status, &r.Version, &r.Attempt,
		&r.Currency, &r.Locale, &r.Country, &r.Variants, &r.Quantities, &r.Codes, &r.Shown, &r.Option, &r.Draft, &r.OrderID, &r.ExpiresAt)
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
	payment payment.Payment // of the newest attempt; zero when there was none
	state   idem.State
}

// read gathers the situation of a checkout, and the state of key when it is given.
func (s *Service) read(ctx context.Context, merchant, checkout uuid.UUID, key *idem.Key) (*situation, error) {
	sit := &situation{}
	queries := []*db.Query{
		versionQuery(merchant, &sit.version),
		{SQL: `select ` + rowColumns + ` from checkouts where merchant_id = $1 and id = $2`, Args: []any{merchant, checkout}, Each: func(rows pgx.Rows) error {
			sit.found = false
			for rows.Next() {
				sit.found = true
				if err := sit.row.scan(rows); err != nil {
					return err
				}
			}
			return nil
		}},
		{SQL: `select id, email_hmac, wrapped_key, sealed, is_new from v_checkout_contacts where merchant_id = $1 and checkout_id = $2`,
			Args: []any{merchant, checkout}, Each: func(rows pgx.Rows) error {
				for rows.Next() {
					c := &sit.sealed
					if err := rows.Scan(&c.ID, &c.EmailHMAC, &c.WrappedKey, &c.Blob, &sit.isNew); err != nil {
						return err
					}
				}
				return nil
			}},
		latestPayment(merchant, checkout, &sit.payment),
	}
	queries = append(queries, catalog.OfferQueriesForCheckout(&sit.offers, merchant, checkout, s.DB.Now())...)
	withFacts := s.mayPromote(merchant)
	if withFacts {
		queries = append(queries, s.Promotions.CheckoutFactsQueries(merchant, checkout, &sit.facts)...)
	}
	if key != nil {
		queries = append(queries, idem.Lookup(*key, &sit.state))
	}
	if err := s.DB.Read(ctx, queries...); err != nil {
		return nil, err
	}
	if !sit.found {
		return nil, ErrNotFound
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

const paymentColumns = `merchant_id, id, checkout_id, order_id, attempt, method, provider, gateway_key, request_key, gateway_id, status,
	amount_minor, captured_minor, currency, next_action, created_at, updated_at`

func scanPayment(rows pgx.Rows, p *attempt) error {
	return rows.Scan(&p.MerchantID, &p.ID, &p.CheckoutID, &p.OrderID, &p.Attempt, &p.Method, &p.Provider, &p.GatewayKey, &p.RequestKey,
		&p.GatewayID, &p.Status, &p.AmountMinor, &p.CapturedMinor, &p.Currency, &p.action, &p.CreatedAt, &p.UpdatedAt)
}

// attempt is a payment with what the buyer has to do next.
type attempt struct {
	payment.Payment
	action *payment.Action
}

func latestPayment(merchant, checkout uuid.UUID, p *payment.Payment) *db.Query {
	return &db.Query{
		SQL:  `select ` + paymentColumns + ` from payments where merchant_id = $1 and checkout_id = $2 order by attempt desc limit 1`,
		Args: []any{merchant, checkout},
		Each: func(rows pgx.Rows) error {
			*p = payment.Payment{}
			for rows.Next() {
				var a attempt
				if err := scanPayment(rows, &a); err != nil {
					return err
				}
				*p = a.Payment
			}
			return nil
		},
	}
}

// attemptByID reads one payment attempt with its checkout.
func (s *Service) attemptByID(ctx context.Context, merchant, id uuid.UUID) (*attempt, *row, error) {
	var a attempt
	var r row
	found := 0
	err := s.DB.Read(ctx,
		&db.Query{SQL: `select ` + paymentColumns + ` from payments where merchant_id = $1 and id = $2`, Args: []any{merchant, id}, Each: func(rows pgx.Rows) error {
			found = 0
			for rows.Next() {
				found++
				if err := scanPayment(rows, &a); err != nil {
					return err
				}
			}
			return nil
		}},
		&db.Query{SQL: `select ` + rowColumns + ` from checkouts where merchant_id = $1 and id = (select checkout_id from payments where merchant_id = $1 and id = $2)`,
			Args: []any{merchant, id}, Each: func(rows pgx.Rows) error {
				for rows.Next() {
					found++
					if err := r.scan(rows); err != nil {
						return err
					}
				}
				return nil
			}})
	if err == nil && found != 2 {
		err = payment.ErrNotFound
	}
	return &a, &r, err
}

// insert queues a new checkout.
func (r *row) insert(tx db.Tx, keys []string, now time.Time) {
	tx.Queue(`insert into checkouts (merchant_id, id, contact_id, cart_id, customer_id, secret_hash, status, currency, locale, country,
			variant_ids, quantities, codes, code_keys, shown_minor, shipping_option, created_at, updated_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17, $18)`,
		r.Merchant, r.ID, r.ContactID, r.CartID, r.CustomerID, r.SecretHash, string(r.Status), r.Currency, r.Locale, r.Country,
		r.Variants, r.Quantities, r.Codes, keys, r.Shown, r.Option, now, r.ExpiresAt)
}

// update queues the changes of a PATCH, for the version that was read.
func (r *row) update(tx db.Tx, keys []string, now time.Time) {
	tx.Guard(1, errChanged, `update checkouts set status = $4, locale = $5, country = $6, codes = $7, code_keys = $8, shown_minor = $9,
			shipping_option = $10, version = version + 1, updated_at = $11
		where merchant_id = $1 and id = $2 and version = $3 and status in ('incomplete', 'ready_for_payment')`,
		r.Merchant, r.ID, r.Version, string(r.Status), r.Locale, r.Country, r.Codes, keys, r.Shown, r.Option, now)
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
