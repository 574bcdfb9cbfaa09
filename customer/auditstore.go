package customer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

// AuditEntry is one act as the log has it.
type AuditEntry struct {
	Seq                            int64 // from 1, without gaps
	ID                             uuid.UUID
	ActedAt                        time.Time
	Actor, Origin, Action, Subject string
	Changes                        []Change
	Hash                           []byte // SHA-256 over the entry and the hash of the one before it
}

// queueEntry adds an entry to the end of the merchant's chain. The statements
// go out with the commit, so that the chain is held for a moment only.
func queueEntry(tx db.Tx, c *content, text string) {
	tx.Queue(`insert into audit_heads (merchant_id, seq, hash) values ($1, 0, $2) on conflict do nothing`, c.Merchant, make([]byte, sha256.Size))
	tx.Queue(`with head as (
			select seq + 1 as seq, hash from audit_heads where merchant_id = $1 for update
		), entry as (
			insert into audit_log (merchant_id, seq, id, acted_at, actor, origin, action, subject, content, prev_hash, hash)
			select $1, head.seq, $2, $3, $4, $5, $6, $7, $8, head.hash, sha256(head.hash || int8send(head.seq) || convert_to($8, 'UTF8')) from head
			returning seq, hash)
		update audit_heads h set seq = entry.seq, hash = entry.hash from entry where h.merchant_id = $1`,
		c.Merchant, c.ID, c.ActedAt, c.Actor, c.Origin, c.Action, c.Subject, text)
}

// AuditLog lists a merchant's acts, the newest first, at most limit of those
// before the entry with that number (0: from the newest).
func (s *Service) AuditLog(ctx context.Context, merchant uuid.UUID, limit int, before int64) ([]AuditEntry, error) {
	rows, err := s.db.Query(ctx, `select seq, content, hash from audit_log
		where merchant_id = $1 and ($2 = 0 or seq < $2) order by seq desc limit $3`, merchant, before, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e AuditEntry, err error) {
		var text string
		if err := row.Scan(&e.Seq, &text, &e.Hash); err != nil {
			return e, err
		}
		var c content
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			return e, fmt.Errorf("customer: audit entry %d: %w", e.Seq, err)
		}
		e.ID, e.ActedAt, e.Actor, e.Origin, e.Action, e.Subject, e.Changes = c.ID, c.ActedAt, c.Actor, c.Origin, c.Action, c.Subject, c.Changes
		return e, nil
	})
}

// AuditChain is what VerifyAudit found of a merchant's log.
type AuditChain struct {
	Merchant uuid.UUID
	Entries  int64
	Head     []byte // hash of the last entry: written down elsewhere, it also proves that none was cut off the end
	Broken   []string
}

// VerifyAudit follows a merchant's chain from its first entry and says where it
// is broken: an entry that was changed, taken out, put in or moved, or an end
// that is not the last one. With a head given as "SEQ:HASH", as it was noted
// before, the entry of that number must have that hash.
func (s *Service) VerifyAudit(ctx context.Context, merchant uuid.UUID, head string) (AuditChain, error) {
	chain := AuditChain{Merchant: merchant, Head: make([]byte, sha256.Size)}
	err := db.Run(ctx, s.db, func(tx db.Tx) error {
		chain = AuditChain{Merchant: merchant, Head: make([]byte, sha256.Size)}
		// One snapshot of the end and of the entries: the chain grows meanwhile.
		if _, err := tx.Exec(ctx, `set transaction isolation level repeatable read, read only`); err != nil {
			return err
		}
		var end []byte
		var last int64
		found, err := db.One(tx.QueryRow(ctx, `select seq, hash from audit_heads where merchant_id = $1`, merchant), &last, &end)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select seq, id, acted_at, actor, origin, action, subject, content, prev_hash, hash from audit_log
			where merchant_id = $1 order by seq`, merchant)
		if err != nil {
			return err
		}
		defer rows.Close()
		noted := head == ""
		for rows.Next() {
			if err := chain.follow(rows); err != nil {
				return err
			}
			noted = noted || strings.EqualFold(head, fmt.Sprintf("%d:%x", chain.Entries, chain.Head))
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if found && (last != chain.Entries || !bytes.Equal(end, chain.Head)) || !found && chain.Entries > 0 {
			chain.broken("the end of the chain is not its last entry, %d", chain.Entries)
		}
		if !noted {
			chain.broken("it has no entry %s any more", head)
		}
		return nil
	})
	return chain, err
}

func (c *AuditChain) broken(format string, args ...any) {
	if len(c.Broken) < 20 { // one is bad enough
		c.Broken = append(c.Broken, fmt.Sprintf(format, args...))
	}
}

// follow checks the next entry.
func (c *AuditChain) follow(rows pgx.Rows) error {
	var seq int64
	var row, kept content
	var text string
	var prev, hash []byte
	if err := rows.Scan(&seq, &row.ID, &row.ActedAt, &row.Actor, &row.Origin, &row.Action, &row.Subject, &text, &prev, &hash); err != nil {
		return err
	}
	if seq != c.Entries+1 {
		c.broken("entry %d follows %d", seq, c.Entries)
	}
	if !bytes.Equal(prev, c.Head) {
		c.broken("entry %d does not follow the one before it", seq)
	}
	sum := sha256.New()
	sum.Write(prev)
	sum.Write(binary.BigEndian.AppendUint64(nil, uint64(seq)))
	sum.Write([]byte(text))
	if !bytes.Equal(sum.Sum(nil), hash) {
		c.broken("entry %d is not what was written", seq)
	}
	if err := json.Unmarshal([]byte(text), &kept); err != nil || kept.ID != row.ID || kept.Merchant != c.Merchant || !kept.ActedAt.Equal(row.ActedAt) ||
		kept.Actor != row.Actor || kept.Origin != row.Origin || kept.Action != row.Action || kept.Subject != row.Subject {
		c.broken("entry %d shows something else than was written", seq)
	}
	c.Entries, c.Head = seq, bytes.Clone(hash)
	return nil
}
