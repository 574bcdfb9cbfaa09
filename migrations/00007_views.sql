-- Read-only views across owners, for the few reads that must be one round trip.
-- +goose Up

-- What the catalogue offers for each line of a checkout: one row per line,
-- currency and location with stock.
create view v_offers as
select v.merchant_id, v.id as variant_id, v.product_id, v.sku, v.option_values, v.weight_g, v.length_mm, v.width_mm, v.height_mm,
       v.hs_code, v.origin_country, v.track_stock,
       v.status = 'active' and p.status = 'active' as on_sale,
       p.slug, p.title, p.translations, p.category, p.tags, p.tax_class, p.images ->> 0 as image, p.version as product_version
from variants v
join products p on p.merchant_id = v.merchant_id and p.id = v.product_id;
