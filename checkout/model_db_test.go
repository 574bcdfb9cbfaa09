package checkout_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"doorstep/checkout"
	"doorstep/internal/fault"
	"doorstep/internal/idem"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/payment/sandbox"
	"doorstep/pricing"
)

// market is one merchant with little stock and few codes, and shoppers who do
// whatever comes to their minds.
type market struct {
	*scene
	rt    *rapid.T
	seats []*seat
	carts []uuid.UUID
	keys  int
	moody bool

	giftCard string // its code
}

// seat is a shopper at a checkout.
type seat struct {
	v    *checkout.View
	used []used
	told map[string]string // the order that a key was answered with
}

type used struct {
	key    string
	method payment.Method
	token  string
}

func newMarket(base *world, t *rapid.T, moody bool) *market {
	m := &market{scene: &scene{world: base.another(t)}, rt: t, moody: moody}
	m.product("MUG", 3)
	m.elsewhere(m.product("TEA", 2), 1)
	m.exec(`update variants set track_stock = false where id = $1`, m.product("CARD", 0))
	m.giftCard = m.issue(t, 2300)
	m.promote("TWICE", 2, 0)
	m.promote("EACH", 0, 1)
	once, err := m.promo.CreatePromotion(t.Context(), m.merchant, pricing.Promotion{Name: map[string]string{"en": "Once"}, Kind: pricing.KindFreeShipping})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.promo.AddCodes(t.Context(), m.merchant, once.ID, []string{"ONCE"}, true); err != nil {
		t.Fatal(err)
	}
	return m
}

// pick is one of several, by the test.
func pick[E any](m *market, label string, of ...E) E { return rapid.SampledFrom(of).Draw(m.rt, label) }

func (m *market) seat() *seat {
	if len(m.seats) == 0 {
		m.start()
	}
	if len(m.seats) == 0 {
		m.rt.Skip("sold out")
	}
	return pick(m, "seat", m.seats...)
}

// means makes sure that what somebody was told can be understood.
func (m *market) means(err error) {
	m.rt.Helper()
	if err != nil && fault.KindOf(err) == fault.Internal {
		m.rt.Errorf("an error without words: %v", err)
	}
}

func (m *market) start() {
	q := checkout.Request{Merchant: m.merchant, Locale: "en", Form: form()}
	email := pick(m, "buyer", "a@example.com", "b@example.com", "c@example.com")
	q.Form.Email = &email
	if code := pick(m, "code", "", "TWICE", "EACH", "ONCE"); code != "" {
		q.Form.Codes = &[]string{code}
	}
	if pick(m, "gift card", false, true) {
		q.Form.GiftCards = &[]string{m.giftCard}
	}
	switch pick(m, "from", "items", "items", "new cart", "old cart") {
	case "items":
		for _, sku := range pick(m, "basket", []string{"MUG"}, []string{"TEA"}, []string{"CARD"}, []string{"MUG", "TEA"}, []string{"TEA", "CARD", "TEA"}) {
			q.Items = append(q.Items, checkout.Item{SKU: sku, Quantity: 1})
		}
	case "old cart":
		if len(m.carts) > 0 {
			q.CartID = &m.carts[len(m.carts)-1]
			break
		}
		fallthrough
	default:
		m.carts = append(m.carts, m.cart(m.variant("MUG"), m.variant("TEA")))
		q.CartID = &m.carts[len(m.carts)-1]
	}
	v, err := m.svc.Start(m.t.Context(), q)
	if m.means(err); err == nil {
		m.seats = append(m.seats, &seat{v: v, told: map[string]string{}})
	}
}

// planned is a completion that was thought out before it happens.
func (m *market) planned() func() {
	s := m.seat()
	u := used{method: payment.Card}
	switch pick(m, "pays", "card", "card", "card", "cash", "transfer", "asks", "again", "again") {
	case "card":
		u.token = pick(m, "token", sandbox.Tokens()...)
	case "cash":
		u.method = payment.CashOnDelivery
	case "transfer":
		u.method = payment.BankTransfer
	case "again":
		if len(s.used) > 0 {
			u = pick(m, "once more", s.used...)
			u.token = pick(m, "body", u.token, u.token, u.token, sandbox.Visa)
		}
	}
	if u.key == "" {
		m.keys++
		u.key = fmt.Sprint("k", m.keys)
		s.used = append(s.used, u)
	}
	return func() {
		number, err := m.buy(s.v, u.key, u.method, u.token)
		if m.means(err); number == "" {
			return
		}
		if old := s.told[u.key]; old != "" && old != number {
			m.rt.Errorf("key %s was answered with %s and now with %s", u.key, old, number)
		}
		s.told[u.key] = number
	}
}

// The errands; the second kind holds locks while it waits for the database, so
// that nothing that wants the same can be played inside it.
var (
	errands = []string{"recover", "settle", "authenticate", "fail", "cancel", "change", "pay", "expire", "dearer"}
	heavy   = []string{"sweep", "capture", "cancel order"}
)

// errand is something short that may also happen in between.
func (m *market) errand(kinds ...string) func() {
	ctx := m.t.Context()
	switch pick(m, "errand", kinds...) {
	case "recover":
		return func() { m.means(acts["recover"](m.scene)) }
	case "settle":
		return func() { m.means(acts["settle"](m.scene)) }
	case "authenticate":
		return func() { m.means(m.authenticate(true)) }
	case "fail":
		return func() { m.means(m.authenticate(false)) }
	case "sweep":
		return func() { m.means(acts["sweep"](m.scene)) }
	case "cancel":
		s := m.seat()
		return func() {
			_, err := m.svc.Cancel(ctx, checkout.Access{Merchant: m.merchant, Secret: s.v.Secret}, s.v.ID, "timing_deferred")
			m.means(err)
		}
	case "change":
		s, f := m.seat(), checkout.Form{}
		option := pick(m, "option", "post", "courier")
		f.Option = &option
		if code := pick(m, "code", "", "TWICE", "EACH", "ONCE"); code != "" {
			f.Codes = &[]string{code}
		}
		return func() {
			v, err := m.svc.Change(ctx, checkout.Access{Merchant: m.merchant, Secret: s.v.Secret}, s.v.ID, f)
			if m.means(err); err == nil {
				v.Secret = s.v.Secret
				s.v = v
			}
		}
	case "pay":
		return m.planned()
	case "expire":
		return func() { m.means(acts["expire"](m.scene)) }
	case "dearer":
		return func() { m.means(acts["dearer"](m.scene)) }
	case "capture":
		return func() { m.capture() }
	}
	return func() { m.cancelOrder() }
}

// capture does what the job after each order does, which may fail and is tried again.
func (m *market) capture() {
	for _, id := range m.ids(`select p.id from payments p join orders o on o.merchant_id = p.merchant_id and o.id = p.order_id
			where p.merchant_id = $1 and p.status = 'authorized' and o.status <> 'canceled'`) {
		m.job(func() error {
			_, err := m.payments.Capture(m.t.Context(), m.merchant, id, 0)
			return err
		})
	}
}

// job runs what the job library would, which takes a panic for a failure.
func (m *market) job(work func() error) {
	defer func() { _ = recover() }()
	m.means(work())
}

// cancelOrder cancels the oldest order and gives the money back, or tries to.
func (m *market) cancelOrder() {
	for _, id := range m.ids(`select id from orders where merchant_id = $1 and status <> 'canceled' order by id limit 1`) {
		_, err := m.orders.Cancel(m.t.Context(), m.merchant, id, "changed my mind", "customer")
		m.means(err)
	}
	m.moneyBack()
}

func (m *market) moneyBack() {
	for _, id := range m.ids(`select id from orders where merchant_id = $1 and status = 'canceled'`) {
		m.job(func() error {
			return m.orders.MoneyBack(m.t.Context(), order.Canceled{Ref: order.Ref{MerchantID: m.merchant, OrderID: id}})
		})
	}
}

func (m *market) ids(sql string) (all []uuid.UUID) {
	rows, err := m.db.Query(m.t.Context(), sql, m.merchant)
	if err != nil {
		m.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			m.t.Fatal(err)
		}
		all = append(all, id)
	}
	return all
}

// with runs an act while the gateway is in moods that are drawn beforehand, and
// something else in between.
func (m *market) with(act func()) {
	if m.moody {
		names := rapid.SliceOfN(rapid.SampledFrom([]string{
			"answers", "answers", "does and loses", "does and says 500", "does nothing and 500", "429", "times out before", "panics before", "panics after",
		}), 4, 4).Draw(m.rt, "moods")
		m.front.be(func(string) mood {
			if len(names) == 0 {
				return mood{}
			}
			name := names[0]
			names = names[1:]
			return moods[name]
		})
	}
	if n := rapid.IntRange(0, 9).Draw(m.rt, "interrupted at"); n > 0 {
		m.trips.at(int64(n), m.errand(slices.Concat(errands, heavy)...))
	}
	act()
	m.trips.before.Store(nil)
	m.front.be(nil)
}

// finish lets everything have its time: the jobs after orders, too.
func (m *market) finish() {
	m.capture()
	m.moneyBack()
	m.clock.Advance(time.Minute) // a refund of this instant is not due yet
	if err := m.payments.RecoverRefunds(m.t.Context(), 0); err != nil {
		m.rt.Fatal(err)
	}
	m.settled()
	m.capture()
	m.settled()
	m.kept()
}

func TestShoppersWhoDoAnythingBreakNothing(t *testing.T) {
	t.Parallel()
	for _, moody := range []bool{false, true} {
		name := "with a good gateway"
		if moody {
			name = "with a moody gateway"
		}
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			base := newWorld(t)
			rapid.Check(t, func(rt *rapid.T) {
				m := newMarket(base, rt, moody)
				rt.Repeat(map[string]func(*rapid.T){
					"start":  func(*rapid.T) { m.start() },
					"pay":    func(*rapid.T) { m.with(m.planned()) },
					"pay 2":  func(*rapid.T) { m.with(m.planned()) },
					"errand": func(*rapid.T) { m.with(m.errand(errands...)) },
					"heavy":  func(*rapid.T) { m.errand(heavy...)() },
					"later": func(*rapid.T) {
						m.clock.Advance(pick(m, "by", time.Second, 7*time.Second, 16*time.Second, 12*time.Minute))
					},
					"prune": func(*rapid.T) {
						_, err := idem.New(m.db).Prune(m.t.Context())
						m.means(err)
					},
				})
				m.finish()
			})
		})
	}
}
