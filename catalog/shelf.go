package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

// Edit is a change to a product; what is nil stays as it is.
type Edit struct {
	Slug, Title, Description, Brand, TaxClass *string
	Status                                    *Status
	Category, Tags, Images, Options           *[]string
	Attributes                                *map[string]string
	Translations                              *map[string]Translation
	// Variants is the whole new list. One with a known ID, or without an ID and
	// with a known SKU, is that variant changed, and keeps its prices when it
	// names none; a variant that is not in the list is archived.
	Variants *[]Variant
}

// slugTries bounds how often a slug made from a title is made anew when
// another product takes it at the same moment.
const slugTries = 4

// Create adds a product and gives it back with its ids and version 1. Ids,
// version and times of p are ignored. Without a slug one is made from the title,
// with a number when that is taken. It fails with ErrInvalid, naming the places,
// ErrSlugTaken or ErrSKUTaken.
func (s *Service) Create(ctx context.Context, merchant uuid.UUID, p Product) (*Product, error) {
	p.ID = uuid.Nil
	p.Variants = slices.Clone(p.Variants)
	for i := range p.Variants {
		p.Variants[i].ID, p.Variants[i].Position = uuid.Nil, i
	}
	chosen := strings.TrimSpace(p.Slug) != ""
	tidy(&p)
	if p.Slug == "" { // a title without any letter or digit
		p.Slug = "p-" + id.Secret(5)
	}
	if err := invalid(check(&p)); err != nil {
		return nil, err
	}
	base := p.Slug
	for try := 1; ; try++ {
		err := db.Run(ctx, s.db, func(tx db.Tx) error {
			p.ID = uuid.Nil
			if !chosen {
				var err error
				if p.Slug, err = freeSlug(ctx, tx, merchant, base, try == slugTries); err != nil {
					return err
				}
			}
			_, err := save(tx, merchant, []change{{new: &p}}, s.db.Now())
			return err
		})
		if err = taken(err); err == nil {
			return &p, nil
		}
		if chosen || try == slugTries || !errors.Is(err, ErrSlugTaken) {
			return nil, err
		}
	}
}

// freeSlug is base, or base with the lowest number that nobody has. The last
// try takes a random ending, which cannot be taken by anybody else meanwhile.
func freeSlug(ctx context.Context, tx db.Tx, merchant uuid.UUID, base string, last bool) (string, error) {
	if last {
		return base + "-" + id.Secret(5), nil
	}
	candidates := []string{base}
	for n := 2; n <= 30; n++ {
		candidates = append(candidates, fmt.Sprintf("%s-%d", base, n))
	}
	candidates = append(candidates, base+"-"+id.Secret(5))
	var free string
	err := tx.QueryRow(ctx, `select c.slug from unnest($2::text[]) with ordinality as c (slug, n)
		where not exists (select from products p where p.merchant_id = $1 and p.slug = c.slug) order by c.n limit 1`, merchant, candidates).Scan(&free)
	return free, err
}

// Change edits a product. version is the one the editor has seen, 0 for
// whichever there is. It fails with ErrProductNotFound, ErrVersion, ErrInvalid,
// ErrSlugTaken or ErrSKUTaken. A change of nothing raises no version.
func (s *Service) Change(ctx context.Context, merchant, product uuid.UUID, version int64, e Edit) (*Product, error) {
	return s.edit(ctx, merchant, `p.id = $2`, product, version, e.apply)
}

// edit locks one product, lets fn change a copy of it and saves the difference.
func (s *Service) edit(ctx context.Context, merchant uuid.UUID, where string, arg any, version int64, fn func(*Product) error) (*Product, error) {
	var result *Product
	err := db.Run(ctx, s.db, func(tx db.Tx) error {
		found, err := readForWrite(ctx, tx, where, merchant, arg)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return ErrProductNotFound
		}
		old := found[0]
		if version != 0 && version != old.Version {
			return ErrVersion.With("version", old.Version)
		}
		result = old.clone()
		if err := fn(result); err != nil {
			return err
		}
		tidy(result)
		if err := invalid(check(result)); err != nil {
			return err
		}
		_, err = save(tx, merchant, []change{{old, result}}, s.db.Now())
		return err
	})
	if err != nil {
		return nil, taken(err)
	}
	slices.SortStableFunc(result.Variants, func(a, b Variant) int { return a.Position - b.Position })
	return result, nil
}

func (e *Edit) apply(p *Product) error {
	set(&p.Slug, e.Slug)
	set(&p.Title, e.Title)
	set(&p.Description, e.Description)
	set(&p.Brand, e.Brand)
	set(&p.TaxClass, e.TaxClass)
	set(&p.Status, e.Status)
	set(&p.Category, e.Category)
	set(&p.Tags, e.Tags)
	set(&p.Images, e.Images)
	set(&p.Options, e.Options)
	set(&p.Attributes, e.Attributes)
	set(&p.Translations, e.Translations)
	if e.Variants == nil {
		return nil
	}
	listed := make([]bool, len(p.Variants))
	known := len(p.Variants)
	for position, v := range *e.Variants {
		v.Position = position
		i := slices.IndexFunc(p.Variants[:known], func(k Variant) bool {
			return k.ID == v.ID || (v.ID == uuid.Nil && k.SKU == strings.TrimSpace(v.SKU))
		})
		if i < 0 {
			if v.ID != uuid.Nil {
				return ErrVariantNotFound
			}
			p.Variants = append(p.Variants, v)
			continue
		}
		v.ID, listed[i] = p.Variants[i].ID, true
		if v.Prices == nil {
			v.Prices = p.Variants[i].Prices
		}
		p.Variants[i] = v
	}
	for i, yes := range listed {
		if !yes {
			p.Variants[i].Status = StatusArchived
			p.Variants[i].Position = len(*e.Variants) + i
		}
	}
	return nil
}

func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// Archive takes a product off sale for good while orders keep pointing at it.
// Archiving twice changes nothing.
func (s *Service) Archive(ctx context.Context, merchant, product uuid.UUID, version int64) (*Product, error) {
	archived := StatusArchived
	return s.Change(ctx, merchant, product, version, Edit{Status: &archived})
}

// SetPrices replaces all prices of a variant and gives the product.
func (s *Service) SetPrices(ctx context.Context, merchant, variant uuid.UUID, version int64, prices []Price) (*Product, error) {
	const where = `p.id = (select product_id from variants where merchant_id = $1 and id = $2)`
	p, err := s.edit(ctx, merchant, where, variant, version, func(p *Product) error {
		i := slices.IndexFunc(p.Variants, func(v Variant) bool { return v.ID == variant })
		if i < 0 {
			return ErrVariantNotFound
		}
		p.Variants[i].Prices = prices
		return nil
	})
	if errors.Is(err, ErrProductNotFound) {
		return nil, ErrVariantNotFound
	}
	return p, err
}

// Product finds one by id or slug, whatever its status.
func (s *Service) Product(ctx context.Context, merchant uuid.UUID, idOrSlug string) (*Product, error) {
	where, arg := byName(idOrSlug)
	found, err := s.read(ctx, where, merchant, arg)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, ErrProductNotFound
	}
	return found[0], nil
}

// byName is the condition for an id or a slug; no slug looks like an id.
func byName(idOrSlug string) (where string, arg any) {
	if product, err := uuid.Parse(idOrSlug); err == nil {
		return `p.id = $2`, product
	}
	return `p.slug = $2`, idOrSlug
}

// Filter picks products for a list. Zero values pick everything.
type Filter struct {
	Statuses []Status
	Brand    string
	Category []string // a path from the broadest; deeper levels are included
	Tag      string
	SKU      string
	Text     string // part of a title, slug or SKU
	Limit    int    // 1 to 100; 0 means 20
	Cursor   string // of the page before
}

// Page is one page of products, the newest first.
type Page struct {
	Products []*Product
	Next     string // cursor of the next page; empty on the last
}

// Products lists products with their variants and prices. It fails with
// ErrCursor when the cursor is not one of its own.
func (s *Service) Products(ctx context.Context, merchant uuid.UUID, f Filter) (Page, error) {
	limit := pageLimit(f.Limit)
	ids, err := s.pick(ctx, merchant, f, limit+1)
	if err != nil {
		return Page{}, err
	}
	var page Page
	if len(ids) > limit {
		ids = ids[:limit]
		page.Next = cursorOf("p", ids[limit-1].String())
	}
	if len(ids) == 0 {
		return page, nil
	}
	page.Products, err = s.read(ctx, `p.id = any($2)`, merchant, ids)
	slices.Reverse(page.Products) // read in the order of ids, which is that of their making
	return page, err
}
