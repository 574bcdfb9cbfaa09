package label

import "github.com/google/uuid"

// Ref names a label in an event.
type Ref struct {
	MerchantID uuid.UUID `json:"merchant_id"`
	OrderID    uuid.UUID `json:"order_id"`
	LabelID    uuid.UUID `json:"label_id"`
	Purpose    Purpose   `json:"purpose"`
	SubjectID  uuid.UUID `json:"subject_id"` // the shipment or the return
}

// Merchant is whose label it is.
func (r Ref) Merchant() uuid.UUID { return r.MerchantID }

// Aggregate is the label.
func (r Ref) Aggregate() uuid.UUID { return r.LabelID }

// Purchased says that a carrier has made a label.
type Purchased struct {
	Ref
	Carrier string   `json:"carrier"`
	Numbers []string `json:"numbers"`
}

// EventName is label.bought.
func (Purchased) EventName() string { return "label.bought" }

// Refused says that there will be no label.
type Refused struct {
	Ref
	Failure string `json:"failure"`
}

// EventName is label.failed.
func (Refused) EventName() string { return "label.failed" }

// Unclear says that nobody can tell whether a label was bought: a person must
// look at the carrier's and say.
type Unclear struct {
	Ref
	Failure string `json:"failure"`
}

// EventName is label.parked.
func (Unclear) EventName() string { return "label.parked" }

// Voided says that a label was given back.
type Voided struct{ Ref }

// EventName is label.void.
func (Voided) EventName() string { return "label.void" }

// Stays says that a label was to be given back and is not: the carrier's kind of
// refusal, or used, or manifested. Somebody must ask the carrier for the money.
type Stays struct {
	Ref
	Carrier string `json:"carrier"`
	Failure string `json:"failure"`
}

// EventName is label.void_failed.
func (Stays) EventName() string { return "label.void_failed" }

// ErrandUnclear says that nobody can tell whether a van was sent for, or a
// manifest made.
type ErrandUnclear struct {
	MerchantID uuid.UUID `json:"merchant_id"`
	ErrandID   uuid.UUID `json:"errand_id"`
	Kind       string    `json:"kind"`
	Failure    string    `json:"failure"`
}

// EventName is carrier_errand.parked.
func (ErrandUnclear) EventName() string { return "carrier_errand.parked" }

// Merchant is whose errand it is.
func (e ErrandUnclear) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is the errand.
func (e ErrandUnclear) Aggregate() uuid.UUID { return e.ErrandID }
