package label

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/shipping/carrier"
)

// MediaType is how a format of labels is called in HTTP.
func MediaType(f carrier.Format) string {
	switch f {
	case carrier.ZPL:
		return "application/zpl"
	case carrier.PNG:
		return "image/png"
	}
	return "application/pdf"
}

// usualDPI is the resolution of a label whose carrier names none.
const usualDPI = 203

// keep queues papers, sealed, with the hash of their bytes.
func (s *Service) keep(tx db.Tx, merchant, owner uuid.UUID, papers []carrier.Paper, now time.Time) {
	n := 0
	for _, p := range papers {
		if len(p.Bytes) == 0 {
			continue
		}
		n++
		sum := sha256.Sum256(p.Bytes)
		format, dpi, kind := p.Format, p.DPI, p.Kind
		if format == "" {
			format = carrier.PDF
		}
		if dpi == 0 {
			dpi = usualDPI
		}
		if kind == "" {
			kind = "label"
		}
		tx.Queue(`insert into carrier_papers (merchant_id, owner_id, n, kind, format, media_type, dpi, number, sha256, size, content, created_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			merchant, owner, n, kind, string(format), MediaType(format), dpi, p.Number, sum[:], len(p.Bytes), s.Seal(merchant, owner, p.Bytes), now)
	}
}

// Print gives the nth paper of a label or a manifest, counted from 1, with its
// bytes. It fails with ErrNotFound or ErrForgotten.
func (s *Service) Print(ctx context.Context, merchant, owner uuid.UUID, n int) (Paper, []byte, error) {
	p := Paper{N: n}
	var sealed []byte
	found, err := db.One(s.DB.QueryRow(ctx, `select kind, format, media_type, dpi, number, sha256, size, content from carrier_papers
		where merchant_id = $1 and owner_id = $2 and n = $3`, merchant, owner, n), &p.Kind, &p.Format, &p.MediaType, &p.DPI, &p.Number, &p.SHA256, &p.Size, &sealed)
	switch {
	case err != nil:
		return p, nil, err
	case !found:
		return p, nil, ErrNotFound
	case sealed == nil:
		return p, nil, ErrForgotten
	}
	content, err := s.Open(merchant, owner, sealed)
	if err != nil {
		return p, nil, fmt.Errorf("label: paper %d of %s: %w", n, owner, err)
	}
	if sum := sha256.Sum256(content); string(sum[:]) != string(p.SHA256) {
		return p, nil, fmt.Errorf("label: paper %d of %s is not what was bought", n, owner)
	}
	return p, content, nil
}
