-- Duty and import tax that an order paid for in advance (DDP): an estimate, frozen
-- with the order, a part of its total and of nothing else.
-- +goose Up

alter table orders add column duties_minor bigint not null default 0 check (duties_minor >= 0);

-- The old sum goes once the new one stands: rows that exist pay no duty, so that
-- both hold for them.
alter table orders add constraint orders_total check (
  total_minor = subtotal_minor + discount_minor + shipping_minor + duties_minor + case when prices_include_tax then 0 else tax_minor end) not valid;
alter table orders validate constraint orders_total;
alter table orders drop constraint orders_check;
