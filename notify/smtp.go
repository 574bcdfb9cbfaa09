package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/wneessen/go-mail"

	"doorstep/internal/locale"
)

// Envelope is one mail with its addresses, ready for a Sender.
type Envelope struct {
	From      netmail.Address
	To        netmail.Address
	ReplyTo   string // empty: answers go to From
	MessageID string // without angle brackets; the same on every attempt
	Date      time.Time
	Lang      locale.Lang
	Message
	// Unsubscribe is where a POST ends such mails; empty for those of an order.
	Unsubscribe string
	// Answers are the mails that this one answers, see Mail.Answers.
	Answers []string
	// ByHand says that a person has written it.
	ByHand bool
	// Ready is asked once the mail server is there, right before it is given the
	// mail; an error is Send's, and nothing is handed over. Nil is yes.
	Ready func(ctx context.Context) error
}

// listHeaders are the headers by which readers' programs unsubscribe with one
// click, RFC 8058. Whoever signs the mail must sign both.
func listHeaders(unsubscribe string) map[string]string {
	if unsubscribe == "" {
		return nil
	}
	return map[string]string{string(mail.HeaderListUnsubscribe): "<" + unsubscribe + ">", string(mail.HeaderListUnsubscribePost): "List-Unsubscribe=One-Click"}
}

// threadHeaders are the headers by which a mail is put under those that it answers,
// RFC 5322. What is no Message-ID is left out.
func threadHeaders(answers []string) map[string]string {
	var all []string
	for _, id := range answers {
		if messageIDs.MatchString(id) {
			all = append(all, "<"+id+">")
		}
	}
	if len(all) == 0 {
		return nil
	}
	if len(all) > mostAnswers { // the first begins the thread, the last are what is answered
		all = append(all[:1:1], all[len(all)-mostAnswers+1:]...)
	}
	return map[string]string{string(mail.HeaderInReplyTo): all[len(all)-1], string(mail.HeaderReferences): strings.Join(all, " ")}
}

// mostAnswers bounds how many mails a mail names that it answers.
const mostAnswers = 20

var messageIDs = regexp.MustCompile(`^[^\s<>@\x00-\x1f\x7f]{1,200}@[^\s<>@\x00-\x1f\x7f]{1,200}$`)

// keptHeaders are what is kept of the headers of a captured mail.
func keptHeaders(m Mail) map[string]string {
	all := listHeaders(m.Unsubscribe)
	more := threadHeaders(m.Answers)
	if m.ReplyTo != "" {
		if more == nil {
			more = map[string]string{}
		}
		more["Reply-To"] = m.ReplyTo
	}
	for name, value := range more {
		if all == nil {
			all = map[string]string{}
		}
		all[name] = value
	}
	return all
}

// Sender hands a mail to the outside. It returns nil when the mail was taken
// over, ErrRefused when it can never arrive (ErrNobody inside, when that is for
// the address), the error of Ready when that gave one, and any other error when
// it may be tried again: then the mail may have been taken over nevertheless.
type Sender interface {
	Send(ctx context.Context, e Envelope) error
}

// SMTP sends through a mail server, over a new connection for each mail.
type SMTP struct {
	host    string
	port    int
	tls     bool // from the first byte
	policy  mail.TLSPolicy
	user    string
	pass    string
	timeout time.Duration
	config  *tls.Config
}

// smtpTimeout bounds one whole delivery, from the connection to the last
// answer. It must stay below lease, or two workers could send at once.
const smtpTimeout = 12 * time.Second

// quitTimeout is how long the farewell may take once the mail is taken over.
const quitTimeout = time.Second

// NewSMTP reads smtp://user:password@host:port or smtps://... (TLS from the
// first byte). The port is 587 or 465 when none is given. ?starttls= says
// whether smtp:// must be encrypted: require, opportunistic or none; by default
// it must when there is a password. Errors never repeat the password.
func NewSMTP(rawURL string) (*SMTP, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("smtp: the address cannot be read") // url's own error would show the password
	}
	s := &SMTP{host: u.Hostname(), port: 587, timeout: smtpTimeout, policy: mail.TLSOpportunistic}
	switch u.Scheme {
	case "smtp":
	case "smtps":
		s.tls, s.port = true, 465
	default:
		return nil, errors.New("smtp: the address must begin with smtp:// or smtps://")
	}
	if s.host == "" || u.Path != "" && u.Path != "/" || u.Fragment != "" {
		return nil, errors.New("smtp: the address must be scheme://user:password@host:port")
	}
	if p := u.Port(); p != "" {
		if s.port, err = strconv.Atoi(p); err != nil || s.port < 1 || s.port > 65535 {
			return nil, errors.New("smtp: the port is not a number from 1 to 65535")
		}
	}
	if u.User != nil {
		s.user = u.User.Username()
		s.pass, _ = u.User.Password()
		s.policy = mail.TLSMandatory
	}
	for name, values := range u.Query() {
		if name != "starttls" || len(values) != 1 {
			return nil, errors.New("smtp: the only setting is starttls, once")
		}
		if s.tls {
			return nil, errors.New("smtp: starttls is for smtp://, smtps:// is encrypted anyway")
		}
		switch values[0] {
		case "require":
			s.policy = mail.TLSMandatory
		case "opportunistic":
			s.policy = mail.TLSOpportunistic
		case "none":
			s.policy = mail.NoTLS
		default:
			return nil, errors.New("smtp: starttls must be require, opportunistic or none")
		}
	}
	s.config = &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12}
	return s, nil
}

// Send delivers e within 12 seconds or the deadline of ctx, whichever is first.
func (s *SMTP) Send(ctx context.Context, e Envelope) error {
	msg, err := compose(e)
	if err != nil {
		return ErrRefused.Because(err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	client, err := s.client(ctx)
	if err != nil {
		return masked("smtp", err)
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return masked("smtp: connect", err)
	}
	defer func() { _ = conn.Close() }() // Quit has mostly done it already
	if e.Ready != nil {
		if err := e.Ready(ctx); err != nil {
			return err
		}
	}
	err = client.SendWithSMTPClient(conn, msg)
	if msg.IsDelivered() {
		// What happens after the server's yes cannot make it a no.
		if conn.UpdateDeadline(quitTimeout) == nil {
			_ = conn.Quit()
		}
		return nil
	}
	return verdict(err)
}

// client is a go-mail client whose connection ends with ctx, at whatever stage.
func (s *SMTP) client(ctx context.Context) (*mail.Client, error) {
	dial := func(dialCtx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(dialCtx, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { _ = conn.Close() })
		if !s.tls {
			return conn, nil
		}
		secure := tls.Client(conn, s.config)
		if err := secure.HandshakeContext(dialCtx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return secure, nil
	}
	options := []mail.Option{
		mail.WithPort(s.port), mail.WithTimeout(s.timeout), mail.WithTLSConfig(s.config),
		mail.WithDialContextFunc(dial), mail.WithoutNoop(), mail.WithoutRset(), mail.WithTLSPolicy(s.policy),
	}
	if s.tls {
		options = append(options, mail.WithSSL())
	}
	if s.user != "" {
		options = append(options, mail.WithUsername(s.user), mail.WithPassword(s.pass),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1,
				mail.SMTPAuthCramMD5, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	return mail.NewClient(s.host, options...)
}

// compose builds the MIME message. Addresses are checked and every header is
// one line, so nothing that people typed can add a header.
func compose(e Envelope) (*mail.Msg, error) {
	for _, a := range []string{e.From.Address, e.To.Address} {
		if !validAddress(a) {
			return nil, errors.New("smtp: not a mail address")
		}
	}
	if strings.ContainsFunc(e.Subject+e.MessageID, unicode.IsControl) {
		return nil, errors.New("smtp: a header of more than one line")
	}
	// Armenian and Khmer letters are shorter in base64 than in quoted-printable.
	encoding := mail.EncodingB64
	if e.Lang == locale.En {
		encoding = mail.EncodingQP
	}
	msg := mail.NewMsg(mail.WithEncoding(encoding), mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&netmail.Address{Name: clean(e.From.Name, longName), Address: e.From.Address})
	msg.ToMailAddress(&netmail.Address{Name: clean(e.To.Name, longName), Address: e.To.Address})
	if e.ReplyTo != "" {
		if !validAddress(e.ReplyTo) {
			return nil, errors.New("smtp: not a mail address to answer to")
		}
		msg.ReplyToMailAddress(&netmail.Address{Address: e.ReplyTo})
	}
	msg.Subject(e.Subject)
	msg.SetMessageIDWithValue(e.MessageID)
	msg.SetDateWithValue(e.Date)
	if !e.ByHand {
		msg.SetGenHeader("Auto-Submitted", "auto-generated") // no out-of-office answers, RFC 3834
	}
	for name, value := range threadHeaders(e.Answers) {
		msg.SetGenHeaderPreformatted(mail.Header(name), value)
	}
	msg.SetGenHeader(mail.HeaderContentLang, string(e.Lang))
	for name, value := range listHeaders(e.Unsubscribe) {
		if !validURL(e.Unsubscribe) {
			return nil, errors.New("smtp: not an address to unsubscribe at")
		}
		msg.SetGenHeaderPreformatted(mail.Header(name), value)
	}
	msg.SetBodyString(mail.TypeTextPlain, e.Text)
	msg.AddAlternativeString(mail.TypeTextHTML, e.HTML)
	return msg, nil
}

// validAddress says whether s is one bare mail address.
func validAddress(s string) bool {
	if len(s) > 254 || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }) {
		return false
	}
	a, err := netmail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s
}

// verdict tells a refusal for good from a failure that may pass. A server's 5xx
// about the receiver or the message is final; one about us (not signed in, not
// allowed as sender) is the operator's to mend, and the mail waits for that.
func verdict(err error) error {
	safe := masked("smtp", err)
	var failure *mail.SendError
	if !errors.As(err, &failure) || failure.ErrorCode()/100 != 5 || failure.ErrorCode() == 530 || failure.ErrorCode() == 535 {
		return safe
	}
	if failure.Reason == mail.ErrSMTPRcptTo && nobody(failure) {
		return ErrRefused.Because(ErrNobody.Because(safe))
	}
	switch failure.Reason {
	case mail.ErrSMTPRcptTo, mail.ErrSMTPData, mail.ErrSMTPDataClose:
		return ErrRefused.Because(safe)
	}
	return safe
}

// nobody says whether a server refuses the address itself, and not us, our
// message or its size: by the enhanced code where there is one (RFC 3463), else
// by the codes that are for mailboxes.
func nobody(failure *mail.SendError) bool {
	if enhanced := failure.EnhancedStatusCode(); enhanced != "" {
		return strings.HasPrefix(enhanced, "5.1.") && enhanced != "5.1.7" && enhanced != "5.1.8" || enhanced == "5.2.1"
	}
	switch failure.ErrorCode() {
	case 550, 551, 553:
		return !strings.Contains(failure.Error(), " 5.7.") // that is policy, said without being asked
	}
	return false
}

var anAddress = regexp.MustCompile(`[^\s<>,;:"'()]+@[^\s<>,;:"'()]+`)

// mask takes mail addresses out of a text: servers like to repeat them, and the
// text ends in logs and in the deliveries table.
func mask(s string) string { return clean(anAddress.ReplaceAllString(s, "***"), 500) }

func masked(what string, err error) error {
	if err == nil {
		return fmt.Errorf("%s: no answer", what)
	}
	return fmt.Errorf("%s: %s", what, mask(err.Error()))
}
