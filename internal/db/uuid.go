package db

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// uuids teaches a connection to send and read uuid.UUID as it is. Without that
// the driver turns it into text, fails, and parses the text again: that took a
// fifth of the processor time of placing an order, which has some 60 of them.
func uuids(m *pgtype.Map) {
	one := &pgtype.Type{Name: "uuid", OID: pgtype.UUIDOID, Codec: uuidCodec{}}
	m.RegisterType(one)
	m.RegisterType(&pgtype.Type{Name: "_uuid", OID: pgtype.UUIDArrayOID, Codec: &pgtype.ArrayCodec{ElementType: one}})
}

// uuidCodec is the driver's own, with plans for uuid.UUID in the binary format.
type uuidCodec struct{ pgtype.UUIDCodec }

// PlanEncode is how a value is sent.
func (c uuidCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(uuid.UUID); ok && format == pgtype.BinaryFormatCode {
		return encodeUUID{}
	}
	return c.UUIDCodec.PlanEncode(m, oid, format, value)
}

// PlanScan is how a value is read.
func (c uuidCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if _, ok := target.(*uuid.UUID); ok && format == pgtype.BinaryFormatCode {
		return scanUUID{}
	}
	return c.UUIDCodec.PlanScan(m, oid, format, target)
}

type encodeUUID struct{}

// Encode appends the 16 bytes.
func (encodeUUID) Encode(value any, buf []byte) ([]byte, error) {
	u, ok := value.(uuid.UUID)
	if !ok {
		return nil, fmt.Errorf("db: %T is no uuid", value)
	}
	return append(buf, u[:]...), nil
}

type scanUUID struct{}

// Scan takes the 16 bytes; null is the zero uuid.
func (scanUUID) Scan(from []byte, into any) error {
	u, ok := into.(*uuid.UUID)
	switch {
	case !ok:
		return fmt.Errorf("db: %T is no uuid", into)
	case from == nil:
		*u = uuid.Nil
	case len(from) != len(u):
		return fmt.Errorf("db: a uuid of %d bytes", len(from))
	default:
		copy(u[:], from)
	}
	return nil
}
