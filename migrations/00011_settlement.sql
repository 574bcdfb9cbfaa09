-- The ledger, what differs from the books of the payment providers, and the
-- deadlines of holds.
-- +goose Up

-- Double entry, append only: each movement of money is a debit and a credit of
-- one sum, named by what moved it, so that nothing is booked twice. The foreign
-- key lets neither side stand without its equal.
create table ledger_entries (
  merchant_id  uuid not null,
  source_kind  text not null check (source_kind <> ''), -- capture, refund, dispute, ...
  source_id    uuid not null,
  side         text not null check (side in ('debit', 'credit')),
  other_side   text not null generated always as (case side when 'debit' then 'credit' else 'debit' end) stored,
  account      text not null check (account in ('gateway_clearing', 'offline_clearing', 'sales', 'refunds', 'disputes', 'chargebacks',
                 'store_credit_liability')),
  amount_minor bigint not null check (amount_minor > 0),
  currency     char(3) not null,
  payment_id   uuid,
  order_id     uuid,
  booked_at    timestamptz not null,
  primary key (merchant_id, source_kind, source_id, side),
  unique (merchant_id, source_kind, source_id, side, amount_minor, currency),
  foreign key (merchant_id, source_kind, source_id, other_side, amount_minor, currency)
    references ledger_entries (merchant_id, source_kind, source_id, side, amount_minor, currency)
);
create index ledger_payment on ledger_entries (merchant_id, payment_id) where payment_id is not null;

-- What was taken and given back before there was a ledger.
insert into ledger_entries (merchant_id, source_kind, source_id, side, account, amount_minor, currency, payment_id, order_id, booked_at)
select p.merchant_id, 'capture', p.id, s.side,
  case when s.side = 'credit' then 'sales' when p.provider = 'offline' then 'offline_clearing' else 'gateway_clearing' end,
  p.captured_minor, p.currency, p.id, p.order_id, p.updated_at
from payments p cross join (values ('debit'), ('credit')) s (side)
where p.captured_minor > 0;

insert into ledger_entries (merchant_id, source_kind, source_id, side, account, amount_minor, currency, payment_id, order_id, booked_at)
select r.merchant_id, 'refund', r.id, s.side,
  case when s.side = 'debit' then 'refunds' when p.provider = 'offline' then 'offline_clearing' else 'gateway_clearing' end,
  r.amount_minor, r.currency, r.payment_id, r.order_id, r.updated_at
from refunds r
join payments p on p.merchant_id = r.merchant_id and p.id = r.payment_id
cross join (values ('debit'), ('credit')) s (side)
where r.status = 'succeeded';

-- A refund that the merchant made at the provider, not through the shop. The
-- same one is adopted once.
alter table refunds add column source text not null default 'shop' check (source in ('shop', 'outside'));
create unique index refunds_gateway on refunds (merchant_id, payment_id, gateway_id);

-- When somebody was last told that the hold ends soon, and the days of payments
-- for the comparison with the books.
alter table payments add column capture_warned_at timestamptz;
create index payments_deadline on payments (capture_before) where status = 'authorized';
create index payments_days on payments using brin (created_at);

-- What the shop and a payment provider disagree about. A row is opened when it
-- is seen first, and closed once: it was mended, or a person has decided.
create table payment_differences (
  merchant_id  uuid not null,
  id           uuid not null,
  kind         text not null,
  provider     text not null,
  subject      text not null, -- the payment, or the charge that no payment is known for
  payment_id   uuid,
  order_id     uuid,
  gateway_id   text not null default '',
  status       text not null check (status in ('open', 'mended', 'resolved')),
  detail       text not null,
  here_minor   bigint not null default 0,
  there_minor  bigint not null default 0,
  currency     char(3) not null,
  note         text not null default '', -- of who resolved it
  closed_by    text not null default '',
  found_at     timestamptz not null,
  last_seen_at timestamptz not null,
  closed_at    timestamptz,
  primary key (merchant_id, id),
  check ((status = 'open') = (closed_at is null))
);
create unique index payment_differences_open on payment_differences (merchant_id, kind, subject) where status = 'open';
create index payment_differences_list on payment_differences (merchant_id, found_at desc, id desc);
create index payment_differences_subject on payment_differences (merchant_id, subject);

-- The days whose books have been compared, so that one node does it.
create table payment_compares (
  merchant_id uuid not null,
  provider    text not null,
  day         date not null,
  started_at  timestamptz not null,
  finished_at timestamptz,
  charges     bigint not null default 0, -- the provider's, of all merchants
  found       bigint not null default 0,
  mended      bigint not null default 0,
  open        bigint not null default 0,
  primary key (merchant_id, provider, day)
);
