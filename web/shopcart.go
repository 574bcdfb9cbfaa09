package web

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

const (
	cartCookie = "doorstep-cart"
	cartLife   = 30 * 24 * time.Hour
	mostPieces = 9999
)

type cartLine struct {
	ID        string        `json:"id"`
	ProductID string        `json:"product_id"`
	SKU       string        `json:"sku"`
	Slug      string        `json:"slug"`
	Title     string        `json:"title"`
	Options   []optionValue `json:"options"`
	Image     string        `json:"image"`
	Quantity  int64         `json:"quantity"`
	UnitPrice *Money        `json:"unit_price"`
	Regular   *Money        `json:"regular_price"`
	Subtotal  Money         `json:"subtotal"`
	Discount  Money         `json:"discount"`
	Total     Money         `json:"total"`
	Problem   *struct {
		Code string `json:"code"`
		Text string `json:"text"`
	} `json:"problem"`
}

// Less is one piece fewer.
func (l cartLine) Less() int64 { return l.Quantity - 1 }

// More is one piece more.
func (l cartLine) More() int64 { return min(l.Quantity+1, mostPieces) }

// Link is the page of the product, with this variant picked.
func (l cartLine) Link() string {
	return "/shop/products/" + url.PathEscape(l.Slug) + "?" + url.Values{"sku": {l.SKU}}.Encode()
}

type totals struct {
	Subtotal Money  `json:"subtotal"`
	Discount Money  `json:"discount"`
	Shipping Money  `json:"shipping"`
	Duties   *Money `json:"duties"` // of a delivery with duty paid
	Tax      Money  `json:"tax"`
	Total    Money  `json:"total"`
}

// discount is what became of a code or a promotion.
type discount struct {
	Code    string `json:"code"`
	Name    string `json:"name"`
	Amount  Money  `json:"amount"`
	Applied bool   `json:"applied"`
	Reason  string `json:"reason"`
}

// offer is a promotion within reach.
type offer struct {
	Name            string `json:"name"`
	Code            string `json:"code"`
	MissingAmount   *Money `json:"missing_amount"`
	MissingQuantity int    `json:"missing_quantity"`
	Saving          Money  `json:"saving"`
}

type cartBody struct {
	ID        string     `json:"id"`
	Secret    string     `json:"secret"`
	Status    string     `json:"status"`
	Currency  string     `json:"currency"`
	Version   int64      `json:"version"`
	Lines     []cartLine `json:"line_items"`
	Count     int64      `json:"count"`
	Totals    totals     `json:"totals"`
	Discounts []discount `json:"discounts"`
	Offers    []offer    `json:"offers"`
	CanUndo   bool       `json:"can_undo"`
	Paying    bool       `json:"paying"`
}

// Open says whether it is still to be bought.
func (c *cartBody) Open() bool {
	return c.Status == "active" || c.Status == "abandoned" || c.Status == "recovered"
}

// Troubles says whether a line cannot be bought as it stands.
func (c *cartBody) Troubles() bool {
	for _, l := range c.Lines {
		if l.Problem != nil {
			return true
		}
	}
	return false
}

// removed is a line that was taken out and can come back.
type removed struct {
	SKU      string
	Quantity int64
}

// cartData is the cart, on its page or in the drawer.
type cartData struct {
	Cart      *cartBody // nil for none
	Removed   *removed
	Alert     string
	Said      string // for screen readers
	Code      string // as typed, when it was refused
	CodeError string
}

// Count is how many pieces there are.
func (d *cartData) Count() int {
	if d.Cart == nil {
		return 0
	}
	return int(d.Cart.Count)
}

// countCart sums the cart up for the badge: the cheapest question there is.
func (v *visit) countCart() (int, error) {
	s, err := v.sumCart()
	return int(s.Count), err
}

type cartSum struct {
	Status  string `json:"status"`
	Version int64  `json:"version"`
	Count   int64  `json:"count"`
}

func (v *visit) sumCart() (cartSum, error) {
	var s cartSum
	id, secret, ok := v.kept(cartCookie)
	if !ok {
		return s, nil
	}
	header := map[string]string{"Cart-Secret": secret}
	if known := v.Get(fiber.HeaderIfNoneMatch); known != "" && plain(strings.Trim(known, `"`)) {
		header[fiber.HeaderIfNoneMatch] = known
	}
	err := v.shop(ask{Path: "/v1/carts/" + id + "/summary", Header: header}, &s)
	if open := (&cartBody{Status: s.Status}).Open(); err != nil || s.Status != "" && !open {
		s.Count = 0
	}
	return s, err
}

// cartCount is the badge alone, with the API's own ETag: a page that comes back
// to the front asks whether it is still right, mostly to hear that it is.
func (p *shopPages) cartCount(v *visit) error {
	s, err := v.sumCart()
	if err == nil && v.answered != nil {
		v.Set(fiber.HeaderCacheControl, "private, no-cache")
		v.Set(fiber.HeaderETag, v.answeredHeader(fiber.HeaderETag))
		if v.answered.StatusCode() == fiber.StatusNotModified {
			return v.SendStatus(fiber.StatusNotModified)
		}
	}
	return v.showIn("shop/count", nil, int(s.Count))
}

// readCart is the reader's cart; nil for none, or one that became an order.
func (v *visit) readCart() (*cartBody, error) {
	id, secret, ok := v.kept(cartCookie)
	if !ok {
		return nil, nil
	}
	var c cartBody
	err := v.shop(ask{Path: "/v1/carts/" + id, Header: map[string]string{"Cart-Secret": secret}}, &c)
	if p := asProblem(err); p != nil && p.Status == fiber.StatusNotFound || err == nil && !c.Open() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &c, nil
}

func (p *shopPages) cartPage(v *visit) error {
	c, err := v.readCart()
	if err != nil {
		return err
	}
	d := &cartData{Cart: c}
	if sku, n := clip(v.Query("removed")), howMany(v.Query("n")); sku != "" && n > 0 {
		d.Removed = &removed{sku, n}
	}
	return p.show(v, "cart", d)
}

// howMany reads how many are wanted; 0 for what is no number of pieces.
func howMany(typed string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(typed), 10, 64)
	if err != nil || n < 0 || n > mostPieces {
		return 0
	}
	return n
}

// changeCart asks the API for a change of the reader's cart and shows what it has
// become: in place for scripts, else by going to it.
func (p *shopPages) changeCart(v *visit, a ask, path string, d *cartData) error {
	id, secret, ok := v.kept(cartCookie)
	if !ok {
		return p.showCart(v, d, nil)
	}
	a.Path, a.Header = "/v1/carts/"+id+path, map[string]string{"Cart-Secret": secret}
	var c cartBody
	if err := v.shop(a, &c); err != nil {
		return p.showCart(v, d, err)
	}
	d.Cart = &c
	return p.showCart(v, d, nil)
}

// showCart ends a change of the cart. What the API refused stands in the cart.
func (p *shopPages) showCart(v *visit, d *cartData, err error) error {
	if err != nil {
		problem := asProblem(err)
		if problem == nil {
			return err
		}
		if d.Code == "" {
			d.Alert = v.sentence(err)
		} else {
			d.CodeError = v.sentence(err)
		}
		if d.Cart, err = v.readCart(); err != nil {
			return err
		}
		if d.Cart != nil && d.Cart.Paying {
			d.Alert = v.text("cart.paying")
		}
		v.Status(problem.Status)
		return p.show(v, "cart", d)
	}
	if v.fragment() != "" {
		if d.Cart == nil {
			if d.Cart, err = v.readCart(); err != nil {
				return err
			}
		}
		if d.Said == "" {
			d.Said = v.count("cart.count", d.Count())
		}
		return p.show(v, "cart", d)
	}
	to := "/shop/cart"
	if d.Removed != nil {
		to += "?" + url.Values{"removed": {d.Removed.SKU}, "n": {strconv.FormatInt(d.Removed.Quantity, 10)}}.Encode()
	}
	return v.go303(to)
}

// addToCart puts a variant into the cart, and begins one when there is none.
func (p *shopPages) addToCart(v *visit) error {
	d := &cartData{Said: v.text("cart.added")}
	item := map[string]any{"sku": clip(v.FormValue("sku")), "quantity": max(1, howMany(v.FormValue("quantity")))}
	id, secret, ok := v.kept(cartCookie)
	var c cartBody
	if ok {
		err := v.shop(ask{Method: fiber.MethodPost, Path: "/v1/carts/" + id + "/items", Body: item, Header: map[string]string{"Cart-Secret": secret}}, &c)
		problem := asProblem(err)
		switch {
		case err == nil:
			d.Cart = &c
			v.put(&c)
			return p.showCart(v, d, nil)
		case problem == nil || problem.Code != "cart_not_found" && problem.Code != "cart_closed":
			return p.showCart(v, d, err)
		}
		if now, readErr := v.readCart(); readErr != nil || now != nil { // it is being paid
			return p.showCart(v, d, err)
		}
	}
	body := map[string]any{"items": []any{item}}
	if v.currency != "" {
		body["currency"] = v.currency
	}
	if err := v.shop(ask{Method: fiber.MethodPost, Path: "/v1/carts", Body: body}, &c); err != nil {
		return p.showCart(v, d, err)
	}
	v.keep(cartCookie, c.ID, c.Secret, cartLife)
	v.put(&c)
	d.Cart = &c
	return p.showCart(v, d, nil)
}

// put tells that the variant of the form went into the cart.
func (v *visit) put(c *cartBody) {
	for _, l := range c.Lines {
		if l.SKU == v.FormValue("sku") {
			v.looked("add", l.ProductID)
		}
	}
}

// line is the line that the address names; ok is false for what is no id.
func (v *visit) line() (string, bool) {
	id, err := uuid.Parse(v.Params("line"))
	return id.String(), err == nil
}

// changeLine sets how many are wanted: by the buttons beside the number (set), or
// by the number itself.
func (p *shopPages) changeLine(v *visit) error {
	id, ok := v.line()
	typed := v.FormValue("set")
	if typed == "" {
		typed = v.FormValue("quantity")
	}
	n, err := strconv.ParseInt(strings.TrimSpace(typed), 10, 64)
	if !ok || err != nil || n < 0 || n > mostPieces {
		return p.showCart(v, &cartData{}, nil) // as it was
	}
	if n == 0 {
		return p.removeLine(v)
	}
	return p.changeCart(v, ask{Method: fiber.MethodPatch, Body: map[string]any{"quantity": n}}, "/items/"+id, &cartData{})
}

func (p *shopPages) removeLine(v *visit) error {
	id, ok := v.line()
	if !ok {
		return p.showCart(v, &cartData{}, nil)
	}
	d := &cartData{Said: v.text("cart.removed")}
	if sku, n := clip(v.FormValue("sku")), howMany(v.FormValue("had")); sku != "" && n > 0 {
		d.Removed = &removed{sku, n}
	}
	return p.changeCart(v, ask{Method: fiber.MethodDelete}, "/items/"+id, d)
}

func (p *shopPages) clearCart(v *visit) error {
	return p.changeCart(v, ask{Method: fiber.MethodPost}, "/clear", &cartData{Said: v.text("cart.cleared")})
}

func (p *shopPages) undoCart(v *visit) error {
	return p.changeCart(v, ask{Method: fiber.MethodPost}, "/undo", &cartData{})
}

func (p *shopPages) addCode(v *visit) error {
	code := strings.TrimSpace(clip(v.FormValue("code")))
	if code == "" {
		return p.showCart(v, &cartData{}, nil)
	}
	return p.changeCart(v, ask{Method: fiber.MethodPost}, "/discount-codes/"+url.PathEscape(code), &cartData{Code: code})
}

func (p *shopPages) removeCode(v *visit) error {
	return p.changeCart(v, ask{Method: fiber.MethodDelete}, "/discount-codes/"+url.PathEscape(clip(v.FormValue("code"))), &cartData{})
}
