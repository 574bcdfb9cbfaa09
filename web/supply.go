package web

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
)

// The page by which a supplier answers: what is to be sent, to whom and by when,
// and three forms. Whoever holds the link of the mail may see it; looking changes
// nothing, for programs that look into mails open links.

func (s *Site) registerSupply(app *fiber.App) {
	s.get(app, "/supply/:token", supplyPage)
	s.post(app, "/supply/:token", supplyAnswer)
}

// supply is a purchase order as the API tells it to its supplier.
type supply struct {
	Number      string       `json:"number"`
	OrderNumber string       `json:"order_number"`
	Status      string       `json:"status"`
	Reason      string       `json:"reason"`
	Lines       []supplyLine `json:"lines"`
	Cost        *Money       `json:"cost"`
	ShipTo      *struct {
		Name, Line1, Line2, City, Region, Postcode, Country, Phone string
	} `json:"ship_to"`
	DueAt   time.Time `json:"due_at"`
	Parcels int       `json:"parcels"`
}

type supplyLine struct {
	ID          string `json:"line_id"`
	SKU         string `json:"sku"`
	SupplierSKU string `json:"supplier_sku"`
	Title       string `json:"title"`
	Options     string `json:"options"`
	Quantity    int64  `json:"quantity"`
	Shipped     int64  `json:"shipped"`
	Canceled    int64  `json:"canceled"`
	Open        int64  `json:"open"`
	UnitCost    *Money `json:"unit_cost"`
}

// Code is what the supplier calls the goods.
func (l supplyLine) Code() string {
	if l.SupplierSKU != "" {
		return l.SupplierSKU
	}
	return l.SKU
}

// supplyView is the page. What was typed comes back when it was refused.
type supplyView struct {
	*supply
	Token, Key, Error, Did   string
	Tone                     string
	To                       []string // the lines of the address
	CanAccept, CanReject     bool
	CanShip                  bool
	Carrier, TrackingNo, Why string
	Typed                    map[string]string // quantities by line
}

// supplyTones say how a purchase order stands.
var supplyTones = map[string]string{
	"pending": "info", "sent": "warn", "accepted": "info", "shipped": "info", "completed": "good", "rejected": "bad", "canceled": "bad",
}

func supplyPage(v *visit) error { return v.showSupply(nil) }

// showSupply reads the purchase order and shows it; change adds to the page.
func (v *visit) showSupply(change func(*supplyView)) error {
	v.private()
	o := &supply{}
	if err := v.call(ask{Path: v.supplyAPI("")}, o); err != nil {
		return v.refuseSupply(err)
	}
	p := &supplyView{supply: o, Token: v.trackToken(), Key: newKey(), Tone: supplyTones[o.Status], Typed: map[string]string{}}
	if a := o.ShipTo; a != nil {
		for _, line := range []string{a.Name, a.Line1, a.Line2, a.City, a.Region, a.Postcode, locale.Country(v.Lang, a.Country), a.Phone} {
			if line != "" {
				p.To = append(p.To, line)
			}
		}
	}
	open := int64(0)
	for _, l := range o.Lines {
		open += l.Open
		p.Typed[l.ID] = strconv.FormatInt(l.Open, 10)
	}
	p.CanAccept = o.Status == "pending" || o.Status == "sent"
	p.CanReject = p.CanAccept || o.Status == "accepted"
	p.CanShip = open > 0 && (p.CanAccept || o.Status == "accepted" || o.Status == "shipped")
	if change != nil {
		change(p)
	}
	return v.showIn("track/supply", trackFrame{}, p)
}

func (v *visit) supplyAPI(more string) string {
	return "/v1/supply/" + url.PathEscape(v.trackToken()) + more
}

// refuseSupply shows a page of its own for links that open nothing.
func (v *visit) refuseSupply(err error) error {
	if p := problemIn(err); p != nil && (p.Code == "link_invalid" || p.At("path.token") != "") {
		v.Status(fiber.StatusNotFound)
		return v.showIn("track/supplygone", trackFrame{}, nil)
	}
	return err
}

// supplyAnswer does what one of the forms asks for. A refusal stands in the page,
// with what was typed.
func supplyAnswer(v *visit) error {
	form := v.form()
	header := map[string]string{}
	if key := form.Get("key"); knownKey.MatchString(key) {
		header["Idempotency-Key"] = key
	}
	a := ask{Method: fiber.MethodPost, Header: header}
	switch form.Get("do") {
	case "accept":
		a.Path = v.supplyAPI("/accept")
	case "reject":
		a.Path, a.Body = v.supplyAPI("/reject"), doc{"reason": strings.TrimSpace(form.Get("reason"))}
	case "ship":
		lines, ok := parcelLines(form)
		if !ok {
			return v.refusedSupply(form, problemOf(fiber.StatusUnprocessableEntity, "form_incomplete"))
		}
		body := doc{"lines": lines}
		for _, name := range []string{"carrier", "tracking_number"} {
			if text := strings.TrimSpace(form.Get(name)); text != "" {
				body[name] = text
			}
		}
		a.Path, a.Body = v.supplyAPI("/ship"), body
	default:
		return problemOf(fiber.StatusNotFound, "not_found")
	}
	if err := v.call(a, nil); err != nil {
		return v.refusedSupply(form, err)
	}
	v.private()
	return v.Redirect("/supply/"+url.PathEscape(v.trackToken()), fiber.StatusSeeOther)
}

// parcelLines are the units of the parcel: those above zero, at least one.
func parcelLines(form url.Values) (lines []doc, ok bool) {
	for name := range form {
		line, mine := strings.CutPrefix(name, "q-")
		if !mine || !part.MatchString(line) {
			continue
		}
		text := strings.TrimSpace(form.Get(name))
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return nil, false
		}
		if n > 0 {
			lines = append(lines, doc{"line_id": line, "quantity": n})
		}
	}
	return lines, len(lines) > 0
}

func (v *visit) refusedSupply(form url.Values, err error) error {
	p := problemIn(err)
	if p == nil || p.Code == "link_invalid" || p.Status >= fiber.StatusInternalServerError && p.Code != "overloaded" {
		return v.refuseSupply(err)
	}
	v.Status(p.Status)
	return v.showSupply(func(view *supplyView) {
		view.Did, view.Carrier, view.TrackingNo, view.Why = form.Get("do"), form.Get("carrier"), form.Get("tracking_number"), form.Get("reason")
		for line := range view.Typed {
			if form.Has("q-" + line) {
				view.Typed[line] = form.Get("q-" + line)
			}
		}
		switch {
		case p.Code == "form_incomplete":
			view.Error = locale.T(v.Lang, "web.track.supply.no_units")
		case form.Get("do") == "reject" && p.Status == fiber.StatusUnprocessableEntity:
			view.Error = locale.T(v.Lang, "web.track.supply.no_reason")
		default:
			view.Error = v.sentence(err)
		}
	})
}
