package customer_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"doorstep/customer"
	"doorstep/internal/id"
)

var scannable = regexp.MustCompile(`^ds_[ps]k_[0-9a-hjkmnp-tv-z]{84}$`)

func TestAKeySaysWhoseAndOfWhichKindItIs(t *testing.T) {
	t.Parallel()
	merchant := id.New()
	for kind, prefix := range map[customer.KeyKind]string{customer.Publishable: "ds_pk_", customer.SecretKey: "ds_sk_"} {
		key := customer.MintKey(kind, merchant)
		if !strings.HasPrefix(key, prefix) || !scannable.MatchString(key) {
			t.Errorf("%q does not look as documented", key)
		}
		m, k, ok := customer.ParseKey(key)
		if !ok || m != merchant || k != kind {
			t.Errorf("%v %v %v", m, k, ok)
		}
		if again := customer.MintKey(kind, merchant); again == key {
			t.Error("two keys are the same")
		}
	}
}

func TestAKeyWithAnySignChangedIsNone(t *testing.T) {
	t.Parallel()
	key := customer.MintKey(customer.SecretKey, id.New())
	for i := range key {
		for _, with := range "0z9aAiIlou_-\n\x00 é" {
			changed := key[:i] + string(with) + key[i+1:]
			if _, _, ok := customer.ParseKey(changed); ok && changed != key {
				t.Fatalf("%q passes for a key", changed)
			}
		}
	}
	// Stray bits in the last sign of a part, and line breaks, with a checksum that fits.
	for _, at := range []int{31, 83} {
		for _, with := range "zZ\n" {
			body := key[:at] + string(with) + key[at+1:84]
			if _, _, ok := customer.ParseKey(body + customer.KeyChecksum(body)); ok {
				t.Errorf("%q passes for a key", body)
			}
		}
	}
	for _, junk := range []string{"", "ds_sk_", key[:len(key)-1], key + "0", strings.ToUpper(key), " " + key, "ds_pk_" + key[6:], strings.Repeat("0", len(key))} {
		if _, _, ok := customer.ParseKey(junk); ok {
			t.Errorf("%q passes for a key", junk)
		}
	}
}

func FuzzAKeyHasOneSpelling(f *testing.F) {
	f.Add(customer.MintKey(customer.Publishable, id.New()))
	f.Add(customer.MintKey(customer.SecretKey, id.New()))
	f.Add("ds_sk_")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) >= 84 {
			text = text[:84] + customer.KeyChecksum(text[:84]) // or hardly anything gets past it
		}
		merchant, kind, ok := customer.ParseKey(text)
		if !ok {
			return
		}
		if !scannable.MatchString(text) {
			t.Fatalf("%q passes for a key", text)
		}
		// The same merchant and kind always begin in the same way.
		if again := customer.MintKey(kind, merchant); again[:32] != text[:32] {
			t.Fatalf("%q is another spelling of %q", text[:32], again[:32])
		}
	})
}

func TestOriginsAreKeptAsBrowsersSendThem(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"*":                            "*",
		"https://shop.example":         "https://shop.example",
		"HTTPS://Shop.Example":         "https://shop.example",
		"https://shop.example:443":     "https://shop.example",
		"http://shop.example:80":       "http://shop.example",
		"http://localhost:3000":        "http://localhost:3000",
		"http://shop.example:443":      "http://shop.example:443",
		"https://xn--e1afmkfd.example": "https://xn--e1afmkfd.example",
		"http://127.0.0.1:8080":        "http://127.0.0.1:8080",
		"http://[::1]:8080":            "http://[::1]:8080",
		"http://[0:0:0:0:0:0:0:1]":     "http://[::1]",
		"":                             "",
		"null":                         "",
		"shop.example":                 "",
		"//shop.example":               "",
		"ftp://shop.example":           "",
		"javascript://shop.example":    "",
		"https://":                     "",
		"https://*":                    "",
		"https://*.shop.example":       "",
		"https://shop.example/":        "",
		"https://shop.example/path":    "",
		"https://shop.example?q":       "",
		"https://shop.example#f":       "",
		"https://user@shop.example":    "",
		"https://shop.example:":        "",
		"https://shop.example:0":       "",
		"https://shop.example:65536":   "",
		"https://shop.example:x":       "",
		"https://shop..example":        "",
		"https://-shop.example":        "",
		"https://պարզ.example":         "",
		"https://shop.example evil":    "",
		"https://shop.example\n":       "",
		"https://::1":                  "",
		"https://[fe80::1%25eth0]":     "",
		"https://[127.0.0.1]":          "",
		"https://" + strings.Repeat("a.", 130) + "example": "",
	} {
		got, ok := customer.CleanOrigin(given)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q gives %q %v, want %q", given, got, ok, want)
		}
	}
}

func FuzzAnOriginOnceCleanStaysAsItIs(f *testing.F) {
	f.Add("https://Shop.Example:443")
	f.Add("http://[::1]:80")
	f.Add("*")
	f.Fuzz(func(t *testing.T, given string) {
		first, ok := customer.CleanOrigin(given)
		if !ok {
			return
		}
		if again, ok := customer.CleanOrigin(first); !ok || again != first {
			t.Fatalf("%q gives %q and that gives %q %v", given, first, again, ok)
		}
	})
}

func TestEveryAreaCanBeReadAndWritten(t *testing.T) {
	t.Parallel()
	all := customer.Scopes()
	for _, want := range []string{"catalog:read", "refunds:write", "settings:write", "*"} {
		if !slices.Contains(all, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if len(all) != 21 {
		t.Errorf("%d scopes", len(all))
	}
}
