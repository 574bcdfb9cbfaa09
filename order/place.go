package order

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
)

// Place queues the order, its lines, the first entry of its timeline and the
// event Placed. It is called once per checkout; the unique key on checkout_id
// stands behind that.
func Place(tx db.Tx, o *Order, payment uuid.UUID) error {
	tx.Queue(`insert into orders (merchant_id, id, number, checkout_id, contact_id, customer_id, email_hmac, status, payment_status,
			fulfillment_status, source, payment_method, currency, locale, country, prices_include_tax, subtotal_minor, discount_minor,
			shipping_minor, tax_minor, total_minor, shipping_option, discounts, placed_at, updated_at, tenders, duties_minor)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $24, coalesce($25::jsonb, '[]'), $26)`,
		o.MerchantID, o.ID, o.Number, o.CheckoutID, o.ContactID, o.CustomerID, o.EmailHMAC, string(o.Status), o.PaymentStatus,
		o.FulfillmentStatus, o.Source, o.PaymentMethod, o.Currency, o.Locale, o.Country, o.PricesIncludeTax, o.Subtotal, o.Discount,
		o.Shipping, o.Tax, o.Total, o.ShippingOption, o.Discounts, o.PlacedAt, o.Tenders, o.Duties)
	insertLines(tx, o)
	note(tx, o.MerchantID, o.ID, "order.placed", "customer", json.RawMessage(`{}`), o.PlacedAt)
	if o.Tenders != nil && o.PaymentStatus == "paid" { // at once, with no capture to follow
		if err := jobs.Publish(tx, MoneyTaken{Ref{MerchantID: o.MerchantID, OrderID: o.ID}}); err != nil {
			return err
		}
	}
	return jobs.Publish(tx, Placed{
		Ref: Ref{MerchantID: o.MerchantID, OrderID: o.ID}, PaymentID: payment, Method: o.PaymentMethod,
	})
}

// insertLines writes all lines in one statement, whatever their number.
func insertLines(tx db.Tx, o *Order) {
	n := len(o.Lines)
	ids, products, variants := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n)
	positions, quantities := make([]int32, n), make([]int64, n)
	skus, titles, images := make([]string, n), make([]string, n), make([]string, n)
	options, taxes := make([]string, n), make([]string, n)
	units, subtotals, discounts := make([]int64, n), make([]int64, n), make([]int64, n)
	taxMinor, totals, rates, weights := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i := range o.Lines {
		l := &o.Lines[i]
		ids[i], products[i], variants[i] = l.ID, l.ProductID, l.VariantID
		positions[i], quantities[i] = int32(i), l.Quantity
		skus[i], titles[i], images[i] = l.SKU, l.Title, l.Image
		options[i], taxes[i] = text(l.OptionValues), text(l.Taxes)
		units[i], subtotals[i], discounts[i] = l.Unit, l.Subtotal, l.Discount
		taxMinor[i], totals[i], rates[i], weights[i] = l.Tax, l.Total, l.TaxRateBps, l.WeightG
	}
	tx.Queue(`insert into order_lines (merchant_id, order_id, id, position, product_id, variant_id, sku, title, image, option_values, taxes,
			quantity, unit_minor, subtotal_minor, discount_minor, tax_minor, total_minor, tax_rate_bps, weight_g)
		select $1, $2, u.id, u.position, u.product, u.variant, u.sku, u.title, u.image, u.options::jsonb, u.taxes::jsonb,
			u.quantity, u.unit, u.subtotal, u.discount, u.tax, u.total, u.rate, u.weight
		from unnest($3::uuid[], $4::int[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
			$12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[])
		as u (id, position, product, variant, sku, title, image, options, taxes, quantity, unit, subtotal, discount, tax, total, rate, weight)`,
		o.MerchantID, o.ID, ids, positions, products, variants, skus, titles, images, options, taxes,
		quantities, units, subtotals, discounts, taxMinor, totals, rates, weights)
}

func text(raw json.RawMessage) string {
	if raw == nil {
		return "[]"
	}
	return string(raw)
}

// note queues one entry of the order's timeline.
func note(tx db.Tx, merchant, order uuid.UUID, event, actor string, data json.RawMessage, at time.Time) {
	tx.Queue(`insert into order_events (merchant_id, order_id, id, type, actor, data, at) values ($1, $2, $3, $4, $5, $6, $7)`,
		merchant, order, id.New(), event, actor, data, at)
}
