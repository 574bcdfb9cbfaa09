package supplier

import (
	"cmp"
	"context"
	"fmt"
	netmail "net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/locale"
	"doorstep/internal/money"
	"doorstep/shipping/policy"
)

// Bounds of a supplier.
const (
	mostName     = 200
	mostHolidays = 1000
	mostItems    = 500 // in one call
	mostMoney    = 1_000_000_000_000
)

var (
	codes     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)
	countries = regexp.MustCompile(`^[A-Z]{2}$`)
)

func isCountry(code string) bool { return countries.MatchString(code) }

// Add keeps a new supplier. Its stock stands at the location with the code that
// location says, which no other supplier has; without one a location is made
// that goes by the supplier's own code. It fails with ErrInvalid, ErrTaken,
// catalog.ErrLocationNotFound or catalog.ErrLocationTaken.
func (s *Service) Add(ctx context.Context, merchant uuid.UUID, n Supplier, location string) (*Supplier, error) {
	now := s.DB.Now()
	n.MerchantID, n.ID, n.Status, n.Version, n.CreatedAt, n.UpdatedAt = merchant, id.New(), Active, 1, now, now
	if err := n.check(); err != nil {
		return nil, err
	}
	sealed, err := s.Vault.Seal(merchant, n.person())
	if err != nil {
		return nil, err
	}
	n.contact = sealed.ID
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		place, err := catalog.PlaceIn(ctx, tx, catalog.Location{
			MerchantID: merchant, Code: cmp.Or(location, n.Code), Name: n.Name, Country: n.Calendar.Country, Timezone: n.Calendar.Timezone, Priority: supplierPriority, Active: true,
		}, location == "", now)
		if err != nil {
			return err
		}
		n.LocationID = place
		customer.QueueContact(tx, merchant, sealed, now)
		insertSupplier(tx, &n)
		return s.Bump(ctx, tx, merchant)
	})
	if err != nil {
		return nil, taken(err)
	}
	return s.Supplier(ctx, merchant, n.ID)
}

// supplierPriority lets a supplier's stock be sold after the shop's own.
const supplierPriority = 1000

// taken turns what the database said of a code or a location into ErrTaken.
func taken(err error) error {
	if db.Violates(err, "suppliers_merchant_id_code_key") || db.Violates(err, "suppliers_merchant_id_location_id_key") {
		return ErrTaken.Because(err)
	}
	return err
}

// Change edits a supplier; base is the version that the change is based on, 0
// for any. Archiving it takes its stock off sale. It fails with ErrNotFound,
// ErrVersion, ErrInvalid, ErrTaken or ErrCurrency.
func (s *Service) Change(ctx context.Context, merchant, supplier uuid.UUID, base int64, edit func(*Supplier)) (*Supplier, error) {
	old, err := s.Supplier(ctx, merchant, supplier)
	if err != nil {
		return nil, err
	}
	if base != 0 && base != old.Version {
		return nil, ErrVersion
	}
	n := *old
	edit(&n)
	n.MerchantID, n.ID, n.LocationID, n.Version, n.contact = merchant, supplier, old.LocationID, old.Version, old.contact
	if err := n.check(); err != nil {
		return nil, err
	}
	now := s.DB.Now()
	n.UpdatedAt = now
	var sealed customer.Sealed
	if n.Email != old.Email || !sameAddress(n.ReturnAddress, old.ReturnAddress) || n.Name != old.Name {
		if sealed, err = s.Vault.Seal(merchant, n.person()); err != nil {
			return nil, err
		}
		n.contact = sealed.ID
	}
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		if n.Currency != old.Currency {
			if priced, err := hasItems(ctx, tx, merchant, supplier); err != nil || priced {
				return cmp.Or(err, error(ErrCurrency))
			}
		}
		if n.contact != old.contact {
			customer.QueueContact(tx, merchant, sealed, now)
			customer.EraseContact(tx, merchant, old.contact, now)
		}
		updateSupplier(tx, &n)
		if n.Status != old.Status {
			if err := catalog.OpenIn(ctx, tx, merchant, n.LocationID, n.Status == Active, now); err != nil {
				return err
			}
		}
		return s.Bump(ctx, tx, merchant)
	})
	if err != nil {
		return nil, taken(err)
	}
	return s.Supplier(ctx, merchant, supplier)
}

func sameAddress(a, b *customer.Address) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

// person is what is kept sealed of a supplier.
func (s *Supplier) person() customer.Contact {
	return customer.Contact{Name: s.Name, Email: s.Email, Company: s.Name, Shipping: s.ReturnAddress}
}

// check cleans a supplier and says what is wrong with it.
func (s *Supplier) check() error {
	bad := ErrInvalid
	must := func(ok bool, at, says string) {
		if !ok {
			bad = bad.At(at, says)
		}
	}
	s.Code, s.Name, s.Email = strings.TrimSpace(s.Code), locale.Line(s.Name), strings.TrimSpace(s.Email)
	s.Calendar.Country = strings.ToUpper(strings.TrimSpace(s.Calendar.Country))
	must(codes.MatchString(s.Code), "code", "must be 1 to 63 letters, digits, or any of _ . -")
	must(s.Name != "" && utf8.RuneCountInString(s.Name) <= mostName, "name", fmt.Sprintf("must have 1 to %d signs", mostName))
	must(mailable(s.Email), "email", "is not an e-mail address")
	must(s.Lang.Known(), "language", "must be en, hy or km")
	must(money.Known(s.Currency), "currency", "is not a known currency")
	must(s.Status == Active || s.Status == Archived, "status", "must be active or archived")
	must(s.ReturnsTo == ToShop || s.ReturnsTo == ToSupplier, "returns_to", "must be shop or supplier")
	must(s.ReturnsTo == ToShop || s.ReturnAddress != nil, "return_address", "is needed when returns go to the supplier")
	if a := s.ReturnAddress; a != nil {
		for _, text := range []*string{&a.Name, &a.Line1, &a.Line2, &a.City, &a.Region, &a.Postcode, &a.Phone} {
			*text = locale.Line(*text)
			must(utf8.RuneCountInString(*text) <= mostName, "return_address", fmt.Sprintf("must have at most %d signs in each line", mostName))
		}
		a.Country = strings.ToUpper(strings.TrimSpace(a.Country))
		must(a.Line1 != "" && a.City != "" && isCountry(a.Country), "return_address", "needs line1, city and a country of two letters")
	}
	c := &s.Calendar
	if len(c.Workdays) == 0 {
		c.Workdays = []int{1, 2, 3, 4, 5}
	}
	slices.Sort(c.Workdays)
	slices.Sort(c.Holidays)
	c.Holidays = slices.Compact(c.Holidays)
	must(isCountry(c.Country), "calendar.country", "must be a country code of two letters")
	must(c.Timezone != "", "calendar.timezone", "must be a name such as Asia/Yerevan")
	must(c.HandlingDays >= 0 && c.HandlingDays <= 365, "calendar.handling_days", "must be from 0 to 365")
	must(len(c.Holidays) <= mostHolidays, "calendar.holidays", fmt.Sprintf("must be at most %d", mostHolidays))
	if _, err := policy.PromiseFrom(s.Origin(), time.Unix(0, 0), nil); err != nil {
		f, _ := fault.As(err)
		for _, field := range f.Fields {
			bad = bad.At(strings.Replace(field.Location, "origin", "calendar", 1), field.Message)
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// mailable says whether a text is a plain mail address.
func mailable(text string) bool {
	a, err := netmail.ParseAddress(text)
	return err == nil && a.Address == text && len(text) <= 254
}

// SetItems says what a supplier calls variants and asks for them; those that are
// not named stay as they are. Variants are named by SKU. It fails with
// ErrNotFound, ErrInvalid or catalog.ErrVariantNotFound, and then sets none.
func (s *Service) SetItems(ctx context.Context, merchant, supplier uuid.UUID, items []Item) ([]Item, error) {
	if _, err := s.Supplier(ctx, merchant, supplier); err != nil {
		return nil, err
	}
	bad := ErrInvalid
	skus, seen := make([]string, len(items)), map[string]bool{}
	if len(items) < 1 || len(items) > mostItems {
		return nil, bad.At("items", fmt.Sprintf("must be 1 to %d", mostItems))
	}
	for i := range items {
		it, at := &items[i], fmt.Sprintf("items[%d]", i)
		skus[i] = it.SKU
		if it.SupplierSKU = locale.Line(it.SupplierSKU); utf8.RuneCountInString(it.SupplierSKU) > mostName {
			bad = bad.At(at+".supplier_sku", fmt.Sprintf("must have at most %d signs", mostName))
		}
		if it.UnitMinor < 0 || it.UnitMinor > mostMoney {
			bad = bad.At(at+".unit_cost", fmt.Sprintf("must be from 0 to %d", mostMoney))
		}
		if seen[it.SKU] {
			bad = bad.At(at+".sku", "stands in the list twice")
		}
		seen[it.SKU] = true
	}
	if len(bad.Fields) > 0 {
		return nil, bad
	}
	known, err := s.Goods.VariantIDs(ctx, merchant, skus)
	if err != nil {
		return nil, err
	}
	for i := range items {
		variant, ok := known[items[i].SKU]
		if !ok {
			return nil, catalog.ErrVariantNotFound.At(fmt.Sprintf("items[%d].sku", i), "is no variant of the shop")
		}
		items[i].VariantID = variant
	}
	now := s.DB.Now()
	if err := db.Run(ctx, s.DB, func(tx db.Tx) error { setItems(tx, merchant, supplier, items, now); return nil }); err != nil {
		return nil, err
	}
	return s.Items(ctx, merchant, supplier, "", mostItems)
}
