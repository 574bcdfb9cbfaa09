package bleveengine

import (
	"slices"

	"doorstep/search"
)

// condition is a filter compiled for the columns.
type condition struct {
	field string
	holds func(n uint32, r *row) bool
}

// conditions compiles the filters; the shopper's rule that only active products
// show comes first unless the query has a status filter.
func (m *matcher) conditions(q *search.Query) ([]condition, error) {
	out := make([]condition, 0, len(q.Filters)+1)
	if !slices.ContainsFunc(q.Filters, func(f search.Filter) bool { return f.Name() == search.FieldStatus }) {
		active := m.cols.dict.id(search.FieldStatus, search.StatusActive)
		out = append(out, condition{field: search.FieldStatus, holds: func(_ uint32, r *row) bool { return r.status == active }})
	}
	for _, f := range q.Filters {
		var holds func(uint32, *row) bool
		var err error
		switch f := f.(type) {
		case search.Eq:
			holds, err = m.anyOf(f.Field, []string{f.Value})
		case search.In:
			holds, err = m.anyOf(f.Field, f.Values)
		case search.Range:
			holds = m.between(q.Currency, f)
		case search.Exists:
			holds = m.exists(q.Currency, f.Field)
			if f.Absent {
				present := holds
				holds = func(n uint32, r *row) bool { return !present(n, r) }
			}
		default:
			return nil, search.ErrFilter
		}
		if err != nil {
			return nil, err
		}
		out = append(out, condition{field: f.Name(), holds: holds})
	}
	return out, nil
}

func (m *matcher) anyOf(field string, texts []string) (func(uint32, *row) bool, error) {
	switch field {
	case search.FieldInStock:
		yes, no := slices.Contains(texts, "true"), slices.Contains(texts, "false")
		return func(_ uint32, r *row) bool { return r.inStock && yes || !r.inStock && no }, nil
	case search.FieldSKU:
		return m.withCode(texts)
	}
	var ids []uint32
	for _, text := range texts {
		if id := m.cols.dict.id(field, text); id != 0 {
			ids = append(ids, id)
		}
	}
	switch field {
	case search.FieldStatus:
		return func(_ uint32, r *row) bool { return slices.Contains(ids, r.status) }, nil
	case search.FieldBrand:
		return func(_ uint32, r *row) bool { return r.brand != 0 && slices.Contains(ids, r.brand) }, nil
	case search.FieldCategory, search.FieldTag:
		return func(_ uint32, r *row) bool { return overlap(r.values, ids) }, nil
	}
	return func(_ uint32, r *row) bool { return overlap(r.attrs, ids) }, nil
}

func overlap(have, want []uint32) bool {
	for _, id := range want {
		if slices.Contains(have, id) {
			return true
		}
	}
	return false
}

// withCode finds the products with one of the SKUs or barcodes.
func (m *matcher) withCode(texts []string) (func(uint32, *row) bool, error) {
	found := map[uint32]bool{}
	for _, text := range texts {
		for _, code := range codesOf(text) {
			err := m.each(fieldCount, fieldCode, code, func(docs []uint32) {
				for _, d := range docs {
					found[d] = true
				}
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return func(n uint32, _ *row) bool { return found[n] }, nil
}

func (m *matcher) between(currency string, f search.Range) func(uint32, *row) bool {
	prices, ok := m.cols.prices[currency]
	return func(n uint32, _ *row) bool {
		return ok && prices[n] != noPrice && (f.Min == nil || prices[n] >= *f.Min) && (f.Max == nil || prices[n] <= *f.Max)
	}
}

func (m *matcher) exists(currency, field string) func(uint32, *row) bool {
	has := func(f uint32, ids []uint32) bool {
		return slices.ContainsFunc(ids, func(id uint32) bool { return m.cols.dict.values[id].field == f })
	}
	switch field {
	case search.FieldInStock:
		return func(_ uint32, r *row) bool { return r.inStock }
	case search.FieldSKU:
		return func(_ uint32, r *row) bool { return r.hasSKU }
	case search.FieldStatus:
		return func(_ uint32, r *row) bool { return r.status != 0 }
	case search.FieldBrand:
		return func(_ uint32, r *row) bool { return r.brand != 0 }
	case search.FieldPrice:
		prices, ok := m.cols.prices[currency]
		return func(n uint32, _ *row) bool { return ok && prices[n] != noPrice }
	case search.FieldCategory, search.FieldTag:
		f, ok := m.cols.dict.fields[field]
		return func(_ uint32, r *row) bool { return ok && has(f, r.values) }
	}
	f, ok := m.cols.dict.fields[field]
	return func(_ uint32, r *row) bool { return ok && has(f, r.attrs) }
}

// passes says whether a product meets all conditions. When it fails exactly one
// filter that a shopper may untick, missed is that filter's number, else -1.
func passes(conds []condition, n uint32, r *row) (ok bool, missed int) {
	missed = -1
	for i := range conds {
		if conds[i].holds(n, r) {
			continue
		}
		if missed >= 0 {
			return false, -1
		}
		missed = i
	}
	return missed < 0, missed
}
