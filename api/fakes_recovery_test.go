package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/notify"
	"doorstep/notify/gate"
	"doorstep/notify/recovery"

	"github.com/google/uuid"
)

type fakeRecovery struct{ *shop }

func theRecovery() *recovery.State {
	return &recovery.State{Settings: recovery.Defaults(), Version: 4, UpdatedAt: noon}
}

func (f fakeRecovery) State(_ context.Context, m uuid.UUID) (*recovery.State, error) {
	st := theRecovery()
	if m == merchant {
		st.LinkURL = "https://" + canary + ".example/{token}"
	}
	return st, f.see("RecoveryState", m, false, nil, nil)
}

func (f fakeRecovery) Change(_ context.Context, m uuid.UUID, v *int64, patch func(*recovery.Settings) error) (*recovery.State, error) {
	st := theRecovery()
	if err := f.see("ChangeRecovery", m, true, nil, v); err != nil {
		return nil, err
	}
	if err := patch(&st.Settings); err != nil {
		return nil, err
	}
	return st, st.Validate()
}

func (f fakeRecovery) Stop(_ context.Context, m uuid.UUID, reason string) (*recovery.State, error) {
	st := theRecovery()
	st.StoppedAt, st.StopReason = &noon, reason
	return st, f.see("StopRecovery", m, true, nil, reason)
}

func (f fakeRecovery) Resume(_ context.Context, m uuid.UUID) (*recovery.State, error) {
	return theRecovery(), f.see("ResumeRecovery", m, true, nil, nil)
}

func (f fakeRecovery) DryRun(_ context.Context, m uuid.UUID, n int, patch func(*recovery.Settings) error) (*recovery.DryRun, error) {
	if err := f.see("DryRun", m, false, nil, n); err != nil {
		return nil, err
	}
	st := theRecovery()
	if patch != nil {
		if err := patch(&st.Settings); err != nil {
			return nil, err
		}
		if err := st.Validate(); err != nil {
			return nil, err
		}
	}
	d := &recovery.DryRun{At: noon, Planned: 3, Trials: []recovery.Trial{{Verdict: "allow", Code: gate.ByConsent, Count: 2}, {Verdict: "hold_out", Code: "hold_out", Count: 1}}}
	if m == merchant {
		d.Samples = []recovery.Sample{{Step: 1, DueAt: noon, Language: "en", Message: notify.Message{Subject: canary, Text: "Mug", HTML: "<p>Mug</p>"}}}
	}
	return d, nil
}

func (f fakeRecovery) Report(_ context.Context, m uuid.UUID, from, to time.Time) (*recovery.Report, error) {
	low, high := 1000.4, 9000.6
	r := &recovery.Report{From: from, To: to, WindowDays: 7, Mails: map[string]int{"sent": 90, "held_out": 10}, Lift: recovery.Measure{Estimate: 0.0123, Verdict: recovery.NotEnough}}
	r.Treated = recovery.Arm{People: 90, Buyers: 9, RevenueMinor: map[string]int64{"EUR": 18000}}
	r.Holdout = recovery.Arm{People: 10, Buyers: 1, RevenueMinor: map[string]int64{"EUR": 1000}}
	r.Currencies = []recovery.CurrencyReport{{Currency: "EUR", Incremental: recovery.Measure{Estimate: 5000.5, Low: &low, High: &high, Verdict: recovery.Enough}, AttributedMinor: 7000, AttributedOrders: 3}}
	if from.After(to) {
		return nil, recovery.ErrPeriod
	}
	return r, f.see("RecoveryReport", m, false, nil, []time.Time{from, to})
}

func thePreview() *recovery.Preview {
	line := recovery.Line{VariantID: thing, SKU: "CUP", Title: "A cup", Quantity: 2, Buyable: 1, Unit: 1700, Total: 1700, Problem: "only_left"}
	return &recovery.Preview{
		State: "open", Changed: true, LeftAt: noon, Basket: &recovery.Basket{Currency: "EUR", Language: "en", Subtotal: 1700, Total: 1700, Codes: []recovery.Code{{Code: "OLD", Reason: "expired"}}},
		Lines: []recovery.PreviewLine{{Line: line, WasQuantity: 2, WasUnit: 1500, Change: recovery.FewerLeft}},
	}
}

func (f fakeRecovery) Preview(_ context.Context, token, lang string) (*recovery.Preview, error) {
	if token != goodToken {
		return nil, recovery.ErrLink
	}
	return thePreview(), f.see("Preview", merchant, false, nil, lang)
}

func (f fakeRecovery) Restore(_ context.Context, token, lang string) (*recovery.Preview, error) {
	if token != goodToken {
		return nil, recovery.ErrLink
	}
	v := thePreview()
	v.Basket.ID, v.Basket.Secret, v.Restored = thing, "the-secret-of-the-link", true
	return v, f.see("Restore", merchant, true, nil, lang)
}

type fakeSubscriptions struct{ *shop }

func (f fakeSubscriptions) Subscription(_ context.Context, token string) (gate.Subscription, error) {
	if token != goodToken {
		return gate.Subscription{}, gate.ErrLink
	}
	return gate.Subscription{Merchant: merchant, Topic: "reminders"}, f.see("Subscription", merchant, false, nil, nil)
}

func (f fakeSubscriptions) Unsubscribe(_ context.Context, token string, all bool) (gate.Subscription, error) {
	if token != goodToken {
		return gate.Subscription{}, gate.ErrLink
	}
	return gate.Subscription{Merchant: merchant, Topic: "reminders", Off: true, AllOff: all}, f.see("Unsubscribe", merchant, true, nil, all)
}

func (f fakeSubscriptions) Receive(_ context.Context, provider string, m uuid.UUID, header http.Header, body []byte) (gate.Receipt, error) {
	if provider != "standard" {
		return gate.Receipt{}, gate.ErrProvider
	}
	if header.Get("Webhook-Signature") == "" {
		return gate.Receipt{}, gate.ErrSignature
	}
	return gate.Receipt{Duplicate: string(body) == "again"}, f.see("MailNews", m, true, nil, string(body))
}

type fakeConsents struct{ *shop }

func theConsent(c customer.Consent) customer.Consent {
	c.ID, c.CreatedAt = thing, noon
	if c.GivenAt.IsZero() {
		c.GivenAt = noon
	}
	return c
}

func (f fakeConsents) Consent(_ context.Context, m uuid.UUID, email string, c customer.Consent) (customer.Consent, error) {
	return theConsent(c), f.see("Consent", m, true, nil, email)
}

func (f fakeConsents) ConsentAtCheckout(_ context.Context, who checkout.Access, id uuid.UUID, c customer.Consent) (customer.Consent, error) {
	return theConsent(c), f.known("ConsentAtCheckout", who.Merchant, id, true, checkout.ErrNotFound, c)
}

func (f fakeConsents) Known(_ context.Context, m uuid.UUID, _ string) ([]customer.Consent, []gate.Suppression, error) {
	if err := f.see("KnownConsents", m, false, nil, nil); err != nil || m != merchant {
		return nil, nil, err
	}
	return []customer.Consent{theConsent(customer.Consent{Topic: "reminders", Granted: true, Source: "checkout", TextVersion: canary})},
		[]gate.Suppression{{ID: thing, Topic: "all", Reason: gate.ReasonBounce, Source: "smtp", CreatedAt: noon}}, nil
}

func (f fakeConsents) Suppress(_ context.Context, m uuid.UUID, email, topic string) error {
	return f.see("Suppress", m, true, nil, []string{email, topic})
}

func (f fakeConsents) Lift(_ context.Context, m uuid.UUID, email, topic string) error {
	return f.see("Lift", m, true, nil, []string{email, topic})
}
