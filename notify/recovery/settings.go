package recovery

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"doorstep/notify/gate"
)

// Settings is how a shop wins back carts. Caps and quiet hours hold for all of its
// mail that nobody has to be sent.
type Settings struct {
	Enabled bool `json:"enabled"`
	// DelaysMinutes is when each reminder is due, from the moment on at which the
	// shopper was last heard of.
	DelaysMinutes []int      `json:"delays_minutes"`
	Caps          []gate.Cap `json:"caps"`
	QuietFrom     string     `json:"quiet_from"` // 21:00, by the clock of the reader
	QuietTo       string     `json:"quiet_to"`   // 08:00; the same as QuietFrom is no quiet hours
	// SoftOptIn and OptInOnly are as in gate.Rules.
	SoftOptIn bool     `json:"soft_opt_in"`
	OptInOnly []string `json:"opt_in_only"`
	// CanaryBps of the people are written to at first, and the others only when
	// CanaryHours have passed since reminders were turned on and nobody has stopped
	// them; 10000 is everybody at once.
	CanaryBps   int `json:"canary_bps"`
	CanaryHours int `json:"canary_hours"`
	// HoldoutBps of the people are never reminded, for comparison.
	HoldoutBps int `json:"holdout_bps"`
	// WindowDays is how long after a reminder an order counts in the comparison.
	WindowDays int `json:"window_days"`
	// LinkDays is how long the link of a reminder works.
	LinkDays int `json:"link_days"`
	// LinkURL is the shop's own page for the link, with {token} in it; empty is the
	// program's.
	LinkURL string `json:"link_url"`
}

// State is the settings of a shop with what has happened to them.
type State struct {
	Settings
	Version    int64 // 0: never changed
	CanaryAt   *time.Time
	StoppedAt  *time.Time
	StopReason string
	UpdatedAt  time.Time
}

// Defaults are the settings of a shop that has not chosen any.
func Defaults() Settings {
	return Settings{
		DelaysMinutes: []int{60, 24 * 60, 72 * 60}, Caps: []gate.Cap{{Mails: 1, Hours: 24}, {Mails: 3, Hours: 168}}, QuietFrom: "21:00", QuietTo: "08:00",
		OptInOnly: []string{}, CanaryBps: 1000, CanaryHours: 24, HoldoutBps: 1000, WindowDays: 7, LinkDays: 30,
	}
}

// Limits of settings.
const (
	maxSteps = 5
	maxCaps  = 5
)

var aCountry = regexp.MustCompile(`^[A-Z]{2}$`)

// Validate finds what breaks a rule; the error is ErrSettings.
func (s *Settings) Validate() error {
	bad := ErrSettings
	need := func(ok bool, field, message string) {
		if !ok {
			bad = bad.At("body."+field, message)
		}
	}
	need(len(s.DelaysMinutes) >= 1 && len(s.DelaysMinutes) <= maxSteps, "delays_minutes", "must be 1 to 5")
	for i, d := range s.DelaysMinutes {
		need(d >= 1 && d <= 30*24*60 && (i == 0 || d > s.DelaysMinutes[i-1]), fmt.Sprintf("delays_minutes[%d]", i), "must be from a minute to 30 days, each later than the one before")
	}
	need(len(s.Caps) >= 1 && len(s.Caps) <= maxCaps, "caps", "must be 1 to 5")
	for i, c := range s.Caps {
		need(c.Mails >= 1 && c.Mails <= 100 && c.Hours >= 1 && c.Hours <= 31*24, fmt.Sprintf("caps[%d]", i), "must be 1 to 100 mails within 1 to 744 hours")
	}
	_, err := minutes(s.QuietFrom)
	need(err == nil, "quiet_from", "must be a time of day such as 21:00")
	_, err = minutes(s.QuietTo)
	need(err == nil, "quiet_to", "must be a time of day such as 08:00")
	need(len(s.OptInOnly) <= 300 && !slices.ContainsFunc(s.OptInOnly, func(c string) bool { return !aCountry.MatchString(c) }), "opt_in_only", "must be countries of two capital letters")
	need(s.CanaryBps >= 100 && s.CanaryBps <= 10000, "pilot_bps", "must be 100 to 10000")
	need(s.CanaryHours >= 0 && s.CanaryHours <= 14*24, "pilot_hours", "must be 0 to 336")
	need(s.HoldoutBps >= 0 && s.HoldoutBps <= 5000, "holdout_bps", "must be 0 to 5000")
	need(s.WindowDays >= 1 && s.WindowDays <= 30, "window_days", "must be 1 to 30")
	need(s.LinkDays >= 1 && s.LinkDays <= 90, "link_days", "must be 1 to 90")
	need(s.LinkURL == "" || validLink(s.LinkURL), "link_url", "must begin with https:// or http:// and hold {token} once")
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

func validLink(text string) bool {
	u, err := url.Parse(strings.Replace(text, "{token}", "t", 1))
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && strings.Count(text, "{token}") == 1 && len(text) <= 1000
}

// minutes reads a time of day.
func minutes(text string) (int, error) {
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != 5 {
		return 0, ErrSettings.At("time", "is no time of day")
	}
	return t.Hour()*60 + t.Minute(), nil
}

// rules are what the gate goes by, for a shop.
func (s *Settings) rules(shop *Shop) gate.Rules {
	from, _ := minutes(s.QuietFrom) // checked when they were set
	to, _ := minutes(s.QuietTo)
	zone := "UTC"
	if shop.Zone != nil {
		zone = shop.Zone.String()
	}
	return gate.Rules{
		Caps: s.Caps, Quiet: gate.Quiet{From: from, To: to}, SoftOptIn: s.SoftOptIn, OptInOnly: s.OptInOnly,
		Zone: zone, Sender: shop.Sender, Postal: len(shop.Postal) > 0,
	}
}

// holds says why nothing is sent now; empty when reminders go out.
func (s *State) holds() string {
	switch {
	case s.StoppedAt != nil:
		return CodeStopped
	case !s.Enabled:
		return CodeOff
	}
	return ""
}
