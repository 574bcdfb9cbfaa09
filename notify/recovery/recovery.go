// Package recovery wins back carts that were left: it plans reminders for people
// who can be reached, sends each at most once and only while everything still
// speaks for it, opens the cart again by a signed link, and measures what came of
// it against people who are never reminded.
//
// Whether a person may be written to is the gate's to say; see doorstep/notify/gate.
package recovery

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/notify"
	"doorstep/notify/gate"
)

// Left is that a shopper has left something behind.
type Left struct {
	Merchant, Journey uuid.UUID
	Times             int // which time of this journey
	Cart, Checkout    *uuid.UUID
	Contact           *uuid.UUID // nil: nobody knows whom to write to
	ValueMinor        int64
	Currency, Country string
	Language          string
	LeftAt            time.Time
}

// Line is one thing in a cart. Amounts are minor units.
type Line struct {
	VariantID uuid.UUID `json:"variant_id"`
	SKU       string    `json:"sku"`
	Title     string    `json:"title"`
	Options   string    `json:"options,omitempty"`
	Image     string    `json:"image,omitempty"`
	Quantity  int64     `json:"quantity"`          // wanted
	Buyable   int64     `json:"buyable"`           // pieces that can be bought now
	Unit      int64     `json:"unit_minor"`        // one piece
	Total     int64     `json:"total_minor"`       // of the buyable pieces, after discounts
	Problem   string    `json:"problem,omitempty"` // why not all can be bought: codes of the cart's room
}

// Code is what becomes of a discount code.
type Code struct {
	Code    string
	Applied bool
	Reason  string // why not
	Amount  int64  // that it takes off; <= 0
}

// Basket is a cart as it stands and what it costs now. Amounts are minor units.
type Basket struct {
	ID                        uuid.UUID // zero for what is in no cart
	Secret                    string    // only of a cart that was just opened by a link
	Currency, Language        string
	Lines                     []Line
	Codes                     []Code
	Subtotal, Discount, Total int64
}

// buyable says whether anything of it can be bought.
func (b *Basket) buyable() bool {
	for i := range b.Lines {
		if b.Lines[i].Buyable > 0 {
			return true
		}
	}
	return false
}

// Standing is how what was left stands now.
type Standing struct {
	Gone, Bought, Paying, Back bool
}

// Carts is what is asked of the room of carts. Errors of kind NotFound say that
// there is no such cart.
type Carts interface {
	// Left shows what is in a cart, or without one in a checkout, at today's prices.
	Left(ctx context.Context, merchant uuid.UUID, cart, checkout *uuid.UUID, language string) (*Basket, error)
	// Appraise shows what lines would cost as a cart.
	Appraise(ctx context.Context, merchant uuid.UUID, currency, language string, lines []Line, codes []string) (*Basket, error)
	// Standing holds the cart or checkout as it stands until tx ends.
	Standing(ctx context.Context, tx db.Tx, merchant uuid.UUID, cart, checkout *uuid.UUID) (Standing, error)
	// Buyable says whether at least one of the variants can be bought.
	Buyable(ctx context.Context, tx db.Tx, merchant uuid.UUID, currency string, variants []uuid.UUID) (bool, error)
	// Restore opens the cart with a secret, or a new one of that id with what can be
	// bought of the lines, with which the journey goes on. It may be repeated.
	Restore(ctx context.Context, merchant, journey uuid.UUID, cart *uuid.UUID, newID uuid.UUID, currency, language string, lines []Line, codes []string) (*Basket, error)
	// Returned notes that the shopper of a journey is back.
	Returned(ctx context.Context, merchant, journey uuid.UUID, checkout *uuid.UUID)
}

// Shop is what a mail says of who writes it.
type Shop struct {
	notify.Shop
	Postal []string // lines of the postal address
	Sender bool     // the shop has an address that answers reach
}

// Shops knows the shops.
type Shops interface {
	Shop(ctx context.Context, merchant uuid.UUID) (Shop, error)
}

// People knows people by their addresses.
type People interface {
	// Person is the HMAC of the address of a contact; a fault of kind NotFound when
	// the contact is gone or erased.
	Person(ctx context.Context, merchant, contact uuid.UUID) ([]byte, error)
	// Bucket is a number from 0 to 9999 that follows from the subject by a key of
	// the program, the same for ever, and another for each use.
	Bucket(use string, merchant uuid.UUID, subject []byte) int
}

// Recommender finds what goes with a cart; it leaves out what cannot be bought.
type Recommender interface {
	ForCart(ctx context.Context, merchant uuid.UUID, currency, language string, variants []uuid.UUID, most int) ([]notify.Extra, error)
}

// Mailer is what is asked of the mail room.
type Mailer interface {
	Send(ctx context.Context, m notify.Mail) (notify.Status, error)
	Drop(ctx context.Context, m notify.Mail, reason string) error
}

// Config is what the service is made of.
type Config struct {
	DB          *db.DB
	Clock       clock.Clock
	Gate        *gate.Gate
	Mail        Mailer
	Carts       Carts
	Shops       Shops
	People      People
	Links       gate.Links  // that open carts
	Recommender Recommender // nil recommends nothing
	URL         string      // of the program, for links, without a slash at the end
	Log         *slog.Logger
}

// Service reminds. It is safe for concurrent use, also by several programs on one
// database.
type Service struct {
	Config
}

// New makes the service.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{c}
}

// The arms of the comparison.
const (
	Treated = "treated"
	Holdout = "holdout"
)

// arm is where a subject belongs, for ever: a person, or where nobody is known a
// cart. A larger share keeps whoever was in the smaller one.
func (s *Service) arm(merchant uuid.UUID, subject []byte, bps int) string {
	if s.People.Bucket("hold-out", merchant, subject) < bps {
		return Holdout
	}
	return Treated
}

// topic is what readers unsubscribe from.
const topic = "reminders"
