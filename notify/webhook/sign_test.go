package webhook

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"doorstep/internal/safedial"
)

// The values are the test vector that the standard's own libraries publish.
func TestSignaturesAreThoseOfTheStandard(t *testing.T) {
	t.Parallel()
	secret, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	at, body := time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`)
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got := sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, body, secret); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	both := sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, body, []byte("another secret"), secret)
	if parts := strings.Split(both, " "); len(parts) != 2 || parts[1] != want || parts[0] == want {
		t.Errorf("two secrets: %s", both)
	}
	for name, got := range map[string]string{
		"another id":   sign("msg_p5jXN8AQM9LWM0D4loKWxJel", at, body, secret),
		"another time": sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at.Add(time.Second), body, secret),
		"another body": sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, []byte(`{"test":2432232314}`), secret),
	} {
		if got == want {
			t.Errorf("%s has the same signature", name)
		}
	}
}

func TestSecretsHaveTheFormOfTheStandard(t *testing.T) {
	t.Parallel()
	secret := newSecret()
	text, ok := strings.CutPrefix(secretText(secret), "whsec_")
	back, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || !bytes.Equal(back, secret) || len(secret) < 24 || len(secret) > 64 {
		t.Errorf("%s: %v", text, err)
	}
}

func TestTheScheduleLastsThreeDays(t *testing.T) {
	t.Parallel()
	var least, all, most time.Duration
	for _, d := range Schedule {
		low, high := d, d
		for range 200 {
			j := jitter(d)
			low, high = min(low, j), max(high, j)
		}
		if low < d-d/10 || high > d+d/10 || low == high {
			t.Errorf("%s is spread from %s to %s", d, low, high)
		}
		least, all, most = least+d-d/10, all+d, most+d+d/10
	}
	if all < 72*time.Hour || most > 96*time.Hour || least < 64*time.Hour {
		t.Errorf("%s to %s, %s without jitter", least, most, all)
	}
}

func TestAnEndpointMayAskForPatience(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		status int
		header string
		want   time.Duration
	}{
		{429, "120", 2 * time.Minute}, {503, "7200", 2 * time.Hour}, {503, "Thu, 05 Mar 2026 12:01:00 GMT", time.Minute}, {429, "Thu, 05 Mar 2026 11:00:00 GMT", 0},
		{429, "", 0}, {429, "soon", 0}, {429, "-5", 0}, {429, "99999999", longestPause}, {500, "120", 0}, {404, "120", 0},
	} {
		if got := retryAfter(safedial.Answer{Status: test.status, Header: http.Header{"Retry-After": {test.header}}}, now); got != test.want {
			t.Errorf("%d %q: %s, want %s", test.status, test.header, got, test.want)
		}
	}
}

func TestOddAnswersCanBeStored(t *testing.T) {
	t.Parallel()
	if got := excerpt([]byte("a\x00b\xff\xfec\xc3")); got != "abc" {
		t.Errorf("%q", got)
	}
	if got := excerpt(bytes.Repeat([]byte("ԱԲ"), 10_000)); len(got) > excerptSize || len(got) < excerptSize-4 {
		t.Errorf("%d bytes", len(got))
	}
}
