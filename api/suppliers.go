package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/shipping/supplier"

	"github.com/google/uuid"
)

// suppliers is all that these routes ask of their room.
type suppliers interface {
	Add(ctx context.Context, merchant uuid.UUID, n supplier.Supplier, location string) (*supplier.Supplier, error)
	Change(ctx context.Context, merchant, supplier uuid.UUID, base int64, edit func(*supplier.Supplier)) (*supplier.Supplier, error)
	Supplier(ctx context.Context, merchant, supplier uuid.UUID) (*supplier.Supplier, error)
	Suppliers(ctx context.Context, merchant uuid.UUID, status, after string, limit int) ([]supplier.Supplier, error)
	SetItems(ctx context.Context, merchant, supplier uuid.UUID, items []supplier.Item) ([]supplier.Item, error)
	Items(ctx context.Context, merchant, supplier uuid.UUID, after string, limit int) ([]supplier.Item, error)
	RemoveItem(ctx context.Context, merchant, supplier, variant uuid.UUID) error
	supplyOrders
}

// SupplierCalendar is when a supplier works.
type SupplierCalendar struct {
	Country      string   `json:"country" minLength:"2" maxLength:"2" example:"KH" doc:"Where its goods leave from, ISO 3166-1 alpha-2"`
	Timezone     string   `json:"timezone" minLength:"1" maxLength:"64" example:"Asia/Phnom_Penh"`
	Cutoff       string   `json:"cutoff,omitempty" maxLength:"5" example:"14:00" doc:"Local time before which an order counts as of the same day; midnight when absent"`
	Workdays     []int    `json:"workdays,omitempty" minItems:"1" maxItems:"7" minimum:"1" maximum:"7" doc:"1 is Monday; Monday to Friday when absent"`
	Holidays     []string `json:"holidays,omitempty" maxItems:"1000" maxLength:"10" doc:"Days such as 2026-11-24"`
	HandlingDays int      `json:"handling_days,omitempty" minimum:"0" maximum:"365" example:"2" doc:"Working days between an order and its shipment"`
}

func (c *SupplierCalendar) value() supplier.Calendar {
	return supplier.Calendar{Country: c.Country, Timezone: c.Timezone, Cutoff: c.Cutoff, Workdays: c.Workdays, Holidays: c.Holidays, HandlingDays: c.HandlingDays}
}

// Supplier is who sends goods for the shop.
type Supplier struct {
	ID            uuid.UUID        `json:"id" format:"uuid"`
	Code          string           `json:"code" example:"pottery" doc:"The id of its origin in shipping policies"`
	Name          string           `json:"name" example:"Siem Reap Pottery"`
	Status        string           `json:"status" enum:"active,archived"`
	Email         string           `json:"email" doc:"Takes the purchase orders"`
	Language      string           `json:"language" enum:"en,hy,km" doc:"Of those"`
	Currency      string           `json:"currency" example:"USD" doc:"Of its prices"`
	LocationID    uuid.UUID        `json:"location_id" format:"uuid" doc:"Where what it says it has stands as stock"`
	Calendar      SupplierCalendar `json:"calendar"`
	ReturnsTo     string           `json:"returns_to" enum:"shop,supplier"`
	ReturnAddress *Address         `json:"return_address,omitempty"`
	Version       int64            `json:"version"`
	CreatedAt     time.Time        `json:"created_at"`
	UpdatedAt     time.Time        `json:"updated_at"`
}

func supplierOf(s supplier.Supplier) Supplier {
	c := &s.Calendar
	return Supplier{
		ID: s.ID, Code: s.Code, Name: s.Name, Status: s.Status, Email: s.Email, Language: string(s.Lang), Currency: s.Currency, LocationID: s.LocationID,
		Calendar:  SupplierCalendar{Country: c.Country, Timezone: c.Timezone, Cutoff: c.Cutoff, Workdays: c.Workdays, Holidays: c.Holidays, HandlingDays: c.HandlingDays},
		ReturnsTo: s.ReturnsTo, ReturnAddress: addressOf(s.ReturnAddress), Version: s.Version, CreatedAt: s.CreatedAt.UTC(), UpdatedAt: s.UpdatedAt.UTC(),
	}
}

type supplierOut struct {
	ETag string `header:"ETag"`
	Body Supplier
}

func oneSupplier(s *supplier.Supplier, err error) (*supplierOut, error) {
	if err != nil {
		return nil, inBody(err, "body")
	}
	return &supplierOut{ETag: etag(s.Version), Body: supplierOf(*s)}, nil
}

// SupplierItem is what a supplier calls a variant, and asks for one.
type SupplierItem struct {
	VariantID   uuid.UUID `json:"variant_id" format:"uuid"`
	SKU         string    `json:"sku"`
	SupplierSKU string    `json:"supplier_sku,omitempty"`
	UnitCost    Money     `json:"unit_cost"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// SupplierItemForm sets an item.
type SupplierItemForm struct {
	SKU         string `json:"sku" minLength:"1" maxLength:"100" example:"MUG-01" doc:"Of the shop"`
	SupplierSKU string `json:"supplier_sku,omitempty" maxLength:"200" example:"SRP-4711" doc:"As the supplier calls it; its mails show this one"`
	UnitCost    int64  `json:"unit_cost" minimum:"0" maximum:"1000000000000" example:"310" doc:"In minor units of the supplier's currency"`
}

type addSupplierIn struct {
	Body struct {
		Code          string           `json:"code" minLength:"1" maxLength:"63" example:"pottery" doc:"Letters, digits, or any of _ . -"`
		Name          string           `json:"name" minLength:"1" maxLength:"200" example:"Siem Reap Pottery"`
		Email         string           `json:"email" minLength:"3" maxLength:"254" example:"orders@pottery.example"`
		Language      string           `json:"language,omitempty" enum:"en,hy,km" doc:"en when absent"`
		Currency      string           `json:"currency" minLength:"3" maxLength:"3" example:"USD"`
		Location      string           `json:"location,omitempty" maxLength:"100" doc:"The code of a location that is the supplier's stock; when absent, one is made that goes by the code of the supplier"`
		Calendar      SupplierCalendar `json:"calendar"`
		ReturnsTo     string           `json:"returns_to,omitempty" enum:"shop,supplier" doc:"Where returns of what it has shipped go to; the shop when absent"`
		ReturnAddress *Address         `json:"return_address,omitempty" doc:"Needed when returns go to the supplier"`
	}
}

type changeSupplierIn struct {
	ByID
	IfMatch
	Body struct {
		Code          *string           `json:"code,omitempty" minLength:"1" maxLength:"63"`
		Name          *string           `json:"name,omitempty" minLength:"1" maxLength:"200"`
		Status        *string           `json:"status,omitempty" enum:"active,archived" doc:"Of an archived one nothing is sold"`
		Email         *string           `json:"email,omitempty" minLength:"3" maxLength:"254" example:"orders@pottery.example"`
		Language      *string           `json:"language,omitempty" enum:"en,hy,km"`
		Currency      *string           `json:"currency,omitempty" minLength:"3" maxLength:"3" example:"USD" doc:"While it has no items"`
		Calendar      *SupplierCalendar `json:"calendar,omitempty" doc:"All of it anew"`
		ReturnsTo     *string           `json:"returns_to,omitempty" enum:"shop,supplier"`
		ReturnAddress *Address          `json:"return_address,omitempty"`
	}
}

type listSuppliersIn struct {
	PageQuery
	Status string `query:"status" enum:"active,archived"`
}

type setSupplierItemsIn struct {
	ByID
	Body struct {
		Items []SupplierItemForm `json:"items" minItems:"1" maxItems:"500" doc:"Those that are not named stay as they are"`
	}
}

type listSupplierItemsIn struct {
	ByID
	PageQuery
}

type removeSupplierItemIn struct {
	ByID
	VariantID uuid.UUID `path:"variant_id" format:"uuid"`
}

const (
	supplierList     = "suppliers"
	supplierItemList = "supplier-items"
)

type supplierDesk struct{ svc suppliers }

func registerSuppliers(s *Server, svc suppliers, people contacts) {
	const base = "/v1/suppliers"
	d := supplierDesk{svc}
	read, write := secret("shipping:read"), secret("shipping:write")
	handle(s, Route{
		ID: "list-suppliers", Method: http.MethodGet, Path: base, Tag: "suppliers", Summary: "List the suppliers who send goods for the shop, by their codes",
		Auth: read, Errors: []*fault.Error{errCursor},
	}, d.list)
	handle(s, Route{
		ID: "add-supplier", Method: http.MethodPost, Path: base, Status: http.StatusCreated, Tag: "suppliers", Summary: "Add a supplier",
		Description: "What it says it has is stock of its location, and is sold like any other, after the shop's own. What buyers order of it becomes a purchase order.",
		Auth:        write, Errors: []*fault.Error{supplier.ErrInvalid, supplier.ErrTaken, catalog.ErrLocationNotFound, catalog.ErrLocationTaken},
	}, d.add)
	handle(s, Route{
		ID: "read-supplier", Method: http.MethodGet, Path: base + "/{id}", Tag: "suppliers", Summary: "Read a supplier", Auth: read, Errors: []*fault.Error{supplier.ErrNotFound},
	}, func(ctx context.Context, in *ByID) (*supplierOut, error) {
		return oneSupplier(svc.Supplier(ctx, caller(ctx).Merchant, in.ID))
	})
	changing := []*fault.Error{supplier.ErrNotFound, supplier.ErrInvalid, supplier.ErrTaken, supplier.ErrVersion, supplier.ErrCurrency}
	handle(s, Route{
		ID: "change-supplier", Method: http.MethodPatch, Path: base + "/{id}", Tag: "suppliers", Summary: "Change a supplier", Auth: write, Errors: changing,
	}, d.change)
	handle(s, Route{
		ID: "archive-supplier", Method: http.MethodDelete, Path: base + "/{id}", Tag: "suppliers", Summary: "Archive a supplier",
		Description: "Nothing of its stock is sold any more. What was bought stands.", Auth: write, Errors: []*fault.Error{supplier.ErrNotFound, supplier.ErrVersion},
	}, func(ctx context.Context, in *ByID) (*supplierOut, error) {
		return oneSupplier(svc.Change(ctx, caller(ctx).Merchant, in.ID, 0, func(s *supplier.Supplier) { s.Status = supplier.Archived }))
	})
	handle(s, Route{
		ID: "list-supplier-items", Method: http.MethodGet, Path: base + "/{id}/items", Tag: "suppliers", Summary: "List what a supplier asks for things, by SKU",
		Auth: read, Errors: []*fault.Error{supplier.ErrNotFound, errCursor},
	}, d.items)
	handle(s, Route{
		ID: "set-supplier-items", Method: http.MethodPut, Path: base + "/{id}/items", Tag: "suppliers", Summary: "Say what a supplier calls things and asks for them",
		Auth: write, Errors: []*fault.Error{supplier.ErrNotFound, supplier.ErrInvalid, catalog.ErrVariantNotFound},
	}, d.setItems)
	handle(s, Route{
		ID: "remove-supplier-item", Method: http.MethodDelete, Path: base + "/{id}/items/{variant_id}", Status: http.StatusNoContent, Tag: "suppliers",
		Summary: "Forget what a supplier asks for something", Auth: write, Errors: []*fault.Error{supplier.ErrItemNotFound},
	}, func(ctx context.Context, in *removeSupplierItemIn) (*struct{}, error) {
		return nil, svc.RemoveItem(ctx, caller(ctx).Merchant, in.ID, in.VariantID)
	})
	registerSupplyOrders(s, svc, people)
	registerSupplyLinks(s, svc, people)
}

func (d supplierDesk) list(ctx context.Context, in *listSuppliersIn) (*listOut[Supplier], error) {
	after, err := roomCursor(supplierList, in.Cursor)
	if err != nil {
		return nil, err
	}
	all, err := d.svc.Suppliers(ctx, caller(ctx).Merchant, in.Status, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(all) > in.Limit {
		all = all[:in.Limit]
		next = all[in.Limit-1].Code
	}
	return listOf(all, pageCursor(supplierList, next), supplierOf), nil
}

func (d supplierDesk) add(ctx context.Context, in *addSupplierIn) (*supplierOut, error) {
	b := &in.Body
	if err := noNull(ctx, "return_address"); err != nil {
		return nil, err
	}
	n := supplier.Supplier{
		Code: b.Code, Name: b.Name, Email: b.Email, Lang: locale.Lang(b.Language), Currency: b.Currency, Calendar: b.Calendar.value(), ReturnsTo: b.ReturnsTo, ReturnAddress: b.ReturnAddress.value(),
	}
	if n.Lang == "" {
		n.Lang = locale.En
	}
	if n.ReturnsTo == "" {
		n.ReturnsTo = supplier.ToShop
	}
	return oneSupplier(d.svc.Add(ctx, caller(ctx).Merchant, n, b.Location))
}

func (d supplierDesk) change(ctx context.Context, in *changeSupplierIn) (*supplierOut, error) {
	b := &in.Body
	base, err := in.base()
	if err != nil {
		return nil, err
	}
	return oneSupplier(d.svc.Change(ctx, caller(ctx).Merchant, in.ID, base, func(s *supplier.Supplier) {
		replace(&s.Code, b.Code)
		replace(&s.Name, b.Name)
		replace(&s.Status, b.Status)
		replace(&s.Email, b.Email)
		replace(&s.Currency, b.Currency)
		replace(&s.ReturnsTo, b.ReturnsTo)
		if b.Language != nil {
			s.Lang = locale.Lang(*b.Language)
		}
		if b.Calendar != nil {
			s.Calendar = b.Calendar.value()
		}
		if b.ReturnAddress != nil {
			s.ReturnAddress = b.ReturnAddress.value()
		}
	}))
}

// replace sets what a form says.
func replace(v *string, to *string) {
	if to != nil {
		*v = *to
	}
}

func (d supplierDesk) items(ctx context.Context, in *listSupplierItemsIn) (*listOut[SupplierItem], error) {
	after, err := roomCursor(supplierItemList, in.Cursor)
	if err != nil {
		return nil, err
	}
	from, err := d.svc.Supplier(ctx, caller(ctx).Merchant, in.ID)
	if err != nil {
		return nil, err
	}
	all, err := d.svc.Items(ctx, caller(ctx).Merchant, in.ID, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(all) > in.Limit {
		all = all[:in.Limit]
		next = all[in.Limit-1].SKU
	}
	return listOf(all, pageCursor(supplierItemList, next), itemIn(from.Currency)), nil
}

func (d supplierDesk) setItems(ctx context.Context, in *setSupplierItemsIn) (*listOut[SupplierItem], error) {
	from, err := d.svc.Supplier(ctx, caller(ctx).Merchant, in.ID)
	if err != nil {
		return nil, err
	}
	items := make([]supplier.Item, len(in.Body.Items))
	for i, it := range in.Body.Items {
		items[i] = supplier.Item{SKU: it.SKU, SupplierSKU: it.SupplierSKU, UnitMinor: it.UnitCost}
	}
	all, err := d.svc.SetItems(ctx, caller(ctx).Merchant, in.ID, items)
	if err != nil {
		return nil, inBody(err, "body")
	}
	return listOf(all, "", itemIn(from.Currency)), nil
}

func itemIn(currency string) func(supplier.Item) SupplierItem {
	return func(it supplier.Item) SupplierItem {
		return SupplierItem{VariantID: it.VariantID, SKU: it.SKU, SupplierSKU: it.SupplierSKU, UnitCost: moneyOf(it.UnitMinor, currency), UpdatedAt: it.UpdatedAt.UTC()}
	}
}

// shipToOf is where the parcels of a purchase order go to; nil when nobody knows
// any more.
func shipToOf(ctx context.Context, people contacts, o *supplier.Order) (*Address, error) {
	c, err := people.Contact(ctx, o.MerchantID, o.ContactID)
	if fault.Is(err, customer.ErrContactGone) {
		return nil, nil //nolint:nilnil // none is an answer
	}
	if err != nil {
		return nil, err
	}
	return addressOf(c.Shipping), nil
}
