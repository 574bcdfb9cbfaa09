package order

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// After narrows lists of returns, exchanges and claims; empty fields do not.
type After struct {
	Status  string
	OrderID uuid.UUID
}

// records reads what may follow a sale: a record T of an order, with its lines L.
type records[T, L any] struct {
	missing error  // when there is no such record
	lineKey string // the column of a line that names its record
	key     func(*T) (merchant, id uuid.UUID, created time.Time)
	of      func(*L) uuid.UUID // the record of a line
	add     func(*T, L)
}

// one reads one record with its lines.
func (k records[T, L]) one(ctx context.Context, s *Service, merchant, id uuid.UUID) (*T, error) {
	r := new(T)
	err := s.DB.Gorm(ctx).Where("merchant_id = ? and id = ?", merchant, id).Take(r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, k.missing
	}
	if err != nil {
		return nil, err
	}
	return r, k.loadLines(ctx, s, []*T{r})
}

// page reads one page of a merchant's records, the newest first; next is empty on
// the last one. Foreign cursors fail with catalog.ErrCursor.
func (k records[T, L]) page(ctx context.Context, s *Service, merchant uuid.UUID, f After, cursor string, limit int) (all []T, next string, err error) {
	all = []T{}
	q, limit, err := s.after(ctx, merchant, f, cursor, limit)
	if err != nil {
		return nil, "", err
	}
	if err := q.Find(&all).Error; err != nil {
		return nil, "", err
	}
	if len(all) > limit {
		all = all[:limit]
		_, id, created := k.key(&all[limit-1])
		next = makeCursor(created, id)
	}
	list := make([]*T, len(all))
	for i := range all {
		list[i] = &all[i]
	}
	return all, next, k.loadLines(ctx, s, list)
}

func (k records[T, L]) loadLines(ctx context.Context, s *Service, list []*T) error {
	if len(list) == 0 {
		return nil
	}
	var merchant uuid.UUID
	ids, byID := make([]uuid.UUID, len(list)), make(map[uuid.UUID]*T, len(list))
	for i, r := range list {
		merchant, ids[i], _ = k.key(r)
		byID[ids[i]] = r
	}
	var lines []L
	err := s.DB.Gorm(ctx).Where("merchant_id = ? and "+k.lineKey+" in ?", merchant, ids).Order(k.lineKey + ", line_id").Find(&lines).Error
	for _, l := range lines {
		k.add(byID[k.of(&l)], l)
	}
	return err
}

// after is the query of one page, one row more than limit.
func (s *Service) after(ctx context.Context, merchant uuid.UUID, f After, cursor string, limit int) (*gorm.DB, int, error) {
	limit = min(max(limit, 1), MaxPage)
	q := s.DB.Gorm(ctx).Where("merchant_id = ?", merchant)
	if f.Status != "" {
		q = q.Where("status = ?", f.Status)
	}
	if f.OrderID != uuid.Nil {
		q = q.Where("order_id = ?", f.OrderID)
	}
	if cursor != "" {
		at, id, err := readCursor(cursor)
		if err != nil {
			return nil, 0, err
		}
		q = q.Where("(created_at, id) < (?, ?)", at, id)
	}
	return q.Order("created_at desc, id desc").Limit(limit + 1), limit, nil
}
