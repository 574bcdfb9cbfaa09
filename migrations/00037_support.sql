-- What a shop does when something goes wrong: hooks that listen, cases that are open,
-- what buyers are told before they ask, and when people are there to answer.
-- +goose Up

-- How a shop answers; a row is made when it is first needed, together with the hooks
-- that every shop begins with.
create table support_desks (
  merchant_id          uuid        not null primary key references merchants (id),
  hours                jsonb       not null, -- working hours: time zone, spans of the week, holidays
  first_answer_minutes int         not null check (first_answer_minutes between 1 and 100000),
  most_open            int         not null default 3 check (most_open between 1 and 5), -- conversations that one person has at a time
  notices_a_day        int         not null default 3 check (notices_a_day between 1 and 20), -- that one buyer is sent unasked
  version              bigint      not null default 1,
  created_at           timestamptz not null,
  updated_at           timestamptz not null
);

-- A hook: when this happens and that holds, these things are done, though not again
-- about the same thing before the cool-down is over.
create table support_hooks (
  merchant_id      uuid        not null references merchants (id),
  id               uuid        not null,
  name             text        not null check (length(name) between 1 and 100),
  event            text        not null check (event <> ''),
  condition        jsonb, -- the same tree as in shipping policies; null holds always
  actions          jsonb       not null,
  cooldown_minutes int         not null default 0 check (cooldown_minutes between 0 and 525600),
  enabled          boolean     not null default true,
  preset           boolean     not null default false, -- came with the shop
  version          bigint      not null default 1,
  created_by       text        not null,
  created_at       timestamptz not null,
  updated_at       timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, name)
);
create index support_hooks_event on support_hooks (merchant_id, event) where enabled;

-- What has happened, once each: the key names the same piece of news however often
-- it is told. Facts are what conditions ask, nothing of them identifies a person.
create table support_signals (
  merchant_id     uuid        not null references merchants (id),
  id              uuid        not null,
  key             text        not null check (length(key) between 1 and 200),
  event           text        not null check (event <> ''),
  subject_id      uuid        not null, -- the parcel, the payment, the return ...
  order_id        uuid,
  contact_id      uuid,
  conversation_id uuid,
  by_customer     boolean     not null, -- the buyer came up with it, not the shop
  facts           jsonb       not null,
  settles         boolean     not null default false, -- it ends what it is about
  occurred_at     timestamptz not null,
  created_at      timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, key)
);
create index support_signals_at on support_signals (merchant_id, event, created_at desc);

-- When a hook last did something about a subject.
create table support_hook_fires (
  merchant_id uuid        not null,
  hook_id     uuid        not null,
  subject_id  uuid        not null,
  fired_at    timestamptz not null,
  times       bigint      not null default 1,
  primary key (merchant_id, hook_id, subject_id),
  foreign key (merchant_id, hook_id) references support_hooks (merchant_id, id) on delete cascade
);

-- A case: something a person has to look after. One of a kind about a subject at a time.
create table support_cases (
  merchant_id     uuid        not null references merchants (id),
  id              uuid        not null,
  kind            text        not null check (kind <> ''),
  subject_id      uuid        not null,
  status          text        not null default 'open' check (status in ('open', 'resolved')),
  priority        text        not null default 'normal' check (priority in ('low', 'normal', 'high', 'urgent')),
  tags            text[]      not null default '{}',
  order_id        uuid,
  order_number    text        not null default '',
  contact_id      uuid,
  customer_id     uuid,
  conversation_id uuid,
  by_customer     boolean     not null,
  -- The order and what happened, as it was when the case was opened; no names, no addresses.
  snapshot        jsonb       not null,
  times           int         not null default 1 check (times > 0), -- it was heard of so often
  assigned_to     uuid,
  due_at          timestamptz,
  alerted_at      timestamptz, -- that it is overdue was told
  resolution      text        not null default '' check (length(resolution) <= 200),
  resolved_at     timestamptz,
  version         bigint      not null default 1,
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  primary key (merchant_id, id),
  check ((status = 'resolved') = (resolved_at is not null))
);
create unique index support_cases_one on support_cases (merchant_id, kind, subject_id) where status = 'open';
create index support_cases_list on support_cases (merchant_id, status, created_at desc, id desc);
create index support_cases_order on support_cases (merchant_id, order_id) where order_id is not null;
create index support_cases_at on support_cases (merchant_id, created_at);
create index support_cases_due on support_cases (due_at) where status = 'open' and alerted_at is null;

-- The story of a case. A piece of news (or a request) stands in it once.
create table support_case_events (
  merchant_id uuid        not null,
  id          uuid        not null,
  case_id     uuid        not null,
  kind        text        not null check (kind in ('opened', 'repeated', 'noticed', 'withheld', 'priority', 'tagged', 'assigned', 'noted', 'overdue', 'resolved')),
  source_id   uuid        not null, -- the signal, or the row itself when a person did it
  actor       text        not null, -- system, or the id of a member of staff
  body        text        not null default '' check (length(body) <= 5000),
  data        jsonb       not null default '{}',
  created_at  timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, case_id, kind, source_id),
  foreign key (merchant_id, case_id) references support_cases (merchant_id, id)
);

-- What a buyer is told unasked: decided once, with the signal.
create table support_notices (
  merchant_id uuid        not null,
  id          uuid        not null,
  hook_id     uuid        not null,
  signal_id   uuid        not null,
  event       text        not null,
  subject_id  uuid        not null,
  case_id     uuid,
  order_id    uuid        not null,
  contact_id  uuid        not null,
  -- waiting: not decided about yet. passed: the mail room has it. withheld: code says why not.
  status      text        not null default 'waiting' check (status in ('waiting', 'passed', 'withheld')),
  code        text        not null default '',
  created_at  timestamptz not null,
  decided_at  timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, signal_id), -- one piece of news is told once, whatever hooks there are
  check ((status = 'waiting') = (decided_at is null)),
  foreign key (merchant_id, signal_id) references support_signals (merchant_id, id)
);
create index support_notices_at on support_notices (merchant_id, created_at);

-- Answers that staff give again and again, in the languages of the buyers.
create table support_templates (
  merchant_id uuid        not null references merchants (id),
  id          uuid        not null,
  name        text        not null check (length(name) between 1 and 100),
  bodies      jsonb       not null, -- by language: en, hy, km
  version     bigint      not null default 1,
  created_at  timestamptz not null,
  updated_at  timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, name)
);

-- When the lateness of a first answer was told.
create table support_alerts (
  merchant_id     uuid        not null,
  conversation_id uuid        not null,
  due_at          timestamptz not null,
  raised_at       timestamptz not null,
  primary key (merchant_id, conversation_id, due_at)
);

-- What the support room may know of payments: those that nobody knows the end of, and
-- refunds that are not through.
create view v_support_payments as
  select p.merchant_id, p.id, p.order_id, p.checkout_id, p.provider, p.method, p.amount_minor, p.currency, p.updated_at
  from payments p where p.status = 'unknown';
create view v_support_refunds as
  select r.merchant_id, r.id, r.order_id, r.status, r.amount_minor, r.currency, r.created_at, r.updated_at
  from refunds r where r.status in ('pending', 'failed');
-- Parcels that have arrived.
create view v_support_arrived as
  select s.merchant_id, s.id from shipments s where s.status = 'delivered';
-- How many orders were placed when.
create view v_support_orders as
  select o.merchant_id, o.id, o.placed_at from orders o where o.source = 'checkout';

create index conversations_due on conversations (due_at) where status in ('waiting', 'open') and answered_at is null;
create index conversations_at on conversations (merchant_id, created_at);
create index refunds_failed on refunds (updated_at) where status = 'failed';
