-- What packers and customs want to know of a variant, and goods on their way from
-- suppliers.
-- +goose Up

alter table variants
  add column customs_description text not null default '', -- in English, for customs papers
  add column hazmat_class text not null default '',        -- of the UN, such as 3 or 9
  add column fragile boolean not null default false,       -- carries nothing
  add column this_way_up boolean not null default false,
  add column nest_mm bigint not null default 0 check (nest_mm between 0 and 100000); -- what each further piece adds to a nested set

create or replace view v_offers as
select v.merchant_id, v.id as variant_id, v.product_id, v.sku, v.option_values, v.weight_g, v.length_mm, v.width_mm, v.height_mm,
       v.hs_code, v.origin_country, v.track_stock,
       v.status = 'active' and p.status = 'active' as on_sale,
       p.slug, p.title, p.translations, p.category, p.tags, p.tax_class, p.images ->> 0 as image, p.version as product_version,
       p.options,
       v.customs_description, v.hazmat_class, v.fragile, v.this_way_up, v.nest_mm
from variants v
join products p on p.merchant_id = v.merchant_id and p.id = v.product_id;

-- What the shop has ordered from a supplier, on its way to the shop's stock.
create table purchase_shipments (
  merchant_id     uuid not null references merchants (id),
  id              uuid not null,
  status          text not null check (status in ('ordered', 'ready', 'picked_up', 'departed', 'arrived', 'customs_hold', 'cleared', 'received', 'canceled')),
  supplier        text not null check (supplier <> ''),
  reference       text not null default '', -- the number of the purchase order
  incoterm        text not null check (incoterm in ('EXW', 'FCA', 'FAS', 'FOB', 'CFR', 'CIF', 'CPT', 'CIP', 'DAP', 'DPU', 'DDP')),
  carrier         text not null default '',
  tracking_number text not null default '',
  location_id     uuid not null, -- where it is received
  currency        char(3) not null,
  freight_minor   bigint not null default 0 check (freight_minor >= 0),
  duty_minor      bigint not null default 0 check (duty_minor >= 0),
  fees_minor      bigint not null default 0 check (fees_minor >= 0),
  shared_by       text not null check (shared_by in ('value', 'weight')),
  expected_on     date,
  slack_days      int not null default 0 check (slack_days between 0 and 365),
  version         bigint not null default 1,
  received_at     timestamptz,
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  primary key (merchant_id, id),
  check ((status = 'received') = (received_at is not null))
);
create index purchase_shipments_list on purchase_shipments (merchant_id, created_at, id);

create table purchase_lines (
  merchant_id   uuid not null,
  purchase_id   uuid not null,
  line          int not null check (line > 0),
  variant_id    uuid not null,
  sku           text not null,
  quantity      bigint not null check (quantity > 0),
  unit_minor    bigint not null check (unit_minor >= 0),
  weight_g      bigint not null default 0 check (weight_g >= 0), -- of a piece
  -- Once received: how many good units came, how many were broken, and what they
  -- have cost with their share of freight, duty and fees.
  received      bigint check (received >= 0),
  damaged       bigint check (damaged >= 0),
  landed_minor  bigint check (landed_minor >= 0), -- of the whole line
  check ((received is null) = (damaged is null) and (received is null) = (landed_minor is null)),
  primary key (merchant_id, purchase_id, line),
  foreign key (merchant_id, purchase_id) references purchase_shipments (merchant_id, id)
);

create table purchase_milestones (
  merchant_id uuid not null,
  purchase_id uuid not null,
  id          uuid not null,
  status      text not null,
  at          timestamptz not null,
  note        text not null default '',
  created_at  timestamptz not null,
  primary key (merchant_id, id),
  foreign key (merchant_id, purchase_id) references purchase_shipments (merchant_id, id)
);
create index purchase_milestones_of on purchase_milestones (merchant_id, purchase_id, at);

-- Invoices, packing lists and certificates of origin that came along.
create table purchase_documents (
  merchant_id uuid not null,
  purchase_id uuid not null,
  id          uuid not null,
  kind        text not null check (kind in ('invoice', 'packing_list', 'certificate_of_origin', 'other')),
  name        text not null,
  url         text not null,
  created_at  timestamptz not null,
  primary key (merchant_id, id),
  foreign key (merchant_id, purchase_id) references purchase_shipments (merchant_id, id)
);
create index purchase_documents_of on purchase_documents (merchant_id, purchase_id, created_at);
