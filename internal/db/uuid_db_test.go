package db_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"doorstep/internal/dbtest"
	"doorstep/internal/id"
)

func TestUUIDsTravelAsTheyAre(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t).DB
	one, two := id.New(), id.New()
	var (
		back, null uuid.UUID
		some, none *uuid.UUID
		list       []uuid.UUID
		text       string
	)
	null = two // whatever was there before
	err := d.QueryRow(t.Context(), `select $1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid[], $1::uuid::text, array_length($6::uuid[], 1) is null`,
		one, &two, (*uuid.UUID)(nil), nil, []uuid.UUID{two, one}, []uuid.UUID{}).Scan(&back, &some, &none, &null, &list, &text, new(bool))
	if err != nil || back != one || some == nil || *some != two || none != nil || null != uuid.Nil || !slices.Equal(list, []uuid.UUID{two, one}) || text != one.String() {
		t.Fatal(back, some, none, null, list, text, err)
	}
	if err := d.QueryRow(t.Context(), `select $1::text::uuid`, one.String()).Scan(&back); err != nil || back != one {
		t.Fatal(back, err)
	}
}

func TestAUUIDCostsNoText(t *testing.T) {
	d := dbtest.New(t).DB
	conn, err := d.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	types, buf, one := conn.Conn().TypeMap(), make([]byte, 0, 64), any(id.New())
	if n := testing.AllocsPerRun(100, func() {
		if out, err := types.Encode(pgtype.UUIDOID, pgtype.BinaryFormatCode, one, buf); err != nil || len(out) != 16 {
			t.Error(out, err)
		}
	}); n > 2 {
		t.Fatalf("%v allocations for one argument", n)
	}
}
