package inbound

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
)

// Letter is one mail as it came, read.
type Letter struct {
	// From is the address that it names as its writer's, and the name there; nothing
	// proves either. Empty is a mail that nobody may answer.
	From, Name string
	// To are all addresses that it was sent to, as far as it tells.
	To      []string
	Subject string
	// MessageID and References are without angle brackets; References has In-Reply-To
	// behind the rest.
	MessageID  string
	References []string
	// Text is the plain text, or that of the HTML part; Said is what of it is new:
	// without what it quotes and its signature.
	Text, Said string
	// Attachments is how many files came along; they are not kept.
	Attachments int
	// Cut says that the text was longer than is read.
	Cut bool
	// SPF, DKIM and DMARC are the verdicts of who took the mail in: pass, fail or
	// whatever else they say; empty is none. They count only from the webhook, for a
	// mail can say anything of itself.
	SPF, DKIM, DMARC string
	// Header is the mail's own, by canonical names.
	Header mail.Header
}

// Limits of what is read of a mail.
const (
	maxLetter = 25 << 20  // bytes of a whole mail
	maxPart   = 256 << 10 // bytes of one text
	maxParts  = 100
	maxNest   = 6
	maxSaid   = 8_000 // bytes that are handed on
	maxName   = 100
	maxHeader = 998 // RFC 5322
	maxRefs   = 50
)

// Parse reads a mail as it travels, RFC 5322. It fails with ErrLetter.
func Parse(raw []byte) (Letter, error) {
	if len(raw) > maxLetter {
		return Letter{}, ErrLarge
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Letter{}, ErrLetter.Because(err)
	}
	l := Letter{Header: m.Header}
	l.takeHeader()
	r := &reader{l: &l}
	if err := r.part(textHeader(m.Header), m.Body, 0); err != nil {
		return Letter{}, ErrLetter.Because(err)
	}
	l.take(r.plain, r.html)
	return l, nil
}

// take makes the texts of what the parts hold.
func (l *Letter) take(plain, html string) {
	l.Text = plain
	if strings.TrimSpace(plain) == "" {
		l.Text = textOf(html)
	}
	l.Text = harmless(l.Text)
	l.Said, l.Cut = first(newWords(l.Text), maxSaid)
}

// takeHeader reads who writes to whom, and what the mail answers.
func (l *Letter) takeHeader() {
	h := l.Header
	l.Subject = line(decoded(h.Get("Subject")), 200)
	if all, err := addresses(h.Get("From")); err == nil && len(all) == 1 {
		l.From, l.Name = all[0].Address, line(all[0].Name, maxName)
	}
	for _, name := range []string{"To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To"} {
		for _, value := range h[name] {
			all, err := addresses(value)
			if err != nil {
				continue
			}
			for _, a := range all {
				if len(l.To) < maxRefs && !slices.Contains(l.To, a.Address) {
					l.To = append(l.To, a.Address)
				}
			}
		}
	}
	l.MessageID = messageID(h.Get("Message-Id"))
	l.answers(h.Get("References"), h.Get("In-Reply-To"))
}

// answers notes which mails this one answers, each once: the last ones, for a header is
// as long as its sender likes.
func (l *Letter) answers(references, inReplyTo string) {
	words := append(lastWords(references), lastWords(inReplyTo)...)
	for _, word := range slices.Backward(words[max(0, len(words)-maxRefs):]) {
		if ref := messageID(word); ref != "" && !slices.Contains(l.References, ref) {
			l.References = append(l.References, ref)
		}
	}
	slices.Reverse(l.References)
}

// lastWords are the last words of a header, at most maxRefs of them.
func lastWords(value string) (words []string) {
	for len(words) < maxRefs {
		value = strings.TrimRight(value, " \t\r\n")
		if value == "" {
			break
		}
		at := strings.LastIndexAny(value, " \t\r\n") + 1
		words, value = append(words, value[at:]), value[:at]
	}
	slices.Reverse(words)
	return words
}

// messageID is the id without angle brackets; what is none is empty.
func messageID(s string) string {
	s = strings.TrimSpace(s)
	s = strings.TrimSuffix(strings.TrimPrefix(s, "<"), ">")
	if len(s) > maxHeader/2 || !strings.Contains(s, "@") || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '<' || r == '>' || r >= 0x7f }) {
		return ""
	}
	return s
}

func addresses(value string) ([]*mail.Address, error) {
	if value == "" || len(value) > 10*maxHeader {
		return nil, mail.ErrHeaderNotPresent
	}
	p := mail.AddressParser{WordDecoder: &words}
	all, err := p.ParseList(value)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(a *mail.Address) bool { return !bare(a.Address) }), nil
}

// bare says whether s is a mail address and nothing else.
func bare(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s && len(s) <= 254 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

var words = mime.WordDecoder{CharsetReader: charsetReader}

func decoded(value string) string {
	if len(value) > 10*maxHeader {
		value = value[:10*maxHeader]
	}
	if text, err := words.DecodeHeader(value); err == nil {
		return text
	}
	return value
}

// charsetReader turns a text into UTF-8. What is in no known charset is read as
// UTF-8, and its broken signs are left out.
func charsetReader(charset string, from io.Reader) (io.Reader, error) {
	enc, err := htmlindex.Get(charset)
	if err != nil {
		return from, nil //nolint:nilerr // as said above
	}
	return enc.NewDecoder().Reader(from), nil
}

// header is that of a mail or of a part.
type header interface{ Get(name string) string }

type textHeader map[string][]string

// Get is the first value; the names are canonical.
func (h textHeader) Get(name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// reader walks over the parts of a mail.
type reader struct {
	l           *Letter
	plain, html string
	parts       int
}

var errNested = errors.New("too many parts")

// part reads one part, or what is in it. What is not text is counted.
func (r *reader) part(h header, body io.Reader, depth int) error {
	if r.parts++; r.parts > maxParts || depth > maxNest {
		return errNested
	}
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || kind == "" {
		kind = "text/plain" // RFC 2045, and what else could it be
	}
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" {
		return r.inside(multipart.NewReader(body, params["boundary"]), depth)
	}
	disposition, _, _ := mime.ParseMediaType(h.Get("Content-Disposition")) // an unreadable one is none
	if disposition == "attachment" || kind != "text/plain" && kind != "text/html" {
		if kind != "message/delivery-status" && kind != "text/rfc822-headers" {
			r.l.Attachments++
		}
		return nil
	}
	text := read(h.Get("Content-Transfer-Encoding"), params["charset"], body)
	switch {
	case kind == "text/plain" && r.plain == "":
		r.plain = text
	case kind == "text/html" && r.html == "":
		r.html = text
	}
	return nil
}

func (r *reader) inside(parts *multipart.Reader, depth int) error {
	for {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			// A mail that was cut off on its way still says what came before.
			if r.plain != "" || r.html != "" {
				return nil
			}
			return err
		}
		if err := r.part(textHeader(p.Header), p, depth+1); err != nil {
			return err
		}
	}
}

// read is the text of a part, as much of it as is read at all. What cannot be
// decoded ends it.
func read(transfer, charset string, body io.Reader) string {
	switch strings.ToLower(strings.TrimSpace(transfer)) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	if charset != "" {
		body, _ = charsetReader(charset, body) // it gives no error
	}
	text, _ := io.ReadAll(io.LimitReader(body, maxPart)) // what came before an error stands
	return strings.ToValidUTF8(string(text), "")
}

// harmless is the text with plain line ends and without signs that no text has.
func harmless(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text)
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\u00a0':
			return ' '
		case r < ' ', r == 0x7f, r >= 0x80 && r < 0xa0, r == '\ufeff', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}

// line is s as one line of at most most letters.
func line(s string, most int) string {
	s = strings.Join(strings.Fields(harmless(s)), " ")
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most])
	}
	return s
}

// first is as much of the text as most bytes hold, and whether that is less.
func first(text string, most int) (string, bool) {
	if len(text) <= most {
		return text, false
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most], true
}
