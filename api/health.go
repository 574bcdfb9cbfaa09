package api

import (
	"context"
	"net/http"

	"doorstep/internal/fault"
)

type healthOut struct {
	CacheControl string `header:"Cache-Control" hidden:"true"`
	Body         struct {
		Status string `json:"status" enum:"ok"`
	}
}

type versionOut struct {
	Body Version
}

func healthy() *healthOut {
	out := &healthOut{CacheControl: "no-store"}
	out.Body.Status = "ok"
	return out
}

// registerHealth adds what load balancers and operators ask.
func registerHealth(s *Server) {
	handle(s, Route{
		ID: "live", Method: http.MethodGet, Path: "/health/live", Tag: "health", Auth: public(), Free: true,
		Summary: "Whether the program runs", Description: "Answers as long as the program can answer at all; restart it when it does not.",
	}, func(context.Context, *struct{}) (*healthOut, error) {
		return healthy(), nil
	})
	handle(s, Route{
		ID: "ready", Method: http.MethodGet, Path: "/health/ready", Tag: "health", Auth: public(), Free: true,
		Summary: "Whether the program can serve", Description: "503 while a needed part is down; send no traffic then.",
		Errors: []*fault.Error{errNotReady},
	}, func(ctx context.Context, _ *struct{}) (*healthOut, error) {
		if s.ready != nil {
			if err := s.ready(ctx); err != nil {
				return nil, errNotReady.Because(err)
			}
		}
		return healthy(), nil
	})
	handle(s, Route{
		ID: "version", Method: http.MethodGet, Path: "/version", Tag: "health", Auth: public(), Free: true,
		Summary: "Which program this is",
	}, func(context.Context, *struct{}) (*versionOut, error) {
		return &versionOut{Body: s.version}, nil
	})
}
