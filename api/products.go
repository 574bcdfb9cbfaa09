package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"doorstep/catalog"
	"doorstep/checkout"
	"doorstep/internal/fault"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
)

// products is all that these routes ask of their room.
type products interface {
	View(ctx context.Context, merchant uuid.UUID, idOrSlug, currency, locale string) (*catalog.View, error)
	Views(ctx context.Context, merchant uuid.UUID, currency, locale string, products []uuid.UUID) ([]*catalog.View, error)
	Product(ctx context.Context, merchant uuid.UUID, idOrSlug string) (*catalog.Product, error)
	Products(ctx context.Context, merchant uuid.UUID, f catalog.Filter) (catalog.Page, error)
	Create(ctx context.Context, merchant uuid.UUID, p catalog.Product) (*catalog.Product, error)
	Change(ctx context.Context, merchant, product uuid.UUID, version int64, e catalog.Edit) (*catalog.Product, error)
	Archive(ctx context.Context, merchant, product uuid.UUID, version int64) (*catalog.Product, error)
	SetPrices(ctx context.Context, merchant, variant uuid.UUID, version int64, prices []catalog.Price) (*catalog.Product, error)
}

const (
	productPath = "/v1/products/{id_or_slug}"
	productList = "products"
	// maxName bounds what a product can be called by in an address.
	maxName = 300
)

// ProductName is how a path names a product.
type ProductName struct {
	Name string `path:"id_or_slug" maxLength:"300" example:"pomegranate-mug"`
}

type listProductsIn struct {
	PageQuery
	View     string `query:"view" enum:"shop,admin" default:"shop" doc:"shop is what shoppers see; admin is everything that is kept, for a secret key with catalog:read"`
	Currency string `query:"currency" maxLength:"3" example:"EUR" doc:"Of the prices shown; the shop's first when absent"`
	Brand    string `query:"brand" maxLength:"100"`
	Category string `query:"category" maxLength:"1100" example:"Home > Kitchen" doc:"A path from the broadest; what is below it is included"`
	Tag      string `query:"tag" maxLength:"100"`
	SKU      string `query:"sku" maxLength:"100"`
	Status   string `query:"status" enum:"draft,active,archived" doc:"In the admin view only; all when absent"`
	Text     string `query:"text" maxLength:"200" doc:"Part of a title, slug or SKU; in the admin view only"`
}

// eitherOut is the answer of a route that shows products in two ways.
type eitherOut struct {
	Body any
}

type addProductIn struct {
	Body ProductForm
}

type changeProductIn struct {
	ProductName
	IfMatch
	Body ProductPatch
}

type archiveProductIn struct {
	ProductName
	IfMatch
}

type setPricesIn struct {
	ByID
	IfMatch
	Body struct {
		Prices []VariantPrice `json:"prices" maxItems:"200" doc:"One per currency; those that are not named are taken away"`
	}
}

type productOut struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     AdminProduct
}

func oneProduct(p *catalog.Product, err error) (*productOut, error) {
	if err != nil {
		return nil, inBody(err, "body")
	}
	return &productOut{ETag: etag(p.Version), Body: adminProductOf(p)}, nil
}

// productRoom answers the routes about products.
type productRoom struct {
	server *Server
	svc    products
	shops  *shops
}

func registerProducts(s *Server, svc products, shops *shops) {
	p := &productRoom{server: s, svc: svc, shops: shops}
	p.registerRead()
	const list = "/v1/products"
	faults := []*fault.Error{catalog.ErrInvalid, catalog.ErrSlugTaken, catalog.ErrSKUTaken}
	handle(s, Route{
		ID: "list-products", Method: http.MethodGet, Path: list, Tag: "products", Summary: "List products, the newest first",
		Description: "Shoppers see the products on sale, in the language of Accept-Language. With view=admin and a secret key the list has all products as they are kept.",
		Auth:        publishable(), Errors: []*fault.Error{errCursor, checkout.ErrCurrency, errSecretRequired, errScopeMissing},
	}, p.list)
	documentEither[List[Product], List[AdminProduct]](s, list)
	handle(s, Route{
		ID: "add-product", Method: http.MethodPost, Path: list, Status: http.StatusCreated, Tag: "products", Summary: "Add a product with its variants and prices",
		Auth: secret("catalog:write"), Errors: faults,
	}, func(ctx context.Context, in *addProductIn) (*productOut, error) {
		out, err := oneProduct(svc.Create(ctx, caller(ctx).Merchant, in.Body.value()))
		if err == nil {
			out.Location = "/v1/products/" + out.Body.ID.String()
		}
		return out, err
	})
	handle(s, Route{
		ID: "change-product", Method: http.MethodPatch, Path: productPath, Tag: "products", Summary: "Change some of a product",
		Auth: secret("catalog:write"), Errors: append(faults, catalog.ErrProductNotFound, catalog.ErrVariantNotFound, catalog.ErrVersion),
	}, func(ctx context.Context, in *changeProductIn) (*productOut, error) {
		product, version, err := p.target(ctx, in.Name, in.IfMatch)
		if err != nil {
			return nil, err
		}
		return oneProduct(svc.Change(ctx, caller(ctx).Merchant, product, version, in.Body.value()))
	})
	handle(s, Route{
		ID: "archive-product", Method: http.MethodDelete, Path: productPath, Tag: "products", Summary: "Take a product off sale for good",
		Description: "Orders keep pointing at it, so it is archived and not removed. Archiving again changes nothing.",
		Auth:        secret("catalog:write"), Errors: []*fault.Error{catalog.ErrProductNotFound, catalog.ErrVersion},
	}, func(ctx context.Context, in *archiveProductIn) (*struct{}, error) {
		product, version, err := p.target(ctx, in.Name, in.IfMatch)
		if err == nil {
			_, err = svc.Archive(ctx, caller(ctx).Merchant, product, version)
		}
		return nil, err
	})
	handle(s, Route{
		ID: "set-prices", Method: http.MethodPut, Path: "/v1/variants/{id}/prices", Tag: "products", Summary: "Replace all prices of a variant",
		Description: "If-Match takes the ETag of the product.",
		Auth:        secret("catalog:write"), Errors: []*fault.Error{catalog.ErrVariantNotFound, catalog.ErrVersion, catalog.ErrInvalid},
	}, func(ctx context.Context, in *setPricesIn) (*productOut, error) {
		version, err := in.base()
		if err != nil {
			return nil, err
		}
		return oneProduct(svc.SetPrices(ctx, caller(ctx).Merchant, in.ID, version, pricesOf(in.Body.Prices)))
	})
}

// target is the product that a change is about, and the version it is based on.
func (p *productRoom) target(ctx context.Context, name string, m IfMatch) (uuid.UUID, int64, error) {
	version, err := m.base()
	if err != nil {
		return uuid.Nil, 0, err
	}
	if product, err := uuid.Parse(name); err == nil {
		return product, version, nil
	}
	found, err := p.svc.Product(ctx, caller(ctx).Merchant, name)
	if err != nil {
		return uuid.Nil, 0, err
	}
	return found.ID, version, nil
}

func (p *productRoom) list(ctx context.Context, in *listProductsIn) (*eitherOut, error) {
	cursor, err := roomCursor(productList, in.Cursor)
	if err != nil {
		return nil, err
	}
	who := caller(ctx)
	f := catalog.Filter{
		Statuses: []catalog.Status{catalog.StatusActive}, Brand: in.Brand, Category: categoryPath(in.Category), Tag: in.Tag, SKU: in.SKU,
		Text: in.Text, Limit: in.Limit, Cursor: cursor,
	}
	if in.View == viewAdmin {
		if err := mayAdmin(who); err != nil {
			return nil, err
		}
		f.Statuses = nil
		if in.Status != "" {
			f.Statuses = []catalog.Status{catalog.Status(in.Status)}
		}
		page, err := p.svc.Products(ctx, who.Merchant, f)
		if err != nil {
			return nil, err
		}
		return &eitherOut{Body: listOf(page.Products, pageCursor(productList, page.Next), adminProductOf).Body}, nil
	}
	for name, value := range map[string]string{"status": in.Status, "text": in.Text} {
		if value != "" {
			return nil, errValidation.At("query."+name, "expected only with view=admin")
		}
	}
	currency, err := p.shops.currency(ctx, who.Merchant, in.Currency, requestIn(ctx).now)
	if err != nil {
		return nil, err
	}
	page, err := p.svc.Products(ctx, who.Merchant, f)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(page.Products))
	for i, product := range page.Products {
		ids[i] = product.ID
	}
	views, err := p.svc.Views(ctx, who.Merchant, currency, string(language(ctx)), ids)
	if err != nil {
		return nil, err
	}
	out := listOf(views, pageCursor(productList, page.Next), func(v *catalog.View) Product { return productOf(v, currency) })
	return &eitherOut{Body: out.Body}, nil
}

const (
	viewShop  = "shop"
	viewAdmin = "admin"
)

// mayAdmin says whether the caller may see products as they are kept.
func mayAdmin(who Principal) error {
	const scope = "catalog:read"
	switch {
	case !who.Secret:
		return errSecretRequired
	case !who.Has(scope):
		return errScopeMissing.With("scope", scope)
	}
	return nil
}

// categoryPath reads "Home > Kitchen".
func categoryPath(path string) []string {
	var levels []string
	for level := range strings.SplitSeq(path, ">") {
		if level = strings.TrimSpace(level); level != "" {
			levels = append(levels, level)
		}
	}
	return levels
}

// documentEither puts right what the document says of a GET that answers with
// one of two bodies.
func documentEither[A, B any](s *Server, path string) {
	o := s.huma.OpenAPI()
	schema := func(t reflect.Type) *huma.Schema { return o.Components.Schemas.Schema(t, true, "") }
	o.Paths[path].Get.Responses["200"].Content = map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{OneOf: []*huma.Schema{schema(reflect.TypeFor[A]()), schema(reflect.TypeFor[B]())}}},
	}
}

// viewTag is the ETag of a view: the version, for If-Match, and what tells it
// from the same version with other stock, in another language or currency.
func viewTag(version int64, body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + strconv.FormatInt(version, 10) + "-" + hex.EncodeToString(sum[:8]) + `"`
}
