-- Products, prices and stock. received - free = units held or sold: the free
-- count falls once, when stock is reserved, and the reservation row then says
-- whether the units are held or sold. That keeps a popular variant's row short
-- and lets a sale touch it once instead of twice.
-- +goose Up

create table products (
  merchant_id  uuid not null references merchants (id),
  id           uuid not null,
  slug         text not null check (slug <> ''),
  status       text not null check (status in ('draft', 'active', 'archived')),
  title        text not null check (title <> ''),
  description  text not null default '',
  brand        text not null default '',
  category     text[] not null default '{}',
  tags         text[] not null default '{}',
  attributes   jsonb not null default '{}',
  images       jsonb not null default '[]',
  options      jsonb not null default '[]',
  translations jsonb not null default '{}',
  tax_class    text not null default 'standard',
  version      bigint not null default 1,
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, slug)
);

create table variants (
  merchant_id    uuid not null,
  id             uuid not null,
  product_id     uuid not null,
  sku            text not null check (sku <> ''),
  barcode        text not null default '',
  position       int not null default 0,
  option_values  jsonb not null default '[]',
  weight_g       bigint not null default 0 check (weight_g between 0 and 1000000000),
  length_mm      bigint not null default 0 check (length_mm between 0 and 1000000),
  width_mm       bigint not null default 0 check (width_mm between 0 and 1000000),
  height_mm      bigint not null default 0 check (height_mm between 0 and 1000000),
  hs_code        text not null default '',
  origin_country text not null default '',
  track_stock    boolean not null default true,
  status         text not null default 'active' check (status in ('active', 'archived')),
  created_at     timestamptz not null,
  updated_at     timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, sku),
  foreign key (merchant_id, product_id) references products (merchant_id, id)
);
create index variants_product on variants (merchant_id, product_id);
create index variants_barcode on variants (merchant_id, barcode) where barcode <> '';

create table prices (
  merchant_id    uuid not null,
  variant_id     uuid not null,
  currency       char(3) not null,
  amount_minor   bigint not null check (amount_minor >= 0),
  sale_minor     bigint check (sale_minor >= 0),
  sale_starts_at timestamptz,
  sale_ends_at   timestamptz,
  -- The next instant at which the sale begins or ends; moved on by whoever
  -- tells the feed of changes about it.
  boundary_at    timestamptz,
  updated_at     timestamptz not null,
  primary key (merchant_id, variant_id, currency),
  foreign key (merchant_id, variant_id) references variants (merchant_id, id),
  check (sale_minor is not null or (sale_starts_at is null and sale_ends_at is null))
);
create index prices_boundary on prices (boundary_at) where boundary_at is not null;

create table locations (
  merchant_id uuid not null references merchants (id),
  id          uuid not null,
  code        text not null,
  name        text not null,
  country     char(2) not null,
  timezone    text not null default 'UTC',
  priority    int not null default 0,
  active      boolean not null default true,
  created_at  timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, code)
);

create table stock (
  merchant_id uuid not null,
  variant_id  uuid not null,
  location_id uuid not null,
  received    bigint not null default 0 check (received >= 0),
  free        bigint not null default 0 check (free >= 0), -- the last line against overselling
  updated_at  timestamptz not null,
  primary key (merchant_id, variant_id, location_id),
  foreign key (merchant_id, variant_id) references variants (merchant_id, id),
  foreign key (merchant_id, location_id) references locations (merchant_id, id),
  check (free <= received)
) with (fillfactor = 50); -- room for HOT updates: this row changes with every sale

create table stock_adjustments (
  merchant_id uuid not null,
  id          uuid not null,
  variant_id  uuid not null,
  location_id uuid not null,
  delta       bigint not null check (delta <> 0),
  reason      text not null,
  note        text not null default '',
  actor       text not null default '',
  created_at  timestamptz not null,
  primary key (merchant_id, id)
);
create index stock_adjustments_variant on stock_adjustments (merchant_id, variant_id, created_at);

-- No foreign keys here or in the other tables that placing an order writes:
-- doorstep verify checks what they would, without a lock on every parent row.
create table reservations (
  merchant_id uuid not null,
  id          uuid not null,
  checkout_id uuid not null,
  attempt     int not null,
  variant_id  uuid not null,
  location_id uuid not null,
  quantity    bigint not null check (quantity > 0),
  -- Units of a committed reservation given back by a cancellation or a return.
  restocked   bigint not null default 0 check (restocked >= 0 and restocked <= quantity),
  status      text not null check (status in ('active', 'committed', 'released', 'expired')),
  expires_at  timestamptz not null,
  created_at  timestamptz not null,
  updated_at  timestamptz not null,
  primary key (merchant_id, id)
);
create index reservations_checkout on reservations (merchant_id, checkout_id);
create index reservations_due on reservations (expires_at) where status = 'active';

-- The feed that search and caches read: one row whenever what a shopper sees of
-- a product may have changed. Readers take rows with xid >= the xmin of their
-- previous snapshot, so that a transaction that commits late is never missed.
create table catalog_changes (
  merchant_id uuid not null,
  id          uuid not null,
  product_id  uuid not null,
  xid         xid8 not null default pg_current_xact_id(),
  at          timestamptz not null default now(),
  primary key (merchant_id, id)
);
create index catalog_changes_feed on catalog_changes (xid);

create table imports (
  merchant_id uuid not null,
  id          uuid not null,
  kind        text not null check (kind in ('products', 'orders')),
  file_name   text not null default '',
  file_sha256 bytea not null,
  file_path   text not null,
  options     jsonb not null default '{}',
  status      text not null check (status in ('queued', 'running', 'done', 'failed')),
  bytes_total bigint not null,
  bytes_done  bigint not null default 0, -- everything before this offset is committed
  rows_seen   bigint not null default 0, -- rows of the file before that offset, the header and empty ones included
  rows_done   bigint not null default 0,
  rows_failed bigint not null default 0,
  failure     text not null default '',
  created_at  timestamptz not null,
  started_at  timestamptz,
  finished_at timestamptz,
  updated_at  timestamptz not null,
  primary key (merchant_id, id)
);

create table import_errors (
  merchant_id uuid not null,
  import_id   uuid not null,
  row_number  bigint not null,
  seq         int not null,
  field       text not null default '',
  code        text not null,
  message     text not null,
  primary key (merchant_id, import_id, row_number, seq),
  foreign key (merchant_id, import_id) references imports (merchant_id, id)
);
