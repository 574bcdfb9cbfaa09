package order

import (
	"time"

	"github.com/google/uuid"
)

// Returnable says how many units of a line its buyer can still send back, and
// until when: nil while a parcel with units of the line is on its way, for the
// window of days begins when the last has arrived.
func (t *Tracking) Returnable(line uuid.UUID, days int64, now time.Time) (units int64, until *time.Time) {
	for i := range t.Lines {
		if l := &t.Lines[i]; l.ID == line {
			units = max(0, l.Shipped-l.Returned-l.ComingBack)
		}
	}
	if last, arrived := arrival(t.Shipments, line); arrived {
		end := last.AddDate(0, 0, int(days))
		if until = &end; now.After(end) {
			units = 0
		}
	}
	return units, until
}
