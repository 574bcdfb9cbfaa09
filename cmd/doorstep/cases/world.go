// Package cases reads worlds and conversations of customers with the assistant:
// who bought what and how it stands, what they write, and what ought to come of it.
// It plans how such a world comes about day by day, puts the shop's real order
// numbers in the place of the world's, and holds answers against what was expected.
// It neither builds nor plays: it knows no database and no shop.
package cases

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"doorstep/internal/fault"
)

// The faults of files.
var (
	ErrWorld = fault.New(fault.Invalid, "world_invalid", "The world cannot be read: it wants a JSON object with now and orders.")
	ErrCases = fault.New(fault.Invalid, "cases_invalid", "The cases cannot be read: each line wants a JSON object with an id and a text or a template.")
)

// fields is a JSON object as it came.
type fields map[string]any

// World is a shop on one day, with its customers and their orders.
type World struct {
	Now       time.Time
	Store     Store
	Customers []Customer // by key
	Orders    []Order    // by name
	Products  []Product
	Coupons   []Coupon

	raw fields
}

// Store is what the shop decides.
type Store struct {
	ReturnDays                                   int64
	Currency                                     string
	Countries, Express, CashCountries, Languages []string
	// CancelFee is what the world asks of who cancels, in minor units of Currency.
	CancelFee int64
}

// Customer is one person of the world.
type Customer struct {
	Key, Name, Email, Language string
	fields                     fields
}

// Order is one purchase as the world tells it. Number is the world's own.
type Order struct {
	Name, Number, Customer, State string
	Items                         []Item
	fields                        fields
}

// Item is so many units of a product. Price is for one, in minor units, 0 when
// nobody has said.
type Item struct {
	Title    string
	Quantity int64
	Price    int64
}

// Product is a thing that the world's shop has, beside those in its orders. Stock
// is below 0 when nobody has said.
type Product struct {
	Title, Description string
	Price, Stock       int64
	Attributes         map[string]string
}

// Coupon is a code of the world's shop. Percent is in basis points.
type Coupon struct {
	Code, Title              string
	Bps, Amount, Minimum     int64
	Starts, Ends             time.Time
	FirstOrderOnly, Disabled bool
}

// defaultNow is the day of a world that names none.
var defaultNow = time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC)

// ReadWorld reads a world. What it does not know it leaves alone.
func ReadWorld(from io.Reader) (*World, error) {
	dec := json.NewDecoder(from)
	dec.UseNumber()
	w := &World{}
	if err := dec.Decode(&w.raw); err != nil {
		return nil, ErrWorld.Because(err)
	}
	if w.Now = w.raw.time("now", "clock", "today", "date"); w.Now.IsZero() {
		w.Now = defaultNow
	}
	w.readStore(w.raw.object("store", "shop", "settings"))
	for key, c := range named(w.raw["customers"], "key", "id") {
		f, _ := c.(map[string]any)
		one := Customer{Key: key, fields: f}
		if text, ok := c.(string); ok {
			one.Name = text
		}
		one.Name = cmp.Or(one.fields.text("name", "full_name"), one.Name, titled(key))
		one.Email = cmp.Or(one.fields.text("email", "mail"), strings.ToLower(key)+"@example.com")
		one.Language = one.fields.text("language", "lang", "locale")
		w.Customers = append(w.Customers, one)
	}
	slices.SortFunc(w.Customers, func(a, b Customer) int { return cmp.Compare(a.Key, b.Key) })
	for name, o := range named(w.raw["orders"], "name", "key", "fixture") {
		f, _ := o.(map[string]any)
		w.Orders = append(w.Orders, w.readOrder(name, f))
	}
	slices.SortFunc(w.Orders, func(a, b Order) int { return cmp.Compare(a.Name, b.Name) })
	w.readProducts()
	w.readCoupons()
	return w, nil
}

func (w *World) readStore(f fields) {
	s := &w.Store
	s.ReturnDays = 30
	if n, ok := f.number("return_window_days", "return_days", "return_window"); ok {
		s.ReturnDays = n
	}
	s.Currency = cmp.Or(strings.ToUpper(f.text("currency")), "EUR")
	s.Countries, s.Express = f.texts("ship_countries", "countries"), f.texts("express_countries")
	s.CashCountries, s.Languages = f.texts("cod_countries", "cash_on_delivery_countries"), f.texts("languages")
	s.CancelFee = f.minor(s.Currency, "cancel_fee", "cancellation_fee")
}

func (w *World) readOrder(name string, f fields) Order {
	o := Order{Name: name, Number: f.text("number", "order_number", "id"), Customer: f.text("customer", "owner"), State: f.text("state", "status"), fields: f}
	list, _ := first(f, "items", "lines", "line_items").([]any)
	for _, v := range list {
		if item, ok := w.readItem(v); ok {
			o.Items = append(o.Items, item)
		}
	}
	return o
}

// readItem reads ["wool socks", 2], "wool socks" or an object.
func (w *World) readItem(v any) (Item, bool) {
	item := Item{Quantity: 1}
	switch in := v.(type) {
	case string:
		item.Title = in
	case []any:
		if len(in) > 0 {
			item.Title, _ = in[0].(string)
		}
		if len(in) > 1 {
			if n, ok := whole(in[1]); ok {
				item.Quantity = n
			}
		}
		if len(in) > 2 {
			item.Price = minorOf(in[2], w.Store.Currency)
		}
	case map[string]any:
		f := fields(in)
		item.Title = f.text("title", "name", "product", "item", "sku")
		if n, ok := f.number("quantity", "qty", "count", "units"); ok {
			item.Quantity = n
		}
		item.Price = f.minor(w.Store.Currency, "price", "unit_price", "amount")
	}
	item.Title = strings.TrimSpace(item.Title)
	item.Quantity = min(max(item.Quantity, 1), 1000)
	return item, item.Title != ""
}

func (w *World) readProducts() {
	stock := w.raw.object("stock", "inventory")
	for title, v := range named(first(w.raw, "products", "catalog", "catalogue"), "title", "name") {
		f, _ := v.(map[string]any)
		p := Product{Title: cmp.Or(fields(f).text("title", "name"), title), Stock: -1, Price: fields(f).minor(w.Store.Currency, "price", "amount"), Attributes: map[string]string{}}
		p.Description = fields(f).text("description", "about")
		for _, key := range []string{"material", "size", "colour", "color", "weight", "care", "sizes", "colours", "colors"} {
			if text := fields(f).joined(key); text != "" {
				p.Attributes[key] = text
			}
		}
		if n, ok := fields(f).number("stock", "in_stock", "quantity", "units"); ok {
			p.Stock = n
		} else if yes, ok := f["in_stock"].(bool); ok && !yes {
			p.Stock = 0
		}
		w.Products = append(w.Products, p)
	}
	for title := range stock {
		n, ok := stock.number(title)
		if yes, is := stock[title].(bool); is {
			if ok = true; yes {
				n = 25
			}
		}
		if !ok {
			continue
		}
		if i := slices.IndexFunc(w.Products, func(p Product) bool { return strings.EqualFold(p.Title, title) }); i >= 0 {
			w.Products[i].Stock = n
		} else {
			w.Products = append(w.Products, Product{Title: title, Stock: n})
		}
	}
	slices.SortFunc(w.Products, func(a, b Product) int { return cmp.Compare(a.Title, b.Title) })
}

func (w *World) readCoupons() {
	for code, v := range named(first(w.raw, "coupons", "promo_codes", "codes", "promotions"), "code", "name") {
		f, _ := v.(map[string]any)
		in := fields(f)
		c := Coupon{Code: strings.ToUpper(cmp.Or(in.text("code"), code)), Title: in.text("title", "description"), Minimum: in.minor(w.Store.Currency, "minimum", "min_subtotal", "minimum_subtotal", "min_total")}
		if n, ok := in.number("percent", "percent_off", "pct"); ok {
			c.Bps = n * 100
		}
		c.Amount = in.minor(w.Store.Currency, "amount", "amount_off", "value")
		c.Starts = in.time("starts", "starts_at", "valid_from", "from")
		c.Ends = in.time("ends", "ends_at", "expires", "expires_at", "expired_at", "expired_on", "valid_until", "until")
		switch state := strings.ToLower(in.text("state", "status")); {
		case state == "expired" && c.Ends.IsZero():
			c.Ends = w.Now.AddDate(0, 0, -7)
		case state == "disabled", state == "archived", state == "inactive":
			c.Disabled = true
		}
		if c.Bps == 0 && c.Amount == 0 {
			c.Bps = 1000
		}
		c.FirstOrderOnly = f["first_order_only"] == true
		w.Coupons = append(w.Coupons, c)
	}
	slices.SortFunc(w.Coupons, func(a, b Coupon) int { return cmp.Compare(a.Code, b.Code) })
}

// Order is the one of a name, nil when there is none.
func (w *World) Order(name string) *Order {
	for i := range w.Orders {
		if w.Orders[i].Name == name {
			return &w.Orders[i]
		}
	}
	return nil
}

// Customer is the one of a key, nil when there is none.
func (w *World) Customer(key string) *Customer {
	for i := range w.Customers {
		if w.Customers[i].Key == key {
			return &w.Customers[i]
		}
	}
	return nil
}

// Exists says whether the order is anywhere: a number may be known only as one
// that is nobody's.
func (o *Order) Exists() bool {
	switch strings.ToLower(o.State) {
	case "none", "absent", "unknown", "nonexistent", "missing", "not_found":
		return false
	}
	return o.Customer != ""
}

// Field is what the world says at a path such as shipped.eta, store.cancel_fee or
// ana.points.
func (w *World) Field(path string) (any, bool) {
	parts := strings.Split(path, ".")
	for _, root := range []any{w.raw["orders"], map[string]any(w.raw), w.raw["customers"], w.raw["store"]} {
		if v, ok := walk(root, parts); ok {
			return v, true
		}
	}
	return nil, false
}

func walk(v any, parts []string) (any, bool) {
	for _, p := range parts {
		switch in := v.(type) {
		case map[string]any:
			next, ok := in[p]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			n, err := strconv.Atoi(p)
			if err != nil || n < 0 || n >= len(in) {
				return nil, false
			}
			v = in[n]
		default:
			return nil, false
		}
	}
	return v, true
}

// Case is one conversation, with what ought to come of its last message.
type Case struct {
	ID       string         `json:"id"`
	Group    string         `json:"group"`
	Language string         `json:"lang"`
	Auth     string         `json:"auth"`
	History  []Said         `json:"history"`
	Template string         `json:"template"`
	Text     string         `json:"text"`
	Intents  []string       `json:"intents"`
	Slots    map[string]any `json:"slots"`
	Expect   *Expect        `json:"expect"`
}

// Said is one line of a history. Only the customer's are played.
type Said struct {
	From     string `json:"from"`
	Text     string `json:"text"`
	Template string `json:"template"`
}

// Expect is what ought to come of a case.
type Expect struct {
	Type       string   `json:"type"`
	AcceptAlso []string `json:"accept_also"`
	Action     *string  `json:"action"`
	Facts      []string `json:"facts"`
	MustNot    []string `json:"must_not"`
	// Changes are tables of which a row has to change.
	Changes []string `json:"changes"`
}

// ReadCases reads one case a line. Empty lines are left out.
func ReadCases(from io.Reader) ([]Case, error) {
	text, err := io.ReadAll(from)
	if err != nil {
		return nil, ErrCases.Because(err)
	}
	var all []Case
	for n, line := range bytes.Split(text, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		var c Case
		if err := json.Unmarshal(line, &c); err != nil {
			return nil, ErrCases.Because(fmt.Errorf("line %d: %w", n+1, err))
		}
		if c.Text == "" && c.Template == "" {
			return nil, ErrCases.Because(fmt.Errorf("line %d: neither text nor template", n+1))
		}
		c.ID = cmp.Or(c.ID, "line-"+strconv.Itoa(n+1))
		all = append(all, c)
	}
	return all, nil
}
