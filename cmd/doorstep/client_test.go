package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"doorstep/internal/id"
)

// browserless is the client of all tests: it follows nothing and gives up.
var browserless = &http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64, MaxConnsPerHost: 64},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       30 * time.Second,
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (a reply) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

// at reads a place in the body, such as "order.line_items.0.id"; nil when it is
// not there.
func (a reply) at(path string) any {
	dec := json.NewDecoder(bytes.NewReader(a.body))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	for part := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[part]
		case []any:
			n, err := strconv.Atoi(part)
			if err != nil || n >= len(in) {
				return nil
			}
			v = in[n]
		default:
			return nil
		}
	}
	return v
}

func (a reply) text(path string) string {
	s, _ := a.at(path).(string)
	return s
}

func (a reply) number(path string) int64 {
	n, _ := a.at(path).(json.Number)
	i, _ := n.Int64()
	return i
}

func (a reply) list(path string) []any {
	l, _ := a.at(path).([]any)
	return l
}

// into decodes the body.
func (a reply) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%v: %v", a, err)
	}
}

// want fails the test unless the reply has the status, and of a problem the code.
func (a reply) want(t testing.TB, status int, code ...string) reply {
	t.Helper()
	if a.status != status || len(code) > 0 && a.text("code") != code[0] {
		t.Fatalf("got %v, want %d %v", a, status, code)
	}
	return a
}

// send makes one request; headers come in pairs, an empty value takes one out.
// A body is JSON unless it is bytes.
func (p *program) send(ctx context.Context, method, path string, body any, headers ...string) (reply, error) {
	var in io.Reader = http.NoBody
	switch b := body.(type) {
	case nil:
	case []byte:
		in = bytes.NewReader(b)
	default:
		encoded, err := json.Marshal(b)
		if err != nil {
			return reply{}, err
		}
		in = bytes.NewReader(encoded)
	}
	if !strings.HasPrefix(path, "http") {
		path = p.url + path
	}
	req, err := http.NewRequestWithContext(ctx, method, path, in)
	if err != nil {
		return reply{}, err
	}
	key := p.pk
	if p.administrator {
		key = p.sk
	}
	req.Header.Set("Authorization", "Bearer "+key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
		} else {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	res, err := browserless.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, b}, err
}

// do makes one request that must get a reply.
func (p *program) do(t testing.TB, method, path string, body any, headers ...string) reply {
	t.Helper()
	a, err := p.send(t.Context(), method, path, body, headers...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (p *program) get(t testing.TB, path string, headers ...string) reply {
	t.Helper()
	return p.do(t, http.MethodGet, path, nil, headers...)
}

func (p *program) post(t testing.TB, path string, body any, headers ...string) reply {
	t.Helper()
	return p.do(t, http.MethodPost, path, body, headers...)
}

// admin is the same program, asked with the secret key.
func (p *program) admin() *program {
	a := *p
	a.administrator = true
	return &a
}

// m is a JSON object.
type m = map[string]any

var buyers atomic.Int64

// newEmail is an address that nobody has used.
func newEmail() string { return fmt.Sprintf("buyer%d-%s@example.com", buyers.Add(1), id.Secret(4)) }

// address is a complete one in Yerevan.
func address() m {
	return m{"name": "Ani Petrosyan", "line1": "Abovyan 12", "city": "Yerevan", "postcode": "0001", "country": "AM", "phone": "+37410123456"}
}

// form is what a buyer types, with the items.
func form(items ...m) m {
	return m{"items": items, "currency": "EUR", "email": newEmail(), "shipping_address": address()}
}

func item(sku string, quantity int) m { return m{"sku": sku, "quantity": quantity} }

// paying is the body of a completion.
func paying(c reply, method, token string) m {
	total := c.at("totals.total")
	for _, offered := range c.list("payment_methods") {
		if o, ok := offered.(map[string]any); ok && o["method"] == method {
			total = o["total"]
		}
	}
	by := m{"method": method}
	if token != "" {
		by["token"] = token
	}
	return m{"payment": by, "expected_total": total}
}

// complete pays a checkout under a key.
func (p *program) complete(t testing.TB, c reply, key string, body m) reply {
	t.Helper()
	return p.post(t, "/v1/checkouts/"+c.text("id")+"/complete", body, "Checkout-Secret", c.text("secret"), "Idempotency-Key", key)
}

// buy is the two calls: it gives the completed reply.
func (p *program) buy(t testing.TB, method, token string, items ...m) reply {
	t.Helper()
	c := p.post(t, "/v1/checkouts", form(items...)).want(t, http.StatusCreated)
	return p.complete(t, c, id.Secret(12), paying(c, method, token)).want(t, http.StatusOK)
}

// order reads an order as the merchant.
func (p *program) order(t testing.TB, order string) reply {
	t.Helper()
	return p.admin().get(t, "/v1/orders/"+order).want(t, http.StatusOK)
}

// becomes waits until fields of an order have values, given in pairs.
func (p *program) becomes(t testing.TB, order string, fields ...string) {
	t.Helper()
	until(t, patience, fmt.Sprint(fields), func() (bool, any) {
		o := p.order(t, order)
		seen := map[string]string{}
		ok := true
		for i := 0; i+1 < len(fields); i += 2 {
			seen[fields[i]] = o.text(fields[i])
			ok = ok && seen[fields[i]] == fields[i+1]
		}
		return ok, seen
	})
}

// product makes a product with one variant of a new SKU, priced in EUR.
func (p *program) product(t testing.TB, title string, minor, stock int) (sku string, made reply) {
	t.Helper()
	sku = "T-" + strings.ToUpper(id.Secret(6))
	made = p.admin().post(t, "/v1/products", m{
		"title": title, "variants": []m{{"sku": sku, "weight_g": 200, "prices": []m{{"amount": minor, "currency": "EUR"}}}},
	}).want(t, http.StatusCreated)
	p.admin().post(t, "/v1/stock/adjustments", m{"adjustments": []m{{"sku": sku, "set_to": stock, "reason": "test"}}}).want(t, http.StatusOK)
	return sku, made
}

// free is how many units of a SKU can be sold.
func (p *program) free(t testing.TB, sku string) int64 {
	t.Helper()
	return p.admin().get(t, "/v1/stock?sku="+sku).want(t, http.StatusOK).number("data.0.free")
}

// inbox is the mails that someone has got by now, the oldest first.
func (p *program) inbox(t testing.TB, to string) []mail {
	t.Helper()
	var kept struct{ Data []mail }
	p.get(t, "/dev/mail", "Authorization", "", "Accept", "application/json").want(t, http.StatusOK).into(t, &kept)
	mine := slices.DeleteFunc(kept.Data, func(m mail) bool { return m.To != to })
	slices.SortFunc(mine, func(a, b mail) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return mine
}

// mails waits until someone has got n mails, and gives them.
func (p *program) mails(t testing.TB, to string, n int) (all []mail) {
	t.Helper()
	until(t, patience, fmt.Sprintf("%d mails to %s", n, to), func() (bool, any) {
		all = p.inbox(t, to)
		return len(all) >= n, all
	})
	if len(all) > n {
		t.Errorf("%d mails to %s, want %d: %+v", len(all), to, n, all)
	}
	return all
}

type mail struct {
	Kind, To, Subject, Text, HTML string
	CreatedAt                     time.Time `json:"created_at"`
	Headers                       map[string]string
}

// trackRoute is where the API tells of the order that a link's page shows; given
// the address of that page.
func trackRoute(url string) string { return strings.Replace(url, "/t/", "/v1/track/", 1) }
