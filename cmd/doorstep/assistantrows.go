package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"doorstep/cmd/doorstep/cases"
	"doorstep/internal/db"
	"doorstep/internal/fault"
)

var errNotSuperuser = fault.New(fault.Conflict, "database_user_too_weak", "The cases put rows back as they were, past triggers and references: that wants a superuser of the scratch database.")

// journal notes every row that changes in a scratch database. It tells what has
// changed since it was last put back, and puts all of it back.
type journal struct {
	db   *db.DB
	keys map[string][]string // columns of primary keys, by table
}

// journalSchema notes rows in a schema of its own. What is put back goes the way it
// came, the last change first, with triggers and references at rest: at each step
// the tables are as they once were.
const journalSchema = `
create schema scene;
create table scene.changes (n bigint generated always as identity primary key, rel oid not null, was jsonb, now jsonb);
create function scene.note() returns trigger language plpgsql set timezone = 'UTC' as $$
begin
  insert into scene.changes (rel, was, now) values (tg_relid, case when tg_op <> 'INSERT' then to_jsonb(old) end, case when tg_op <> 'DELETE' then to_jsonb(new) end);
  return null;
end $$;
create function scene.back() returns void language plpgsql set timezone = 'UTC' as $$
declare
  c record; n int; columns text;
begin
  for c in select * from scene.changes order by scene.changes.n desc loop
    if c.now is not null then
      execute format('delete from %1$s where ctid = (select t.ctid from %1$s t where to_jsonb(t) = $1 limit 1)', c.rel::regclass) using c.now;
      get diagnostics n = row_count;
      if n <> 1 then
        raise exception 'a row of % is not as it was noted: %', c.rel::regclass, c.now;
      end if;
    end if;
    if c.was is not null then
      select string_agg(quote_ident(attname), ', ' order by attnum) into columns from pg_attribute where attrelid = c.rel and attnum > 0 and not attisdropped and attgenerated = '';
      execute format('insert into %1$s (%2$s) overriding system value select %2$s from jsonb_populate_record(null::%1$s, $1)', c.rel::regclass, columns) using c.was;
    end if;
  end loop;
  delete from scene.changes;
end $$;
do $$
declare
  t record;
begin
  for t in select c.oid::regclass as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition loop
    execute format('create trigger zz_scene after insert or update or delete on %s for each row execute function scene.note()', t.name);
  end loop;
end $$;`

// noteRows begins to note what changes.
func noteRows(ctx context.Context, d *db.DB) (*journal, error) {
	j := &journal{db: d, keys: map[string][]string{}}
	if _, err := d.Pool().Exec(ctx, journalSchema); err != nil {
		return nil, fmt.Errorf("the journal of rows: %w", err)
	}
	rows, err := d.Query(ctx, `select i.indrelid::regclass::text, array_agg(a.attname::text order by array_position(i.indkey::smallint[], a.attnum))
		from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey::smallint[]) where i.indisprimary group by 1`)
	if err != nil {
		return nil, err
	}
	type keyed struct {
		Table   string
		Columns []string
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[keyed])
	for _, k := range all {
		j.keys[k.Table] = k.Columns
	}
	return j, err
}

// effects are the rows that are not as they were.
func (j *journal) effects(ctx context.Context) ([]cases.Effect, error) {
	rows, err := j.db.Query(ctx, `select coalesce(pg_partition_root(rel), rel)::regclass::text, was, now from scene.changes order by n`)
	if err != nil {
		return nil, err
	}
	var all []cases.RowChange
	for rows.Next() {
		var c cases.RowChange
		if err := rows.Scan(&c.Table, &c.Old, &c.New); err != nil {
			rows.Close()
			return nil, err
		}
		c.Key = j.keys[c.Table]
		c.Table = strings.TrimPrefix(c.Table, "public.")
		all = append(all, c)
	}
	return cases.Effects(all), rows.Err()
}

// back puts every row back as it was.
func (j *journal) back(ctx context.Context) error {
	tx, err := j.db.Pool().Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit it does nothing
	if _, err := tx.Exec(ctx, `set local session_replication_role = replica`); err != nil {
		if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == "42501" {
			return errNotSuperuser.Because(err)
		}
		return err
	}
	if _, err := tx.Exec(ctx, `select scene.back()`); err != nil {
		return err
	}
	return tx.Commit(ctx)
}
