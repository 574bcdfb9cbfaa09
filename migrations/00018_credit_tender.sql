-- Gift cards and store credit pay for orders. What they pay is held by the
-- transaction that begins an attempt, spent by the one that places the order,
-- and given back by the one that ends an attempt without an order.
-- +goose Up

-- The credits that a buyer wants to use, in the order in which they are used, and
-- what they were to pay of the total that was last shown.
alter table checkouts
  add column credit_ids uuid[] not null default '{}',
  add column shown_credit_minor bigint not null default 0 check (shown_credit_minor >= 0);

-- Part 0 of an attempt is the chosen way to pay, and credit_minor what the
-- credits of the same attempt pay besides: they are its parts 1, 2 and so on.
alter table payments
  add column part int not null default 0 check (part >= 0),
  add column credit_account_id uuid,
  add column credit_minor bigint not null default 0 check (credit_minor >= 0),
  add constraint payments_credit_part check ((provider = 'credit') = (part > 0) and (provider = 'credit') = (credit_account_id is not null)),
  drop constraint payments_merchant_id_checkout_id_attempt_key;
alter table payments add constraint payments_merchant_id_checkout_id_attempt_key unique (merchant_id, checkout_id, attempt, part);
create index payments_credit on payments (merchant_id, credit_account_id) where credit_account_id is not null;

-- What credits paid when the order was placed: [{payment_id, account_id, method,
-- code_end, amount}].
alter table orders add column tenders jsonb not null default '[]';

-- Credit that is held for an order which does not stand yet.
alter table ledger_entries drop constraint ledger_entries_account_check;
alter table ledger_entries add constraint ledger_entries_account_check check (account in ('gateway_clearing', 'offline_clearing', 'sales',
  'refunds', 'disputes', 'chargebacks', 'store_credit_liability', 'credit_granted', 'credit_held'));

-- As before, but credit that was spent is no money from elsewhere: while the rest
-- is held the order is authorized, and while the rest is awaited partially paid.
create or replace view v_payment_status as
select o.merchant_id, o.id as order_id,
  case
    when r.refunded > 0 and r.refunded >= coalesce(p.captured, 0) then 'refunded'
    when r.refunded > 0 then 'partially_refunded'
    when coalesce(p.captured, 0) >= o.total_minor - o.credited_minor and (p.captured > 0 or p.zero) then 'paid'
    when p.money > 0 then 'partially_paid'
    when p.held then 'authorized'
    when p.captured > 0 then 'partially_paid'
    when p.voided then 'voided'
    else 'unpaid'
  end as payment_status
from orders o
left join lateral (
  select sum(captured_minor) as captured, sum(captured_minor) filter (where part = 0) as money, bool_or(status = 'authorized') as held,
         bool_or(status = 'voided') as voided, bool_or(status = 'captured' and amount_minor = 0) as zero
  from payments p where p.merchant_id = o.merchant_id and p.order_id = o.id
) p on true
left join lateral (
  select coalesce(sum(amount_minor), 0) as refunded
  from refunds r where r.merchant_id = o.merchant_id and r.order_id = o.id and r.status = 'succeeded'
) r on true
where o.source = 'checkout';

-- As before, but where credit was spent and the rest has not come, the invoice
-- waits for it; and where the order was canceled before, there is none, and no
-- credit note.
create or replace view v_documents_missing as
select o.merchant_id, o.id as order_id, null::uuid as refund_id, p.since, o.placed_at as begun_at
from orders o
join lateral (
  select sum(captured_minor) as captured, sum(captured_minor) filter (where part = 0) as money, max(updated_at) as since,
         bool_or(status = 'captured' and amount_minor = 0) as zero,
         bool_or(status = 'partially_captured' and provider = 'offline' and refunded_minor = 0) as parts
  from payments p where p.merchant_id = o.merchant_id and p.order_id = o.id
) p on true
join lateral (
  select sum(total_minor) as invoiced from documents d where d.merchant_id = o.merchant_id and d.order_id = o.id and d.kind = 'invoice'
) d on true
where o.source = 'checkout'
  and not (p.parts and o.payment_status = 'partially_paid' and o.status <> 'canceled')
  and not (coalesce(p.money, 0) = 0 and p.captured > 0 and (o.payment_status in ('partially_paid', 'authorized') or o.status = 'canceled' and d.invoiced is null))
  and (p.captured > coalesce(d.invoiced, 0) or (p.zero and d.invoiced is null and o.payment_status = 'paid'))
union all
select r.merchant_id, r.order_id, r.id, r.updated_at, r.created_at
from refunds r
join orders o on o.merchant_id = r.merchant_id and o.id = r.order_id
where r.status = 'succeeded'
  and not exists (select from documents d where d.merchant_id = r.merchant_id and d.refund_id = r.id)
  and not (o.status = 'canceled'
    and not exists (select from payments p where p.merchant_id = r.merchant_id and p.order_id = r.order_id and p.part = 0 and p.captured_minor > 0)
    and not exists (select from documents d where d.merchant_id = r.merchant_id and d.order_id = r.order_id and d.kind = 'invoice'));
