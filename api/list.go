package api

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/google/uuid"
)

// PageQuery is embedded in the input of every list: how much, and from where.
type PageQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many at most"`
	Cursor string `query:"cursor" maxLength:"1024" doc:"next_cursor of the page before"`
}

// List is the body of every list. NextCursor is left out on the last page.
type List[T any] struct {
	Data       []T    `json:"data"`
	NextCursor string `json:"next_cursor,omitempty" doc:"Send it as cursor to read on; absent on the last page"`
}

// listOut is the output of every list.
type listOut[T any] struct {
	Body List[T]
}

// listOf maps a room's values to a page; next is empty on the last one.
func listOf[T, V any](values []V, next string, body func(V) T) *listOut[T] {
	out := &listOut[T]{Body: List[T]{Data: make([]T, 0, len(values)), NextCursor: next}}
	for _, v := range values {
		out.Body.Data = append(out.Body.Data, body(v))
	}
	return out
}

// A cursor says where a list goes on: the sort values of the last row. It is
// opaque to callers, but no secret and no permission: queries stay within the
// caller's merchant whatever it says. list names the list and its order, so
// that a cursor of one is refused by another; the checksum catches typing and
// cutting, so that a damaged cursor never silently skips rows.

// encodeCursor packs at most 255 parts.
func encodeCursor(list string, parts ...string) string {
	b := []byte{1, byte(len(parts))}
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, checksum(list, b)))
}

// decodeCursor unpacks n parts, or refuses with cursor_invalid.
func decodeCursor(list, cursor string, n int) ([]string, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) < 6 {
		return nil, errCursor
	}
	b, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if b[0] != 1 || int(b[1]) != n || checksum(list, b) != sum {
		return nil, errCursor
	}
	rest := b[2:]
	parts := make([]string, 0, n)
	for range n {
		size, used := binary.Uvarint(rest)
		if used <= 0 || size > uint64(len(rest)-used) {
			return nil, errCursor
		}
		parts = append(parts, string(rest[used:used+int(size)]))
		rest = rest[used+int(size):]
	}
	if len(rest) > 0 {
		return nil, errCursor
	}
	return parts, nil
}

func checksum(list string, b []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE([]byte(list)), crc32.IEEETable, b)
}

// timeCursor is the cursor of lists in order of time, ties by id.
func timeCursor(list string, at time.Time, id uuid.UUID) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(at.UnixMicro()))
	return encodeCursor(list, string(b[:]), string(id[:]))
}

// parseTimeCursor reads a timeCursor. The empty cursor is the start: ok is false.
func parseTimeCursor(list, cursor string) (at time.Time, id uuid.UUID, ok bool, err error) {
	if cursor == "" {
		return at, id, false, nil
	}
	parts, err := decodeCursor(list, cursor, 2)
	if err != nil {
		return at, id, false, err
	}
	if len(parts[0]) != 8 || len(parts[1]) != 16 {
		return at, id, false, errCursor
	}
	copy(id[:], parts[1])
	micro := int64(binary.BigEndian.Uint64([]byte(parts[0])))
	// PostgreSQL's calendar ends before Go's; a made-up time is no place in a list.
	if at = time.UnixMicro(micro).UTC(); at.Year() < 1 || at.Year() > 9999 {
		return time.Time{}, uuid.Nil, false, errCursor
	}
	return at, id, true, nil
}
