package order

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"doorstep/internal/money"
	"doorstep/payment"
)

// paper is what a document says, before it has a number. Amounts are minor units.
type paper struct {
	order    *Order
	refund   *uuid.UUID
	invoices []Document // that a credit note corrects
	reason   string
	rows     []paperRow
	sums     []paperSum
	rates    rateSums // add up to the document
}

// paperRow is one position. A row that is not about goods has a key instead of a
// title: what it is called, in the texts of the program.
type paperRow struct {
	key, title, note            string
	quantity                    int64 // 0 is not told
	unit, discount, bps, amount int64
	tax                         int64
}

// paperSum is one line below the rows; key names it.
type paperSum struct {
	key    string
	amount int64
	strong bool
}

func (r *Document) rates() (all rateSums, err error) {
	if err := json.Unmarshal(r.Rates, &all); err != nil {
		return nil, fmt.Errorf("order: document %s: %w", r.Number, err)
	}
	return all, nil
}

// invoicePaper bills what was taken for an order. That is what its lines cost or,
// when units were canceled before, what the kept ones cost; should it be neither,
// the difference is told in a line of its own.
func invoicePaper(o *Order, taken int64) (*paper, error) {
	if taken != o.Total && taken == o.Owed() {
		kept, err := keptOf(o)
		if err != nil {
			return nil, err
		}
		if kept.Total == taken {
			o = kept
		}
	}
	rates, _, err := orderRates(o)
	if err != nil {
		return nil, err
	}
	p := &paper{order: o, rates: rates}
	for i := range o.Lines {
		p.rows = append(p.rows, rowOf(&o.Lines[i]))
	}
	p.sum("subtotal", o.Subtotal, true)
	p.sum("discount", o.Discount, o.Discount != 0)
	p.sum("shipping", o.Shipping, true)
	p.sum("duties", o.Duties, o.Duties > 0)
	p.sum("tax", o.Tax, !o.PricesIncludeTax)
	if taken != o.Total {
		p.sum("not_charged", taken-o.Total, true)
		if p.rates, err = shareOf(rates, taken); err != nil {
			return nil, err
		}
	}
	p.total("total", taken)
	return p, p.tenders(taken)
}

// tenders tell what credits paid of an invoice, and what was paid otherwise.
func (p *paper) tenders(total int64) error {
	all, err := p.order.Credits()
	if err != nil || len(all) == 0 {
		return err
	}
	sums := map[payment.Method]int64{}
	rest := total
	for _, t := range all {
		sums[t.Method] += t.Amount
		rest -= t.Amount
	}
	for _, m := range []payment.Method{payment.ByGiftCard, payment.ByStoreCredit} {
		p.sum("by_"+string(m), sums[m], sums[m] > 0)
	}
	p.sum("by_other", rest, rest > 0)
	return nil
}

// sum adds a line below the rows, if it is to be told.
func (p *paper) sum(key string, amount int64, told bool) {
	if told {
		p.sums = append(p.sums, paperSum{key: key, amount: amount})
	}
}

// total ends the sums; where the tax is inside, it says how much.
func (p *paper) total(key string, amount int64) {
	p.sums = append(p.sums, paperSum{key: key, amount: amount, strong: true})
	p.sum("tax_included", p.rates.tax(), p.order.PricesIncludeTax || p.refund != nil)
}

// rowOf is a line as a row.
func rowOf(l *Line) paperRow {
	return paperRow{
		title: l.Title, note: noteOf(l), quantity: l.Quantity, unit: l.Unit, discount: l.Discount, bps: l.TaxRateBps, tax: l.Tax, amount: l.Total,
	}
}

// noteOf is the SKU of a line and what was chosen of it.
func noteOf(l *Line) string {
	words := []string{l.SKU}
	var options []struct {
		Value string `json:"value"`
	}
	if json.Unmarshal(l.OptionValues, &options) == nil {
		for _, o := range options {
			words = append(words, o.Value)
		}
	}
	words = slices.DeleteFunc(words, func(w string) bool { return strings.TrimSpace(w) == "" })
	return strings.Join(words, " · ")
}

// keptOf is an order without the units that need not be paid.
func keptOf(o *Order) (*Order, error) {
	kept := *o
	kept.Lines = nil
	for _, l := range o.Lines {
		total, err := money.RefundShare(l.Total, l.Quantity, 0, l.Released)
		if err != nil {
			return nil, err
		}
		tax, err := money.RefundShare(l.Tax, l.Quantity, 0, l.Released)
		if err != nil {
			return nil, err
		}
		kept.Subtotal -= l.Subtotal
		kept.Discount -= l.Discount
		kept.Tax -= tax
		kept.Total -= total
		if l.Quantity -= l.Released; l.Quantity == 0 {
			continue
		}
		l.Total -= total
		l.Tax -= tax
		l.Subtotal = l.Quantity * l.Unit
		l.Discount = l.Total - l.Subtotal
		if !o.PricesIncludeTax {
			l.Discount -= l.Tax
		}
		kept.Subtotal += l.Subtotal
		kept.Discount += l.Discount
		kept.Lines = append(kept.Lines, l)
	}
	return &kept, nil
}

// extraPaper bills what was taken after the first invoice, as for lines that were
// added or exchanged.
func extraPaper(o *Order, taken int64) (*paper, error) {
	var rates rateSums
	for i := range o.Lines {
		if l := &o.Lines[i]; l.Origin == originEdit || l.Origin == originExchange {
			rates.add(rateSums{{l.TaxRateBps, l.Total, l.Tax}})
		}
	}
	var err error
	if rates.gross() == 0 {
		if rates, _, err = orderRates(o); err != nil {
			return nil, err
		}
	}
	p := &paper{order: o, rows: []paperRow{{key: "document.row.extra", amount: taken}}}
	if p.rates, err = shareOf(rates, taken); err != nil {
		return nil, err
	}
	p.total("total", taken)
	return p, nil
}

// creditPaper takes back what a refund gives back, of what was invoiced and not
// credited before.
// to is the sum that says to which credit it went, if to any.
func creditPaper(o *Order, r *payment.Refund, invoices, notes []Document, to string) (*paper, error) {
	p := &paper{order: o, refund: &r.ID, invoices: invoices, reason: r.Reason}
	invoiced, err := ratesOf(invoices)
	if err != nil {
		return nil, err
	}
	before, err := ratesOf(notes)
	if err != nil {
		return nil, err
	}
	wanted, err := p.credited(r, invoiced.gross())
	if err != nil {
		return nil, err
	}
	if p.rates, err = creditRates(invoiced, before, wanted, r.AmountMinor); err != nil {
		return nil, err
	}
	p.total("credited", r.AmountMinor)
	p.sum(to, r.AmountMinor, to != "")
	return p, nil
}

// ratesOf adds up documents.
func ratesOf(documents []Document) (sum rateSums, err error) {
	for i := range documents {
		rates, err := documents[i].rates()
		if err != nil {
			return nil, err
		}
		sum.add(rates)
	}
	return sum, nil
}

// credited fills in the rows of a refund, which add up to it, and says how much
// of it is for lines of which rate.
func (p *paper) credited(r *payment.Refund, invoiced int64) (wanted rateSums, err error) {
	o := p.order
	var lines []RefundLine
	if err := json.Unmarshal(r.Lines, &lines); err != nil {
		return nil, fmt.Errorf("order: refund %s: %w", r.ID, err)
	}
	if len(lines) == 0 && r.AmountMinor == o.Total && r.AmountMinor == invoiced {
		for _, l := range o.Lines { // all of it
			lines = append(lines, RefundLine{LineID: l.ID, Quantity: l.Quantity, Amount: l.Total})
		}
	}
	left := r.AmountMinor
	for _, back := range lines {
		l := o.line(back.LineID)
		if l == nil || back.Quantity < 1 || back.Quantity > l.Quantity {
			continue
		}
		row := rowOf(l)
		row.quantity, row.amount = back.Quantity, back.Amount
		if row.amount == 0 { // all that was left of the order was given back at once
			if row.amount, err = money.RefundShare(l.Total, l.Quantity, l.Quantity-back.Quantity, back.Quantity); err != nil {
				return nil, err
			}
		}
		left -= row.amount
		wanted.at(l.TaxRateBps).Gross += row.amount
		p.rows = append(p.rows, row)
	}
	_, shipping, err := orderRates(o)
	switch {
	case err != nil:
		return nil, err
	case len(p.rows) == 0 || left < 0: // by amount, or one part of a refund through several payments
		p.rows = []paperRow{{key: "document.row.part", amount: r.AmountMinor}}
	case left > 0 && o.Duties > 0 && left == shipping+o.Duties:
		p.rows = append(p.rows, paperRow{key: "document.row.duties", amount: o.Duties})
		if shipping > 0 {
			p.rows = append(p.rows, paperRow{key: "document.row.shipping", amount: shipping})
		}
		wanted.at(0).Gross += o.Duties
	case left > 0 && left == shipping:
		p.rows = append(p.rows, paperRow{key: "document.row.shipping", amount: left})
	case left > 0:
		p.rows = append(p.rows, paperRow{key: "document.row.rest", amount: left})
	}
	return wanted, nil
}
