package payment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/killpoint"
)

// The inbox takes in what providers tell by webhook. An event is written down,
// once, before it is answered; then it is acted on, and only then marked as done.
// To act is to ask the provider how the payment stands now and to record that,
// which can be repeated: so that it does not matter when the program dies, and
// neither how often nor in what order the events come. One that names a payment
// which is not here yet is parked and looked at again.

// ErrReceiver says that webhooks of a provider, or for a merchant, are not taken.
var ErrReceiver = fault.New(fault.NotFound, "webhook_receiver_unknown", "Nobody here takes webhooks of this provider for this merchant.")

// settler finishes payments that have no order yet: checkout.Settle. One that
// came to nothing is no error.
type settler interface {
	SettlePayment(ctx context.Context, merchant, payment uuid.UUID) error
}

// adopter records what was done at the provider to the payment of an order.
type adopter interface {
	Adopt(ctx context.Context, merchant, payment uuid.UUID) error
}

// merchants knows who there is.
type merchants interface {
	MerchantKnown(ctx context.Context, merchant uuid.UUID) (bool, error)
	MerchantIDs(ctx context.Context) ([]uuid.UUID, error)
}

// providers finds a provider by its name.
type providers interface {
	Provider(name string) (Provider, bool)
}

// InboxConfig is what the inbox needs.
type InboxConfig struct {
	DB        *db.DB
	Providers providers
	Settler   settler
	Adopter   adopter
	Merchants merchants
	// Timeout bounds the work on one payment; 15 s when zero.
	// Now measures the age of signatures; the clock of DB when nil. Providers sign
	// by the world's time, whatever a demo's clock was moved to.
	Now     func() time.Time
	Timeout time.Duration
	// AtOnce is how many payments are looked after at a time; 8 when zero.
	AtOnce int
	Log    *slog.Logger
}

// Inbox takes in what providers tell, and acts on it.
type Inbox struct{ InboxConfig }

// NewInbox makes an inbox.
func NewInbox(c InboxConfig) *Inbox {
	if c.Timeout == 0 {
		c.Timeout = 15 * time.Second
	}
	if c.AtOnce == 0 {
		c.AtOnce = 8
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = c.DB.Now
	}
	return &Inbox{c}
}

// Receipt says what became of a webhook.
type Receipt struct {
	Duplicate bool // it has come before
	Ignored   bool // it is about nothing that is paid for here
}

// Receive checks a webhook and writes down what it tells, for the merchant that
// its address names or, when that is zero, for the one whose payment it is about.
// It fails with ErrReceiver, ErrSignature or ErrWebhookBody, and has written
// nothing then.
func (b *Inbox) Receive(ctx context.Context, provider string, merchant uuid.UUID, header http.Header, body []byte) (Receipt, error) {
	n, err := b.read(ctx, provider, header, body)
	if err != nil {
		return Receipt{}, err
	}
	if merchant != uuid.Nil {
		if known, err := b.Merchants.MerchantKnown(ctx, merchant); err != nil || !known {
			return Receipt{}, cmp.Or(err, error(ErrReceiver))
		}
	}
	if n.Kind == "" {
		return Receipt{Ignored: true}, nil
	}
	owner, err := b.owner(ctx, provider, &n)
	if err != nil {
		return Receipt{}, err
	}
	if owner == uuid.Nil && n.Merchant == uuid.Nil {
		owner = merchant // its payment may come yet
	}
	if owner == uuid.Nil || merchant != uuid.Nil && owner != merchant {
		return Receipt{Ignored: true}, nil // several shops, and other programs, may share an account
	}
	killpoint.Hit("payment.inbox.heard")
	fresh, err := b.note(ctx, provider, owner, &n)
	killpoint.Hit("payment.inbox.noted")
	return Receipt{Duplicate: err == nil && !fresh}, err
}

// owner is the merchant whose payment a notice is about, as it says or as is
// found here; zero when neither says.
func (b *Inbox) owner(ctx context.Context, provider string, n *Notice) (uuid.UUID, error) {
	if n.Merchant != uuid.Nil {
		if known, err := b.Merchants.MerchantKnown(ctx, n.Merchant); err != nil || known {
			return n.Merchant, err
		}
		return uuid.Nil, nil
	}
	all, err := b.Merchants.MerchantIDs(ctx)
	if err != nil {
		return uuid.Nil, err
	}
	p, err := b.find(ctx, provider, all, n)
	if err != nil || p == nil {
		return uuid.Nil, err
	}
	return p.MerchantID, nil
}

// read has the provider check a webhook.
func (b *Inbox) read(ctx context.Context, provider string, header http.Header, body []byte) (n Notice, err error) {
	p, ok := b.Providers.Provider(provider)
	if !ok {
		return Notice{}, ErrReceiver
	}
	notifier, ok := p.(Notifier)
	if !ok {
		return Notice{}, ErrReceiver
	}
	defer func() { // of what somebody out there has sent
		if value := recover(); value != nil {
			err = ErrWebhookBody.Because(fmt.Errorf("payment: provider %s panicked: %v\n%s", provider, value, debug.Stack()))
		}
	}()
	n, err = notifier.Webhook(ctx, header, body, b.Now())
	if err == nil && (n.ID == "" || len(n.ID) > 255 || len(n.Type) > 255 || len(n.GatewayID) > 255 || !clean(n.ID+n.Type+n.GatewayID)) {
		err = ErrWebhookBody
	}
	return n, err
}

// clean says that PostgreSQL can keep a text.
func clean(text string) bool {
	return strings.ToValidUTF8(text, "") == text && !strings.ContainsRune(text, 0)
}

// note writes an event down; fresh says that it was not there yet.
func (b *Inbox) note(ctx context.Context, source string, merchant uuid.UUID, n *Notice) (fresh bool, err error) {
	now := b.DB.Now()
	var payment *uuid.UUID
	if n.PaymentID != uuid.Nil {
		payment = &n.PaymentID
	}
	at := n.At
	if at.IsZero() {
		at = now
	}
	rows, err := b.DB.Exec(ctx, `insert into inbox (merchant_id, source, event_id, event, kind, payment_id, gateway_id, status, next_at, occurred_at, received_at)
		values ($1, $2, $3, $4, $5, $6, $7, 'waiting', $8, $9, $8) on conflict do nothing`,
		merchant, source, n.ID, n.Type, string(n.Kind), payment, n.GatewayID, now, at)
	return rows > 0, err
}

// find looks for the payment that a notice is about, among those of merchants;
// nil when there is none.
func (b *Inbox) find(ctx context.Context, provider string, among []uuid.UUID, n *Notice) (*Payment, error) {
	const columns = `select merchant_id, id, order_id, status, failure_code from payments where merchant_id = any($1) and provider = $2 and `
	var p Payment
	read := func(sql string, arg any) (bool, error) {
		return db.One(b.DB.QueryRow(ctx, columns+sql+` limit 1`, among, provider, arg), &p.MerchantID, &p.ID, &p.OrderID, &p.Status, &p.FailureCode)
	}
	if n.PaymentID != uuid.Nil {
		if found, err := read(`id = $3`, n.PaymentID); err != nil || found {
			return &p, err
		}
	}
	if n.GatewayID != "" {
		if found, err := read(`gateway_id = $3`, n.GatewayID); err != nil || found {
			return &p, err
		}
	}
	return nil, nil //nolint:nilnil // none is an answer
}

const (
	inboxBatch = 200
	// inboxLease is how long nobody else tries what somebody has begun.
	inboxLease = time.Minute
	// inboxPatience is how long an event is tried, or waits for its payment.
	inboxPatience = 3 * 24 * time.Hour
	// inboxKept is how long an event that has ended is remembered; providers send
	// no event again after a month.
	inboxKept = 45 * 24 * time.Hour
)

// letter is a row that is due.
type letter struct {
	Merchant       uuid.UUID
	Source, ID     string
	Kind           NoticeKind
	Payment        *uuid.UUID
	Gateway        string
	Tries          int
	Next, Received time.Time
}

// subject is what letters about one payment have in common.
type subject struct {
	merchant uuid.UUID
	source   string
	gateway  string
	payment  uuid.UUID
}

func (l *letter) subject() subject {
	s := subject{merchant: l.Merchant, source: l.Source, gateway: l.Gateway}
	if l.Gateway == "" && l.Payment != nil {
		s.payment = *l.Payment
	}
	return s
}

// Work acts on the events that are due, and says on how many. Events about one
// payment are acted on together: it is asked for once.
func (b *Inbox) Work(ctx context.Context) (int, error) {
	worked := 0
	for {
		rows, err := b.DB.Query(ctx, `select merchant_id, source, event_id, kind, payment_id, gateway_id, tries, next_at, received_at from inbox
			where status in ('waiting', 'parked') and next_at <= $1 order by next_at, received_at limit $2`, b.DB.Now(), inboxBatch)
		if err != nil {
			return worked, err
		}
		due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[letter])
		if err != nil || len(due) == 0 {
			return worked, err
		}
		var subjects []subject // in their order
		byPayment := map[subject][]*letter{}
		for i := range due {
			about := due[i].subject()
			if byPayment[about] == nil {
				subjects = append(subjects, about)
			}
			byPayment[about] = append(byPayment[about], &due[i])
		}
		var all sync.WaitGroup
		places := make(chan struct{}, b.AtOnce)
		for _, about := range subjects {
			places <- struct{}{}
			all.Go(func() {
				defer func() { <-places }()
				b.handle(ctx, byPayment[about])
			})
		}
		all.Wait()
		worked += len(due)
		if len(due) < inboxBatch || ctx.Err() != nil {
			return worked, ctx.Err()
		}
	}
}

// handle acts on the letters about one payment.
func (b *Inbox) handle(ctx context.Context, letters []*letter) {
	mine := letters[:0]
	for _, l := range letters {
		n, err := b.DB.Exec(ctx, `update inbox set tries = tries + 1, next_at = $5
			where merchant_id = $1 and source = $2 and event_id = $3 and status in ('waiting', 'parked') and next_at = $4`,
			l.Merchant, l.Source, l.ID, l.Next, b.DB.Now().Add(inboxLease))
		if err == nil && n == 1 { // else somebody else has it
			l.Tries++
			mine = append(mine, l)
		}
	}
	if len(mine) == 0 {
		return
	}
	killpoint.Hit("payment.inbox.taken")
	err := b.act(ctx, mine)
	killpoint.Hit("payment.inbox.acted")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.Timeout)
	defer cancel()
	for _, l := range mine {
		if e := b.end(ctx, l, err); e != nil {
			b.Log.WarnContext(ctx, "webhook not marked as done", "source", l.Source, "event", l.ID, "error", e)
		}
	}
	killpoint.Hit("payment.inbox.ended")
	if err != nil && !errors.Is(err, errNotHere) {
		b.Log.WarnContext(ctx, "webhook not acted on yet", "source", mine[0].Source, "event", mine[0].ID, "error", err)
	}
}

var (
	errNotHere = errors.New("payment: no payment for it here yet")
	errOpen    = errors.New("payment: it is not known yet how it stands")
)

// act brings the payment that letters are about to where it stands at the
// provider.
func (b *Inbox) act(ctx context.Context, letters []*letter) (err error) {
	ctx, cancel := context.WithTimeout(ctx, b.Timeout)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("payment: a webhook panicked: %v\n%s", value, debug.Stack())
		}
	}()
	l := letters[0]
	n := Notice{GatewayID: l.Gateway}
	since := false // something that only happens to captured payments
	for _, l := range letters {
		if l.Payment != nil {
			n.PaymentID = *l.Payment
		}
		since = since || l.Kind != NoticeChanged
	}
	among := []uuid.UUID{l.Merchant}
	p, err := b.find(ctx, l.Source, among, &n)
	if err != nil {
		return err
	}
	if p == nil {
		return errNotHere
	}
	if p.OrderID == nil {
		if err := b.Settler.SettlePayment(ctx, p.MerchantID, p.ID); err != nil {
			return err
		}
		if p, err = b.find(ctx, l.Source, among, &Notice{PaymentID: p.ID}); err != nil || p == nil {
			return err
		}
		switch {
		case p.OrderID == nil && (p.Status == Pending || p.Status == Unknown && p.FailureCode == ""):
			return errOpen
		case p.OrderID == nil, !since: // it came to nothing, or it stands as it was found just now
			return nil
		}
	}
	err = b.Adopter.Adopt(ctx, p.MerchantID, p.ID)
	if errors.Is(err, ErrNotAtGateway) {
		err = ErrGatewayTrouble.Because(err) // who tells of it must know it
	}
	return err
}

// end writes down what became of a letter.
func (b *Inbox) end(ctx context.Context, l *letter, outcome error) error {
	now := b.DB.Now()
	status, code := "done", ""
	switch {
	case errors.Is(outcome, errNotHere):
		status, code = "parked", "payment_not_found"
	case errors.Is(outcome, errOpen):
		status, code = "waiting", "not_settled"
	case outcome != nil:
		var f *fault.Error
		if status, code = "waiting", "internal"; errors.As(outcome, &f) {
			code = f.Code
		}
	}
	next := now.Add(l.pause())
	var ended *time.Time
	if status == "parked" && now.Sub(l.Received) >= inboxPatience {
		status = "dropped"
	}
	if status == "done" || status == "dropped" {
		ended = &now
	}
	_, err := b.DB.Exec(ctx, `update inbox set status = $4, failure = $5, next_at = $6, ended_at = $7
		where merchant_id = $1 and source = $2 and event_id = $3 and status in ('waiting', 'parked')`, l.Merchant, l.Source, l.ID, status, code, next, ended)
	return err
}

// pause is how long a letter is left alone after a try that brought nothing.
func (l *letter) pause() time.Duration {
	return min(2*time.Second<<min(l.Tries, 12), time.Hour)
}

// Prune forgets events that ended long ago.
func (b *Inbox) Prune(ctx context.Context) (int64, error) {
	return b.DB.Exec(ctx, `delete from inbox where status in ('done', 'dropped') and ended_at < $1`, b.DB.Now().Add(-inboxKept))
}
