package api

import (
	"context"
	"slices"
	"strings"

	"doorstep/internal/fault"

	"github.com/google/uuid"
)

// What resource files share in their dealings with rooms.

// ByID is embedded in the input of routes about one thing.
type ByID struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

// roomCursor unpacks a cursor of pageCursor for the room that made it. A room
// only ever sees cursors of its own, whole and of the same list.
func roomCursor(list, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	parts, err := decodeCursor(list, cursor, 1)
	if err != nil {
		return "", err
	}
	return parts[0], nil
}

// pageCursor packs a room's own cursor; the last page has none.
func pageCursor(list, next string) string {
	if next == "" {
		return ""
	}
	return encodeCursor(list, next)
}

// actor names the caller in timelines and in the audit log.
func actor(ctx context.Context) string {
	if p := caller(ctx); p.Staff != uuid.Nil {
		return "staff:" + p.Staff.String()
	}
	return "api_key:" + caller(ctx).KeyID.String()
}

// inBody says of a room's wrong places that they are in the body: rooms name
// fields of their own values. at is the path to those, such as "body".
func inBody(err error, at string) error {
	e, ok := fault.As(err)
	if !ok || len(e.Fields) == 0 {
		return err
	}
	c := *e
	c.Fields = slices.Clone(e.Fields)
	for i, f := range c.Fields {
		if f.Location != "body" && !strings.HasPrefix(f.Location, "body.") {
			c.Fields[i].Location = strings.TrimSuffix(at+"."+f.Location, ".")
		}
	}
	return &c
}

// edit lets a form stand where a room asks for a change that may fail.
func edit[T any](write func(*T)) func(*T) error {
	return func(t *T) error {
		write(t)
		return nil
	}
}

// base is the version that a change is based on as rooms ask for it: 0 for any.
func (m IfMatch) base() (int64, error) {
	v, said, err := m.version()
	if said && v == 0 {
		v = -1 // versions begin at 1, so this is no version
	}
	return v, err
}

// baseOr is base for rooms that ask for a pointer: nil for any.
func (m IfMatch) baseOr() (*int64, error) {
	v, said, err := m.version()
	if err != nil || !said {
		return nil, err
	}
	return &v, nil
}
