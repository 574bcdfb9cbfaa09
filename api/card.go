package api

import (
	"bytes"

	"doorstep/internal/card"

	"github.com/gofiber/fiber/v2"
)

// exempt fields carry numbers of their own: tracking numbers of any kind, and
// barcodes that are one (a tenth of all barcodes pass Luhn). Shops use barcodes
// as SKUs too.
func exempt(field, text []byte) bool {
	switch string(field) {
	case "tracking_number":
		return true
	case "barcode", "sku":
		return card.IsGTIN(text)
	default:
		return false
	}
}

// checkAddress keeps card numbers out of addresses too: they reach search logs,
// and what is asked for may be kept, as the code of a discount is.
func checkAddress(c *fiber.Ctx) error {
	for part := range bytes.SplitSeq(c.Request().URI().Path(), []byte("/")) {
		if !card.IsGTIN(part) && card.In(part) {
			return errCard.At("path", "holds a card number")
		}
	}
	for name, value := range c.Request().URI().QueryArgs().All() {
		if !card.IsGTIN(value) && string(name) != "tracking_number" && string(name) != "cursor" && card.In(value) {
			return errCard.At("query."+clip(string(name), 100), "holds a card number")
		}
	}
	return nil
}
