-- Promotions with their codes and uses, and taxes by place.
-- +goose Up

create table promotions (
  merchant_id        uuid not null references merchants (id),
  id                 uuid not null,
  status             text not null check (status in ('active', 'archived')),
  document           jsonb not null, -- what it gives and to whom: pricing.Promotion
  total_limit        bigint check (total_limit > 0),
  per_customer_limit bigint check (per_customer_limit > 0),
  uses               bigint not null default 0 check (uses >= 0), -- counted only under a total limit
  starts_at          timestamptz,
  ends_at            timestamptz,
  version            bigint not null default 1,
  created_at         timestamptz not null,
  updated_at         timestamptz not null,
  primary key (merchant_id, id),
  check (total_limit is null or uses <= total_limit)
);

create table promotion_codes (
  merchant_id  uuid not null,
  code_key     text not null, -- upper case, without spaces
  code         text not null,
  promotion_id uuid not null,
  single_use   boolean not null default false,
  created_at   timestamptz not null,
  primary key (merchant_id, code_key),
  foreign key (merchant_id, promotion_id) references promotions (merchant_id, id)
);
create index promotion_codes_promotion on promotion_codes (merchant_id, promotion_id);

-- A use belongs to one payment attempt of one checkout and is released with it.
create table redemptions (
  merchant_id  uuid not null,
  id           uuid not null,
  promotion_id uuid not null,
  code_key     text not null default '',
  checkout_id  uuid not null,
  attempt      int not null,
  customer_key bytea not null, -- HMAC of the e-mail: a guest is a customer too
  n            bigint check (n > 0), -- the how-many-eth use by this customer; null without a limit per customer
  single_use   boolean not null default false,
  amount_minor bigint not null check (amount_minor >= 0),
  currency     char(3) not null,
  status       text not null check (status in ('active', 'released')),
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  primary key (merchant_id, id)
);
create unique index redemptions_customer on redemptions (merchant_id, promotion_id, customer_key, n) where status = 'active';
create unique index redemptions_single on redemptions (merchant_id, code_key) where status = 'active' and single_use;
create index redemptions_uses on redemptions (merchant_id, customer_key) where status = 'active';
create index redemptions_checkout on redemptions (merchant_id, checkout_id);

create table tax_rates (
  merchant_id     uuid not null references merchants (id),
  id              uuid not null,
  country         char(2) not null,
  region          text not null default '',
  postcode_prefix text not null default '',
  class           text not null default 'standard',
  kind            text not null default 'vat',
  name            text not null,
  rate_bps        bigint not null check (rate_bps between 0 and 100000),
  version         bigint not null default 1,
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, country, region, postcode_prefix, class, kind)
);
