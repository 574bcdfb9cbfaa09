package jobs

import (
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"
)

func TestAnOutageOfMinutesIsOverWithinAMinuteOfItsEndAndOneOfDaysIsSurvived(t *testing.T) {
	t.Parallel()
	var sum time.Duration
	for n := 1; n < 25; n++ { // the 25th failure is the last
		d := waitAfter(n)
		if sum < 5*time.Minute && d > time.Minute {
			t.Errorf("after %d failures and %s a job waits for %s", n, sum, d)
		}
		if d < waitAfter(n-1) {
			t.Errorf("the pauses get shorter at %d", n)
		}
		sum += d
	}
	if sum < 3*24*time.Hour || sum > 6*24*time.Hour {
		t.Errorf("a job is given up after %s", sum)
	}
	now := time.Now()
	job := &rivertype.JobRow{Errors: make([]rivertype.AttemptError, 9)}
	if at := (&patience{}).NextRetry(job).Sub(now); at < 40*time.Second || at > 51*time.Second {
		t.Errorf("the tenth try comes after %s", at)
	}
}
