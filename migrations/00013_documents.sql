-- Invoices and credit notes: frozen, numbered without gaps.
-- +goose Up

-- The number that a series gives out next. It is taken in the transaction that
-- keeps its document, and in no other, so that no number is lost or given twice.
create table document_counters (
  merchant_id uuid not null,
  series      text not null, -- INV-2026
  next        bigint not null check (next > 0),
  primary key (merchant_id, series)
);

-- Rows are only ever added. The PDF names people, so it is sealed as contacts
-- are; tax law wants it kept when a contact is erased. sha256 is of the PDF itself.
create table documents (
  merchant_id uuid not null,
  id          uuid not null,
  kind        text not null check (kind in ('invoice', 'credit_note')),
  series      text not null,
  sequence    bigint not null check (sequence > 0),
  number      text not null,
  order_id    uuid not null,
  nth         int not null check (nth > 0), -- of its kind for this order: the first invoice is 1
  refund_id   uuid, -- whose credit note it is
  invoice_id  uuid, -- the first invoice of the order, which a credit note corrects
  locale      text not null,
  currency    char(3) not null,
  total_minor bigint not null check (total_minor >= 0),
  tax_minor   bigint not null check (tax_minor >= 0 and tax_minor <= total_minor),
  rates       jsonb not null, -- [{rate_bps, gross, tax}], which add up to the two above
  sha256      bytea not null check (length(sha256) = 32),
  size        int not null check (size > 0), -- bytes of the PDF
  pdf         bytea not null,
  created_at  timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, series, sequence),
  unique (merchant_id, order_id, kind, nth), -- whoever repeats the work finds it done
  unique (merchant_id, refund_id),
  foreign key (merchant_id, invoice_id) references documents (merchant_id, id),
  check ((kind = 'credit_note') = (refund_id is not null) and (kind = 'credit_note') = (invoice_id is not null))
);
alter table documents alter column pdf set storage external; -- it is compressed already

-- Which orders and refunds have no document though money has moved: what was
-- taken and not invoiced, and refunds without their credit note. A transfer of
-- which only parts have arrived is waited for. begun_at is for those who look at
-- recent ones only.
create view v_documents_missing as
select o.merchant_id, o.id as order_id, null::uuid as refund_id, p.since, o.placed_at as begun_at
from orders o
join lateral (
  select sum(captured_minor) as captured, max(updated_at) as since,
         bool_or(status = 'captured' and amount_minor = 0) as zero,
         bool_or(status = 'partially_captured' and provider = 'offline' and refunded_minor = 0) as parts
  from payments p where p.merchant_id = o.merchant_id and p.order_id = o.id
) p on true
join lateral (
  select sum(total_minor) as invoiced from documents d where d.merchant_id = o.merchant_id and d.order_id = o.id and d.kind = 'invoice'
) d on true
where o.source = 'checkout'
  and not (p.parts and o.payment_status = 'partially_paid' and o.status <> 'canceled')
  and (p.captured > coalesce(d.invoiced, 0) or (p.zero and d.invoiced is null and o.payment_status = 'paid'))
union all
select r.merchant_id, r.order_id, r.id, r.updated_at, r.created_at
from refunds r
where r.status = 'succeeded'
  and not exists (select from documents d where d.merchant_id = r.merchant_id and d.refund_id = r.id);
