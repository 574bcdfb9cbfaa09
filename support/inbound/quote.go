package inbound

import (
	"html"
	"regexp"
	"strings"
)

// newWords is what the writer of a mail has said in it: without the mail that it
// answers and without the signature. When nothing is left the mail holds only
// what others have said, and that is nothing.
func newWords(text string) string {
	var kept []string
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		trimmed := strings.TrimSpace(l)
		switch {
		case strings.HasPrefix(trimmed, ">"):
			continue
		case signature.MatchString(strings.TrimRight(l, "\t ")) || original.MatchString(trimmed):
			return tidy(kept)
		case attribution(lines, i):
			return tidy(kept)
		case outlook(lines, i):
			return tidy(kept)
		}
		kept = append(kept, strings.TrimRight(l, " \t"))
	}
	return tidy(kept)
}

var (
	// signature begins one by the old convention.
	signature = regexp.MustCompile(`^(-- ?|—|__+)$`)
	// original is what programs write above the mail that is answered.
	original = regexp.MustCompile(`(?i)^[-_* ]*(original message|forwarded message|begin forwarded message:?|original-nachricht|ursprüngliche nachricht|сообщение|исходное сообщение|пересылаемое сообщение|сообщение пересылается|սկզբնական հաղորդագրություն|սկզբնական նամակ|սկզբնական հաղորդագրությունը|សារ\x{200b}?ដើម)[-_* ]*$`)
	// wrote ends the line that tells who wrote what follows.
	wrote = regexp.MustCompile(`(?i)(wrote|writes|schrieb|a écrit|écrit|escribió|написал(а|\(а\))?|пишет|գրեց|գրել է|գրում է|បាន\x{200b}?សរសេរ|សរសេរ)\s*[:՝։៖]?\s*$`)
	// colon ends such a line in whatever language it is.
	colon = regexp.MustCompile(`[:՝։៖]$`)
	// dated is a line with an address or a time in it.
	dated = regexp.MustCompile(`@|\d{1,2}[:.]\d{2}|\b20\d\d\b`)
	// field is a line of the header that Outlook repeats.
	field = regexp.MustCompile(`(?i)^\*?(from|sent|to|cc|subject|date|von|gesendet|de|envoyé|от|отправлено|дата|кому|тема|ումից|ում|ուղարկված|թեմա|ամսաթիվ|ពី|ផ្ញើ|ទៅ|ប្រធានបទ|កាលបរិច្ឆេទ)\*?\s*:`)
	// device is what telephones add at the end.
	device = regexp.MustCompile(`(?i)^(sent from (my|the)\b.{0,60}|get outlook for .{0,20}|sent with .{0,40}|envoyé de mon .{0,30}|von meinem .{0,30} gesendet|отправлено (из|с) .{0,40}|ուղարկված(ել)? է .{0,60}|ուղարկվել է .{0,60}|ផ្ញើ\x{200b}?ពី .{0,60}|ផ្ញើ\x{200b}?ចេញពី .{0,60})\.?$`)
)

// attribution says whether what follows the line is quoted: "On ... wrote:", over
// one line or two.
func attribution(lines []string, i int) bool {
	one := strings.TrimSpace(lines[i])
	if one == "" || len(one) > 400 {
		return false
	}
	next := ""
	if i+1 < len(lines) {
		next = strings.TrimSpace(lines[i+1])
	}
	both := one
	if next != "" && !strings.HasPrefix(next, ">") && len(next) < 200 {
		both = one + " " + next
	}
	if dated.MatchString(one) && (wrote.MatchString(one) || both != one && wrote.MatchString(both) && dated.MatchString(both) && strings.HasSuffix(both, lastSign(next))) {
		return true
	}
	// Any other language: such a line and a quotation below it.
	return colon.MatchString(one) && dated.MatchString(one) && quotedBelow(lines[i+1:])
}

func lastSign(s string) string {
	if s == "" {
		return "\x00"
	}
	return s[len(s)-1:]
}

// quotedBelow says whether the next line that says something is quoted.
func quotedBelow(lines []string) bool {
	for _, l := range lines {
		if l = strings.TrimSpace(l); l != "" {
			return strings.HasPrefix(l, ">")
		}
	}
	return false
}

// outlook says whether a repeated header begins here: two of its lines, one below
// the other, the first of them who it was from.
func outlook(lines []string, i int) bool {
	return i+2 < len(lines) && field.MatchString(strings.TrimSpace(lines[i])) && dated.MatchString(lines[i]+lines[i+1]) &&
		field.MatchString(strings.TrimSpace(lines[i+1])) && field.MatchString(strings.TrimSpace(lines[i+2]))
}

// tidy joins the lines without what telephones add, and without empty ends.
func tidy(lines []string) string {
	for len(lines) > 0 {
		last := strings.TrimSpace(lines[len(lines)-1])
		if last != "" && !device.MatchString(last) {
			break
		}
		lines = lines[:len(lines)-1]
	}
	text := strings.TrimSpace(strings.Join(lines, "\n"))
	return blank.ReplaceAllString(text, "\n\n")
}

var blank = regexp.MustCompile(`\n{3,}`)

var (
	unseen   = regexp.MustCompile(`(?is)<!--.*?-->|<(script|style|head|title|template)\b.*?</(script|style|head|title|template)\s*>`)
	reply    = regexp.MustCompile(`(?i)<[^>]+(id="?(divRplyFwdMsg|appendonsend|reply-intro)|class="?(gmail_quote|gmail_attr|moz-cite-prefix|yahoo_quoted|protonmail_quote))[^>]*>`)
	quotes   = regexp.MustCompile(`(?i)<(/?)blockquote\b[^>]*>`)
	breaks   = regexp.MustCompile(`(?i)<(br|/?p|/?div|/?tr|/?li|/?h[1-6]|hr|/?table|/?ul|/?ol)\b[^>]*>`)
	anyTag   = regexp.MustCompile(`(?s)<[a-zA-Z/!][^>]*(>|$)`)
	manyBlns = regexp.MustCompile(`[ \t]+`)
)

// textOf is what an HTML part says, roughly as a reader sees it. What it quotes
// becomes lines that begin with >.
func textOf(page string) string {
	page = unseen.ReplaceAllString(page, " ")
	if at := reply.FindStringIndex(page); at != nil {
		page = page[:at[0]]
	}
	page = strings.NewReplacer("\r", " ", "\n", " ").Replace(page)
	page = breaks.ReplaceAllString(page, "\n")
	page = quotes.ReplaceAllStringFunc(page, func(tag string) string {
		if strings.HasPrefix(tag, "</") {
			return "\n\x02\n"
		}
		return "\n\x01\n"
	})
	page = html.UnescapeString(anyTag.ReplaceAllString(page, ""))
	depth := 0
	var lines []string
	for l := range strings.SplitSeq(page, "\n") {
		switch strings.TrimSpace(l) {
		case "\x01":
			depth++
			continue
		case "\x02":
			depth = max(0, depth-1)
			continue
		}
		l = strings.TrimSpace(manyBlns.ReplaceAllString(l, " "))
		if depth > 0 {
			l = "> " + l
		}
		lines = append(lines, l)
	}
	return blank.ReplaceAllString(strings.Join(lines, "\n"), "\n\n")
}
