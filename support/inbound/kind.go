package inbound

import (
	"strings"
)

// Why a mail is not answered by a program. The first ones are not kept either: no
// person has written them.
const (
	Bounce      = "bounce"       // a mail of ours did not arrive
	AutoReply   = "auto_reply"   // out of office, or another program
	List        = "list"         // a newsletter or a mailing list
	Own         = "own"          // ours, come back
	Nobody      = "nobody"       // it names no writer
	NoReply     = "no_reply"     // an address that reads nothing
	Empty       = "empty"        // it says nothing of its own
	Suspicious  = "suspicious"   // its sender's domain disowns it
	TooMany     = "too_many"     // that address has had many answers today
	Unanswering = "unanswerable" // it asks not to be answered by programs
)

// program says why no person has written the mail; empty is a person's, as far as
// anybody can tell. ours are the shop's own addresses.
func (l *Letter) program(ours []string) string {
	h := textHeader(l.Header)
	kind := strings.ToLower(h.Get("Content-Type"))
	local, _, _ := strings.Cut(strings.ToLower(l.From), "@")
	switch {
	case strings.HasPrefix(kind, "multipart/report"), h.Get("X-Failed-Recipients") != "", strings.TrimSpace(h.Get("Return-Path")) == "<>",
		local == "mailer-daemon", local == "postmaster":
		return Bounce
	case l.From == "":
		return Nobody
	case l.own(ours):
		return Own
	case h.Get("List-Id") != "", h.Get("List-Unsubscribe") != "", h.Get("List-Post") != "", h.Get("Mailing-List") != "":
		return List
	}
	switch precedence := strings.ToLower(strings.TrimSpace(h.Get("Precedence"))); precedence {
	case "bulk", "list":
		return List
	case "junk", "auto_reply", "auto-reply":
		return AutoReply
	}
	auto := strings.ToLower(strings.TrimSpace(h.Get("Auto-Submitted")))
	for _, name := range []string{"X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply-From", "X-Mail-Autoreply", "X-Vacation", "X-Loop"} {
		if h.Get(name) != "" {
			return AutoReply
		}
	}
	if auto != "" && auto != "no" {
		return AutoReply
	}
	for _, begin := range autoSubjects {
		if strings.HasPrefix(strings.ToLower(l.Subject), begin) {
			return AutoReply
		}
	}
	return ""
}

// autoSubjects begin the subjects of answers that say in no other way that nobody
// has written them.
var autoSubjects = []string{
	"automatic reply:", "auto reply:", "autoreply:", "auto-reply:", "out of office", "automatische antwort:", "réponse automatique", "автоответ", "автоматический ответ", "ավտոմատ պատասխան", "ឆ្លើយតបស្វ័យប្រវត្តិ",
	"undeliverable:", "undelivered mail returned", "delivery status notification", "mail delivery failed", "returned mail:",
}

// own says whether the mail is one of ours.
func (l *Letter) own(ours []string) bool {
	for _, a := range ours {
		if strings.EqualFold(a, l.From) {
			return true
		}
		// A signed address of ours has a part behind a plus.
		local, domain, _ := strings.Cut(strings.ToLower(a), "@")
		if from := strings.ToLower(l.From); strings.HasPrefix(from, local+"+") && strings.HasSuffix(from, "@"+domain) {
			return true
		}
	}
	return false
}

// unanswerable says why a person may read the mail but no program answers it.
func (l *Letter) unanswerable() string {
	local, _, _ := strings.Cut(strings.ToLower(l.From), "@")
	squeezed := strings.NewReplacer("-", "", "_", "", ".", "").Replace(local)
	switch {
	case strings.HasPrefix(squeezed, "noreply"), strings.HasPrefix(squeezed, "donotreply"):
		return NoReply
	case l.disowned():
		return Suspicious
	case l.Header != nil && suppressed(textHeader(l.Header).Get("X-Auto-Response-Suppress")):
		return Unanswering
	case strings.TrimSpace(l.Said) == "":
		return Empty
	}
	return ""
}

// disowned says whether the domain of the mail's sender says that the mail is not its.
func (l *Letter) disowned() bool {
	return strings.EqualFold(l.DMARC, "fail") || strings.EqualFold(l.SPF, "fail") && !strings.EqualFold(l.DKIM, "pass")
}

// suppressed says whether a mail asks programs for silence, as Exchange does.
func suppressed(value string) bool {
	value = strings.ToLower(value)
	return strings.Contains(value, "all") || strings.Contains(value, "autoreply")
}
