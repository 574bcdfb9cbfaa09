package catalog

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

// PlaceIn gives the location with the code of l, for who keeps something of its
// own about a location: one that is there, or with create a new one, which l
// describes. It fails with ErrLocationNotFound or ErrLocationTaken. The caller
// bumps the merchant's version.
func PlaceIn(ctx context.Context, tx db.Tx, l Location, create bool, now time.Time) (uuid.UUID, error) {
	if !create {
		var place uuid.UUID
		found, err := db.One(tx.QueryRow(ctx, `select id from locations where merchant_id = $1 and upper(code) = upper($2) order by code <> $2 limit 1`,
			l.MerchantID, strings.TrimSpace(l.Code)), &place)
		if err == nil && !found {
			err = ErrLocationNotFound
		}
		return place, err
	}
	l.ID, l.CreatedAt = id.New(), now
	n, err := tx.Exec(ctx, `insert into locations (merchant_id, id, code, name, country, timezone, priority, active, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (merchant_id, code) do nothing`, l.MerchantID, l.ID, l.Code, l.Name, l.Country, l.Timezone, l.Priority, l.Active, now)
	if err == nil && n == 0 {
		err = ErrLocationTaken
	}
	return l.ID, err
}

// OpenIn lets a location sell, or not any more. The caller bumps the merchant's
// version.
func OpenIn(ctx context.Context, tx db.Tx, merchant, location uuid.UUID, active bool, now time.Time) error {
	l := Location{MerchantID: merchant, ID: location}
	g, err := tx.Gorm(ctx)
	if err != nil {
		return err
	}
	if err := g.Where("merchant_id = ? and id = ?", merchant, location).Take(&l).Error; err != nil {
		return err
	}
	l.Active = active
	return saveLocation(ctx, tx, &l, now)
}
