-- Mail to the shop that the assistant reads, and its answers by mail. What was said
-- stands in messages; here is only which mail brought or carried it.
-- +goose Up

create table support_mail_settings (
  merchant_id    uuid        not null references merchants (id),
  -- Where customers write to; empty is the shop's address for answers.
  address        text        not null default '' check (length(address) <= 254),
  -- off: mail is not taken. draft: staff send every answer. send: sure ones go out.
  mode           text        not null check (mode in ('off', 'draft', 'send')),
  confidence_bps int         not null check (confidence_bps between 0 and 10000),
  version        bigint      not null check (version > 0),
  updated_at     timestamptz not null,
  primary key (merchant_id)
);

create table support_threads (
  merchant_id     uuid        not null,
  conversation_id uuid        not null,
  -- Message-IDs of both sides, the oldest first: answers name them in their headers.
  message_ids     text[]      not null default '{}',
  -- What was asked before its writer had proved the address.
  asked_seq       int         check (asked_seq > 0),
  updated_at      timestamptz not null,
  primary key (merchant_id, conversation_id),
  foreign key (merchant_id, conversation_id) references conversations (merchant_id, id)
);

create table support_mails (
  merchant_id     uuid        not null references merchants (id),
  -- Of an answer, the first half of its Message-ID.
  id              uuid        not null,
  direction       text        not null check (direction in ('in', 'out')),
  -- SHA-256 of the Message-ID of a mail that came in: the same mail counts once.
  message_hash    bytea,
  conversation_id uuid,
  seq             int         check (seq > 0),
  status          text        not null check (status in ('answered', 'drafted', 'held', 'silent', 'ignored', 'draft', 'queued', 'sent', 'discarded')),
  reason          text        not null default '' check (length(reason) <= 100),
  created_at      timestamptz not null,
  primary key (merchant_id, id),
  foreign key (merchant_id, conversation_id) references conversations (merchant_id, id),
  check ((direction = 'in') = (message_hash is not null)),
  check (direction = 'in' and status in ('answered', 'drafted', 'held', 'silent', 'ignored')
    or direction = 'out' and status in ('draft', 'queued', 'sent', 'discarded') and conversation_id is not null and seq is not null)
);

create unique index support_mails_once on support_mails (merchant_id, message_hash) where direction = 'in';
create unique index support_mails_answer on support_mails (merchant_id, conversation_id, seq) where direction = 'out';
create index support_mails_drafts on support_mails (merchant_id, created_at, id) where status = 'draft';
