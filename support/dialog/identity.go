package dialog

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/support/skill"
	"doorstep/support/text"
	"doorstep/support/understand"
)

// proofLife is how long a code that was typed in a conversation counts there.
const proofLife = 12 * time.Hour

// The kinds of tries, each at most triesADay for an order, an address of mail and
// an address of the network, whichever conversation they are made in.
const (
	lookups = "lookup"
	codes   = "code"

	triesADay = 10
)

// zone is the shop's time zone.
func (t *talk) zone() *time.Location {
	if z, err := time.LoadLocation(t.settings.Timezone); err == nil {
		return z
	}
	return time.UTC
}

// prove answers that who writes has to be known first. The words are the same
// whatever was asked about.
func (t *talk) prove(p *part) {
	p.answer = skill.Answer{Type: skill.Verify, Reply: t.text("assistant.verify")}
	p.wait = &wait{For: forProof, Intent: p.ask.Intent, Order: p.ask.order, Seqs: p.ask.seqs}
	if t.ask != "" {
		p.answer.Reply = t.text("assistant.code_sent")
	}
}

// identify takes an address that was typed and the code that came back.
func (s *Service) identify(ctx context.Context, t *talk) (done bool, err error) {
	if t.who.Level >= skill.Verified {
		return false, nil
	}
	if found := codesIn(t.m.Text); len(found) > 0 && t.st.Code {
		return true, s.code(ctx, t, found)
	}
	emails := t.reading.Slots.Emails
	if len(emails) == 0 || elsewhere(t.reading.Text, emails[0].Start) {
		return false, nil
	}
	waits := t.st.Wait != nil && t.st.Wait.For == forProof
	sure := slices.ContainsFunc(t.reading.Asks, func(a understand.Ask) bool { return a.Level == understand.Sure })
	alone := runes(addresses.ReplaceAllString(t.reading.Text, "")) <= mostBeside
	needy := !alone && slices.ContainsFunc(t.fresher(), func(a ask) bool {
		k := s.byIntent[a.Intent]
		return k != nil && s.needs(k, a) > t.who.Level
	})
	if !alone && !needy && (!waits || sure) {
		return false, nil // an address in passing
	}
	t.ask, t.st.Code = emails[0].Text, true
	if needy && (sure || !waits) {
		return false, nil // the ask is answered by the same words, and waits
	}
	if !waits {
		t.st.Wait = &wait{For: forProof}
	}
	t.reply.Intents = []string{}
	t.say(skill.Verify, "assistant.code_sent")
	return true, nil
}

// mostBeside is how many characters a message may have beside an address and still
// be nothing but that.
const mostBeside = 24

// elsewhere says whether an address is one that something is to be sent to, and not
// the writer's own: nobody is sent a code because somebody else named them.
func elsewhere(message string, at int) bool {
	before := strings.ToLower(strings.TrimRight(message[:min(at, len(message))], " :"))
	return strings.HasSuffix(before, " to") || strings.HasSuffix(before, "ទៅ")
}

// code tries six digits. Several in one message are one wrong try.
func (s *Service) code(ctx context.Context, t *talk, found []string) error {
	order := ""
	if w := t.st.Wait; w != nil {
		order = w.Order
	}
	if t.reply.Slots["order"] != nil {
		delete(t.reply.Slots, "order") // digits of the code
	}
	t.reply.Intents = []string{}
	tired, err := s.tired(ctx, t, codes, order)
	if err != nil {
		return err
	}
	wrong := tired || len(found) != 1
	var who skill.Who
	if !wrong {
		contact, request := t.conv.ContactID, id.New() // none such: what it costs to try tells nothing
		if t.conv.CodeRequest != nil {
			request = *t.conv.CodeRequest
		}
		w, c, err := s.c.Codes.Prove(ctx, t.m.Merchant, request, found[0])
		switch {
		case fault.Is(err, customer.ErrCode):
			wrong = true
		case err != nil:
			return err
		case len(t.conv.EmailHMAC) > 0 && !bytes.Equal(t.conv.EmailHMAC, w.EmailHMAC):
			s.otherPerson(t)
			return nil
		default:
			who = w
			s.bind(t, who, c)
			if t.conv.ContactID == nil {
				t.conv.ContactID = contact
			}
		}
	}
	if wrong {
		if !tired {
			if err := s.tried(ctx, t, codes, order); err != nil {
				return err
			}
		}
		t.say(skill.Verify, "assistant.code_wrong")
		return nil
	}
	t.who = who
	until := t.now.Add(proofLife)
	t.conv.ProvedUntil, t.conv.CodeRequest, t.proved, t.st.Code = &until, nil, true, false
	t.add(t.text("assistant.code_right"))
	w := t.st.Wait
	t.st.Wait = nil
	if w == nil || w.Intent == "" {
		t.say(skill.Ask, "assistant.what")
		return nil
	}
	if err := s.load(ctx, t); err != nil {
		return err
	}
	a, err := s.recall(ctx, t, *w)
	if err != nil {
		return err
	}
	t.reply.Intents = []string{a.Intent}
	return s.answers(ctx, t, []ask{a})
}

// otherPerson refuses whoever proves to be somebody else than the one that the
// conversation belongs to: what was said and asked there is not theirs.
func (s *Service) otherPerson(t *talk) {
	if t.action.open(t.now) {
		t.settle(ActionDropped, "other_person")
	}
	t.say(skill.Refuse, "assistant.other_person")
}

// mail asks for the code, after the turn has been answered: how long it takes to
// find out whose address it is must not be seen.
func (s *Service) mail(ctx context.Context, t *talk) {
	work, end := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	m, conversation, email, language := t.m, t.conv.ID, t.ask, string(t.lang)
	s.mailing.Go(func() {
		defer end()
		select {
		case s.mails <- struct{}{}:
			defer func() { <-s.mails }()
		case <-work.Done():
			return
		}
		request, err := s.c.Codes.Ask(work, m.Merchant, email, language, m.IP)
		if err == nil && request != uuid.Nil {
			err = s.c.Store.Asked(work, m.Merchant, conversation, request)
		}
		if err != nil && s.c.Log != nil && !fault.Is(err, customer.ErrTooManyCodes, customer.ErrEmail) {
			s.c.Log.LogAttrs(work, slog.LevelError, "no code was sent", slog.String("error", err.Error()))
		}
	})
}

// subjects are whom tries are counted for.
func (s *Service) subjects(t *talk, number string) [][]byte {
	var all [][]byte
	if number != "" && t.who.Level < skill.Verified { // or strangers could shut its owner out
		all = append(all, digest("order", number))
	}
	if a, err := netip.ParseAddr(t.m.IP); err == nil {
		a = a.Unmap().WithZone("")
		bits := 32
		if a.Is6() {
			bits = 64 // all of one customer's addresses
		}
		if p, err := a.Prefix(bits); err == nil {
			all = append(all, digest("ip", p.String()))
		}
	}
	if len(t.who.EmailHMAC) > 0 {
		all = append(all, digest("email", string(t.who.EmailHMAC)))
	} else if t.conv.CodeRequest != nil {
		all = append(all, digest("request", t.conv.CodeRequest.String()))
	}
	return all
}

// tired says whether too much was tried today.
func (s *Service) tired(ctx context.Context, t *talk, kind, number string) (bool, error) {
	n, err := s.c.Store.Tries(ctx, t.m.Merchant, kind, s.subjects(t, number), t.now)
	return n >= triesADay, err
}

// tried counts one that failed.
func (s *Service) tried(ctx context.Context, t *talk, kind, number string) error {
	return s.c.Store.Try(ctx, t.m.Merchant, kind, s.subjects(t, number), t.now)
}

var (
	sixDigits = regexp.MustCompile(`(?:^|[^0-9A-Za-z#-])([0-9]{6}|[0-9]{3}[ -][0-9]{3})(?:[^0-9A-Za-z-]|$)`)
	addresses = regexp.MustCompile(`[^\s@<>(),;:"]+@[^\s@<>(),;:"]+\.[^\s@<>(),;:"]+`)
)

// codesIn are the runs of six digits that could be codes.
func codesIn(message string) []string {
	var all []string
	for at, s := 0, text.Normalise(message); at < len(s); {
		m := sixDigits.FindStringSubmatchIndex(s[at:])
		if m == nil {
			break
		}
		digits := s[at+m[2] : at+m[3]]
		if len(digits) == 7 {
			digits = digits[:3] + digits[4:]
		}
		if !slices.Contains(all, digits) {
			all = append(all, digits)
		}
		at += m[3]
	}
	return all
}

// conceal takes addresses of mail out of what is kept, and codes where one may come.
func conceal(message string, code bool) string {
	message = addresses.ReplaceAllString(message, "[e-mail]")
	if code && len(codesIn(message)) > 0 {
		message = digitRuns.ReplaceAllString(message, "[code]")
	}
	return message
}

var digitRuns = regexp.MustCompile(`\p{Nd}{6}|\p{Nd}{3}[ -]\p{Nd}{3}`)
