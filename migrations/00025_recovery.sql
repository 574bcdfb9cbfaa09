-- Mail that nobody has to be sent: who has agreed to it, who wants none, what was
-- decided about each, and the reminders of carts that were left.
-- +goose Up

-- What people have agreed to, and what they have taken back. Nothing is ever
-- changed here: the newest entry of a topic counts, the others prove it.
create table consents (
  merchant_id  uuid not null references merchants (id),
  id           uuid not null,
  email_hmac   bytea not null,
  topic        text not null,
  granted      boolean not null,
  confirmed    boolean not null default false, -- by a link in a mail, or signed in
  source       text not null, -- checkout, account, import, api
  text_version text not null, -- of what they read when they agreed
  country      text not null default '',
  actor        text not null default '', -- who wrote it down
  given_at     timestamptz not null,
  created_at   timestamptz not null,
  primary key (merchant_id, id)
);
create index consents_person on consents (merchant_id, email_hmac, given_at);

-- Whom nothing is sent to any more. Addresses are kept as the same HMAC as those
-- of contacts. A later consent lifts what the person has asked for themselves.
create table suppressions (
  merchant_id uuid not null,
  id          uuid not null,
  person      bytea not null,
  topic       text not null, -- all, or one topic
  reason      text not null check (reason in ('unsubscribed', 'complaint', 'hard_bounce', 'manual')),
  source      text not null,
  created_at  timestamptz not null,
  lifted_at   timestamptz,
  primary key (merchant_id, id)
);
create unique index suppressions_active on suppressions (merchant_id, person, topic, reason) where lifted_at is null;
create index suppressions_person on suppressions (merchant_id, person);

-- One row for each person that anything was decided about: its lock puts the
-- decisions about one person in line, over all kinds of mail.
create table gate_people (
  merchant_id uuid not null,
  person      bytea not null,
  updated_at  timestamptz not null,
  primary key (merchant_id, person)
);

-- What the gate said about each mail, and what for. A row with passed_at counts
-- for how often the person may be written to.
create table gate_decisions (
  merchant_id uuid not null,
  id          uuid not null,
  mail_key    text not null,
  person      bytea not null,
  topic       text not null,
  kind        text not null,
  country     text not null,
  verdict     text not null check (verdict in ('allow', 'wait', 'refuse')),
  code        text not null, -- why: the basis of allow, the reason of the others
  until_at    timestamptz, -- of wait
  caps        jsonb not null default '[]', -- those that counted, for whoever checks
  decided_at  timestamptz not null,
  passed_at   timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, mail_key)
);
create index gate_decisions_passed on gate_decisions (merchant_id, person, passed_at) where passed_at is not null;

create table recovery_settings (
  merchant_id uuid not null references merchants (id),
  document    jsonb not null,
  version     bigint not null default 1,
  canary_at   timestamptz, -- when the first few began to be written to
  stopped_at  timestamptz,
  stop_reason text not null default '',
  updated_at  timestamptz not null,
  primary key (merchant_id)
);

-- One time that somebody known has left something behind, and what follows.
create table recovery_plans (
  merchant_id      uuid not null,
  id               uuid not null,
  journey_id       uuid not null,
  times            int not null, -- which time of the journey it is
  cart_id          uuid,
  checkout_id      uuid,
  contact_id       uuid not null,
  person           bytea not null,
  arm              text not null check (arm in ('treated', 'holdout')),
  country          text not null default '',
  locale           text not null,
  currency         char(3) not null,
  value_minor      bigint not null,
  lines            jsonb not null, -- what was in it, and what it cost
  codes            text[] not null default '{}',
  status           text not null check (status in ('open', 'closed')),
  reason           text not null default '', -- why it is closed
  new_cart_id      uuid, -- the id that a cart made by the link gets
  restored_cart_id uuid, -- that the link has opened
  restored_at      timestamptz,
  abandoned_at     timestamptz not null,
  closed_at        timestamptz,
  created_at       timestamptz not null,
  updated_at       timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, journey_id, times),
  check ((status = 'closed') = (closed_at is not null))
);
create index recovery_plans_person on recovery_plans (merchant_id, person);
create index recovery_plans_restored on recovery_plans (merchant_id, restored_cart_id) where restored_cart_id is not null;

create table recovery_reminders (
  merchant_id uuid not null,
  id          uuid not null,
  plan_id     uuid not null,
  step        int not null check (step > 0),
  status      text not null check (status in ('planned', 'sent', 'held_out', 'skipped', 'failed')),
  code        text not null default '', -- why it waits or was not sent
  due_at      timestamptz not null,
  attempts    int not null default 0,
  extras      jsonb not null default '[]', -- what the mail recommends besides, as it was when it was written
  checked_at  timestamptz, -- the last look before it was handed over, by the shop's clock
  checked_real timestamptz, -- the same by the database's own, for whoever checks the order of things
  sent_at     timestamptz,
  created_at  timestamptz not null,
  updated_at  timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, plan_id, step),
  foreign key (merchant_id, plan_id) references recovery_plans (merchant_id, id)
);
create index recovery_reminders_due on recovery_reminders (due_at) where status = 'planned';
create index recovery_reminders_entered on recovery_reminders (merchant_id, sent_at) where status in ('sent', 'held_out');

-- News of bounces, each once.
create table mail_news (
  merchant_id uuid not null,
  provider    text not null,
  event_id    text not null,
  type        text not null,
  received_at timestamptz not null,
  primary key (merchant_id, provider, event_id)
);

-- A mail that was about to be sent when it turned out that it must not be.
alter table deliveries drop constraint deliveries_status_check;
alter table deliveries add constraint deliveries_status_check
  check (status in ('queued', 'sending', 'sent', 'failed', 'captured', 'dropped'));
-- Of captured mails, those that readers' programs act on.
alter table deliveries add column headers jsonb;
-- Bounces name a mail by its Message-ID, which begins with this id.
create index deliveries_id on deliveries (id);

-- The secret that a link of a mail gives: the one that the cart was made with
-- goes on to open it, on the device where it was made.
alter table carts add column link_hash bytea;

-- What people have bought, for those who must not remind them of it.
create view v_person_purchases as
select o.merchant_id, o.email_hmac, o.id as order_id, o.placed_at, l.variant_id
from orders o
join order_lines l on l.merchant_id = o.merchant_id and l.order_id = o.id
where o.status <> 'canceled';

-- How a checkout stands, for those who remind people of what they left in it.
create view v_checkout_standing as select merchant_id, id, status from checkouts;

-- Which order a cart has become.
create view v_order_carts as
select o.merchant_id, o.id as order_id, c.cart_id, o.email_hmac, o.status, o.currency, o.total_minor, o.placed_at
from orders o
join checkouts c on c.merchant_id = o.merchant_id and c.id = o.checkout_id;
