-- Accounts with carriers, and what carriers said of the price of a checkout.
-- +goose Up

-- What a merchant needs to reach a carrier. The credentials are sealed, bound to
-- the merchant and the row, and never shown again.
create table carrier_accounts (
  merchant_id      uuid not null references merchants (id),
  id               uuid not null,
  carrier          text not null, -- which adapter: ups, easypost
  code             text not null, -- as shipping policies name the account
  name             text not null default '', -- for people
  base_url         text not null default '', -- empty is the carrier's own
  settings         jsonb not null default '{}', -- what is no secret, such as a table of rates
  ship_from        jsonb not null default '{}', -- addresses by the id of a policy's origin; '' is for all others
  timeout_ms       int not null check (timeout_ms between 100 and 10000),
  enabled          boolean not null,
  credential_names text[] not null default '{}',
  sealed           bytea not null,
  version          bigint not null default 1,
  created_at       timestamptz not null,
  updated_at       timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, code)
);

-- The prices that a checkout was shown with, so that completing it asks no
-- carrier again: see shipping/policy.Recorded. Null where no carrier has a say.
alter table checkouts add column live_rates jsonb;
