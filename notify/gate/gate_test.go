package gate

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func open(caps ...Cap) Rules {
	return Rules{Caps: caps, Quiet: Quiet{From: 21 * 60, To: 8 * 60}, SoftOptIn: true, Sender: true, Postal: true, Zone: "UTC"}
}

var noon = time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC) // noon in New York, 9:00 in California

func TestEveryRowOfTheLawsHasItsSourceAndDay(t *testing.T) {
	t.Parallel()
	all, err := readLaws(lawsFile)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 40 {
		t.Errorf("only %d countries", len(all))
	}
	for country := range all {
		if zoneNames()[country] == nil {
			t.Errorf("%s has a law and no zone", country)
		}
	}
	for _, broken := range []string{
		"h\nAM,whatever,0,0,no,no,x,2026-01-01\n", "h\nAM,opt_in,0,0,no,no,,2026-01-01\n", "h\nAM,opt_in,0,0,no,no,x,soon\n", "h\nAM,opt_in,many,0,no,no,x,2026-01-01\n",
	} {
		if _, err := readLaws("country,rule,purchase_days,inquiry_days,confirmed,postal,source,noted" + broken[1:]); err == nil {
			t.Errorf("%q is read", broken)
		}
	}
}

func TestEveryZoneOfTheTableIsKnown(t *testing.T) {
	t.Parallel()
	for country, names := range zoneNames() {
		for _, name := range names {
			if _, err := time.LoadLocation(name); err != nil {
				t.Errorf("%s: %v", country, err)
			}
		}
	}
}

func TestWhoMayBeWrittenTo(t *testing.T) {
	t.Parallel()
	yes, no := &Consent{Granted: true}, &Consent{}
	sure := &Consent{Granted: true, Confirmed: true}
	bought := noon.Add(-400 * 24 * time.Hour)
	cases := []struct {
		name    string
		country string
		rules   func(*Rules)
		asked   time.Time
		facts   Facts
		verdict Verdict
		code    string
	}{
		{"a country without a rule asks for consent", "XX", nil, noon, Facts{BoughtAt: bought}, Refuse, ConsentMissing},
		{"no country at all asks for consent", "", nil, noon, Facts{}, Refuse, ConsentMissing},
		{"an unknown country asks for confirmed consent", "XX", nil, noon, Facts{Consent: yes}, Refuse, ConsentUnconfirmed},
		{"confirmed consent is enough everywhere", "XX", nil, noon, Facts{Consent: sure}, Allow, ByConsent},
		{"Armenia asks for consent", "AM", nil, noon, Facts{BoughtAt: noon.Add(-time.Hour)}, Refuse, ConsentMissing},
		{"consent is enough in Armenia", "AM", nil, noon, Facts{Consent: yes}, Allow, ByConsent},
		{"the newest record says no", "US", nil, noon, Facts{Consent: no}, Refuse, ConsentRefused},
		{"America allows until it is refused", "US", nil, noon, Facts{}, Allow, ByLaw},
		{"America asks for a postal address", "US", func(r *Rules) { r.Postal = false }, noon, Facts{}, Refuse, SenderIncomplete},
		{"nobody is written to by nobody", "GB", func(r *Rules) { r.Sender = false }, noon, Facts{Consent: sure}, Refuse, SenderIncomplete},
		{"a cart is a negotiation in Britain", "GB", nil, noon.Add(-time.Hour), Facts{}, Allow, ByNegotiation},
		{"a cart of last year is none", "GB", nil, noon.Add(-200 * 24 * time.Hour), Facts{}, Refuse, ConsentMissing},
		{"a cart is no purchase in France", "FR", nil, noon.Add(-time.Hour), Facts{}, Refuse, ConsentMissing},
		{"a customer may be reminded in France", "FR", nil, noon, Facts{BoughtAt: bought}, Allow, ByPurchase},
		{"a purchase in Ireland counts for a year", "IE", nil, noon, Facts{BoughtAt: bought}, Refuse, ConsentMissing},
		{"without a word at the form no exception counts", "FR", func(r *Rules) { r.SoftOptIn = false }, noon, Facts{BoughtAt: bought}, Refuse, ConsentMissing},
		{"a shop may be stricter", "US", func(r *Rules) { r.OptInOnly = []string{"US"} }, noon, Facts{}, Refuse, ConsentMissing},
		{"Germany wants consent confirmed", "DE", nil, noon, Facts{Consent: yes}, Refuse, ConsentUnconfirmed},
		{"a complaint ends it, consent or not", "US", nil, noon, Facts{Consent: sure, Suppressed: Complained}, Refuse, Complained},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := &Ask{Country: c.country, InquiredAt: c.asked, Rules: open(), Zone: "America/New_York"}
			if c.rules != nil {
				c.rules(&a.Rules)
			}
			if got := Decide(noon, a, &c.facts); got.Verdict != c.verdict || got.Code != c.code {
				t.Errorf("%s %s, want %s %s", got.Verdict, got.Code, c.verdict, c.code)
			}
		})
	}
}

func TestNobodyIsWrittenToAtNightWhereTheyMayLive(t *testing.T) {
	t.Parallel()
	a := &Ask{Country: "US", Rules: open()}
	// Noon in New York is seven in the morning in Hawaii.
	got := Decide(noon, a, &Facts{})
	hawaii, _ := time.LoadLocation("Pacific/Honolulu")
	if want := time.Date(2026, 3, 2, 8, 0, 0, 0, hawaii); got.Verdict != Wait || got.Code != QuietHours || !got.Until.Equal(want) {
		t.Errorf("%+v, want to wait until %v", got, want)
	}
	a.Zone = "America/New_York"
	if got := Decide(noon, a, &Facts{}); got.Verdict != Allow {
		t.Errorf("who is known to live in New York waits: %+v", got)
	}
}

func TestANightWithAnotherLengthEndsWhenItsClockSaysSo(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Yerevan", "Pacific/Apia"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		q := Quiet{From: 22 * 60, To: 2*60 + 30} // ends within the hour that is left out or doubled
		for day := range 365 {
			at := time.Date(2026, 1, 1, 23, 0, 0, 0, zone).AddDate(0, 0, day)
			end := q.end(at, zone)
			// Minute by minute, as slowly as it is surely right.
			slow := at
			for q.has(slow.In(zone)) {
				slow = slow.Add(time.Minute)
			}
			if !end.Equal(slow) {
				t.Fatalf("%s on %s: ends at %s, want %s", name, at, end.In(zone), slow)
			}
		}
	}
}

// Whatever is asked when: within every window at most as many mails pass as the
// caps say, none passes in quiet hours, and a wait is long enough.
func TestCapsAndQuietHoursAreNeverBroken(t *testing.T) {
	t.Parallel()
	countries := []string{"US", "GB", "AM", "AU", "RU", "FR", "", "KI", "XX", "NZ", "DE"}
	rapid.Check(t, func(t *rapid.T) {
		var caps []Cap
		for range rapid.IntRange(0, 3).Draw(t, "caps") {
			caps = append(caps, Cap{rapid.IntRange(1, 4).Draw(t, "mails"), rapid.IntRange(1, 200).Draw(t, "hours")})
		}
		a := &Ask{Country: rapid.SampledFrom(countries).Draw(t, "country"), Rules: open(caps...)}
		a.Rules.Zone = rapid.SampledFrom([]string{"UTC", "Asia/Yerevan", "America/New_York"}).Draw(t, "shop")
		if rapid.Bool().Draw(t, "zone known") {
			a.Zone = rapid.SampledFrom([]string{"Europe/Berlin", "Asia/Phnom_Penh", "Australia/Lord_Howe"}).Draw(t, "zone")
		}
		a.Rules.Quiet = Quiet{rapid.IntRange(0, 1439).Draw(t, "from"), rapid.IntRange(0, 1439).Draw(t, "to")}
		now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 400*24*60).Draw(t, "start")) * time.Minute)
		facts := &Facts{Consent: &Consent{true, true}}
		for range rapid.IntRange(1, 40).Draw(t, "mails") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30*60).Draw(t, "later")) * time.Minute)
			got := Decide(now, a, facts)
			switch got.Verdict {
			case Allow:
				facts.Passed = append(facts.Passed, now)
				checkNight(t, a, now)
			case Wait:
				if !got.Until.After(now) {
					t.Fatalf("waits until %s at %s", got.Until, now)
				}
				if again := Decide(got.Until, a, facts); again.Verdict == Wait && got.Until.Sub(now) < longestWait {
					t.Fatalf("told to come at %s, and again to wait: %+v", got.Until, again)
				}
			default:
				t.Fatalf("refused: %+v", got)
			}
			if rapid.Bool().Draw(t, "comes as told") && got.Verdict == Wait {
				now = got.Until
			}
		}
		for _, c := range caps {
			for i, at := range facts.Passed {
				n := 0
				for _, other := range facts.Passed[i:] {
					if other.Sub(at) < c.window() {
						n++
					}
				}
				if n > c.Mails {
					t.Fatalf("%d mails within %d hours, allowed are %d", n, c.Hours, c.Mails)
				}
			}
		}
	})
}

func checkNight(t *rapid.T, a *Ask, now time.Time) {
	zones := zonesOf(a)
	quiet := slices.ContainsFunc(zones, func(z *time.Location) bool { return a.Rules.Quiet.has(now.In(z)) })
	if !quiet || a.Rules.Quiet.From == a.Rules.Quiet.To {
		return
	}
	// Only where it is never day in all zones at once may the others sleep.
	if a.Rules.Quiet.has(now.In(zones[0])) {
		t.Fatalf("written to at %s", now.In(zones[0]))
	}
	for at := now.Add(-25 * time.Hour); at.Before(now.Add(25 * time.Hour)); at = at.Add(time.Minute) {
		if !slices.ContainsFunc(zones, func(z *time.Location) bool { return a.Rules.Quiet.has(at.In(z)) }) {
			t.Fatalf("written to at %s, when some sleep; at %s none would", now, at)
		}
	}
}
