package jobs

import (
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river/rivertype"

	"doorstep/internal/clock"
)

// patience is when a job that has failed is tried again: often at first, so that
// the end of an outage of minutes is noticed within a minute, and then ever more
// rarely, for about four days in all.
type patience struct{ machine clock.System }

// NextRetry is the time of the next try, for River.
func (p *patience) NextRetry(job *rivertype.JobRow) time.Time {
	d := waitAfter(len(job.Errors) + 1)
	return p.machine.Now().Add(d - d/10 + rand.N(d/5+1)) // not all at once
}

// waitAfter is how long to wait after so many failures.
func waitAfter(failures int) time.Duration {
	seconds := 45
	switch late := failures - 12; {
	case failures <= 5:
		seconds = failures * failures
	case late > 0:
		seconds = late * late * late * 60
	}
	return time.Duration(seconds) * time.Second
}
