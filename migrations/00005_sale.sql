-- The road from cart to paid order.
-- +goose Up

create table carts (
  merchant_id  uuid not null,
  id           uuid not null,
  secret_hash  bytea not null,
  customer_id  uuid,
  status       text not null check (status in ('active', 'abandoned', 'recovered', 'converted', 'merged', 'expired')),
  currency     char(3) not null,
  locale       text not null,
  codes        text[] not null default '{}',
  undo         jsonb, -- the lines and codes before the last clear
  merged_into  uuid,
  paying       uuid, -- the checkout whose payment is under way: two tabs cannot pay one cart
  version      bigint not null default 1,
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  expires_at   timestamptz not null,
  primary key (merchant_id, id)
);
create index carts_due on carts (expires_at) where status in ('active', 'abandoned', 'recovered');

create table cart_lines (
  merchant_id uuid not null,
  cart_id     uuid not null,
  id          uuid not null,
  variant_id  uuid not null,
  quantity    bigint not null check (quantity between 1 and 1000000),
  position    int not null,
  created_at  timestamptz not null,
  primary key (merchant_id, cart_id, id),
  unique (merchant_id, cart_id, variant_id),
  foreign key (merchant_id, cart_id) references carts (merchant_id, id) on delete cascade
);

create table checkouts (
  merchant_id     uuid not null,
  id              uuid not null,
  secret_hash     bytea not null,
  cart_id         uuid,
  customer_id     uuid,
  contact_id      uuid not null,
  status          text not null check (status in ('incomplete', 'ready_for_payment', 'authentication_required',
                    'complete_in_progress', 'completed', 'canceled', 'expired')),
  version         bigint not null default 1,
  attempt         int not null default 0, -- payment attempts made so far
  currency        char(3) not null,
  locale          text not null,
  country         char(2),
  variant_ids     uuid[] not null,
  quantities      bigint[] not null,
  codes           text[] not null default '{}',
  code_keys       text[] not null default '{}', -- the same, as promotion_codes has them
  shown_minor     bigint not null default 0, -- the total that was last shown
  shipping_option text not null default '',
  -- The order as it will stand, frozen when a payment attempt begins, so that
  -- whoever settles the attempt places exactly this.
  draft           jsonb,
  order_id        uuid,
  cancel_reason   text not null default '',
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  expires_at      timestamptz not null,
  completed_at    timestamptz,
  primary key (merchant_id, id)
);
create index checkouts_due on checkouts (expires_at) where status in ('incomplete', 'ready_for_payment', 'authentication_required');
create index checkouts_cart on checkouts (merchant_id, cart_id) where cart_id is not null;

create table payments (
  merchant_id    uuid not null,
  id             uuid not null,
  checkout_id    uuid not null,
  order_id       uuid,
  attempt        int not null,
  method         text not null,
  provider       text not null,
  gateway_key    text not null, -- idempotency key of the authorization
  request_key    text not null default '', -- idempotency key of the complete call, whose answer is stored when it settles
  gateway_id     text,
  status         text not null check (status in ('pending', 'requires_action', 'authorized', 'partially_captured', 'captured',
                   'voided', 'expired', 'failed', 'unknown', 'disputed', 'won', 'lost')),
  amount_minor   bigint not null check (amount_minor >= 0),
  captured_minor bigint not null default 0 check (captured_minor >= 0 and captured_minor <= amount_minor),
  refunded_minor bigint not null default 0 check (refunded_minor >= 0 and refunded_minor <= captured_minor),
  currency       char(3) not null,
  reference      text not null default '', -- what a bank transfer must quote
  failure_code   text not null default '',
  next_action    jsonb,
  due_at         timestamptz, -- bank transfer: paid by then or canceled
  capture_before timestamptz, -- card: the hold ends then
  version        bigint not null default 1,
  created_at     timestamptz not null,
  updated_at     timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, checkout_id, attempt)
);
create unique index payments_gateway on payments (merchant_id, provider, gateway_id) where gateway_id is not null;
create index payments_order on payments (merchant_id, order_id) where order_id is not null;
create index payments_unsettled on payments (updated_at) where status in ('pending', 'requires_action', 'unknown');
create index payments_uncaptured on payments (updated_at) where status = 'authorized';

create table refunds (
  merchant_id  uuid not null,
  id           uuid not null,
  payment_id   uuid not null,
  order_id     uuid not null,
  status       text not null check (status in ('pending', 'succeeded', 'failed')),
  amount_minor bigint not null check (amount_minor > 0),
  currency     char(3) not null,
  reason       text not null,
  lines        jsonb not null default '[]',
  gateway_key  text not null,
  gateway_id   text,
  failure_code text not null default '',
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  primary key (merchant_id, id)
);
create index refunds_order on refunds (merchant_id, order_id);
create index refunds_pending on refunds (updated_at) where status = 'pending';

create table orders (
  merchant_id        uuid not null,
  id                 uuid not null,
  number             text not null,
  checkout_id        uuid not null,
  contact_id         uuid not null,
  customer_id        uuid,
  email_hmac         bytea not null,
  status             text not null check (status in ('pending', 'confirmed', 'on_hold', 'completed', 'canceled')),
  payment_status     text not null check (payment_status in ('unpaid', 'authorized', 'partially_paid', 'paid', 'partially_refunded', 'refunded', 'voided')),
  fulfillment_status text not null check (fulfillment_status in ('unfulfilled', 'partial', 'fulfilled', 'delivered', 'partially_returned', 'returned')),
  source             text not null default 'checkout' check (source in ('checkout', 'import')),
  payment_method     text not null,
  currency           char(3) not null,
  locale             text not null,
  country            char(2),
  prices_include_tax boolean not null,
  subtotal_minor     bigint not null check (subtotal_minor >= 0),
  discount_minor     bigint not null check (discount_minor <= 0),
  shipping_minor     bigint not null check (shipping_minor >= 0),
  tax_minor          bigint not null check (tax_minor >= 0),
  total_minor        bigint not null check (total_minor >= 0),
  shipping_option    jsonb not null default '{}',
  discounts          jsonb not null default '[]',
  cancel_reason      text not null default '',
  version            bigint not null default 1,
  placed_at          timestamptz not null,
  canceled_at        timestamptz,
  updated_at         timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, number),
  unique (merchant_id, checkout_id), -- one order per checkout, whatever happens
  check (total_minor = subtotal_minor + discount_minor + shipping_minor + case when prices_include_tax then 0 else tax_minor end)
);
create index orders_email on orders (merchant_id, email_hmac);
create index orders_recent on orders (merchant_id, placed_at desc, id desc);

create table order_lines (
  merchant_id    uuid not null,
  order_id       uuid not null,
  id             uuid not null,
  position       int not null,
  product_id     uuid not null,
  variant_id     uuid not null,
  sku            text not null,
  title          text not null,
  option_values  jsonb not null default '[]',
  image          text not null default '',
  quantity       bigint not null check (quantity > 0),
  unit_minor     bigint not null check (unit_minor >= 0),
  subtotal_minor bigint not null check (subtotal_minor = quantity * unit_minor),
  discount_minor bigint not null check (discount_minor <= 0 and subtotal_minor + discount_minor >= 0),
  tax_minor      bigint not null check (tax_minor >= 0),
  total_minor    bigint not null check (total_minor >= 0),
  tax_rate_bps   bigint not null default 0,
  taxes          jsonb not null default '[]',
  weight_g       bigint not null default 0,
  shipped        bigint not null default 0 check (shipped >= 0),
  canceled       bigint not null default 0 check (canceled >= 0),
  returned       bigint not null default 0 check (returned >= 0 and returned <= shipped),
  refunded       bigint not null default 0 check (refunded >= 0 and refunded <= quantity),
  primary key (merchant_id, order_id, id),
  check (shipped + canceled <= quantity)
);
create index order_lines_sku on order_lines (merchant_id, sku);

-- What happened to the order, in order: the customer's and the merchant's timeline.
create table order_events (
  merchant_id uuid not null,
  order_id    uuid not null,
  id          uuid not null,
  type        text not null,
  data        jsonb not null default '{}',
  actor       text not null default 'system',
  at          timestamptz not null,
  primary key (merchant_id, order_id, id)
);
