package customer

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/attempt"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

// Staff have no passwords either: they sign in by a code in their mail, and then
// hold a session for as long as they work. Who works for a merchant is not told
// to anybody who asks.

// ErrStaffSession is for tokens that never were, have expired or were signed out.
var ErrStaffSession = fault.New(fault.Unauthorized, "staff_session_invalid", "Nobody is signed in here any more. Sign in again.")

const (
	// staffIdle ends a session that nobody has used for so long, staffLife any.
	staffIdle = 30 * time.Minute
	staffLife = 12 * time.Hour
	// staffSeenEvery is how exactly it is known when a session was last used.
	staffSeenEvery = time.Minute
)

var (
	staffCodesPerEmail = attempt.Limit{Tries: 5, Window: time.Hour}
	staffCodesPerIP    = attempt.Limit{Tries: 20, Window: time.Hour}
)

// grants are the scopes of each role.
var grants = map[Role][]string{
	Owner: {"*"},
	Manager: {
		"analytics:write", "catalog:write", "customers:write", "orders:write", "promotions:write", "refunds:write", "settings:read",
		"shipping:write", "stock:write", "support:write",
	},
	Agent: {
		"catalog:read", "customers:read", "orders:write", "promotions:read", "refunds:write", "shipping:write", "stock:read", "support:write",
	},
	Packer: {"catalog:read", "orders:read", "shipping:write", "stock:write"},
	Reader: {
		"analytics:read", "catalog:read", "customers:read", "orders:read", "promotions:read", "refunds:read", "settings:read",
		"shipping:read", "stock:read", "support:read",
	},
}

// Scopes are what a member of staff with the role may do, as those of a secret
// key; none for what is no role.
func (r Role) Scopes() []string { return slices.Clone(grants[r]) }

// StaffCodeAsked says that somebody wants to sign in as staff. It carries neither
// the address nor the code, nor whether there is such a member.
type StaffCodeAsked struct {
	MerchantID uuid.UUID `json:"merchant_id"`
	RequestID  uuid.UUID `json:"request_id"`
}

// EventName is customer.staff_code_asked.
func (StaffCodeAsked) EventName() string { return "customer.staff_code_asked" }

// Merchant is whose staff it is.
func (e StaffCodeAsked) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is the request.
func (e StaffCodeAsked) Aggregate() uuid.UUID { return e.RequestID }

// StaffInvited says that somebody is asked to join and waits for a mail.
type StaffInvited struct {
	MerchantID uuid.UUID `json:"merchant_id"`
	StaffID    uuid.UUID `json:"staff_id"`
	InviteID   uuid.UUID `json:"invite_id"` // the code follows from it
}

// EventName is customer.staff_invited.
func (StaffInvited) EventName() string { return "customer.staff_invited" }

// Merchant is whose staff it is.
func (e StaffInvited) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is the member.
func (e StaffInvited) Aggregate() uuid.UUID { return e.StaffID }

// StaffSession is a member of staff who is signed in.
type StaffSession struct {
	ID        uuid.UUID
	Merchant  uuid.UUID
	StaffID   uuid.UUID
	Role      Role
	CreatedAt time.Time
	ExpiresAt time.Time // at the latest; half an hour without use ends it too
}

// StaffLetter is what a mail to a member of staff needs: the address in Contact,
// and a code.
type StaffLetter struct {
	Contact uuid.UUID
	Role    Role
	Locale  string
	Code    string
	Minutes int64 // that a sign-in code holds
	Alive   bool  // the code is of use, and there is somebody to send it to
}

// staffCode is the code of a request, as signInCode is a customer's.
func (v *Vault) staffCode(merchant, request uuid.UUID) string {
	mac := hmac.New(sha256.New, v.code)
	mac.Write([]byte("staff"))
	mac.Write(merchant[:])
	mac.Write(request[:])
	return fmt.Sprintf("%06d", binary.BigEndian.Uint64(mac.Sum(nil))%1_000_000)
}

// inviteCode is the code of an invitation: 160 bits that follow from its id, so
// that the mail can be written without any row or job holding it.
func (v *Vault) inviteCode(merchant, invite uuid.UUID) string {
	mac := hmac.New(sha256.New, v.code)
	mac.Write([]byte("invite"))
	mac.Write(merchant[:])
	mac.Write(invite[:])
	return crockford.EncodeToString(mac.Sum(nil)[:20])
}

// A staff token is ds_ss_ and the merchant and 32 random bytes in base64.
const (
	staffPrefix = "ds_ss_"
	staffToken  = 16 + 32
)

// mintStaffSession is a fresh token, and what is kept of it.
func mintStaffSession(merchant uuid.UUID) (token string, hash []byte) {
	var b [staffToken]byte
	copy(b[:], merchant[:])
	_, _ = rand.Read(b[16:]) // crypto/rand never fails: it ends the program instead
	token = staffPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	return token, sessionHash(token)
}

// parseStaffToken says whose token it is; false when it is none.
func parseStaffToken(token string) (merchant uuid.UUID, ok bool) {
	text, found := strings.CutPrefix(token, staffPrefix)
	if !found || len(text) != base64.RawURLEncoding.EncodedLen(staffToken) {
		return merchant, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != staffToken {
		return merchant, false
	}
	copy(merchant[:], b)
	return merchant, true
}

// CSRFToken is what pages of ours send along with every change that they make
// under a session: other pages can make a browser send its cookie, but cannot
// know this.
func CSRFToken(session string) string {
	sum := sha256.Sum256([]byte("csrf\x00" + session))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// newInvite is an invitation's id and code.
func (v *Vault) newInvite(merchant uuid.UUID) (invite uuid.UUID, code string) {
	for {
		invite = id.New()
		// As little as any other secret may it look like the number of a card.
		if code = v.inviteCode(merchant, invite); !manyDigits.MatchString(code) {
			return invite, code
		}
	}
}

var manyDigits = regexp.MustCompile(`[0-9]{12}`)

// same compares without telling by its time how much is right.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
