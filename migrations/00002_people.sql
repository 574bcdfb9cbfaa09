-- Keys, staff, customers and contacts. People's data stands sealed in contacts
-- and nowhere else: other tables hold contact_id and, for look-up, an HMAC.
-- +goose Up

create table api_keys (
  merchant_id  uuid not null references merchants (id),
  id           uuid not null,
  kind         text not null check (kind in ('publishable', 'secret')),
  name         text not null default '',
  hash         bytea not null,
  last4        text not null,
  scopes       text[] not null default '{}',
  origins      text[] not null default '{}',
  created_at   timestamptz not null,
  expires_at   timestamptz,
  revoked_at   timestamptz,
  last_used_at timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, hash)
);

create table contacts (
  merchant_id uuid not null,
  id          uuid not null,
  email_hmac  bytea not null,
  -- The data key of this contact, wrapped by the master key; erasure sets it
  -- and the sealed blob to null and keeps the row as a tombstone.
  wrapped_key bytea,
  sealed      bytea,
  created_at  timestamptz not null,
  erased_at   timestamptz,
  primary key (merchant_id, id)
);
create index contacts_email on contacts (merchant_id, email_hmac);

create table customers (
  merchant_id uuid not null references merchants (id),
  id          uuid not null,
  email_hmac  bytea not null,
  contact_id  uuid not null,
  groups      text[] not null default '{}',
  created_at  timestamptz not null,
  updated_at  timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, email_hmac)
);

create table staff (
  merchant_id       uuid not null references merchants (id),
  id                uuid not null,
  email_hmac        bytea not null,
  contact_id        uuid not null,
  role              text not null check (role in ('owner', 'manager', 'agent', 'packer')),
  status            text not null check (status in ('invited', 'active', 'removed')),
  invite_hash       bytea,
  invite_expires_at timestamptz,
  created_at        timestamptz not null,
  updated_at        timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, email_hmac)
);
