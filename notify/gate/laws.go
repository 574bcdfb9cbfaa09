package gate

import (
	_ "embed" // the tables of countries
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed laws.csv
var lawsFile string

// The rules that a country may have, from the strictest on.
const (
	RuleOptIn            = "opt_in"            // only explicit consent
	RuleExistingCustomer = "existing_customer" // or a purchase before
	RuleNegotiation      = "negotiation"       // or having been about to buy
	RuleOptOut           = "opt_out"           // until the person objects
)

// Law is how a country treats mail that advertises. It is a reading of the law,
// not advice; see the source.
type Law struct {
	Country string // empty is every country that is not in the table
	Rule    string
	// PurchaseDays and InquiryDays bound how long ago those may be; 0 is no bound.
	PurchaseDays, InquiryDays int
	Confirmed                 bool   // explicit consent counts only when it was confirmed
	Postal                    bool   // the mail must show a postal address
	Source                    string // where it is written
	Noted                     string // the day on which the row was written (2026-11-23)
}

// strictest is the law of every country that is not known.
var strictest = Law{Rule: RuleOptIn, Confirmed: true, Postal: true, Source: "not in the table: the strictest rule"}

var laws = sync.OnceValue(func() map[string]Law {
	all, err := readLaws(lawsFile)
	if err != nil {
		panic(err) // the file is part of the program, and a test reads it
	}
	return all
})

func readLaws(text string) (map[string]Law, error) {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("gate: laws: %w", err)
	}
	all := map[string]Law{}
	for _, r := range rows[1:] {
		purchase, err1 := strconv.Atoi(r[2])
		inquiry, err2 := strconv.Atoi(r[3])
		_, err3 := time.Parse(time.DateOnly, r[7])
		known := slices.Contains([]string{RuleOptIn, RuleExistingCustomer, RuleNegotiation, RuleOptOut}, r[1])
		if err1 != nil || err2 != nil || err3 != nil || !known || len(r[0]) != 2 || r[6] == "" || all[r[0]].Country != "" {
			return nil, fmt.Errorf("gate: laws: the row of %q cannot be read", r[0])
		}
		all[r[0]] = Law{r[0], r[1], purchase, inquiry, r[4] == "yes", r[5] == "yes", r[6], r[7]}
	}
	return all, nil
}

// LawOf is the law of a country; of one that is not known, the strictest.
func LawOf(country string) Law { return lawOf(country) }

func lawOf(country string) Law {
	if l, ok := laws()[strings.ToUpper(country)]; ok {
		return l
	}
	return strictest
}

// basis says on what the mail may be sent at all: Allow with the basis, or Refuse.
func (l *Law) basis(now time.Time, a *Ask, f *Facts) Answer {
	if c := f.Consent; c != nil {
		switch {
		case !c.Granted:
			return Answer{Verdict: Refuse, Code: ConsentRefused}
		case c.Confirmed || !l.Confirmed:
			return Answer{Verdict: Allow, Code: ByConsent}
		}
	}
	rule := l.Rule
	if slices.Contains(a.Rules.OptInOnly, l.Country) {
		rule = RuleOptIn
	}
	within := func(at time.Time, days int) bool {
		return !at.IsZero() && !at.After(now) && (days == 0 || now.Sub(at) <= time.Duration(days)*24*time.Hour)
	}
	switch {
	case rule == RuleOptOut:
		return Answer{Verdict: Allow, Code: ByLaw}
	case rule == RuleOptIn || !a.Rules.SoftOptIn:
	case within(f.BoughtAt, l.PurchaseDays):
		return Answer{Verdict: Allow, Code: ByPurchase}
	case rule == RuleNegotiation && within(a.InquiredAt, l.InquiryDays):
		return Answer{Verdict: Allow, Code: ByNegotiation}
	}
	if f.Consent != nil {
		return Answer{Verdict: Refuse, Code: ConsentUnconfirmed}
	}
	return Answer{Verdict: Refuse, Code: ConsentMissing}
}
