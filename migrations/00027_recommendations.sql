-- What recommendations learn from: purchases, which the orders tell themselves,
-- and what shoppers look at.
-- +goose Up

-- What was bought together. Orders are never removed, so that any table can be
-- learned anew; canceled ones and canceled lines teach nothing.
create view v_purchases as
select o.merchant_id, o.id as order_id, o.email_hmac as person, o.placed_at, l.product_id
from orders o
join order_lines l on l.merchant_id = o.merchant_id and l.order_id = o.id
where o.status <> 'canceled' and l.canceled < l.quantity;

-- What there is to recommend.
create view v_recommendable as
select merchant_id, id as product_id, brand, category, created_at from products where status = 'active';

-- What shoppers look at, put into carts and choose from lists. Nothing here says
-- who they are: visitor is a name that the storefront made up.
create table rec_events (
  merchant_id uuid not null,
  id          uuid not null, -- the storefront's, so that one told twice counts once
  at          timestamptz not null,
  kind        text not null check (kind in ('view', 'add', 'click', 'impression')),
  visitor     text not null check (visitor <> ''),
  product_id  uuid not null,
  request_id  uuid,          -- the list that it came from
  surface     text not null default '',
  position    int not null default 0,
  primary key (merchant_id, id)
);
create index rec_events_at on rec_events (merchant_id, at);
create index rec_events_request on rec_events (merchant_id, request_id) where request_id is not null;
