package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"doorstep/internal/db"
)

// Adjustment is one act on the stock of a variant at a location. Units are
// those that can be sold: what is held or sold already is never touched.
type Adjustment struct {
	VariantID  uuid.UUID // or SKU
	SKU        string
	LocationID uuid.UUID // nil: the default location
	Delta      int64     // units that came (above 0) or went
	SetTo      *int64    // or: how many can be sold from now on
	Reason     string    // received, counted, damaged, ... ; required
	Note       string
}

// Level is the stock of a variant at a location.
type Level struct {
	VariantID  uuid.UUID
	SKU        string
	ProductID  uuid.UUID
	Title      string
	LocationID uuid.UUID
	Location   string // its code
	Received   int64  // units that ever came, less those written off
	Free       int64  // units that can be sold; Received - Free are held or sold
}

// MaxAdjustments bounds one call of Adjust.
const MaxAdjustments = 1000

// Adjust carries out all adjustments or none, writes them down under actor, and
// gives the levels that stand afterwards, in the order asked. It fails with
// ErrInvalid, ErrVariantNotFound, ErrLocationNotFound, or ErrStockBelowHeld
// when fewer units are free than would go.
func (s *Service) Adjust(ctx context.Context, merchant uuid.UUID, actor string, list []Adjustment) ([]Level, error) {
	if err := checkAdjustments(list); err != nil {
		return nil, err
	}
	list = slices.Clone(list)
	if err := s.resolve(ctx, merchant, list); err != nil {
		return nil, err
	}
	rows := make([]adjustRow, 0, len(list))
	index := make(map[[2]uuid.UUID]int, len(list))
	for i, a := range list {
		key := [2]uuid.UUID{a.VariantID, a.LocationID}
		if _, twice := index[key]; twice {
			return nil, ErrInvalid.At(fmt.Sprintf("adjustments[%d]", i), "the same variant and location stand in the list twice")
		}
		index[key] = i
		rows = append(rows, newAdjustRow(a, actor))
	}
	levels := make([]Level, len(list))
	err := db.Run(ctx, s.db, func(tx db.Tx) error {
		if err := adjust(tx, merchant, rows, s.db.Now()); err != nil {
			return err
		}
		found, err := levelsOf(ctx, tx, merchant, rows)
		for _, l := range found {
			levels[index[[2]uuid.UUID{l.VariantID, l.LocationID}]] = l
		}
		return err
	})
	return levels, err
}

func checkAdjustments(list []Adjustment) error {
	c := checker{variant: -1}
	c.must(len(list) > 0, "adjustments", "at least one")
	c.must(len(list) <= MaxAdjustments, "adjustments", fmt.Sprintf("at most %d", MaxAdjustments))
	for i, a := range list {
		at := fmt.Sprintf("adjustments[%d].", i)
		c.must((a.VariantID != uuid.Nil) != (a.SKU != ""), at+"sku", "name the variant by sku or by variant_id")
		c.must((a.Delta != 0) != (a.SetTo != nil), at+"delta", "give either a delta other than 0 or set_to")
		c.must(a.Delta >= -MaxUnits && a.Delta <= MaxUnits, at+"delta", fmt.Sprintf("at most %d", MaxUnits))
		c.must(a.SetTo == nil || (*a.SetTo >= 0 && *a.SetTo <= MaxUnits), at+"set_to", fmt.Sprintf("must be from 0 to %d", MaxUnits))
		c.length(at+"reason", a.Reason, 1, MaxName)
		c.length(at+"note", a.Note, 0, MaxValue)
	}
	return invalid(c.problems)
}

// resolve fills in the variants named by SKU and the default location, and
// makes sure that all of them are the merchant's own.
func (s *Service) resolve(ctx context.Context, merchant uuid.UUID, list []Adjustment) error {
	var skus []string
	var ids []uuid.UUID
	for _, a := range list {
		if a.SKU != "" {
			skus = append(skus, a.SKU)
		} else {
			ids = append(ids, a.VariantID)
		}
	}
	bySKU, err := s.VariantIDs(ctx, merchant, skus)
	if err != nil {
		return err
	}
	known, err := s.knownVariants(ctx, merchant, ids)
	if err != nil {
		return err
	}
	places, err := s.Locations(ctx, merchant)
	if err != nil {
		return err
	}
	for i := range list {
		a := &list[i]
		if a.SKU != "" {
			a.VariantID = bySKU[a.SKU]
		} else if !known[a.VariantID] {
			a.VariantID = uuid.Nil
		}
		if a.VariantID == uuid.Nil {
			return ErrVariantNotFound.At(fmt.Sprintf("adjustments[%d].sku", i), "there is no such variant")
		}
		at := slices.IndexFunc(places, func(l Location) bool {
			return l.ID == a.LocationID || (a.LocationID == uuid.Nil && l.Active)
		})
		if at < 0 {
			return ErrLocationNotFound.At(fmt.Sprintf("adjustments[%d].location_id", i), "there is no such location")
		}
		a.LocationID = places[at].ID
	}
	return nil
}

// StockFilter picks stock levels for a list. Zero values pick everything.
type StockFilter struct {
	SKU        string
	ProductID  uuid.UUID
	LocationID uuid.UUID
	AtMost     *int64 // only rows with so many free units or fewer
	Limit      int    // 1 to 100; 0 means 20
	Cursor     string
}

// Stock lists levels of variants that are not archived, by SKU and location,
// with the cursor of the next page. It fails with ErrCursor.
func (s *Service) Stock(ctx context.Context, merchant uuid.UUID, f StockFilter) ([]Level, string, error) {
	limit := pageLimit(f.Limit)
	levels, err := s.listLevels(ctx, merchant, f, limit+1)
	if err != nil || len(levels) <= limit {
		return levels, "", err
	}
	levels = levels[:limit]
	last := levels[limit-1]
	return levels, cursorOf("s", last.SKU, last.LocationID.String()), nil
}
