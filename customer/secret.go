package customer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// secretKeyID is the id of the sealing key, kept with what it sealed so that
// keys can change.
const secretKeyID = 1

// SealSecret encrypts a secret that the program must be able to read again,
// such as the one that signs a webhook, bound to the merchant and the row. What
// is only ever compared, such as an API key, is hashed instead.
func (v *Vault) SealSecret(merchant, row uuid.UUID, secret []byte) []byte {
	return v.secret.Seal([]byte{secretKeyID}, nil, secret, slices.Concat(merchant[:], row[:])) //nolint:gosec // NewGCMWithRandomNonce makes its own nonce
}

// OpenSecret decrypts what SealSecret made for the same merchant and row.
func (v *Vault) OpenSecret(merchant, row uuid.UUID, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != secretKeyID {
		return nil, errors.New("customer: a secret was sealed with an unknown key")
	}
	secret, err := v.secret.Open(nil, nil, sealed[1:], slices.Concat(merchant[:], row[:]))
	if err != nil {
		return nil, fmt.Errorf("customer: secret %s: %w", row, err)
	}
	return secret, nil
}
