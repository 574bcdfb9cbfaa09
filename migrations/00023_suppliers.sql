-- Suppliers who send what they have straight to the shop's buyers, and the
-- purchase orders by which they are asked to.
-- +goose Up

create table suppliers (
  merchant_id   uuid not null references merchants (id),
  id            uuid not null,
  code          text not null check (code <> ''), -- also the id of its origin in shipping
  name          text not null check (name <> ''),
  status        text not null check (status in ('active', 'archived')),
  contact_id    uuid not null, -- its mail address and where returns go, sealed like everybody's
  location_id   uuid not null, -- what it says it has stands there as stock
  locale        text not null,
  currency      char(3) not null,
  country       char(2) not null,
  timezone      text not null,
  cutoff        text not null default '', -- local time until which an order counts as of the day
  workdays      int[] not null,
  holidays      text[] not null default '{}',
  handling_days int not null default 0 check (handling_days between 0 and 365),
  returns_to    text not null check (returns_to in ('shop', 'supplier')),
  version       bigint not null default 1,
  created_at    timestamptz not null,
  updated_at    timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, code),
  unique (merchant_id, location_id),
  foreign key (merchant_id, location_id) references locations (merchant_id, id)
);

-- What a supplier calls a variant, and what it asks for one.
create table supplier_items (
  merchant_id  uuid not null,
  supplier_id  uuid not null,
  variant_id   uuid not null,
  sku          text not null,
  supplier_sku text not null default '',
  unit_minor   bigint not null check (unit_minor >= 0),
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  primary key (merchant_id, supplier_id, variant_id),
  foreign key (merchant_id, supplier_id) references suppliers (merchant_id, id)
);

create table supplier_orders (
  merchant_id  uuid not null,
  id           uuid not null,
  number       text not null,
  supplier_id  uuid not null,
  order_id     uuid not null,
  order_number text not null,
  contact_id   uuid not null, -- who the parcels go to
  status       text not null check (status in ('pending', 'sent', 'accepted', 'shipped', 'completed', 'rejected', 'canceled')),
  reason       text not null default '', -- of a refusal or a cancellation
  currency     char(3) not null,
  mailing      int not null default 1 check (mailing > 0), -- which of its mails is to be sent, or was the last
  asked_at     timestamptz, -- since when the supplier may know of it
  mail_failure text not null default '', -- why the mail will not arrive
  sent_at      timestamptz,
  accepted_at  timestamptz,
  ended_at     timestamptz,
  due_at       timestamptz not null, -- when all of it should have been shipped
  late_at      timestamptz, -- when that was noticed
  link_until   timestamptz not null,
  version      bigint not null default 1,
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, number),
  unique (merchant_id, order_id, supplier_id), -- whatever happens
  foreign key (merchant_id, supplier_id) references suppliers (merchant_id, id),
  check ((status in ('completed', 'rejected', 'canceled')) = (ended_at is not null))
);
create index supplier_orders_list on supplier_orders (merchant_id, created_at, id);
create index supplier_orders_contact on supplier_orders (merchant_id, contact_id);
create index supplier_orders_due on supplier_orders (due_at) where status in ('sent', 'accepted', 'shipped') and late_at is null;

create table supplier_order_lines (
  merchant_id       uuid not null,
  supplier_order_id uuid not null,
  order_line_id     uuid not null,
  position          int not null,
  variant_id        uuid not null,
  sku               text not null,
  supplier_sku      text not null default '',
  title             text not null,
  options           text not null default '',
  quantity          bigint not null check (quantity > 0),
  shipped           bigint not null default 0 check (shipped >= 0),
  canceled          bigint not null default 0 check (canceled >= 0), -- not needed any more
  unit_minor        bigint check (unit_minor >= 0), -- null: nobody has said what it costs
  primary key (merchant_id, supplier_order_id, order_line_id),
  foreign key (merchant_id, supplier_order_id) references supplier_orders (merchant_id, id),
  check (shipped + canceled <= quantity)
);
create index supplier_order_lines_line on supplier_order_lines (merchant_id, order_line_id);

-- The parcels that suppliers have sent.
create table supplier_shipments (
  merchant_id       uuid not null,
  shipment_id       uuid not null,
  supplier_order_id uuid not null,
  primary key (merchant_id, shipment_id),
  foreign key (merchant_id, shipment_id) references shipments (merchant_id, id),
  foreign key (merchant_id, supplier_order_id) references supplier_orders (merchant_id, id)
);
create index supplier_shipments_of on supplier_shipments (merchant_id, supplier_order_id);

-- Orders that suppliers will be asked to send as soon as those are paid.
create table supplier_waits (
  merchant_id uuid not null,
  order_id    uuid not null,
  tries       int not null default 0,
  next_at     timestamptz not null,
  created_at  timestamptz not null,
  primary key (merchant_id, order_id)
);
create index supplier_waits_due on supplier_waits (next_at);
