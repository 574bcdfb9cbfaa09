-- Tries that must be counted exactly over all nodes, and what the orders room
-- reads of its neighbours.
-- +goose Up

-- One row for each moment in which somebody tried: the key says what was tried
-- or who tried. Rows outlive their window only until they are pruned.
create table attempts (
  merchant_id uuid not null,
  purpose     text not null,
  key         bytea not null,
  window_at   timestamptz not null,
  n           int not null check (n > 0),
  primary key (merchant_id, purpose, key, window_at)
);
create index attempts_age on attempts (window_at);

-- How many units of each order line are in parcels that have left. The line's
-- own count follows it in the transaction that changes a parcel.
create view v_shipped_units as
select l.merchant_id, l.order_id, l.id as line_id, coalesce(sum(p.quantity), 0)::bigint as shipped
from order_lines l
left join (
  select sl.merchant_id, sl.order_line_id, s.order_id, sl.quantity
  from shipment_lines sl
  join shipments s on s.merchant_id = sl.merchant_id and s.id = sl.shipment_id
  where s.status not in ('pending', 'processing', 'canceled')
) p on p.merchant_id = l.merchant_id and p.order_id = l.order_id and p.order_line_id = l.id
group by l.merchant_id, l.order_id, l.id;

-- The units that each refund gives the money back of.
create view v_refund_units as
select r.merchant_id, r.order_id, r.id as refund_id, r.status, u.line_id, u.quantity
from refunds r
cross join lateral jsonb_to_recordset(r.lines) as u (line_id uuid, quantity bigint);
