package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/shipping"
	"doorstep/shipping/label"

	"github.com/google/uuid"
)

// errands are the vans and sheets of the room of labels.
type errands interface {
	Pickup(ctx context.Context, merchant uuid.UUID, n label.NewPickup) (*label.Errand, error)
	CancelPickup(ctx context.Context, merchant, errand uuid.UUID) (*label.Errand, error)
	Manifest(ctx context.Context, merchant uuid.UUID, n label.NewManifest) (*label.Errand, error)
	ResolveErrand(ctx context.Context, merchant uuid.UUID, kind string, errand uuid.UUID, v label.Verdict) (*label.Errand, error)
	Errand(ctx context.Context, merchant uuid.UUID, kind string, errand uuid.UUID) (*label.Errand, error)
	Errands(ctx context.Context, merchant uuid.UUID, kind string, f label.ErrandFilter, limit int) ([]label.Errand, error)
}

// Pickup is a van that was sent for.
type Pickup struct {
	ID          uuid.UUID `json:"id" format:"uuid"`
	AccountID   uuid.UUID `json:"account_id" format:"uuid"`
	Carrier     string    `json:"carrier"`
	Status      string    `json:"status" enum:"pending,done,failed,parked,canceled" doc:"parked: nobody can tell whether it comes, so ask the carrier"`
	Failure     string    `json:"failure,omitempty"`
	FailureText string    `json:"failure_text,omitempty" doc:"In the carrier's words"`
	CarrierID   string    `json:"carrier_id,omitempty" doc:"The carrier's confirmation"`
	Cost        *Money    `json:"cost,omitempty"`
	ReadyAt     time.Time `json:"ready_at"`
	LastAt      time.Time `json:"last_at"`
	CreatedAt   time.Time `json:"created_at"`
}

func pickupOf(e label.Errand) Pickup {
	return Pickup{
		ID: e.ID, AccountID: e.Account, Carrier: e.Carrier, Status: string(e.Status), Failure: e.Failure, FailureText: e.FailureText, CarrierID: e.CarrierID,
		Cost: costOf(e.Cost()), ReadyAt: e.Ready, LastAt: e.Last, CreatedAt: e.CreatedAt.UTC(),
	}
}

// Manifest is a sheet that closes labels.
type Manifest struct {
	ID          uuid.UUID       `json:"id" format:"uuid"`
	AccountID   uuid.UUID       `json:"account_id" format:"uuid"`
	Carrier     string          `json:"carrier"`
	Status      string          `json:"status" enum:"pending,done,failed,parked,canceled"`
	Failure     string          `json:"failure,omitempty"`
	FailureText string          `json:"failure_text,omitempty" doc:"In the carrier's words"`
	CarrierID   string          `json:"carrier_id,omitempty"`
	Labels      []ManifestLabel `json:"labels"`
	Documents   []LabelDocument `json:"documents"`
	CreatedAt   time.Time       `json:"created_at"`
}

func manifestOf(e label.Errand) Manifest {
	m := Manifest{
		ID: e.ID, AccountID: e.Account, Carrier: e.Carrier, Status: string(e.Status), Failure: e.Failure, FailureText: e.FailureText, CarrierID: e.CarrierID,
		Labels: make([]ManifestLabel, len(e.Labels)), Documents: documentsOf(e.Papers), CreatedAt: e.CreatedAt.UTC(),
	}
	for i, l := range e.Labels {
		m.Labels[i].LabelID = l
	}
	return m
}

type pickupOut struct{ Body Pickup }

type manifestOut struct{ Body Manifest }

type bookPickupIn struct {
	Key  string `header:"Idempotency-Key"`
	Body struct {
		AccountID uuid.UUID `json:"account_id" format:"uuid" doc:"Of a carrier account"`
		ReadyAt   time.Time `json:"ready_at" maxLength:"40" doc:"From when the parcels are ready"`
		LastAt    time.Time `json:"last_at" maxLength:"40" doc:"When the place closes"`
		Parcels   int       `json:"parcels" minimum:"1" maximum:"10000" example:"12"`
		WeightG   int64     `json:"weight_g" minimum:"1" maximum:"100000000" example:"14500"`
		From      *Address  `json:"from,omitempty" doc:"The address of the account when absent"`
		Note      string    `json:"note,omitempty" maxLength:"200" example:"Ring at the yard"`
	}
}

type makeManifestIn struct {
	Key  string `header:"Idempotency-Key"`
	Body struct {
		AccountID uuid.UUID       `json:"account_id" format:"uuid" doc:"Of a carrier account"`
		Labels    []ManifestLabel `json:"labels,omitempty" minItems:"1" maxItems:"1000" doc:"All that are bought and on no manifest when absent"`
		Day       time.Time       `json:"day,omitzero" maxLength:"40" doc:"Today when absent"`
		From      *Address        `json:"from,omitempty" doc:"The address of the account when absent"`
	}
}

// ManifestLabel names a label.
type ManifestLabel struct {
	LabelID uuid.UUID `json:"label_id" format:"uuid"`
}

type resolveErrandIn struct {
	ByID
	Body struct {
		Exists    bool   `json:"exists" doc:"The carrier has it"`
		CarrierID string `json:"carrier_id,omitempty" maxLength:"100" doc:"What the carrier calls it; needed when it exists"`
	}
}

func (in *resolveErrandIn) verdict() label.Verdict {
	return label.Verdict{Exists: in.Body.Exists, CarrierID: in.Body.CarrierID}
}

// registerVerdicts lets a person say what became of what nobody can tell.
func registerVerdicts(s *Server, svc labels) {
	faults := []*fault.Error{label.ErrErrand, label.ErrState, label.ErrInput}
	handle(s, Route{
		ID: "resolve-pickup", Method: http.MethodPost, Path: "/v1/pickups/{id}/resolve", Tag: "labels", Summary: "Say what became of a parked pickup",
		Description: "Ask the carrier first: saying that it does not exist lets another van be sent for.",
		Auth:        secret("shipping:write"), Errors: faults,
	}, func(ctx context.Context, in *resolveErrandIn) (*pickupOut, error) {
		return onePickup(svc.ResolveErrand(ctx, caller(ctx).Merchant, label.KindPickup, in.ID, in.verdict()))
	})
	handle(s, Route{
		ID: "resolve-manifest", Method: http.MethodPost, Path: "/v1/manifests/{id}/resolve", Tag: "labels", Summary: "Say what became of a parked manifest",
		Description: "Ask the carrier first: saying that it does not exist frees its labels for another one.",
		Auth:        secret("shipping:write"), Errors: faults,
	}, func(ctx context.Context, in *resolveErrandIn) (*manifestOut, error) {
		e, err := svc.ResolveErrand(ctx, caller(ctx).Merchant, label.KindManifest, in.ID, in.verdict())
		if err != nil {
			return nil, err
		}
		return &manifestOut{manifestOf(*e)}, nil
	})
}

func registerErrands(s *Server, svc labels) {
	faults := []*fault.Error{
		label.ErrInput, label.ErrUnable, label.ErrRefused, label.ErrAccountAuth, label.ErrCarrier, label.ErrTaken, shipping.ErrAccountNotFound,
		shipping.ErrAccountOff, shipping.ErrAccount,
	}
	registerPickups(s, svc, faults)
	registerVerdicts(s, svc)
	registerErrandLists(s, svc)
	handle(s, Route{
		ID: "make-manifest", Method: http.MethodPost, Path: "/v1/manifests", Status: http.StatusCreated, Tag: "labels", Summary: "Close labels on one sheet for the driver",
		Auth: secret("shipping:write"), Once: OnceRequired, Deadline: Payments, Errors: append([]*fault.Error{label.ErrManifested}, faults...),
	}, func(ctx context.Context, in *makeManifestIn) (*manifestOut, error) {
		if err := noNull(ctx, "labels", "from"); err != nil {
			return nil, err
		}
		merchant := caller(ctx).Merchant
		n := label.NewManifest{
			ID: uuid.NewSHA1(merchant, []byte("manifest:"+in.Key)), Account: in.Body.AccountID, Day: in.Body.Day, From: carrierAddress(in.Body.From),
		}
		for _, l := range in.Body.Labels {
			n.Labels = append(n.Labels, l.LabelID)
		}
		e, err := svc.Manifest(ctx, merchant, n)
		if err != nil {
			return nil, err
		}
		return &manifestOut{manifestOf(*e)}, nil
	})
	handle(s, Route{
		ID: "read-manifest", Method: http.MethodGet, Path: "/v1/manifests/{id}", Tag: "labels", Summary: "Read how a manifest stands",
		Auth: secret("shipping:read"), Errors: []*fault.Error{label.ErrErrand},
	}, func(ctx context.Context, in *ByID) (*manifestOut, error) {
		e, err := svc.Errand(ctx, caller(ctx).Merchant, label.KindManifest, in.ID)
		if err != nil {
			return nil, err
		}
		return &manifestOut{manifestOf(*e)}, nil
	})
	fileRoute(s, "read-manifest-document", "/v1/manifests/{id}/document", "Read a manifest, as it is printed",
		func(ctx context.Context, in *readLabelFileIn) (label.Paper, []byte, error) {
			return svc.Print(ctx, caller(ctx).Merchant, in.ID, in.Document)
		})
}

func registerPickups(s *Server, svc labels, faults []*fault.Error) {
	handle(s, Route{
		ID: "book-pickup", Method: http.MethodPost, Path: "/v1/pickups", Status: http.StatusCreated, Tag: "labels", Summary: "Send for the carrier's van",
		Description: "The same key sends for one van. When the carrier keeps silent it is parked: ask the carrier.",
		Auth:        secret("shipping:write"), Once: OnceRequired, Deadline: Payments, Errors: faults,
	}, func(ctx context.Context, in *bookPickupIn) (*pickupOut, error) {
		if err := noNull(ctx, "from"); err != nil {
			return nil, err
		}
		merchant, b := caller(ctx).Merchant, &in.Body
		e, err := svc.Pickup(ctx, merchant, label.NewPickup{
			ID: uuid.NewSHA1(merchant, []byte("pickup:"+in.Key)), Account: b.AccountID, Ready: b.ReadyAt, Last: b.LastAt, Parcels: b.Parcels, WeightG: b.WeightG,
			From: carrierAddress(b.From), Note: b.Note,
		})
		return onePickup(e, err)
	})
	handle(s, Route{
		ID: "read-pickup", Method: http.MethodGet, Path: "/v1/pickups/{id}", Tag: "labels", Summary: "Read how a pickup stands",
		Auth: secret("shipping:read"), Errors: []*fault.Error{label.ErrErrand},
	}, func(ctx context.Context, in *ByID) (*pickupOut, error) {
		return onePickup(svc.Errand(ctx, caller(ctx).Merchant, label.KindPickup, in.ID))
	})
	handle(s, Route{
		ID: "cancel-pickup", Method: http.MethodPost, Path: "/v1/pickups/{id}/cancel", Tag: "labels", Summary: "Send the carrier's van home",
		Auth: secret("shipping:write"), Deadline: Payments, Errors: []*fault.Error{
			label.ErrErrand, label.ErrState, label.ErrUnable, label.ErrRefused, label.ErrAccountAuth, label.ErrCarrier,
		},
	}, func(ctx context.Context, in *ByID) (*pickupOut, error) {
		return onePickup(svc.CancelPickup(ctx, caller(ctx).Merchant, in.ID))
	})
}

func onePickup(e *label.Errand, err error) (*pickupOut, error) {
	if err != nil {
		return nil, err
	}
	return &pickupOut{pickupOf(*e)}, nil
}
