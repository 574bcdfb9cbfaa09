package locale

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/text/feature/plural"
)

//go:embed messages/*.json
var files embed.FS

// Errors of Text. They are for logs: a shopper never sees one.
var (
	ErrMissing  = errors.New("locale: no such text")
	ErrUnfilled = errors.New("locale: a variable of the text is not filled")
)

// text is a message cut at its variables: literal[0] name[0] literal[1] ...
type text struct {
	literals []string
	names    []string
}

type catalogue map[Lang]map[string]text

var variable = regexp.MustCompile(`\{([a-z][a-z0-9_]*)\}`)

// loaded reads the embedded files once. They are part of the program, and the
// tests read them all, so a broken one cannot reach a reader.
var loaded = sync.OnceValue(func() catalogue {
	c, err := load(files)
	if err != nil {
		panic(err)
	}
	return c
})

func load(fsys fs.FS) (catalogue, error) {
	names, err := fs.Glob(fsys, "messages/*.json")
	if err != nil {
		return nil, err
	}
	c := catalogue{En: {}, Hy: {}, Km: {}}
	for _, name := range names {
		parts := strings.Split(strings.TrimSuffix(path.Base(name), ".json"), ".")
		lang := Lang(parts[len(parts)-1])
		if !lang.Known() {
			return nil, fmt.Errorf("locale: %s: the name does not end in a known language", name)
		}
		raw, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		var flat map[string]string
		if err := json.Unmarshal(raw, &flat); err != nil {
			return nil, fmt.Errorf("locale: %s: %w", name, err)
		}
		for key, s := range flat {
			if _, twice := c[lang][key]; twice {
				return nil, fmt.Errorf("locale: %s: %s stands in another file too", name, key)
			}
			t, err := parse(s)
			if err != nil {
				return nil, fmt.Errorf("locale: %s: %s: %w", name, key, err)
			}
			c[lang][key] = t
		}
	}
	return c, nil
}

func parse(s string) (text, error) {
	var t text
	last := 0
	for _, m := range variable.FindAllStringSubmatchIndex(s, -1) {
		t.literals = append(t.literals, s[last:m[0]])
		t.names = append(t.names, s[m[2]:m[3]])
		last = m[1]
	}
	t.literals = append(t.literals, s[last:])
	for _, literal := range t.literals {
		if strings.ContainsAny(literal, "{}") {
			return text{}, errors.New("a brace that is not part of a {variable}")
		}
	}
	if strings.TrimSpace(s) == "" {
		return text{}, errors.New("empty text")
	}
	return t, nil
}

// fill puts the values in. A variable without a value, or with an empty one,
// refuses the whole text: half a sentence must not reach a reader.
func (t text) fill(lang Lang, args []any) (string, error) {
	if len(t.names) == 0 {
		return t.literals[0], nil
	}
	var b strings.Builder
	for i, name := range t.names {
		b.WriteString(t.literals[i])
		value, err := lookUp(lang, args, name)
		if err != nil {
			return "", err
		}
		b.WriteString(value)
	}
	b.WriteString(t.literals[len(t.names)])
	return b.String(), nil
}

func lookUp(lang Lang, args []any, name string) (string, error) {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] != name {
			continue
		}
		var s string
		switch v := args[i+1].(type) {
		case nil:
		case string:
			s = v
		case int:
			s = Number(lang, int64(v))
		case int64:
			s = Number(lang, v)
		default:
			s = fmt.Sprint(v)
		}
		if strings.TrimSpace(s) != "" {
			return s, nil
		}
	}
	return "", fmt.Errorf("%w: %s", ErrUnfilled, name)
}

// Text is the text of key in lang. args are names and values in turn; integers
// are written the way the language writes numbers. A missing key or a variable
// left open (absent or empty) is an error and gives no text.
func Text(lang Lang, key string, args ...any) (string, error) {
	lang = lang.orEnglish()
	t, ok := loaded()[lang][key]
	if !ok {
		return "", fmt.Errorf("%w: %s %s", ErrMissing, lang, key)
	}
	s, err := t.fill(lang, args)
	if err != nil {
		return "", fmt.Errorf("%w in %s %s", err, lang, key)
	}
	return s, nil
}

// T is Text for places that must always show something. In a test it panics on
// a missing key or an open variable; in production it logs the mistake and
// falls back to English and then to the last part of the key in plain words.
func T(lang Lang, key string, args ...any) string {
	s, err := Text(lang, key, args...)
	if err == nil {
		return s
	}
	if testing.Testing() {
		panic(err)
	}
	return fallBack(key, args, err)
}

func fallBack(key string, args []any, err error) string {
	slog.Error("a text is missing", "key", key, "error", err)
	if s, err := Text(En, key, args...); err == nil {
		return s
	}
	return strings.ReplaceAll(key[strings.LastIndexByte(key, '.')+1:], "_", " ")
}

// N is T for a counted thing: it takes key.one or key.other by the plural rule
// of lang and fills {count} with n.
func N(lang Lang, key string, n int, args ...any) string {
	form := ".other"
	if plural.Cardinal.MatchPlural(lang.orEnglish().tag(), max(n, -n), 0, 0, 0, 0) == plural.One {
		form = ".one"
	}
	return T(lang, key+form, append([]any{"count", n}, args...)...)
}

// Has says whether there is a text for key, for codes that come from outside.
func Has(key string) bool {
	_, ok := loaded()[En][key]
	return ok
}

// Keys lists every key that begins with prefix, sorted, so that a room's test
// can hold its codes against the texts.
func Keys(prefix string) []string {
	keys := slices.Sorted(maps.Keys(loaded()[En]))
	return slices.DeleteFunc(keys, func(k string) bool { return !strings.HasPrefix(k, prefix) })
}
