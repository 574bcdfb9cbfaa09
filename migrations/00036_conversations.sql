-- Conversations of customers with the shop: what was said, what the assistant may
-- still do after a yes, and how often codes and look-ups were tried.
-- +goose Up

create table conversations (
  merchant_id  uuid        not null references merchants (id),
  id           uuid        not null,
  channel      text        not null check (channel in ('chat', 'email')),
  -- bot: the assistant answers. waiting: a person was asked for. open: a person has it.
  status       text        not null default 'bot' check (status in ('bot', 'waiting', 'open', 'closed')),
  locale       text        not null check (locale in ('en', 'hy', 'km')),
  -- Only who knows the secret goes on with what the conversation has proved.
  secret_hash  bytea       not null,
  -- What began it, so that the same call does not begin a second one.
  begun_by     bytea,
  -- Who writes, once that is proved; the contact holds the address to answer to.
  contact_id   uuid,
  customer_id  uuid,
  email_hmac   bytea,
  -- Until when a code that was typed here proves who writes; the code that is on its way.
  proved_until timestamptz,
  code_request uuid,
  order_id     uuid,
  -- Why a person was asked for, and the topic by the assistant's own names.
  reason       text        not null default '' check (length(reason) <= 100),
  topic        text        not null default '' check (length(topic) <= 100),
  subject      text        not null default '' check (length(subject) <= 200),
  -- What the assistant keeps between two turns; nothing that identifies a person.
  state        jsonb       not null default '{}',
  said         int         not null default 0 check (said >= 0),
  assigned_to  uuid,
  assigned_at  timestamptz,
  handed_at    timestamptz,
  due_at       timestamptz,
  answered_at  timestamptz,
  closed_at    timestamptz,
  version      bigint      not null default 1,
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  primary key (merchant_id, id),
  check (status <> 'open' or assigned_to is not null),
  check ((status = 'closed') = (closed_at is not null))
);

create unique index conversations_begun on conversations (merchant_id, begun_by) where begun_by is not null;
create index conversations_queue on conversations (merchant_id, status, handed_at, id);
create index conversations_latest on conversations (merchant_id, updated_at desc, id);
create index conversations_contact on conversations (merchant_id, contact_id) where contact_id is not null;
create index conversations_staff on conversations (merchant_id, assigned_to) where status = 'open';

create table messages (
  merchant_id     uuid        not null,
  id              uuid        not null,
  conversation_id uuid        not null,
  seq             int         not null check (seq > 0),
  author          text        not null check (author in ('customer', 'bot', 'staff', 'note', 'system')),
  staff_id        uuid,
  body            text        not null check (length(body) <= 20000),
  -- What the assistant read and answered: type, intents, facts; or what happened.
  data            jsonb       not null default '{}',
  -- Of a call that may come twice.
  key_hash        bytea,
  created_at      timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, conversation_id, seq),
  unique (merchant_id, conversation_id, key_hash),
  foreign key (merchant_id, conversation_id) references conversations (merchant_id, id)
);

create table assistant_actions (
  merchant_id     uuid        not null,
  id              uuid        not null,
  conversation_id uuid        not null,
  action          text        not null check (length(action) between 1 and 100),
  order_id        uuid,
  order_number    text        not null default '',
  order_version   bigint      not null default 0,
  arguments       jsonb       not null default '{}',
  status          text        not null default 'pending' check (status in ('pending', 'running', 'done', 'failed', 'dropped', 'expired')),
  -- Which turn asked: only the answer right behind it counts.
  asked_seq       int         not null,
  confirmed_seq   int,
  outcome         text        not null default '' check (length(outcome) <= 100),
  expires_at      timestamptz not null,
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  primary key (merchant_id, id),
  foreign key (merchant_id, conversation_id) references conversations (merchant_id, id)
);

create unique index assistant_actions_one on assistant_actions (merchant_id, conversation_id) where status in ('pending', 'running');

create index assistant_actions_unfinished on assistant_actions (merchant_id, updated_at) where status in ('pending', 'running');

-- Tries of codes and look-ups, across conversations: by order, e-mail or address
-- of the network, never in the clear.
create table assistant_tries (
  merchant_id uuid        not null references merchants (id),
  kind        text        not null check (kind in ('code', 'lookup', 'message')),
  subject     bytea       not null,
  day         date        not null,
  tries       int         not null check (tries > 0),
  last_at     timestamptz not null,
  primary key (merchant_id, kind, subject, day)
);
