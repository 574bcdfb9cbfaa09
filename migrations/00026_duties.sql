-- Duty and import tax that an order paid for in advance (DDP): an estimate, frozen
-- with the order, a part of its total and of nothing else. And what carriers were
-- asked to tell of.
-- +goose Up

alter table orders add column duties_minor bigint not null default 0 check (duties_minor >= 0);

-- The old sum goes once the new one stands: rows that exist pay no duty, so that
-- both hold for them.
alter table orders add constraint orders_total check (
  total_minor = subtotal_minor + discount_minor + shipping_minor + duties_minor + case when prices_include_tax then 0 else tax_minor end) not valid;
alter table orders validate constraint orders_total;
alter table orders drop constraint orders_check;

-- What a carrier was asked to tell of by itself, so that it is asked once: one
-- tracking number, or with an empty one all parcels of the account.
create table carrier_subscriptions (
  merchant_id uuid not null references merchants (id),
  account_id  uuid not null,
  number      text not null,
  -- asked: the carrier has not answered; refused: it does not know the number.
  status      text not null check (status in ('asked', 'done', 'refused')),
  reference   text not null default '', -- what the carrier calls it
  failure     text not null default '',
  created_at  timestamptz not null,
  updated_at  timestamptz not null,
  primary key (merchant_id, account_id, number)
);
