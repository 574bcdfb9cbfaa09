-- Lists of parcels, labels, pickups and manifests are read page by page, the
-- newest first: by themselves, by a state, or by a carrier. Without these indexes
-- each page would sort all that a merchant ever sent.
-- +goose Up

create index shipments_list on shipments (merchant_id, created_at, id);
create index shipments_by_status on shipments (merchant_id, status, created_at, id);
create index shipments_by_word on shipments (merchant_id, tracking_status, created_at, id);
create index shipments_by_carrier on shipments (merchant_id, carrier, created_at, id);

create index labels_list on labels (merchant_id, created_at, id);
create index labels_by_status on labels (merchant_id, status, created_at, id);

create index carrier_errands_list on carrier_errands (merchant_id, kind, created_at, id);

-- The log of journeys is not kept for ever. What is taken out of it stays here as
-- it counted: such a row cannot be made anew, and figures that are keep it.
alter table daily_journeys add column pruned boolean not null default false;
