package model_test

import (
	"math"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"doorstep/support/model"
	"doorstep/support/phrase"
)

func TestTheArtefactIsTheOneWhoseHashIsWrittenDown(t *testing.T) {
	t.Parallel()
	file, sum := model.Artefact()
	written, err := os.ReadFile("model.sha256")
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(written)) != sum {
		t.Errorf("model.bin has the hash %s and model.sha256 says %s: run doorstep assistant train --out support/model/model.bin, and write the hash down", sum, written)
	}
	if len(file) > 8<<20 {
		t.Errorf("the artefact has %d bytes, 8 MiB are allowed", len(file))
	}
}

func BenchmarkLoading(b *testing.B) {
	file, _ := model.Artefact()
	for b.Loop() {
		if _, err := model.Read(file); err != nil {
			b.Fatal(err)
		}
	}
}

func TestWhatIsWrittenIsReadAgainAndWhatIsBrokenIsNot(t *testing.T) {
	t.Parallel()
	file, _ := model.Artefact()
	m, err := model.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(m.Write()) != string(file) {
		t.Error("the model changes when it is read and written")
	}
	if len(m.Intents) != len(phrase.Intents) {
		t.Errorf("%d intents, want %d", len(m.Intents), len(phrase.Intents))
	}
	for _, broken := range [][]byte{nil, []byte("x"), file[:20], file[:30], file[:len(file)-1], append([]byte("doorstep assistant 1\n\x02\x00\x00\x00{}"), 1, 2)} {
		if _, err := model.Read(broken); err == nil {
			t.Errorf("%d bytes of a broken model were read", len(broken))
		}
	}
}

func TestChancesAreChances(t *testing.T) {
	t.Parallel()
	m, err := model.Default()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		o := m.Judge(m.Scores(m.Input(rapid.String().Draw(t, "text"))))
		sum := 0.0
		for _, p := range o.Chances {
			if p < 0 || p > 1 || math.IsNaN(p) {
				t.Fatalf("a chance of %f", p)
			}
			sum += p
		}
		if math.Abs(sum-1) > 1e-9 || o.Scope < 0 || o.Scope > 1 || math.IsNaN(o.Scope) {
			t.Fatalf("the chances add up to %f, scope %f", sum, o.Scope)
		}
		if k, sure := m.Answer(o); k < 0 || sure < 0 || sure > 1+1e-9 {
			t.Fatalf("answer %d, sure %f", k, sure)
		}
	})
}

func TestTheSumsAgreeWithTheMathematicsOfTheLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(-600, 600).Draw(t, "x")
		if got, want := model.Exp(x), math.Exp(x); math.Abs(got-want) > 1e-12*want {
			t.Fatalf("exp %v is %v, want %v", x, got, want)
		}
		y := rapid.Float64Range(1e-9, 1e9).Draw(t, "y")
		if got, want := model.Log(y), math.Log(y); math.Abs(got-want) > 1e-11*max(1, math.Abs(want)) {
			t.Fatalf("log %v is %v, want %v", y, got, want)
		}
	})
}

func TestTypingMistakesAreReadAsWhatWasMeant(t *testing.T) {
	t.Parallel()
	v := model.NewVocabulary([]string{"order", "parcel", "received", "orders", "where"})
	for typed, want := range map[string]string{
		"order": "order", "parcl": "parcel", "parcell": "parcel", "pacrel": "parcel", "parcal": "parcel", "receved": "received", "whre": "whre", "banana": "banana",
	} {
		if got, _ := v.Nearest(typed); got != want {
			t.Errorf("%q is read as %q, want %q", typed, got, want)
		}
	}
	if _, known := v.Nearest("banana"); known {
		t.Error("banana is known")
	}
}
