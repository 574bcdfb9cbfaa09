-- Staff sign in by a code that is sent to them, and then hold a session. And
-- what tells a thief who tries cards from buyers: the declines of the last
-- minutes and the fingerprint of the card.
-- +goose Up

-- Readers see everything and change nothing.
alter table staff drop constraint staff_role_check;
alter table staff add constraint staff_role_check check (role in ('owner', 'manager', 'agent', 'packer', 'reader'));

-- A row for every request, so that whoever asks cannot tell who works here:
-- staff_id is null when nobody with that address does.
create table staff_codes (
  merchant_id uuid not null,
  id          uuid not null,
  email_hmac  bytea not null,
  staff_id    uuid,
  locale      text not null,
  tries       int not null default 0 check (tries between 0 and 5),
  created_at  timestamptz not null,
  expires_at  timestamptz not null,
  used_at     timestamptz,
  primary key (merchant_id, id)
);
create index staff_codes_email on staff_codes (merchant_id, email_hmac, created_at);
create index staff_codes_age on staff_codes (created_at);

create table staff_sessions (
  merchant_id  uuid not null,
  id           uuid not null,
  staff_id     uuid not null,
  hash         bytea not null, -- of the token, which only its holder has
  created_at   timestamptz not null,
  last_seen_at timestamptz not null, -- to the minute; idle sessions end
  expires_at   timestamptz not null, -- however busy it is
  primary key (merchant_id, id),
  unique (merchant_id, hash),
  foreign key (merchant_id, staff_id) references staff (merchant_id, id)
);
create index staff_sessions_staff on staff_sessions (merchant_id, staff_id);
create index staff_sessions_age on staff_sessions (expires_at);

-- The declines of the last minutes, whose number tells an attack. It is
-- written to by failures only.
create index payments_failed on payments (merchant_id, created_at) where failure_code <> '';

-- Transfers of which a part has come: the rest is waited for, but not for ever.
create index payments_partly on payments (due_at) where status = 'partially_captured' and due_at is not null;
