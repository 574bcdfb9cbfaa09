package customer_test

import (
	"bytes"
	"testing"

	"doorstep/internal/id"
)

func TestASecretOpensOnlyForItsMerchantAndRow(t *testing.T) {
	t.Parallel()
	v := vault(t, 7)
	merchant, row, secret := id.New(), id.New(), []byte("the secret of an endpoint")
	sealed := v.SealSecret(merchant, row, secret)
	if bytes.Contains(sealed, secret[:8]) || bytes.Equal(sealed, v.SealSecret(merchant, row, secret)) {
		t.Error("it is not sealed, or twice the same")
	}
	if opened, err := v.OpenSecret(merchant, row, sealed); err != nil || !bytes.Equal(opened, secret) {
		t.Errorf("%q %v", opened, err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another merchant":   func() ([]byte, error) { return v.OpenSecret(id.New(), row, sealed) },
		"another row":        func() ([]byte, error) { return v.OpenSecret(merchant, id.New(), sealed) },
		"another master key": func() ([]byte, error) { return vault(t, 8).OpenSecret(merchant, row, sealed) },
		"another key id":     func() ([]byte, error) { return v.OpenSecret(merchant, row, append([]byte{9}, sealed[1:]...)) },
		"a changed byte": func() ([]byte, error) {
			return v.OpenSecret(merchant, row, append(bytes.Clone(sealed[:len(sealed)-1]), sealed[len(sealed)-1]^1))
		},
		"nothing": func() ([]byte, error) { return v.OpenSecret(merchant, row, nil) },
	} {
		if opened, err := open(); err == nil {
			t.Errorf("%s opens it: %q", name, opened)
		}
	}
}
