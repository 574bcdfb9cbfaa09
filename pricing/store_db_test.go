package pricing

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/id"
)

func TestAnEditNeedsTheCurrentVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.create(percent(1, 1000))
	edit := func(p *Promotion) error { p.BPS, p.ID, p.Uses = 2000, id.New(), 99; return nil }
	before := w.version()
	got, err := w.UpdatePromotion(t.Context(), w.merchant, r.ID, 1, edit)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "edited", []any{got.BPS, got.ID, got.Uses, got.Version}, []any{int64(2000), r.ID, int64(0), int64(2)})
	same(t, "config version", w.version(), before+1)
	if _, err := w.UpdatePromotion(t.Context(), w.merchant, r.ID, 1, edit); !errors.Is(err, ErrVersion) {
		t.Errorf("an old version: %v", err)
	}
	if _, err := w.UpdatePromotion(t.Context(), w.merchant, id.New(), 0, edit); !errors.Is(err, ErrPromotionUnknown) {
		t.Errorf("an unknown one: %v", err)
	}
	if _, err := w.UpdatePromotion(t.Context(), id.New(), r.ID, 0, edit); !errors.Is(err, ErrPromotionUnknown) {
		t.Errorf("another merchant's: %v", err)
	}
	if _, err := w.UpdatePromotion(t.Context(), w.merchant, r.ID, 0, func(p *Promotion) error { p.BPS = 0; return nil }); !errors.Is(err, ErrPromotion) {
		t.Errorf("nonsense: %v", err)
	}
	same(t, "refused edits leave the config version", w.version(), before+1)
}

func TestATotalLimitIsGivenFromTheStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	limit := func(n int64) func(*Promotion) error {
		return func(p *Promotion) error { p.TotalLimit = n; return nil }
	}
	open := w.create(percent(1, 1000))
	if _, err := w.UpdatePromotion(t.Context(), w.merchant, open.ID, 0, limit(5)); !errors.Is(err, ErrLimit) {
		t.Errorf("added later: %v", err)
	}
	p := percent(2, 1000)
	p.TotalLimit = 5
	bounded := w.create(p)
	for i := range 3 {
		if _, err := w.redeem(fmt.Sprint("buyer", i), Use{PromotionID: bounded.ID, Limited: true}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.UpdatePromotion(t.Context(), w.merchant, bounded.ID, 0, limit(2)); !errors.Is(err, ErrLimit) {
		t.Errorf("below its uses: %v", err)
	}
	for _, n := range []int64{3, 100, 0} {
		if _, err := w.UpdatePromotion(t.Context(), w.merchant, bounded.ID, 0, limit(n)); err != nil {
			t.Errorf("%d: %v", n, err)
		}
	}
	// A buyer who has seen the limit is let through once it is lifted.
	if _, err := w.redeem("late", Use{PromotionID: bounded.ID, Limited: true}); err != nil {
		t.Error(err)
	}
}

func TestListsArePagedToTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var want []uuid.UUID
	for i := range 7 {
		r := w.create(percent(byte(i), 1000))
		want = append([]uuid.UUID{r.ID}, want...)
	}
	if err := w.ArchivePromotion(t.Context(), w.merchant, want[2], 0); err != nil {
		t.Fatal(err)
	}
	read := func(status string) (all []uuid.UUID) {
		for cursor := ""; ; {
			page, next, err := w.Promotions(t.Context(), w.merchant, status, 3, cursor)
			if err != nil || len(page) > 3 {
				t.Fatalf("%d, %v", len(page), err)
			}
			for _, r := range page {
				all = append(all, r.ID)
			}
			if cursor = next; cursor == "" {
				return all
			}
		}
	}
	same(t, "all, newest first", read(""), want)
	same(t, "archived", read(StatusArchived), want[2:3])
	same(t, "active", read(StatusActive), slices.Delete(slices.Clone(want), 2, 3))
	for _, cursor := range []string{"x", "!!!", idCursor(want[0]) + "AA"} {
		if _, _, err := w.Promotions(t.Context(), w.merchant, "", 3, cursor); !errors.Is(err, ErrCursor) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
	if page, _, err := w.Promotions(t.Context(), id.New(), "", 3, ""); err != nil || len(page) != 0 {
		t.Errorf("another merchant sees %d, %v", len(page), err)
	}
}

func TestCodesAreAddedAllOrNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := coded(percent(1, 1000), "")
	a, b := w.create(p), w.create(p)
	if err := w.AddCodes(t.Context(), w.merchant, a.ID, []string{"Spring 10", "summer-10"}, false); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		codes []string
		want  error
	}{
		"taken by another": {[]string{"NEW-ONE", "SPRING10"}, ErrCodeTaken},
		"twice":            {[]string{"NEW-ONE", "new-one"}, ErrCodeTaken},
		"too short":        {[]string{"NEW-ONE", "AB"}, ErrCode},
		"odd signs":        {[]string{"NEW-ONE", "A<script>"}, ErrCode},
		"none":             {nil, ErrCodeCount},
		"too many":         {make([]string, MaxNewCodes+1), ErrCodeCount},
	} {
		if err := w.AddCodes(t.Context(), w.merchant, b.ID, c.codes, false); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	same(t, "codes in all", w.count(`select count(*) from promotion_codes where merchant_id = $1`, w.merchant), int64(2))
	if err := w.AddCodes(t.Context(), w.merchant, id.New(), []string{"ABC"}, false); !errors.Is(err, ErrPromotionUnknown) {
		t.Errorf("unknown promotion: %v", err)
	}
	public := percent(3, 500)
	public.Automatic, public.PublicCode = false, "spring10"
	if _, err := w.CreatePromotion(t.Context(), w.merchant, public); !errors.Is(err, ErrCodeTaken) {
		t.Errorf("a public code of another promotion: %v", err)
	}
	if err := w.DeleteCode(t.Context(), w.merchant, b.ID, "spring10"); !errors.Is(err, ErrCodeUnknown) {
		t.Errorf("delete another's: %v", err)
	}
	if err := w.DeleteCode(t.Context(), w.merchant, a.ID, "spring10"); err != nil {
		t.Error(err)
	}
	page, next, err := w.Codes(t.Context(), w.merchant, a.ID, 0, "")
	if err != nil || next != "" || len(page) != 1 || page[0].Code != "summer-10" {
		t.Errorf("got %+v, %q, %v", page, next, err)
	}
}

func TestGeneratedCodesAreManyAndHardToGuess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := coded(percent(1, 1000), "")
	r := w.create(p)
	codes, err := w.GenerateCodes(t.Context(), w.merchant, r.ID, 1000, "VIP-", true)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range codes {
		if len(c) < len("VIP-")+10 || CodeKey(c) != c {
			t.Fatalf("code %q", c)
		}
	}
	var read []string
	for cursor := ""; ; {
		page, next, err := w.Codes(t.Context(), w.merchant, r.ID, 100, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page {
			read = append(read, c.Code)
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	slices.Sort(codes)
	same(t, "read back", read, codes)
	for _, cursor := range []string{"!", "_w", "QQA", "QQD_"} { // no base64, no UTF-8, a NUL, and both
		if _, _, err := w.Codes(t.Context(), w.merchant, r.ID, 1, cursor); !errors.Is(err, ErrCursor) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
}

func TestTaxRatesAreKeptAndUnique(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.version()
	made, err := w.CreateTaxRate(t.Context(), w.merchant, TaxRate{Country: "US", Region: "us-ca", PostcodePrefix: "90-0", Kind: "county", Name: "LA", RateBps: 350})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "normal form", []string{made.Region, made.PostcodePrefix, made.Class}, []string{"CA", "900", TaxStandard})
	got, err := w.TaxRate(t.Context(), w.merchant, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "kept", got, made)
	again := made.TaxRate
	if _, err := w.CreateTaxRate(t.Context(), w.merchant, again); !errors.Is(err, ErrTaxRateTaken) {
		t.Errorf("the same place twice: %v", err)
	}
	again.Kind = "state"
	other, err := w.CreateTaxRate(t.Context(), w.merchant, again)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.UpdateTaxRate(t.Context(), w.merchant, other.ID, 0, func(r *TaxRate) error { r.Kind = "county"; return nil }); !errors.Is(err, ErrTaxRateTaken) {
		t.Errorf("moved onto another: %v", err)
	}
	changed, err := w.UpdateTaxRate(t.Context(), w.merchant, other.ID, 1, func(r *TaxRate) error { r.RateBps = 725; return nil })
	if err != nil || changed.RateBps != 725 || changed.Version != 2 {
		t.Errorf("got %+v, %v", changed, err)
	}
	if _, err := w.UpdateTaxRate(t.Context(), w.merchant, other.ID, 1, func(*TaxRate) error { return nil }); !errors.Is(err, ErrVersion) {
		t.Errorf("old version: %v", err)
	}
	page, next, err := w.TaxRates(t.Context(), w.merchant, "US", 1, "")
	if err != nil || len(page) != 1 || page[0].ID != other.ID {
		t.Fatalf("got %+v, %v", page, err)
	}
	page, next, err = w.TaxRates(t.Context(), w.merchant, "", 1, next)
	if err != nil || len(page) != 1 || page[0].ID != made.ID || next != "" {
		t.Fatalf("got %+v, %q, %v", page, next, err)
	}
	if err := w.DeleteTaxRate(t.Context(), w.merchant, other.ID, 1); !errors.Is(err, ErrVersion) {
		t.Errorf("delete an old version: %v", err)
	}
	if err := w.DeleteTaxRate(t.Context(), w.merchant, other.ID, 2); err != nil {
		t.Error(err)
	}
	if err := w.DeleteTaxRate(t.Context(), w.merchant, other.ID, 0); !errors.Is(err, ErrTaxRateUnknown) {
		t.Errorf("delete twice: %v", err)
	}
	if _, err := w.TaxRate(t.Context(), w.merchant, other.ID); !errors.Is(err, ErrTaxRateUnknown) {
		t.Errorf("read a deleted one: %v", err)
	}
	same(t, "each change raised the config version", w.version(), before+4)
}

func TestRulesHoldWhatCanStillApply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ends := now.Add(time.Hour)
	p := percent(1, 1000)
	p.EndsAt = &ends
	ending, lasting, archived := w.create(p), w.create(percent(2, 1000)), w.create(percent(3, 1000))
	if err := w.ArchivePromotion(t.Context(), w.merchant, archived.ID, 0); err != nil {
		t.Fatal(err)
	}
	if err := w.ArchivePromotion(t.Context(), w.merchant, archived.ID, 0); err != nil {
		t.Errorf("archiving twice: %v", err)
	}
	if _, err := w.UpdatePromotion(t.Context(), w.merchant, archived.ID, 0, func(*Promotion) error { return nil }); !errors.Is(err, ErrArchived) {
		t.Errorf("editing an archived one: %v", err)
	}
	if _, err := w.CreateTaxRate(t.Context(), w.merchant, TaxRate{Country: "DE", Name: "MwSt", RateBps: 1900}); err != nil {
		t.Fatal(err)
	}
	load := func() (ids []uuid.UUID, r Rules) {
		r, err := w.Load(t.Context(), w.merchant)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range r.Promotions {
			ids = append(ids, p.ID)
		}
		return ids, r
	}
	ids, r := load()
	same(t, "active", ids, []uuid.UUID{ending.ID, lasting.ID})
	same(t, "version", r.Version, w.version())
	same(t, "rates", []int{len(r.TaxRates("DE")), len(r.TaxRates("FR"))}, []int{1, 0})
	in := Input{Lines: lines(1190), PricesIncludeTax: true, Destination: germany}
	r.Fill(&in, Facts{})
	in.Promotions = nil
	same(t, "tax", total(t, in).Tax, int64(190))
	w.clock.Advance(time.Hour)
	ids, _ = load()
	same(t, "an hour later", ids, []uuid.UUID{lasting.ID})
	if r, err := w.Load(t.Context(), id.New()); err != nil || len(r.Promotions) != 0 || r.Version != 0 {
		t.Errorf("an unknown merchant: %+v, %v", r, err)
	}
}
