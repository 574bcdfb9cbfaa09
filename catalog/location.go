package catalog

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

// unknownCountry is the user-assigned ISO code for a place nobody has named.
const unknownCountry = "ZZ"

// Location is a place that keeps stock and sends parcels.
type Location struct {
	MerchantID uuid.UUID `json:"-"`
	ID         uuid.UUID `json:"id"`
	Code       string    `json:"code"` // short name, unique within the shop, as in stock files
	Name       string    `json:"name"`
	Country    string    `json:"country"`  // ISO 3166-1 alpha-2; ZZ is unknown
	Timezone   string    `json:"timezone"` // IANA name
	Priority   int       `json:"priority"` // lower ships first
	Active     bool      `json:"active"`   // inactive ones keep their stock and sell nothing
	CreatedAt  time.Time `json:"created_at"`
}

// Locations lists the places of a merchant, the first to ship from first.
// A merchant without any is given one.
func (s *Service) Locations(ctx context.Context, merchant uuid.UUID) ([]Location, error) {
	all, err := locations(s.db.Gorm(ctx), merchant)
	if err != nil || len(all) > 0 {
		return all, err
	}
	if _, err := s.DefaultLocation(ctx, merchant); err != nil {
		return nil, err
	}
	return locations(s.db.Gorm(ctx), merchant)
}

// DefaultLocation is the first active place, for stock of which nobody says
// where it is. A merchant without any place is given one with the code MAIN.
func (s *Service) DefaultLocation(ctx context.Context, merchant uuid.UUID) (Location, error) {
	all, err := locations(s.db.Gorm(ctx), merchant)
	if err != nil {
		return Location{}, err
	}
	if len(all) == 0 {
		country, err := s.home(ctx, merchant)
		if err != nil {
			return Location{}, err
		}
		if !isCountry(country) {
			country = unknownCountry
		}
		first := Location{MerchantID: merchant, ID: id.New(), Code: "MAIN", Name: "Main", Country: country, Timezone: "UTC", Active: true, CreatedAt: s.db.Now()}
		err = db.Run(ctx, s.db, func(tx db.Tx) error {
			if err := addFirst(ctx, tx, first); err != nil {
				return err
			}
			return s.bump(ctx, tx, merchant)
		})
		if err != nil {
			return Location{}, err
		}
		// Another caller may have been first: read what stands.
		if all, err = locations(s.db.Gorm(ctx), merchant); err != nil {
			return Location{}, err
		}
	}
	for _, l := range all {
		if l.Active {
			return l, nil
		}
	}
	return Location{}, ErrLocationNotFound.Saying("The shop has no active stock location.")
}

// SaveLocation adds a place (without an ID) or changes one, and gives it back.
// It fails with ErrInvalid, ErrLocationNotFound or ErrLocationTaken.
func (s *Service) SaveLocation(ctx context.Context, merchant uuid.UUID, l Location) (Location, error) {
	l.MerchantID = merchant
	l.Code, l.Name, l.Country = line(l.Code), line(l.Name), strings.ToUpper(line(l.Country))
	if l.Timezone == "" {
		l.Timezone = "UTC"
	}
	var c checker
	c.variant = -1
	c.length("code", l.Code, 1, MaxName)
	c.must(!strings.ContainsAny(l.Code, `:|\`), "code", `must not have ":", "|" or "\"`)
	c.length("name", l.Name, 1, MaxName)
	c.must(isCountry(l.Country), "country", "must be a country code of two letters")
	_, err := time.LoadLocation(l.Timezone)
	c.must(err == nil && utf8.RuneCountInString(l.Timezone) <= MaxName, "timezone", "must be a name such as Asia/Yerevan")
	if err := invalid(c.problems); err != nil {
		return Location{}, err
	}
	err = db.Run(ctx, s.db, func(tx db.Tx) error {
		if err := saveLocation(ctx, tx, &l, s.db.Now()); err != nil {
			return err
		}
		return s.bump(ctx, tx, merchant)
	})
	return l, err
}
