package catalog

import (
	"maps"
	"slices"
	"time"
)

// sameProduct says whether two tidied products say the same, their variants
// apart. An empty list and none are the same.
func sameProduct(a, b *Product) bool {
	return a.Slug == b.Slug && a.Status == b.Status && a.Title == b.Title && a.Description == b.Description && a.Brand == b.Brand &&
		a.TaxClass == b.TaxClass && slices.Equal(a.Category, b.Category) && slices.Equal(a.Tags, b.Tags) &&
		slices.Equal(a.Images, b.Images) && slices.Equal(a.Options, b.Options) &&
		maps.Equal(a.Attributes, b.Attributes) && maps.Equal(a.Translations, b.Translations)
}

// sameVariant leaves prices apart.
func sameVariant(a, b *Variant) bool {
	return a.SKU == b.SKU && a.Barcode == b.Barcode && a.Position == b.Position && slices.Equal(a.OptionValues, b.OptionValues) &&
		a.WeightG == b.WeightG && a.LengthMM == b.LengthMM && a.WidthMM == b.WidthMM && a.HeightMM == b.HeightMM &&
		a.HSCode == b.HSCode && a.OriginCountry == b.OriginCountry && a.Handling == b.Handling && a.TrackStock == b.TrackStock && a.Status == b.Status
}

func samePrice(a, b Price) bool {
	return a.Currency == b.Currency && a.Amount == b.Amount && (a.Sale == nil) == (b.Sale == nil) && (a.Sale == nil || *a.Sale == *b.Sale) &&
		sameTime(a.SaleStartsAt, b.SaleStartsAt) && sameTime(a.SaleEndsAt, b.SaleEndsAt)
}

func sameTime(a, b *time.Time) bool {
	return (a == nil) == (b == nil) && (a == nil || a.Equal(*b))
}
