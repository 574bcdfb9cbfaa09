package config

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// set clears the environment of all settings and gives some.
func set(t *testing.T, settings map[string]string) {
	t.Helper()
	for _, f := range fields() {
		for _, name := range []string{f.name, f.name + "_FILE"} {
			if _, there := os.LookupEnv(name); there {
				t.Setenv(name, "") // so that it comes back
				if err := os.Unsetenv(name); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for name, value := range settings {
		t.Setenv(name, value)
	}
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var key = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))

func TestWithoutAnySettingTheProgramRuns(t *testing.T) {
	set(t, nil)
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if c.Production() || c.URL() != "http://127.0.0.1:8080" || c.MaxConns != 20 || c.GatewayTimeout != 10*time.Second || c.MetricsAddr == "" ||
		c.DatabaseURL != "" || len(c.TrustedProxies) != 0 {
		t.Fatalf("%+v", c)
	}
}

func TestEverySettingIsReadAndSaidToMeanSomething(t *testing.T) {
	given := map[string]string{
		"DOORSTEP_ENV": "production", "DOORSTEP_ADDR": ":80", "DOORSTEP_METRICS_ADDR": "[::1]:9", "DOORSTEP_DATA": "/data",
		"DOORSTEP_BASE_URL": "https://shop.example/", "DATABASE_URL": "host=/run/postgresql dbname=x", "DOORSTEP_DB_CONNECTIONS": "7",
		"DOORSTEP_MASTER_KEY": key, "SMTP_URL": "smtps://u:p%40ss@mail.example", "DOORSTEP_MAIL_FROM": "Müller <m@shop.example>",
		"DOORSTEP_TRUSTED_PROXIES": "10.0.0.0/8,::1", "DOORSTEP_RATE_LIMIT": "0", "DOORSTEP_LOG": "warn",
		"DOORSTEP_ASSISTANT_MODEL_URL": "https://model.example/v1", "DOORSTEP_ASSISTANT_MODEL_KEY": "key", "DOORSTEP_ASSISTANT_MODEL_NAME": "small",
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "DOORSTEP_CHECKOUT_TTL": "1h", "DOORSTEP_RESERVATION_TTL": "2m",
		"DOORSTEP_CART_TTL": "3h", "DOORSTEP_JOURNEY_LOG": "1500h", "DOORSTEP_EVENTS_KEPT": "2000h", "DOORSTEP_RECOMMEND_LARGE": "5", "DOORSTEP_RECOVERY_PERIOD": "4s", "DOORSTEP_RECOVERY_AGE": "1m", "DOORSTEP_SHUTDOWN_TIMEOUT": "6s",
		"DOORSTEP_GATEWAY_TIMEOUT": "7s", "DOORSTEP_JOB_TIMEOUT": "8s", "DOORSTEP_RECONCILE_HOUR": "22", "DOORSTEP_RECONCILE_DAYS": "30",
		"DOORSTEP_EGRESS_PORTS": "8443,9443", "DOORSTEP_EGRESS_ALLOW": "10.1.0.0/16", "DOORSTEP_EGRESS_DENY": "93.184.215.14", "DOORSTEP_EGRESS_HTTP": "true",
		"DOORSTEP_EGRESS_PROXY": "http://u:pw@proxy:3128",
		"STRIPE_SECRET_KEY":     "sk_test_1", "STRIPE_PUBLISHABLE_KEY": "pk_test_1", "STRIPE_WEBHOOK_SECRETS": "whsec_1, whsec_2",
		"STRIPE_API_BASE": "https://127.0.0.1:12111", "STRIPE_RETURN_URL": "https://shop.example/back", "STRIPE_MINIMAL": "true",
		"STRIPE_IGNORE_API_VERSION_MISMATCH": "false",
		"PAYPAL_CLIENT_ID":                   "client", "PAYPAL_SECRET": "secret", "PAYPAL_API_BASE": "https://api-m.sandbox.paypal.com", "PAYPAL_WEBHOOK_ID": "WH1",
		"PAYPAL_RETURN_URL": "https://shop.example/paid", "DOORSTEP_SHOP_KEY": "ds_pk_1", "DOORSTEP_MAIL_WEBHOOK_SECRETS": "whsec_1,whsec_2", "DOORSTEP_INBOUND_MAIL_SECRETS": "whsec_3", "MAILGUN_WEBHOOK_SIGNING_KEYS": "key",
	}
	set(t, given)
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if c.URL() != "https://shop.example" || !c.Production() || c.SMTPURL.Reveal() != given["SMTP_URL"] || len(c.TrustedProxies) != 2 || len(c.StripeSecrets()) != 2 {
		t.Fatalf("%+v", c)
	}
	v := reflect.ValueOf(c)
	printed := strings.Split(strings.TrimSpace(c.Print()), "\n")
	if len(printed) != v.NumField() {
		t.Fatalf("%d settings, %d lines", v.NumField(), len(printed))
	}
	set(t, nil)
	plain, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range fields() {
		if f.name == "" || len(f.help) < 10 {
			t.Errorf("setting %d has no name or no meaning", i)
		}
		if _, here := given[f.name]; !here {
			t.Errorf("%s is missing in this test", f.name)
		}
		if reflect.DeepEqual(v.Field(i).Interface(), reflect.ValueOf(plain).Field(i).Interface()) {
			t.Errorf("%s changes nothing", f.name)
		}
		if !strings.HasPrefix(printed[i], f.name+" ") || !strings.Contains(printed[i], "# "+f.help) {
			t.Errorf("printed as %q", printed[i])
		}
	}
}

func TestEachWrongSettingIsNamedAndNoSecretIsQuoted(t *testing.T) {
	const hidden = "hunter2"
	wrong := map[string]string{
		"DOORSTEP_ENV": "staging", "DOORSTEP_ADDR": "8080", "DOORSTEP_METRICS_ADDR": "9090", "DOORSTEP_BASE_URL": "shop.example",
		"DATABASE_URL": "postgres://u:" + hidden + "@host:port/db", "DOORSTEP_DB_CONNECTIONS": "many", "DOORSTEP_MASTER_KEY": hidden,
		"SMTP_URL": "http://u:" + hidden + "@mail", "DOORSTEP_MAIL_FROM": "nobody", "DOORSTEP_TRUSTED_PROXIES": "10.0.0.0/8,proxy",
		"DOORSTEP_RATE_LIMIT": "-1", "DOORSTEP_LOG": "loud", "OTEL_EXPORTER_OTLP_ENDPOINT": "collector", "DOORSTEP_ASSISTANT_MODEL_URL": "model",
		"DOORSTEP_CHECKOUT_TTL": "soon", "DOORSTEP_RESERVATION_TTL": "-1s", "DOORSTEP_CART_TTL": "0", "DOORSTEP_JOURNEY_LOG": "1439h", "DOORSTEP_RECOVERY_PERIOD": "15",
		"DOORSTEP_RECOVERY_AGE": "10s", "DOORSTEP_SHUTDOWN_TIMEOUT": "0s", "DOORSTEP_GATEWAY_TIMEOUT": "-2s", "DOORSTEP_JOB_TIMEOUT": "1e9",
		"DOORSTEP_EGRESS_PORTS": "443,0", "DOORSTEP_EGRESS_ALLOW": "localhost", "DOORSTEP_EGRESS_DENY": "10.0.0.0/99", "DOORSTEP_EGRESS_HTTP": "perhaps",
		"DOORSTEP_EGRESS_PROXY": "socks5://u:" + hidden + "@proxy",
		"STRIPE_SECRET_KEY":     "pk_" + hidden, "STRIPE_PUBLISHABLE_KEY": "sk_" + hidden, "STRIPE_WEBHOOK_SECRETS": " , ", "STRIPE_API_BASE": "stripe.com",
		"STRIPE_RETURN_URL": "/back", "STRIPE_MINIMAL": "maybe", "STRIPE_IGNORE_API_VERSION_MISMATCH": "2",
		"PAYPAL_CLIENT_ID": "a b", "PAYPAL_SECRET": hidden + " x", "PAYPAL_API_BASE": "paypal", "PAYPAL_RETURN_URL": "/back", "PAYPAL_WEBHOOK_ID": "a b",
	}
	for name, value := range wrong {
		t.Run(name, func(t *testing.T) {
			set(t, map[string]string{name: value})
			if _, err := Load(); err == nil || !strings.Contains(err.Error(), name+": ") || strings.Contains(err.Error(), hidden) {
				t.Fatal(err)
			}
		})
	}
	set(t, wrong)
	_, err := Load()
	if err == nil {
		t.Fatal("all wrong, and no error")
	}
	delete(wrong, "DOORSTEP_RECOVERY_AGE") // wrong only beside a gateway's time
	for name := range wrong {
		if !strings.Contains(err.Error(), name+": ") {
			t.Errorf("%s is not named in: %v", name, err)
		}
	}
	if _, again := Load(); again.Error() != err.Error() {
		t.Error("said differently each time")
	}
	for name, value := range map[string]string{"DOORSTEP_GATEWAY_TIMEOUT": "30s", "DOORSTEP_DB_CONNECTIONS": "3", "SMTP_URL": "smtp://", "DOORSTEP_MASTER_KEY": key[4:], "STRIPE_SECRET_KEY": "sk_a b", "PAYPAL_CLIENT_ID": "client"} {
		set(t, map[string]string{name: value})
		if _, err := Load(); err == nil {
			t.Errorf("%s=%s is taken", name, value)
		}
	}
}

func TestValidateSeesWhatAFlagHasChanged(t *testing.T) {
	set(t, nil)
	c, err := Load()
	if err != nil || c.Validate() != nil {
		t.Fatal(err)
	}
	c.Addr, c.DataDir = "nowhere", ""
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "DOORSTEP_ADDR: ") || !strings.Contains(err.Error(), "DOORSTEP_DATA: ") {
		t.Fatal(err)
	}
}

func TestAnEmptySettingIsNotSetButNoMetricsAreNoMetrics(t *testing.T) {
	all := map[string]string{}
	for _, f := range fields() {
		all[f.name] = ""
		if f.secret {
			all[f.name+"_FILE"] = ""
		}
	}
	set(t, all)
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	set(t, nil)
	want, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	want.MetricsAddr = ""
	if !reflect.DeepEqual(c, want) {
		t.Fatalf("%+v\n%+v", c, want)
	}
}

func TestEverySecretCanComeFromAFile(t *testing.T) {
	secrets := map[string]string{"DATABASE_URL": "postgres://u:pw@h/d", "DOORSTEP_MASTER_KEY": key, "SMTP_URL": "smtp://u:pw@h", "DOORSTEP_EGRESS_PROXY": "http://u:pw@h", "STRIPE_SECRET_KEY": "sk_1", "STRIPE_WEBHOOK_SECRETS": "whsec_1", "PAYPAL_SECRET": "secret",
		"DOORSTEP_MAIL_WEBHOOK_SECRETS": "whsec_1", "DOORSTEP_INBOUND_MAIL_SECRETS": "whsec_1", "MAILGUN_WEBHOOK_SIGNING_KEYS": "key",
		"DOORSTEP_ASSISTANT_MODEL_KEY": "key"}
	for _, f := range fields() {
		if !f.secret {
			continue
		}
		value, here := secrets[f.name]
		if !here {
			t.Fatalf("%s is missing in this test", f.name)
		}
		read := func(c Config) string { return reflect.ValueOf(c).Field(f.index).String() }
		set(t, map[string]string{f.name + "_FILE": file(t, value+"\r\n")})
		if c, err := Load(); err != nil || read(c) != value {
			t.Errorf("%s: %q %v", f.name, read(c), err)
		}
		set(t, map[string]string{f.name + "_FILE": file(t, "anything"), f.name: value})
		if c, err := Load(); err != nil || read(c) != value {
			t.Errorf("%s: the setting itself does not win: %v", f.name, err)
		}
		set(t, map[string]string{f.name + "_FILE": filepath.Join(t.TempDir(), "none")})
		if _, err := Load(); err == nil || !strings.Contains(err.Error(), f.name+"_FILE: ") {
			t.Errorf("%s: a file that is not there: %v", f.name, err)
		}
		set(t, map[string]string{f.name + "_FILE": file(t, " \n")})
		if _, err := Load(); err == nil || !strings.Contains(err.Error(), f.name+"_FILE: ") {
			t.Errorf("%s: an empty file: %v", f.name, err)
		}
	}
}

func TestASecretNeverShowsItself(t *testing.T) {
	const hidden = "hunter2hunter2"
	c := Config{DatabaseURL: hidden, MasterKey: hidden, SMTPURL: hidden, StripeKey: hidden, StripeWebhookSecrets: hidden}
	s := Secret(hidden)
	var all []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.3s", "%!"} {
		for _, value := range []any{s, &s, c, &c, []Secret{s}, map[Secret]Secret{s: s}, struct{ S Secret }{s}} {
			all = append(all, fmt.Sprintf(verb, value))
		}
	}
	for _, value := range []any{s, c, map[string]Secret{"s": s}} {
		b, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(b))
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(h).Info("settings", "config", c, "pointer", &c, "secret", s, slog.Any("any", s), slog.Group("group", "secret", s))
	}
	all = append(all, log.String(), c.Print(), s.String())
	for _, text := range all {
		if strings.Contains(text, "hunter") || strings.Contains(text, fmt.Sprintf("%x", "hunter")) || strings.Contains(text, fmt.Sprintf("%X", "hunter")) {
			t.Errorf("shown in %q", text)
		}
	}
	if !strings.Contains(c.Print(), "********") || Secret("").String() != "" || s.Reveal() != hidden {
		t.Error("a secret that is set looks like one that is not")
	}
}

func TestTheExampleNamesOnlySettingsThatExist(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", ".env.example"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, f := range fields() {
		known[f.name] = true
		known[f.name+"_FILE"] = f.secret
	}
	names := regexp.MustCompile(`\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b`).FindAllString(string(text), -1)
	if len(names) < 5 {
		t.Fatalf("only %v", names)
	}
	for _, name := range names {
		if !known[name] {
			t.Errorf("%s does not exist", name)
		}
	}
	// Uncommented as it stands, each line is a setting that is accepted.
	settings := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^#? ?([A-Z_]+)=([^#\n]*?)[ \t]*(?:#.*)?$`).FindAllStringSubmatch(string(text), -1) {
		if known[m[1]] && !strings.HasSuffix(m[1], "_FILE") {
			settings[m[1]] = m[2]
		}
	}
	set(t, settings)
	if c, err := Load(); err != nil || !c.Production() {
		t.Errorf("%v: %v", settings, err)
	}
}

func TestALiveKeyNeverTravelsOpenly(t *testing.T) {
	for env, refused := range map[string]bool{"production": true, "development": false} {
		set(t, map[string]string{"DOORSTEP_ENV": env, "STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_API_BASE": "http://10.0.0.1"})
		if _, err := Load(); (err != nil) != refused {
			t.Errorf("%s: %v", env, err)
		}
	}
}
