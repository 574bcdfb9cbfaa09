package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/support/hook"

	"github.com/google/uuid"
)

// supportRoom is all that the routes of cases, hooks and the contact rate ask of their
// room.
type supportRoom interface {
	Cases(ctx context.Context, merchant uuid.UUID, f hook.Filter) ([]hook.Case, error)
	Case(ctx context.Context, merchant, caseID uuid.UUID) (hook.Case, []hook.CaseEvent, error)
	Assign(ctx context.Context, merchant, caseID, to uuid.UUID, actor string) (hook.Case, error)
	Resolve(ctx context.Context, merchant, caseID uuid.UUID, resolution, note, actor string) (hook.Case, error)
	Note(ctx context.Context, merchant, caseID uuid.UUID, text, actor string) (hook.Case, error)
	Hooks(ctx context.Context, merchant uuid.UUID) ([]hook.Hook, error)
	Hook(ctx context.Context, merchant, id uuid.UUID) (hook.Hook, error)
	AddHook(ctx context.Context, merchant uuid.UUID, f hook.Form, actor string) (hook.Hook, error)
	UpdateHook(ctx context.Context, merchant, id uuid.UUID, ifVersion *int64, patch func(*hook.Form)) (hook.Hook, error)
	DeleteHook(ctx context.Context, merchant, id uuid.UUID) error
	Try(ctx context.Context, merchant, id, signal uuid.UUID) (hook.Trial, error)
	ContactRate(ctx context.Context, merchant uuid.UUID, from, to string, weekly bool) (*hook.Rates, error)
}

// SupportCase is something that a person has to look after.
type SupportCase struct {
	ID             uuid.UUID       `json:"id" format:"uuid"`
	Kind           string          `json:"kind" enum:"payment_failed,payment_unknown,shipment_delayed,delivery_failed,lost,return_requested,refund_overdue,claim,dispute,assistant_handoff,fraud_review"`
	SubjectID      uuid.UUID       `json:"subject_id" format:"uuid" doc:"The parcel, payment, refund, return, claim or conversation that it is about"`
	Status         string          `json:"status" enum:"open,resolved"`
	Priority       string          `json:"priority" enum:"low,normal,high,urgent"`
	Tags           []string        `json:"tags"`
	OrderID        *uuid.UUID      `json:"order_id" format:"uuid"`
	OrderNumber    string          `json:"order_number,omitempty" example:"DS-7K3M-Q2XT-H"`
	ContactID      *uuid.UUID      `json:"contact_id" format:"uuid"`
	CustomerID     *uuid.UUID      `json:"customer_id" format:"uuid"`
	ConversationID *uuid.UUID      `json:"conversation_id" format:"uuid"`
	ByCustomer     bool            `json:"by_customer" doc:"The customer came up with it; else the shop noticed it first"`
	Times          int             `json:"times" doc:"It was heard of so often"`
	Snapshot       json.RawMessage `json:"snapshot" doc:"The order and what happened, as it was when the case was opened"`
	AssignedTo     *uuid.UUID      `json:"assigned_to" format:"uuid"`
	DueAt          *time.Time      `json:"due_at" doc:"In the shop's working hours"`
	Overdue        bool            `json:"overdue"`
	Resolution     string          `json:"resolution,omitempty" doc:"solved, answered, refunded, replaced, nothing_to_do or other; or how it ended by itself, such as delivered"`
	ResolvedAt     *time.Time      `json:"resolved_at"`
	Version        int64           `json:"version"`
	CreatedAt      time.Time       `json:"created_at"`
	UpdatedAt      time.Time       `json:"updated_at"`
}

func caseOf(c hook.Case, now time.Time) SupportCase {
	return SupportCase{
		ID: c.ID, Kind: string(c.Kind), SubjectID: c.SubjectID, Status: c.Status, Priority: c.Priority, Tags: orEmpty(c.Tags), OrderID: c.OrderID, OrderNumber: c.OrderNumber,
		ContactID: c.ContactID, CustomerID: c.CustomerID, ConversationID: c.ConversationID, ByCustomer: c.ByCustomer, Times: c.Times, Snapshot: object(c.Snapshot),
		AssignedTo: c.AssignedTo, DueAt: c.DueAt, Overdue: c.Overdue(now), Resolution: c.Resolution, ResolvedAt: c.ResolvedAt, Version: c.Version, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
}

// object is JSON that is never absent.
func object(b json.RawMessage) json.RawMessage {
	if len(b) == 0 {
		return json.RawMessage(`{}`)
	}
	return b
}

// CaseStory is one line of the story of a case.
type CaseStory struct {
	ID        uuid.UUID       `json:"id" format:"uuid"`
	Kind      string          `json:"kind" enum:"opened,repeated,noticed,withheld,priority,tagged,assigned,noted,overdue,resolved" doc:"noticed: the buyer was told; withheld: and why not"`
	Actor     string          `json:"actor" doc:"system, staff:ID or api_key:ID"`
	Text      string          `json:"text"`
	Data      json.RawMessage `json:"data"`
	CreatedAt time.Time       `json:"created_at"`
}

// WholeCase is a case with its story.
type WholeCase struct {
	SupportCase
	Story []CaseStory `json:"story" doc:"The oldest line first"`
}

type caseOut struct{ Body SupportCase }
type wholeCaseOut struct{ Body WholeCase }

type listCasesIn struct {
	PageQuery
	Status  string    `query:"status" enum:"open,resolved"`
	Kind    string    `query:"kind" enum:"payment_failed,payment_unknown,shipment_delayed,delivery_failed,lost,return_requested,refund_overdue,claim,dispute,assistant_handoff,fraud_review"`
	OrderID uuid.UUID `query:"order_id" format:"uuid"`
	Mine    bool      `query:"mine" doc:"Only those assigned to the caller; with a session"`
	Overdue bool      `query:"overdue" doc:"Only open ones whose due time has passed"`
}

type assignCaseIn struct {
	ByID
	Body struct {
		StaffID *uuid.UUID `json:"staff_id,omitempty" format:"uuid" doc:"Who looks after it; without it the caller does, with a session"`
		Nobody  bool       `json:"nobody,omitempty" doc:"Nobody looks after it"`
	}
}

type resolveCaseIn struct {
	ByID
	Body struct {
		Resolution string `json:"resolution" enum:"solved,answered,refunded,replaced,nothing_to_do,other"`
		Note       string `json:"note,omitempty" maxLength:"4000"`
	}
}

type noteCaseIn struct {
	ByID
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"4000" example:"Called the carrier."`
	}
}

const caseList = "support_cases"

func registerCases(s *Server, room supportRoom, members inboxRoom) {
	const tag, path = "support", "/v1/support/cases/{id}"
	read, write := secret("support:read"), secret("support:write")
	now := s.clock.Now
	one := func(c hook.Case, err error) (*caseOut, error) {
		if err != nil {
			return nil, inBody(err, "body")
		}
		return &caseOut{caseOf(c, now())}, nil
	}
	handle(s, Route{
		ID: "list-cases", Method: http.MethodGet, Path: "/v1/support/cases", Tag: tag, Summary: "List cases, the newest first",
		Auth: read, Errors: []*fault.Error{errCursor, hook.ErrCase},
	}, func(ctx context.Context, in *listCasesIn) (*listOut[SupportCase], error) {
		at, last, _, err := parseTimeCursor(caseList, in.Cursor)
		if err != nil {
			return nil, err
		}
		f := hook.Filter{Status: in.Status, Kind: hook.Event(in.Kind), Overdue: in.Overdue, AfterTime: at, AfterID: last, Limit: in.Limit + 1}
		if in.OrderID != uuid.Nil {
			f.Order = &in.OrderID
		}
		if in.Mine {
			staff := caller(ctx).Staff
			if f.Assigned = &staff; staff == uuid.Nil {
				return nil, hook.ErrCase.At("query.mine", "needs a session of a member of staff")
			}
		}
		all, err := room.Cases(ctx, caller(ctx).Merchant, f)
		if err != nil {
			return nil, err
		}
		all, next := pageOf(caseList, all, in.Limit, func(c *hook.Case) (time.Time, uuid.UUID) { return c.CreatedAt, c.ID })
		return listOf(all, next, func(c hook.Case) SupportCase { return caseOf(c, now()) }), nil
	})
	handle(s, Route{
		ID: "read-case", Method: http.MethodGet, Path: path, Tag: tag, Summary: "Read a case with its story", Auth: read, Errors: []*fault.Error{hook.ErrNoCase},
	}, func(ctx context.Context, in *ByID) (*wholeCaseOut, error) {
		c, story, err := room.Case(ctx, caller(ctx).Merchant, in.ID)
		if err != nil {
			return nil, err
		}
		out := &wholeCaseOut{WholeCase{SupportCase: caseOf(c, now()), Story: make([]CaseStory, len(story))}}
		for i, e := range story {
			out.Body.Story[i] = CaseStory{ID: e.ID, Kind: e.Kind, Actor: e.Actor, Text: e.Body, Data: object(e.Data), CreatedAt: e.CreatedAt}
		}
		return out, nil
	})
	handle(s, Route{
		ID: "assign-case", Method: http.MethodPost, Path: path + "/assign", Tag: tag, Summary: "Give a case to somebody",
		Auth: write, Errors: []*fault.Error{hook.ErrNoCase, hook.ErrCaseClosed, customer.ErrStaffUnknown, errNoStaff},
	}, func(ctx context.Context, in *assignCaseIn) (*caseOut, error) {
		to := caller(ctx).Staff
		switch {
		case in.Body.Nobody:
			to = uuid.Nil
		case in.Body.StaffID != nil:
			to = *in.Body.StaffID
			if err := members.Member(ctx, caller(ctx).Merchant, to); err != nil {
				return nil, err
			}
		case to == uuid.Nil:
			return nil, errNoStaff
		}
		return one(room.Assign(ctx, caller(ctx).Merchant, in.ID, to, actor(ctx)))
	})
	handle(s, Route{
		ID: "resolve-case", Method: http.MethodPost, Path: path + "/resolve", Tag: tag, Summary: "Resolve a case",
		Auth: write, Errors: []*fault.Error{hook.ErrNoCase, hook.ErrCaseClosed, hook.ErrCase},
	}, func(ctx context.Context, in *resolveCaseIn) (*caseOut, error) {
		return one(room.Resolve(ctx, caller(ctx).Merchant, in.ID, in.Body.Resolution, strings.TrimSpace(in.Body.Note), actor(ctx)))
	})
	handle(s, Route{
		ID: "note-case", Method: http.MethodPost, Path: path + "/note", Tag: tag, Summary: "Note something in a case",
		Auth: write, Errors: []*fault.Error{hook.ErrNoCase, hook.ErrCase},
	}, func(ctx context.Context, in *noteCaseIn) (*caseOut, error) {
		return one(room.Note(ctx, caller(ctx).Merchant, in.ID, in.Body.Text, actor(ctx)))
	})
}

// ContactRateRow counts contacts, and what the shop noticed first.
type ContactRateRow struct {
	Start    string `json:"start,omitempty" example:"2026-03-02" doc:"The first day of the day or week; absent for the whole period"`
	Reason   string `json:"reason,omitempty" example:"order_status" doc:"The assistant's topic, or the kind of case; absent for all together"`
	Orders   int64  `json:"orders" doc:"Placed in that time, whatever the reason"`
	Contacts int64  `json:"contacts" doc:"Conversations that reached a person or asked about an order, and cases that customers opened without one"`
	RateBps  *int64 `json:"rate_bps" doc:"Contacts per 100 orders, in hundredths: 325 is 3.25; null without orders"`
	Cases    int64  `json:"shop_cases" doc:"Cases that the shop opened by itself"`
	Notices  int64  `json:"notices" doc:"Times that customers were told before they asked"`
}

func contactRowOf(r *hook.RateRow) ContactRateRow {
	row := ContactRateRow{Start: r.Start, Reason: r.Reason, Orders: r.Orders, Contacts: r.Contacts, Cases: r.Cases, Notices: r.Notices}
	if bps := r.Bps(); bps >= 0 {
		row.RateBps = &bps
	}
	return row
}

// ContactRateReport is how often customers had to get in touch.
type ContactRateReport struct {
	From     string           `json:"from" example:"2026-03-01"`
	To       string           `json:"to" example:"2026-03-31"`
	Interval string           `json:"interval" enum:"day,week"`
	TimeZone string           `json:"time_zone" example:"Asia/Yerevan" doc:"In which days are days: that of the working hours"`
	Total    ContactRateRow   `json:"total"`
	Reasons  []ContactRateRow `json:"reasons" doc:"Of the whole period, the most contacts first"`
	Days     []ContactRateRow `json:"days" doc:"Every day or week of the period"`
	Data     []ContactRateRow `json:"data" doc:"By day or week and reason"`
}

type contactRateIn struct {
	PeriodQuery
	IntervalQuery
}

type contactRateOut struct{ Body ContactRateReport }

func registerContactRate(s *Server, room supportRoom) {
	handle(s, Route{
		ID: "report-contact-rate", Method: http.MethodGet, Path: "/v1/analytics/contact-rate", Tag: "analytics", Summary: "How often customers had to get in touch",
		Description: "Contacts per 100 orders by reason, and beside them what the shop noticed before anybody asked.", Auth: secret("analytics:read"), Errors: []*fault.Error{hook.ErrPeriod},
	}, func(ctx context.Context, in *contactRateIn) (*contactRateOut, error) {
		r, err := room.ContactRate(ctx, caller(ctx).Merchant, in.From, in.To, in.Interval == "week")
		if err != nil {
			return nil, err
		}
		interval := "day"
		if r.Weekly {
			interval = "week"
		}
		rows := func(all []hook.RateRow) []ContactRateRow {
			list := make([]ContactRateRow, len(all))
			for i := range all {
				list[i] = contactRowOf(&all[i])
			}
			return list
		}
		return &contactRateOut{ContactRateReport{
			From: r.From, To: r.To, Interval: interval, TimeZone: r.Zone, Total: contactRowOf(&r.Total), Reasons: rows(r.Reasons), Days: rows(r.Days), Data: rows(r.Rows),
		}}, nil
	})
}
