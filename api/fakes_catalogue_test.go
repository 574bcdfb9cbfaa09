package api

import (
	"context"
	"io"

	"doorstep/catalog"
	"doorstep/internal/money"
	"doorstep/order"
	"doorstep/search"

	"github.com/google/uuid"
)

// fakeCatalogue has one product with one variant.
type fakeCatalogue struct{ fakeLocations }

func theProduct() *catalog.Product {
	return &catalog.Product{
		ID: thing, Slug: "mug", Status: catalog.StatusActive, Title: "A mug " + canary, Version: 2, CreatedAt: noon, UpdatedAt: noon,
		Variants: []catalog.Variant{{ID: thing, SKU: "MUG-01", Status: catalog.StatusActive, Prices: []catalog.Price{{Currency: "EUR", Amount: 1400}}}},
	}
}

func theView() *catalog.View {
	price := money.Of(1400, "EUR")
	return &catalog.View{
		ID: thing, Slug: "mug", Title: "A mug " + canary, Availability: catalog.InStock, From: &price, Version: 2, CreatedAt: noon, UpdatedAt: noon,
		Variants: []catalog.VariantView{{ID: thing, SKU: "MUG-01", Price: &price, Availability: catalog.InStock}},
	}
}

// named is known for a product by its id or slug.
func (f fakeCatalogue) named(method string, m uuid.UUID, name string) error {
	if name == "mug" || name == thing.String() {
		return f.see(method, m, false, catalog.ErrProductNotFound, name)
	}
	return f.known(method, m, uuid.Nil, false, catalog.ErrProductNotFound, name)
}

func (f fakeCatalogue) View(_ context.Context, m uuid.UUID, name, _, _ string) (*catalog.View, error) {
	if err := f.named("ViewProduct", m, name); err != nil {
		return nil, err
	}
	return theView(), nil
}

func (f fakeCatalogue) Views(_ context.Context, m uuid.UUID, _, _ string, ids []uuid.UUID) ([]*catalog.View, error) {
	if err := f.see("Views", m, false, nil, ids); err != nil || m != merchant {
		return nil, err
	}
	return []*catalog.View{theView()}, nil
}

func (f fakeCatalogue) Product(_ context.Context, m uuid.UUID, name string) (*catalog.Product, error) {
	if err := f.named("Product", m, name); err != nil {
		return nil, err
	}
	return theProduct(), nil
}

func (f fakeCatalogue) Products(_ context.Context, m uuid.UUID, filter catalog.Filter) (catalog.Page, error) {
	if err := f.see("Products", m, false, nil, filter); err != nil || m != merchant {
		return catalog.Page{}, err
	}
	return catalog.Page{Products: []*catalog.Product{theProduct()}}, nil
}

func (f fakeCatalogue) Create(_ context.Context, m uuid.UUID, p catalog.Product) (*catalog.Product, error) {
	p.ID = lineID
	return &p, f.see("CreateProduct", m, true, nil, p)
}

func (f fakeCatalogue) changed(method string, m, id uuid.UUID, given any) (*catalog.Product, error) {
	if err := f.known(method, m, id, true, catalog.ErrProductNotFound, given); err != nil {
		return nil, err
	}
	return theProduct(), nil
}

func (f fakeCatalogue) Change(_ context.Context, m, id uuid.UUID, _ int64, e catalog.Edit) (*catalog.Product, error) {
	return f.changed("ChangeProduct", m, id, e)
}

func (f fakeCatalogue) Archive(_ context.Context, m, id uuid.UUID, version int64) (*catalog.Product, error) {
	return f.changed("Archive", m, id, version)
}

func (f fakeCatalogue) SetPrices(_ context.Context, m, variant uuid.UUID, _ int64, prices []catalog.Price) (*catalog.Product, error) {
	return f.changed("SetPrices", m, variant, prices)
}

func (f fakeCatalogue) Adjust(_ context.Context, m uuid.UUID, _ string, list []catalog.Adjustment) ([]catalog.Level, error) {
	return []catalog.Level{}, f.see("Adjust", m, true, catalog.ErrVariantNotFound, list)
}

func (f fakeCatalogue) Stock(_ context.Context, m uuid.UUID, filter catalog.StockFilter) ([]catalog.Level, string, error) {
	if err := f.see("Stock", m, false, nil, filter); err != nil || m != merchant {
		return nil, "", err
	}
	return []catalog.Level{{VariantID: thing, SKU: "MUG-01", Title: canary, Location: "MAIN", Received: 5, Free: 3}}, "", nil
}

func (f fakeCatalogue) Export(_ context.Context, m uuid.UUID, w io.Writer) error {
	if err := f.see("Export", m, false, nil, nil); err != nil || m != merchant {
		return err
	}
	_, err := io.WriteString(w, "handle,title\nmug,"+canary+"\n")
	return err
}

func theImport() catalog.Import {
	return catalog.Import{ID: thing, Kind: "products", FileName: canary + ".csv", Status: "done", CreatedAt: noon}
}

func (f fakeCatalogue) StartImport(_ context.Context, m uuid.UUID, file catalog.ImportFile, _ catalog.ImportOptions) (catalog.Import, error) {
	return catalog.Import{ID: lineID, Kind: "products", Status: "queued", CreatedAt: noon}, f.see("StartImport", m, true, nil, file)
}

func (f fakeCatalogue) Import(_ context.Context, m, id uuid.UUID) (catalog.Import, error) {
	return theImport(), f.known("Import", m, id, false, catalog.ErrImportNotFound, nil)
}

func (f fakeCatalogue) Imports(_ context.Context, m uuid.UUID) ([]catalog.Import, error) {
	if err := f.see("Imports", m, false, nil, nil); err != nil || m != merchant {
		return nil, err
	}
	return []catalog.Import{theImport()}, nil
}

func (f fakeCatalogue) ImportErrors(_ context.Context, m, id uuid.UUID, _ int, _ string) ([]catalog.ImportError, string, error) {
	return []catalog.ImportError{{Row: 2, Field: "title", Code: "required", Message: canary}}, "", f.known("ImportErrors", m, id, false, catalog.ErrImportNotFound, nil)
}

// fakeOrderImports has none yet.
type fakeOrderImports struct{ *shop }

func (f fakeOrderImports) StartImport(_ context.Context, m uuid.UUID, file order.ImportFile, _ order.ImportOptions) (*order.Import, error) {
	return &order.Import{ID: lineID, Kind: "orders", Status: "queued", CreatedAt: noon}, f.see("StartOrderImport", m, true, nil, file)
}

func (f fakeOrderImports) Import(_ context.Context, m, _ uuid.UUID) (*order.Import, error) {
	if err := f.see("OrderImport", m, false, nil, nil); err != nil {
		return nil, err
	}
	return nil, catalog.ErrImportNotFound
}

func (f fakeOrderImports) Imports(_ context.Context, m uuid.UUID) ([]order.Import, error) {
	return nil, f.see("OrderImports", m, false, nil, nil)
}

func (f fakeOrderImports) ImportErrors(_ context.Context, m, _ uuid.UUID, _ int, _ string) ([]order.ImportError, string, error) {
	return nil, "", f.see("OrderImportErrors", m, false, catalog.ErrImportNotFound, nil)
}

// fakeSearch finds the one product.
type fakeSearch struct{ *shop }

func (f fakeSearch) hits(m uuid.UUID) []search.Hit {
	if m != merchant {
		return nil
	}
	return []search.Hit{{ProductID: thing, Slug: "mug", Title: "A mug " + canary, Price: 1400, Currency: "EUR", InStock: true, Tier: 1}}
}

func (f fakeSearch) Search(_ context.Context, q search.Query) (search.Page, error) {
	return search.Page{Hits: f.hits(q.Merchant), Step: search.StepExact}, f.see("Search", q.Merchant, false, nil, q)
}

func (f fakeSearch) Suggest(_ context.Context, q search.SuggestQuery) (search.Suggestions, error) {
	return search.Suggestions{Products: f.hits(q.Merchant)}, f.see("Suggest", q.Merchant, false, nil, q)
}
