package verify

// documents: invoices and credit notes, and their numbers.
var documents = []Invariant{
	{"document_numbers_have_no_gaps", `
		select merchant_id, series, format('%s documents, numbered %s to %s; the next is %s', coalesce(d.n, 0), d.first, d.last, c.next)
		from document_counters c
		full join (select merchant_id, series, count(*) as n, count(distinct sequence) as numbers, min(sequence) as first, max(sequence) as last
			from documents group by 1, 2) d using (merchant_id, series)
		where c.next is null or c.next <> coalesce(d.last, 0) + 1 or d.n <> d.last or d.numbers <> d.n or d.first <> 1`},
	{"one_document_for_each_thing", `
		select merchant_id, order_id, format('%s %s, the last is number %s of the order', count(*), kind, max(nth)) from documents
		group by merchant_id, order_id, kind having count(*) <> max(nth) or count(distinct nth) <> count(*) or count(distinct refund_id) <> count(refund_id)`},
	{"document_adds_up", `
		select d.merchant_id, d.id, format('%s with %s tax, by rates %s with %s', d.total_minor, d.tax_minor, coalesce(r.gross, 0), coalesce(r.tax, 0)) from documents d
		left join lateral (select sum(gross) as gross, sum(tax) as tax from jsonb_to_recordset(d.rates) as r (gross bigint, tax bigint)) r on true
		where d.total_minor <> coalesce(r.gross, 0) or d.tax_minor <> coalesce(r.tax, 0)`},
	{"document_has_its_order", `
		select d.merchant_id, d.id, coalesce('the order is in ' || o.currency, 'no order ' || d.order_id) from documents d
		left join orders o on o.merchant_id = d.merchant_id and o.id = d.order_id
		where o.id is null or o.currency <> d.currency`},
	{"invoices_are_within_the_captures", `
		select d.merchant_id, d.order_id, format('%s invoiced, %s taken', d.invoiced, coalesce(p.captured, 0))
		from (select merchant_id, order_id, sum(total_minor) as invoiced from documents where kind = 'invoice' group by 1, 2) d
		left join (select merchant_id, order_id, sum(captured_minor) as captured from payments group by 1, 2) p
			on p.merchant_id = d.merchant_id and p.order_id = d.order_id
		where d.invoiced > coalesce(p.captured, 0)`},
	{"credit_note_is_its_refund", `
		select d.merchant_id, d.id, format('%s, refund %s of %s, corrects %s', d.total_minor, d.refund_id, coalesce(r.amount_minor, 0), coalesce(i.number, 'nothing'))
		from documents d
		left join refunds r on r.merchant_id = d.merchant_id and r.id = d.refund_id and r.order_id = d.order_id
		left join documents i on i.merchant_id = d.merchant_id and i.id = d.invoice_id and i.order_id = d.order_id and i.kind = 'invoice'
		where d.kind = 'credit_note' and (r.amount_minor is distinct from d.total_minor or i.id is null)`},
	// Within a day: the job is retried, and a sweep looks for what was missed.
	{"money_that_moved_has_its_document", `
		select merchant_id, coalesce(refund_id, order_id), case when refund_id is null then 'no invoice' else 'no credit note' end || ' since ' || since
		from v_documents_missing where since < $1::timestamptz - interval '1 day'`},
}
