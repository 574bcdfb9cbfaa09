-- What payment providers tell by webhook.
-- +goose Up

-- One row per event, written before the provider is answered, so that nothing it
-- has told is forgotten; the primary key lets an event in once, however often it
-- is sent. Nothing but names is kept: how things stand is asked for.
create table inbox (
  merchant_id uuid not null,
  source      text not null check (source <> ''), -- the provider
  event_id    text not null check (event_id <> ''), -- as the source names it
  event       text not null, -- its type, in the source's words
  kind        text not null check (kind in ('changed', 'refunded', 'disputed')),
  payment_id  uuid, -- as the event says; absent when it does not
  gateway_id  text not null default '',
  -- waiting to be acted on; parked until there is a payment for it; done; dropped
  -- when there has been none for days.
  status      text not null check (status in ('waiting', 'parked', 'done', 'dropped')),
  tries       int not null default 0,
  failure     text not null default '', -- code of the last one
  next_at     timestamptz not null,
  occurred_at timestamptz not null,
  received_at timestamptz not null,
  ended_at    timestamptz,
  primary key (merchant_id, source, event_id),
  check ((status in ('done', 'dropped')) = (ended_at is not null))
);
create index inbox_due on inbox (next_at) where status in ('waiting', 'parked');
create index inbox_ended on inbox (ended_at) where status in ('done', 'dropped');
