package web

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"doorstep/internal/id"
	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
)

// returnReasons are the codes for why something comes back, as the API has them,
// in the order in which they are offered.
var returnReasons = []string{"unwanted", "too_small", "too_large", "not_as_described", "defective", "damaged", "wrong_item", "arrived_late", "other"}

// returnForm is what can be sent back, and what was filled in.
type returnForm struct {
	*orderPage
	Key     string
	Reasons []string
	Wishes  []returnWish
	Error   string
}

// returnWish is one line of the form.
type returnWish struct {
	Line         *trackedLine
	Counts       []int64
	Quantity     int64
	Reason, Note string
}

func (v *visit) returnForm(o *tracked) *returnForm {
	f := &returnForm{orderPage: v.orderPage(o), Reasons: returnReasons, Key: id.New().String()}
	f.Token = v.trackToken()
	for i := range o.Lines {
		l := &o.Lines[i]
		if l.Returnable < 1 {
			continue
		}
		w := returnWish{Line: l}
		for n := range min(l.Returnable, 100) {
			w.Counts = append(w.Counts, n+1)
		}
		f.Wishes = append(f.Wishes, w)
	}
	if len(f.Wishes) == 1 {
		f.Wishes[0].Quantity = 1 // there is nothing else to choose
	}
	return f
}

func returnPage(v *visit) error {
	o, err := v.order()
	if err != nil {
		return v.refuse(err)
	}
	return v.showIn("track/return", v.trackFrame(o.Shop.Name), v.returnForm(o))
}

// askReturn asks the shop to take things back. The key of the form makes a second
// click the same return.
func askReturn(v *visit) error {
	o, err := v.order()
	if err != nil {
		return v.refuse(err)
	}
	f := v.returnForm(o)
	if key := v.FormValue("key"); key != "" && len(key) <= 100 {
		f.Key = strings.Clone(key)
	}
	type line struct {
		ID       string `json:"line_id"`
		Quantity int64  `json:"quantity"`
		Reason   string `json:"reason"`
		Note     string `json:"note,omitempty"`
	}
	var body struct {
		Lines []line `json:"lines"`
	}
	for i := range f.Wishes {
		w := &f.Wishes[i]
		w.Quantity, _ = strconv.ParseInt(v.FormValue("q-"+w.Line.ID), 10, 64) // nothing chosen is none
		w.Reason, w.Note = strings.Clone(v.FormValue("r-"+w.Line.ID)), strings.TrimSpace(strings.Clone(v.FormValue("n-"+w.Line.ID)))
		if w.Quantity > 0 {
			body.Lines = append(body.Lines, line{w.Line.ID, w.Quantity, w.Reason, w.Note})
		}
	}
	if len(body.Lines) == 0 {
		v.Status(fiber.StatusUnprocessableEntity)
		f.Error = locale.T(v.Lang, "web.track.return.nothing")
		return v.showIn("track/return", v.trackFrame(o.Shop.Name), f)
	}
	err = v.call(ask{Method: fiber.MethodPost, Path: trackAPI(f.Token, "/returns"), Body: body, Header: map[string]string{"Idempotency-Key": f.Key}}, nil)
	var p *Problem
	if errors.As(err, &p) && p.Status < fiber.StatusInternalServerError {
		v.Status(p.Status)
		f.Key = id.New().String() // what is sent next is something else
		f.Error = v.explain(p).Text
		if own := "web.track.return." + p.Code; locale.Has(own) {
			f.Error = locale.T(v.Lang, own)
		}
		return v.showIn("track/return", v.trackFrame(o.Shop.Name), f)
	}
	if err != nil {
		return err
	}
	return v.Redirect("/t/"+url.PathEscape(f.Token)+"#returns", fiber.StatusSeeOther)
}

// returnLabel hands the label of a return on, to be printed.
func returnLabel(v *visit) error {
	v.private()
	var file []byte
	path := trackAPI(v.trackToken(), "/returns/"+url.PathEscape(strings.Clone(v.Params("id")))+"/label")
	if err := v.call(ask{Path: path}, &file); err != nil {
		return v.refuse(err)
	}
	return v.file(file)
}

// file hands a file of the API on as it is.
func (v *visit) file(file []byte) error {
	for _, name := range []string{fiber.HeaderContentType, fiber.HeaderContentDisposition} {
		v.Set(name, v.answeredHeader(name))
	}
	v.Response().SetBodyRaw(file)
	return nil
}

// openDocument opens an invoice for who knows the e-mail of the order.
func openDocument(v *visit) error {
	v.private()
	token, email := v.trackToken(), strings.TrimSpace(strings.Clone(v.FormValue("email")))
	var file []byte
	err := v.call(ask{Method: fiber.MethodPost, Path: trackAPI(token, "/documents/"+url.PathEscape(strings.Clone(v.Params("id")))), Body: map[string]string{"email": email}}, &file)
	if err == nil {
		return v.file(file)
	}
	var p *Problem
	if !errors.As(err, &p) || p.Status >= fiber.StatusInternalServerError {
		return err
	}
	wrong := v.missed(p, "web.track.documents.wrong")
	o, err := v.order()
	if err != nil {
		return v.refuse(err)
	}
	v.Status(p.Status)
	return v.showOrder(o, func(page *orderPage) { page.DocEmail, page.DocError = email, wrong })
}

// missed words a look-up that found nothing. Why is never said: it would tell
// which numbers and which e-mails there are.
func (v *visit) missed(p *Problem, key string) string {
	if p.Status != fiber.StatusTooManyRequests {
		return locale.T(v.Lang, key)
	}
	wait, err := strconv.Atoi(v.answeredHeader(fiber.HeaderRetryAfter))
	if err != nil {
		return v.explain(p).Text
	}
	v.Set(fiber.HeaderRetryAfter, strconv.Itoa(wait))
	return locale.N(v.Lang, "web.track.wait", max(1, int((time.Duration(wait)*time.Second+time.Minute-1)/time.Minute)))
}

// lookUpForm is what somebody without the link knows of an order.
type lookUpForm struct{ Number, Email, Error string }

func lookUpPage(v *visit) error {
	return v.showIn("track/lookup", v.trackFrame(""), lookUpForm{Number: strings.Clone(v.Query("number"))})
}

// lookUp finds an order by its number and e-mail and goes to its page. Orders that
// came from another system have no link; they are shown at once.
func lookUp(v *visit) error {
	v.private()
	f := lookUpForm{Number: strings.TrimSpace(strings.Clone(v.FormValue("number"))), Email: strings.TrimSpace(strings.Clone(v.FormValue("email")))}
	o := &tracked{}
	err := v.shop(ask{Method: fiber.MethodPost, Path: "/v1/order-lookups", Body: map[string]string{"number": f.Number, "email": f.Email}}, o)
	var p *Problem
	if errors.As(err, &p) && p.Status < fiber.StatusInternalServerError {
		v.Status(p.Status)
		f.Error = v.missed(p, "web.track.look_up.missed")
		return v.showIn("track/lookup", v.trackFrame(""), f)
	}
	if err != nil {
		return err
	}
	if _, token, ok := strings.Cut(o.URL, "/t/"); ok && token != "" {
		return v.Redirect("/t/"+url.PathEscape(token), fiber.StatusSeeOther)
	}
	return v.showOrder(o, nil)
}
