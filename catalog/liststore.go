package catalog

import (
	"context"
	"strings"

	"github.com/google/uuid"
)

// pick finds the ids of the products of a page, the newest first: ids are made
// in the order of time.
func (s *Service) pick(ctx context.Context, merchant uuid.UUID, f Filter, limit int) ([]uuid.UUID, error) {
	q := s.db.Gorm(ctx).Table("products").Select("id").Where("merchant_id = ?", merchant).Order("id desc").Limit(limit)
	if len(f.Statuses) > 0 {
		q = q.Where("status in ?", f.Statuses)
	}
	if f.Brand != "" {
		q = q.Where("brand = ?", f.Brand)
	}
	for i, level := range f.Category {
		q = q.Where("category[?] = ?", i+1, level)
	}
	if f.Tag != "" {
		q = q.Where("? = any(tags)", f.Tag)
	}
	if f.SKU != "" {
		q = q.Where("id in (select product_id from variants where merchant_id = ? and sku = ?)", merchant, f.SKU)
	}
	if f.Text != "" {
		part := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(f.Text) + "%"
		q = q.Where("(title ilike ? or slug ilike ? or id in (select product_id from variants where merchant_id = ? and sku ilike ?))", part, part, merchant, part)
	}
	if f.Cursor != "" {
		parts, err := cursorParts(f.Cursor, "p", 1)
		if err != nil {
			return nil, err
		}
		after, err := uuid.Parse(parts[0])
		if err != nil {
			return nil, ErrCursor
		}
		q = q.Where("id < ?", after)
	}
	var ids []uuid.UUID
	return ids, q.Scan(&ids).Error
}
