-- Outgoing webhooks: where merchants want to be told of what happens, what has
-- been sent there and how it went. And the audit log: who changed what.
-- +goose Up

create table webhook_endpoints (
  merchant_id   uuid not null references merchants (id),
  id            uuid not null,
  url           text not null,
  description   text not null default '',
  events        text[] not null default '{}', -- none means all
  status        text not null check (status in ('active', 'disabled', 'deleted')),
  status_reason text not null default '',
  failing_since timestamptz, -- nothing has arrived since
  paused_until  timestamptz, -- it asked for less
  disabled_at   timestamptz,
  version       bigint not null default 1,
  created_at    timestamptz not null,
  updated_at    timestamptz not null,
  primary key (merchant_id, id)
);
-- The same address twice would be told everything twice.
create unique index webhook_endpoints_url on webhook_endpoints (merchant_id, url) where status <> 'deleted';

-- The secrets that deliveries are signed with, sealed. One is current; the one
-- before it may live on for a while, so that receivers can change over.
create table webhook_secrets (
  merchant_id uuid not null,
  id          uuid not null,
  endpoint_id uuid not null,
  sealed      bytea not null,
  created_at  timestamptz not null,
  expires_at  timestamptz, -- null is the current one
  primary key (merchant_id, id),
  foreign key (merchant_id, endpoint_id) references webhook_endpoints (merchant_id, id)
);
create unique index webhook_secrets_current on webhook_secrets (merchant_id, endpoint_id) where expires_at is null;

create table webhook_deliveries (
  merchant_id  uuid not null,
  id           uuid not null,
  endpoint_id  uuid not null,
  event_id     uuid not null, -- of the outbox; webhook-id is made of it
  aggregate_id uuid not null,
  event        text not null,
  payload      jsonb not null, -- as it was published
  body         text, -- as it is sent, written before the first attempt
  status       text not null check (status in ('pending', 'delivered', 'dead')),
  reason       text not null default '', -- why it is dead
  attempts     int not null default 0 check (attempts >= 0),
  first_of_round int not null default 0, -- attempts made before it was sent again by hand
  replayed     boolean not null default false, -- sent again by hand: others no longer wait for it
  due_at       timestamptz not null, -- of the next attempt; while one runs, when it counts as died
  lease_until  timestamptz, -- an attempt runs; it has the row until then
  last_code    int,
  last_error   text not null default '',
  occurred_at  timestamptz not null,
  created_at   timestamptz not null,
  settled_at   timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, event_id, endpoint_id),
  foreign key (merchant_id, endpoint_id) references webhook_endpoints (merchant_id, id),
  check ((status = 'pending') = (settled_at is null)),
  check (status <> 'dead' or reason <> '')
);
create index webhook_deliveries_due on webhook_deliveries (due_at) where status = 'pending';
create index webhook_deliveries_next on webhook_deliveries (merchant_id, endpoint_id, due_at) where status = 'pending';
create index webhook_deliveries_order on webhook_deliveries (merchant_id, endpoint_id, aggregate_id, event_id) where status = 'pending';
create index webhook_deliveries_list on webhook_deliveries (merchant_id, endpoint_id, id);
create index webhook_deliveries_old on webhook_deliveries (settled_at) where status <> 'pending';

create table webhook_attempts (
  merchant_id uuid not null,
  delivery_id uuid not null,
  n           int not null check (n > 0),
  started_at  timestamptz not null,
  duration_ms bigint not null,
  code        int,
  error       text not null default '',
  excerpt     text not null default '',
  primary key (merchant_id, delivery_id, n),
  foreign key (merchant_id, delivery_id) references webhook_deliveries (merchant_id, id) on delete cascade
);

-- What is still on its way into jobs and deliveries, for those who must not
-- overtake it.
create view v_outbox_waiting as select merchant_id, aggregate_id, id from outbox;

-- The audit log. Each entry carries the hash of the one before it, so that none
-- can be changed or taken out unseen; audit_heads is the end of each chain, and
-- its row lock puts writers in line.
create table audit_log (
  merchant_id uuid not null references merchants (id),
  seq         bigint not null check (seq > 0),
  id          uuid not null,
  acted_at    timestamptz not null,
  actor       text not null, -- api_key:ID, staff:ID, operator
  origin      text not null, -- the address it came from
  action      text not null,
  subject     text not null default '',
  content     text not null, -- canonical JSON of all of the above and the changes: what is hashed
  prev_hash   bytea not null check (length(prev_hash) = 32),
  hash        bytea not null check (length(hash) = 32), -- SHA-256 of prev_hash, seq in 8 bytes, content
  primary key (merchant_id, seq),
  unique (merchant_id, id)
);
create table audit_heads (
  merchant_id uuid not null references merchants (id),
  seq         bigint not null,
  hash        bytea not null,
  primary key (merchant_id)
);
-- The program only ever adds entries. Taking these rights from the owner of the
-- table, who is the program's own role, stops mistakes and injected statements;
-- it does not stop whoever may grant them back, nor a superuser, such as the role
-- of the private database. Those leave a broken chain: doorstep audit verify.
revoke update, delete, truncate on audit_log from public;
revoke update, delete, truncate on audit_log from current_user;
