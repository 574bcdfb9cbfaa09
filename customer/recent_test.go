package customer_test

import (
	"testing"
	"time"

	"doorstep/customer"
)

func TestAnswersAreForgottenAfterTheirTimeAndWhenThereAreTooMany(t *testing.T) {
	t.Parallel()
	r := customer.NewRecent(time.Second, 100)
	r.Put(0, 42, start)
	for name, c := range map[string]struct {
		after time.Duration
		want  bool
	}{"at once": {0, true}, "just before": {time.Second - 1, true}, "at its end": {time.Second, false}, "on a clock put back": {-1, false}} {
		if v, ok := r.Answer(0, start.Add(c.after)); ok != c.want || ok && v != 42 {
			t.Errorf("%s: %d %v", name, v, ok)
		}
	}
	for i := range 10_000 {
		r.Put(i, i, start)
		if r.Len() > 200 {
			t.Fatalf("%d answers in memory", r.Len())
		}
		if v, ok := r.Answer(i, start); !ok || v != i {
			t.Fatalf("the newest answer %d is lost", i)
		}
		if v, ok := r.Answer(max(0, i-99), start); !ok || v != max(0, i-99) {
			t.Fatalf("one of the newest hundred is lost before %d", i)
		}
	}
	r.Put(1, 1, start.Add(time.Minute))
	r.Put(1, 1, start.Add(2*time.Minute))
	if r.Len() > 2 {
		t.Errorf("%d old answers stay in memory", r.Len())
	}
}
