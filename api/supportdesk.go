package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/support/desk"
	"doorstep/support/sla"

	"github.com/google/uuid"
)

// ReplyTemplateForm is an answer that staff give again and again.
type ReplyTemplateForm struct {
	Name   string            `json:"name" minLength:"1" maxLength:"100" example:"On its way"`
	Bodies map[string]string `json:"bodies" doc:"By language: en, hy, km. {name}, {order}, {order_status}, {shop}, {agent}, {carrier} and {tracking} are filled when it is used; one that cannot be filled refuses the answer" example:"{\"en\":\"Dear {name}, your order {order} is on its way.\"}"`
}

// ReplyTemplate is a reply template as it stands.
type ReplyTemplate struct {
	ID        uuid.UUID         `json:"id" format:"uuid"`
	Name      string            `json:"name"`
	Bodies    map[string]string `json:"bodies"`
	Version   int64             `json:"version"`
	CreatedAt time.Time         `json:"created_at"`
	UpdatedAt time.Time         `json:"updated_at"`
}

func replyTemplateOf(t desk.Template) ReplyTemplate {
	return ReplyTemplate{ID: t.ID, Name: t.Name, Bodies: t.Bodies, Version: t.Version, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt}
}

type replyTemplateOut struct {
	ETag string `header:"ETag"`
	Body ReplyTemplate
}

func oneReplyTemplate(t desk.Template, err error) (*replyTemplateOut, error) {
	if err != nil {
		return nil, inBody(err, "body")
	}
	return &replyTemplateOut{ETag: etag(t.Version), Body: replyTemplateOf(t)}, nil
}

type addReplyTemplateIn struct{ Body ReplyTemplateForm }

type changeReplyTemplateIn struct {
	ByID
	IfMatch
	Body ReplyTemplateForm
}

// HoursSpan is a span of working time.
type HoursSpan struct {
	From string `json:"from" pattern:"^[0-2][0-9]:[0-5][0-9]$" example:"09:00"`
	To   string `json:"to" pattern:"^[0-2][0-9]:[0-5][0-9]$" example:"18:00" doc:"At or before from it ends on the next day; 24:00 is midnight"`
}

// DeskSettings say when and how a shop answers.
type DeskSettings struct {
	TimeZone           string                 `json:"time_zone" maxLength:"64" example:"Asia/Yerevan"`
	Week               map[string][]HoursSpan `json:"week" doc:"Working hours by day: sun, mon, tue, wed, thu, fri, sat; up to 8 spans each, a day that is absent is free" example:"{\"mon\":[{\"from\":\"09:00\",\"to\":\"18:00\"}]}"`
	Holidays           []string               `json:"holidays" maxItems:"400" maxLength:"10" doc:"Dates on which no span begins" example:"[\"2026-12-31\"]"`
	FirstAnswerMinutes int                    `json:"first_answer_minutes" minimum:"1" maximum:"100000" example:"60" doc:"Working minutes until a person has answered"`
	MostOpen           int                    `json:"most_open" minimum:"1" maximum:"5" example:"3" doc:"Conversations that one person has at a time"`
	NoticesADay        int                    `json:"notices_a_day" minimum:"1" maximum:"20" example:"3" doc:"News of their orders that one customer is sent unasked in 24 hours"`
}

// DeskSettingsNow are the settings as they stand.
type DeskSettingsNow struct {
	DeskSettings
	OpenNow   bool      `json:"open_now" doc:"It is working time at this moment"`
	Version   int64     `json:"version"`
	UpdatedAt time.Time `json:"updated_at"`
}

func deskSettingsOf(s *desk.Settings, now time.Time) DeskSettingsNow {
	week := map[string][]HoursSpan{}
	for day, spans := range s.Hours.Week {
		for _, p := range spans {
			week[day] = append(week[day], HoursSpan(p))
		}
	}
	c, err := sla.Compile(s.Hours)
	return DeskSettingsNow{
		DeskSettings: DeskSettings{
			TimeZone: s.Hours.Timezone, Week: week, Holidays: orEmpty(s.Hours.Holidays), FirstAnswerMinutes: s.FirstAnswerMinutes, MostOpen: s.MostOpen, NoticesADay: s.NoticesADay,
		},
		OpenNow: err == nil && c.Open(now), Version: s.Version, UpdatedAt: s.UpdatedAt,
	}
}

func (b *DeskSettings) apply(s *desk.Settings) {
	s.Hours = sla.Hours{Timezone: b.TimeZone, Week: map[string][]sla.Span{}, Holidays: b.Holidays}
	for day, spans := range b.Week {
		for _, p := range spans {
			s.Hours.Week[day] = append(s.Hours.Week[day], sla.Span(p))
		}
	}
	s.FirstAnswerMinutes, s.MostOpen, s.NoticesADay = b.FirstAnswerMinutes, b.MostOpen, b.NoticesADay
}

type deskSettingsOut struct {
	ETag string `header:"ETag"`
	Body DeskSettingsNow
}

type changeDeskIn struct {
	IfMatch
	Body DeskSettings
}

func registerDesk(s *Server, room inboxRoom) {
	const tag, path = "support", "/v1/support/reply-templates/{id}"
	read, write := secret("support:read"), secret("support:write")
	handle(s, Route{
		ID: "list-reply-templates", Method: http.MethodGet, Path: "/v1/support/reply-templates", Tag: tag, Summary: "List reply templates, by their names", Auth: read,
	}, func(ctx context.Context, _ *struct{}) (*listOut[ReplyTemplate], error) {
		all, err := room.Templates(ctx, caller(ctx).Merchant)
		if err != nil {
			return nil, err
		}
		return listOf(all, "", replyTemplateOf), nil
	})
	handle(s, Route{
		ID: "add-reply-template", Method: http.MethodPost, Path: "/v1/support/reply-templates", Status: http.StatusCreated, Tag: tag, Summary: "Add a reply template",
		Auth: write, Errors: []*fault.Error{desk.ErrTemplate, desk.ErrNameTaken, desk.ErrManyReply},
	}, func(ctx context.Context, in *addReplyTemplateIn) (*replyTemplateOut, error) {
		return oneReplyTemplate(room.AddTemplate(ctx, caller(ctx).Merchant, desk.Template{Name: in.Body.Name, Bodies: in.Body.Bodies}))
	})
	handle(s, Route{
		ID: "read-reply-template", Method: http.MethodGet, Path: path, Tag: tag, Summary: "Read a reply template", Auth: read, Errors: []*fault.Error{desk.ErrNoReply},
	}, func(ctx context.Context, in *ByID) (*replyTemplateOut, error) {
		return oneReplyTemplate(room.Template(ctx, caller(ctx).Merchant, in.ID))
	})
	handle(s, Route{
		ID: "change-reply-template", Method: http.MethodPut, Path: path, Tag: tag, Summary: "Change a reply template",
		Auth: write, Errors: []*fault.Error{desk.ErrNoReply, desk.ErrTemplate, desk.ErrNameTaken, desk.ErrSettingsVersion},
	}, func(ctx context.Context, in *changeReplyTemplateIn) (*replyTemplateOut, error) {
		base, err := in.baseOr()
		if err != nil {
			return nil, err
		}
		return oneReplyTemplate(room.ChangeTemplate(ctx, caller(ctx).Merchant, desk.Template{ID: in.ID, Name: in.Body.Name, Bodies: in.Body.Bodies}, base))
	})
	handle(s, Route{
		ID: "delete-reply-template", Method: http.MethodDelete, Path: path, Tag: tag, Summary: "Remove a reply template", Auth: write, Errors: []*fault.Error{desk.ErrNoReply},
	}, func(ctx context.Context, in *ByID) (*struct{}, error) {
		return nil, room.DeleteTemplate(ctx, caller(ctx).Merchant, in.ID)
	})
	handle(s, Route{
		ID: "read-support-hours", Method: http.MethodGet, Path: "/v1/support/hours", Tag: tag, Summary: "See when and how the shop answers", Auth: read,
	}, func(ctx context.Context, _ *struct{}) (*deskSettingsOut, error) {
		set, err := room.Settings(ctx, caller(ctx).Merchant)
		if err != nil {
			return nil, err
		}
		return &deskSettingsOut{etag(set.Version), deskSettingsOf(&set, s.clock.Now())}, nil
	})
	handle(s, Route{
		ID: "change-support-hours", Method: http.MethodPut, Path: "/v1/support/hours", Tag: tag, Summary: "Decide when and how the shop answers",
		Description: "Due times that have been promised stay.", Auth: write, Errors: []*fault.Error{desk.ErrSettings, sla.ErrHours, desk.ErrSettingsVersion},
	}, func(ctx context.Context, in *changeDeskIn) (*deskSettingsOut, error) {
		base, err := in.baseOr()
		if err != nil {
			return nil, err
		}
		set, err := room.Save(ctx, caller(ctx).Merchant, base, in.Body.apply)
		if err != nil {
			return nil, inBody(err, "body")
		}
		return &deskSettingsOut{etag(set.Version), deskSettingsOf(&set, s.clock.Now())}, nil
	})
}
