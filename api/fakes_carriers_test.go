package api

import (
	"context"
	"encoding/json"

	"doorstep/shipping"

	"github.com/google/uuid"
)

type fakeCarrierAccounts struct{ *shop }

func theCarrierAccount() shipping.Account {
	return shipping.Account{
		MerchantID: merchant, ID: thing, Known: []string{"api_key"}, Version: 4, CreatedAt: noon, UpdatedAt: noon,
		AccountForm: shipping.AccountForm{
			Carrier: "easypost", Code: "easypost", Name: canary, Settings: json.RawMessage(`{"zone":"a"}`), TimeoutMS: 1200, Enabled: true,
			ShipFrom: map[string]shipping.Address{"": {Country: "US", City: canary}, "east": {Country: "US"}},
		},
	}
}

func (f fakeCarrierAccounts) List(_ context.Context, m uuid.UUID) ([]shipping.Account, error) {
	if err := f.see("ListCarrierAccounts", m, false, nil, nil); err != nil || m != merchant {
		return nil, err
	}
	return []shipping.Account{theCarrierAccount()}, nil
}

func (f fakeCarrierAccounts) Account(_ context.Context, m, id uuid.UUID) (shipping.Account, error) {
	return theCarrierAccount(), f.known("CarrierAccount", m, id, false, shipping.ErrAccountNotFound, nil)
}

func (f fakeCarrierAccounts) Add(_ context.Context, m uuid.UUID, form shipping.AccountForm) (shipping.Account, error) {
	if err := f.see("AddCarrierAccount", m, true, nil, form); err != nil {
		return shipping.Account{}, err
	}
	a := shipping.Account{MerchantID: m, ID: lineID, AccountForm: form, Version: 1}
	for name := range form.Credentials {
		a.Known = append(a.Known, name)
	}
	return a, nil
}

func (f fakeCarrierAccounts) Change(_ context.Context, m, id uuid.UUID, ifVersion *int64, patch func(*shipping.AccountForm) error) (shipping.Account, error) {
	a := theCarrierAccount()
	if err := patch(&a.AccountForm); err != nil {
		return a, err
	}
	if err := f.known("ChangeCarrierAccount", m, id, true, shipping.ErrAccountNotFound, a.AccountForm); err != nil {
		return a, err
	}
	if ifVersion != nil && *ifVersion != a.Version {
		return a, shipping.ErrAccountVersion
	}
	a.Version++
	return a, nil
}

func (f fakeCarrierAccounts) Delete(_ context.Context, m, id uuid.UUID) error {
	return f.known("DeleteCarrierAccount", m, id, true, shipping.ErrAccountNotFound, nil)
}

func (f fakeCarrierAccounts) Test(_ context.Context, m, id uuid.UUID) (shipping.Trial, error) {
	return shipping.Trial{OK: true, LatencyMS: 12, Services: []string{"Priority"}}, f.known("TestCarrierAccount", m, id, false, shipping.ErrAccountNotFound, nil)
}
