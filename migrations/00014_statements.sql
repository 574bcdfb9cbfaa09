-- What banks and couriers say has arrived: files of lines, each matched with the
-- order that it pays for, or shown with the reason why not.
-- +goose Up

create table statements (
  merchant_id uuid not null,
  id          uuid not null,
  kind        text not null check (kind in ('bank', 'courier')),
  file_name   text not null default '',
  file_hash   bytea not null,
  rows_read   int not null, -- rows of the file without its head
  rows_known  int not null, -- of them taken in before, with another file
  rows_failed int not null, -- of them that cannot be read
  errors      jsonb not null default '[]', -- the first of those
  created_at  timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, kind, file_hash) -- the same file is taken in once, whoever sends it again
);
create index statements_recent on statements (merchant_id, kind, created_at desc, id desc);

create table statement_lines (
  merchant_id    uuid not null,
  id             uuid not null,
  statement_id   uuid not null,
  kind           text not null,
  row_number     int not null,
  fingerprint    bytea not null, -- the bank's own name of the line, or what it says and the how many-eth it is
  booked_on      date,
  amount_minor   bigint not null,
  fee_minor      bigint not null default 0, -- kept back by the courier
  currency       char(3) not null,
  number         text not null default '', -- courier: the order number of the line
  tracking       text not null default '', -- courier
  contact_id     uuid, -- who paid and what they wrote, sealed
  status         text not null check (status in ('new', 'matched', 'partial', 'overpaid', 'difference', 'unmatched', 'ignored')),
  reason         text not null default '',
  order_id       uuid,
  payment_id     uuid,
  captured_minor bigint not null default 0 check (captured_minor >= 0), -- what this line added to its payment
  surplus_minor  bigint not null default 0 check (surplus_minor >= 0), -- what came beyond what was due
  matched_by     text not null default '',
  created_at     timestamptz not null,
  updated_at     timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, kind, fingerprint), -- a line counts once, in however many files it stands
  foreign key (merchant_id, statement_id) references statements (merchant_id, id),
  check (captured_minor = 0 or captured_minor + surplus_minor = amount_minor),
  check (payment_id is null or order_id is not null)
);
create index statement_lines_of on statement_lines (merchant_id, statement_id, row_number);
create index statement_lines_paying on statement_lines (merchant_id, payment_id) where payment_id is not null;
create index statement_lines_new on statement_lines (created_at) where status = 'new';

-- Which order a number or a parcel names, and what all its payments together
-- have to bring: what was sent back for canceled units had been brought before.
create view v_order_numbers as
select merchant_id, number, id as order_id, status, total_minor - credited_minor + credit_refunded_minor as due_minor from orders;

create view v_parcel_orders as
select distinct s.merchant_id, s.tracking_number, s.order_id, o.status, o.total_minor - o.credited_minor + o.credit_refunded_minor as due_minor
from shipments s
join orders o on o.merchant_id = s.merchant_id and o.id = s.order_id
where s.tracking_number <> '' and s.status <> 'canceled';

-- Lines with who paid and what they wrote, still sealed.
create view v_statement_lines as
select l.*, c.email_hmac as contact_hmac, c.wrapped_key as contact_key, c.sealed as contact_blob
from statement_lines l
left join contacts c on c.merchant_id = l.merchant_id and c.id = l.contact_id;
