// Package cart keeps what a shopper means to buy until it is bought or
// forgotten. A cart is opened by its secret alone; a line is named by its
// variant, for a cart has at most one line of each. Changes add up: two tabs
// that put something in at the same moment both count.
//
// What a cart shows is live: titles, prices, stock and promotions are those of
// the moment, so nothing in it is a promise until a checkout holds it. Totals
// are by pricing.Total, as in the checkout, but without shipping and, because
// the destination is not known yet, without tax. Nor is the buyer: promotions
// for a first order are shown as if it were one, and the checkout asks again.
package cart

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/pricing"
)

// Limits of one cart.
const (
	MaxLines    = 100
	MaxQuantity = 9999 // pieces of one variant
	MaxCodes    = pricing.MaxCodes
)

// Status is how a cart stands.
type Status string

// The statuses of a cart. Only the first three can be changed and bought.
const (
	Active    Status = "active"
	Abandoned Status = "abandoned"
	Recovered Status = "recovered"
	Converted Status = "converted"
	Merged    Status = "merged"
	Expired   Status = "expired"
)

// Problem says why a line cannot be bought as it stands. The values are stable.
type Problem string

// The problems of a line.
const (
	NoLongerSold Problem = "no_longer_sold"
	NoPrice      Problem = "no_price"     // none in the cart's currency
	OutOfStock   Problem = "out_of_stock" // nothing is left
	OnlyLeft     Problem = "only_left"    // something is left, but less than wanted
)

// Rules is everything a merchant has set that a cart depends on, as of Version.
type Rules struct {
	Version  int64 // merchants.config_version
	Settings customer.Settings
	Pricing  pricing.Rules
}

// rules loads a merchant's rules; cart keeps them until their version ends.
type rules interface {
	Rules(ctx context.Context, merchant uuid.UUID) (*Rules, error)
}

// promotions reads what the rules need to know besides.
type promotions interface {
	FactsQueries(merchant uuid.UUID, codes []string, customerKey []byte, f *pricing.Facts) []*db.Query
}

// CheckoutState is what a journey needs to know of its checkout.
type CheckoutState struct {
	// Busy says that it is being paid or has been paid: nobody has left it.
	Busy       bool
	ContactID  *uuid.UUID
	CustomerID *uuid.UUID
}

// checkouts reads how checkouts stand.
type checkouts interface {
	States(ctx context.Context, merchant uuid.UUID, checkouts []uuid.UUID) (map[uuid.UUID]CheckoutState, error)
}

// Config is what the service needs.
type Config struct {
	DB         *db.DB
	Rules      rules
	Promotions promotions
	TTL        time.Duration // of a cart that nobody changes; 0 means 30 days
	// Checkouts says how checkouts stand whose shopper was not heard of any more;
	// nil asks nobody.
	Checkouts checkouts
}

// Service keeps carts. It is safe for concurrent use.
type Service struct {
	Config
	cache   rulesCache
	waiting waiting
}

// New makes the service.
func New(c Config) *Service {
	if c.TTL == 0 {
		c.TTL = 30 * 24 * time.Hour
	}
	return &Service{Config: c}
}

// Access is who calls: the merchant, and the cart's secret or, with a secret
// key of the merchant, none.
type Access struct {
	Merchant uuid.UUID
	Secret   string
	Trusted  bool   // a secret key of the merchant: no cart secret needed
	Locale   string // language of titles; empty is the cart's
	IP       string // of the shopper, whose wrong discount codes are counted; empty is not counted
	// Version is what a change is based on; nil does not care. A change based on
	// another version than the current one fails with ErrVersion.
	Version *int64
}

// allowed says whether the caller may see and change the cart.
func (a *Access) allowed(r *row) bool {
	if a.Merchant != r.Merchant {
		return false
	}
	given := hash(a.Secret)
	return a.Trusted || subtle.ConstantTimeCompare(given, r.SecretHash)|subtle.ConstantTimeCompare(given, r.LinkHash) == 1
}

func hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// Item asks for a quantity of a SKU.
type Item struct {
	SKU      string
	Quantity int64
}

// View is a cart as it is shown. Amounts are minor units of Currency.
type View struct {
	ID         uuid.UUID
	Secret     string // only when it was just created
	Status     Status
	Version    int64 // raised by every change; for Access.Version
	Currency   string
	Locale     string
	CustomerID *uuid.UUID
	Lines      []ViewLine // in the order in which they were first put in
	Count      int64      // pieces in all lines
	Codes      []string   // as pricing.CodeKey writes them
	// Totals count what can be bought now, see ViewLine.Counted. Its Lines are
	// the lines that count, Discounts say what became of each code, Offers what
	// is within reach.
	Totals     pricing.Result
	CanUndo    bool       // Undo would bring back what Clear took out
	Paying     bool       // a payment is under way: the cart cannot be changed
	MergedInto *uuid.UUID // of a cart that is Merged
	CreatedAt  time.Time
	UpdatedAt  time.Time
	ExpiresAt  time.Time
}

// ViewLine is one line of a cart.
type ViewLine struct {
	ID       uuid.UUID      // the variant's
	Offer    *catalog.Offer // nil when the shop has forgotten the variant
	Quantity int64          // wanted
	Counted  int64          // pieces that can be bought now and that the totals count
	Left     int64          // pieces that can be bought at most; catalog.Unlimited when stock is not counted
	Problem  Problem        // empty when the line can be bought
	Total    pricing.LineTotal
}

// Summary is a cart in a few numbers, for every page of a shop.
type Summary struct {
	ID       uuid.UUID
	Status   Status
	Version  int64
	Currency string
	Count    int64 // pieces in all lines
	Lines    int
	Problems int   // lines that cannot be bought as they stand
	Subtotal int64 // minor units, before discounts; of what can be bought now
	// Tag is a quoted ETag that changes whenever the summary does, also when only
	// a price has changed. It is no version.
	Tag string
}

// Contents is what a checkout takes over from a cart.
type Contents struct {
	Currency, Locale string
	Codes            []string
	CustomerID       *uuid.UUID
	Lines            []catalog.Wanted
}
