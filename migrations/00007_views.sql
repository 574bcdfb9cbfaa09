-- Read-only views across owners, for the few reads that must be one round trip.
-- +goose Up

-- What the catalogue says of each variant, on sale or not.
create view v_offers as
select v.merchant_id, v.id as variant_id, v.product_id, v.sku, v.option_values, v.weight_g, v.length_mm, v.width_mm, v.height_mm,
       v.hs_code, v.origin_country, v.track_stock,
       v.status = 'active' and p.status = 'active' as on_sale,
       p.slug, p.title, p.translations, p.category, p.tags, p.tax_class, p.images ->> 0 as image, p.version as product_version,
       p.options
from variants v
join products p on p.merchant_id = v.merchant_id and p.id = v.product_id;

-- The lines of each checkout, so that offers are read without reading it first.
create view v_checkout_lines as
select c.merchant_id, c.id as checkout_id, l.variant_id, l.quantity, c.currency, c.locale
from checkouts c
cross join lateral unnest(c.variant_ids, c.quantities) as l (variant_id, quantity);

-- How far an order is paid, from its payments and refunds alone. The stored
-- status is set from this view in the transaction that changes a payment, and
-- doorstep verify compares the two. Imported orders have no payments.
create view v_payment_status as
select o.merchant_id, o.id as order_id,
  case
    when r.refunded > 0 and r.refunded >= coalesce(p.captured, 0) then 'refunded'
    when r.refunded > 0 then 'partially_refunded'
    when coalesce(p.captured, 0) >= o.total_minor and (p.captured > 0 or p.zero) then 'paid'
    when p.captured > 0 then 'partially_paid'
    when p.held then 'authorized'
    when p.voided then 'voided'
    else 'unpaid'
  end as payment_status
from orders o
left join lateral (
  select sum(captured_minor) as captured, bool_or(status = 'authorized') as held,
         bool_or(status = 'voided') as voided, bool_or(status = 'captured' and amount_minor = 0) as zero
  from payments p where p.merchant_id = o.merchant_id and p.order_id = o.id
) p on true
left join lateral (
  select coalesce(sum(amount_minor), 0) as refunded
  from refunds r where r.merchant_id = o.merchant_id and r.order_id = o.id and r.status = 'succeeded'
) r on true
where o.source = 'checkout';

-- How far an order is fulfilled, from its lines and parcels alone.
create view v_fulfillment_status as
select o.merchant_id, o.id as order_id,
  case
    when l.returned > 0 and l.returned >= l.shipped then 'returned'
    when l.returned > 0 then 'partially_returned'
    when l.shipped = 0 then 'unfulfilled'
    when l.shipped < l.wanted then 'partial'
    when s.parcels > 0 and s.delivered = s.parcels then 'delivered'
    else 'fulfilled'
  end as fulfillment_status
from orders o
join lateral (
  select sum(shipped) as shipped, sum(returned) as returned, sum(quantity - canceled) as wanted
  from order_lines l where l.merchant_id = o.merchant_id and l.order_id = o.id
) l on true
left join lateral (
  select count(*) as parcels, count(*) filter (where s.status = 'delivered') as delivered
  from shipments s where s.merchant_id = o.merchant_id and s.order_id = o.id and s.status <> 'canceled'
) s on true
where o.source = 'checkout';
