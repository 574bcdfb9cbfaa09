package inbound

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base32"
	"encoding/base64"
	"net/mail"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/fault"
	"doorstep/notify"
)

// The modes: how much the assistant does with mail by itself.
const (
	Off    = "off"   // mail is not taken
	Drafts = "draft" // staff send every answer
	Send   = "send"  // what is sure goes out, the rest are drafts
)

// Settings are a shop's decisions about its mail.
type Settings struct {
	// Address is where customers write to; empty is the shop's address for answers.
	Address string
	Mode    string
	// ConfidenceBPS is how sure the reading of a mail has to be, in basis points, for
	// its answer to go out.
	ConfidenceBPS int
	Version       int64
}

// usual is what holds before a shop has decided.
var usual = Settings{Mode: Drafts, ConfidenceBPS: 8_000}

var (
	// ErrSettings says that a setting is not possible.
	ErrSettings = fault.New(fault.Invalid, "mail_settings_invalid", "These settings are not possible.")
	// ErrVersion says that somebody has changed the settings meanwhile.
	ErrVersion = fault.New(fault.Stale, "version_mismatch", "Somebody has changed this meanwhile. Load it again.")
)

// Settings are those of a shop. Version is 0 before it has decided.
func (s *Service) Settings(ctx context.Context, merchant uuid.UUID) (Settings, error) {
	set, found, err := s.store.settings(ctx, merchant)
	if err == nil && !found {
		set = usual
	}
	return set, err
}

// Decide changes the settings. Version has to be that of the settings before.
func (s *Service) Decide(ctx context.Context, merchant uuid.UUID, set Settings) (Settings, error) {
	bad := ErrSettings
	if set.Mode != Off && set.Mode != Drafts && set.Mode != Send {
		bad = bad.At("body.mode", "off, draft or send")
	}
	if set.ConfidenceBPS < 0 || set.ConfidenceBPS > 10_000 {
		bad = bad.At("body.confidence_bps", "from 0 to 10000")
	}
	if local, _, _ := strings.Cut(set.Address, "@"); set.Address != "" && (!bare(set.Address) || len(local) > mostLocal || strings.Contains(local, "+")) {
		bad = bad.At("body.address", "a mail address with at most 18 letters before the @, and no +")
	}
	if len(bad.Fields) > 0 {
		return Settings{}, bad
	}
	ok, err := s.store.decide(ctx, merchant, set)
	if err != nil {
		return Settings{}, err
	}
	if !ok {
		return Settings{}, ErrVersion
	}
	return s.Settings(ctx, merchant)
}

// address is where customers of a shop write to; empty is nowhere.
func (s *Service) address(set Settings, shop notify.Shop) string {
	return cmp.Or(set.Address, shop.Email, shop.From, bareAddress(s.c.From))
}

func bareAddress(from string) string {
	if a, err := mail.ParseAddress(from); err == nil {
		return a.Address
	}
	return ""
}

// A signed address is the shop's own with a tail behind a plus: the conversation and
// a signature over it and over whose mailbox it was sent to, in letters and digits
// that survive programs which write addresses in small letters.
const (
	tailSum   = 12 // bytes of the signature: 96 bits
	tailLetts = 45 // base32 of conversation and signature
	// mostLocal keeps the whole before the @ within the 64 letters of RFC 5321.
	mostLocal = 64 - tailLetts - 1
)

var letters = base32.StdEncoding.WithPadding(base32.NoPadding)

// replyTo is the address that answers to our mail come to.
func (s *Service) replyTo(merchant, conversation uuid.UUID, person []byte, address string) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || len(local) > mostLocal || strings.Contains(local, "+") {
		return address // answers are then found by what they name, and prove nothing
	}
	tail := letters.EncodeToString(append(bytes.Clone(conversation[:]), s.sum(merchant, conversation, person)...))
	return local + "+" + strings.ToLower(tail) + "@" + domain
}

// opens reads a signed address; it does so for the mailbox alone that it was made for.
func (s *Service) opens(merchant uuid.UUID, address string, person []byte) (uuid.UUID, bool) {
	local, _, _ := strings.Cut(address, "@")
	_, tail, ok := strings.Cut(local, "+")
	raw, err := letters.DecodeString(strings.ToUpper(tail))
	if !ok || err != nil || len(raw) != 16+tailSum {
		return uuid.Nil, false
	}
	conversation := uuid.UUID(raw[:16])
	if !equal(raw[16:], s.sum(merchant, conversation, person)) {
		return uuid.Nil, false
	}
	return conversation, true
}

// sum is the signature of an address: the tail of a signed link to the pair of
// conversation and mailbox. It holds for as long as the conversation is there; what
// it proves is asked for again by every answer.
func (s *Service) sum(merchant, conversation uuid.UUID, person []byte) []byte {
	link, err := base64.RawURLEncoding.DecodeString(s.c.Answers.Sign(merchant, uuid.NewSHA1(conversation, person), always))
	if err != nil || len(link) < tailSum {
		return make([]byte, tailSum+1) // equal to nothing
	}
	return link[len(link)-tailSum:]
}

// always is a time that does not come, for what has no end of its own.
var always = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
