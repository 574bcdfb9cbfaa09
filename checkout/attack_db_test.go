package checkout_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/checkout"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/idem"
	"doorstep/internal/money"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/payment/sandbox"
	"doorstep/pricing"
)

// ways are the roads to an order: with a gateway and without.
var ways = map[string]struct {
	method payment.Method
	token  string
}{"card": {payment.Card, sandbox.Visa}, "cash": {payment.CashOnDelivery, ""}, "transfer": {payment.BankTransfer, ""}}

func TestANumberThatIsTakenMakesRoomForAnother(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.one(5)
			// The first order of this database finds its number taken; sequences do not roll back.
			w.exec(`create sequence turns`)
			w.exec(`create function taken() returns trigger language plpgsql as $$ begin
				if nextval('turns') <= 2 then raise exception using errcode = '23505', constraint = 'orders_merchant_id_number_key'; end if;
				return new; end $$`)
			w.exec(`create trigger taken before insert on orders for each row execute function taken()`)
			out, err := w.pay(v, "k", way.method, way.token)
			if err != nil || out.Order == nil {
				t.Fatalf("%+v %v", out, err)
			}
			if n := w.count(`select count(*) from orders where number = $1`, out.Order.Number); n != 1 {
				t.Fatal("the buyer was told another number")
			}
			// Another key reads it from the checkout.
			later, err := w.pay(v, "k2", way.method, way.token)
			if err != nil || later.Order == nil || later.Order.Number != out.Order.Number {
				t.Fatalf("%+v %v", later, err)
			}
			if ref := w.newest(v).Reference; way.method == payment.BankTransfer && ref != out.Order.Number {
				t.Fatalf("the transfer quotes %s", ref)
			}
			w.settled()
		})
	}
}

func TestAnOrderThatCannotBeWrittenKeepsNoMoney(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.one(1)
	w.exec(`alter table orders add constraint broken check (total_minor < 0)`)
	if out, err := w.pay(v, "k", payment.Card, sandbox.Visa); !errors.Is(err, payment.ErrDeclined) {
		t.Fatalf("%+v %v", out, err)
	}
	w.settled()
}

// elsewhere puts more units of a variant at a second place.
func (w *world) elsewhere(variant uuid.UUID, units int64) {
	w.t.Helper()
	place := id.New()
	w.exec(`insert into locations (merchant_id, id, code, name, country, priority, created_at) values ($1, $2, $3, 'Second', 'AM', 9, $4)`, w.merchant, place, place.String()[:13], start)
	w.exec(`insert into stock (merchant_id, variant_id, location_id, received, free, updated_at) values ($1, $2, $3, $4, $4, $5)`, w.merchant, variant, place, units, start)
}

func TestUnitsAtAnotherPlaceAreSoldWhenTheFirstRunsOut(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.one(1)
			w.elsewhere(w.variant("MUG"), 1)
			rival := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
			w.trips.at(2, func() { // between the read and the transaction
				if out, err := w.pay(rival, "r", way.method, way.token); err != nil || out.Order == nil {
					t.Errorf("%+v %v", out, err)
				}
			})
			if out, err := w.pay(v, "k", way.method, way.token); err != nil || out.Order == nil {
				t.Fatalf("%+v %v", out, err)
			}
			w.settled()
		})
	}
}

func TestUnitsHeldTooLongAreFoundAtAnotherPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.one(1)
	rival := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
	w.front.once("authorize", mood{after: func() {
		w.front.be(nil)
		w.clock.Advance(21 * time.Minute)
		if _, err := w.catalog.Sweep(t.Context()); err != nil {
			t.Error(err)
		}
		if out, err := w.pay(rival, "r", payment.Card, sandbox.Visa); err != nil || out.Order == nil {
			t.Errorf("%+v %v", out, err)
		}
		w.elsewhere(w.variant("MUG"), 1)
	}})
	if out, err := w.pay(v, "k", payment.Card, sandbox.Visa); err != nil || out.Order == nil {
		t.Fatalf("%+v %v", out, err)
	}
	w.settled()
}

func TestUnitsOfWhichHalfWereHeldTooLongAreAllSoldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 2)
	w.product("TEA", 2)
	v := w.start(checkout.Item{SKU: "MUG", Quantity: 1}, checkout.Item{SKU: "TEA", Quantity: 1})
	w.front.once("authorize", mood{after: func() { // a sweep that got no further than the first
		w.exec(`update reservations set status = 'expired' where variant_id = $1`, w.variant("MUG"))
		w.exec(`update stock set free = free + 1 where variant_id = $1`, w.variant("MUG"))
	}})
	if out, err := w.pay(v, "k", payment.Card, sandbox.Visa); err != nil || out.Order == nil {
		t.Fatalf("%+v %v", out, err)
	}
	w.settled()
}

func TestTheLinesThatRunOutAreNamed(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.one(1)
			rival := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
			w.trips.at(2, func() {
				if out, err := w.pay(rival, "r", way.method, way.token); err != nil || out.Order == nil {
					t.Errorf("%+v %v", out, err)
				}
			})
			_, err := w.pay(v, "k", way.method, way.token)
			f, ok := fault.As(err)
			if !ok || !errors.Is(err, checkout.ErrOutOfStock) || fmt.Sprint(f.Extra["lines"]) == "[]" {
				t.Fatalf("%+v", err)
			}
			w.settled()
		})
	}
}

// promote opens a promotion of 10 % with a code.
func (w *world) promote(code string, total, each int64) {
	w.t.Helper()
	_, err := w.promo.CreatePromotion(w.t.Context(), w.merchant, pricing.Promotion{
		Name: map[string]string{"en": code}, Kind: pricing.KindPercent, BPS: 1000, TotalLimit: total, PerCustomerLimit: each, PublicCode: code,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) startWith(email, code string, items ...checkout.Item) *checkout.View {
	w.t.Helper()
	f := form()
	f.Codes = &[]string{code}
	if email != "" {
		f.Email = &email
	}
	v, err := w.svc.Start(w.t.Context(), checkout.Request{Merchant: w.merchant, Items: items, Locale: "en", Form: f})
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func TestACodeThatIsUsedUpInBetweenChangesTheTotal(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		for _, perCustomer := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " per customer ", perCustomer), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.product("MUG", 9)
				email := ""
				if perCustomer {
					email = "same@example.com"
					w.promote("TEN", 0, 1)
				} else {
					w.promote("TEN", 1, 0)
				}
				v, rival := w.startWith(email, "TEN", checkout.Item{SKU: "MUG", Quantity: 1}), w.startWith(email, "TEN", checkout.Item{SKU: "MUG", Quantity: 1})
				if v.Totals.Total != 1400 {
					t.Fatalf("%+v", v.Totals)
				}
				w.trips.at(2, func() {
					if out, err := w.pay(rival, "r", way.method, way.token); err != nil || out.Order == nil {
						t.Errorf("%+v %v", out, err)
					}
				})
				_, err := w.pay(v, "k", way.method, way.token)
				f, ok := fault.As(err)
				if !ok || !errors.Is(err, checkout.ErrTotalChanged) || f.Extra["totals"].(map[string]money.Amount)["total"].Minor < 1500 {
					t.Fatalf("%+v", err)
				}
				w.settled()
			})
		}
	}
}

func TestACodeThatComesFreeInBetweenIsUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 9)
	w.promote("TEN", 1, 0)
	v, rival := w.startWith("", "TEN", checkout.Item{SKU: "MUG", Quantity: 1}), w.startWith("", "TEN", checkout.Item{SKU: "MUG", Quantity: 1})
	asked, declined := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	w.front.once("authorize", mood{before: func() { close(asked); <-declined }})
	w.trips.at(2, func() { // the buyer has seen the code free; now the rival holds it
		all.Go(func() {
			if _, err := w.pay(rival, "r", payment.Card, sandbox.Declined); !errors.Is(err, payment.ErrDeclined) {
				t.Error(err)
			}
		})
		<-asked
		w.trips.at(1, func() { close(declined); all.Wait() }) // and gives it back
	})
	if out, err := w.pay(v, "k", payment.Card, sandbox.Visa); err != nil || out.Order == nil || out.Order.Total != 1400 {
		t.Fatalf("%+v %v", out, err)
	}
	w.settled()
}

func TestAChangeThatComesInBetweenIsShownBeforeItIsPaid(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.one(1)
			w.trips.at(2, func() { // the other tab has it sent elsewhere, for the same price
				f := form()
				if _, err := w.svc.Change(t.Context(), checkout.Access{Merchant: w.merchant, Trusted: true}, v.ID, f); err != nil {
					t.Error(err)
				}
			})
			if out, err := w.pay(v, "k", way.method, way.token); !errors.Is(err, checkout.ErrVersion) {
				t.Fatalf("%+v %v", out, err)
			}
			if out, err := w.pay(v, "k", way.method, way.token); err != nil || out.Order == nil {
				t.Fatalf("%+v %v", out, err)
			}
			w.settled()
		})
	}
}

func TestAFeeWithTaxOnItIsNoDrift(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rules.Settings.PricesIncludeTax = false
	w.exec(`insert into tax_rates (merchant_id, id, country, name, rate_bps, created_at, updated_at) values ($1, $2, 'AM', 'VAT', 2000, $3, $3)`, w.merchant, id.New(), start)
	v := w.one(1)
	out, err := w.pay(v, "k", payment.CashOnDelivery, "")
	if err != nil || out.Order == nil || out.Order.Total != 1980 {
		t.Fatalf("%+v %v", out, err)
	}
	w.settled()
}

func TestKeysOnOneCheckoutShareOneOrder(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.product("MUG", 100)
			for round := range 5 {
				v := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
				var numbers sync.Map
				var told atomic.Int64
				atOnce(8, func(i int) {
					out, err := w.pay(v, fmt.Sprint(round, "-", i), way.method, way.token)
					switch {
					case out.Order != nil:
						numbers.Store(out.Order.Number, true)
						told.Add(1)
					case !errors.Is(err, checkout.ErrInProgress):
						t.Errorf("%+v %v", out, err)
					}
				})
				n := 0
				numbers.Range(func(any, any) bool { n++; return true })
				if n != 1 || way.method.Offline() && told.Load() != 8 {
					t.Fatalf("%d numbers, told %d times", n, told.Load())
				}
			}
			w.settled()
		})
	}
}

func TestAKeyThatWasPrunedStillGivesItsOrder(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.one(5)
			out, err := w.pay(v, "k", way.method, way.token)
			if err != nil || out.Order == nil {
				t.Fatalf("%+v %v", out, err)
			}
			w.clock.Advance(25 * time.Hour)
			if n, err := idem.New(w.db).Prune(t.Context()); err != nil || n != 1 {
				t.Fatal(n, err)
			}
			again, err := w.pay(v, "k", way.method, way.token)
			if err != nil || again.Order == nil || again.Order.ID != out.Order.ID {
				t.Fatalf("%+v %v", again, err)
			}
			w.settled()
		})
	}
}

func TestAKeyPrunedWhileItsPaymentIsUnknownIsNoSecondPayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.one(5)
	if out, err := w.pay(v, "k", payment.Card, sandbox.LostAnswer); err != nil || out.Order != nil {
		t.Fatalf("%+v %v", out, err)
	}
	w.clock.Advance(25 * time.Hour)
	if n, err := idem.New(w.db).Prune(t.Context()); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if out, err := w.pay(v, "k", payment.Card, sandbox.LostAnswer); err != nil || out.Order == nil {
		t.Fatalf("%+v %v", out, err)
	}
	w.settled()
}

func TestNothingToPayIsAPaidOrder(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.rules.Settings.CashOnDelivery.Fees = nil
			w.product("GIFT", 3)
			w.exec(`update prices set amount_minor = 0`)
			for i, code := range []string{"FREE", "FREE"} {
				if i == 0 {
					if _, err := w.promo.CreatePromotion(t.Context(), w.merchant, pricing.Promotion{
						Name: map[string]string{"en": "Free"}, Kind: pricing.KindFreeShipping, TotalLimit: 2, PublicCode: code,
					}); err != nil {
						t.Fatal(err)
					}
				}
				v := w.startWith("", code, checkout.Item{SKU: "GIFT", Quantity: 1})
				out, err := w.pay(v, fmt.Sprint("k", i), way.method, "")
				if err != nil || out.Order == nil || out.Order.Total != 0 || out.Order.Status != order.StatusConfirmed || out.Order.PaymentStatus != "paid" {
					t.Fatalf("%+v %v", out, err)
				}
			}
			w.settled()
		})
	}
}

func TestTheSameVariantTwiceAndOneThatIsNotCounted(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.product("MUG", 4)
			endless := w.product("CARD", 0)
			w.exec(`update variants set track_stock = false where id = $1`, endless)
			for i := range 3 {
				v, err := w.svc.Start(t.Context(), checkout.Request{Merchant: w.merchant, Locale: "en", Form: form(), Items: []checkout.Item{
					{SKU: "MUG", Quantity: 1}, {SKU: "CARD", Quantity: 2}, {SKU: "MUG", Quantity: 1}}})
				if i == 2 {
					if !errors.Is(err, checkout.ErrOutOfStock) {
						t.Fatalf("%+v %v", v, err)
					}
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				out, err := w.pay(v, fmt.Sprint("k", i), way.method, way.token)
				if err != nil || out.Order == nil || len(out.Order.Lines) != 2 || out.Order.Lines[0].Quantity != 2 {
					t.Fatalf("%+v %v", out, err)
				}
			}
			w.settled()
		})
	}
}

func TestALimitedCodeIsGivenBackWithWhateverItPaidFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 9)
	w.promote("TEN", 1, 1)
	v := w.startWith("a@example.com", "TEN", checkout.Item{SKU: "MUG", Quantity: 1})
	for i, token := range []string{sandbox.Declined, sandbox.ThreeDSecure, sandbox.InsufficientFunds} {
		_, _ = w.pay(v, fmt.Sprint("k", i), payment.Card, token)
		w.books()
	}
	if out, err := w.pay(v, "last", payment.CashOnDelivery, ""); err != nil || out.Order == nil || out.Order.Discount != -100 {
		t.Fatalf("%+v %v", out, err)
	}
	w.settled()
}

func TestABuyerWhoLeavesAtAnyMomentLeavesNoMess(t *testing.T) {
	t.Parallel()
	base := newWorld(t)
	for name, way := range ways {
		for n := int64(1); n <= 4; n++ {
			for _, here := range []string{"trip", "gateway"} {
				w := base.another(t)
				v := w.one(5)
				ctx, leave := context.WithCancel(t.Context())
				if here == "trip" {
					w.trips.at(n, leave)
				} else {
					w.front.once("authorize", mood{before: leave})
				}
				_, err := w.svc.Complete(ctx, w.completion(v, "k", way.method, way.token))
				left := ctx.Err() != nil
				leave()
				w.front.be(nil)
				if err != nil && !left {
					t.Errorf("%s, %s %d: %v", name, here, n, err)
				}
				w.clock.Advance(31 * time.Second)
				if err := w.svc.Recover(t.Context(), 30*time.Second); err != nil {
					t.Fatal(err)
				}
				// The buyer comes back and asks again with the same key, until told.
				out, err := w.pay(v, "k", way.method, way.token)
				switch {
				case err == nil && (out.Order != nil || out.Replay != nil):
				default:
					t.Errorf("%s, %s %d: asked again: %+v %v", name, here, n, out, err)
				}
				w.settled()
			}
		}
	}
}
