package jobs

import (
	"context"
	"time"
)

// Rescue takes up the jobs whose program died with them: those that have been
// running for a quarter longer than a job may. The library does the same, but
// only once a leader has been found and then every half minute, so that after a
// crash a buyer's money might be taken a minute late. Call it every so often; on
// several nodes at once it does no harm.
func (r *Runner) Rescue(ctx context.Context) error {
	after := r.config.Timeout + r.config.Timeout/4
	_, err := r.db.Exec(ctx, `update river_job set state = 'available'
		where state = 'running' and attempt < max_attempts and attempted_at < now() - $1::bigint * interval '1 microsecond'`,
		after/time.Microsecond)
	return err
}
