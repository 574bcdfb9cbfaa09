package id_test

import (
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
