package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// matrixKeys are the callers of the matrix: besides those of fakeKeys, another
// merchant's keys, and secret keys that lack something:
//
//	ds_sk_other, ds_pk_other   of two other merchants, with every scope
//	ds_sk_only_orders_read     just that scope
//	ds_sk_but_orders           every scope of every other area
type matrixKeys struct{}

var (
	others = map[string]uuid.UUID{
		"ds_sk_other": uuid.MustParse("01900000-0000-7000-8000-000000000002"), "ds_pk_other": uuid.MustParse("01900000-0000-7000-8000-000000000003"),
	}
	areas = []string{"catalog", "stock", "orders", "refunds", "shipping", "promotions", "customers", "analytics", "support", "settings"}
)

func (matrixKeys) Authenticate(ctx context.Context, key string) (Principal, error) {
	p := Principal{Merchant: merchant, KeyID: uuid.NewSHA1(uuid.Nil, []byte(key)), Secret: strings.HasPrefix(key, "ds_sk_")}
	if other, ok := others[key]; ok {
		p.Merchant, p.Scopes, p.Origins = other, []string{"*"}, []string{"*"}
		return p, nil
	}
	if scope, ok := strings.CutPrefix(key, "ds_sk_only_"); ok {
		p.Scopes = []string{strings.Replace(scope, "_", ":", 1)}
		return p, nil
	}
	if area, ok := strings.CutPrefix(key, "ds_sk_but_"); ok {
		for _, a := range areas {
			if a != area {
				p.Scopes = append(p.Scopes, a+":write")
			}
		}
		return p, nil
	}
	return fakeKeys{}.Authenticate(ctx, key)
}

// wrongCaller is somebody who must get nothing of the merchant's from a route.
type wrongCaller struct {
	name   string
	header map[string]string
	status int       // 0: another merchant, who may get what is their own
	of     uuid.UUID // that merchant
}

func wrongCallers(p *promised) []wrongCaller {
	as := func(key string, more ...string) map[string]string {
		h := p.header(key, p.route.ID+key)
		for i := 0; i+1 < len(more); i += 2 {
			h[more[i]] = more[i+1]
		}
		return h
	}
	all := []wrongCaller{
		{name: "nobody", header: as("", "Authorization", ""), status: http.StatusUnauthorized},
		{name: "an unknown secret key", header: as("ds_sk_unknown"), status: http.StatusUnauthorized},
		{name: "an unknown publishable key", header: as("ds_pk_unknown"), status: http.StatusUnauthorized},
		{name: "a revoked key", header: as(revokedKey), status: http.StatusUnauthorized},
	}
	all = append(all, wrongStaff(p, as)...)
	if p.route.Auth.Staff() {
		return append(all, wrongCaller{name: "a key with every right", header: as(rootKey), status: http.StatusForbidden})
	}
	all = append(all, wrongCaller{name: "another merchant", header: as("ds_sk_other"), of: others["ds_sk_other"]})
	if p.route.Auth.Publishable() {
		return append(all,
			wrongCaller{name: "another merchant's shop", header: as("ds_pk_other"), of: others["ds_pk_other"]},
			wrongCaller{name: "a page that the key does not list", header: as(shopKey, "Origin", "https://evil.example"), status: http.StatusForbidden})
	}
	area, access, _ := strings.Cut(p.route.Auth.Scope(), ":")
	all = append(all,
		wrongCaller{name: "a shopper", header: as(appKey), status: http.StatusForbidden},
		wrongCaller{name: "a key of all other areas", header: as("ds_sk_but_" + area), status: http.StatusForbidden})
	if access == "write" {
		all = append(all,
			wrongCaller{name: "a reader", header: as("ds_sk_only_" + area + "_read"), status: http.StatusForbidden},
			wrongCaller{name: "a member who only reads", header: signedIn("ds_ss_reader", "Idempotency-Key", p.route.ID+"reads"), status: http.StatusForbidden})
	}
	return all
}

// wrongStaff are the wrong callers who are signed in.
func wrongStaff(p *promised, as func(key string, more ...string) map[string]string) []wrongCaller {
	under := func(session string, more ...string) map[string]string {
		h := signedIn(session, more...)
		for k, v := range as("") {
			if k != "Authorization" {
				h[k] = v
			}
		}
		if h["Idempotency-Key"] != "" {
			h["Idempotency-Key"] += session
		}
		return h
	}
	all := []wrongCaller{
		{name: "a member of another merchant's staff", header: under("ds_ss_other_owner"), of: otherShop},
		{name: "a member whose session is over", header: under("ds_ss_ended_owner"), status: http.StatusUnauthorized},
	}
	if p.route.write() {
		all = append(all,
			wrongCaller{name: "a page that does not know the token", header: under(ownerSession, csrfHeader, ""), status: http.StatusForbidden},
			wrongCaller{name: "a page elsewhere with the token", header: under(ownerSession, "Sec-Fetch-Site", "cross-site"), status: http.StatusForbidden})
	}
	return all
}

// Every route that asks for a key, taken from the program itself so that none
// is missed, is called by everybody who must not get anything from it.
func TestNobodyGetsWhatIsAnothersThroughAnyRoute(t *testing.T) {
	t.Parallel()
	s, rooms := open(t, func(o *Options) { o.Keys, o.PlainCookies = matrixKeys{}, true })
	promises := contract(t, s)
	cells, foreignCells := 0, 0
	for _, r := range s.Routes() {
		i := slices.IndexFunc(promises, func(p promised) bool { return p.route.ID == r.ID })
		if r.Auth.Public() {
			continue
		}
		if i < 0 {
			t.Errorf("%s asks for a key and is not in the document", r.ID)
			continue
		}
		p := &promises[i]
		if !slices.Contains(areas, strings.SplitN(r.Auth.Scope()+":", ":", 2)[0]) && r.Auth.Secret() {
			t.Errorf("%s asks for the scope %s, which no key can have", r.ID, r.Auth.Scope())
		}
		for _, c := range wrongCallers(p) {
			cells++
			rooms.seen()
			res, body := send(t, s, r.Method, p.path, c.header, p.text(t))
			calls := rooms.seen()
			for _, secret := range []string{canary, "MUG-01", goodNumber, "hidden-key"} {
				if !strings.Contains(p.text(t)+p.path, secret) && strings.Contains(body, secret) {
					t.Errorf("%s tells %s of %q: %s", r.ID, c.name, secret, body)
				}
			}
			if c.status != 0 {
				if res.StatusCode != c.status || len(calls) > 0 {
					t.Errorf("%s as %s: %d, want %d, and the rooms were asked %v: %s", r.ID, c.name, res.StatusCode, c.status, calls, body)
				}
				continue
			}
			foreignCells++
			if strings.Contains(r.Path, "{id") && res.StatusCode != http.StatusNotFound {
				t.Errorf("%s as %s: %d, want 404: %s", r.ID, c.name, res.StatusCode, body)
			}
			if res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusUnprocessableEntity {
				t.Errorf("%s as %s: %d, so the room was not put to the test: %s", r.ID, c.name, res.StatusCode, body)
			}
			if len(calls) == 0 {
				t.Errorf("%s as %s: no room was asked", r.ID, c.name)
			}
			for _, seen := range calls {
				if seen.merchant != c.of {
					t.Errorf("%s as %s: %s was asked about the merchant %s", r.ID, c.name, seen.method, seen.merchant)
				}
			}
		}
	}
	t.Logf("%d cells, %d of them foreign merchants", cells, foreignCells)
	if cells < 300 || foreignCells < 60 {
		t.Errorf("only %d cells, %d of them foreign merchants", cells, foreignCells)
	}
}
