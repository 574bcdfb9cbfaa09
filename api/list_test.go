package api

import (
	"errors"
	"slices"
	"testing"
	"time"

	"doorstep/internal/id"

	"pgregory.net/rapid"
)

func TestACursorComesBackAsItWas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.String(), 0, 5).Draw(t, "parts")
		cursor := encodeCursor("products", parts...)
		got, err := decodeCursor("products", cursor, len(parts))
		if err != nil || !slices.Equal(got, parts) {
			t.Fatalf("%q became %q, %v", parts, got, err)
		}
		if _, err := decodeCursor("orders", cursor, len(parts)); !errors.Is(err, errCursor) {
			t.Fatal("a cursor of another list is accepted")
		}
		if _, err := decodeCursor("products", cursor, len(parts)+1); !errors.Is(err, errCursor) {
			t.Fatal("a cursor with too few parts is accepted")
		}
		i := rapid.IntRange(0, len(cursor)-1).Draw(t, "i")
		damaged := []byte(cursor)
		if damaged[i] = 'A'; damaged[i] == cursor[i] {
			damaged[i] = 'B'
		}
		if _, err := decodeCursor("products", string(damaged), len(parts)); !errors.Is(err, errCursor) {
			t.Fatal("a damaged cursor is accepted")
		}
	})
}

func TestATimeCursorKeepsTheMicrosecond(t *testing.T) {
	t.Parallel()
	at, row := time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC), id.New()
	gotAt, gotID, ok, err := parseTimeCursor("orders", timeCursor("orders", at, row))
	if err != nil || !ok || !gotAt.Equal(at) || gotID != row {
		t.Fatalf("%v %v %v %v", gotAt, gotID, ok, err)
	}
	if _, _, ok, err := parseTimeCursor("orders", ""); ok || err != nil {
		t.Fatal("no cursor is the start")
	}
	for _, bad := range []string{"x", "AQAA", encodeCursor("orders", "1", "2"), encodeCursor("orders", "\x7f\xff\xff\xff\xff\xff\xff\xff", string(row[:]))} {
		if _, _, _, err := parseTimeCursor("orders", bad); !errors.Is(err, errCursor) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestAnEmptyListIsAListAndTheLastPageHasNoCursor(t *testing.T) {
	t.Parallel()
	out := listOf([]int(nil), "", func(int) string { return "" })
	if b, _ := marshal(out.Body); string(b) != `{"data":[]}` {
		t.Fatalf("%s", b)
	}
	out = listOf([]int{1, 2}, "next", func(i int) string { return string(rune('a' + i)) })
	if b, _ := marshal(out.Body); string(b) != `{"data":["b","c"],"next_cursor":"next"}` {
		t.Fatalf("%s", b)
	}
}

func FuzzCursor(f *testing.F) {
	f.Add(encodeCursor("l", "a", "b"), 2)
	f.Add("AQEB", 1)
	f.Fuzz(func(t *testing.T, cursor string, n int) {
		parts, err := decodeCursor("l", cursor, n)
		if err == nil && len(parts) != n {
			t.Fatalf("%d parts, want %d", len(parts), n)
		}
		if err != nil && !errors.Is(err, errCursor) {
			t.Fatal(err)
		}
		if err == nil {
			if again, err := decodeCursor("l", encodeCursor("l", parts...), n); err != nil || !slices.Equal(again, parts) {
				t.Fatalf("%q %v", again, err)
			}
		}
		_, _, _, _ = parseTimeCursor("l", cursor)
	})
}
