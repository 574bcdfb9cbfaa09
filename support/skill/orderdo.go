package skill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/order"
)

// The actions on orders. Whichever skill proposes one, its arguments are the same,
// and so is what it does.
const (
	actCancel  = "order.cancel"
	actAddress = "order.change_address"
	actItems   = "order.change_items"
	actReturn  = "return.create"
	actClaim   = "claim.create"
)

const (
	// actor is who the order's history names.
	actor = "assistant"
	// asked is why, where the customer gave no reason that the shop has a word for.
	asked = "asked by the customer"
)

// The arguments of the actions.
type (
	cancelArgs struct {
		Lines  []order.LineQuantity `json:"lines,omitempty"` // none is the whole order
		Reason string               `json:"reason,omitempty"`
	}
	addressArgs struct {
		Address customer.Address `json:"address"`
	}
	itemsArgs struct {
		Add    []order.AddUnits     `json:"add,omitempty"`
		Remove []order.LineQuantity `json:"remove,omitempty"`
	}
	returnArgs struct {
		Lines  []order.LineQuantity `json:"lines"`
		Reason string               `json:"reason"`
	}
	claimArgs struct {
		Lines []order.LineQuantity `json:"lines"`
		Kind  string               `json:"kind"`
		Note  string               `json:"note,omitempty"`
	}
)

// propose ends the reply as a question whose yes does the action.
func (s *tale) propose(action string, args any) (Answer, error) {
	raw, err := json.Marshal(args)
	if err != nil {
		return Answer{}, fmt.Errorf("skill: %s: %w", action, err)
	}
	s.say("confirm")
	a := s.answer(Confirm)
	a.Proposal = &Proposal{Action: action, Order: s.o.ID, Number: s.o.Number, Version: s.o.Version, Arguments: raw}
	return a, nil
}

// doOrder carries out any of the actions on orders.
func doOrder(ctx context.Context, t *Turn, p Proposal) (Answer, error) {
	deeds := map[string]func(context.Context, *tale, Proposal) (Answer, error){
		actCancel: doCancel, actAddress: doAddress, actItems: doItems, actReturn: doReturn, actClaim: doClaim,
	}
	deed := deeds[p.Action]
	if deed == nil || t.Order == nil || t.Order.ID != p.Order {
		return Answer{}, fmt.Errorf("skill: %q of order %s is not an action on this order", p.Action, p.Order)
	}
	a, err := deed(ctx, tell(t), p)
	if err != nil {
		return tell(t).declined(err)
	}
	return a, nil
}

// read opens the arguments of a proposal.
func read[T any](p Proposal) (args T, err error) {
	if err = json.Unmarshal(p.Arguments, &args); err != nil {
		err = fmt.Errorf("skill: arguments of %s: %w", p.Action, err)
	}
	return args, err
}

// declined words the refusal of a service, with a way on. What is no refusal stays
// an error.
func (s *tale) declined(err error) (Answer, error) {
	var f *fault.Error
	if !errors.As(err, &f) {
		return Answer{}, err
	}
	switch f.Kind {
	case fault.Conflict, fault.Invalid, fault.NotFound, fault.Stale, fault.Declined:
	default:
		return Answer{}, err
	}
	s.fact("refused", f.Code, "")
	switch {
	case fault.Is(err, order.ErrVersion):
		s.say("refused.changed", "number", s.number())
		return s.asks("")
	case fault.Is(err, order.ErrNotCancelable, order.ErrCancelQuantity, order.ErrLineBound):
		s.say("refused.too_late", "number", s.number())
	case fault.Is(err, order.ErrEditShipped):
		s.say("address.too_late", "number", s.number())
	case fault.Is(err, order.ErrEditAddress):
		s.say("refused.address")
	case fault.Is(err, order.ErrReturnWindow):
		s.say("refused.window")
	case fault.Is(err, order.ErrReturnQuantity):
		s.say("refused.returning")
	case fault.Is(err, order.ErrClaimQuantity):
		s.say("refused.claimed")
	case fault.Is(err, order.ErrEditAll):
		s.say("items.nothing_left", "number", s.number()).button("cancel")
	case fault.Is(err, catalog.ErrOutOfStock):
		s.say("refused.stock")
	default:
		s.say("refused.other", "number", s.number())
	}
	return s.refused()
}
