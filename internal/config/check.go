package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/jackc/pgx/v5/pgxpool"
)

// complaints say what is wrong with each setting: the first thing found. None
// of them repeats a value that could be a secret.
type complaints map[string]string

func (w complaints) add(name, why string) {
	if _, known := w[name]; !known {
		w[name] = why
	}
}

// err is all complaints in one, in the order of their names.
func (w complaints) err() error {
	if len(w) == 0 {
		return nil
	}
	all := make([]string, 0, len(w))
	for name, why := range w {
		all = append(all, name+": "+why)
	}
	slices.Sort(all)
	return errors.New("config: " + strings.Join(all, "; "))
}

// read gives the secret in a file. An empty one is a mistake: without it the
// program might quietly start a database or make a key of its own.
func (w complaints) read(name, path string) string {
	text, err := os.ReadFile(path)
	value := strings.TrimSpace(string(text))
	var why *fs.PathError
	switch {
	case errors.As(err, &why):
		w.add(name, "cannot be read: "+why.Err.Error())
	case err != nil:
		w.add(name, "cannot be read")
	case value == "":
		w.add(name, "the file is empty")
	}
	return value
}

// parse names the settings of which the library speaks by their fields.
func (w complaints) parse(err error) {
	var all env.AggregateError
	if !errors.As(err, &all) {
		all.Errors = []error{err}
	}
	t := reflect.TypeFor[Config]()
	for _, err := range all.Errors {
		var p env.ParseError
		_ = errors.As(err, &p)
		if f, ok := t.FieldByName(p.Name); ok {
			w.add(f.Tag.Get("env"), "want "+kind(f.Type))
			continue
		}
		w.add("environment", err.Error())
	}
}

// kind is what a setting of type t holds.
func kind(t reflect.Type) string {
	if t == reflect.TypeFor[time.Duration]() {
		return "a duration such as 30s"
	}
	if t.Kind() == reflect.Bool {
		return "true or false"
	}
	return "a whole number"
}

// maxReconcileDays is how far back the books of payment providers are compared.
const maxReconcileDays = 400

// check finds what the types cannot.
func (c Config) check(w complaints) {
	if c.Env != "development" && c.Env != "production" {
		w.add("DOORSTEP_ENV", "want development or production")
	}
	if c.DataDir == "" {
		w.add("DOORSTEP_DATA", "want a folder")
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel) {
		w.add("DOORSTEP_LOG", "want debug, info, warn or error")
	}
	if c.MaxConns < 4 {
		w.add("DOORSTEP_DB_CONNECTIONS", "want at least 4")
	}
	if c.RateLimit < 0 {
		w.add("DOORSTEP_RATE_LIMIT", "want 0 or more")
	}
	if c.ReconcileHour < 0 || c.ReconcileHour > 23 {
		w.add("DOORSTEP_RECONCILE_HOUR", "want an hour from 0 to 23")
	}
	if c.ReconcileDays < 1 || c.ReconcileDays > maxReconcileDays {
		w.add("DOORSTEP_RECONCILE_DAYS", "want 1 to 400 days")
	}
	c.checkAddresses(w)
	c.checkSecrets(w)
	c.checkStripe(w)
	c.checkPayPal(w)
	c.checkTimes(w)
}

func (c Config) checkAddresses(w complaints) {
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		w.add("DOORSTEP_ADDR", "want HOST:PORT")
	}
	if _, _, err := net.SplitHostPort(c.MetricsAddr); err != nil && c.MetricsAddr != "" {
		w.add("DOORSTEP_METRICS_ADDR", "want HOST:PORT, or nothing")
	}
	for name, text := range map[string]string{"DOORSTEP_BASE_URL": c.BaseURL, "OTEL_EXPORTER_OTLP_ENDPOINT": c.OTLPEndpoint, "DOORSTEP_ASSISTANT_MODEL_URL": c.AssistantModelURL, "STRIPE_API_BASE": c.StripeBase, "STRIPE_RETURN_URL": c.StripeReturnURL,
		"PAYPAL_API_BASE": c.PayPalBase, "PAYPAL_RETURN_URL": c.PayPalReturnURL} {
		if u, err := url.Parse(text); text != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			w.add(name, "want an absolute http or https URL")
		}
	}
	if _, err := mail.ParseAddress(c.MailFrom); err != nil {
		w.add("DOORSTEP_MAIL_FROM", "want NAME <ADDRESS>")
	}
	for name, list := range map[string][]string{
		"DOORSTEP_TRUSTED_PROXIES": c.TrustedProxies, "DOORSTEP_EGRESS_ALLOW": c.EgressAllow, "DOORSTEP_EGRESS_DENY": c.EgressDeny,
	} {
		for _, text := range list {
			text = strings.TrimSpace(text)
			_, errNet := netip.ParsePrefix(text)
			_, errAddr := netip.ParseAddr(text)
			if errNet != nil && errAddr != nil {
				w.add(name, fmt.Sprintf("%q is no address and no network", text))
			}
		}
	}
	for _, port := range c.EgressPorts {
		if port < 1 || port > 65535 {
			w.add("DOORSTEP_EGRESS_PORTS", "want numbers from 1 to 65535")
		}
	}
}

func (c Config) checkSecrets(w complaints) {
	if _, err := pgxpool.ParseConfig(c.DatabaseURL.Reveal()); err != nil && c.DatabaseURL != "" {
		w.add("DATABASE_URL", "want postgres://USER:PASSWORD@HOST:PORT/NAME")
	}
	if u, err := url.Parse(c.SMTPURL.Reveal()); c.SMTPURL != "" && (err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps") {
		w.add("SMTP_URL", "want smtp://USER:PASSWORD@HOST:PORT, or smtps")
	}
	if u, err := url.Parse(c.EgressProxy.Reveal()); c.EgressProxy != "" && (err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https") {
		w.add("DOORSTEP_EGRESS_PROXY", "want http://USER:PASSWORD@HOST:PORT, or https")
	}
	// Both alphabets and both endings are in use; what they mean is the same.
	text := strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(strings.TrimSpace(c.MasterKey.Reveal()))
	if key, err := base64.RawStdEncoding.DecodeString(text); c.MasterKey != "" && (err != nil || len(key) != 32) {
		w.add("DOORSTEP_MASTER_KEY", "want 32 bytes in base64")
	}
}

// checkPayPal finds half an account, and keys that would travel in the open.
func (c Config) checkPayPal(w complaints) {
	if c.PayPalClientID != "" && c.PayPalSecret == "" {
		w.add("PAYPAL_CLIENT_ID", "want PAYPAL_SECRET beside it")
	}
	for name, text := range map[string]string{"PAYPAL_CLIENT_ID": c.PayPalClientID, "PAYPAL_SECRET": c.PayPalSecret.Reveal(), "PAYPAL_WEBHOOK_ID": c.PayPalWebhookID} {
		if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
			w.add(name, "want one word without spaces")
		}
	}
	if c.Production() && c.PayPalClientID != "" && strings.HasPrefix(c.PayPalBase, "http:") {
		w.add("PAYPAL_API_BASE", "want https in production")
	}
}

// checkStripe finds keys in the wrong place, before they are sent there.
func (c Config) checkStripe(w complaints) {
	key := c.StripeKey.Reveal()
	switch {
	case key != "" && !strings.HasPrefix(key, "sk_") && !strings.HasPrefix(key, "rk_"):
		w.add("STRIPE_SECRET_KEY", "want sk_... or rk_...")
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		w.add("STRIPE_SECRET_KEY", "want one key without spaces")
	}
	if c.StripePublishable != "" && !strings.HasPrefix(c.StripePublishable, "pk_") {
		w.add("STRIPE_PUBLISHABLE_KEY", "want pk_...")
	}
	if c.StripeWebhookSecrets != "" && len(c.StripeSecrets()) == 0 {
		w.add("STRIPE_WEBHOOK_SECRETS", "want whsec_..., several with commas")
	}
	if c.Production() && key != "" && strings.HasPrefix(c.StripeBase, "http:") {
		w.add("STRIPE_API_BASE", "want https in production")
	}
}

func (c Config) checkTimes(w complaints) {
	for name, d := range map[string]time.Duration{
		"DOORSTEP_CHECKOUT_TTL": c.CheckoutTTL, "DOORSTEP_RESERVATION_TTL": c.ReservationTTL, "DOORSTEP_CART_TTL": c.CartTTL,
		"DOORSTEP_RECOVERY_PERIOD": c.RecoveryPeriod, "DOORSTEP_RECOVERY_AGE": c.RecoveryAge, "DOORSTEP_JOB_TIMEOUT": c.JobTimeout,
		"DOORSTEP_SHUTDOWN_TIMEOUT": c.ShutdownTimeout, "DOORSTEP_GATEWAY_TIMEOUT": c.GatewayTimeout,
	} {
		if d <= 0 {
			w.add(name, "want a positive duration such as 30s")
		}
	}
	// A day of journeys is closed after seven, and they are over after thirty.
	if c.JourneyLog != 0 && c.JourneyLog < 60*24*time.Hour {
		w.add("DOORSTEP_JOURNEY_LOG", "want at least 1440h, or 0")
	}
	if c.EventsKept < 61*24*time.Hour {
		w.add("DOORSTEP_EVENTS_KEPT", "want at least 1464h")
	}
	if c.RecommendLarge < 1 {
		w.add("DOORSTEP_RECOMMEND_LARGE", "want 1 or more")
	}
	// Who looks after a call that still runs takes it for one that never arrived.
	if c.RecoveryAge <= c.GatewayTimeout {
		w.add("DOORSTEP_RECOVERY_AGE", "want more than DOORSTEP_GATEWAY_TIMEOUT")
	}
	if c.JobTimeout <= c.GatewayTimeout {
		w.add("DOORSTEP_JOB_TIMEOUT", "want more than DOORSTEP_GATEWAY_TIMEOUT")
	}
}
