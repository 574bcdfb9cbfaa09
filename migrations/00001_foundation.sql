-- What every room stands on: guards that raise, idempotency keys, the outbox.
-- +goose Up

-- must raises its code when a guarded statement touched too few rows. A
-- pipeline of statements is not stopped by an UPDATE that hits nothing, so each
-- guard has to raise; SQLSTATE DS001 is read back as the fault of that code.
-- +goose StatementBegin
create function must(got bigint, want bigint, code text) returns void language plpgsql as $$
begin
  if got is distinct from want then
    raise exception using errcode = 'DS001', message = code;
  end if;
end $$;
-- +goose StatementEnd

create table merchants (
  id             uuid primary key,
  name           text not null check (name <> ''),
  status         text not null default 'active' check (status in ('active', 'closed')),
  -- Raised by every change to settings, promotions, tax rates, locations and the
  -- shipping policy, so that a cached copy knows in one read whether it is current.
  config_version bigint not null default 1,
  created_at     timestamptz not null,
  updated_at     timestamptz not null
);

create table settings (
  merchant_id uuid primary key references merchants (id),
  document    jsonb not null,
  version     bigint not null default 1,
  updated_at  timestamptz not null
);

create table idempotency_keys (
  merchant_id  uuid not null,
  key          text not null,
  request_hash bytea not null,
  status       text not null check (status in ('running', 'done')),
  http_status  int,
  headers      jsonb,
  body         bytea,
  lease_until  timestamptz not null,
  created_at   timestamptz not null,
  primary key (merchant_id, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);

-- One row per event, written in the transaction that made it true. The relay
-- turns each into one job per subscriber and removes it in the same transaction.
create table outbox (
  merchant_id  uuid not null,
  id           uuid not null,
  aggregate_id uuid not null,
  event        text not null,
  payload      jsonb not null,
  created_at   timestamptz not null,
  primary key (merchant_id, id)
);
create index outbox_order on outbox (id);
