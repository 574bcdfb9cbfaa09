package skill

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/money"
	"doorstep/order"
	"doorstep/support/slot"
	"doorstep/support/text"
	"doorstep/support/understand"
)

var shopNow = time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC)

// fakeShop is a shop that ships to three countries, by express to one.
type fakeShop struct {
	done    []string
	guesses int
}

func (f *fakeShop) PaymentMethods(_ context.Context, _ uuid.UUID, country, _ string) ([]string, error) {
	methods := []string{"card", "wallet", "apple_pay", "bank_transfer"}
	if country == "AM" || country == "KH" {
		methods = append(methods, "cash_on_delivery")
	}
	return methods, nil
}

func (f *fakeShop) Deliveries(ctx context.Context, _ uuid.UUID, country, currency string, _ time.Time) ([]Delivery, error) {
	day := func(n int) *time.Time { d := time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC); return &d }
	post := Delivery{Name: "Post", Currency: currency, Price: 490, From: day(12), To: day(16), DaysMin: 3, DaysMax: 5, FreeFrom: 5000}
	if Language(ctx) == "hy" {
		post.Name = "Փոստ"
	}
	switch country {
	case "AM":
		return []Delivery{post, {Name: "Express courier", Currency: currency, Price: 1250, From: day(10), To: day(10), DaysMin: 1, DaysMax: 1, Express: true}}, nil
	case "KH":
		return []Delivery{post}, nil
	case "SE": // the shop has set no days
		return []Delivery{{Name: "Post", Currency: currency, Price: 0}}, nil
	}
	return nil, nil
}

func (f *fakeShop) Coupon(_ context.Context, _ uuid.UUID, code string, _ time.Time) (*Coupon, error) {
	ended := time.Date(2026, 2, 28, 19, 0, 0, 0, time.UTC)
	c := Coupon{Code: code, Title: "10% off", Titles: map[string]string{"hy": "10 % զեղչ"}, Currency: "EUR"}
	switch code {
	case "WELCOME10":
		c.Minimum, c.FirstOrder, c.PerCustomer, c.Countries = 3000, true, 1, []string{"AM", "KH"}
	case "OLD20":
		c.Why, c.EndsAt = "expired", &ended
	case "SOON5":
		c.Why = "not_started"
	case "GONE15":
		c.Why = "used_up"
	case "OFF30":
		c.Why = "disabled"
	default:
		return nil, nil
	}
	return &c, nil
}

func (f *fakeShop) Guessed(context.Context, uuid.UUID, uuid.UUID) error {
	if f.guesses++; f.guesses > 3 {
		return fault.New(fault.TooMany, "too_many", "Too many.")
	}
	return nil
}

func (f *fakeShop) Offers(context.Context, uuid.UUID, time.Time, int) ([]Coupon, error) {
	return []Coupon{{Code: "WELCOME10", Title: "10% off"}}, nil
}

func (f *fakeShop) Search(_ context.Context, _ uuid.UUID, words, _, currency string, most int) ([]Product, error) {
	var all, half []Product
	asked := strings.Fields(words)
	for _, p := range []Product{
		{Title: "Wool socks", Price: 900, Units: 3, InStock: true, Attributes: map[string]string{"Material": "Merino wool"}, Description: "Warm socks.",
			Variants: []Variant{{Title: "38", InStock: true}, {Title: "42"}}},
		{Title: "Enamel jug", Price: 2450, InStock: true, Description: "A jug for the table.", URL: "https://shop.example/jug", Variants: []Variant{{}}},
		{Title: "Enamel bowl", Price: 1850, Variants: []Variant{{}}},
	} {
		p.Currency = currency
		n := 0
		for _, word := range asked {
			if slices.ContainsFunc(titleWords(p.Title), func(t string) bool { return sameWord(t, word) }) {
				n++
			}
		}
		switch {
		case n == len(asked):
			all = append(all, p)
		case n > 0:
			p.Half = true
			half = append(half, p)
		}
	}
	all = append(all, half...)
	return all[:min(len(all), most)], nil
}

func (f *fakeShop) Subscribe(context.Context, uuid.UUID, Who, uuid.UUID) error {
	f.done = append(f.done, "subscribe")
	return nil
}

func (f *fakeShop) Unsubscribe(context.Context, uuid.UUID, Who, uuid.UUID) error {
	f.done = append(f.done, "unsubscribe")
	return nil
}

func (f *fakeShop) Erase(context.Context, uuid.UUID, Who) error {
	f.done = append(f.done, "erase")
	return nil
}

func shopSettings() customer.Settings {
	s := customer.DefaultSettings("Lusik", "EUR")
	s.Countries, s.Timezone, s.ReturnWindowDays = []string{"AM", "KH", "SE", "DE"}, "Asia/Yerevan", 30
	s.CashOnDelivery = customer.CashOnDelivery{Enabled: true, Countries: []string{"AM", "KH"}, MaxTotals: []money.Amount{money.Of(20000, "EUR")}, Fees: []money.Amount{money.Of(150, "EUR")}}
	s.BankTransfer = customer.BankTransfer{Enabled: true, DueDays: 7}
	s.Trust.Policies = []customer.PolicyLink{{Kind: "returns", URL: "https://shop.example/returns"}}
	return s
}

// ask is one message to one skill.
func ask(t *testing.T, f *fakeShop, name, language, country, said string) Answer {
	t.Helper()
	said = text.Normalise(said)
	turn := &Turn{
		Merchant: id.New(), Conversation: id.New(), Now: shopNow, Language: language, Country: country, Currency: "EUR", Text: said,
		Ask: understand.Ask{Intent: name, Text: said, Slots: slot.Read(said, nil)}, Settings: shopSettings(), Shop: Shop{Policies: f, Products: f, People: f},
	}
	i := slices.IndexFunc(shopSkills(), func(s Skill) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("there is no skill %s", name)
	}
	a, err := shopSkills()[i].Answer(t.Context(), turn)
	if err != nil {
		t.Fatal(err)
	}
	statesOnlyFacts(t, said, a)
	return a
}

var figures = regexp.MustCompile(`\d+`)

// statesOnlyFacts holds every figure of a reply against the facts and the message.
func statesOnlyFacts(t *testing.T, said string, a Answer) {
	t.Helper()
	known := said
	for _, f := range a.Facts {
		known += " " + f.Value + " " + f.Text
	}
	for _, n := range figures.FindAllString(a.Reply, -1) {
		if !strings.Contains(known, n) {
			t.Errorf("%q states %s, which is no fact", a.Reply, n)
		}
	}
	if a.Reply == "" || strings.ContainsAny(a.Reply, "{}") {
		t.Errorf("%q is no reply", a.Reply)
	}
	if len(a.Suggestions) > mostButtons {
		t.Errorf("%d buttons", len(a.Suggestions))
	}
}

// factsOf are name=value.
func factsOf(a Answer) []string {
	all := make([]string, len(a.Facts))
	for i, f := range a.Facts {
		all[i] = f.Name + "=" + f.Value
	}
	return all
}

func TestTheShopAnswersWhatItKnowsAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		skill, language, country, said string
		kind                           Type
		facts                          string // that have to be there
		holds, lacks                   string // pieces of the reply, between bars
	}{
		{"refund_policy", "en", "", "what is your return policy", Policy, "return_window_days=30", "30 days|https://shop.example/returns|handed back", ""},
		{"refund_policy", "hy", "", "քանի՞ օր ունեմ վերադարձնելու", Policy, "return_window_days=30", "30 օրվա", ""},
		{"refund_policy", "km", "", "ខ្ញុំមានពេលប៉ុន្មានថ្ងៃដើម្បីសងទំនិញ", Policy, "return_window_days=30", "30 ថ្ងៃ", ""},
		{"cancellation_fee", "en", "", "is there a fee", Policy, "cancel_fee=0 return_window_days=30", "free of charge", ""},
		{"cancellation_fee", "km", "", "ត្រូវពិន័យប៉ុន្មាន", Policy, "cancel_fee=0", "ឥតគិតថ្លៃ", ""},
		{"shipping_options", "en", "", "do you ship to Armenia", Policy, "country=AM ships=true delivery.1=Post delivery.1.price=4.90 delivery.1.from=2026-03-12 delivery.2.price=12.50 delivery.1.free_from=50.00", "Yes, we ship to Armenia|Express courier", ""},
		{"shipping_options", "hy", "KH", "Հայաստան առաքո՞ւմ եք", Policy, "country=AM delivery.1=Փոստ", "Հայաստան", ""},
		{"shipping_options", "km", "", "មានដឹកទៅកោះកុងទេ អស់ប៉ុន្មាន", Policy, "country=KH delivery.1.price=4.90", "កម្ពុជា", ""},
		{"shipping_options", "en", "AM", "do you ship to Norway?", Policy, "country=NO ships=false ship_countries=AM,KH,SE,DE", "do not ship to Norway|Armenia", "Post"},
		{"shipping_options", "en", "", "delivery to Germany possible?", Policy, "country=DE", "A person can help", "Yes"},
		{"shipping_options", "en", "", "how do you ship", Policy, "ship_countries=AM,KH,SE,DE", "Cambodia", "Post"},
		{"shipping_options", "en", "", "do you have express delivery", Policy, "express_countries=AM", "Express delivery goes to Armenia", ""},
		{"shipping_options", "en", "KH", "do you have express delivery", Policy, "express=false express_countries=AM country=KH", "no express delivery to Cambodia", "Yes"},
		{"shipping_options", "hy", "AM", "արագ առաքում ունե՞ք", Policy, "express=true express_countries=AM ship_countries=AM", "Այո", ""},
		{"shipping_options", "en", "AM", "which countries do you deliver to", Policy, "ship_countries=AM,KH,SE,DE", "Cambodia", "Post"},
		{"shipping_options", "en", "AM", "what does shipping cost", Policy, "country=AM ship_countries=AM,KH,SE,DE", "another country", ""},
		{"shipping_options", "en", "", "do you ship to the Netherlands", Policy, "country=NL ships=false", "to the Netherlands", ""},
		{"shipping_options", "en", "SE", "shipping cost?", Policy, "delivery.1.price=0", "free", "arriving"},
		{"delivery_time", "en", "AM", "how long does delivery take", Policy, "delivery.1.from=2026-03-12 delivery.1.to=2026-03-16 delivery.1.days=3–5", "12–16 March 2026", ""},
		{"delivery_time", "en", "SE", "how long does delivery take", Policy, "country=SE", "will not guess", ""},
		{"delivery_time", "en", "", "how many days is shipping", Policy, "ship_countries=AM,KH,SE,DE", "Tell me the country", ""},
		{"payment_methods", "en", "AM", "what payment methods do you accept", Policy, "methods=card,wallet,apple_pay,bank_transfer,cash_on_delivery cod_countries=AM,KH cod_max=200.00 cod_fee=1.50 bank_transfer.days=7", "Cash on delivery|Armenia", ""},
		{"payment_methods", "en", "SE", "can I pay cash", Policy, "asked_method=cash_on_delivery asked_method.accepted=false cod_countries=AM,KH", "No, I am sorry", "extra"},
		{"payment_methods", "en", "", "cash on delivery possible?", Policy, "cod_countries=AM,KH", "Armenia and Cambodia", "No,"},
		{"payment_methods", "en", "", "do you accept apple pay", Policy, "asked_method=apple_pay asked_method.accepted=true", "Yes, that is possible: Apple Pay", ""},
		{"payment_methods", "en", "AM", "do you take paypal?", Policy, "asked_method=paypal asked_method.accepted=false", "not possible here: PayPal", ""},
		{"payment_methods", "en", "", "visa ok?", Policy, "asked_method=card asked_method.accepted=true", "Yes", ""},
		{"payment_methods", "en", "", "do you accept american express", Policy, "", "American Express|provider decides", "Yes"},
		{"payment_methods", "hy", "", "իդրամ կամ քարտ ընդունո՞ւմ եք", Policy, "asked_method.accepted=false", "Idram|Բանկային քարտ", ""},
		{"payment_methods", "km", "", "បង់សាច់ប្រាក់ពេលដឹកមកដល់បានអត់", Policy, "cod_countries=AM,KH", "កម្ពុជា", ""},
		{"payment_methods", "en", "", "do you accept bitcoin", Policy, "asked_method=cryptocurrency asked_method.accepted=false", "cryptocurrency", ""},
		{"place_order", "en", "", "how do I order", Policy, "", "cart", "costs"},
		{"place_order", "en", "", "I want to buy two pairs of wool socks please", Policy, "product.price=9.00", "Wool socks", ""},
		{"place_order", "en", "", "I want to buy wool socks", Policy, "product.price=9.00", "Wool socks", ""},
		{"promo_code", "en", "", "does WELCOME10 work", Fact, "coupon=WELCOME10 coupon.works=true coupon.minimum=30.00 coupon.first_order=true coupon.per_customer=1 coupon.countries=AM,KH", "works|10% off", ""},
		{"promo_code", "en", "", "does welcome10 work", Fact, "coupon=WELCOME10 coupon.works=true", "", ""},
		{"promo_code", "en", "", "can I get a discount on DS-100241", Policy, "", "Tell me the code", ""},
		{"promo_code", "hy", "", "WELCOME10 կոդը գործո՞ւմ է", Fact, "coupon.works=true coupon.title=10 % զեղչ", "գործում է", ""},
		{"promo_code", "en", "", "code OLD20 says expired", Fact, "coupon.why=expired coupon.ends_at=2026-02-28", "28 February 2026", "works"},
		{"promo_code", "en", "", "my code SOON5 doesn't work", Fact, "coupon.why=not_started", "cannot be used yet", ""},
		{"promo_code", "en", "", "my code GONE15 doesn't work", Fact, "coupon.why=used_up", "as often", ""},
		{"promo_code", "en", "", "my code OFF30 doesn't work", Fact, "coupon.why=disabled", "at the moment", ""},
		{"promo_code", "en", "", "my code NOPE77 doesn't work", Fact, "coupon.why=unknown_code", "NOPE77", "expired"},
		{"promo_code", "en", "", "where do I type in the promo code", Policy, "coupon=WELCOME10", "in the cart", ""},
		{"loyalty_points", "en", "", "how many points do I have", Policy, "", "no points", ""},
		{"account_password", "en", "", "I forgot my password", Policy, "code_digits=6 code_minutes=10", "no passwords", ""},
		{"account_edit", "km", "", "ខ្ញុំប្តូរលេខទូរស័ព្ទ", Policy, "", "អ៊ីមែល", ""},
		{"account_delete", "en", "", "delete my account", Confirm, "", "cannot be undone|law", ""},
		{"subscribe", "en", "", "sign me up", Confirm, "shop=Lusik", "Lusik", ""},
		{"unsubscribe", "hy", "", "այլևս ձեր գովազդները մի ուղարկեք", Confirm, "shop=Lusik", "Lusik", ""},
		{"review", "en", "", "I want to leave a review", Policy, "", "no page", ""},
		{"complaint", "en", "", "this is a disgrace", Handoff, "", "sorry", ""},
		{"human_agent", "hy", "", "ինձ կենդանի մարդ է պետք", Handoff, "", "աշխատակց", ""},
		{"greeting", "en", "", "hello", Smalltalk, "", "Hello", ""},
		{"thanks_bye", "km", "", "អរគុណ", Smalltalk, "", "មិនអីទេ", ""},
		{"out_of_scope", "en", "", "tell me a riddle", Oos, "", "sorry", ""},
		{"product_question", "en", "", "is this in stock", Ask, "", "Which product", ""},
		{"product_question", "en", "", "how much are the wool socks", Fact, "product=Wool socks product.price=9.00 product.currency=EUR product.in_stock=true product.units=3 variants.in_stock=38 variants.sold_out=42", "Only 3 left|Sold out: 42", "catalogue"},
		{"product_question", "en", "", "are the wool socks there in size 42", Fact, "variant=42 variant.in_stock=false", "42: sold out", "catalogue"},
		{"product_question", "en", "", "what are the wool socks made of", Fact, "product.attribute.material=Merino wool", "Material: Merino wool", "does not say"},
		{"product_question", "en", "", "what is the enamel jug made of", Fact, "product.description=A jug for the table. product.url=https://shop.example/jug", "does not say more", ""},
		{"product_question", "en", "", "what is the enamel made of", Ask, "product=Enamel jug product.2=Enamel bowl", "Which one", ""},
		{"product_question", "en", "", "do you have enamel", Fact, "product.in_stock=true product.2.in_stock=false product.2.price=18.50", "sold out", "Which"},
		{"product_question", "en", "", "do you have wool socks", Fact, "product=Wool socks", "Only 3", "catalogue"},
		{"product_question", "en", "", "do you sell umbrellas", Fact, "query=umbrellas product.found=false", "nothing", ""},
		{"product_question", "en", "", "does the garden umbrella resist hail storms", Ask, "query=garden", "nothing", ""},
	} {
		a := ask(t, &fakeShop{}, c.skill, c.language, c.country, c.said)
		if a.Type != c.kind {
			t.Errorf("%s %q is %s: %s", c.skill, c.said, a.Type, a.Reply)
		}
		for _, f := range strings.Split(c.facts, " ") {
			if all := factsOf(a); f != "" && strings.Contains(f, "=") && !slices.ContainsFunc(all, func(have string) bool { return strings.HasPrefix(have, f) }) {
				t.Errorf("%s %q lacks the fact %s: %v", c.skill, c.said, f, all)
			}
		}
		for _, piece := range strings.Split(c.holds, "|") {
			if !strings.Contains(a.Reply, piece) {
				t.Errorf("%s %q lacks %q: %s", c.skill, c.said, piece, a.Reply)
			}
		}
		if c.lacks != "" && strings.Contains(a.Reply, c.lacks) {
			t.Errorf("%s %q says %q: %s", c.skill, c.said, c.lacks, a.Reply)
		}
	}
}

func TestAnUnknownCodeAndOneForSomebodyElseAreAnsweredInTheSameWords(t *testing.T) {
	t.Parallel()
	f := &fakeShop{}
	a, b := ask(t, f, "promo_code", "en", "", "does XYZ123 work"), ask(t, f, "promo_code", "en", "", "does ABC123 work")
	if strings.ReplaceAll(a.Reply, "XYZ123", "ABC123") != b.Reply {
		t.Errorf("%q and %q", a.Reply, b.Reply)
	}
}

func TestCodesCannotBeGuessedInAConversation(t *testing.T) {
	t.Parallel()
	f := &fakeShop{}
	for range 3 {
		ask(t, f, "promo_code", "en", "", "does XYZ123 work")
	}
	if a := ask(t, f, "promo_code", "en", "", "does XYZ123 work"); a.Type != Refuse || len(a.Facts) != 0 {
		t.Errorf("the fourth guess got %s %q", a.Type, a.Reply)
	}
	if a := ask(t, f, "promo_code", "en", "", "does WELCOME10 work"); a.Type != Fact {
		t.Errorf("a code that is known got %s", a.Type)
	}
}

func TestWhatConcernsAPersonIsProposedAndDoneOnlyThen(t *testing.T) {
	t.Parallel()
	for name, action := range map[string]string{"account_delete": "account.erase", "subscribe": "consent.grant", "unsubscribe": "consent.withdraw"} {
		f := &fakeShop{}
		s := shopSkills()[slices.IndexFunc(shopSkills(), func(s Skill) bool { return s.Name == name })]
		if s.Identity != Verified || s.Action != action || s.Do == nil {
			t.Errorf("%s: %+v", name, s)
		}
		for _, language := range []string{"en", "hy", "km"} {
			if a := ask(t, f, name, language, "", "please"); a.Proposal == nil || a.Proposal.Action != action {
				t.Errorf("%s proposes %+v", name, a.Proposal)
			}
		}
		if len(f.done) != 0 {
			t.Errorf("%s has done %v before it was told to", name, f.done)
		}
		turn := &Turn{Now: shopNow, Language: "en", Settings: shopSettings(), Shop: Shop{Policies: f, Products: f, People: f}}
		a, err := s.Do(t.Context(), turn, Proposal{ID: id.New(), Action: action})
		if err != nil || a.Type != Done || len(f.done) != 1 {
			t.Errorf("%s did %v: %v %v", name, f.done, a, err)
		}
	}
}

func TestWhoeverForgetsThemselvesIsToldOfOrdersUnderWay(t *testing.T) {
	t.Parallel()
	of := func(number string, status order.Status, sent string) *Order {
		return &Order{Order: &order.Order{Number: number, Status: status, FulfillmentStatus: sent}}
	}
	turn := &Turn{Now: shopNow, Language: "en", Settings: shopSettings(), Orders: []*Order{
		of("DS-100001", order.StatusConfirmed, "unfulfilled"), of("DS-100002", order.StatusCompleted, "delivered"),
		of("DS-100003", order.StatusCanceled, "unfulfilled"), of("DS-100004", order.StatusConfirmed, "delivered"),
	}}
	a, err := accountDelete().Answer(t.Context(), turn)
	if err != nil || !slices.Contains(factsOf(a), "orders.open=DS-100001") || !strings.Contains(a.Reply, "DS-100001") || strings.Contains(a.Reply, "DS-100004") {
		t.Errorf("%v %v %v", a.Reply, factsOf(a), err)
	}
}

func TestAPersonIsOfferedWithEveryAnswerOfTheShop(t *testing.T) {
	t.Parallel()
	for _, s := range shopSkills() {
		for _, language := range []string{"en", "hy", "km"} {
			a := ask(t, &fakeShop{}, s.Name, language, "AM", "please")
			if last := len(a.Suggestions) - 1; a.Type != Handoff && (last < 0 || a.Suggestions[last].Text != wordsFor(&Turn{Language: language}).word("button.person.text")) {
				t.Errorf("%s in %s offers %v", s.Name, language, a.Suggestions)
			}
			if (a.Type == Handoff) != (a.Handoff != "") {
				t.Errorf("%s hands over for %q", s.Name, a.Handoff)
			}
		}
	}
}

func TestThePageOfTheAssistantNamesEverySkill(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/assistant.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, "|"); strings.HasPrefix(line, "| `") && len(cells) == 7 {
			for name := range strings.SplitSeq(cells[1], ",") {
				rows[strings.Trim(name, " `")] = line
			}
		}
	}
	for _, s := range All() {
		row := rows[s.Name]
		delete(rows, s.Name)
		verified, risk := strings.Contains(row, "verified"), map[Risk]string{Read: "", Reversible: "| reversible |", Irreversible: "| irreversible |"}[s.Risk]
		if row == "" || !strings.Contains(row, s.Action) || verified != (s.Identity == Verified) || !strings.Contains(row, risk) {
			t.Errorf("%s (%s) stands as %q", s.Name, s.Action, row)
		}
	}
	if len(rows) > 0 {
		t.Errorf("there are no such skills: %v", rows)
	}
}
