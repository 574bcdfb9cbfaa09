-- Shipping policies, shipments with their tracking, and mails.
-- +goose Up

create table shipping_policies (
  merchant_id  uuid not null references merchants (id),
  id           uuid not null,
  version      int not null,
  status       text not null check (status in ('draft', 'published', 'retired')),
  document     jsonb not null,
  hash         text not null,
  created_at   timestamptz not null,
  published_at timestamptz,
  updated_at   timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, version)
);
create unique index shipping_policies_live on shipping_policies (merchant_id) where status = 'published';

create table shipments (
  merchant_id     uuid not null,
  id              uuid not null,
  order_id        uuid not null,
  status          text not null check (status in ('pending', 'processing', 'shipped', 'in_transit', 'out_for_delivery',
                    'ready_for_pickup', 'delivered', 'failed', 'returned_to_sender', 'canceled')),
  tracking_status text not null default 'pending',
  carrier         text not null,
  tracking_number text not null default '',
  label_url       text not null default '',
  version         bigint not null default 1,
  shipped_at      timestamptz,
  delivered_at    timestamptz,
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  primary key (merchant_id, id)
);
create index shipments_order on shipments (merchant_id, order_id);
create unique index shipments_number on shipments (merchant_id, carrier, tracking_number) where tracking_number <> '' and status <> 'canceled';

create table shipment_lines (
  merchant_id   uuid not null,
  shipment_id   uuid not null,
  order_line_id uuid not null,
  quantity      bigint not null check (quantity > 0),
  primary key (merchant_id, shipment_id, order_line_id),
  foreign key (merchant_id, shipment_id) references shipments (merchant_id, id)
);

create table tracking_events (
  merchant_id uuid not null,
  id          uuid not null,
  shipment_id uuid not null,
  status      text not null check (status in ('pending', 'picked_up', 'in_transit', 'on_hold', 'customs_hold', 'out_for_delivery',
                'ready_for_pickup', 'delivery_failed', 'delivery_delayed', 'delivered', 'return_to_sender', 'returned', 'cancelled', 'unknown')),
  occurred_at timestamptz not null,
  utc_offset  int not null default 0, -- seconds east of UTC, as the carrier said it
  location    text not null default '',
  description text not null default '',
  source      text not null,
  fingerprint bytea not null, -- an exact duplicate is dropped
  created_at  timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, shipment_id, fingerprint),
  foreign key (merchant_id, shipment_id) references shipments (merchant_id, id)
);

create table deliveries (
  merchant_id uuid not null,
  id          uuid not null,
  kind        text not null,
  subject_id  uuid not null, -- the order, shipment or refund it speaks of
  dedupe_key  text not null,
  contact_id  uuid not null,
  locale      text not null,
  status      text not null check (status in ('queued', 'sending', 'sent', 'failed', 'captured')),
  attempts    int not null default 0,
  message_id  text not null,
  -- Filled only when mail is captured instead of sent, in the demo.
  recipient   text,
  subject     text,
  html        text,
  body_text   text,
  last_error  text not null default '',
  created_at  timestamptz not null,
  sent_at     timestamptz,
  updated_at  timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, dedupe_key)
);
