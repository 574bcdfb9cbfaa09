package recommend

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Log is what people bought, as a file of purchases tells it: in numbers, with
// the names that stand for them.
type Log struct {
	Items  []string // by number, in the order of their names
	Orders []Order  // the oldest first
	number map[string]int32
	// Timed tells whether the file says when, and so in which orders; else each
	// customer is one order.
	Timed bool
}

// Order is what somebody bought at once.
type Order struct {
	Customer string // empty when unknown
	At       time.Time
	Items    []int32 // each once, ascending
}

// ErrFile is a file that is not what it should be; the text says where.
var ErrFile = errors.New("recommend: the file cannot be read")

// mostLine is the longest line that is read.
const mostLine = 1 << 22

// lines calls f with the fields of each line of a file, unzipped when its name
// ends in .gz.
func lines(file string, f func(n int, fields []string) error) error {
	opened, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }() // it was only read
	var r io.Reader = opened
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(opened); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrFile, file, err)
		}
	}
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 1<<16), mostLine)
	for n := 1; s.Scan(); n++ {
		text := strings.TrimRight(s.Text(), "\r")
		if text == "" {
			continue
		}
		if err := f(n, strings.Split(text, "\t")); err != nil {
			return fmt.Errorf("%w: %s, line %d: %w", ErrFile, file, n, err)
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrFile, file, err)
	}
	return nil
}

// bought is one item of one order, before all names are known.
type bought struct{ order, item string }

// ReadLog reads purchases: either lines with a header that names the columns
// time, invoice, customer and item, one line an item; or lines without a header,
// a customer and then what they bought. Lines from before on are left out;
// the zero time leaves nothing out.
func ReadLog(file string, before time.Time) (*Log, error) {
	var columns map[string]int
	var all []bought
	orders := map[string]*Order{}
	l := &Log{}
	err := lines(file, func(n int, fields []string) error {
		if n == 1 && slices.Contains(fields, "item") {
			columns, l.Timed = map[string]int{}, true
			for i, name := range fields {
				columns[name] = i
			}
			for _, name := range []string{"time", "invoice", "customer", "item"} {
				if _, ok := columns[name]; !ok {
					return fmt.Errorf("there is no column %s", name)
				}
			}
			return nil
		}
		if !l.Timed {
			customer, rest, _ := strings.Cut(strings.Join(fields, " "), " ")
			orders[customer] = &Order{Customer: customer}
			for _, item := range strings.Fields(rest) {
				all = append(all, bought{customer, item})
			}
			return nil
		}
		if len(fields) < len(columns) {
			return fmt.Errorf("%d columns of %d", len(fields), len(columns))
		}
		at, err := time.Parse(time.DateTime, fields[columns["time"]])
		if err != nil {
			return err
		}
		if !before.IsZero() && !at.Before(before) {
			return nil
		}
		invoice := strings.Clone(fields[columns["invoice"]])
		if orders[invoice] == nil {
			orders[invoice] = &Order{Customer: known(fields[columns["customer"]]), At: at}
		}
		all = append(all, bought{invoice, strings.Clone(fields[columns["item"]])})
		return nil
	})
	if err != nil {
		return nil, err
	}
	l.fill(orders, all)
	return l, nil
}

func known(customer string) string {
	if customer == "-" {
		return ""
	}
	return strings.Clone(customer)
}

// fill numbers the items and puts the orders into one order.
func (l *Log) fill(orders map[string]*Order, all []bought) {
	l.number = map[string]int32{}
	for _, b := range all {
		l.number[b.item] = 0
	}
	for item := range l.number {
		l.Items = append(l.Items, item)
	}
	slices.Sort(l.Items)
	for i, item := range l.Items {
		l.number[item] = int32(i)
	}
	for _, b := range all {
		o := orders[b.order]
		o.Items = append(o.Items, l.number[b.item])
	}
	names := make([]string, 0, len(orders))
	for name, o := range orders {
		slices.Sort(o.Items)
		o.Items = slices.Compact(o.Items)
		names = append(names, name)
	}
	slices.SortFunc(names, func(x, y string) int {
		if c := orders[x].At.Compare(orders[y].At); c != 0 {
			return c
		}
		return strings.Compare(x, y)
	})
	for _, name := range names {
		l.Orders = append(l.Orders, *orders[name])
	}
}

// Number is the number of an item, -1 for one that was never bought.
func (l *Log) Number(item string) int32 {
	if n, ok := l.number[item]; ok {
		return n
	}
	return -1
}

// Query is one question of a file: a basket with what is seen of it, or a
// customer with what is known to have been bought.
type Query struct {
	Name  string
	Items []string
}

// ReadQueries reads questions, one a line: a name and, after a tab, items with
// spaces between; or all with spaces between. A first line that names its columns is left out.
func ReadQueries(file string) ([]Query, error) {
	var all []Query
	err := lines(file, func(n int, fields []string) error {
		if n == 1 && slices.Contains([]string{"basket", "customer", "user", "query"}, fields[0]) {
			return nil
		}
		if name, items, ok := strings.Cut(fields[0], " "); ok && len(fields) == 1 { // as purchases without a header are
			fields = []string{name, items}
		}
		q := Query{Name: strings.Clone(fields[0])}
		for _, more := range fields[1:] {
			q.Items = append(q.Items, strings.Fields(more)...)
		}
		all = append(all, q)
		return nil
	})
	return all, err
}
