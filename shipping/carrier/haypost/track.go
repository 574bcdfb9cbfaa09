package haypost

import (
	"context"
	"net/url"
	"time"

	_ "time/tzdata" // the machine may have none

	"doorstep/shipping/carrier"
)

// states says what HayPost's states are to us. It lists eleven; any other is
// unknown.
var states = map[string]carrier.Status{
	"1": carrier.StatusInTransit, "2": carrier.StatusInTransit, "5": carrier.StatusInTransit, "7": carrier.StatusInTransit,
	"3": carrier.StatusFailed, "4": carrier.StatusFailed, "10": carrier.StatusFailed,
	"6": carrier.StatusDelivered,
	"8": carrier.StatusDelayed, "9": carrier.StatusDelayed,
	"11": carrier.StatusOnHold,
}

// Codes are HayPost's states.
func (h *HayPost) Codes() map[string]carrier.Status {
	all := make(map[string]carrier.Status, len(states))
	for code, status := range states {
		all[code] = status
	}
	return all
}

// zone is where HayPost's clocks stand: its times are told without one.
var zone = func() *time.Location {
	if z, err := time.LoadLocation("Asia/Yerevan"); err == nil {
		return z
	}
	return time.FixedZone("+04", 4*60*60)
}()

type tracking struct {
	Order *struct {
		ID         carrier.Decimal `json:"id"`
		TrackingID string          `json:"trackingId"`
		StateID    carrier.Decimal `json:"stateId"`
		CreateDate string          `json:"createDate"`
	} `json:"order"`
	Histories []struct {
		ID         carrier.Decimal `json:"id"`
		StateID    carrier.Decimal `json:"stateId"`
		CreateDate string          `json:"createDate"`
	} `json:"orderStateHistories"`
}

// Track asks for each number by itself: HayPost knows no other way.
func (h *HayPost) Track(ctx context.Context, numbers []string) ([]carrier.Tracked, error) {
	all := []carrier.Tracked{}
	for _, number := range numbers {
		var said tracking
		err := h.client.Do(ctx, carrier.Call{Name: "track", Path: "/Api/Order/Tracking/" + url.PathEscape(number)}, &said)
		if carrier.KindOf(err) == carrier.KindNotFound {
			continue
		}
		if err == nil && said.Order == nil {
			err = h.client.Missing("track", "order")
		}
		if err != nil {
			return nil, err
		}
		all = append(all, said.tracked(number))
	}
	return all, nil
}

func (t *tracking) tracked(number string) carrier.Tracked {
	p := carrier.Tracked{Number: number, Carrier: Name}
	add := func(id, state carrier.Decimal, date string) {
		when, ok := instant(date)
		if !ok || state == "" {
			return
		}
		status, known := states[string(state)]
		if !known {
			status = carrier.StatusUnknown
		}
		p.Events = append(p.Events, carrier.Event{ID: string(id), Code: string(state), Status: status, At: when, ZoneGuessed: true})
	}
	for _, s := range t.Histories {
		add(s.ID, s.StateID, s.CreateDate)
	}
	if len(p.Events) == 0 && t.Order != nil {
		add("", t.Order.StateID, t.Order.CreateDate)
	}
	p.Events = carrier.Tidy(p.Events)
	for _, e := range p.Events {
		if e.Status == carrier.StatusDelivered {
			p.Delivered = e.At
		}
	}
	return p
}

// instant reads a time on the clocks of Yerevan. HayPost's year 1 is no time.
func instant(text string) (time.Time, bool) {
	t, err := time.ParseInLocation("2006-01-02T15:04:05.999999999", text, zone)
	return t, err == nil && t.Year() > 2000
}
