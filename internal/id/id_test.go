package id_test

import (
	"strings"
	"testing"

	"doorstep/internal/id"
)

func TestIDsAreVersion7AndSecretsAreFresh(t *testing.T) {
	a, b := id.New(), id.New()
	if a == b || a.Version() != 7 {
		t.Fatalf("%v %v", a, b)
	}
	x, y := id.Secret(20), id.Secret(20)
	if x == y || len(x) != 32 {
		t.Fatalf("%q %q", x, y)
	}
}

func TestSignsAreReadAsPeopleTypeThem(t *testing.T) {
	for typed, want := range map[string]string{
		"7k3m-q2xt-h": "7K3MQ2XTH", "\t#7K3M\tQ2XT\u2011H\t": "7K3MQ2XTH", "oOiIlL": "001111", "": "",
		"7K3U": "", "7K3M?": "", "7Ķ3M": "", strings.Repeat("7", 65): "",
	} {
		if got := id.Typed(typed); got != want {
			t.Errorf("%q is read as %q, want %q", typed, got, want)
		}
	}
}
