package customer

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

// Emails opens the e-mail addresses of many contacts at once, for exports.
// Erased and absent ones are left out.
func (c *Contacts) Emails(ctx context.Context, merchant uuid.UUID, contacts []uuid.UUID) (map[uuid.UUID]string, error) {
	var all []Sealed
	err := c.db.Read(ctx, &db.Query{
		SQL:  `select id, email_hmac, wrapped_key, sealed from contacts where merchant_id = $1 and id = any($2) and sealed is not null`,
		Args: []any{merchant, contacts},
		Each: func(rows pgx.Rows) (err error) {
			all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Sealed])
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	emails := make(map[uuid.UUID]string, len(all))
	for _, s := range all {
		open, err := c.vault.Open(merchant, s)
		if err != nil {
			return nil, err
		}
		emails[s.ID] = open.Email
	}
	return emails, nil
}
