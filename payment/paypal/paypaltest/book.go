package paypaltest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// readHold is an authorization by its id.
func (s *Server) readHold(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.held(c.id)
	if o == nil {
		return missing()
	}
	return answer{http.StatusOK, map[string]any{
		"id": o.hold.id, "status": o.hold.status, "amount": said(o.amount, o.currency), "custom_id": o.custom,
		"supplementary_data": map[string]any{"related_ids": map[string]string{"order_id": o.id}},
	}}
}

// transactions are the books: an entry for each authorization, capture and
// refund, and one of a program that shares the account.
func (s *Server) transactions(c *call) answer {
	q := c.r.URL.Query()
	from, e1 := time.Parse(time.RFC3339, q.Get("start_date"))
	to, e2 := time.Parse(time.RFC3339, q.Get("end_date"))
	size, e3 := strconv.Atoi(q.Get("page_size"))
	page, e4 := strconv.Atoi(q.Get("page"))
	if e1 != nil || e2 != nil || e3 != nil || e4 != nil || size < 1 || size > 500 || page < 1 || to.Sub(from) > 31*24*time.Hour || to.Before(from) {
		return malformed("INVALID_PARAMETER_VALUE")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.PageSize > 0 {
		size = s.PageSize
	}
	all := []map[string]any{}
	add := func(id, code, custom string, at time.Time) {
		if !at.Truncate(time.Second).Before(from.Truncate(time.Second)) && !at.Truncate(time.Second).After(to) {
			all = append(all, map[string]any{"transaction_info": map[string]any{
				"transaction_id": id, "transaction_event_code": code, "custom_field": custom, "transaction_initiation_date": at.Format(time.RFC3339Nano), "transaction_status": "S",
			}})
		}
	}
	for _, o := range s.orders {
		if o.hold == nil {
			continue
		}
		add(o.hold.id, "T1300", o.custom, o.hold.at)
		if o.capture != nil {
			add(o.capture.id, "T0006", o.custom, o.capture.at)
		}
		for _, r := range o.refunds {
			add(r.id, "T1107", r.custom, o.capture.at)
		}
	}
	add("OTHERPROGRAM00001", "T0006", "subscription 7", from)
	slices.SortFunc(all, func(x, y map[string]any) int { return strings.Compare(idOf(x), idOf(y)) })
	pages := (len(all) + size - 1) / size
	first := min((page-1)*size, len(all))
	return answer{http.StatusOK, map[string]any{
		"transaction_details": all[first:min(first+size, len(all))], "total_items": len(all), "total_pages": pages, "page": page,
	}}
}

func idOf(entry map[string]any) string {
	info, _ := entry["transaction_info"].(map[string]any)
	id, _ := info["transaction_id"].(string)
	return id
}
