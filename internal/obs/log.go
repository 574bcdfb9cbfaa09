// Package obs lets operators see what the program does: logs without people's
// data, metrics for Prometheus, and traces when a collector is named.
package obs

import (
	"context"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

// NewLog is a JSON log on w at level debug, info, warn or error, with
// everything masked that could be a person or a secret.
func NewLog(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	return slog.New(&masking{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l})})
}

// masking hides people's data on its way into the log: by the name of the
// attribute where that says it, by the look of the text everywhere else.
type masking struct{ next slog.Handler }

func (m *masking) Enabled(ctx context.Context, l slog.Level) bool { return m.next.Enabled(ctx, l) }

func (m *masking) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, Mask(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(maskAttr(a))
		return true
	})
	return m.next.Handle(ctx, clean)
}

func (m *masking) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = maskAttr(a)
	}
	return &masking{m.next.WithAttrs(clean)}
}

func (m *masking) WithGroup(name string) slog.Handler { return &masking{m.next.WithGroup(name)} }

// stars stands for what was hidden.
const stars = "***"

// secretNames are parts of attribute names whose values are never logged.
var secretNames = []string{"email", "phone", "address", "token", "secret", "password", "authorization", "cookie", "postcode", "line1", "line2", "card"}

func maskAttr(a slog.Attr) slog.Attr {
	name := strings.ToLower(a.Key)
	for _, s := range secretNames {
		if strings.Contains(name, s) {
			return slog.String(a.Key, stars)
		}
	}
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, Mask(v.String()))
	case slog.KindGroup:
		group := v.Group()
		clean := make([]slog.Attr, len(group))
		for i, g := range group {
			clean[i] = maskAttr(g)
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(clean...)}
	case slog.KindAny:
		if err, ok := v.Any().(error); ok {
			return slog.String(a.Key, Mask(err.Error()))
		}
		if s, ok := v.Any().(interface{ String() string }); ok {
			return slog.String(a.Key, Mask(s.String()))
		}
		if b, ok := v.Any().([]byte); ok {
			return slog.String(a.Key, Mask(string(b)))
		}
	}
	return slog.Attr{Key: a.Key, Value: v}
}

var (
	emailLike = regexp.MustCompile(`[^\s"'<>()\[\],;:=/]+@[^\s"'<>()\[\],;:=/]+\.[^\s"'<>()\[\],;:=/]+`)
	keyLike   = regexp.MustCompile(`ds_[ps]k_[0-9a-zA-Z_]+`)
	urlLogin  = regexp.MustCompile(`(://)[^/\s@]+@`)
	// cardLike is 13 to 19 digits, alone or in groups.
	cardLike = regexp.MustCompile(`\b\d(?:[ -]?\d){12,18}\b`)
	// phoneLike is a number written for dialling abroad.
	phoneLike = regexp.MustCompile(`\+\d(?:[ ().-]?\d){6,14}`)
)

// Mask hides what looks like an e-mail address, a key, a password in a URL, a
// telephone number or a card number.
func Mask(s string) string {
	if strings.Contains(s, "@") {
		s = urlLogin.ReplaceAllString(s, "$1"+stars+"@")
		s = emailLike.ReplaceAllString(s, stars)
	}
	if strings.Contains(s, "ds_") {
		s = keyLike.ReplaceAllString(s, stars)
	}
	if strings.Contains(s, "+") {
		s = phoneLike.ReplaceAllString(s, stars)
	}
	if digits(s) >= 13 {
		s = cardLike.ReplaceAllString(s, stars)
	}
	return s
}

func digits(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			n++
		}
	}
	return n
}
