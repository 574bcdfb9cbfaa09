// Package table is a carrier without an API: a post or a local courier whose
// prices stand in a table of the shop's own, whose tracking numbers are checked
// by their check digit, and whose events people write down. It never touches the
// network.
package table

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// name is the carrier's in settings, policies and errors.
const name = "table"

// Settings are one table. With a preset, what is left empty is the preset's;
// prices are always the shop's own.
type Settings struct {
	Preset   string    `json:"preset,omitempty"` // one of Presets
	Name     string    `json:"name,omitempty"`   // as people know the carrier
	Country  string    `json:"country"`          // where it takes parcels in, ISO 3166-1
	Currency string    `json:"currency"`
	Services []Service `json:"services"`
}

// Service is one product.
type Service struct {
	Code        string        `json:"code"`
	Name        string        `json:"name,omitempty"`
	Level       carrier.Level `json:"level,omitempty"`
	Series      string        `json:"series,omitempty"`         // first letter of its S10 numbers: E, C, R...; empty: numbers are not S10
	MostG       int64         `json:"max_weight_g,omitempty"`   // 0: no limit
	MostSideMM  int64         `json:"max_side_mm,omitempty"`    // of the longest side
	MostGirthMM int64         `json:"max_girth_mm,omitempty"`   // longest side and twice the others
	Divisor     int64         `json:"volume_divisor,omitempty"` // cm3 a kg; 0: volume does not count
	Rows        []Row         `json:"rows"`
}

// Row is a price for some countries and weights.
type Row struct {
	To        []string `json:"to"`                   // ISO 3166-1, or "*" for all that no other row of the service names
	FromG     int64    `json:"from_g,omitempty"`     // above this weight
	UpToG     int64    `json:"up_to_g"`              // up to and with this
	Price     int64    `json:"price"`                // minor units
	StepG     int64    `json:"step_g,omitempty"`     // for each started step above FromG,
	StepPrice int64    `json:"step_price,omitempty"` // this is added
	Days      int      `json:"transit_days,omitempty"`
}

// Table is one such carrier. It is safe for concurrent use.
type Table struct{ settings Settings }

var (
	_ carrier.Carrier       = (*Table)(nil)
	_ carrier.Coder         = (*Table)(nil)
	_ carrier.NumberChecker = (*Table)(nil)
	_ carrier.Noter         = (*Table)(nil)
)

// Read makes a table of its settings as JSON. The error names the wrong place
// and may be shown to the merchant.
func Read(document []byte) (*Table, error) {
	var s Settings
	d := json.NewDecoder(strings.NewReader(string(document)))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	return New(s)
}

// New makes a table. The error names the wrong place and may be shown to the
// merchant.
func New(s Settings) (*Table, error) {
	if err := s.preset(); err != nil {
		return nil, err
	}
	s.Services = slices.Clone(s.Services)
	if len(s.Country) != 2 || strings.ToUpper(s.Country) != s.Country {
		return nil, errors.New("country: must be an ISO 3166-1 code such as KH")
	}
	if !money.Known(s.Currency) {
		return nil, errors.New("currency: must be an ISO 4217 code such as USD")
	}
	if len(s.Services) == 0 || len(s.Services) > 50 {
		return nil, errors.New("services: must be 1 to 50")
	}
	if s.Name == "" {
		s.Name = name
	}
	seen := map[string]bool{}
	for i := range s.Services {
		v := &s.Services[i]
		if err := v.check(); err != nil {
			return nil, fmt.Errorf("services[%d].%w", i, err)
		}
		if seen[v.Code] {
			return nil, fmt.Errorf("services[%d].code: %q is there twice", i, v.Code)
		}
		seen[v.Code] = true
	}
	return &Table{s}, nil
}

var levels = []carrier.Level{carrier.Economy, carrier.Standard, carrier.Expedited, carrier.Express, carrier.Overnight}

func (v *Service) check() error {
	if v.Name == "" {
		v.Name = v.Code
	}
	if v.Level == "" {
		v.Level = carrier.Standard
	}
	switch {
	case v.Code == "" || len(v.Code) > 64:
		return errors.New("code: is missing or longer than 64 signs")
	case !slices.Contains(levels, v.Level):
		return errors.New("level: must be economy, standard, expedited, express or overnight")
	case v.Series != "" && (len(v.Series) != 1 || v.Series < "A" || v.Series > "Z"):
		return errors.New("series: must be one letter from A to Z")
	case v.MostG < 0 || v.MostSideMM < 0 || v.MostGirthMM < 0 || v.Divisor < 0:
		return errors.New("limits: must not be negative")
	case len(v.Rows) == 0 || len(v.Rows) > 2000:
		return errors.New("rows: must be 1 to 2000")
	}
	for i, r := range v.Rows {
		if err := r.check(); err != nil {
			return fmt.Errorf("rows[%d].%w", i, err)
		}
		for j, other := range v.Rows[:i] {
			if r.FromG < other.UpToG && other.FromG < r.UpToG && slices.ContainsFunc(r.To, func(c string) bool { return slices.Contains(other.To, c) }) {
				return fmt.Errorf("rows[%d]: overlaps rows[%d]", i, j)
			}
		}
	}
	return nil
}

// most bounds weights and prices, so that no sum of parcels overflows.
const most = 1_000_000_000_000

func (r Row) check() error {
	switch {
	case len(r.To) == 0:
		return errors.New(`to: must name countries or "*"`)
	case slices.ContainsFunc(r.To, func(c string) bool { return c != "*" && (len(c) != 2 || strings.ToUpper(c) != c) }):
		return errors.New(`to: must be ISO 3166-1 codes or "*"`)
	case r.FromG < 0 || r.UpToG <= r.FromG || r.UpToG > most:
		return errors.New("up_to_g: must be above from_g")
	case r.Price < 0 || r.Price > most || r.StepPrice < 0 || r.StepPrice > most/1_000_000:
		return errors.New("price: must not be negative, nor beyond all reason")
	case r.StepG < 0 || (r.StepG == 0) != (r.StepPrice == 0):
		return errors.New("step_g: goes with step_price")
	case r.StepG > 0 && (r.UpToG-r.FromG)/r.StepG > 1_000_000:
		return errors.New("step_g: makes too many steps")
	case r.Days < 0 || r.Days > 365:
		return errors.New("transit_days: must be 0 to 365")
	}
	return nil
}

// Name is "table".
func (t *Table) Name() string { return name }

// Capabilities is what a table can do.
func (t *Table) Capabilities() carrier.Capabilities {
	c := carrier.Capabilities{MultiParcel: true, Countries: []string{t.settings.Country}}
	for _, s := range t.settings.Services {
		abroad := !slices.ContainsFunc(s.Rows, func(r Row) bool { return slices.Contains(r.To, t.settings.Country) })
		c.Services = append(c.Services, carrier.Service{Code: s.Code, Name: s.Name, Level: s.Level, International: abroad})
		c.MostParcelG = max(c.MostParcelG, s.MostG)
	}
	return c
}

func fail(call string, kind carrier.Kind, field, text string) *carrier.Error {
	return &carrier.Error{Carrier: name, Call: call, Kind: kind, Field: field, Text: carrier.Clip(text)}
}

// Rates looks the parcels up, each by itself: a service costs what it costs for
// all of them, and is refused when it does not take one.
func (t *Table) Rates(ctx context.Context, r carrier.RateRequest) (carrier.RateAnswer, error) {
	var a carrier.RateAnswer
	switch {
	case ctx.Err() != nil:
		kind := carrier.KindCanceled
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			kind = carrier.KindTimeout
		}
		return a, &carrier.Error{Carrier: name, Call: "rates", Kind: kind, Cause: ctx.Err()}
	case len(r.Parcels) == 0:
		return a, fail("rates", carrier.KindInvalid, "parcels", "are missing")
	case r.From.Country != "" && r.From.Country != t.settings.Country:
		return a, fail("rates", carrier.KindNotServiceable, "from.country", t.settings.Name+" takes parcels in "+t.settings.Country)
	}
	for _, s := range t.settings.Services {
		if len(r.Services) > 0 && !slices.Contains(r.Services, s.Code) {
			continue
		}
		rate, why := s.rate(r)
		if why != "" {
			a.Refused = append(a.Refused, carrier.Refusal{Service: s.Code, Kind: carrier.KindNotServiceable, Text: why})
			continue
		}
		rate.Carrier, rate.Total.Currency = t.settings.Name, t.settings.Currency
		for i := range rate.Charges {
			rate.Charges[i].Amount.Currency = t.settings.Currency
		}
		a.Rates = append(a.Rates, rate)
	}
	return a, nil
}

// rate prices a service, or says why it does not take the parcels.
func (s Service) rate(r carrier.RateRequest) (out carrier.Rate, why string) {
	out = carrier.Rate{Service: s.Code, Level: s.Level, ID: s.Code}
	if r.Options != (carrier.Options{Return: r.Options.Return}) {
		return out, "signature, insurance, collecting and the like are not in the table"
	}
	for i, p := range r.Parcels {
		sides := []int64{p.LengthMM, p.WidthMM, p.HeightMM}
		slices.Sort(sides)
		switch {
		case p.WeightG < 0 || sides[0] < 0 || p.WeightG > most || sides[2] > 100_000:
			return out, "a parcel's size makes no sense"
		case s.MostG > 0 && p.WeightG > s.MostG:
			return out, fmt.Sprintf("takes at most %d g", s.MostG)
		case s.MostSideMM > 0 && sides[2] > s.MostSideMM:
			return out, fmt.Sprintf("takes at most %d mm of length", s.MostSideMM)
		case s.MostGirthMM > 0 && sides[2]+2*(sides[0]+sides[1]) > s.MostGirthMM:
			return out, fmt.Sprintf("takes at most %d mm of length and girth", s.MostGirthMM)
		}
		g := max(p.WeightG, 1)
		if s.Divisor > 0 { // mm3 / (cm3 a kg) is g
			g = max(g, (sides[0]*sides[1]*sides[2]+s.Divisor-1)/s.Divisor)
		}
		row, ok := s.row(r.To.Country, g)
		if !ok {
			return out, fmt.Sprintf("no price to %s for %d g", r.To.Country, g)
		}
		price := row.Price
		if row.StepG > 0 {
			price += (g - row.FromG + row.StepG - 1) / row.StepG * row.StepPrice
		}
		if out.Total.Minor += price; out.Total.Minor > most*1000 {
			return out, "the price makes no sense"
		}
		out.BillableG += g
		out.TransitDays = max(out.TransitDays, row.Days)
		out.Charges = append(out.Charges, carrier.Charge{Kind: carrier.ChargeBase, Name: fmt.Sprintf("parcel %d", i+1), Amount: money.Of(price, "")})
	}
	return out, ""
}

// row is the price for a country and weight; a row that names the country goes
// before one for all others, even when its weights do not fit.
func (s Service) row(country string, g int64) (Row, bool) {
	wanted := "*"
	for _, r := range s.Rows {
		if slices.Contains(r.To, country) {
			wanted = country
		}
	}
	for _, r := range s.Rows {
		if slices.Contains(r.To, wanted) && g > r.FromG && g <= r.UpToG {
			return r, true
		}
	}
	return Row{}, false
}

// Buy is unsupported: labels are bought at the counter, and the number on them
// is written down; see CheckNumber.
func (t *Table) Buy(context.Context, carrier.ShipmentRequest) (carrier.Label, error) {
	return carrier.Label{}, fail("buy", carrier.KindUnsupported, "", "labels are bought at the counter; write their number down")
}

// Void is unsupported.
func (t *Table) Void(context.Context, carrier.LabelRef) error {
	return fail("void", carrier.KindUnsupported, "", "labels are given back at the counter")
}

// Track is unsupported: nobody tells but people; see Note.
func (t *Table) Track(context.Context, []string) ([]carrier.Tracked, error) {
	return nil, fail("track", carrier.KindUnsupported, "", "events are written down by people")
}

// ParseWebhook is unsupported.
func (t *Table) ParseWebhook(http.Header, []byte) ([]carrier.Tracked, error) {
	return nil, fail("webhook", carrier.KindUnsupported, "", "it sends none")
}

// CheckNumber says whether a number can be one of the carrier's: when any of its
// services has S10 numbers, 13 signs whose check digit is right, of the
// carrier's country and one of its series. The error says what is wrong.
func (t *Table) CheckNumber(number string) error {
	var series string
	for _, s := range t.settings.Services {
		series += s.Series
	}
	if series == "" {
		if n := len(strings.TrimSpace(number)); n < 4 || n > 40 {
			return fail("number", carrier.KindInvalid, "number", "must have 4 to 40 signs")
		}
		return nil
	}
	if err := CheckS10(number); err != nil {
		return fail("number", carrier.KindInvalid, "number", err.Error())
	}
	number = normalS10(number)
	switch {
	case number[11:] != t.settings.Country:
		return fail("number", carrier.KindInvalid, "number", "is of "+number[11:]+", not of "+t.settings.Country)
	case !strings.Contains(series, number[:1]):
		return fail("number", carrier.KindInvalid, "number", "begins with "+number[:1]+", which is none of the services'")
	}
	return nil
}

// Note makes an event that somebody read off the post's page: its code is one of
// Codes. A code that is in no table is kept as unknown.
func (t *Table) Note(number, code string, at time.Time, location, text string) (carrier.Tracked, error) {
	if err := t.CheckNumber(number); err != nil {
		return carrier.Tracked{}, err
	}
	code = strings.ToUpper(strings.TrimSpace(code))
	if code == "" || at.IsZero() {
		return carrier.Tracked{}, fail("note", carrier.KindInvalid, "code", "and time must be given")
	}
	m, ok := events[code]
	if !ok {
		m.status = carrier.StatusUnknown
	}
	if text == "" {
		text = m.text
	}
	if location == "" {
		location = t.settings.Country
	}
	out := carrier.Tracked{Number: strings.ReplaceAll(strings.TrimSpace(number), " ", ""), Carrier: t.settings.Name}
	out.Events = []carrier.Event{{Code: carrier.Clip(code), Status: m.status, Reason: m.reason, Description: carrier.Clip(text), Location: carrier.Clip(location), At: at}}
	if m.status == carrier.StatusDelivered {
		out.Delivered = at
	}
	return out, nil
}
