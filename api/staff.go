package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/customer"
	"doorstep/internal/fault"

	"github.com/google/uuid"
)

// staffRoom is all that these routes ask of the room of people.
type staffRoom interface {
	Sessions
	AskStaffCode(ctx context.Context, merchant uuid.UUID, email, locale, ip string) (request uuid.UUID, expires time.Time, err error)
	SignInStaff(ctx context.Context, merchant, request uuid.UUID, code, origin string) (customer.StaffSession, string, error)
	JoinStaff(ctx context.Context, merchant uuid.UUID, code, origin string) (customer.StaffSession, string, error)
	SignOutStaff(ctx context.Context, merchant, session uuid.UUID) error
	SignOutStaffEverywhere(ctx context.Context, merchant, staff uuid.UUID) (int64, error)
	StaffMember(ctx context.Context, merchant, staff uuid.UUID) (customer.Staff, error)
	ListStaff(ctx context.Context, merchant uuid.UUID) ([]customer.Staff, error)
	Invite(ctx context.Context, merchant uuid.UUID, email string, role customer.Role) (customer.Staff, string, error)
	RemoveStaff(ctx context.Context, merchant, staff uuid.UUID) error
	SoleMerchant(ctx context.Context) (uuid.UUID, error)
}

// StaffMember is one who works for the shop.
type StaffMember struct {
	ID              uuid.UUID  `json:"id" format:"uuid"`
	Email           string     `json:"email"`
	Role            string     `json:"role" enum:"owner,manager,agent,packer,reader"`
	Status          string     `json:"status" enum:"invited,active"`
	InviteExpiresAt *time.Time `json:"invite_expires_at,omitempty"`
	CreatedAt       time.Time  `json:"created_at"`
}

func staffMemberOf(m customer.Staff) StaffMember {
	return StaffMember{ID: m.ID, Email: m.Email, Role: string(m.Role), Status: m.Status, InviteExpiresAt: m.InviteExpiresAt, CreatedAt: m.CreatedAt}
}

// StaffMe is the member of staff who is signed in.
type StaffMe struct {
	StaffMember
	MerchantID uuid.UUID `json:"merchant_id" format:"uuid"`
	Scopes     []string  `json:"scopes" doc:"What the role may do; * is everything"`
	CSRFToken  string    `json:"csrf_token" doc:"Send it as CSRF-Token with every change made under this session"`
}

// StaffSignedIn is a session that has begun; its token is in the cookie only.
type StaffSignedIn struct {
	StaffID   uuid.UUID `json:"staff_id" format:"uuid"`
	Role      string    `json:"role" enum:"owner,manager,agent,packer,reader"`
	CSRFToken string    `json:"csrf_token" doc:"Send it as CSRF-Token with every change made under this session"`
	ExpiresAt time.Time `json:"expires_at" doc:"At the latest; half an hour without use ends it too"`
}

// StaffList is all of the staff.
type StaffList struct {
	Data []StaffMember `json:"data"`
}

// OfMerchant says whose staff somebody is.
type OfMerchant struct {
	MerchantID uuid.UUID `json:"merchant_id,omitempty" format:"uuid" doc:"May be left out where there is only one shop"`
}

type askStaffCodeIn struct {
	Language string `header:"Accept-Language" maxLength:"1000" doc:"Of the mail"`
	Body     struct {
		OfMerchant
		Email string `json:"email" format:"email" maxLength:"254" example:"ani@example.com"`
	}
}

type signInStaffIn struct {
	Body struct {
		OfMerchant
		RequestID uuid.UUID `json:"request_id" format:"uuid"`
		Code      string    `json:"code" pattern:"^[0-9]{6}$" maxLength:"6" example:"123456"`
	}
}

type joinStaffIn struct {
	Body struct {
		OfMerchant
		Code string `json:"code" minLength:"1" maxLength:"100" doc:"As it came with the invitation" example:"7k3mq2xth0ab4rsp7k3mq2xth0ab4rsp"`
	}
}

type staffSignedInOut struct {
	SetCookie string `header:"Set-Cookie"`
	Body      StaffSignedIn
}

type signedOutOut struct {
	SetCookie string `header:"Set-Cookie"`
}

type staffMeOut struct{ Body StaffMe }

type staffListOut struct{ Body StaffList }

type inviteStaffIn struct {
	Body struct {
		Email string `json:"email" format:"email" maxLength:"254" example:"ani@example.com"`
		Role  string `json:"role" enum:"owner,manager,agent,packer,reader" maxLength:"10" example:"agent"`
	}
}

type staffMemberOut struct{ Body StaffMember }

type removeStaffIn struct{ ByID }

// staffDoor is where staff sign in, and where owners say who may.
type staffDoor struct {
	server *Server
	staff  staffRoom
}

func registerStaff(s *Server, svc staffRoom) {
	r := &staffDoor{s, svc}
	s.sessions = svc
	handle(s, Route{
		ID: "ask-staff-code", Method: http.MethodPost, Path: "/v1/staff/codes", Status: http.StatusAccepted, Tag: "staff",
		Summary:     "Ask for a sign-in code of the staff by e-mail",
		Description: "The answer is the same whether or not somebody with that address works here; only then a code of six digits goes there. It holds for ten minutes and five tries, together with `request_id`.",
		Auth:        public(), Once: OnceNever, Errors: []*fault.Error{customer.ErrEmail, customer.ErrTooManyCodes, customer.ErrWhichMerchant, errCSRF},
	}, r.ask)
	handle(s, Route{
		ID: "sign-in-staff", Method: http.MethodPost, Path: "/v1/staff/sessions", Status: http.StatusCreated, Tag: "staff",
		Summary:     "Sign in as staff with a code",
		Description: "The session is a cookie that scripts cannot read. It stands for a secret key with the scopes of the role. Changes also need `CSRF-Token`.",
		Auth:        public(), Once: OnceNever, Errors: []*fault.Error{customer.ErrCode, customer.ErrWhichMerchant, errCSRF},
	}, r.signIn)
	handle(s, Route{
		ID: "join-staff", Method: http.MethodPost, Path: "/v1/staff/invitations/accept", Status: http.StatusCreated, Tag: "staff",
		Summary: "Accept an invitation and sign in", Auth: public(), Once: OnceNever,
		Errors: []*fault.Error{customer.ErrInviteInvalid, customer.ErrWhichMerchant, errCSRF},
	}, r.join)
	handle(s, Route{
		ID: "read-staff-me", Method: http.MethodGet, Path: "/v1/staff/me", Tag: "staff",
		Summary: "Who of the staff is signed in", Auth: staffOnly(), Errors: []*fault.Error{customer.ErrStaffSession, customer.ErrStaffUnknown},
	}, r.me)
	handle(s, Route{
		ID: "sign-out-staff", Method: http.MethodDelete, Path: "/v1/staff/sessions/current", Tag: "staff",
		Summary: "Sign out", Auth: staffOnly(), Once: OnceNever, Errors: []*fault.Error{customer.ErrStaffSession, errCSRF},
	}, func(ctx context.Context, _ *struct{}) (*signedOutOut, error) {
		who := caller(ctx)
		return &signedOutOut{s.setCookie("", 0)}, svc.SignOutStaff(ctx, who.Merchant, who.KeyID)
	})
	handle(s, Route{
		ID: "sign-out-staff-everywhere", Method: http.MethodDelete, Path: "/v1/staff/sessions", Tag: "staff",
		Summary: "Sign out of every session of one's own, wherever it is", Auth: staffOnly(), Once: OnceNever, Errors: []*fault.Error{customer.ErrStaffSession, errCSRF},
	}, func(ctx context.Context, _ *struct{}) (*signedOutOut, error) {
		who := caller(ctx)
		_, err := svc.SignOutStaffEverywhere(ctx, who.Merchant, who.Staff)
		return &signedOutOut{s.setCookie("", 0)}, err
	})
	r.manage()
}

// manage adds the routes by which staff come and go.
func (r *staffDoor) manage() {
	s, svc := r.server, r.staff
	handle(s, Route{
		ID: "list-staff", Method: http.MethodGet, Path: "/v1/staff", Tag: "staff",
		Summary: "List who works for the shop, the invited too", Auth: secret("settings:read"),
	}, func(ctx context.Context, _ *struct{}) (*staffListOut, error) {
		all, err := svc.ListStaff(ctx, caller(ctx).Merchant)
		if err != nil {
			return nil, err
		}
		out := &staffListOut{StaffList{Data: make([]StaffMember, 0, len(all))}}
		for _, m := range all {
			out.Body.Data = append(out.Body.Data, staffMemberOf(m))
		}
		return out, nil
	})
	handle(s, Route{
		ID: "invite-staff", Method: http.MethodPost, Path: "/v1/staff", Status: http.StatusCreated, Tag: "staff",
		Summary:     "Invite somebody to join the staff",
		Description: "A code that works once, within seven days, goes to the address. Nobody can invite to a role that may do more than they may themselves. Inviting again makes the earlier code void.",
		Auth:        secret("settings:write"), Fresh: true, Errors: []*fault.Error{customer.ErrEmail, customer.ErrRole, customer.ErrStaffActive, errScopeMissing, errSignInAgain},
	}, r.invite)
	handle(s, Route{
		ID: "remove-staff", Method: http.MethodDelete, Path: "/v1/staff/{id}", Tag: "staff",
		Summary:     "Remove a member of staff or an invitation",
		Description: "Their sessions end at once and their address is erased; the audit log keeps their id.",
		Auth:        secret("settings:write"), Fresh: true, Errors: []*fault.Error{customer.ErrStaffUnknown, customer.ErrLastOwner, errScopeMissing, errSignInAgain},
	}, func(ctx context.Context, in *removeStaffIn) (*struct{}, error) {
		m, err := svc.StaffMember(ctx, caller(ctx).Merchant, in.ID)
		if err == nil {
			err = within(caller(ctx), m.Role)
		}
		if err != nil {
			return nil, err
		}
		return nil, svc.RemoveStaff(ctx, caller(ctx).Merchant, in.ID)
	})
}

// within refuses to give or take a role that may do more than the caller.
func within(p Principal, role customer.Role) error {
	for _, scope := range role.Scopes() {
		if !p.Has(scope) {
			return errScopeMissing.With("scope", scope)
		}
	}
	return nil
}

// merchant is the one that is named, or the only one there is.
func (r *staffDoor) merchant(ctx context.Context, named uuid.UUID) (uuid.UUID, error) {
	if err := fromOwnPage(ctx); err != nil || named != uuid.Nil {
		return named, err
	}
	return r.staff.SoleMerchant(ctx)
}

func (r *staffDoor) ask(ctx context.Context, in *askStaffCodeIn) (*askCodeOut, error) {
	merchant, err := r.merchant(ctx, in.Body.MerchantID)
	if err != nil {
		return nil, err
	}
	request, expires, err := r.staff.AskStaffCode(ctx, merchant, in.Body.Email, string(language(ctx)), guesser(ctx))
	return &askCodeOut{CodeOnItsWay{request, expires}}, err
}

func (r *staffDoor) signIn(ctx context.Context, in *signInStaffIn) (*staffSignedInOut, error) {
	merchant, err := r.merchant(ctx, in.Body.MerchantID)
	if err != nil {
		return nil, err
	}
	return r.begin(r.staff.SignInStaff(ctx, merchant, in.Body.RequestID, in.Body.Code, requestIn(ctx).peer.String()))
}

func (r *staffDoor) join(ctx context.Context, in *joinStaffIn) (*staffSignedInOut, error) {
	merchant, err := r.merchant(ctx, in.Body.MerchantID)
	if err != nil {
		return nil, err
	}
	return r.begin(r.staff.JoinStaff(ctx, merchant, in.Body.Code, requestIn(ctx).peer.String()))
}

// begin answers with a session that has just begun.
func (r *staffDoor) begin(sn customer.StaffSession, token string, err error) (*staffSignedInOut, error) {
	if err != nil {
		return nil, err
	}
	return &staffSignedInOut{
		SetCookie: r.server.setCookie(token, sn.ExpiresAt.Sub(sn.CreatedAt)),
		Body:      StaffSignedIn{StaffID: sn.StaffID, Role: string(sn.Role), CSRFToken: customer.CSRFToken(token), ExpiresAt: sn.ExpiresAt},
	}, nil
}

func (r *staffDoor) me(ctx context.Context, _ *struct{}) (*staffMeOut, error) {
	who := caller(ctx)
	m, err := r.staff.StaffMember(ctx, who.Merchant, who.Staff)
	if err != nil {
		return nil, err
	}
	return &staffMeOut{StaffMe{StaffMember: staffMemberOf(m), MerchantID: who.Merchant, Scopes: who.Scopes, CSRFToken: customer.CSRFToken(requestIn(ctx).session)}}, nil
}

func (r *staffDoor) invite(ctx context.Context, in *inviteStaffIn) (*staffMemberOut, error) {
	if err := within(caller(ctx), customer.Role(in.Body.Role)); err != nil {
		return nil, err
	}
	m, _, err := r.staff.Invite(ctx, caller(ctx).Merchant, in.Body.Email, customer.Role(in.Body.Role))
	return &staffMemberOut{staffMemberOf(m)}, inBody(err, "body")
}
