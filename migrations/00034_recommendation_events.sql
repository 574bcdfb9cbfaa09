-- Events of shoppers by month, so that old ones go by dropping a table and not by
-- deleting rows; which orders are new to whoever learns from them; and, for shops
-- that are too large to be learned in memory, what goes with each product.
-- +goose Up

alter table rec_events rename to rec_events_before;
alter table rec_events_before rename constraint rec_events_pkey to rec_events_before_pkey;
alter index rec_events_at rename to rec_events_before_at;
alter index rec_events_request rename to rec_events_before_request;

create table rec_events (
  merchant_id uuid not null,
  id          uuid not null, -- the storefront's, so that one told twice counts once
  at          timestamptz not null,
  kind        text not null check (kind in ('view', 'add', 'click', 'impression', 'order')),
  visitor     text not null check (visitor <> ''),
  product_id  uuid,          -- an order has several
  order_id    uuid,
  request_id  uuid,          -- the list that it came from
  surface     text not null default '',
  position    int not null default 0,
  primary key (merchant_id, id, at),
  check ((kind = 'order') = (order_id is not null)),
  check ((kind = 'order') = (product_id is null))
) partition by range (at);
create index rec_events_at on rec_events (merchant_id, at);
create index rec_events_request on rec_events (merchant_id, request_id) where request_id is not null;
create index rec_events_order on rec_events (merchant_id, order_id) where order_id is not null;

-- Takes what no month is there for. Housekeeping empties it when it makes the
-- month.
create table rec_events_rest partition of rec_events default;

-- The months of what there is, this one and the next two; later ones are made by
-- housekeeping. They are named by their first day.
-- +goose StatementBegin
do $$
declare
  month timestamp := date_trunc('month', coalesce((select min(at) from rec_events_before), now()) at time zone 'UTC');
begin
  month := greatest(month, date_trunc('month', now() at time zone 'UTC') - interval '24 months');
  while month <= date_trunc('month', now() at time zone 'UTC') + interval '2 months' loop
    execute format('create table %I partition of rec_events for values from (%L) to (%L)', 'rec_events_' || to_char(month, 'YYYY_MM'),
      month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC');
    month := month + interval '1 month';
  end loop;
end $$;
-- +goose StatementEnd

-- A key over all months would have to hold the time, and a storefront that tells
-- an event again tells another time. So the ids of the last days stand here.
create table rec_event_ids (
  merchant_id uuid not null,
  id          uuid not null,
  at          timestamptz not null, -- when it was told
  primary key (merchant_id, id)
);
create index rec_event_ids_at on rec_event_ids (at);

insert into rec_events (merchant_id, id, at, kind, visitor, product_id, request_id, surface, position)
select merchant_id, id, at, kind, visitor, product_id, request_id, surface, position from rec_events_before;
insert into rec_event_ids (merchant_id, id, at) select merchant_id, id, at from rec_events_before where at > now() - interval '3 days';
drop table rec_events_before;

-- Orders that were placed or canceled. Rows may be committed late, so that readers
-- take those of transactions that are surely over and remember how far they are.
create table rec_news (
  merchant_id uuid not null,
  id          uuid not null,
  order_id    uuid not null,
  at          timestamptz not null,
  xid         xid8 not null default pg_current_xact_id(),
  primary key (merchant_id, id)
);
create index rec_news_feed on rec_news (merchant_id, xid);
create index rec_news_at on rec_news (at);

-- The neighbours of each product in large shops, one row a product, the nearest
-- first. generation is the rebuilding that wrote the row.
create table rec_neighbors (
  merchant_id uuid not null,
  surface     text not null,
  product_id  uuid not null,
  generation  bigint not null,
  ids         uuid[] not null,
  weights     real[] not null,
  orders      int[] not null,
  primary key (merchant_id, surface, product_id, generation),
  check (cardinality(ids) = cardinality(weights) and cardinality(ids) = cardinality(orders))
);

-- How far the rebuilding of a large shop is. live is the generation to read.
create table rec_builds (
  merchant_id uuid not null references merchants (id),
  surface     text not null,
  live        bigint not null default 0,
  at          timestamptz not null, -- as of when live was learned
  orders      bigint not null default 0,
  primary key (merchant_id, surface)
);
