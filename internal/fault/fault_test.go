package fault_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"doorstep/internal/fault"
)

var errClosed = fault.New(fault.Conflict, "cart_closed", "This cart has already become an order.")

func TestCopiesStillMatchTheirSentinelAndNeverChangeIt(t *testing.T) {
	cause := errors.New("row gone")
	err := fmt.Errorf("checkout: %w", errClosed.Because(cause).With("cart", 7).At("body.id", "closed").After(time.Second))
	if !errors.Is(err, errClosed) || !errors.Is(err, cause) {
		t.Fatalf("%v matches neither its sentinel nor its cause", err)
	}
	if errors.Is(err, fault.New(fault.Conflict, "other", "")) {
		t.Fatal("another code must not match")
	}
	if errClosed.Extra != nil || errClosed.Fields != nil || errClosed.RetryAfter != 0 || errClosed.Unwrap() != nil {
		t.Fatalf("the sentinel was changed: %+v", errClosed)
	}
	e, ok := fault.As(err)
	if !ok || e.Extra["cart"] != 7 || len(e.Fields) != 1 || fault.KindOf(err) != fault.Conflict {
		t.Fatalf("the copy lost something: %+v", e)
	}
	if fault.KindOf(cause) != fault.Internal {
		t.Fatal("an unknown error is internal")
	}
}

func TestDeclaredCodesAreFoundAgain(t *testing.T) {
	if fault.ByCode("cart_closed") != errClosed {
		t.Fatal("a declared code is lost")
	}
	if fault.ByCode("never_declared").Kind != fault.Internal {
		t.Fatal("an undeclared code must stay hidden")
	}
	codes := map[string]bool{}
	for _, e := range fault.All() {
		codes[e.Code] = true
	}
	if !codes["cart_closed"] {
		t.Fatalf("All leaves out a code: %v", codes)
	}
}
