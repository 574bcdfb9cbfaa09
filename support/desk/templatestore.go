package desk

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

func scanTemplate(row pgx.CollectableRow) (t Template, err error) {
	var bodies []byte
	if err = row.Scan(&t.ID, &t.Name, &bodies, &t.Version, &t.CreatedAt, &t.UpdatedAt); err != nil {
		return t, err
	}
	t.CreatedAt, t.UpdatedAt = t.CreatedAt.UTC(), t.UpdatedAt.UTC()
	return t, json.Unmarshal(bodies, &t.Bodies)
}

const templateColumns = `id, name, bodies, version, created_at, updated_at`

// Templates lists the reply templates of a shop by their names.
func (x *Inbox) Templates(ctx context.Context, merchant uuid.UUID) ([]Template, error) {
	rows, err := x.db.Query(ctx, `select `+templateColumns+` from support_templates where merchant_id = $1 order by name, id limit $2`, merchant, mostTemplates)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanTemplate)
}

// Template gives one, or fails with ErrNoReply.
func (x *Inbox) Template(ctx context.Context, merchant, template uuid.UUID) (Template, error) {
	rows, err := x.db.Query(ctx, `select `+templateColumns+` from support_templates where merchant_id = $1 and id = $2`, merchant, template)
	if err != nil {
		return Template{}, err
	}
	t, err := pgx.CollectExactlyOneRow(rows, scanTemplate)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNoReply
	}
	return t, err
}

// AddTemplate adds a reply template. It fails with ErrTemplate, ErrNameTaken or
// ErrManyReply.
func (x *Inbox) AddTemplate(ctx context.Context, merchant uuid.UUID, t Template) (Template, error) {
	if err := t.clean(); err != nil {
		return t, err
	}
	if _, err := x.desks.Settings(ctx, merchant); err != nil {
		return t, err
	}
	bodies, err := json.Marshal(t.Bodies)
	if err != nil {
		return t, err
	}
	t.ID, t.Version = id.New(), 1
	t.CreatedAt = x.db.Now()
	t.UpdatedAt = t.CreatedAt
	err = db.Run(ctx, x.db, func(tx db.Tx) error {
		var n int
		// The desk's row puts those who count in line.
		if _, err := tx.Exec(ctx, `select from support_desks where merchant_id = $1 for no key update`, merchant); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `select count(*) from support_templates where merchant_id = $1`, merchant).Scan(&n); err != nil {
			return err
		}
		if n >= mostTemplates {
			return ErrManyReply
		}
		_, err := tx.Exec(ctx, `insert into support_templates (merchant_id, id, name, bodies, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)`,
			merchant, t.ID, t.Name, bodies, t.CreatedAt)
		return err
	})
	if db.Violates(err, "support_templates_merchant_id_name_key") {
		return t, ErrNameTaken.Because(err)
	}
	return t, err
}

// ChangeTemplate puts name and bodies in place of those of a template. With ifVersion
// given, one of another version fails with ErrSettingsVersion.
func (x *Inbox) ChangeTemplate(ctx context.Context, merchant uuid.UUID, t Template, ifVersion *int64) (Template, error) {
	if err := t.clean(); err != nil {
		return t, err
	}
	bodies, err := json.Marshal(t.Bodies)
	if err != nil {
		return t, err
	}
	n, err := x.db.Exec(ctx, `update support_templates set name = $3, bodies = $4, version = version + 1, updated_at = $5
		where merchant_id = $1 and id = $2 and ($6::bigint is null or version = $6)`, merchant, t.ID, t.Name, bodies, x.db.Now(), ifVersion)
	if db.Violates(err, "support_templates_merchant_id_name_key") {
		return t, ErrNameTaken.Because(err)
	}
	if err != nil {
		return t, err
	}
	now, err := x.Template(ctx, merchant, t.ID)
	if err == nil && n == 0 {
		err = ErrSettingsVersion.With("version", now.Version)
	}
	return now, err
}

// DeleteTemplate removes one. It fails with ErrNoReply.
func (x *Inbox) DeleteTemplate(ctx context.Context, merchant, template uuid.UUID) error {
	n, err := x.db.Exec(ctx, `delete from support_templates where merchant_id = $1 and id = $2`, merchant, template)
	if err == nil && n == 0 {
		err = ErrNoReply
	}
	return err
}
