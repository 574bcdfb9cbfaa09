package customer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// Purpose is what a signed link may be used for; a link for one opens no other.
type Purpose byte

// TrackOrder lets its holder see one order, and change nothing.
const TrackOrder Purpose = 1

// SupplierOrder lets a supplier read and answer one purchase order.
const SupplierOrder Purpose = 9

// The purposes of answers to mails of customers.
const (
	AnswerMail    Purpose = 48 // signs the address that an answer may be answered at
	ConfirmAction Purpose = 49 // shows what an answer asks for, and carries it out
)

// The purposes of mails that nobody has to be sent, and of the carts they speak of.
const (
	RecoverCart Purpose = 32 // opens a cart that was left
	EndMail     Purpose = 33 // ends such mails
	OpenCart    Purpose = 34 // is the secret of a cart that a link has opened
)

// OpenTalk is the secret of a conversation.
const OpenTalk Purpose = 50

// linkKeyID is the id of the signing key, kept in the link so that keys can change.
const linkKeyID = 1

const (
	linkHead = 1 + 1 + 16 + 16 + 8 // key id, purpose, merchant, subject, expiry
	linkMAC  = 16                  // bytes of HMAC-SHA256 kept: 128 bits
)

// Link is a token that lets its holder see subject until expires. The same
// arguments give the same token.
func (v *Vault) Link(purpose Purpose, merchant, subject uuid.UUID, expires time.Time) string {
	b := make([]byte, 0, linkHead+linkMAC)
	b = append(b, linkKeyID, byte(purpose))
	b = append(b, merchant[:]...)
	b = append(b, subject[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(expires.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(b, v.linkSum(b)...))
}

// OpenLink gives what a token stands for. Forged, expired and malformed ones
// all fail with ErrLinkInvalid.
func (v *Vault) OpenLink(purpose Purpose, token string, now time.Time) (merchant, subject uuid.UUID, err error) {
	if len(token) != base64.RawURLEncoding.EncodedLen(linkHead+linkMAC) {
		return merchant, subject, ErrLinkInvalid
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || !hmac.Equal(b[linkHead:], v.linkSum(b[:linkHead])) {
		return merchant, subject, ErrLinkInvalid
	}
	expires := time.Unix(int64(binary.BigEndian.Uint64(b[34:42])), 0)
	if b[0] != linkKeyID || Purpose(b[1]) != purpose || !now.Before(expires) {
		return merchant, subject, ErrLinkInvalid
	}
	return uuid.UUID(b[2:18]), uuid.UUID(b[18:34]), nil
}

func (v *Vault) linkSum(head []byte) []byte {
	mac := hmac.New(sha256.New, v.link)
	mac.Write(head)
	return mac.Sum(nil)[:linkMAC]
}
