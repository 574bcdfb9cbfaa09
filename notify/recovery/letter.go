package recovery

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/notify"
)

const (
	// shown is how many lines of a cart a mail names; the others are counted.
	shown = 12
	// mostExtras is how many things a mail recommends besides.
	mostExtras = 4
)

// link is where the reader opens the cart again.
func (s *Service) link(r *reminder, st *State) string {
	token := s.Links.Sign(r.plan.Merchant, r.ID, r.plan.CreatedAt.Add(time.Duration(st.LinkDays)*24*time.Hour))
	if st.LinkURL != "" {
		return strings.Replace(st.LinkURL, "{token}", token, 1)
	}
	return s.URL + "/recover/" + token
}

// basket is what was left, as it stands and costs now; nil when it is gone.
func (s *Service) basket(ctx context.Context, p *plan, language string) (*Basket, error) {
	b, err := s.Carts.Left(ctx, p.Merchant, p.Cart, p.Checkout, language)
	if err == nil && len(b.Lines) > 0 {
		return b, nil
	}
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return nil, err
	}
	b, err = s.Carts.Appraise(ctx, p.Merchant, p.Currency, language, p.Lines, p.Codes)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil
	}
	return b, err
}

// letter writes a reminder; nil when there is nothing left to remind of.
func (s *Service) letter(ctx context.Context, r *reminder, st *State, shop *Shop) (*notify.Mail, []notify.Extra, error) {
	p := &r.plan
	lang := locale.Lang(p.Locale)
	if !lang.Known() {
		lang = locale.En
	}
	b, err := s.basket(ctx, p, string(lang))
	if err != nil || b == nil || !b.buyable() {
		return nil, nil, err
	}
	news := &notify.Reminder{
		URL: s.link(r, st), Leave: s.Gate.UnsubscribeURL(p.Merchant, r.ID), Step: r.Step, Last: r.Step >= r.Steps,
		Together: b.Subtotal + b.Discount, Postal: shop.Postal,
	}
	data := notify.Data{Shop: shop.Shop, Order: notify.Order{Currency: b.Currency}, Reminder: news}
	var variants []uuid.UUID
	for i := range b.Lines {
		l := &b.Lines[i]
		variants = append(variants, l.VariantID)
		switch {
		case l.Buyable == 0:
		case len(data.Lines) == shown:
			news.Unshown++
		default:
			data.Lines = append(data.Lines, notify.Line{Name: l.Title, Options: l.Options, Quantity: l.Buyable, Total: l.Total})
		}
	}
	if s.Recommender != nil {
		// A mail without recommendations is better than none.
		if news.Extras, err = s.Recommender.ForCart(ctx, p.Merchant, b.Currency, string(lang), variants, mostExtras); err != nil {
			if errors.Is(err, context.Canceled) {
				return nil, nil, err
			}
			s.Log.WarnContext(ctx, "nothing is recommended in a reminder", "reminder", r.ID, "error", err)
			news.Extras = nil
		}
	}
	mail := &notify.Mail{
		Merchant: p.Merchant, Kind: notify.CartReminder, Subject: r.ID, Key: "reminder:" + r.ID.String(), Contact: p.Contact, Lang: lang, Data: data,
		Unsubscribe: news.Leave,
	}
	return mail, news.Extras, nil
}
