package recommend

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"doorstep/internal/db"
	"doorstep/internal/fault"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// RuleSet is a version of all rules of a shop. It is never changed: whoever wants
// others publishes the next one.
type RuleSet struct {
	Version int // 0: nothing was ever published
	Rules   []Rule
	Note    string
	By      string // such as staff:ID
	At      time.Time
}

// What can be wrong with versions of rules.
var (
	ErrRulesVersion  = fault.New(fault.Stale, "version_mismatch", "The rules have changed since you read them.")
	ErrRulesNotFound = fault.New(fault.NotFound, "rules_not_found", "There is no such version of the rules.")
)

const ruleColumns = `version, document, note, created_by, created_at`

func scanRules(row pgx.Row, r *RuleSet) error {
	var document []byte
	if err := row.Scan(&r.Version, &document, &r.Note, &r.By, &r.At); err != nil {
		return err
	}
	return json.Unmarshal(document, &r.Rules)
}

// Rules are the rules that count now. A shop that never published any has those
// of version 0: none.
func (s *Service) Rules(ctx context.Context, merchant uuid.UUID) (*RuleSet, error) {
	r := &RuleSet{}
	err := scanRules(s.DB.QueryRow(ctx, `select `+ruleColumns+` from rec_rules where merchant_id = $1 order by version desc limit 1`, merchant), r)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, nil
	}
	return r, err
}

// RulesOf is a version of the rules. It fails with ErrRulesNotFound.
func (s *Service) RulesOf(ctx context.Context, merchant uuid.UUID, version int) (*RuleSet, error) {
	r := &RuleSet{}
	err := scanRules(s.DB.QueryRow(ctx, `select `+ruleColumns+` from rec_rules where merchant_id = $1 and version = $2`, merchant, version), r)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrRulesNotFound
	}
	return r, err
}

// mostRuleSets bounds a list of versions.
const mostRuleSets = 200

// RuleSets lists the versions of the rules, the newest first.
func (s *Service) RuleSets(ctx context.Context, merchant uuid.UUID) ([]RuleSet, error) {
	var all []RuleSet
	return all, s.DB.Read(ctx, rows(&all, func(row pgx.Rows, r *RuleSet) error { return scanRules(row, r) },
		`select `+ruleColumns+` from rec_rules where merchant_id = $1 order by version desc limit $2`, merchant, mostRuleSets))
}

// PublishRules makes the next version, which counts at once here and within
// seconds in every other program. base is the version that it is based on; nil
// does not ask. It fails with ErrRules or ErrRulesVersion.
func (s *Service) PublishRules(ctx context.Context, merchant uuid.UUID, by, note string, base *int64, rules []Rule) (*RuleSet, error) {
	if err := CheckRules(rules); err != nil {
		return nil, err
	}
	if rules == nil {
		rules = []Rule{}
	}
	document, err := json.Marshal(rules)
	if err != nil {
		return nil, err
	}
	now := s.DB.Now().UTC().Truncate(time.Microsecond)
	r := &RuleSet{Rules: rules, Note: note, By: by, At: now}
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		if err := tx.QueryRow(ctx, `select coalesce(max(version), 0) + 1 from rec_rules where merchant_id = $1`, merchant).Scan(&r.Version); err != nil {
			return err
		}
		if base != nil && *base != int64(r.Version-1) {
			return ErrRulesVersion
		}
		_, err := tx.Exec(ctx, `insert into rec_rules (merchant_id, version, document, note, created_by, created_at) values ($1, $2, $3, $4, $5, $6)`,
			merchant, r.Version, document, note, by, now)
		if db.Violates(err, "rec_rules_pkey") { // somebody else was faster
			return ErrRulesVersion
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	sh := s.shop(merchant)
	sh.mu.Lock()
	if sh.rules == nil || sh.rules.Version < r.Version {
		sh.rules = r
	}
	sh.mu.Unlock()
	return r, nil
}
