package shipping

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/shipping/carrier"
)

// The faults of accounts.
var (
	ErrAccount         = fault.New(fault.Invalid, "carrier_account_invalid", "Something about this carrier account breaks a rule; see errors.")
	ErrAccountNotFound = fault.New(fault.NotFound, "carrier_account_not_found", "There is no such carrier account.")
	ErrAccountTaken    = fault.New(fault.Conflict, "carrier_account_exists", "There is a carrier account with this code already. Give this one another code.")
	ErrAccountMany     = fault.New(fault.Conflict, "too_many_carrier_accounts", "A merchant has at most 50 carrier accounts. Delete one first.")
	ErrAccountVersion  = fault.New(fault.Stale, "version_mismatch", "The carrier account has changed since you read it.")
	ErrAccountOff      = fault.New(fault.Conflict, "carrier_account_disabled", "This carrier account is disabled. Enable it first.")
)

// Limits of accounts.
const (
	mostAccounts    = 50
	mostSettings    = 64 << 10 // bytes
	mostSecret      = 8 << 10  // of one credential
	mostPlaces      = 100
	usualTimeoutMS  = 1200 // below the deadline of a quote
	fewestTimeoutMS = 100
	mostTimeoutMS   = 10_000
)

// Maker makes the carriers of one kind; the program has one for each.
type Maker struct {
	// Needs are the names of credentials that an account must have, May those that
	// it can have.
	Needs, May []string
	// Settings says whether accounts have settings.
	Settings bool
	// New makes a carrier of an account. An error is about its settings or
	// credentials and is shown to the merchant, so it must not hold them.
	New func(Link) (carrier.Carrier, error)
}

// Link is what a carrier is made of.
type Link struct {
	BaseURL     string // empty is the carrier's own
	Credentials map[string]string
	Settings    json.RawMessage // an object
	// Transport carries the calls to BaseURL; nil means the carrier's usual one.
	Transport http.RoundTripper
	Clock     clock.Clock
}

// Address is where parcels are sent from.
type Address struct {
	Name     string `json:"name,omitempty"`
	Company  string `json:"company,omitempty"`
	Line1    string `json:"line1,omitempty"`
	Line2    string `json:"line2,omitempty"`
	City     string `json:"city,omitempty"`
	Region   string `json:"region,omitempty"`
	Postcode string `json:"postcode,omitempty"`
	Country  string `json:"country"`
	Phone    string `json:"phone,omitempty"`
	Email    string `json:"email,omitempty"`
}

func (a Address) carrier() carrier.Address {
	return carrier.Address{
		Name: a.Name, Company: a.Company, Line1: a.Line1, Line2: a.Line2, City: a.City, Region: a.Region, Postcode: a.Postcode,
		Country: a.Country, Phone: a.Phone, Email: a.Email,
	}
}

// AccountForm is what a merchant says of an account.
type AccountForm struct {
	Carrier string // one of Carriers
	Code    string // as policies name it; Carrier when empty
	Name    string
	BaseURL string
	// Credentials are written and never read back. In a change, those that are
	// named replace the stored ones and empty ones remove them.
	Credentials map[string]string
	Settings    json.RawMessage
	// ShipFrom are addresses by the id of a policy's origin; "" is for all others.
	ShipFrom  map[string]Address
	TimeoutMS int64 // how long a quote waits for it; 1200 when zero
	Enabled   bool
}

// Account is one account of a merchant with a carrier.
type Account struct {
	MerchantID, ID uuid.UUID
	AccountForm             // without Credentials
	Known          []string // names of the credentials it has, sorted
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time

	sealed []byte
}

// AccountsConfig is what Accounts need.
type AccountsConfig struct {
	DB *db.DB
	// Seal and Open keep credentials unreadable, bound to merchant and row.
	Seal func(merchant, row uuid.UUID, secret []byte) []byte
	Open func(merchant, row uuid.UUID, sealed []byte) ([]byte, error)
	// Carriers are those that can be linked, by name.
	Carriers map[string]Maker
	// Check says why an address may not be called, and Transport calls those that
	// merchants have given.
	Check     func(url string) error
	Transport http.RoundTripper
	Clock     clock.Clock
	Log       *slog.Logger
}

// Accounts keeps the merchants' accounts with carriers. It is safe for
// concurrent use.
type Accounts struct {
	AccountsConfig
	mu   sync.Mutex
	made map[uuid.UUID]made // by account
}

// made is a carrier of a version of an account: it holds connections and tokens.
type made struct {
	version int64
	carrier carrier.Carrier
}

// mostMade bounds how many carriers are kept ready.
const mostMade = 1000

// NewAccounts makes the service.
func NewAccounts(c AccountsConfig) *Accounts {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Accounts{AccountsConfig: c, made: map[uuid.UUID]made{}}
}

// Names lists the carriers that can be linked.
func (s *Accounts) Names() []string { return slices.Sorted(maps.Keys(s.Carriers)) }

// Carrier opens an account for a call that changes something: buying, tracking.
// It fails with ErrAccountNotFound, ErrAccountOff or ErrAccount.
func (s *Accounts) Carrier(ctx context.Context, merchant, account uuid.UUID) (carrier.Carrier, error) {
	a, err := s.Account(ctx, merchant, account)
	if err != nil {
		return nil, err
	}
	if !a.Enabled {
		return nil, ErrAccountOff
	}
	return s.carrier(&a)
}

// Origin is where the parcels of an account leave from when nothing else is
// said; false when nobody has said.
func (s *Accounts) Origin(ctx context.Context, merchant, account uuid.UUID) (carrier.Address, bool, error) {
	a, err := s.Account(ctx, merchant, account)
	if err != nil {
		return carrier.Address{}, false, err
	}
	from, ok := a.From("")
	return from, ok, nil
}

// From is where parcels from an origin of the policy leave; false when nobody
// has said.
func (a *Account) From(origin string) (carrier.Address, bool) {
	at, ok := a.ShipFrom[origin]
	if !ok {
		at, ok = a.ShipFrom[""]
	}
	if !ok && len(a.ShipFrom) == 1 && origin == "" {
		for _, only := range a.ShipFrom {
			at, ok = only, true
		}
	}
	return at.carrier(), ok
}

// carrier is the one of this version of the account.
func (s *Accounts) carrier(a *Account) (carrier.Carrier, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m, ok := s.made[a.ID]; ok && m.version == a.Version {
		return m.carrier, nil
	}
	secret, err := s.Open(a.MerchantID, a.ID, a.sealed)
	if err != nil {
		return nil, fmt.Errorf("shipping: credentials of carrier account %s: %w", a.ID, err)
	}
	form := a.AccountForm
	if err := json.Unmarshal(secret, &form.Credentials); err != nil {
		return nil, fmt.Errorf("shipping: credentials of carrier account %s cannot be read", a.ID)
	}
	c, err := s.make(&form)
	if err != nil {
		return nil, err
	}
	if len(s.made) >= mostMade {
		clear(s.made)
	}
	s.made[a.ID] = made{a.Version, c}
	return c, nil
}

func (s *Accounts) make(f *AccountForm) (carrier.Carrier, error) {
	maker, ok := s.Carriers[f.Carrier]
	if !ok {
		return nil, ErrAccount.At("carrier", "is none of "+strings.Join(s.Names(), ", "))
	}
	link := Link{BaseURL: f.BaseURL, Credentials: maps.Clone(f.Credentials), Settings: f.Settings, Clock: s.Clock}
	if f.BaseURL != "" {
		link.Transport = s.Transport
	}
	c, err := maker.New(link)
	if err != nil {
		return nil, ErrAccount.At("settings", err.Error()).Because(err)
	}
	return c, nil
}

var codeForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$`)

// check puts a form in order and says what is wrong with it.
func (s *Accounts) check(f *AccountForm) error {
	bad := ErrAccount
	maker, known := s.Carriers[f.Carrier]
	if !known {
		return bad.At("carrier", "is none of "+strings.Join(s.Names(), ", "))
	}
	if f.Code == "" {
		f.Code = f.Carrier
	}
	if !codeForm.MatchString(f.Code) {
		bad = bad.At("code", "must be 1 to 64 letters, digits, or any of _ . : -")
	}
	if f.Name = locale.Line(f.Name); utf8.RuneCountInString(f.Name) > 100 {
		bad = bad.At("name", "has at most 100 characters")
	}
	if f.BaseURL = strings.TrimRight(strings.TrimSpace(f.BaseURL), "/"); strings.Contains(f.BaseURL, "?") {
		bad = bad.At("base_url", "must not have a query")
	} else if f.BaseURL != "" {
		if err := s.Check(f.BaseURL); err != nil {
			text := "may not be called"
			if refused, ok := fault.As(err); ok {
				text = refused.Text
			}
			bad = bad.At("base_url", text)
		}
	}
	if f.TimeoutMS == 0 {
		f.TimeoutMS = usualTimeoutMS
	}
	if f.TimeoutMS < fewestTimeoutMS || f.TimeoutMS > mostTimeoutMS {
		bad = bad.At("timeout_ms", fmt.Sprintf("must be from %d to %d", fewestTimeoutMS, mostTimeoutMS))
	}
	bad = f.checkSettings(&maker, bad)
	bad = f.checkCredentials(&maker, bad)
	bad = f.checkPlaces(bad)
	if len(bad.Fields) > 0 {
		return bad
	}
	_, err := s.make(f)
	return err
}

func (f *AccountForm) checkSettings(maker *Maker, bad *fault.Error) *fault.Error {
	if f.Settings = bytes.TrimSpace(f.Settings); len(f.Settings) == 0 {
		f.Settings = json.RawMessage("{}")
	}
	var object map[string]any
	switch err := json.Unmarshal(f.Settings, &object); {
	case err != nil || len(f.Settings) > mostSettings:
		bad = bad.At("settings", fmt.Sprintf("must be an object of at most %d bytes", mostSettings))
	case len(object) > 0 && !maker.Settings:
		bad = bad.At("settings", "this carrier has none")
	}
	return bad
}

func (f *AccountForm) checkCredentials(maker *Maker, bad *fault.Error) *fault.Error {
	maps.DeleteFunc(f.Credentials, func(_, v string) bool { return v == "" })
	for _, name := range maker.Needs {
		if f.Credentials[name] == "" {
			bad = bad.At("credentials."+name, "is required")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Credentials)) {
		v := f.Credentials[name]
		switch {
		case !slices.Contains(maker.Needs, name) && !slices.Contains(maker.May, name):
			bad = bad.At("credentials", "has a name that is none of "+strings.Join(slices.Concat(maker.Needs, maker.May), ", "))
		case len(v) > mostSecret || !utf8.ValidString(v) || strings.ContainsAny(v, "\r\n\x00"):
			bad = bad.At("credentials."+name, "must be one line of text")
		}
	}
	return bad
}

func (f *AccountForm) checkPlaces(bad *fault.Error) *fault.Error {
	if len(f.ShipFrom) > mostPlaces {
		return bad.At("ship_from_by_origin", fmt.Sprintf("has at most %d addresses", mostPlaces))
	}
	for _, origin := range slices.Sorted(maps.Keys(f.ShipFrom)) {
		at, a := "ship_from", f.ShipFrom[origin]
		if origin != "" {
			at = "ship_from_by_origin." + origin
			if !codeForm.MatchString(origin) {
				bad = bad.At("ship_from_by_origin", "must be by ids of origins")
				continue
			}
		}
		if a.Country = strings.ToUpper(strings.TrimSpace(a.Country)); len(a.Country) != 2 {
			bad = bad.At(at+".country", "must be a country code of two letters")
		}
		for _, text := range []*string{&a.Name, &a.Company, &a.Line1, &a.Line2, &a.City, &a.Region, &a.Postcode, &a.Phone, &a.Email} {
			if *text = locale.Line(*text); utf8.RuneCountInString(*text) > 200 {
				bad = bad.At(at, "has a text of more than 200 characters")
			}
		}
		f.ShipFrom[origin] = a
	}
	return bad
}

// Trial is how an account answered when it was tried.
type Trial struct {
	OK        bool
	Code      string // why not: a carrier.Kind
	Message   string // the carrier's words
	LatencyMS int64
	Services  []string
}

// trialTime is how long a trial waits.
const trialTime = 4 * time.Second

// Test asks the carrier for the price of a parcel of a kilogram within the
// country it is sent from, to see that the credentials are right.
func (s *Accounts) Test(ctx context.Context, merchant, account uuid.UUID) (Trial, error) {
	a, err := s.Account(ctx, merchant, account)
	if err != nil {
		return Trial{}, err
	}
	from, ok := a.From("")
	if !ok {
		return Trial{}, ErrAccount.At("ship_from", "is needed to ask for a price")
	}
	c, err := s.carrier(&a)
	if err != nil {
		return Trial{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	began := s.Clock.Now()
	answer, err := c.Rates(ctx, carrier.RateRequest{
		From: from, To: from, ShipAt: began,
		Parcels: []carrier.Parcel{{LengthMM: 200, WidthMM: 150, HeightMM: 100, WeightG: 1000}},
	})
	t := Trial{OK: err == nil, LatencyMS: s.Clock.Now().Sub(began).Milliseconds(), Services: []string{}}
	for _, r := range answer.Rates {
		if !slices.Contains(t.Services, r.Service) {
			t.Services = append(t.Services, r.Service)
		}
	}
	if err == nil {
		return t, nil
	}
	t.Code, t.Message = string(carrier.KindOf(err)), "The carrier gave no answer that can be used."
	if e, ok := carrierError(err); ok && e.Text != "" {
		t.Message = e.Text
	}
	if k := carrier.KindOf(err); k == carrier.KindNotServiceable || k == carrier.KindInvalid {
		t.OK = true // it knows us, and only does not want this parcel
	}
	return t, nil
}
