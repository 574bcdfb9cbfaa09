// Package demo is the shop that `doorstep demo` opens: a small house for home
// and gifts, with Armenian and Cambodian makers' goods among others, all of it
// invented. The catalogue comes as the same CSV that a merchant would import,
// the rest as JSON of the types that the shop itself keeps.
package demo

import _ "embed"

// Products is the catalogue as CSV with a header, one row per variant. What is
// said of a product as a whole stands on its first row only. Lists are split by
// `|`, category levels by ` > `, prices are decimal amounts behind the code of
// their currency, lengths millimetres and weights grams.
//
//go:embed products.csv
var Products []byte

// Promotions is a list of {"promotion": a pricing.Promotion, "codes": what opens
// it}; an advertised code is among the codes too.
//
//go:embed promotions.json
var Promotions []byte

// TaxRates is a list of pricing.TaxRate: value added tax in Europe, Armenia and
// Cambodia. It shows how rates work and is no advice about taxes.
//
//go:embed tax_rates.json
var TaxRates []byte

// Settings is a customer.Settings.
//
//go:embed settings.json
var Settings []byte

// ShippingPolicy is a document of shipping/policy that serves every country from
// one warehouse in Yerevan.
//
//go:embed shipping_policy.json
var ShippingPolicy []byte
