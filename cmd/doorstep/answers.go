package main

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/google/uuid"

	"doorstep/api"
	"doorstep/customer"
	"doorstep/internal/idem"
)

// sealedAnswers keeps the answers to writes sealed: there are people's addresses
// in them, and the secrets of carts and checkouts, which are kept hashed
// everywhere else.
type sealedAnswers struct {
	api.Idempotency
	vault *customer.Vault
}

// rowOf stands for the key in what a sealed answer is bound to.
func rowOf(key string) uuid.UUID {
	sum := sha256.Sum256([]byte(key))
	return uuid.UUID(sum[:16])
}

// Begin opens the stored answer. What begins like JSON or a text was stored
// before answers were sealed, or by the transaction that made it true.
func (s sealedAnswers) Begin(ctx context.Context, k idem.Key, lease time.Duration) (idem.State, error) {
	state, err := s.Idempotency.Begin(ctx, k, lease)
	if err != nil || !state.Done || len(state.Body) == 0 || state.Body[0] >= ' ' {
		return state, err
	}
	state.Body, err = s.vault.OpenSecret(k.Merchant, rowOf(k.Key), state.Body)
	return state, err
}

// Finish stores the answer sealed.
func (s sealedAnswers) Finish(ctx context.Context, k idem.Key, status int, headers map[string]string, body []byte) error {
	if len(body) > 0 {
		body = s.vault.SealSecret(k.Merchant, rowOf(k.Key), body)
	}
	return s.Idempotency.Finish(ctx, k, status, headers, body)
}
