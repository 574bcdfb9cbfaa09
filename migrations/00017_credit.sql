-- Gift cards and store credit: what a merchant owes to the holders of cards and
-- to customers. Every movement stands in the ledger too, written by the same
-- transaction.
-- +goose Up

create table credit_accounts (
  merchant_id   uuid not null,
  id            uuid not null,
  kind          text not null check (kind in ('gift_card', 'store_credit')),
  status        text not null check (status in ('active', 'disabled')),
  currency      char(3) not null,
  balance_minor bigint not null check (balance_minor >= 0), -- the sum of its entries
  code_hash     bytea, -- of a gift card; the code itself is kept nowhere
  code_end      text not null default '', -- its last four signs, for people who compare
  customer_id   uuid, -- whose store credit it is
  note          text not null default '',
  expires_at    timestamptz,
  version       bigint not null default 1,
  created_at    timestamptz not null,
  updated_at    timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, code_hash),
  check ((kind = 'gift_card') = (code_hash is not null)),
  check ((kind = 'store_credit') = (customer_id is not null))
);
create unique index credit_accounts_customer on credit_accounts (merchant_id, customer_id, currency) where kind = 'store_credit';
create index credit_accounts_kind on credit_accounts (merchant_id, kind, created_at desc, id desc);

-- Only ever added to. What moved it is named, and moves it once.
create table credit_entries (
  merchant_id   uuid not null,
  source_kind   text not null check (source_kind <> ''),
  source_id     uuid not null,
  account_id    uuid not null,
  amount_minor  bigint not null check (amount_minor <> 0), -- below 0: taken
  balance_minor bigint not null check (balance_minor >= 0), -- after it
  reason        text not null default '',
  actor         text not null default '',
  order_id      uuid,
  booked_at     timestamptz not null,
  primary key (merchant_id, source_kind, source_id),
  foreign key (merchant_id, account_id) references credit_accounts (merchant_id, id)
);
create index credit_entries_account on credit_entries (merchant_id, account_id, booked_at desc, source_id desc);

-- What was given without a sale behind it that the shop knows of.
alter table ledger_entries drop constraint ledger_entries_account_check;
alter table ledger_entries add constraint ledger_entries_account_check check (account in ('gateway_clearing', 'offline_clearing', 'sales',
  'refunds', 'disputes', 'chargebacks', 'store_credit_liability', 'credit_granted'));

-- Where the money of a refund went.
alter table refunds
  add column destination text not null default 'original' check (destination in ('original', 'store_credit')),
  add column customer_id uuid, -- who got it as store credit
  add constraint refunds_customer check ((destination = 'store_credit') = (customer_id is not null));

alter table claims drop constraint claims_resolution_check;
alter table claims add constraint claims_resolution_check check (resolution in ('', 'refund', 'replacement', 'store_credit'));
