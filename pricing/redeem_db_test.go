package pricing

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/money"
)

// race lets n buyers redeem at once and says how many succeeded; all others
// must have failed with want.
func (w *world) race(n int, want *fault.Error, use func(i int) (customer string, u Use)) int64 {
	w.t.Helper()
	var won atomic.Int64
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			customer, u := use(i)
			_, err := w.redeem(customer, u)
			switch {
			case err == nil:
				won.Add(1)
			case want == nil || !errors.Is(err, want):
				w.t.Errorf("buyer %d: %v", i, err)
			}
		})
	}
	close(start)
	all.Wait()
	return won.Load()
}

func TestATotalLimitIsReachedExactly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, limit := range []int64{1, 5} {
		p := percent(1, 1000)
		p.TotalLimit = limit
		r := w.create(p)
		won := w.race(64, ErrPromotionUsedUp, func(i int) (string, Use) {
			return fmt.Sprint("buyer", i), Use{PromotionID: r.ID, Limited: true}
		})
		if won != limit {
			t.Errorf("%d buyers used a promotion for %d", won, limit)
		}
		if n := w.count(`select uses from promotions where id = $1`, r.ID); n != limit {
			t.Errorf("%d uses counted of %d", n, limit)
		}
		if n := w.count(`select count(*) from redemptions where promotion_id = $1 and status = 'active'`, r.ID); n != limit {
			t.Errorf("%d uses noted of %d", n, limit)
		}
	}
}

func TestACustomerLimitIsReachedExactly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := percent(1, 1000)
	p.PerCustomerLimit = 1
	r := w.create(p)
	use := Use{PromotionID: r.ID, PerCustomer: 1}
	if won := w.race(32, ErrCustomerUsedUp, func(int) (string, Use) { return "me", use }); won != 1 {
		t.Errorf("one customer used it %d times", won)
	}
	if won := w.race(32, nil, func(i int) (string, Use) { return fmt.Sprint("buyer", i), use }); won != 32 {
		t.Errorf("only %d of 32 customers could use it", won)
	}
	use.PerCustomer = 3
	for range 2 { // the other two, one after the other
		if _, err := w.redeem("me", use); err != nil {
			t.Error(err)
		}
	}
	if _, err := w.redeem("me", use); !errors.Is(err, ErrCustomerUsedUp) {
		t.Errorf("the fourth use of three: %v", err)
	}
	// Without a limit the same customer may buy in several tabs at once.
	use = Use{PromotionID: w.create(percent(2, 500)).ID}
	if won := w.race(8, nil, func(int) (string, Use) { return "me", use }); won != 8 {
		t.Errorf("only %d of 8 went through", won)
	}
}

func TestASingleUseCodeServesOneOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := coded(percent(1, 1000), "")
	r := w.create(p)
	codes, err := w.GenerateCodes(t.Context(), w.merchant, r.ID, 10, "GIFT-", true)
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range codes {
		use := Use{PromotionID: r.ID, CodeKey: CodeKey(code)}
		if won := w.race(16, ErrCodeSpent, func(i int) (string, Use) { return fmt.Sprint("buyer", i), use }); won != 1 {
			t.Errorf("%d orders used %s", won, code)
		}
	}
	f, err := w.RuleFacts(t.Context(), w.merchant, codes[:1], []byte("somebody"))
	if err != nil || len(f.Known) != 1 || !f.Known[0].Spent {
		t.Errorf("got %+v, %v", f, err)
	}
	page, _, err := w.Codes(t.Context(), w.merchant, r.ID, 1, "")
	if err != nil || len(page) != 1 || !page[0].Spent || !page[0].SingleUse {
		t.Errorf("got %+v, %v", page, err)
	}
}

func TestAReleasedUseIsFreeAgainOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := coded(percent(1, 1000), "")
	p.TotalLimit, p.PerCustomerLimit = 2, 1
	r := w.create(p)
	if err := w.AddCodes(t.Context(), w.merchant, r.ID, []string{"ONCE"}, true); err != nil {
		t.Fatal(err)
	}
	use := Use{PromotionID: r.ID, CodeKey: "ONCE", Limited: true, PerCustomer: 1}
	other := Use{PromotionID: r.ID, Limited: true, PerCustomer: 1}
	if _, err := w.redeem("somebody else", other); err != nil {
		t.Fatal(err)
	}
	checkout, err := w.redeem("me", use)
	if err != nil {
		t.Fatal(err)
	}
	w.release(checkout, 2) // another attempt's uses stay
	if _, err := w.redeem("me", use); !errors.Is(err, ErrPromotionUsedUp) {
		t.Fatalf("got %v", err)
	}
	for range 3 {
		w.release(checkout, 1)
	}
	if n := w.count(`select uses from promotions where id = $1`, r.ID); n != 1 {
		t.Errorf("%d uses after the release, want 1", n)
	}
	if err := w.redeemFor(checkout, 2, "me", use); err != nil {
		t.Errorf("the second attempt: %v", err)
	}
}

func TestAnArchivedPromotionCannotBeUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := percent(1, 1000)
	p.TotalLimit = 5
	r := w.create(p)
	if err := w.ArchivePromotion(t.Context(), w.merchant, r.ID, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := w.redeem("me", Use{PromotionID: r.ID, Limited: true}); !errors.Is(err, ErrPromotionUsedUp) {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsShownIsWhatIsRedeemed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, _ := coded(percent(1, 1000), "")
	first.FirstOrderOnly = true
	r := w.create(first)
	plain := w.create(percent(2, 500)) // neither code nor limit: leaves no trace
	if err := w.AddCodes(t.Context(), w.merchant, r.ID, []string{"Welcome 10"}, false); err != nil {
		t.Fatal(err)
	}
	price := func() (Input, Result) {
		t.Helper()
		rules, err := w.Load(t.Context(), w.merchant)
		if err != nil {
			t.Fatal(err)
		}
		in := Input{Currency: "EUR", Lines: lines(10000), Now: now, Codes: []string{"welcome10"}, Customer: Customer{IsNew: true}}
		f, err := w.RuleFacts(t.Context(), w.merchant, in.Codes, []byte("me"))
		if err != nil {
			t.Fatal(err)
		}
		rules.Fill(&in, f)
		return in, total(t, in)
	}
	in, result := price()
	uses := Uses(in, result)
	same(t, "uses", uses, []Use{{PromotionID: r.ID, CodeKey: "WELCOME10", PerCustomer: 1, Amount: 1000, Currency: "EUR"}})
	same(t, "applied", []any{len(result.Discounts), result.Discounts[1].PromotionID}, []any{2, plain.ID})
	if _, err := w.redeem("me", uses[0]); err != nil {
		t.Fatal(err)
	}
	_, result = price()
	same(t, "the second time", result.Discounts[0].Reason, ReasonCustomerLimit)
	// The other tab, priced before, comes too late as well.
	if _, err := w.redeem("me", uses[0]); !errors.Is(err, ErrCustomerUsedUp) {
		t.Errorf("got %v", err)
	}
}

func TestCountsAreReadFresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := coded(fixed(1, 500), "")
	p.TotalLimit = 1
	r := w.create(p)
	if err := w.AddCodes(t.Context(), w.merchant, r.ID, []string{"LAST"}, false); err != nil {
		t.Fatal(err)
	}
	rules, err := w.Load(t.Context(), w.merchant)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.redeem("me", Use{PromotionID: r.ID, Limited: true}); err != nil {
		t.Fatal(err)
	}
	in := Input{Lines: lines(1000), Codes: []string{"last"}}
	f, err := w.RuleFacts(t.Context(), w.merchant, in.Codes, nil)
	if err != nil {
		t.Fatal(err)
	}
	rules.Fill(&in, f)
	same(t, "old rules, new count", total(t, in).Discounts[0].Reason, ReasonLimit)
	same(t, "the rules themselves stay as they were", rules.Promotions[0].Uses, int64(0))
}

func TestACheckoutNeedNotBeReadBeforeItsFacts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := coded(fixed(1, 500), "")
	p.TotalLimit = 9
	r := w.create(p)
	if err := w.AddCodes(t.Context(), w.merchant, r.ID, []string{"MINE", "OTHER"}, true); err != nil {
		t.Fatal(err)
	}
	contact, checkout := id.New(), id.New()
	w.exec(`insert into contacts (merchant_id, id, email_hmac, created_at) values ($1, $2, 'me', $3)`, w.merchant, contact, now)
	w.exec(`insert into checkouts (merchant_id, id, secret_hash, contact_id, status, currency, locale, variant_ids, quantities, codes,
			code_keys, created_at, updated_at, expires_at) values ($1, $2, '', $3, 'incomplete', 'EUR', 'en', '{}', '{}', '{mine}', '{MINE}', $4, $4, $4)`,
		w.merchant, checkout, contact, now)
	if _, err := w.redeem("me", Use{PromotionID: r.ID, CodeKey: "MINE", Limited: true}); err != nil {
		t.Fatal(err)
	}
	var f Facts
	if err := w.db.Read(t.Context(), w.CheckoutFactsQueries(w.merchant, checkout, &f)...); err != nil {
		t.Fatal(err)
	}
	same(t, "facts", f, Facts{Known: []Code{{Key: "MINE", PromotionID: r.ID, Spent: true}},
		Uses: map[uuid.UUID]int64{r.ID: 1}, Counts: map[uuid.UUID]int64{r.ID: 1}})
}

func TestAPromotionComesBackAsItWasKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	starts, ends := now.Add(-time.Hour), now.Add(time.Hour)
	p := Promotion{Name: map[string]string{"en": "Sale", "hy": "Զեղչ", "km": "បញ្ចុះតម្លៃ"}, Kind: KindFixed,
		Amounts: []money.Amount{money.Of(500, "EUR"), money.Of(200000, "AMD")}, Target: Target{SKUs: []string{"A"}, Tags: []string{"b"}},
		MinimumSubtotal: []money.Amount{money.Of(2000, "EUR")}, MinimumQuantity: 2, StartsAt: &starts, EndsAt: &ends, TotalLimit: 10,
		PerCustomerLimit: 2, Combinable: true, Priority: 3, PublicCode: "Sale 5", Countries: []string{"AM", "KH"}}
	before := w.version()
	made := w.create(p)
	got, err := w.Promotion(t.Context(), w.merchant, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "kept", got, made)
	p.ID = made.ID
	same(t, "promotion", got.Promotion, p)
	same(t, "config version", w.version(), before+1)
	f, err := w.RuleFacts(t.Context(), w.merchant, []string{"sale5"}, nil)
	if err != nil || len(f.Known) != 1 || f.Known[0].PromotionID != made.ID {
		t.Errorf("the public code does not open it: %+v, %v", f, err)
	}
}
