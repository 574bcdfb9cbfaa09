package customer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

func TestAKeyIsShownOnceAndOpensItsMerchantOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	expires := start.Add(time.Hour)
	k, text := w.key(w.mine, customer.NewKey{Kind: customer.SecretKey, Name: "ERP", Scopes: []string{"stock:write", "orders:read", "stock:write"}, ExpiresAt: &expires})
	p, err := w.service.Authenticate(w.ctx, text)
	if err != nil || p.Merchant != w.mine || p.KeyID != k.ID || !p.Secret || !slices.Equal(p.Scopes, []string{"orders:read", "stock:write"}) || len(p.Origins) != 0 {
		t.Fatalf("%+v %v", p, err)
	}
	_, web := w.key(w.mine, customer.NewKey{Kind: customer.Publishable, Origins: []string{"https://Shop.example:443"}})
	p, err = w.service.Authenticate(w.ctx, web)
	if err != nil || p.Secret || len(p.Scopes) != 0 || !slices.Equal(p.Origins, []string{"https://shop.example"}) {
		t.Fatalf("%+v %v", p, err)
	}
	list, err := w.service.ListKeys(w.ctx, w.mine)
	if err != nil || len(list) != 2 {
		t.Fatalf("%v %v", list, err)
	}
	got := list[1]
	if got.ID != k.ID || got.Name != "ERP" || got.Last4 != text[len(text)-4:] || !got.CreatedAt.Equal(start) || !got.ExpiresAt.Equal(expires) || got.RevokedAt != nil {
		t.Fatalf("%+v", got)
	}
	if others, err := w.service.ListKeys(w.ctx, w.other); err != nil || len(others) != 0 {
		t.Fatalf("the other merchant sees %v %v", others, err)
	}
	secret := text[32:84]
	if n := w.count(`select count(*) from api_keys where position(convert_to($1, 'UTF8') in hash) > 0 or name || last4 like '%' || $1 || '%'`, secret); n != 0 {
		t.Fatal("the key itself is stored")
	}
}

func TestJunkAndUnknownKeysAreInvalid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, key := range map[string]string{
		"empty": "", "junk": "ds_sk_junk",
		"never made":                   customer.MintKey(customer.SecretKey, w.mine),
		"of a merchant that never was": customer.MintKey(customer.Publishable, id.New()),
	} {
		for range 2 { // the second time from memory
			if _, err := w.service.Authenticate(w.ctx, key); !errors.Is(err, customer.ErrKeyInvalid) || fault.KindOf(err) != fault.Unauthorized {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// A row that got to another merchant or kind by any way must not be opened.
func TestAKeyMovedToAnotherMerchantOrKindOpensNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k, text := w.key(w.mine, customer.NewKey{Kind: customer.SecretKey, Scopes: []string{"*"}})
	w.exec(`update api_keys set merchant_id = $2 where id = $1`, k.ID, w.other)
	if _, err := w.service.Authenticate(w.ctx, text); !errors.Is(err, customer.ErrKeyInvalid) {
		t.Fatalf("moved to another merchant: %v", err)
	}
	k, text = w.key(w.mine, customer.NewKey{Kind: customer.Publishable})
	w.exec(`update api_keys set kind = 'secret', scopes = '{*}' where id = $1`, k.ID)
	if _, err := w.service.Authenticate(w.ctx, text); !errors.Is(err, customer.ErrKeyInvalid) {
		t.Fatalf("made secret: %v", err)
	}
}

func TestARevocationCountsHereAndWithinASecondElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	commandLine := customer.New(w.db, w.vault)
	k, text := w.key(w.mine, customer.NewKey{Kind: customer.SecretKey, Scopes: []string{"*"}})
	if _, err := w.service.Authenticate(w.ctx, text); err != nil {
		t.Fatal(err)
	}
	if _, err := commandLine.RevokeKey(w.ctx, w.other, k.ID); !errors.Is(err, customer.ErrKeyUnknown) {
		t.Fatalf("another merchant revokes it: %v", err)
	}
	w.clock.Advance(time.Minute)
	if _, err := w.service.Authenticate(w.ctx, text); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time changes nothing
		if _, err := commandLine.RevokeKey(w.ctx, w.mine, k.ID); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(time.Second)
		if _, err := w.service.Authenticate(w.ctx, text); !errors.Is(err, customer.ErrKeyRevoked) || fault.KindOf(err) != fault.Unauthorized {
			t.Fatalf("a second later: %v", err)
		}
	}
	if list, err := w.service.ListKeys(w.ctx, w.mine); err != nil || !list[0].RevokedAt.Equal(start.Add(time.Minute)) {
		t.Fatalf("%+v %v", list, err)
	}
	k, text = w.key(w.mine, customer.NewKey{Kind: customer.SecretKey, Scopes: []string{"*"}})
	if _, err := w.service.Authenticate(w.ctx, text); err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.RevokeKey(w.ctx, w.mine, k.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.Authenticate(w.ctx, text); !errors.Is(err, customer.ErrKeyRevoked) {
		t.Fatalf("revoked here: %v", err)
	}
}

func TestAnAnswerIsReadOnceASecondHoweverManyAsk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k, text := w.key(w.mine, customer.NewKey{Kind: customer.SecretKey, Scopes: []string{"*"}})
	if _, err := w.service.Authenticate(w.ctx, text); err != nil {
		t.Fatal(err)
	}
	unknown := customer.MintKey(customer.SecretKey, w.mine)
	if _, err := w.service.Authenticate(w.ctx, unknown); !errors.Is(err, customer.ErrKeyInvalid) {
		t.Fatal(err)
	}
	w.service.Wait()
	w.exec(`alter table api_keys rename to hidden`) // whoever reads now fails
	w.clock.Advance(999 * time.Millisecond)
	if _, err := w.service.Authenticate(w.ctx, text); err != nil {
		t.Fatalf("a known key was read again: %v", err)
	}
	if _, err := w.service.Authenticate(w.ctx, unknown); !errors.Is(err, customer.ErrKeyInvalid) {
		t.Fatalf("an unknown key was read again: %v", err)
	}
	w.clock.Advance(time.Millisecond)
	for _, key := range []string{text, unknown} {
		if _, err := w.service.Authenticate(w.ctx, key); fault.KindOf(err) != fault.Internal {
			t.Fatalf("an old answer is given: %v", err)
		}
	}
	w.exec(`alter table hidden rename to api_keys`)
	if p, err := w.service.Authenticate(w.ctx, text); err != nil || p.KeyID != k.ID {
		t.Fatalf("a failure was remembered: %v", err)
	}
}

// A caller who gives up must not spoil the reading for those who still wait.
func TestACallerWhoGivesUpLeavesTheAnswerToTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, text := w.key(w.mine, customer.NewKey{Kind: customer.SecretKey, Scopes: []string{"*"}})
	release := w.hold(`lock table api_keys in access exclusive mode`)
	impatient, give := context.WithCancel(w.ctx)
	first, others := make(chan error, 1), make(chan error, 8)
	go func() {
		_, err := w.service.Authenticate(impatient, text)
		first <- err
	}()
	w.blocked()
	var begun sync.WaitGroup
	for range cap(others) {
		begun.Add(1)
		go func() {
			begun.Done()
			_, err := w.service.Authenticate(w.ctx, text) // joins the reading that the first began
			others <- err
		}()
	}
	begun.Wait()
	give()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the first: %v", err)
	}
	release()
	for range cap(others) {
		if err := <-others; err != nil {
			t.Error(err)
		}
	}
}

func TestManyAskAtOnceWhileAKeyIsUsedAndRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k, text := w.key(w.mine, customer.NewKey{Kind: customer.SecretKey, Scopes: []string{"*"}})
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for range 20 {
				if _, err := w.service.Authenticate(w.ctx, text); err != nil && !errors.Is(err, customer.ErrKeyRevoked) {
					t.Error(err)
				}
				w.clock.Advance(50 * time.Millisecond)
			}
		})
	}
	all.Go(func() {
		if _, err := w.service.RevokeKey(w.ctx, w.mine, k.ID); err != nil {
			t.Error(err)
		}
	})
	all.Wait()
	w.clock.Advance(time.Second)
	if _, err := w.service.Authenticate(w.ctx, text); !errors.Is(err, customer.ErrKeyRevoked) {
		t.Fatal(err)
	}
}

// The clock stands still, so that whatever is remembered would still be given.
func TestWhoeverShowsAKeyAfterItsRevocationIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 25 {
		k, text := w.key(w.mine, customer.NewKey{Kind: customer.SecretKey, Scopes: []string{"*"}})
		var askers sync.WaitGroup
		for range 4 {
			askers.Go(func() {
				if _, err := w.service.Authenticate(w.ctx, text); err != nil && !errors.Is(err, customer.ErrKeyRevoked) {
					t.Error(err)
				}
			})
		}
		if _, err := w.service.RevokeKey(w.ctx, w.mine, k.ID); err != nil {
			t.Fatal(err)
		}
		for range 2 { // while the others still read, and after them
			if _, err := w.service.Authenticate(w.ctx, text); !errors.Is(err, customer.ErrKeyRevoked) {
				t.Fatalf("a revoked key opens: %v", err)
			}
			askers.Wait()
		}
	}
}

func TestAKeyEndsAtItsTimeEvenInMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	expires := start.Add(500 * time.Millisecond)
	_, text := w.key(w.mine, customer.NewKey{Kind: customer.SecretKey, Scopes: []string{"*"}, ExpiresAt: &expires})
	if _, err := w.service.Authenticate(w.ctx, text); err != nil {
		t.Fatal(err)
	}
	w.clock.Set(expires)
	if _, err := w.service.Authenticate(w.ctx, text); !errors.Is(err, customer.ErrKeyRevoked) {
		t.Fatalf("%v", err)
	}
}

func TestTheKeysOfAClosedMerchantEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, text := w.key(w.mine, customer.NewKey{Kind: customer.Publishable, Origins: []string{"https://shop.example"}})
	w.exec(`update merchants set status = 'closed' where id = $1`, w.mine)
	if _, err := w.service.Authenticate(w.ctx, text); !errors.Is(err, customer.ErrKeyRevoked) {
		t.Fatalf("%v", err)
	}
	if w.service.OriginKnown(w.ctx, "https://shop.example") {
		t.Fatal("its origin is still known")
	}
}

func TestTheUseOfAKeyIsWrittenAtMostOnceAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, text := w.key(w.mine, customer.NewKey{Kind: customer.SecretKey, Scopes: []string{"*"}})
	lastUsed := func() time.Time {
		t.Helper()
		if _, err := w.service.Authenticate(w.ctx, text); err != nil {
			t.Fatal(err)
		}
		w.service.Wait()
		list, err := w.service.ListKeys(w.ctx, w.mine)
		if err != nil || list[0].LastUsedAt == nil {
			t.Fatalf("%v %v", list, err)
		}
		return *list[0].LastUsedAt
	}
	if got := lastUsed(); !got.Equal(start) {
		t.Fatalf("first use %v", got)
	}
	w.clock.Advance(59 * time.Second)
	if got := lastUsed(); !got.Equal(start) {
		t.Fatalf("written again after 59 s: %v", got)
	}
	w.clock.Advance(time.Second)
	if got := lastUsed(); !got.Equal(start.Add(time.Minute)) {
		t.Fatalf("not written after a minute: %v", got)
	}
}

func TestAPreflightIsAnsweredForTheOriginsOfLiveKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := func(origin string, want bool) {
		t.Helper()
		if got := w.service.OriginKnown(w.ctx, origin); got != want {
			t.Errorf("%s: %v", origin, got)
		}
	}
	ask("https://shop.example", false)
	expires := start.Add(time.Hour)
	k, _ := w.key(w.mine, customer.NewKey{Kind: customer.Publishable, Origins: []string{"https://shop.example", "http://localhost:3000"}})
	w.key(w.other, customer.NewKey{Kind: customer.Publishable, Origins: []string{"https://sale.example"}, ExpiresAt: &expires})
	ask("https://shop.example", true)
	ask("https://SHOP.example", true)
	ask("http://localhost:3000", true)
	ask("http://localhost:3001", false)
	ask("http://shop.example", false)
	ask("https://sale.example", true)
	ask("*", false)
	ask("null", false)
	elsewhere := customer.New(w.db, w.vault)
	if _, err := elsewhere.RevokeKey(w.ctx, w.mine, k.ID); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	ask("https://shop.example", false)
	w.clock.Set(expires)
	ask("https://sale.example", false)
	w.key(w.mine, customer.NewKey{Kind: customer.Publishable, Origins: []string{"*"}})
	ask("https://anywhere.example", true)
	ask("junk", false)
}

func TestAKeyThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		n  customer.NewKey
		at string
	}{
		"no kind":                   {customer.NewKey{}, "body.kind"},
		"secret without scopes":     {customer.NewKey{Kind: customer.SecretKey}, "body.scopes"},
		"unknown area":              {customer.NewKey{Kind: customer.SecretKey, Scopes: []string{"orders:read", "moon:read"}}, "body.scopes[1]"},
		"unknown access":            {customer.NewKey{Kind: customer.SecretKey, Scopes: []string{"orders:delete"}}, "body.scopes[0]"},
		"area alone":                {customer.NewKey{Kind: customer.SecretKey, Scopes: []string{"orders"}}, "body.scopes[0]"},
		"secret in web pages":       {customer.NewKey{Kind: customer.SecretKey, Scopes: []string{"*"}, Origins: []string{"*"}}, "body.origins"},
		"publishable with scopes":   {customer.NewKey{Kind: customer.Publishable, Scopes: []string{"*"}}, "body.scopes"},
		"origin with a path":        {customer.NewKey{Kind: customer.Publishable, Origins: []string{"https://a.example/x"}}, "body.origins[0]"},
		"too many origins":          {customer.NewKey{Kind: customer.Publishable, Origins: slices.Repeat([]string{"*"}, 21)}, "body.origins"},
		"over before it began":      {customer.NewKey{Kind: customer.Publishable, ExpiresAt: &start}, "body.expires_at"},
		"name of two lines":         {customer.NewKey{Kind: customer.Publishable, Name: "a\nb"}, "body.name"},
		"name longer than any name": {customer.NewKey{Kind: customer.Publishable, Name: strings.Repeat("ա", 201)}, "body.name"},
	} {
		_, text, err := w.service.CreateKey(w.ctx, w.mine, c.n)
		e, _ := fault.As(err)
		if !errors.Is(err, customer.ErrKeyRefused) || text != "" || len(e.Fields) != 1 || e.Fields[0].Location != c.at {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := w.service.CreateKey(w.ctx, id.New(), customer.NewKey{Kind: customer.Publishable}); !errors.Is(err, customer.ErrMerchantUnknown) {
		t.Errorf("unknown merchant: %v", err)
	}
}

func TestAMerchantHasAtMostAHundredLiveKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, _ := w.key(w.mine, customer.NewKey{Kind: customer.Publishable})
	for i := range 99 {
		w.key(w.mine, customer.NewKey{Kind: customer.Publishable, Name: fmt.Sprint(i)})
	}
	if _, _, err := w.service.CreateKey(w.ctx, w.mine, customer.NewKey{Kind: customer.Publishable}); !errors.Is(err, customer.ErrTooManyKeys) {
		t.Fatalf("%v", err)
	}
	w.key(w.other, customer.NewKey{Kind: customer.Publishable})
	if _, err := w.service.RevokeKey(w.ctx, w.mine, first.ID); err != nil {
		t.Fatal(err)
	}
	w.key(w.mine, customer.NewKey{Kind: customer.Publishable})
}

func TestAWorkingKeyIsListedHoweverManyHaveExpired(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, text := w.key(w.mine, customer.NewKey{Kind: customer.SecretKey, Name: "old", Scopes: []string{"*"}})
	if p, err := w.service.Authenticate(w.ctx, text); err != nil || p.ExpiresAt != nil {
		t.Fatalf("%+v %v", p, err)
	}
	ends := start.Add(time.Minute)
	short, brief := w.key(w.mine, customer.NewKey{Kind: customer.SecretKey, Name: "short", Scopes: []string{"orders:read"}, ExpiresAt: &ends})
	if p, err := w.service.Authenticate(w.ctx, brief); err != nil || p.ExpiresAt == nil || !p.ExpiresAt.Equal(ends) {
		t.Fatalf("%+v %v", p, err)
	}
	w.exec(`insert into api_keys (merchant_id, id, kind, name, hash, last4, scopes, origins, created_at, expires_at)
		select merchant_id, gen_random_uuid(), kind, name, sha256(n::text::bytea), last4, scopes, origins, created_at, expires_at
		from api_keys, generate_series(1, 250) n where id = $1`, short.ID)
	w.exec(`update api_keys set id = 'ffffffff-0000-7000-8000-000000000000'::uuid where merchant_id = $1 and id = $2`, w.mine, short.ID)
	w.clock.Set(start.Add(2 * time.Minute))
	list, err := w.service.ListKeys(w.ctx, w.mine)
	if err != nil || len(list) != 200 || list[0].ID != old.ID {
		t.Fatalf("%d keys, the first %+v, %v", len(list), list[0], err)
	}
	if k, err := w.service.Key(w.ctx, w.mine, old.ID); err != nil || k.Name != "old" {
		t.Errorf("%+v %v", k, err)
	}
	if _, err := w.service.Key(w.ctx, w.other, old.ID); !errors.Is(err, customer.ErrKeyUnknown) {
		t.Errorf("another merchant's: %v", err)
	}
}
