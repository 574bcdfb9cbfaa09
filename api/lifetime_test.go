package api

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheLifeOfARequestEndsAtItsDeadlineOrWithItsAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		life := func() *lifetime {
			return (&request{server: &Server{}, started: time.Now()}).begin(t.Context(), time.Second)
		}
		l := life()
		if at, ok := l.Deadline(); !ok || !at.Equal(time.Now().Add(time.Second)) {
			t.Errorf("deadline %v", at)
		}
		if requestIn(l) != l.request || requestIn(context.WithoutCancel(l)) != l.request || l.Err() != nil {
			t.Error("the request is not in its context")
		}
		child, cancel := context.WithCancel(l)
		defer cancel()
		<-child.Done()
		if !errors.Is(l.Err(), context.DeadlineExceeded) || !errors.Is(child.Err(), context.DeadlineExceeded) {
			t.Errorf("got %v and %v", l.Err(), child.Err())
		}
		l = life()
		child, cancel = context.WithTimeout(l, time.Hour)
		defer cancel()
		l.end()
		<-l.Done()
		<-child.Done()
		if !errors.Is(l.Err(), context.Canceled) || requestIn(l) != l.request {
			t.Errorf("got %v", l.Err())
		}
		l = life() // nobody asks before its end
		l.end()
		<-l.Done()
		if !errors.Is(l.Err(), context.Canceled) {
			t.Errorf("got %v", l.Err())
		}
		base, stop := context.WithCancel(t.Context())
		l = (&request{server: &Server{}, started: time.Now()}).begin(base, time.Second)
		stop()
		<-l.Done()
		if !errors.Is(l.Err(), context.Canceled) {
			t.Errorf("got %v", l.Err())
		}
	})
}

func TestTheLanguageOfAHeaderIsFoundAgain(t *testing.T) {
	t.Parallel()
	for range 3 {
		for header, want := range map[string]string{"": "en", "hy": "hy", "km-KH,km;q=0.9": "km", "de": "en", "hy;q=0.1,km": "km", "\xff": "en"} {
			if got := languageOf([]byte(header)); string(got) != want {
				t.Errorf("%q is %s", header, got)
			}
		}
	}
}
