package api

import (
	"sync/atomic"
	"time"

	"doorstep/internal/fault"
)

// errOverloaded turns a request away before anything was done for it.
var errOverloaded = fault.New(fault.Unavailable, "overloaded", "Too many requests are being served at once. Try again in a moment.").After(time.Second)

// usualInFlight is how many requests may be inside at once: what a small machine
// serves in about a second. More would only wait, until their callers give up.
const usualInFlight = 512

// crowd counts the requests inside. The queue in front of the database stays
// short, so that those who are let in are served in time.
type crowd struct {
	most   int64
	inside atomic.Int64
}

// enter lets one more in, or fails with errOverloaded. leave must be called once
// in either case. A part of the room is kept for those who pay: what was done
// for them so far would otherwise be in vain.
func (c *crowd) enter(route *Route) error {
	most := c.most
	if route.Once != OnceInside {
		most -= most / 4
	}
	if c.inside.Add(1) > most {
		return errOverloaded
	}
	return nil
}

func (c *crowd) leave() { c.inside.Add(-1) }
