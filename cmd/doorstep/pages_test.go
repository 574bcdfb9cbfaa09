package main

import "testing"

func TestAMistypedAddressIsAPageThatAnyoneCanRead(t *testing.T) {
	t.Parallel()
	e := newEyes(t, shared(t).url, "en")
	e.open("/shop/nothing-here")
	e.look("not-found")
}
