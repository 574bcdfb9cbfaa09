package notify

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"doorstep/internal/fault"
	"doorstep/internal/money"
)

// Kind is the occasion of a mail.
type Kind string

// The kinds of mail.
const (
	OrderConfirmation   Kind = "order_confirmation"
	PaymentInstructions Kind = "payment_instructions" // for a bank transfer
	Shipped             Kind = "shipped"
	OutForDelivery      Kind = "out_for_delivery"
	Delivered           Kind = "delivered"
	Delayed             Kind = "delayed"         // later than promised
	DeliveryFailed      Kind = "delivery_failed" // nobody took the parcel
	Lost                Kind = "lost"            // nothing has been heard of it for long
	ReturnApproved      Kind = "return_approved" // with what to do now
	StaffInvitation     Kind = "staff_invitation"
	StaffCode           Kind = "staff_code"       // of a member of staff
	WebhookDisabled     Kind = "webhook_disabled" // to who runs the shop
	CardAttack          Kind = "card_attack"      // likewise
	Cancelled           Kind = "cancelled"
	Refunded            Kind = "refunded"
	SignInCode          Kind = "sign_in_code" // of a customer; it speaks of no order
	CartReminder        Kind = "cart_reminder"
	SupportNews         Kind = "support_news"  // of an order, before its buyer asks
	SupportReply        Kind = "support_reply" // to who has written to the shop
)

// Kinds lists all kinds of mail.
func Kinds() []Kind {
	return []Kind{
		SupplierOrder, SupplierReduced, SupplierCanceled, SupplierRejected, SupplierLate, SupplierUnreached,
		OrderConfirmation, PaymentInstructions, Shipped, OutForDelivery, Delivered, Delayed, DeliveryFailed, Lost, ReturnApproved,
		StaffInvitation, StaffCode, WebhookDisabled, CardAttack, CartReminder, SupportNews, SupportReply, Cancelled, Refunded, SignInCode,
	}
}

// Data is what a mail tells. Which parts must be there depends on the kind:
//
//	all                   Shop.Name, Order.Number, Order.URL, Order.Currency
//	order_confirmation    Lines, Totals (ShipTo and PaymentMethod if there are any)
//	payment_instructions  Transfer (Lines and Totals are shown when given)
//	shipped               Parcel (Lines of this parcel are shown when given)
//	out_for_delivery      Parcel
//	delivered             Parcel
//	delayed               Parcel
//	delivery_failed       Parcel
//	lost                  Parcel
//	cancelled             nothing more (Reason, and Refund if money goes back)
//	refunded              Refund
//	return_approved       Return (Lines are what comes back)
//	sign_in_code          SignIn, and nothing of an order
//	staff_code            likewise
//	staff_invitation      Invitation, and nothing of an order
//	webhook_disabled      Hook, and nothing of an order
//	card_attack           Attack, and nothing of an order
//	cart_reminder         Reminder, Lines and Order.Currency, and nothing else of an order
//	support_news          News (Refund is shown when given)
//	support_reply         Answer, and nothing of an order
//	supplier_order        Supply, Lines (ShipTo if it is known), as supplier_* nothing of an order
type Data struct {
	Shop  Shop
	Order Order
	// Recipient is the name in the greeting. Send fills it from the contact.
	Recipient string
	Lines     []Line
	Totals    *Totals
	ShipTo    []string // the delivery address, line by line
	// PaymentMethod is the code, such as "card" or "bank_transfer".
	PaymentMethod string
	Transfer      *Transfer
	Parcel        *Parcel
	Refund        *Refund
	Reason        string // why it was cancelled, in the reader's language
	SignIn        *SignIn
	Return        *Return
	Invitation    *Invitation
	Hook          *Hook
	Attack        *Attack
	Supply        *Supply
	Reminder      *Reminder
	News          *News
	Answer        *Reply
}

// SignIn is a code by which a customer signs in.
type SignIn struct {
	Code    string
	Minutes int64 // that it holds
}

// Shop is who writes.
type Shop struct {
	Name string
	// Email is the address for questions; answers go there. Empty: none is named.
	Email string
	// From is the address to send as; empty means the one of the Service.
	From string
	// Zone is where the shop's days begin and end; nil means UTC.
	Zone *time.Location
}

// Order is the order that the mail speaks of.
type Order struct {
	Number   string
	URL      string // the reader's own page of the order, http or https
	Currency string
	PlacedAt time.Time // zero: not shown
}

// Line is one thing bought, with its total after discounts in minor units.
type Line struct {
	Name     string
	Options  string // "Blue, L"; may be empty
	Quantity int64
	Total    int64
}

// Totals are the order's sums in minor units; Discount is zero or negative.
type Totals struct {
	Subtotal, Discount, Shipping, Tax, Total int64
	// Duties is duty and import tax that are paid with the order.
	Duties int64
	// ByGiftCard and ByStoreCredit are what those have paid of Total.
	ByGiftCard, ByStoreCredit int64
	// TaxIncluded says that the prices hold the tax already, so that it is told
	// below the total and not added.
	TaxIncluded bool
}

// Transfer says how to pay by bank.
type Transfer struct {
	Amount    int64 // minor units
	Reference string
	Account   []AccountLine // holder, IBAN, bank ... as the merchant set them
	Due       time.Time
}

// AccountLine is one line of the merchant's bank details.
type AccountLine struct{ Label, Value string }

// Parcel is one shipment.
type Parcel struct {
	Carrier string
	Number  string
	// Untracked says that the carrier gives no numbers; otherwise one is needed.
	Untracked bool
	URL       string // the carrier's page; empty means the page of the order
	Partial   bool   // more parcels of the order will follow
	// ExpectedFrom and ExpectedTo are the promised days; zero: not shown.
	ExpectedFrom, ExpectedTo time.Time
}

// Refund is money on its way back, in minor units.
type Refund struct {
	Amount int64
	Method string // the payment method's code, or store_credit; empty: not shown
}

// Longest texts that are shown; what is longer is cut, for a mail is no place
// for a stranger's essay.
const (
	longName = 60
	longText = 200
	longest  = 50 // lines of any list
)

// clean makes s one harmless line: no control characters, no line breaks, no
// marks that turn the direction of text, no more than limit letters.
func clean(s string, limit int) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "")
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\u200b' || r == '\u200c' || r == '\u200d': // Khmer uses them between and inside words
			return r
		case unicode.IsSpace(r) || unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp):
			return ' '
		case unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > limit {
		s = strings.TrimSpace(string([]rune(s)[:limit-1])) + "…"
	}
	return s
}

// cleaned is a copy of d in which every text is one harmless line.
func (d Data) cleaned() Data {
	text := func(s *string) { *s = clean(*s, longText) }
	d.Recipient, d.Shop.Name = clean(d.Recipient, longName), clean(d.Shop.Name, longName)
	text(&d.Order.Number)
	text(&d.Reason)
	d.Lines = append([]Line(nil), d.Lines...)
	for i := range d.Lines {
		text(&d.Lines[i].Name)
		text(&d.Lines[i].Options)
	}
	var to []string
	for _, s := range d.ShipTo {
		if text(&s); s != "" && len(to) < longest {
			to = append(to, s)
		}
	}
	d.ShipTo = to
	if d.Transfer != nil {
		t := *d.Transfer
		text(&t.Reference)
		t.Account = append([]AccountLine(nil), t.Account...)
		for i := range t.Account {
			text(&t.Account[i].Label)
			text(&t.Account[i].Value)
		}
		d.Transfer = &t
	}
	if d.SignIn != nil {
		in := *d.SignIn
		text(&in.Code)
		d.SignIn = &in
	}
	d.cleanNews(text)
	d.cleanSupply(text)
	d.cleanSupport(text)
	if d.Parcel != nil {
		p := *d.Parcel
		text(&p.Carrier)
		text(&p.Number)
		d.Parcel = &p
	}
	return d
}

// check finds what a mail of the kind lacks; it wants cleaned data.
func (d Data) check(kind Kind) error {
	bad := ErrIncomplete
	need := func(ok bool, field string) {
		if !ok {
			bad = bad.At(field, "is missing or unfit for a mail")
		}
	}
	need(d.Shop.Name != "", "shop.name")
	need(d.Shop.Email == "" || validAddress(d.Shop.Email), "shop.email")
	if kind.orderless() {
		d.checkNews(kind, need)
		return incomplete(bad, kind)
	}
	need(d.Order.Number != "", "order.number")
	need(validURL(d.Order.URL), "order.url")
	_, err := money.Exponent(d.Order.Currency)
	need(err == nil, "order.currency")
	need(len(d.Lines) <= maxLines, "lines")
	for _, l := range d.Lines {
		need(l.Name != "" && l.Quantity > 0, "lines")
	}
	if t := d.Totals; t != nil {
		need(t.Discount <= 0, "totals.discount")
		need(t.ByGiftCard >= 0 && t.ByStoreCredit >= 0, "totals.credit")
	}
	if r := d.Refund; r != nil {
		need(r.Amount > 0, "refund.amount")
	}
	switch kind {
	case OrderConfirmation:
		need(len(d.Lines) > 0, "lines")
		need(d.Totals != nil, "totals")
	case PaymentInstructions:
		d.checkTransfer(need)
	case Shipped, OutForDelivery, Delivered, Delayed, DeliveryFailed, Lost:
		d.checkParcel(need)
	case Refunded:
		need(d.Refund != nil, "refund")
	case ReturnApproved:
		need(d.Return != nil && d.Return.Number != "" && len(d.Return.Address) <= longest, "return")
	case SupportNews:
		need(d.News != nil && slices.Contains(SupportTopics, d.News.Topic), "news")
	case Cancelled:
	default:
		need(false, "kind")
	}
	return incomplete(bad, kind)
}

// incomplete is bad when it names a field.
func incomplete(bad *fault.Error, kind Kind) error {
	if len(bad.Fields) == 0 {
		return nil
	}
	var names []string
	for _, f := range bad.Fields {
		names = append(names, f.Location)
	}
	return bad.Because(fmt.Errorf("%s: missing or unfit: %s", kind, strings.Join(names, ", ")))
}

// maxLines keeps a mail under the size at which readers cut it off.
const maxLines = 500

func (d Data) checkTransfer(need func(bool, string)) {
	t := d.Transfer
	if t == nil {
		need(false, "transfer")
		return
	}
	need(t.Amount > 0, "transfer.amount")
	need(t.Reference != "", "transfer.reference")
	need(!t.Due.IsZero(), "transfer.due")
	need(len(t.Account) > 0 && len(t.Account) <= longest, "transfer.account")
	for _, a := range t.Account {
		need(a.Label != "" && a.Value != "", "transfer.account")
	}
}

func (d Data) checkParcel(need func(bool, string)) {
	p := d.Parcel
	if p == nil {
		need(false, "parcel")
		return
	}
	need(p.Carrier != "", "parcel.carrier")
	need(p.Number != "" || p.Untracked, "parcel.number")
	need(p.URL == "" || validURL(p.URL), "parcel.url")
	need(p.ExpectedFrom.IsZero() == p.ExpectedTo.IsZero() && !p.ExpectedTo.Before(p.ExpectedFrom), "parcel.expected")
}

// validURL says whether s may stand behind a button.
func validURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil &&
		len(s) < 2048 && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) })
}

var looksLikeLink = regexp.MustCompile(`://|(?i:www\.)|[@/\\<>]|[\pL\d-]{2,}\.[a-z]{2,}`)

// greetable says whether a name may be greeted. Whoever orders with a
// stranger's address must not be able to send that stranger a link of ours.
func greetable(name string) bool { return name != "" && !looksLikeLink.MatchString(name) }
