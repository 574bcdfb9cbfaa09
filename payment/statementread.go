package payment

import (
	"bufio"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"doorstep/internal/card"
	"doorstep/internal/money"
)

// columns are the names that a column goes by, the first being ours.
type column []string

// The columns of statements. Names are compared without case, spaces and
// punctuation.
var (
	columnDate      = column{"date", "bookingdate", "booked", "bookedon", "valuedate", "transactiondate"}
	columnAmount    = column{"amount", "credit", "sum", "value", "codamount", "collected"}
	columnCurrency  = column{"currency", "ccy"}
	columnReference = column{"reference", "purpose", "description", "details", "remittance", "remittanceinformation", "message"}
	columnPayer     = column{"payer", "name", "payername", "counterparty", "debtor", "from"}
	columnBankID    = column{"bankreferenceid", "bankreference", "bankid", "transactionid", "id", "entryreference"}
	columnTracking  = column{"trackingnumber", "tracking", "awb", "parcel", "waybill"}
	columnNumber    = column{"ordernumber", "order", "orderid", "reference"}
	columnFee       = column{"fee", "codfee", "commission"}
)

// readFile is a statement as it stands in the file.
type readFile struct {
	rows, failed int
	errors       []RowError
	lines        []StatementLine
}

// reader takes a file apart.
type reader struct {
	kind StatementKind
	at   map[string]int // column name to place
	same map[[32]byte]int
	n    int // rows so far, empty ones too
	out  readFile
}

// readStatement reads a CSV file: its delimiter is found out from its head.
func readStatement(file io.Reader, kind StatementKind) (*readFile, error) {
	counted := &counter{from: file}
	in := bufio.NewReaderSize(counted, 64<<10)
	if mark, err := in.Peek(3); err == nil && string(mark) == "\uFEFF" {
		_, _ = in.Discard(3) // just peeked
	}
	head, err := in.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("payment: %w", err)
	}
	rows := csv.NewReader(in)
	rows.Comma, rows.LazyQuotes, rows.FieldsPerRecord, rows.ReuseRecord = delimiter(string(head)), true, -1, true
	r := &reader{kind: kind, same: map[[32]byte]int{}}
	names, err := rows.Read()
	if err != nil {
		return nil, ErrStatementFile.Because(err)
	}
	if err := r.head(names); err != nil {
		return nil, err
	}
	for {
		cells, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *csv.ParseError
		if err != nil && !errors.As(err, &bad) {
			return nil, fmt.Errorf("payment: %w", err)
		}
		if r.n == maxStatementRows || counted.n > MaxStatementBytes {
			return nil, ErrStatementSize
		}
		r.row(cells, err)
	}
	if counted.n > MaxStatementBytes {
		return nil, ErrStatementSize
	}
	return &r.out, nil
}

// counter counts the bytes that were read.
type counter struct {
	from io.Reader
	n    int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}

// delimiter is the sign that the first line has most of.
func delimiter(head string) rune {
	line, _, _ := strings.Cut(head, "\n")
	best, most := ',', 0
	for _, d := range []rune{',', ';', '\t', '|'} {
		if n := strings.Count(line, string(d)); n > most {
			best, most = d, n
		}
	}
	return best
}

// plain is a column's name without case, spaces and punctuation.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// head finds the columns.
func (r *reader) head(names []string) error {
	r.at = map[string]int{}
	for i, name := range names {
		if n := plain(name); n != "" {
			if _, twice := r.at[n]; !twice {
				r.at[n] = i
			}
		}
	}
	needed := []column{columnDate, columnAmount, columnCurrency, columnReference}
	if r.kind == CourierSettlement {
		needed = []column{columnAmount, columnCurrency}
		if r.find(columnTracking) < 0 && r.find(columnNumber) < 0 {
			return ErrStatementFile.Saying("The file needs a column tracking_number or order_number.")
		}
	}
	for _, c := range needed {
		if r.find(c) < 0 {
			return ErrStatementFile.Saying("The file needs a column " + c[0] + ".")
		}
	}
	return nil
}

func (r *reader) find(c column) int {
	for _, name := range c {
		if i, ok := r.at[name]; ok {
			return i
		}
	}
	return -1
}

// row reads one row; its number counts the head.
func (r *reader) row(cells []string, broken error) {
	r.n++
	number := r.n + 1
	wrong := func(field, code, message string) {
		r.out.failed++
		if len(r.out.errors) < maxRowErrors {
			r.out.errors = append(r.out.errors, RowError{Row: number, Field: field, Code: code, Message: message})
		}
	}
	if broken != nil {
		r.out.rows++
		wrong("", "row_unreadable", "The row is no CSV.")
		return
	}
	cell := func(c column) string {
		i := r.find(c)
		if i < 0 || i >= len(cells) {
			return ""
		}
		return tidy(cells[i])
	}
	if !slices.ContainsFunc(cells, func(c string) bool { return tidy(c) != "" }) {
		return // an empty row says nothing
	}
	r.out.rows++
	l := StatementLine{Row: number, Status: LineNew, Currency: strings.ToUpper(cell(columnCurrency))}
	if !money.Known(l.Currency) {
		wrong("currency", "currency_unknown", "This is no ISO 4217 code.")
		return
	}
	var err error
	if l.AmountMinor, err = readAmount(cell(columnAmount), l.Currency); err != nil {
		wrong("amount", "amount_unreadable", err.Error())
		return
	}
	if text := cell(columnDate); text != "" || r.kind == BankStatement {
		day, ok := readDate(text)
		if !ok {
			wrong("date", "date_unreadable", "Write dates as 2026-03-05, 05.03.2026 or 05/03/2026.")
			return
		}
		l.BookedOn = &day
	}
	if r.kind == CourierSettlement {
		l.Number, l.Tracking = clip(cell(columnNumber), 64), clip(cell(columnTracking), 64)
		if card.In([]byte(l.Number)) {
			wrong("order_number", "card_number_refused", "This looks like a card number, and none may be kept.")
			return
		}
		if l.Number == "" && l.Tracking == "" {
			wrong("tracking_number", "reference_missing", "The row names neither a parcel nor an order.")
			return
		}
		if fee := cell(columnFee); fee != "" {
			if l.FeeMinor, err = readAmount(fee, l.Currency); err != nil {
				wrong("fee", "amount_unreadable", err.Error())
				return
			}
		}
	} else {
		l.Reference, l.Payer = clip(withoutCards(cell(columnReference)), maxCell), clip(withoutCards(cell(columnPayer)), 200)
	}
	if l.AmountMinor <= 0 {
		l.Status, l.Reason = LineIgnored, ReasonOutgoing
	}
	r.name(&l, cell(columnBankID))
	r.out.lines = append(r.out.lines, l)
}

// name gives a line the name by which it is known again: the bank's own, else
// all that it says and the how many-eth of its kind in the file it is.
func (r *reader) name(l *StatementLine, bankID string) {
	h := sha256.New()
	part := func(s string) { fmt.Fprintf(h, "%d:%s", len(s), s) }
	day := ""
	if l.BookedOn != nil {
		day = l.BookedOn.Format(time.DateOnly)
	}
	if bankID != "" {
		part("id")
		part(bankID)
	} else {
		part("says")
		for _, s := range []string{day, fmt.Sprint(l.AmountMinor, l.FeeMinor), l.Currency, l.Reference, l.Payer, l.Number, l.Tracking} {
			part(s)
		}
		said := [32]byte(h.Sum(nil))
		r.same[said]++
		part(fmt.Sprint(r.same[said]))
	}
	l.Fingerprint = h.Sum(nil)
}

// tidy is the text of a cell without signs that cannot be printed; what is no
// UTF-8 becomes a question mark.
func tidy(cell string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == 0xA0 || r == 0x202F {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(cell, "?")))
}

// cardLike is 13 to 19 digits, alone or in groups.
var cardLike = regexp.MustCompile(`\b\d(?:[ -]?\d){12,18}\b`)

// withoutCards hides what may be the number of a card: people write those into
// transfers too, and none may be kept.
func withoutCards(text string) string {
	return cardLike.ReplaceAllStringFunc(text, func(digits string) string {
		sum, double := 0, false
		for i := len(digits) - 1; i >= 0; i-- {
			if digits[i] < '0' || digits[i] > '9' {
				continue
			}
			d := int(digits[i] - '0')
			if double {
				d = d*2/10 + d*2%10
			}
			sum, double = sum+d, !double
		}
		if sum%10 != 0 {
			return digits
		}
		return "****"
	})
}

func readDate(text string) (time.Time, bool) {
	text, _, _ = strings.Cut(text, "T")
	text, _, _ = strings.Cut(text, " ")
	for _, form := range []string{time.DateOnly, "2.1.2006", "2/1/2006", "20060102"} {
		if day, err := time.Parse(form, text); err == nil && day.Year() >= 1970 && day.Year() < 3000 {
			return day, true
		}
	}
	return time.Time{}, false
}

var (
	errAmountText  = errors.New("this is no amount")
	errAmountSigns = errors.New("the decimal sign is not clear: write 1234.56 or 1234,56")
)

// readAmount reads a decimal as banks write it: a point or a comma as the
// decimal sign, points, commas, spaces or apostrophes between thousands, a minus
// in front or behind, or brackets. What could be read in two ways is refused.
func readAmount(text, currency string) (int64, error) {
	t := strings.NewReplacer(" ", "", "'", "", "’", "", "−", "-").Replace(text)
	negative := false
	if inner, ok := strings.CutPrefix(t, "("); ok && strings.HasSuffix(inner, ")") {
		t, negative = strings.TrimSuffix(inner, ")"), true
	}
	if rest, ok := strings.CutSuffix(t, "-"); ok {
		t, negative = rest, !negative
	}
	if rest, ok := strings.CutPrefix(t, "-"); ok {
		t, negative = rest, !negative
	}
	t = strings.TrimPrefix(t, "+")
	digits, err := decimalSign(t, currency)
	if err != nil {
		return 0, err
	}
	minor, err := money.Parse(digits, currency)
	if err != nil || strings.HasPrefix(digits, "-") {
		return 0, errAmountText
	}
	if negative {
		minor = -minor
	}
	return minor, nil
}

// decimalSign writes an amount with a point and without signs between thousands.
func decimalSign(t, currency string) (string, error) {
	exponent, err := money.Exponent(currency)
	if err != nil {
		return "", err
	}
	last := strings.LastIndexAny(t, ".,")
	if last < 0 {
		return t, nil
	}
	sign, behind := t[last:last+1], len(t)-last-1
	other := map[string]string{".": ",", ",": "."}[sign]
	switch {
	case strings.Contains(t, other): // both: the last one is the decimal sign
		whole, err := ungroup(t[:last], other)
		if err != nil || strings.Contains(t[:last], sign) {
			return "", errAmountSigns
		}
		return whole + "." + t[last+1:], nil
	case strings.Count(t, sign) > 1:
		return ungroup(t, sign)
	case behind == 3 && exponent == 0:
		return ungroup(t, sign)
	case behind == 3 && (exponent < 3 || sign == ","):
		return "", errAmountSigns
	}
	return t[:last] + "." + t[last+1:], nil
}

// ungroup takes out the signs between thousands, which stand at every third place.
func ungroup(t, sign string) (string, error) {
	groups := strings.Split(t, sign)
	for i, g := range groups {
		if len(g) > 3 || len(g) == 0 || i > 0 && len(g) != 3 {
			return "", errAmountSigns
		}
	}
	return strings.Join(groups, ""), nil
}
