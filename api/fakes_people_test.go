package api

import (
	"context"
	"time"

	"doorstep/customer"

	"github.com/google/uuid"
)

// goodSession is signed in as the one customer; goodCode signs in.
const goodCode = "123456"

type fakePeople struct{ *shop }

func (f fakePeople) AskCode(_ context.Context, m uuid.UUID, email, locale, ip string) (uuid.UUID, time.Time, error) {
	return thing, noon.Add(10 * time.Minute), f.see("AskCode", m, true, nil, []string{email, locale, ip})
}

func (f fakePeople) SignIn(_ context.Context, m, request uuid.UUID, code string) (customer.Session, string, error) {
	err := f.see("SignIn", m, true, customer.ErrCode, request)
	if err == nil && code != goodCode {
		err = customer.ErrCode
	}
	return customer.Session{ID: thing, CustomerID: thing, CreatedAt: noon, ExpiresAt: noon.AddDate(0, 0, 30)}, "ds_cs_" + canary, err
}

func (f fakePeople) Session(_ context.Context, m uuid.UUID, token string) (customer.Session, error) {
	err := f.see("Session", m, false, customer.ErrSession, token)
	if err == nil && token != canary {
		err = customer.ErrSession
	}
	return customer.Session{ID: thing, CustomerID: thing, ContactID: thing, CreatedAt: noon, ExpiresAt: noon.AddDate(0, 0, 30)}, err
}

func (f fakePeople) SignOut(_ context.Context, m uuid.UUID, token string) error {
	return f.see("SignOut", m, true, nil, token)
}

func (f fakePeople) ExportPerson(_ context.Context, m, person uuid.UUID) ([]byte, error) {
	return []byte(`{"contacts":["` + canary + `"]}`), f.known("ExportPerson", m, person, false, customer.ErrPersonUnknown, nil)
}

func (f fakePeople) ErasePerson(_ context.Context, m, person uuid.UUID) (int64, error) {
	return 1, f.known("ErasePerson", m, person, true, customer.ErrPersonUnknown, nil)
}
