-- What becomes of an order after the sale: lines that are canceled, sent back,
-- exchanged or claimed, and changes before it is shipped.
-- +goose Up

-- credited: what the buyer need no longer pay for units that were canceled or
-- exchanged. credit_refunded: how much of it was taken before and has been sent
-- back. credit_due_at: somebody still has to compare the two with what was taken.
alter table orders
  add column credited_minor bigint not null default 0 check (credited_minor >= 0 and credited_minor <= total_minor),
  add column credit_refunded_minor bigint not null default 0 check (credit_refunded_minor >= 0),
  add column credit_due_at timestamptz;
create index orders_credit_due on orders (credit_due_at) where credit_due_at is not null;

-- released: units whose price went into credited_minor, or that were never to be
-- paid. coming_back: units of open returns and exchanges that have not arrived.
-- origin: how the line came into the order. held: not to be shipped yet.
alter table order_lines
  add column released bigint not null default 0 check (released >= 0),
  add column coming_back bigint not null default 0 check (coming_back >= 0),
  add column origin text not null default 'checkout' check (origin in ('checkout', 'edit', 'exchange', 'replacement')),
  add column held boolean not null default false,
  add constraint order_lines_money check (released + refunded <= quantity),
  add constraint order_lines_back check (returned + coming_back <= shipped);

-- Changes of an order that take effect once, whoever repeats the request.
create table order_changes (
  merchant_id uuid not null,
  order_id    uuid not null,
  id          uuid not null,
  kind        text not null check (kind in ('cancel_lines', 'edit')),
  lines       jsonb not null default '[]',
  amount_minor bigint not null, -- what the order became worth more, or less
  created_at  timestamptz not null,
  primary key (merchant_id, order_id, id)
);

create table returns (
  merchant_id    uuid not null,
  id             uuid not null,
  order_id       uuid not null,
  number         text not null, -- random: it says nothing of how many there are
  status         text not null check (status in ('requested', 'approved', 'in_transit', 'received', 'inspected', 'refunded', 'exchanged', 'rejected', 'canceled')),
  source         text not null check (source in ('merchant', 'customer')),
  currency       char(3) not null,
  carrier        text not null default '',
  tracking_number text not null default '',
  reject_reason  text not null default '',
  fee_bps        bigint not null default 0 check (fee_bps between 0 and 10000),
  shipping_minor bigint not null default 0 check (shipping_minor >= 0), -- of the order's shipping, given back with this return
  refund_minor   bigint not null default 0 check (refund_minor >= 0),
  exchange_id    uuid,
  version        bigint not null default 1,
  created_at     timestamptz not null,
  received_at    timestamptz,
  closed_at      timestamptz,
  updated_at     timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, number)
);
create index returns_order on returns (merchant_id, order_id);
create index returns_status on returns (merchant_id, status, created_at desc, id desc);
create unique index returns_shipping_once on returns (merchant_id, order_id) where shipping_minor > 0;

create table return_lines (
  merchant_id uuid not null,
  return_id   uuid not null,
  line_id     uuid not null,
  quantity    bigint not null check (quantity > 0),
  reason      text not null check (reason in ('unwanted', 'too_small', 'too_large', 'not_as_described', 'defective', 'damaged', 'wrong_item', 'arrived_late', 'other')),
  note        text not null default '',
  received    bigint not null default 0 check (received >= 0 and received <= quantity),
  resellable  bigint not null default 0 check (resellable >= 0),
  damaged     bigint not null default 0 check (damaged >= 0),
  refunded    bigint not null default 0 check (refunded >= 0 and refunded <= received),
  primary key (merchant_id, return_id, line_id),
  foreign key (merchant_id, return_id) references returns (merchant_id, id),
  check (resellable + damaged <= received)
);

create table exchanges (
  merchant_id      uuid not null,
  id               uuid not null,
  order_id         uuid not null,
  return_id        uuid, -- whose units it takes instead of its own
  number           text not null,
  status           text not null check (status in ('requested', 'approved', 'received', 'fulfilled', 'canceled')),
  currency         char(3) not null,
  note             text not null default '',
  old_minor        bigint not null default 0 check (old_minor >= 0),
  new_minor        bigint not null default 0 check (new_minor >= 0),
  credit_minor     bigint not null default 0 check (credit_minor >= 0), -- in the order's credited_minor by now
  payment_id       uuid, -- of the difference, when the new goods cost more
  shipment_id      uuid,
  version          bigint not null default 1,
  created_at       timestamptz not null,
  closed_at        timestamptz,
  updated_at       timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, number)
);
create index exchanges_order on exchanges (merchant_id, order_id);
create index exchanges_status on exchanges (merchant_id, status, created_at desc, id desc);

create table exchange_lines (
  merchant_id uuid not null,
  exchange_id uuid not null,
  line_id     uuid not null, -- what comes back
  quantity    bigint not null check (quantity > 0),
  reason      text not null,
  variant_id  uuid not null, -- what goes out for it
  new_line_id uuid,
  damaged     bigint not null default 0 check (damaged >= 0 and damaged <= quantity),
  primary key (merchant_id, exchange_id, line_id),
  foreign key (merchant_id, exchange_id) references exchanges (merchant_id, id)
);

create table claims (
  merchant_id   uuid not null,
  id            uuid not null,
  order_id      uuid not null,
  number        text not null,
  kind          text not null check (kind in ('damaged', 'missing', 'wrong', 'late', 'lost')),
  status        text not null check (status in ('open', 'approved', 'resolved', 'denied', 'canceled')),
  currency      char(3) not null,
  note          text not null default '',
  deny_reason   text not null default '',
  resolution    text not null default '' check (resolution in ('', 'refund', 'replacement')),
  refund_minor  bigint not null default 0 check (refund_minor >= 0),
  version       bigint not null default 1,
  created_at    timestamptz not null,
  closed_at     timestamptz,
  updated_at    timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, number)
);
create index claims_order on claims (merchant_id, order_id);
create index claims_status on claims (merchant_id, status, created_at desc, id desc);

create table claim_lines (
  merchant_id uuid not null,
  claim_id    uuid not null,
  line_id     uuid not null,
  quantity    bigint not null check (quantity > 0),
  new_line_id uuid, -- of the replacement
  primary key (merchant_id, claim_id, line_id),
  foreign key (merchant_id, claim_id) references claims (merchant_id, id)
);

-- Payments that an order is owed besides the one it was placed with, and that
-- have not come, or not all of what is still owed.
create view v_awaited_dues as
select p.merchant_id, p.order_id, p.id as payment_id from payments p
join orders o on o.merchant_id = p.merchant_id and o.id = p.order_id
where p.gateway_key like 'due:%' and (p.status = 'pending' or p.status = 'partially_captured' and (
  select sum(a.captured_minor) from payments a where a.merchant_id = o.merchant_id and a.order_id = o.id
) < o.total_minor - o.credited_minor + o.credit_refunded_minor);

-- As before, but an order is paid when what is still owed has been taken.
create or replace view v_payment_status as
select o.merchant_id, o.id as order_id,
  case
    when r.refunded > 0 and r.refunded >= coalesce(p.captured, 0) then 'refunded'
    when r.refunded > 0 then 'partially_refunded'
    when coalesce(p.captured, 0) >= o.total_minor - o.credited_minor and (p.captured > 0 or p.zero) then 'paid'
    when p.captured > 0 then 'partially_paid'
    when p.held then 'authorized'
    when p.voided then 'voided'
    else 'unpaid'
  end as payment_status
from orders o
left join lateral (
  select sum(captured_minor) as captured, bool_or(status = 'authorized') as held,
         bool_or(status = 'voided') as voided, bool_or(status = 'captured' and amount_minor = 0) as zero
  from payments p where p.merchant_id = o.merchant_id and p.order_id = o.id
) p on true
left join lateral (
  select coalesce(sum(amount_minor), 0) as refunded
  from refunds r where r.merchant_id = o.merchant_id and r.order_id = o.id and r.status = 'succeeded'
) r on true
where o.source = 'checkout';
