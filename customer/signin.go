package customer

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/attempt"
	"doorstep/internal/fault"
)

// Customers have no passwords: whoever reads the mails of an address may sign in
// with it. Whether an address is known makes no difference to any answer, and
// the first sign-in makes the customer.

// The faults of signing in.
var (
	// ErrCode is for wrong, used, expired, foreign and overtried codes alike.
	ErrCode = fault.New(fault.Unauthorized, "sign_in_code_invalid", "This code is not right, or no longer. Ask for a new one.")
	// ErrTooManyCodes stands for its time in Retry-After.
	ErrTooManyCodes = fault.New(fault.TooMany, "too_many_sign_in_codes", "Too many codes were asked for. Wait as long as Retry-After says.")
	// ErrSession is for tokens that never were, have expired or were signed out.
	ErrSession = fault.New(fault.Unauthorized, "session_invalid", "Nobody is signed in with this session. Sign in again.")
)

// What is said of a sign-in code before there is one.
const (
	CodeDigits  = 6
	CodeMinutes = int64(codeLife / time.Minute)
)

const (
	codeLife  = 10 * time.Minute
	codeTries = 5  // then the code dies
	dayTries  = 10 // of all codes of one address within a day
	// sessionLife is how long somebody stays signed in.
	sessionLife = 30 * 24 * time.Hour
	// seenEvery is how exactly it is known when a session was last used.
	seenEvery = 5 * time.Minute
)

var (
	codesPerEmail = attempt.Limit{Tries: 5, Window: time.Hour}
	codesPerIP    = attempt.Limit{Tries: 20, Window: time.Hour}
)

// CodeAsked says that somebody wants to sign in and waits for a mail. It carries
// neither the address nor the code.
type CodeAsked struct {
	MerchantID uuid.UUID `json:"merchant_id"`
	RequestID  uuid.UUID `json:"request_id"`
}

// EventName is customer.code_asked.
func (CodeAsked) EventName() string { return "customer.code_asked" }

// Merchant is whose customer it is.
func (e CodeAsked) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is the request.
func (e CodeAsked) Aggregate() uuid.UUID { return e.RequestID }

// Session is somebody who is signed in.
type Session struct {
	ID         uuid.UUID
	CustomerID uuid.UUID
	ContactID  uuid.UUID // the newest contact of the customer
	EmailHMAC  []byte
	CreatedAt  time.Time
	ExpiresAt  time.Time
}

// CodeRequest is a code on its way: what the mail needs.
type CodeRequest struct {
	Contact uuid.UUID
	Locale  string
	Code    string // six digits
	Minutes int64  // that it holds
	Alive   bool   // neither used nor expired
}

// signInCode is the code of a request. It follows from the request, so that no
// row, job or log ever holds it.
func (v *Vault) signInCode(merchant, request uuid.UUID) string {
	mac := hmac.New(sha256.New, v.code)
	mac.Write(merchant[:])
	mac.Write(request[:])
	return fmt.Sprintf("%06d", binary.BigEndian.Uint64(mac.Sum(nil))%1_000_000)
}

// sessionPrefix marks the tokens of customers' sessions.
const sessionPrefix = "ds_cs_"

// mintSession is a fresh token of 256 random bits, and what is kept of it.
func mintSession() (token string, hash []byte) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // crypto/rand never fails: it ends the program instead
	token = sessionPrefix + base64.RawURLEncoding.EncodeToString(secret)
	return token, sessionHash(token)
}

func sessionHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// sessionToken says whether text could be a token at all.
func sessionToken(text string) bool {
	return strings.HasPrefix(text, sessionPrefix) && len(text) == len(sessionPrefix)+base64.RawURLEncoding.EncodedLen(32)
}
