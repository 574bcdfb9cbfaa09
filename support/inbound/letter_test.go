package inbound

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

const plainMail = `From: "Ani Petrosyan" <ani@example.com>
To: Help <help+tail@shop.example>, other@example.com
Subject: =?utf-8?B?1Yvdt9aA1bDVodW21aE=?= where
Message-ID: <one@mail.example>
In-Reply-To: <ours@shop.example>
References: <first@mail.example> <ours@shop.example>
Content-Type: text/plain; charset=utf-8

Where is my order DS-7K3M-Q2XT-H?

On Mon, 23 Nov 2026 at 10:00, Shop <help@shop.example> wrote:
> We have your order.
> yes
`

func TestAMailIsReadAsItTravels(t *testing.T) {
	t.Parallel()
	l, err := Parse(crlf(plainMail))
	if err != nil {
		t.Fatal(err)
	}
	if l.From != "ani@example.com" || l.Name != "Ani Petrosyan" || l.MessageID != "one@mail.example" || len(l.To) != 2 || l.To[0] != "help+tail@shop.example" {
		t.Errorf("%+v", l)
	}
	if strings.Join(l.References, " ") != "first@mail.example ours@shop.example" {
		t.Errorf("references %v", l.References)
	}
	if l.Said != "Where is my order DS-7K3M-Q2XT-H?" || !strings.Contains(l.Text, "We have your order") || l.Attachments != 0 || l.Cut {
		t.Errorf("said %q of %q", l.Said, l.Text)
	}
	if !strings.HasSuffix(l.Subject, " where") || strings.Contains(l.Subject, "=?") {
		t.Errorf("subject %q", l.Subject)
	}
}

func TestPartsCharsetsAndAttachmentsAreToldApart(t *testing.T) {
	t.Parallel()
	mail := `From: a@example.com
To: b@example.com
Message-ID: <two@mail.example>
Content-Type: multipart/mixed; boundary=mixed

--mixed
Content-Type: multipart/alternative; boundary=alt

--alt
Content-Type: text/plain; charset=windows-1252
Content-Transfer-Encoding: quoted-printable

caf=E9 arrived broken=20
--alt
Content-Type: text/html

<p>never read</p>
--alt--
--mixed
Content-Type: image/jpeg; name=photo.jpg
Content-Disposition: attachment
Content-Transfer-Encoding: base64

` + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 500))) + `
--mixed
Content-Type: text/plain
Content-Disposition: attachment; filename=a.txt

cancel everything
--mixed--
`
	l, err := Parse(crlf(mail))
	if err != nil || l.Said != "café arrived broken" || l.Attachments != 2 {
		t.Errorf("%v %q %d", err, l.Said, l.Attachments)
	}
	html := "From: a@example.com\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<style>p{}</style><p>Please <b>cancel</b> it &amp; thanks</p><br><div class=\"gmail_quote\">On Monday: <blockquote>yes</blockquote></div>"
	if l, err = Parse([]byte(html)); err != nil || l.Said != "Please cancel it & thanks" {
		t.Errorf("%v %q", err, l.Said)
	}
}

func TestWhatOthersSaidAndSignaturesAreCutOff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"gmail":       {"Yes please\n\nOn Mon, Nov 23, 2026 at 9:12 AM Shop <help@shop.example> wrote:\n\n> Shall I cancel?\n> cancel it", "Yes please"},
		"two lines":   {"No.\n\nOn Mon, Nov 23, 2026 at 9:12 AM The Shop of Ani <help@shop.example>\nwrote:\n> Shall I?", "No."},
		"outlook":     {"Where is it?\n\nFrom: Shop <help@shop.example>\nSent: Monday, November 23, 2026 9:12 AM\nTo: Ani\nSubject: Re: order\n\nShall I cancel?", "Where is it?"},
		"original":    {"Thanks\n-----Original Message-----\nyes", "Thanks"},
		"signature":   {"Return it\n-- \nAni Petrosyan\n+374 10 123456", "Return it"},
		"telephone":   {"Where is it\n\nSent from my iPhone", "Where is it"},
		"armenian":    {"Որտե՞ղ է իմ պատվերը\n\n2026 թ. նոյ. 23, 09:12 Խանութ <help@shop.example> գրեց՝\n> այո", "Որտե՞ղ է իմ պատվերը"},
		"khmer":       {"តើកញ្ចប់នៅឯណា?\n\nនៅ ថ្ងៃ 23 វិច្ឆិកា 2026 09:12 Shop <help@shop.example> បានសរសេរ៖\n> បាទ", "តើកញ្ចប់នៅឯណា?"},
		"other":       {"Hello\n\n2026. gada 23. novembris plkst. 9:12, Shop <help@shop.example>:\n\n> yes", "Hello"},
		"inside":      {"> Shall I cancel it?\n\nYes, do\n\n> And the other?\n\nNo", "Yes, do\n\nNo"},
		"only quoted": {"> cancel\n> yes", ""},
		"a time":      {"I wrote at 10:30 to you:\nit is broken", "I wrote at 10:30 to you:\nit is broken"},
		"a list":      {"To: be honest, it is late\nFrom Monday on I am away", "To: be honest, it is late\nFrom Monday on I am away"},
	} {
		if got := newWords(c.text); got != c.want {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

func TestWhatNoPersonWroteIsNotAnswered(t *testing.T) {
	t.Parallel()
	ours := []string{"help@shop.example"}
	for want, headers := range map[string][]string{
		AutoReply: {"Auto-Submitted: auto-replied", "Precedence: auto_reply", "X-Autoreply: yes", "Subject: Out of office: back soon", "Subject: Automatic reply: order", "X-Loop: a"},
		List:      {"List-Id: <news.example>", "Precedence: bulk", "List-Unsubscribe: <mailto:x@y.example>"},
		Bounce:    {"Return-Path: <>", "X-Failed-Recipients: a@b.example", "Content-Type: multipart/report; report-type=delivery-status; boundary=x", "From: MAILER-DAEMON@mx.example"},
		Own:       {"From: Help <help@shop.example>", "From: help+abc234@shop.example", "From: HELP@SHOP.EXAMPLE"},
		Nobody:    {"From: a@b.example, c@d.example", "From: nonsense"},
		"":        {"Auto-Submitted: no", "Precedence: normal", "X-Mailer: Thunderbird"},
	} {
		for _, h := range headers {
			mail := h + "\r\n"
			if !strings.HasPrefix(h, "From:") {
				mail += "From: ani@example.com\r\n"
			}
			l, err := Parse([]byte(mail + "\r\nhello"))
			if err != nil && want != Bounce {
				t.Errorf("%s: %v", h, err)
				continue
			}
			if got := l.program(ours); got != want {
				t.Errorf("%s: %q, not %q", h, got, want)
			}
		}
	}
	for _, c := range []struct{ from, dmarc, spf, dkim, want string }{
		{"no-reply@x.example", "", "", "", NoReply}, {"donotreply@x.example", "", "", "", NoReply}, {"a@x.example", "fail", "", "", Suspicious},
		{"a@x.example", "", "fail", "", Suspicious}, {"a@x.example", "", "fail", "pass", ""}, {"a@x.example", "pass", "pass", "pass", ""},
	} {
		l := Letter{From: c.from, Said: "hello", DMARC: c.dmarc, SPF: c.spf, DKIM: c.dkim}
		if got := l.unanswerable(); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestProvidersFormsSayTheSame(t *testing.T) {
	t.Parallel()
	raw := string(crlf(plainMail))
	multipart := "--b\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\n" + raw + "\r\n--b\r\nContent-Disposition: form-data; name=\"SPF\"\r\n\r\npass\r\n--b\r\nContent-Disposition: form-data; name=\"dkim\"\r\n\r\n{@example.com : pass}\r\n--b--\r\n"
	for kind, body := range map[string]string{
		"message/rfc822":                  raw,
		"multipart/form-data; boundary=b": multipart,
		"application/json": `{"from":"\"Ani Petrosyan\" <ani@example.com>","to":["help+tail@shop.example"],"subject":"where","text":"Where is my order DS-7K3M-Q2XT-H?\n\n> old",
			"message_id":"<one@mail.example>","in_reply_to":"<ours@shop.example>","references":"<first@mail.example>","headers":{"X-Mailer":"y"},"verdicts":{"spf":"pass","dkim":"pass"},"attachments":2}`,
		"application/json; charset=utf-8": `{"FromFull":{"Email":"ani@example.com","Name":"Ani Petrosyan"},"ToFull":[{"Email":"help+tail@shop.example"}],"OriginalRecipient":"help+tail@shop.example","Subject":"where",
			"TextBody":"Where is my order DS-7K3M-Q2XT-H?\n\n> old","Headers":[{"Name":"Message-ID","Value":"<one@mail.example>"},{"Name":"References","Value":"<first@mail.example> <ours@shop.example>"},{"Name":"Received-SPF","Value":"Pass (sender authorized)"}],"Attachments":[{"Name":"a"},{"Name":"b"}]}`,
	} {
		l, err := Read(kind, []byte(body))
		if err != nil || l.From != "ani@example.com" || l.Name != "Ani Petrosyan" || l.MessageID != "one@mail.example" || l.To[0] != "help+tail@shop.example" ||
			l.Said != "Where is my order DS-7K3M-Q2XT-H?" || strings.Join(l.References, " ") != "first@mail.example ours@shop.example" {
			t.Errorf("%s: %v %+v", kind, err, l)
		}
		if kind != "message/rfc822" && l.SPF != "pass" {
			t.Errorf("%s: SPF %q", kind, l.SPF)
		}
		if strings.HasPrefix(kind, "application") && l.Attachments != 2 {
			t.Errorf("%s: %d attachments", kind, l.Attachments)
		}
	}
	for _, kind := range []string{"", "image/png", "application/json", "multipart/form-data"} {
		if _, err := Read(kind, []byte("\x00\x01")); err == nil {
			t.Errorf("%q is taken for a mail", kind)
		}
	}
}

func TestCardNumbersOfMailsAreNotKept(t *testing.T) {
	t.Parallel()
	got := withoutCards("My card 4111 1111 1111 1111 was charged\norder DS-7K3M-Q2XT-H of 2026-11-23")
	if strings.Contains(got, "4111") || !strings.Contains(got, "2026-11-23") || withoutCards("4111 1111\n1111 1111") != "**** ****\n**** ****" {
		t.Error(got)
	}
}

// Whatever comes, it is read within bounds or refused: nothing panics, and what is
// handed on is clean text of bounded length.
// A header is as long as its sender likes; what it costs may not grow faster.
func TestOnlyTheLastOfManyReferencesAreRead(t *testing.T) {
	t.Parallel()
	var refs strings.Builder
	for i := range 400_000 {
		fmt.Fprintf(&refs, "<%d@mail.example>\r\n ", i)
	}
	type read struct {
		l   Letter
		err error
	}
	done := make(chan read, 1)
	go func() {
		l, err := Parse([]byte("From: ani@example.com\r\nReferences: " + refs.String() + "\r\nIn-Reply-To: <399998@mail.example>\r\n\r\nhello"))
		done <- read{l, err}
	}()
	select {
	case r := <-done:
		all := r.l.References
		if r.err != nil || len(all) != maxRefs-1 || all[0] != "399951@mail.example" || all[len(all)-2] != "399999@mail.example" || all[len(all)-1] != "399998@mail.example" {
			t.Errorf("%v %q", r.err, all)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it takes too long")
	}
}

func FuzzAnyMailIsReadWithinBounds(f *testing.F) {
	f.Add(crlf(plainMail))
	f.Add([]byte("From: a@b.example\r\nContent-Type: text/html\r\n\r\n<blockquote><div class=gmail_quote>x</blockquote><a href=\"x"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n--a--"))
	f.Add([]byte("Subject: =?utf-7?Q?+ADw-?=\r\nReferences: <<<>>> a@b <x@y>\r\n\r\n\xff\xfe> x"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := Parse(raw)
		if err != nil {
			return
		}
		if len(l.Said) > maxSaid || !utf8.ValidString(l.Said) || !utf8.ValidString(l.Subject) || strings.ContainsAny(l.Said, "\x00\r\u202e") || strings.ContainsAny(l.Subject+l.Name, "\r\n\x00") {
			t.Errorf("%q %q", l.Said, l.Subject)
		}
		for _, ref := range append(l.References, l.MessageID) {
			if strings.ContainsAny(ref, "<> \r\n\x00") {
				t.Errorf("reference %q", ref)
			}
		}
		if l.From != "" && !bare(l.From) {
			t.Errorf("from %q", l.From)
		}
		_ = l.program([]string{"help@shop.example"})
	})
}
