-- Read-only views with which completing a checkout reads all it needs at once.
-- +goose Up

-- What the shop knows of the codes typed into a checkout.
create view v_checkout_codes as
select c.merchant_id, c.id as checkout_id, k.code_key, k.promotion_id, k.single_use,
  k.single_use and exists (
    select 1 from redemptions r
    where r.merchant_id = k.merchant_id and r.code_key = k.code_key and r.single_use and r.status = 'active'
  ) as spent
from checkouts c
join promotion_codes k on k.merchant_id = c.merchant_id and k.code_key = any (c.code_keys);

-- How often the buyer of a checkout has used each promotion.
create view v_checkout_uses as
select c.merchant_id, c.id as checkout_id, r.promotion_id, count(*) as uses
from checkouts c
join contacts p on p.merchant_id = c.merchant_id and p.id = c.contact_id
join redemptions r on r.merchant_id = p.merchant_id and r.customer_key = p.email_hmac and r.status = 'active'
group by c.merchant_id, c.id, r.promotion_id;

-- Who buys: the sealed contact, whether an order under that e-mail stands, and
-- the version of the rules that the merchant's prices depend on.
create view v_buyers as
select p.merchant_id, p.id as contact_id, p.email_hmac, p.wrapped_key, p.sealed, m.config_version,
  not exists (
    select 1 from orders o
    where o.merchant_id = p.merchant_id and o.email_hmac = p.email_hmac and o.status <> 'canceled'
  ) as is_new
from contacts p
join merchants m on m.id = p.merchant_id;
