package api

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"reflect"
	"strings"
	"time"

	"doorstep/support/dialog"
	"doorstep/support/understand"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
)

// eventStream is the media type of server-sent events.
const eventStream = "text/event-stream"

// wantsEvents says whether a caller can read an answer in parts.
func wantsEvents(accept string) bool { return strings.Contains(accept, eventStream) }

// written is handle for routes whose handler writes its own answer: JSON of the
// given type, or server-sent events. Both stand in the document.
func written[I, O any](s *Server, route Route, body reflect.Type, handler func(context.Context, *I) (*O, error)) {
	declared := s.declare(route)
	s.declaring = declared
	mustExport(route.ID, reflect.TypeFor[I]())
	op := s.operation(declared)
	op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{
		fiber.MIMEApplicationJSON: {Schema: s.huma.OpenAPI().Components.Schemas.Schema(body, true, body.Name())},
		eventStream:               {Schema: &huma.Schema{Type: huma.TypeString, Description: "Events: reading {intents, language}, text {text} for each piece of the reply, reply with the whole answer as in JSON, or error {status, code, detail}"}},
	}}
	huma.Register(s.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(s.watch(ctx, declared, in), in)
		if err != nil {
			return nil, s.refuse(requestIn(ctx), err)
		}
		return out, nil
	})
}

// streamTime is how long an answer in parts may take in all.
const streamTime = 20 * time.Second

// events answers with what work tells, each part as soon as it is told. The answer
// begins at once, so that what goes wrong comes as an event named error.
func (s *Server) events(ctx context.Context, work func(ctx context.Context, tell func(event string, body any)) error) *assistantOut {
	r := *requestIn(ctx) // the request ends before its answer does
	return &assistantOut{func(h huma.Context) {
		c := humafiber.Unwrap(h)
		conn := c.Context().Conn()
		c.Set(fiber.HeaderContentType, eventStream)
		c.Set(fiber.HeaderCacheControl, "no-store")
		c.Set("X-Accel-Buffering", "no")
		base := context.WithoutCancel(ctx)
		c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
			ctx, end := context.WithTimeout(base, streamTime)
			defer end()
			tell := func(event string, body any) { s.event(conn, w, event, body) }
			defer func() {
				if p := recover(); p != nil {
					tell("error", s.refuse(&r, fmt.Errorf("panic: %v", p)))
				}
			}()
			if err := work(ctx, tell); err != nil {
				tell("error", s.refuse(&r, err))
			}
		})
	}}
}

// event writes one event, with time to arrive.
func (s *Server) event(conn net.Conn, w *bufio.Writer, name string, body any) {
	b, err := marshal(body)
	if err != nil {
		return // our own types: a test would have met it
	}
	if conn != nil {
		_ = conn.SetWriteDeadline(s.machine.Now().Add(writeTimeout)) // a dead connection shows at the flush
	}
	_, _ = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, b)
	_ = w.Flush() // who has gone away misses the rest; the turn is kept
}

// AssistantReading is what a message was read as, before it is answered.
type AssistantReading struct {
	Intents  []string `json:"intents"`
	Language string   `json:"language"`
}

// AssistantPiece is a piece of a reply.
type AssistantPiece struct {
	Text string `json:"text"`
}

// stream tells a turn in parts.
func (r *assistantRoom) stream(ctx context.Context, m dialog.Message, tell func(event string, body any)) error {
	m.Watch = func(read understand.Reading) {
		out := AssistantReading{Intents: []string{}, Language: read.Language}
		for _, a := range read.Asks {
			out.Intents = append(out.Intents, a.Intent)
		}
		tell("reading", out)
	}
	reply, err := r.svc.Turn(ctx, m)
	if err != nil {
		return err
	}
	for _, piece := range pieces(reply.Text) {
		tell("text", AssistantPiece{piece})
	}
	tell("reply", assistantReplyOf(&reply))
	return nil
}

// pieceSize is about how many bytes of a reply go out at once.
const pieceSize = 48

// pieces cuts a text where words end; together they are the text.
func pieces(text string) (all []string) {
	for len(text) > pieceSize {
		end := strings.IndexAny(text[pieceSize:], " \n")
		if end < 0 {
			break
		}
		all = append(all, text[:pieceSize+end+1])
		text = text[pieceSize+end+1:]
	}
	if text != "" {
		all = append(all, text)
	}
	return all
}
