package order_test

import (
	"strings"
	"testing"

	"doorstep/internal/id"
	"doorstep/order"
)

func TestAnOrderNumberIsReadHoweverItIsTyped(t *testing.T) {
	t.Parallel()
	for range 500 {
		number := order.NewNumber()
		bare := strings.ReplaceAll(strings.TrimPrefix(number, "DS-"), "-", "")
		for _, typed := range []string{
			number, strings.ToLower(number), strings.ReplaceAll(number, "-", ""), strings.ReplaceAll(number, "-", " "),
			"#" + bare, bare, strings.ReplaceAll(strings.ReplaceAll(number, "1", "l"), "0", "o"),
		} {
			if got, ok := order.ParseNumber(typed); !ok || got != number {
				t.Fatalf("%q read as %q %v, want %s", typed, got, ok, number)
			}
		}
	}
}

func TestEveryWrongSignAndEverySwapOfNeighboursIsNoticed(t *testing.T) {
	t.Parallel()
	number := order.NewNumber()
	bare := strings.ReplaceAll(strings.TrimPrefix(number, "DS-"), "-", "")
	for i := range bare {
		for _, sign := range id.Alphabet {
			wrong := bare[:i] + string(sign) + bare[i+1:]
			if _, ok := order.ParseNumber(wrong); ok && wrong != bare {
				t.Fatalf("%s passes for %s", wrong, bare)
			}
		}
		if i > 0 && bare[i] != bare[i-1] {
			swapped := bare[:i-1] + string(bare[i]) + string(bare[i-1]) + bare[i+1:]
			if _, ok := order.ParseNumber(swapped); ok {
				t.Fatalf("%s passes for %s", swapped, bare)
			}
		}
	}
}

func FuzzParseNumber(f *testing.F) {
	f.Add("DS-7K3M-Q2XT-H")
	f.Fuzz(func(t *testing.T, typed string) {
		if number, ok := order.ParseNumber(typed); ok {
			if again, ok := order.ParseNumber(number); !ok || again != number {
				t.Fatalf("%q gave %q, which gives %q %v", typed, number, again, ok)
			}
		}
	})
}
