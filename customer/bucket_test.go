package customer_test

import (
	"math"
	"testing"

	"doorstep/internal/id"
)

func TestBucketsAreEvenPersistentAndIndependent(t *testing.T) {
	t.Parallel()
	v, other := vault(t, 1), vault(t, 2)
	merchant := id.New()
	const people = 20000
	low, both := 0, 0
	moved := false
	for range people {
		person := id.New()
		b := v.Bucket("hold-out", merchant, person[:])
		if b < 0 || b > 9999 || b != v.Bucket("hold-out", merchant, person[:]) {
			t.Fatalf("bucket %d", b)
		}
		moved = moved || b != other.Bucket("hold-out", merchant, person[:])
		if b < 1000 {
			low++
			if v.Bucket("canary", merchant, person[:]) < 1000 {
				both++
			}
		}
	}
	// Five standard deviations of a tenth, and of a hundredth.
	if math.Abs(float64(low)-people/10) > 5*math.Sqrt(people*0.09) || math.Abs(float64(both)-people/100) > 5*math.Sqrt(people*0.0099) || !moved {
		t.Errorf("%d of %d, %d in both, by another key others: %v", low, people, both, moved)
	}
}
