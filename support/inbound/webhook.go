package inbound

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/mail"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// tolerance is how old a signed webhook may be.
const tolerance = 5 * time.Minute

// signed checks who brings the mail: by a signature over the body as Standard
// Webhooks 1.0 asks or, for providers that cannot sign, by the secret as password of
// HTTP Basic.
func (s *Service) signed(h http.Header, body []byte) error {
	if auth, ok := strings.CutPrefix(h.Get("Authorization"), "Basic "); ok {
		pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(auth))
		_, password, _ := strings.Cut(string(pair), ":")
		right := 0
		for _, secret := range s.c.Secrets {
			right |= subtle.ConstantTimeCompare([]byte(password), []byte(secret))
		}
		if err != nil || right != 1 || password == "" {
			return ErrSignature
		}
		return nil
	}
	id, stamp := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
	at, err := strconv.ParseInt(stamp, 10, 64)
	if id == "" || len(id) > 200 || err != nil || s.c.Clock.Now().Sub(time.Unix(at, 0)).Abs() > tolerance {
		return ErrSignature
	}
	for _, secret := range s.c.Secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) == 0 {
			continue
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + stamp + "."))
		mac.Write(body)
		want := mac.Sum(nil)
		for part := range strings.FieldsSeq(h.Get("Webhook-Signature")) {
			v1, ok := strings.CutPrefix(part, "v1,")
			got, err := base64.StdEncoding.DecodeString(v1)
			if ok && err == nil && hmac.Equal(got, want) {
				return nil
			}
		}
	}
	return ErrSignature
}

// Read reads a mail in one of the forms that providers bring it in:
//
//   - message/rfc822: the mail as it travels;
//   - application/json: our own form (form), or that of Postmark;
//   - multipart/form-data with the mail as it travels in the field email (SendGrid)
//     or body-mime (Mailgun).
//
// It fails with ErrLetter and ErrLarge.
func Read(contentType string, body []byte) (Letter, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return Letter{}, ErrLetter.Because(err)
	}
	switch kind {
	case "message/rfc822", "text/plain":
		return Parse(body)
	case "application/json":
		return readForm(body)
	case "multipart/form-data":
		return readMultipart(body, params["boundary"])
	}
	return Letter{}, ErrLetter
}

// form is a mail as JSON: our own form in small letters, Postmark's in its own.
type form struct {
	From       string            `json:"from"`
	To         textList          `json:"to"`
	Subject    string            `json:"subject"`
	Text       string            `json:"text"`
	HTML       string            `json:"html"`
	MessageID  string            `json:"message_id"`
	InReplyTo  string            `json:"in_reply_to"`
	References textList          `json:"references"`
	Headers    map[string]string `json:"headers"`
	Verdicts   struct {
		SPF   string `json:"spf"`
		DKIM  string `json:"dkim"`
		DMARC string `json:"dmarc"`
	} `json:"verdicts"`
	Attachments json.RawMessage `json:"attachments"`
}

// textList is one text or several.
type textList []string

// UnmarshalJSON takes both forms.
func (l *textList) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = textList{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(l))
}

// postmark is what Postmark sends of a mail; the names are its own.
type postmark struct {
	FromFull struct{ Email, Name string }
	ToFull   []struct{ Email string }
	CcFull   []struct{ Email string }

	OriginalRecipient, Subject, TextBody, HtmlBody string //nolint:revive // as Postmark spells it

	Headers     []struct{ Name, Value string }
	Attachments []json.RawMessage
}

// readForm makes the letter that a parsed mail stands for: its header is put
// together again and read like any other.
func readForm(body []byte) (Letter, error) {
	var p postmark
	if json.Unmarshal(body, &p) == nil && p.FromFull.Email != "" {
		return p.letter(), nil
	}
	var f form
	if err := json.Unmarshal(body, &f); err != nil {
		return Letter{}, ErrLetter.Because(err)
	}
	h := mail.Header{}
	for name, value := range f.Headers {
		put(h, name, value)
	}
	put(h, "From", f.From)
	put(h, "To", strings.Join(f.To, ", "))
	put(h, "Subject", f.Subject)
	put(h, "Message-Id", f.MessageID)
	put(h, "In-Reply-To", f.InReplyTo)
	put(h, "References", strings.Join(f.References, " "))
	l := Letter{Header: h, SPF: f.Verdicts.SPF, DKIM: f.Verdicts.DKIM, DMARC: f.Verdicts.DMARC, Attachments: countOf(f.Attachments)}
	l.takeHeader()
	l.take(f.Text, f.HTML)
	return l, nil
}

func (p *postmark) letter() Letter {
	h := mail.Header{}
	for _, one := range p.Headers {
		put(h, one.Name, one.Value)
	}
	from := mail.Address{Name: p.FromFull.Name, Address: p.FromFull.Email}
	put(h, "From", from.String())
	var to []string
	for _, a := range append(p.ToFull, p.CcFull...) {
		to = append(to, a.Email)
	}
	put(h, "To", strings.Join(to, ", "))
	put(h, "Delivered-To", p.OriginalRecipient)
	put(h, "Subject", p.Subject)
	l := Letter{Header: h, Attachments: len(p.Attachments)}
	if spf := h.Get("Received-SPF"); spf != "" { // written by Postmark itself
		l.SPF, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(spf)), " ")
	}
	l.takeHeader()
	l.take(p.TextBody, p.HtmlBody)
	return l
}

// put sets a header that says something.
func put(h mail.Header, name, value string) {
	name = textproto.CanonicalMIMEHeaderKey(name)
	if value = strings.TrimSpace(value); value != "" && name != "" {
		h[name] = []string{value}
	}
}

// countOf is how many things a JSON list or number says there are.
func countOf(raw json.RawMessage) int {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		return len(list)
	}
	var n int
	if json.Unmarshal(raw, &n) == nil && n > 0 {
		return n
	}
	return 0
}

// readMultipart finds the mail as it travels in a form, and what the provider
// thinks of its sender.
func readMultipart(body []byte, boundary string) (Letter, error) {
	if boundary == "" {
		return Letter{}, ErrLetter
	}
	var raw []byte
	fields := map[string]string{}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for range 2 * maxParts {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Letter{}, ErrLetter.Because(err)
		}
		most := int64(1000)
		name := p.FormName()
		if name == "email" || name == "body-mime" {
			most = maxLetter + 1
		}
		value, err := io.ReadAll(io.LimitReader(p, most))
		if err != nil {
			return Letter{}, ErrLetter.Because(err)
		}
		if most > maxLetter {
			raw = value
		} else {
			fields[name] = string(value)
		}
	}
	if raw == nil {
		return Letter{}, ErrLetter
	}
	l, err := Parse(raw)
	if err != nil {
		return Letter{}, err
	}
	l.SPF = strings.ToLower(fields["SPF"])
	if dkim := strings.ToLower(fields["dkim"]); strings.Contains(dkim, "pass") { // {@domain : pass}
		l.DKIM = "pass"
	}
	return l, nil
}
