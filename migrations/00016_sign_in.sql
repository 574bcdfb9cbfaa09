-- Customers sign in by a code that is sent to them. The code itself is kept
-- nowhere: it follows from the id of the request and a key of the program.
-- +goose Up

create table sign_in_codes (
  merchant_id uuid not null references merchants (id),
  id          uuid not null,
  email_hmac  bytea not null,
  contact_id  uuid not null,
  locale      text not null,
  tries       int not null default 0 check (tries between 0 and 5),
  created_at  timestamptz not null,
  expires_at  timestamptz not null,
  used_at     timestamptz,
  primary key (merchant_id, id)
);
-- How often codes of one address were tried in a day.
create index sign_in_codes_email on sign_in_codes (merchant_id, email_hmac, created_at);
create index sign_in_codes_age on sign_in_codes (created_at);

create table customer_sessions (
  merchant_id  uuid not null references merchants (id),
  id           uuid not null,
  customer_id  uuid not null,
  hash         bytea not null, -- of the token, which only its holder has
  created_at   timestamptz not null,
  last_seen_at timestamptz not null,
  expires_at   timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, hash)
);
create index customer_sessions_customer on customer_sessions (merchant_id, customer_id);
create index customer_sessions_age on customer_sessions (expires_at);
