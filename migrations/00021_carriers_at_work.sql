-- Labels that carriers sell, the vans and sheets that go with them, and the
-- watch over parcels on their way.
-- +goose Up

-- One row for each label that was wanted, written before the carrier is asked,
-- so that no label is bought twice and none is forgotten: carrier_key is what
-- the carrier is given as its reference.
create table labels (
  merchant_id  uuid not null references merchants (id),
  id           uuid not null,
  purpose      text not null check (purpose in ('shipment', 'return')),
  subject_id   uuid not null, -- the shipment, or the return
  order_id     uuid not null,
  account_id   uuid not null,
  carrier      text not null, -- whose account it is
  service      text not null,
  format       text not null check (format in ('pdf', 'zpl', 'png')),
  -- parked: nobody can tell whether the carrier has made it, so a person must.
  status       text not null check (status in ('pending', 'bought', 'failed', 'parked', 'voiding', 'void')),
  carrier_key  text not null check (carrier_key <> ''),
  request      bytea, -- sealed, as long as it may be asked again
  asked        int not null default 0, -- how often the carrier was asked to make it
  missed       int not null default 0, -- how often in a row it was looked for in vain
  asked_at     timestamptz,
  next_at      timestamptz, -- when somebody looks after it
  announces    boolean not null default false, -- its end tells that the parcel has left
  failure      text not null default '',
  failure_text text not null default '', -- the carrier's, for the merchant
  carrier_id   text not null default '', -- as the carrier calls the shipment
  numbers      text[] not null default '{}', -- tracking numbers, one a parcel
  cost_minor   bigint,
  currency     char(3),
  manifest_id  uuid,
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  bought_at    timestamptz,
  ended_at     timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, carrier_key),
  check ((status in ('pending', 'voiding')) = (next_at is not null)),
  check ((status in ('failed', 'void')) = (ended_at is not null)),
  check (status not in ('bought', 'voiding') or bought_at is not null),
  check ((cost_minor is null) = (currency is null))
);
create unique index labels_one on labels (merchant_id, purpose, subject_id) where status in ('pending', 'bought', 'parked', 'voiding');
create index labels_due on labels (next_at) where next_at is not null;
create index labels_order on labels (merchant_id, order_id);

-- What is printed: of a label or of a manifest.
create table carrier_papers (
  merchant_id uuid not null,
  owner_id    uuid not null,
  n           int not null,
  kind        text not null, -- label, customs, receipt, manifest
  format      text not null check (format in ('pdf', 'zpl', 'png')),
  media_type  text not null,
  dpi         int not null,
  number      text not null default '', -- the tracking number of its parcel
  sha256      bytea not null check (length(sha256) = 32),
  size        bigint not null check (size > 0),
  content     bytea, -- sealed; addresses are on it, so it is forgotten in time
  created_at  timestamptz not null,
  primary key (merchant_id, owner_id, n)
);
create index carrier_papers_age on carrier_papers (created_at) where content is not null;

-- Vans that are sent for and sheets that close labels: asked for once, like labels.
create table carrier_errands (
  merchant_id  uuid not null references merchants (id),
  id           uuid not null,
  kind         text not null check (kind in ('pickup', 'manifest')),
  account_id   uuid not null,
  carrier      text not null,
  status       text not null check (status in ('pending', 'done', 'failed', 'parked', 'canceled')),
  carrier_key  text not null check (carrier_key <> ''),
  request      jsonb not null,
  asked        int not null default 0,
  next_at      timestamptz,
  failure      text not null default '',
  failure_text text not null default '',
  carrier_id   text not null default '',
  cost_minor   bigint,
  currency     char(3),
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, carrier_key),
  check ((status = 'pending') = (next_at is not null)),
  check ((cost_minor is null) = (currency is null))
);
create index carrier_errands_due on carrier_errands (next_at) where next_at is not null;

-- What carriers tell by webhook, written before they are answered; the primary
-- key lets each piece of news in once.
create table carrier_news (
  merchant_id uuid not null,
  carrier     text not null check (carrier <> ''),
  event_id    text not null check (event_id <> ''),
  number      text not null,
  news        jsonb not null, -- the parcel's events, without whoever signed for it
  -- waiting to be acted on; parked until there is such a parcel; done; dropped
  -- when there has been none for days.
  status      text not null check (status in ('waiting', 'parked', 'done', 'dropped')),
  tries       int not null default 0,
  failure     text not null default '',
  next_at     timestamptz not null,
  received_at timestamptz not null,
  ended_at    timestamptz,
  primary key (merchant_id, carrier, event_id),
  check ((status in ('done', 'dropped')) = (ended_at is not null))
);
create index carrier_news_due on carrier_news (next_at) where status in ('waiting', 'parked');
create index carrier_news_ended on carrier_news (ended_at) where status in ('done', 'dropped');

-- One row for each number that an account of ours can be asked about.
create table parcel_watches (
  merchant_id uuid not null,
  id          uuid not null,
  account_id  uuid not null,
  carrier     text not null, -- whose account it is
  number      text not null check (number <> ''),
  purpose     text not null check (purpose in ('shipment', 'return')),
  subject_id  uuid not null,
  order_id    uuid not null,
  word        text not null default 'pending', -- the last significant one of this number
  tries       int not null default 0, -- questions in a row without an answer
  failure     text not null default '',
  next_at     timestamptz, -- when it is asked about; null: not any more
  asked_at    timestamptz,
  heard_at    timestamptz, -- when news of it came by themselves
  final_at    timestamptz,
  created_at  timestamptz not null,
  updated_at  timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, account_id, number, subject_id)
);
create index parcel_watches_due on parcel_watches (next_at) where next_at is not null;
create index parcel_watches_number on parcel_watches (merchant_id, number);
create index parcel_watches_subject on parcel_watches (merchant_id, subject_id);

-- Trouble with a parcel that somebody must hear of: each kind once.
create table shipment_alerts (
  merchant_id uuid not null,
  shipment_id uuid not null,
  kind        text not null check (kind in ('shipment_delayed', 'delivery_failed', 'lost')),
  reason      text not null default '',
  raised_at   timestamptz not null,
  primary key (merchant_id, shipment_id, kind),
  foreign key (merchant_id, shipment_id) references shipments (merchant_id, id)
);

-- The instant at which the promised days are over, and when the carrier means to
-- come by its own words.
alter table shipments add column promised_at timestamptz, add column expected_at timestamptz;
create index shipments_under_way on shipments (promised_at, updated_at)
  where status in ('shipped', 'in_transit', 'out_for_delivery', 'ready_for_pickup', 'failed');

-- The carrier's own code is kept beside our word for it; parcel tells parcels of
-- one shipment apart.
alter table tracking_events
  add column code text not null default '',
  add column reason text not null default '',
  add column parcel text not null default '',
  add column zone_guessed boolean not null default false;
