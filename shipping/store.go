package shipping

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Shipment reads one shipment with its lines and events, or ErrNotFound.
func (s *Service) Shipment(ctx context.Context, merchant, shipment uuid.UUID) (*Shipment, error) {
	all, err := s.shipments(ctx, "merchant_id = ? and id = ?", merchant, shipment)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// OfOrder lists the shipments of an order with lines and events, the oldest first.
func (s *Service) OfOrder(ctx context.Context, merchant, order uuid.UUID) ([]Shipment, error) {
	return s.shipments(ctx, "merchant_id = ? and order_id = ?", merchant, order)
}

// ByNumber lists the shipments that a carrier knows by a tracking number, the
// newest first: carriers use numbers again.
func (s *Service) ByNumber(ctx context.Context, merchant uuid.UUID, carrier, number string) ([]Shipment, error) {
	all, err := s.shipments(ctx, "merchant_id = ? and carrier = ? and tracking_number = ? and tracking_number <> ''", merchant, carrier, number)
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all, err
}

func (s *Service) shipments(ctx context.Context, where string, args ...any) ([]Shipment, error) {
	all := []Shipment{}
	if err := s.DB.Gorm(ctx).Where(where, args...).Order("created_at, id").Limit(1000).Find(&all).Error; err != nil || len(all) == 0 {
		return all, err
	}
	ids := make([]uuid.UUID, len(all))
	at := make(map[uuid.UUID]*Shipment, len(all))
	for i := range all {
		ids[i], at[all[i].ID] = all[i].ID, &all[i]
		all[i].Lines, all[i].Events = []ShipmentLine{}, []TrackingEvent{}
	}
	var lines []ShipmentLine
	if err := s.DB.Gorm(ctx).Where("merchant_id = ? and shipment_id in ?", all[0].MerchantID, ids).Order("order_line_id").Find(&lines).Error; err != nil {
		return nil, err
	}
	for _, l := range lines {
		at[l.ShipmentID].Lines = append(at[l.ShipmentID].Lines, l)
	}
	var events []TrackingEvent
	if err := s.DB.Gorm(ctx).Where("merchant_id = ? and shipment_id in ?", all[0].MerchantID, ids).Order("occurred_at, created_at, id").Find(&events).Error; err != nil {
		return nil, err
	}
	for _, e := range events {
		at[e.ShipmentID].Events = append(at[e.ShipmentID].Events, e)
	}
	return all, nil
}

// Versions lists a merchant's policy versions without their documents, the
// newest first.
func (s *Service) Versions(ctx context.Context, merchant uuid.UUID) ([]Version, error) {
	all := []Version{}
	err := s.DB.Gorm(ctx).Select("merchant_id, id, version, status, hash, created_at, published_at, updated_at").
		Where("merchant_id = ?", merchant).Order("version desc").Limit(1000).Find(&all).Error
	return all, err
}

// Version reads one version by its id, or ErrPolicyNotFound.
func (s *Service) Version(ctx context.Context, merchant, version uuid.UUID) (*Version, error) {
	return s.version(ctx, "merchant_id = ? and id = ?", merchant, version)
}

// VersionNumber reads one version by its number, or ErrPolicyNotFound.
func (s *Service) VersionNumber(ctx context.Context, merchant uuid.UUID, number int) (*Version, error) {
	return s.version(ctx, "merchant_id = ? and version = ?", merchant, number)
}

func (s *Service) version(ctx context.Context, where string, args ...any) (*Version, error) {
	var v Version
	err := s.DB.Gorm(ctx).Where(where, args...).Take(&v).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, ErrPolicyNotFound
	}
	return &v, err
}
