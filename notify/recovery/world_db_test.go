package recovery

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/notify"
	"doorstep/notify/gate"
)

// start is a Monday noon in New York.
var start = time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)

// shelf is a room of carts in memory, but for how carts stand: that is in the
// database, where it can be held.
type shelf struct {
	mu       sync.Mutex
	units    map[uuid.UUID]int64 // by variant
	price    map[uuid.UUID]int64
	carts    map[uuid.UUID][]Line
	returned int
}

func (s *shelf) priced(lines []Line) *Basket {
	b := &Basket{Currency: "EUR", Language: "en"}
	for _, l := range lines {
		l.Buyable, l.Unit, l.Problem = min(l.Quantity, s.units[l.VariantID]), s.price[l.VariantID], ""
		if l.Buyable < l.Quantity {
			l.Problem = "only_left"
		}
		l.Total = l.Buyable * l.Unit
		b.Lines, b.Subtotal, b.Total = append(b.Lines, l), b.Subtotal+l.Total, b.Total+l.Total
	}
	return b
}

func (s *shelf) Left(_ context.Context, _ uuid.UUID, cart, _ *uuid.UUID, _ string) (*Basket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cart == nil || s.carts[*cart] == nil {
		return nil, errNone
	}
	return s.priced(s.carts[*cart]), nil
}

var errNone = fault.New(fault.NotFound, "none", "None.")

func (s *shelf) Appraise(_ context.Context, _ uuid.UUID, _, _ string, lines []Line, _ []string) (*Basket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.priced(lines), nil
}

func (s *shelf) Standing(ctx context.Context, tx db.Tx, merchant uuid.UUID, cart, _ *uuid.UUID) (Standing, error) {
	var status string
	var paying *uuid.UUID
	found, err := db.One(tx.QueryRow(ctx, `select status, paying from carts where merchant_id = $1 and id = $2 for share`, merchant, cart), &status, &paying)
	return Standing{Gone: !found || status == "merged" || status == "expired", Bought: status == "converted", Back: status == "recovered" || status == "active", Paying: paying != nil}, err
}

func (s *shelf) Buyable(_ context.Context, _ db.Tx, _ uuid.UUID, _ string, variants []uuid.UUID) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range variants {
		if s.units[v] > 0 {
			return true, nil
		}
	}
	return false, nil
}

func (s *shelf) Restore(ctx context.Context, _, _ uuid.UUID, cart *uuid.UUID, newID uuid.UUID, _, _ string, lines []Line, _ []string) (*Basket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	opened := newID
	if cart != nil {
		opened, lines = *cart, s.carts[*cart]
	}
	b := s.priced(lines)
	b.ID, b.Secret = opened, "secret of "+opened.String()
	return b, nil
}

func (s *shelf) Returned(context.Context, uuid.UUID, uuid.UUID, *uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.returned++
}

// set changes the shelf.
func (s *shelf) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// crowd knows everybody: the first bytes of a contact's id are the person.
type crowd struct {
	buckets map[string]int // by use; absent is by hash
}

func (c *crowd) Person(_ context.Context, _, contact uuid.UUID) ([]byte, error) {
	return contact[8:], nil
}

func (c *crowd) PersonByEmail(_ uuid.UUID, email string) []byte { return []byte(email) }

func (c *crowd) Bucket(use string, _ uuid.UUID, subject []byte) int {
	if n, ok := c.buckets[use]; ok {
		return n
	}
	sum := sha256.Sum256(append([]byte(use), subject...))
	return int(binary.BigEndian.Uint32(sum[:4]) % 10000)
}

func (c *crowd) Contact(_ context.Context, _, contact uuid.UUID) (name, email string, err error) {
	return "Ani", contact.String() + "@mail.example", nil
}

type links struct{ prefix string }

func (l links) Sign(merchant, mail uuid.UUID, expires time.Time) string {
	return fmt.Sprintf("%s%s_%s_%d", l.prefix, merchant, mail, expires.Unix())
}

func (l links) Open(token string, now time.Time) (merchant, mail uuid.UUID, err error) {
	parts := strings.Split(strings.TrimPrefix(token, l.prefix), "_")
	var unix int64
	if len(parts) == 3 && strings.HasPrefix(token, l.prefix) {
		_, _ = fmt.Sscan(parts[2], &unix)
		merchant, mail = uuid.MustParse(parts[0]), uuid.MustParse(parts[1])
	}
	if !now.Before(time.Unix(unix, 0)) {
		err = errNone
	}
	return merchant, mail, err
}

// post is a mail server that does what the test says, and asks before it takes a
// mail.
type post struct {
	mu     sync.Mutex
	taken  []notify.Envelope
	before func(e *notify.Envelope) error // before the last word
	after  func(e *notify.Envelope) error // after it
}

func (p *post) Send(ctx context.Context, e notify.Envelope) error {
	if p.before != nil {
		if err := p.before(&e); err != nil {
			return err
		}
	}
	if err := e.Ready(ctx); err != nil {
		return err
	}
	if p.after != nil {
		if err := p.after(&e); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = append(p.taken, e)
	return nil
}

func (p *post) mails() []notify.Envelope {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}

type shops struct{}

func (shops) Shop(context.Context, uuid.UUID) (Shop, error) {
	return Shop{Shop: notify.Shop{Name: "Ararat", Email: "help@ararat.example"}, Postal: []string{"Komitas 5"}, Sender: true}, nil
}

type noConsents struct{}

func (noConsents) MailConsent(context.Context, db.Tx, uuid.UUID, []byte, []string) (granted, confirmed, found bool, err error) {
	return false, false, false, nil
}

type world struct {
	*Service
	t        *testing.T
	clock    *clock.Manual
	shelf    *shelf
	crowd    *crowd
	post     *post
	merchant uuid.UUID
	mug      uuid.UUID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, clock: clock.At(start), crowd: &crowd{buckets: map[string]int{"hold-out": 9999, "canary": 0}}, post: &post{}, merchant: id.New(), mug: id.New(),
		shelf: &shelf{units: map[uuid.UUID]int64{}, price: map[uuid.UUID]int64{}, carts: map[uuid.UUID][]Line{}},
	}
	w.shelf.units[w.mug], w.shelf.price[w.mug] = 10, 1500
	d := dbtest.New(t, func(c *db.Config) { c.Clock = w.clock }).DB
	g := gate.New(gate.Options{DB: d, Clock: w.clock, Consents: noConsents{}, People: w.crowd, Links: links{"u"}, URL: "https://shop.example"})
	mail, err := notify.New(notify.Options{DB: d, Clock: w.clock, Contacts: w.crowd, Sender: w.post, From: "shop@ararat.example"})
	if err != nil {
		t.Fatal(err)
	}
	w.Service = New(Config{
		DB: d, Clock: w.clock, Gate: g, Mail: mail, Carts: w.shelf, Shops: shops{}, People: w.crowd, Links: links{"r"}, URL: "https://shop.example",
	})
	w.exec(`insert into merchants (id, name, created_at, updated_at) values ($1, 'Ararat', $2, $2)`, w.merchant, start)
	w.change(func(s *Settings) { s.Enabled, s.QuietFrom, s.QuietTo = true, "00:00", "00:00" })
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.DB.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Error(err)
	}
}

func (w *world) change(patch func(s *Settings)) {
	w.t.Helper()
	if _, err := w.Change(w.t.Context(), w.merchant, nil, func(s *Settings) error { patch(s); return nil }); err != nil {
		w.t.Fatal(err)
	}
}

// leave lets somebody leave a cart with mugs, now.
func (w *world) leave(contact uuid.UUID) (cart uuid.UUID) {
	w.t.Helper()
	cart = id.New()
	w.exec(`insert into carts (merchant_id, id, secret_hash, status, currency, locale, created_at, updated_at, expires_at)
		values ($1, $2, '', 'abandoned', 'EUR', 'en', $3, $3, $3::timestamptz + interval '30 days')`, w.merchant, cart, w.clock.Now())
	w.shelf.set(func() { w.shelf.carts[cart] = []Line{{VariantID: w.mug, SKU: "MUG", Title: "Mug", Quantity: 2}} })
	l := Left{
		Merchant: w.merchant, Journey: cart, Times: 1, Cart: &cart, Contact: &contact, ValueMinor: 3000, Currency: "EUR", Country: "US", Language: "en", LeftAt: w.clock.Now(),
	}
	for range 2 {
		if err := w.Plan(w.t.Context(), l); err != nil {
			w.t.Error(err)
		}
	}
	return cart
}

func (w *world) remind() {
	w.t.Helper()
	if err := w.Remind(w.t.Context()); err != nil {
		w.t.Error(err)
	}
}

func (w *world) later(d time.Duration) {
	w.t.Helper()
	w.clock.Advance(d)
	w.remind()
}

// is checks what has become of the reminders of a cart, as "status code" each.
func (w *world) is(cart uuid.UUID, want ...string) {
	w.t.Helper()
	rows, err := w.DB.Query(w.t.Context(), `select r.status || ' ' || r.code from recovery_reminders r join recovery_plans p on p.id = r.plan_id
		where p.cart_id = $1 order by p.times, r.step`, cart)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			w.t.Fatal(err)
		}
		got = append(got, strings.TrimSpace(one))
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		w.t.Errorf("reminders are %q, want %q", got, want)
	}
}

func (w *world) buy(contact uuid.UUID, cart *uuid.UUID, total int64) uuid.UUID {
	w.t.Helper()
	order, checkout := id.New(), id.New()
	now := w.clock.Now()
	w.exec(`insert into checkouts (merchant_id, id, secret_hash, cart_id, contact_id, status, currency, locale, variant_ids, quantities, created_at, updated_at, expires_at, order_id)
		values ($1, $2, '', $3, $4, 'completed', 'EUR', 'en', array[$5::uuid], '{1}', $6, $6, $6, $7)`, w.merchant, checkout, cart, contact, w.mug, now, order)
	w.exec(`insert into orders (merchant_id, id, number, checkout_id, contact_id, email_hmac, status, payment_status, fulfillment_status, payment_method, currency, locale,
			prices_include_tax, subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor, placed_at, updated_at)
		values ($1, $2, $2::uuid::text, $3, $4, $5, 'confirmed', 'paid', 'unfulfilled', 'card', 'EUR', 'en', true, $6, 0, 0, 0, $6, $7, $7)`,
		w.merchant, order, checkout, contact, contact[8:], total, now)
	w.exec(`insert into order_lines (merchant_id, order_id, id, position, product_id, variant_id, sku, title, quantity, unit_minor, subtotal_minor, discount_minor, tax_minor, total_minor)
		values ($1, $2, $2, 1, $3, $3, 'MUG', 'Mug', 1, $4, $4, 0, 0, $4)`, w.merchant, order, w.mug, total)
	if cart != nil {
		w.exec(`update carts set status = 'converted' where id = $1`, *cart)
	}
	return order
}

// recipients are who has got mails, and how many.
func (w *world) recipients() map[string]int {
	all := map[string]int{}
	for _, e := range w.post.mails() {
		all[netmail.Address{Address: e.To.Address}.Address]++
	}
	return all
}
