package shipping

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/shipping/carrier"
)

const accountColumns = `merchant_id, id, carrier, code, name, base_url, settings, ship_from, timeout_ms, enabled, credential_names, sealed, version, created_at, updated_at`

func scanAccount(row pgx.CollectableRow) (a Account, err error) {
	var places []byte
	if err = row.Scan(&a.MerchantID, &a.ID, &a.Carrier, &a.Code, &a.Name, &a.BaseURL, &a.Settings, &places, &a.TimeoutMS, &a.Enabled, &a.Known, &a.sealed, &a.Version, &a.CreatedAt, &a.UpdatedAt); err != nil {
		return a, err
	}
	a.CreatedAt, a.UpdatedAt = a.CreatedAt.UTC(), a.UpdatedAt.UTC()
	return a, json.Unmarshal(places, &a.ShipFrom)
}

func carrierError(err error) (*carrier.Error, bool) {
	var e *carrier.Error
	ok := errors.As(err, &e)
	return e, ok
}

// List gives all accounts of a merchant by code; there are at most 50.
func (s *Accounts) List(ctx context.Context, merchant uuid.UUID) ([]Account, error) {
	rows, err := s.DB.Query(ctx, `select `+accountColumns+` from carrier_accounts where merchant_id = $1 order by code limit $2`, merchant, mostAccounts)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanAccount)
}

// Account is one of them, or ErrAccountNotFound.
func (s *Accounts) Account(ctx context.Context, merchant, account uuid.UUID) (Account, error) {
	rows, err := s.DB.Query(ctx, `select `+accountColumns+` from carrier_accounts where merchant_id = $1 and id = $2`, merchant, account)
	return oneAccount(rows, err)
}

func oneAccount(rows pgx.Rows, err error) (Account, error) {
	if err != nil {
		return Account{}, err
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAccount)
	if errors.Is(err, pgx.ErrNoRows) {
		return a, ErrAccountNotFound
	}
	return a, err
}

// seal makes the credentials fit to be stored and gives their names.
func (s *Accounts) seal(merchant, account uuid.UUID, credentials map[string]string) ([]byte, []string, error) {
	if credentials == nil {
		credentials = map[string]string{}
	}
	text, err := json.Marshal(credentials)
	if err != nil {
		return nil, nil, err
	}
	names := slices.AppendSeq([]string{}, maps.Keys(credentials))
	slices.Sort(names)
	return s.Seal(merchant, account, text), names, nil
}

func places(at map[string]Address) ([]byte, error) {
	if at == nil {
		return []byte("{}"), nil
	}
	return json.Marshal(at)
}

// Add links an account. It fails with ErrAccount, ErrAccountTaken or
// ErrAccountMany.
func (s *Accounts) Add(ctx context.Context, merchant uuid.UUID, f AccountForm) (Account, error) {
	f.Credentials, f.ShipFrom = maps.Clone(f.Credentials), maps.Clone(f.ShipFrom)
	if err := s.check(&f); err != nil {
		return Account{}, err
	}
	now := s.DB.Now()
	a := Account{MerchantID: merchant, ID: id.New(), AccountForm: f, Version: 1, CreatedAt: now, UpdatedAt: now}
	from, err := places(f.ShipFrom)
	if err != nil {
		return Account{}, err
	}
	if a.sealed, a.Known, err = s.seal(merchant, a.ID, f.Credentials); err != nil {
		return Account{}, err
	}
	a.Credentials = nil
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		var n int
		// The merchant's row puts those who count in line.
		if _, err := tx.Exec(ctx, `select from merchants where id = $1 for no key update`, merchant); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `select count(*) from carrier_accounts where merchant_id = $1`, merchant).Scan(&n); err != nil {
			return err
		}
		if n >= mostAccounts {
			return ErrAccountMany
		}
		_, err := tx.Exec(ctx, `insert into carrier_accounts (`+accountColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $13)`,
			merchant, a.ID, f.Carrier, f.Code, f.Name, f.BaseURL, f.Settings, from, f.TimeoutMS, f.Enabled, a.Known, a.sealed, now)
		return taken(err)
	})
	return a, err
}

func taken(err error) error {
	if db.Violates(err, "carrier_accounts_merchant_id_code_key") {
		return ErrAccountTaken.Because(err)
	}
	return err
}

// Change lets patch change an account as it stands; the form it is given holds
// no credentials, and those it leaves there are merged into the stored ones. A
// change of BaseURL needs all of them again: a new address is not sent the old
// secrets.
// With ifVersion given, an account of another version is ErrAccountVersion.
// patch may be called more than once.
func (s *Accounts) Change(ctx context.Context, merchant, account uuid.UUID, ifVersion *int64, patch func(*AccountForm) error) (Account, error) {
	var a Account
	err := db.Run(ctx, s.DB, func(tx db.Tx) (err error) {
		rows, err := tx.Query(ctx, `select `+accountColumns+` from carrier_accounts where merchant_id = $1 and id = $2 for update`, merchant, account)
		if a, err = oneAccount(rows, err); err != nil {
			return err
		}
		if ifVersion != nil && *ifVersion != a.Version {
			return ErrAccountVersion.With("version", a.Version)
		}
		f := a.AccountForm
		f.ShipFrom = maps.Clone(f.ShipFrom)
		if err := patch(&f); err != nil {
			return err
		}
		// Credentials go to the address that they were given for and to no other.
		if strings.TrimRight(strings.TrimSpace(f.BaseURL), "/") == a.BaseURL {
			if f.Credentials, err = s.merged(&a, f.Credentials); err != nil {
				return err
			}
		}
		f.Carrier = a.Carrier
		if err := s.check(&f); err != nil {
			return err
		}
		return s.save(ctx, tx, &a, f)
	})
	return a, err
}

// merged are the stored credentials with changes to them.
func (s *Accounts) merged(a *Account, changes map[string]string) (map[string]string, error) {
	text, err := s.Open(a.MerchantID, a.ID, a.sealed)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	maps.Copy(all, changes)
	return all, nil
}

func (s *Accounts) save(ctx context.Context, tx db.Tx, a *Account, f AccountForm) error {
	from, err := places(f.ShipFrom)
	if err != nil {
		return err
	}
	if a.sealed, a.Known, err = s.seal(a.MerchantID, a.ID, f.Credentials); err != nil {
		return err
	}
	f.Credentials = nil
	a.AccountForm, a.Version, a.UpdatedAt = f, a.Version+1, s.DB.Now()
	_, err = tx.Exec(ctx, `update carrier_accounts set code = $3, name = $4, base_url = $5, settings = $6, ship_from = $7, timeout_ms = $8, enabled = $9,
			credential_names = $10, sealed = $11, version = $12, updated_at = $13 where merchant_id = $1 and id = $2`,
		a.MerchantID, a.ID, f.Code, f.Name, f.BaseURL, f.Settings, from, f.TimeoutMS, f.Enabled, a.Known, a.sealed, a.Version, a.UpdatedAt)
	return taken(err)
}

// Delete forgets an account and its credentials, or ErrAccountNotFound.
func (s *Accounts) Delete(ctx context.Context, merchant, account uuid.UUID) error {
	n, err := s.DB.Exec(ctx, `delete from carrier_accounts where merchant_id = $1 and id = $2`, merchant, account)
	if err == nil && n == 0 {
		return ErrAccountNotFound
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.made, account)
	return err
}
