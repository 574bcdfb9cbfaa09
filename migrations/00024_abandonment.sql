-- What shoppers do on their way to an order, where they leave it, and what the
-- merchant is shown of that.
-- +goose Up

-- The log: append-only and without personal data. Ids are UUIDv7, and so begin
-- with the time: the table can be split by ranges of ids without a change to any
-- key. What a storefront reports has an id made of the journey and of the
-- storefront's own id, so that a repetition is the same row.
create table checkout_events (
  merchant_id    uuid not null,
  id             uuid not null,
  journey_id     uuid not null, -- the cart, or a checkout without one
  checkout_id    uuid,
  -- Who reads the log in order takes the rows of transactions that have all
  -- ended: a row may become visible after one with a later id.
  xid            xid8 not null default pg_current_xact_id(),
  at             timestamptz not null, -- by the shop's clock, whatever the shopper's says
  kind           text not null,
  step           text not null check (step in ('cart', 'contact', 'address', 'shipping', 'payment', 'review', 'order')),
  source         text not null check (source in ('api', 'storefront', 'inferred')),
  visitor        text not null default '' check (length(visitor) <= 64), -- a name that the storefront made up
  device         text not null default '' check (device in ('', 'mobile', 'tablet', 'desktop', 'other', 'bot')),
  test           boolean not null default false,
  country        text not null default '',
  carrier        text not null default '',
  payment_method text not null default '',
  language       text not null default '',
  currency       text not null default '',
  value_minor    bigint, -- of the goods, before discounts, shipping and tax
  pieces         bigint, -- in the cart from now on; null when the event says nothing of it
  reason         text not null default '',
  attributes     jsonb not null default '{}' check (octet_length(attributes::text) <= 2000),
  primary key (merchant_id, id)
);
create index checkout_events_feed on checkout_events (merchant_id, xid);
create index checkout_events_journey on checkout_events (merchant_id, journey_id, at, id);
create index checkout_events_checkout on checkout_events (merchant_id, checkout_id) where kind = 'checkout_started';

-- A cart that stands for another one, or for a checkout, that could not be opened
-- any more: it goes on with that journey.
alter table carts add column journey_id uuid;
create index carts_journey on carts (merchant_id, journey_id) where journey_id is not null;

-- How each journey stands, for whoever moves it on when nothing is heard any
-- more. It follows from the log.
create table journeys (
  merchant_id  uuid not null,
  id           uuid not null,
  cart_id      uuid,
  checkout_id  uuid, -- the newest
  checkout_at  timestamptz,
  status       text not null check (status in ('active', 'abandoned', 'recovered', 'converted', 'merged', 'expired')),
  step         int not null, -- the furthest one, from 1 (cart) to 7 (order)
  contact      boolean not null, -- an e-mail has been typed
  excluded     boolean not null, -- a robot or a test
  merged       boolean not null,
  value_minor  bigint not null,
  pieces       bigint not null,
  currency     text not null,
  country      text not null,
  language     text not null,
  valued_at    timestamptz,          -- when the value was as above; null when nothing was said of it
  started_at   timestamptz not null,
  seen_at      timestamptz not null, -- when the shopper was last heard of
  abandoned_at timestamptz,          -- what seen_at was when they were last given up
  times        int not null default 0,
  ordered_at   timestamptz,
  order_id     uuid,
  due_at       timestamptz, -- when it has to be looked at; null when it is over
  primary key (merchant_id, id)
);
create index journeys_due on journeys (due_at) where due_at is not null;

-- How far the log has been read for journeys.
create table journey_cursors (
  merchant_id uuid not null primary key references merchants (id),
  database    text not null, -- positions mean nothing in another database
  next        xid8 not null
);

-- The lines of carts with their prices in the currency of the cart.
create view v_cart_values as
select l.merchant_id, l.cart_id, l.quantity, p.amount_minor, p.sale_minor, p.sale_starts_at, p.sale_ends_at
from cart_lines l
join carts c on c.merchant_id = l.merchant_id and c.id = l.cart_id
left join prices p on p.merchant_id = l.merchant_id and p.variant_id = l.variant_id and p.currency = c.currency;

-- What the merchant is shown. Everything below follows from the log and can be
-- made anew from it.

create table daily_state (
  merchant_id uuid not null primary key references merchants (id),
  database    text not null,
  next        xid8 not null,
  zone        text not null, -- in which the days below are days
  rebuilt_at  timestamptz not null
);

-- One row for each journey, by the day on which it began, as it stood when that
-- day was closed.
create table daily_journeys (
  merchant_id    uuid not null,
  id             uuid not null,
  cart           boolean not null, -- false: a checkout without a cart
  day            date not null,
  started_at     timestamptz not null,
  excluded       text not null, -- why it does not count: bot, test, merged, empty
  checkout       boolean not null,
  reached        int not null,
  outcome        text not null check (outcome in ('open', 'abandoned', 'recovered', 'ordered')),
  reason         text not null,
  reason_source  text not null,
  evidence       text[] not null,
  device         text not null,
  country        text not null,
  carrier        text not null,
  payment_method text not null,
  value_band     text not null,
  currency       text not null,
  value_minor    bigint not null,
  times          int not null, -- how often it was left
  last_at        timestamptz not null,
  sale_day       date,
  sale_minor     bigint not null,
  primary key (merchant_id, id)
);
create index daily_journeys_list on daily_journeys (merchant_id, day, started_at, id);

-- Sums by day, by each way to look at them: dimension '' is all of a day.
create table daily_abandonment (
  merchant_id     uuid not null,
  day             date not null,
  dimension       text not null,
  value           text not null,
  currency        text not null,
  carts           bigint not null,
  checkouts       bigint not null,
  orders          bigint not null,
  abandoned       bigint not null,
  recovered       bigint not null,
  open            bigint not null,
  entered_contact  bigint not null,
  entered_address  bigint not null,
  entered_shipping bigint not null,
  entered_payment  bigint not null,
  entered_review   bigint not null,
  value_minor     numeric not null,
  lost_minor      numeric not null,
  recovered_minor numeric not null,
  primary key (merchant_id, dimension, day, value, currency) -- one way of looking at them lies together
);

create table daily_sales (
  merchant_id   uuid not null,
  day           date not null, -- on which the orders were placed
  currency      text not null,
  orders        bigint not null,
  revenue_minor numeric not null,
  primary key (merchant_id, day, currency)
);

