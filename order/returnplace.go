package order

import (
	"context"

	"github.com/google/uuid"

	"doorstep/customer"
)

// ReturnPlace is where lines of a return go to, when that is not the shop.
type ReturnPlace struct {
	Name    string
	Address customer.Address
	Lines   []uuid.UUID // of the order
}

// placed fills in where returns go to.
func (s *Service) placed(ctx context.Context, all ...*Return) error {
	if s.ReturnTo == nil {
		return nil
	}
	for _, r := range all {
		var err error
		if r.Places, err = s.ReturnTo(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
