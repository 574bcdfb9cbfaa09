package shipping

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"doorstep/internal/db"
	"doorstep/internal/locale"
)

const (
	mostInitials = 3
	mostURL      = 2048
)

// Initials is what is kept of the name of whoever took a parcel: enough for its
// buyer to know who it was, and nobody's name. What has no letters is nothing.
// Initials of initials are the same.
func Initials(name string) string {
	var all []string
	for word := range strings.FieldsFuncSeq(strings.ToValidUTF8(name, ""), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && r != '\'' && r != '’'
	}) {
		if r, _ := utf8.DecodeRuneInString(word); unicode.IsLetter(r) && len(all) < mostInitials {
			all = append(all, string(unicode.ToUpper(r))+".")
		}
	}
	return strings.Join(all, " ")
}

// proven cleans what an event shows of a handing over, and says whether it can be
// kept.
func (e *TrackingEvent) proven() bool {
	e.SignedBy, e.PhotoURL = Initials(e.SignedBy), strings.TrimSpace(e.PhotoURL)
	if e.PhotoURL == "" {
		return true
	}
	u, err := url.Parse(e.PhotoURL)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && len(e.PhotoURL) <= mostURL && e.PhotoURL == locale.Line(e.PhotoURL) && e.Status == TrackDelivered
}

// prove queues what events show of the handing over of a locked shipment.
func prove(tx db.Tx, p *Shipment, events []TrackingEvent) {
	for i := range events {
		e := &events[i]
		if e.Status != TrackDelivered || e.SignedBy == "" && e.PhotoURL == "" {
			continue
		}
		tx.Queue(`update shipments set signed_by = coalesce(nullif($3, ''), signed_by), photo_url = coalesce(nullif($4, ''), photo_url)
			where merchant_id = $1 and id = $2`, p.MerchantID, p.ID, e.SignedBy, e.PhotoURL)
	}
}
