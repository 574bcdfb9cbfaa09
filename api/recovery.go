package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/notify/gate"
	"doorstep/notify/recovery"

	"github.com/google/uuid"
)

// recoveryRoom is all that these routes ask of their room.
type recoveryRoom interface {
	State(ctx context.Context, merchant uuid.UUID) (*recovery.State, error)
	Change(ctx context.Context, merchant uuid.UUID, ifVersion *int64, patch func(*recovery.Settings) error) (*recovery.State, error)
	Stop(ctx context.Context, merchant uuid.UUID, reason string) (*recovery.State, error)
	Resume(ctx context.Context, merchant uuid.UUID) (*recovery.State, error)
	DryRun(ctx context.Context, merchant uuid.UUID, samples int, patch func(*recovery.Settings) error) (*recovery.DryRun, error)
	Report(ctx context.Context, merchant uuid.UUID, from, to time.Time) (*recovery.Report, error)
	Preview(ctx context.Context, token, language string) (*recovery.Preview, error)
	Restore(ctx context.Context, token, language string) (*recovery.Preview, error)
}

// MailCap is how many mails one person may get within some hours.
type MailCap struct {
	Mails int `json:"mails" minimum:"1" maximum:"100" example:"1"`
	Hours int `json:"hours" minimum:"1" maximum:"744" example:"24"`
}

// RecoverySettings is how carts that were left are won back.
type RecoverySettings struct {
	Version     int64      `json:"version"`
	Enabled     bool       `json:"enabled"`
	Delays      []int      `json:"delays_minutes" doc:"When each reminder is due after the shopper was last heard of"`
	Caps        []MailCap  `json:"caps" doc:"For all mails that are not about an order, together"`
	QuietFrom   string     `json:"quiet_from" example:"21:00" doc:"By the clock of the reader"`
	QuietTo     string     `json:"quiet_to" example:"08:00"`
	SoftOptIn   bool       `json:"soft_opt_in" doc:"The shop tells everybody who types an address what it will be used for, and lets them refuse there: then the exceptions of a country's law for customers count"`
	OptInOnly   []string   `json:"opt_in_only" doc:"Countries where explicit consent is asked for anyway"`
	CanaryBps   int        `json:"pilot_bps" doc:"How many of the people are written to first, in basis points"`
	CanaryHours int        `json:"pilot_hours" doc:"How long the others wait then"`
	HoldoutBps  int        `json:"holdout_bps" doc:"How many of the people are never reminded, for comparison"`
	WindowDays  int        `json:"window_days" doc:"How long after a reminder an order counts in the comparison"`
	LinkDays    int        `json:"link_days" doc:"How long the link of a reminder works"`
	LinkURL     string     `json:"link_url" doc:"The shop's own page for the link, with {token} in it; empty is ours"`
	Stopped     bool       `json:"stopped"`
	StoppedAt   *time.Time `json:"stopped_at,omitempty"`
	StopReason  string     `json:"stop_reason,omitempty"`
	CanaryAt    *time.Time `json:"pilot_at,omitempty" doc:"Since when the first few are written to"`
}

// RecoverySettingsPatch changes what it names and leaves the rest.
type RecoverySettingsPatch struct {
	Enabled     *bool      `json:"enabled,omitempty"`
	Delays      *[]int     `json:"delays_minutes,omitempty" minItems:"1" maxItems:"5" minimum:"1" maximum:"43200" example:"[60,1440,4320]"`
	Caps        *[]MailCap `json:"caps,omitempty" minItems:"1" maxItems:"5"`
	QuietFrom   *string    `json:"quiet_from,omitempty" maxLength:"5" pattern:"^[0-2][0-9]:[0-5][0-9]$" example:"21:00"`
	QuietTo     *string    `json:"quiet_to,omitempty" maxLength:"5" pattern:"^[0-2][0-9]:[0-5][0-9]$" example:"08:00"`
	SoftOptIn   *bool      `json:"soft_opt_in,omitempty"`
	OptInOnly   *[]string  `json:"opt_in_only,omitempty" maxItems:"300" maxLength:"2" example:"US"`
	CanaryBps   *int       `json:"pilot_bps,omitempty" minimum:"100" maximum:"10000" example:"1000"`
	CanaryHours *int       `json:"pilot_hours,omitempty" minimum:"0" maximum:"336" example:"24"`
	HoldoutBps  *int       `json:"holdout_bps,omitempty" minimum:"0" maximum:"5000" example:"1000"`
	WindowDays  *int       `json:"window_days,omitempty" minimum:"1" maximum:"30" example:"7"`
	LinkDays    *int       `json:"link_days,omitempty" minimum:"1" maximum:"90" example:"30"`
	LinkURL     *string    `json:"link_url,omitempty" maxLength:"1000" example:"https://shop.example/back/{token}"`
}

func (p *RecoverySettingsPatch) apply(s *recovery.Settings) {
	put(&s.Enabled, p.Enabled)
	put(&s.DelaysMinutes, p.Delays)
	put(&s.QuietFrom, p.QuietFrom)
	put(&s.QuietTo, p.QuietTo)
	put(&s.SoftOptIn, p.SoftOptIn)
	put(&s.OptInOnly, p.OptInOnly)
	put(&s.CanaryBps, p.CanaryBps)
	put(&s.CanaryHours, p.CanaryHours)
	put(&s.HoldoutBps, p.HoldoutBps)
	put(&s.WindowDays, p.WindowDays)
	put(&s.LinkDays, p.LinkDays)
	put(&s.LinkURL, p.LinkURL)
	if p.Caps != nil {
		s.Caps = make([]gate.Cap, len(*p.Caps))
		for i, c := range *p.Caps {
			s.Caps[i] = gate.Cap(c)
		}
	}
}

func recoverySettingsOf(st *recovery.State) RecoverySettings {
	b := RecoverySettings{
		Version: st.Version, Enabled: st.Enabled, Delays: st.DelaysMinutes, Caps: make([]MailCap, len(st.Caps)), QuietFrom: st.QuietFrom, QuietTo: st.QuietTo,
		SoftOptIn: st.SoftOptIn, OptInOnly: orEmpty(st.OptInOnly), CanaryBps: st.CanaryBps, CanaryHours: st.CanaryHours, HoldoutBps: st.HoldoutBps,
		WindowDays: st.WindowDays, LinkDays: st.LinkDays, LinkURL: st.LinkURL, Stopped: st.StoppedAt != nil, StoppedAt: st.StoppedAt, StopReason: st.StopReason,
		CanaryAt: st.CanaryAt,
	}
	for i, c := range st.Caps {
		b.Caps[i] = MailCap(c)
	}
	return b
}

type recoverySettingsOut struct {
	ETag string `header:"ETag"`
	Body RecoverySettings
}

func oneRecoverySettings(st *recovery.State, err error) (*recoverySettingsOut, error) {
	if err != nil {
		return nil, err
	}
	return &recoverySettingsOut{ETag: etag(st.Version), Body: recoverySettingsOf(st)}, nil
}

type changeRecoveryIn struct {
	IfMatch
	Body RecoverySettingsPatch
}

type stopRecoveryIn struct {
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"200" example:"A wrong price in the spring catalogue"`
	}
}

type dryRunIn struct {
	Body struct {
		Samples  int                    `json:"samples,omitempty" minimum:"0" maximum:"5" example:"2" doc:"How many mails to show"`
		Settings *RecoverySettingsPatch `json:"settings,omitempty" doc:"As if these were the settings"`
	}
}

// RecoveryTrial is how many reminders would meet with the same verdict.
type RecoveryTrial struct {
	Verdict string `json:"verdict" enum:"allow,wait,refuse,hold_out"`
	Code    string `json:"code" example:"consent_missing" doc:"Why; docs/recovery.md lists them"`
	Count   int    `json:"count"`
}

// RecoverySample is a mail as it would be sent; it names nobody.
type RecoverySample struct {
	Step     int       `json:"step"`
	DueAt    time.Time `json:"due_at"`
	Language string    `json:"language"`
	Subject  string    `json:"subject"`
	Text     string    `json:"text"`
	HTML     string    `json:"html"`
}

// RecoveryDryRun is what sending all that is planned would do now.
type RecoveryDryRun struct {
	At      time.Time        `json:"at"`
	Planned int              `json:"planned" doc:"Reminders that were looked at"`
	Partly  bool             `json:"partly" doc:"There are more; the next 500 were looked at"`
	Trials  []RecoveryTrial  `json:"verdicts"`
	Samples []RecoverySample `json:"samples"`
}

type dryRunOut struct {
	Body RecoveryDryRun
}

func registerRecovery(s *Server, svc recoveryRoom) {
	const tag, path = "recovery", "/v1/recovery/settings"
	read, write := secret("settings:read"), secret("settings:write")
	handle(s, Route{
		ID: "read-recovery-settings", Method: http.MethodGet, Path: path, Tag: tag, Summary: "Read how carts that were left are won back", Auth: read,
	}, func(ctx context.Context, _ *struct{}) (*recoverySettingsOut, error) {
		return oneRecoverySettings(svc.State(ctx, caller(ctx).Merchant))
	})
	handle(s, Route{
		ID: "change-recovery-settings", Method: http.MethodPatch, Path: path, Tag: tag, Summary: "Change how carts that were left are won back",
		Description: "Turning reminders on begins with a canary: the first few people are written to, the others only after pilot_hours.",
		Auth:        write, Errors: []*fault.Error{recovery.ErrSettings, recovery.ErrVersion},
	}, func(ctx context.Context, in *changeRecoveryIn) (*recoverySettingsOut, error) {
		base, err := in.baseOr()
		if err != nil {
			return nil, err
		}
		return oneRecoverySettings(svc.Change(ctx, caller(ctx).Merchant, base, func(st *recovery.Settings) error {
			before := *st
			in.Body.apply(st)
			return noteChange(ctx, before, *st)
		}))
	})
	handle(s, Route{
		ID: "stop-recovery", Method: http.MethodPost, Path: "/v1/recovery/stop", Tag: tag, Summary: "Stop all reminders at once",
		Description: "No mail that has not been handed to the mail server by now is sent, whatever is on its way.",
		Auth:        write, Once: OnceNever,
	}, func(ctx context.Context, in *stopRecoveryIn) (*recoverySettingsOut, error) {
		return oneRecoverySettings(svc.Stop(ctx, caller(ctx).Merchant, in.Body.Reason))
	})
	handle(s, Route{
		ID: "resume-recovery", Method: http.MethodPost, Path: "/v1/recovery/resume", Tag: tag, Summary: "Let reminders go out again, the canary first",
		Auth: write, Once: OnceNever,
	}, func(ctx context.Context, _ *struct{}) (*recoverySettingsOut, error) {
		return oneRecoverySettings(svc.Resume(ctx, caller(ctx).Merchant))
	})
	handle(s, Route{
		ID: "try-recovery", Method: http.MethodPost, Path: "/v1/recovery/dry-run", Tag: tag, Summary: "See what the planned reminders would do now",
		Description: "As if it were the time of each and nothing were stopped. Nothing is sent and nothing is written down.",
		Auth:        write, Once: OnceNever, Errors: []*fault.Error{recovery.ErrSettings},
	}, func(ctx context.Context, in *dryRunIn) (*dryRunOut, error) {
		var patch func(*recovery.Settings) error
		if p := in.Body.Settings; p != nil {
			patch = func(st *recovery.Settings) error { p.apply(st); return nil }
		}
		d, err := svc.DryRun(ctx, caller(ctx).Merchant, in.Body.Samples, patch)
		if err != nil {
			return nil, err
		}
		b := RecoveryDryRun{At: d.At, Planned: d.Planned, Partly: d.Partly, Trials: make([]RecoveryTrial, len(d.Trials)), Samples: make([]RecoverySample, len(d.Samples))}
		for i, t := range d.Trials {
			b.Trials[i] = RecoveryTrial(t)
		}
		for i, x := range d.Samples {
			b.Samples[i] = RecoverySample{x.Step, x.DueAt, x.Language, x.Message.Subject, x.Message.Text, x.Message.HTML}
		}
		return &dryRunOut{Body: b}, nil
	})
	registerRecoveryReport(s, svc)
	registerRecoverLink(s, svc)
}
