package wire

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"doorstep/payment/sandbox"
)

// item is one entry of a list.
type item struct {
	id      string
	created int64
	object  func() sandbox.Object
}

// list answers with a page of items, which are the newest first.
func list(q *query, items []item) answer {
	limit := 10
	if text := q.form.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			return invalid(http.StatusBadRequest, "parameter_invalid_integer", "limit", "limit must be from 1 to 100.")
		}
		limit = n
	}
	for name, values := range q.form {
		bound, found := strings.CutPrefix(name, "created")
		if !found {
			continue
		}
		at, err := strconv.ParseInt(values[0], 10, 64)
		inside := map[string]func(created int64) bool{
			"":      func(created int64) bool { return created == at },
			"[gte]": func(created int64) bool { return created >= at },
			"[gt]":  func(created int64) bool { return created > at },
			"[lte]": func(created int64) bool { return created <= at },
			"[lt]":  func(created int64) bool { return created < at },
		}[bound]
		if err != nil || inside == nil {
			return *wrong(name, "parameter_invalid_integer", "created takes seconds since 1970, with gt, gte, lt or lte.")
		}
		items = slices.DeleteFunc(items, func(i item) bool { return !inside(i.created) })
	}
	if after := q.form.Get("starting_after"); after != "" {
		i := slices.IndexFunc(items, func(i item) bool { return i.id == after })
		if i < 0 {
			return *wrong("starting_after", "resource_missing", "No such object: '"+after+"'")
		}
		items = items[i+1:]
	}
	more := len(items) > limit
	if more {
		items = items[:limit]
	}
	data := make([]sandbox.Object, 0, len(items))
	for _, i := range items {
		data = append(data, i.object())
	}
	return ok(sandbox.Object{"object": "list", "url": q.URL.Path, "has_more": more, "data": data})
}

// charges are those that the request asks for, the newest first.
func (h *Handler) charges(q *query) []sandbox.Charge {
	all := h.g.All()
	slices.Reverse(all)
	intent := q.form.Get("payment_intent")
	if charge := q.form.Get("charge"); charge != "" {
		intent = "pi_" + strings.TrimPrefix(charge, "ch_")
	}
	if intent == "" {
		return all
	}
	return slices.DeleteFunc(all, func(c sandbox.Charge) bool { return c.ID != intent })
}

func (h *Handler) listIntents(q *query) answer {
	full := q.expands("data.latest_charge")
	var items []item
	for _, c := range h.charges(q) {
		items = append(items, item{c.ID, c.CreatedAt.Unix(), func() sandbox.Object { return h.g.Intent(c, full) }})
	}
	return list(q, items)
}

func (h *Handler) listCharges(q *query) answer {
	var items []item
	for _, c := range h.charges(q) {
		if o, charged := sandbox.ChargeObject(c); charged {
			items = append(items, item{c.ChargeID(), c.CreatedAt.Unix(), func() sandbox.Object { return o }})
		}
	}
	return list(q, items)
}

func (h *Handler) retrieveCharge(q *query) answer {
	id := q.PathValue("id")
	if c, found := h.g.Charge("pi_" + strings.TrimPrefix(id, "ch_")); found {
		if o, charged := sandbox.ChargeObject(c); charged {
			return ok(o)
		}
	}
	return missing("charge", id)
}

// refunds are those of the charges that the request asks for, the newest first.
func (h *Handler) refunds(q *query) []item {
	var items []item
	for _, c := range h.charges(q) {
		for _, r := range slices.Backward(c.Refunds) {
			items = append(items, item{r.ID, r.At.Unix(), func() sandbox.Object { return sandbox.RefundObject(c, r) }})
		}
	}
	slices.SortStableFunc(items, func(a, b item) int { return int(b.created - a.created) })
	return items
}

func (h *Handler) listRefunds(q *query) answer { return list(q, h.refunds(q)) }

func (h *Handler) retrieveRefund(q *query) answer {
	return one(q, "refund", h.refunds(q))
}

// one answers with the item that the path names.
func one(q *query, kind string, items []item) answer {
	for _, i := range items {
		if i.id == q.PathValue("id") {
			return ok(i.object())
		}
	}
	return missing(kind, q.PathValue("id"))
}

func (h *Handler) listDisputes(q *query) answer {
	var items []item
	for _, c := range h.charges(q) {
		if c.Dispute != nil {
			items = append(items, item{c.Dispute.ID, c.Dispute.At.Unix(), func() sandbox.Object { return sandbox.DisputeObject(c) }})
		}
	}
	return list(q, items)
}

func (h *Handler) events(wanted []string) []item {
	var items []item
	for _, e := range h.g.Events() {
		if len(wanted) == 0 || slices.Contains(wanted, e.Type) {
			items = append(items, item{e.ID, e.At.Unix(), func() sandbox.Object { return h.g.EventObject(e) }})
		}
	}
	return items
}

func (h *Handler) listEvents(q *query) answer {
	wanted := q.many("types")
	if one := q.form.Get("type"); one != "" {
		wanted = append(wanted, one)
	}
	return list(q, h.events(wanted))
}

func (h *Handler) retrieveEvent(q *query) answer { return one(q, "event", h.events(nil)) }
