// Package config is everything an operator can set, read from the environment
// and checked before anything starts.
package config

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/caarlos0/env/v11"
)

// Secret is a value that never shows itself: printed, logged or marshalled it
// is a row of stars. Reveal gives it to the one place that needs it.
type Secret string

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String is stars, or nothing for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "********"
}

// Format is String for every verb of fmt, %d and %x too.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText is String, for JSON and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Config is the settings of one program. A setting that is empty counts as not
// set. Every secret may instead be given as a file: NAME_FILE holds the path of a
// file that holds the value.
type Config struct {
	Env         string `env:"DOORSTEP_ENV" envDefault:"development" help:"production refuses the sandbox payments and all demo helpers"`
	Addr        string `env:"DOORSTEP_ADDR" envDefault:"127.0.0.1:8080" help:"where the API listens"`
	MetricsAddr string `env:"DOORSTEP_METRICS_ADDR" envDefault:"127.0.0.1:9090" blank:"counts" help:"where Prometheus reads; empty turns it off"`
	DataDir     string `env:"DOORSTEP_DATA" envDefault:"./.doorstep" help:"private database, search index, uploads and keys"`
	BaseURL     string `env:"DOORSTEP_BASE_URL" help:"how the world reaches the API, for links in mails; default http://ADDR"`

	ShopKey string `env:"DOORSTEP_SHOP_KEY" help:"publishable key of the shop that the storefront at /shop shows; empty turns the storefront off"`

	DatabaseURL Secret `env:"DATABASE_URL" help:"PostgreSQL 15 or later; empty starts a private one in the data folder"`
	MaxConns    int32  `env:"DOORSTEP_DB_CONNECTIONS" envDefault:"20" help:"connections to PostgreSQL"`
	MasterKey   Secret `env:"DOORSTEP_MASTER_KEY" help:"32 bytes in base64 that seal people's data; empty keeps one in the data folder"`

	SMTPURL  Secret `env:"SMTP_URL" help:"smtp://user:password@host:587; empty keeps mails for /dev/mail"`
	MailFrom string `env:"DOORSTEP_MAIL_FROM" envDefault:"Doorstep <shop@localhost>" help:"sender when a merchant sets none"`

	MailWebhookSecrets Secret `env:"DOORSTEP_MAIL_WEBHOOK_SECRETS" help:"whsec_... that sign news of bounces and complaints; several with commas while they are rotated"`
	MailgunSigningKeys Secret `env:"MAILGUN_WEBHOOK_SIGNING_KEYS" help:"of the Mailgun account, for the same; several with commas"`

	InboundMailSecrets Secret `env:"DOORSTEP_INBOUND_MAIL_SECRETS" help:"whsec_... that sign the mail of customers which a provider brings in; several with commas while they are rotated"`

	StripeKey            Secret `env:"STRIPE_SECRET_KEY" help:"secret or restricted key; with it cards and wallets are taken through Stripe"`
	StripePublishable    string `env:"STRIPE_PUBLISHABLE_KEY" help:"shown to storefronts, for the form that takes the card"`
	StripeWebhookSecrets Secret `env:"STRIPE_WEBHOOK_SECRETS" help:"whsec_... of the webhook endpoints; several with commas while they are rotated"`
	StripeBase           string `env:"STRIPE_API_BASE" envDefault:"https://api.stripe.com" help:"any server that speaks the API of Stripe, such as doorstep gateway"`
	StripeReturnURL      string `env:"STRIPE_RETURN_URL" help:"where a bank sends the buyer back to; default DOORSTEP_BASE_URL"`
	StripeMinimal        bool   `env:"STRIPE_MINIMAL" envDefault:"false" help:"leave out parameters that servers which only resemble Stripe refuse"`
	StripeAnyVersion     bool   `env:"STRIPE_IGNORE_API_VERSION_MISMATCH" envDefault:"true" help:"take webhooks of any API version; only names are read from them"`

	PayPalClientID  string `env:"PAYPAL_CLIENT_ID" help:"of the REST app; with it PayPal is taken"`
	PayPalSecret    Secret `env:"PAYPAL_SECRET" help:"of the REST app"`
	PayPalBase      string `env:"PAYPAL_API_BASE" envDefault:"https://api-m.paypal.com" help:"https://api-m.sandbox.paypal.com for trials"`
	PayPalWebhookID string `env:"PAYPAL_WEBHOOK_ID" help:"of the webhook in the REST app; without it no webhook of PayPal is believed"`
	PayPalReturnURL string `env:"PAYPAL_RETURN_URL" help:"where PayPal sends the buyer back to; default DOORSTEP_BASE_URL"`

	TrustedProxies []string `env:"DOORSTEP_TRUSTED_PROXIES" help:"addresses or networks whose Shopper-IP and X-Forwarded-For count"`
	RateLimit      int      `env:"DOORSTEP_RATE_LIMIT" envDefault:"200" help:"requests a second for one key and shopper address; 0 turns it off"`
	LogLevel       string   `env:"DOORSTEP_LOG" envDefault:"info" help:"debug, info, warn or error"`

	AssistantModelURL  string `env:"DOORSTEP_ASSISTANT_MODEL_URL" help:"up to /v1, of a language model with an interface like OpenAI's, which the assistant asks what an unclear message means; empty for none, none is needed"`
	AssistantModelKey  Secret `env:"DOORSTEP_ASSISTANT_MODEL_KEY" help:"the key of that model, if it wants one"`
	AssistantModelName string `env:"DOORSTEP_ASSISTANT_MODEL_NAME" help:"which of its models"`

	OTLPEndpoint string `env:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"OpenTelemetry collector; empty turns tracing off"`

	EgressPorts []int    `env:"DOORSTEP_EGRESS_PORTS" help:"ports beside 443 that webhooks may be sent to"`
	EgressAllow []string `env:"DOORSTEP_EGRESS_ALLOW" help:"addresses or networks that webhooks may be sent to although they are not public"`
	EgressDeny  []string `env:"DOORSTEP_EGRESS_DENY" help:"further ones that they may not, such as your router's public address"`
	EgressHTTP  bool     `env:"DOORSTEP_EGRESS_HTTP" help:"true lets webhooks be sent without TLS, to port 80 and those above"`
	EgressProxy Secret   `env:"DOORSTEP_EGRESS_PROXY" help:"http://USER:PASSWORD@HOST:PORT that webhooks are sent through"`

	CheckoutTTL     time.Duration `env:"DOORSTEP_CHECKOUT_TTL" envDefault:"24h" help:"how long an unpaid checkout stays open"`
	ReservationTTL  time.Duration `env:"DOORSTEP_RESERVATION_TTL" envDefault:"20m" help:"how long stock is held for a payment under way"`
	CartTTL         time.Duration `env:"DOORSTEP_CART_TTL" envDefault:"720h" help:"how long an untouched cart is kept"`
	JourneyLog      time.Duration `env:"DOORSTEP_JOURNEY_LOG" envDefault:"9600h" help:"how long the log of what shoppers do is kept, at least 1440h; 0 is for ever"`
	EventsKept      time.Duration `env:"DOORSTEP_EVENTS_KEPT" envDefault:"1464h" help:"how long at least it is kept what shoppers look at, for recommendations; whole months go, at least 1464h"`
	RecommendLarge  int           `env:"DOORSTEP_RECOMMEND_LARGE" envDefault:"3000000" help:"lines of orders above which a job learns recommendations instead of the memory"`
	RecoveryPeriod  time.Duration `env:"DOORSTEP_RECOVERY_PERIOD" envDefault:"15s" help:"how often unsettled payments are looked after"`
	RecoveryAge     time.Duration `env:"DOORSTEP_RECOVERY_AGE" envDefault:"30s" help:"how old an unsettled payment must be for that"`
	ReconcileHour   int           `env:"DOORSTEP_RECONCILE_HOUR" envDefault:"3" help:"hour of the day, in UTC, from which the books of the payment providers are compared, once a day"`
	ReconcileDays   int           `env:"DOORSTEP_RECONCILE_DAYS" envDefault:"3" help:"of how many days"`
	JobTimeout      time.Duration `env:"DOORSTEP_JOB_TIMEOUT" envDefault:"20s" help:"of one job; a quarter later it counts as died with its program"`
	ShutdownTimeout time.Duration `env:"DOORSTEP_SHUTDOWN_TIMEOUT" envDefault:"15s" help:"how long a stop waits for requests and jobs"`
	GatewayTimeout  time.Duration `env:"DOORSTEP_GATEWAY_TIMEOUT" envDefault:"10s" help:"of one call to a payment provider"`
}

// Load reads the environment. The error names each wrong setting.
func Load() (Config, error) {
	var c Config
	environment := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		environment[name] = value
	}
	wrong := complaints{}
	for _, f := range fields() {
		if path := environment[f.name+"_FILE"]; f.secret && path != "" && environment[f.name] == "" {
			environment[f.name] = wrong.read(f.name+"_FILE", path)
		}
	}
	if err := env.ParseWithOptions(&c, env.Options{Environment: environment}); err != nil {
		wrong.parse(err)
	}
	v := reflect.ValueOf(&c).Elem()
	for _, f := range fields() {
		if value, set := environment[f.name]; f.blank && set && value == "" {
			v.Field(f.index).SetString("") // the library takes it for the default
		}
	}
	c.check(wrong)
	return c, wrong.err()
}

// Validate checks what the types cannot.
func (c Config) Validate() error {
	wrong := complaints{}
	c.check(wrong)
	return wrong.err()
}

// Production says whether demo helpers and the sandbox must stay away.
func (c Config) Production() bool { return c.Env == "production" }

// URL is how the world reaches the API, without a slash at the end.
func (c Config) URL() string {
	if c.BaseURL != "" {
		return strings.TrimRight(c.BaseURL, "/")
	}
	return "http://" + c.Addr
}

// StripeSecrets are the secrets of the webhook endpoints, one by one.
func (c Config) StripeSecrets() []string { return c.StripeWebhookSecrets.list() }

// MailWebhookKeys are the secrets that news of mails are signed with, one by one.
func (c Config) MailWebhookKeys() []string { return c.MailWebhookSecrets.list() }

// InboundMailKeys are the secrets that customers' mail is brought in with, one by one.
func (c Config) InboundMailKeys() []string { return c.InboundMailSecrets.list() }

// MailgunKeys are the signing keys of Mailgun's webhooks, one by one.
func (c Config) MailgunKeys() []string { return c.MailgunSigningKeys.list() }

// list is several secrets with commas or spaces between them.
func (s Secret) list() []string {
	return strings.FieldsFunc(s.Reveal(), func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}

type field struct {
	name, fallback, help string
	secret               bool
	blank                bool // set but empty is a value of its own
	index                int
}

func fields() []field {
	var all []field
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		f := t.Field(i)
		all = append(all, field{
			name: f.Tag.Get("env"), fallback: f.Tag.Get("envDefault"), help: f.Tag.Get("help"),
			secret: f.Type == reflect.TypeFor[Secret](), blank: f.Tag.Get("blank") != "", index: i,
		})
	}
	return all
}

// Print lists every setting with its value and meaning, secrets as stars.
func (c Config) Print() string {
	var b strings.Builder
	v := reflect.ValueOf(c)
	for _, f := range fields() {
		fmt.Fprintf(&b, "%-28s %-28v # %s\n", f.name, v.Field(f.index).Interface(), f.help)
	}
	return b.String()
}
