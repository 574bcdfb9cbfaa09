package phrase_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"doorstep/support/phrase"
)

// words are the words of a text in lower case, in their order.
func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) })
}

func TestEveryIntentHasEnoughPhrasesInEveryLanguage(t *testing.T) {
	t.Parallel()
	count := map[string]int{}
	for _, p := range phrase.All() {
		count[p.Language+" "+p.Intent]++
		if p.Intent == phrase.OutOfScope {
			count[phrase.OutOfScope]++
		}
		if !slices.Contains(phrase.Intents, p.Intent) {
			t.Errorf("%q has the intent %q, which does not exist", p.Text, p.Intent)
		}
		if strings.ContainsAny(p.Text, "{}") {
			t.Errorf("%q still says {order} or {email}", p.Text)
		}
	}
	for _, intent := range phrase.Intents {
		for language, least := range map[string]int{"en": 60, "hy": 20, "km": 20} {
			if n := count[language+" "+intent]; n < least {
				t.Errorf("%s has %d phrases in %s, want %d", intent, n, language, least)
			}
		}
	}
	if n := count[phrase.OutOfScope]; n < 1000 {
		t.Errorf("%d phrases are out of scope, want 1000", n)
	}
}

func TestNoPhraseIsThereTwiceOrInTheHeldOutMessages(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, p := range phrase.All() {
		key := strings.Join(words(p.Text), " ")
		if key == "" {
			key = p.Text
		}
		if other, twice := seen[key]; twice {
			t.Errorf("%q stands under %s and %s", p.Text, other, p.Intent)
		}
		seen[key] = p.Intent
	}
	held := map[string]int{}
	for _, p := range phrase.HeldOut() {
		held[p.Language]++
		if _, trained := seen[strings.Join(words(p.Text), " ")]; trained && len(words(p.Text)) > 3 {
			t.Errorf("the held-out %q is trained on", p.Text)
		}
		if !slices.Contains(phrase.Intents, p.Intent) {
			t.Errorf("the held-out %q has the intent %q", p.Text, p.Intent)
		}
	}
	for _, language := range []string{"en", "hy", "km"} {
		if held[language] < 60 {
			t.Errorf("%d held-out messages in %s, want 60", held[language], language)
		}
	}
}

// TestNothingIsTakenFromTheSharedCollections compares with the files that only
// serve to check: no phrase of two words or more may be a row of theirs, and none of the
// may share two thirds of its words with a row of the development set.
func TestNothingIsTakenFromTheSharedCollections(t *testing.T) {
	t.Parallel()
	folder := shared(t)
	rows := map[string]string{}
	var dev []map[string]bool
	for _, name := range []string{"paraphrases_dev.csv", "seeds_km_hy.csv", "bitext_train.csv", "bitext_dev.csv", "clinc_other_train.csv", "clinc_oos_train.csv"} {
		file, err := os.Open(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		reader := csv.NewReader(file)
		reader.FieldsPerRecord = -1
		all, err := reader.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
		for _, row := range all[1:] {
			rows[strings.Join(words(row[0]), " ")] = name
			if name == "paraphrases_dev.csv" {
				dev = append(dev, set(words(row[0])))
			}
		}
	}
	for _, p := range phrase.All() {
		said := words(p.Text)
		if from, taken := rows[strings.Join(said, " ")]; taken && len(said) > 1 {
			t.Errorf("%q is a row of %s", p.Text, from)
		}
		for _, row := range dev {
			if p.Intent != phrase.OutOfScope && len(row) > 2 && common(set(said), row) >= 0.66 {
				t.Errorf("%q is too near to the development set", p.Text)
				break
			}
		}
	}
}

func set(words []string) map[string]bool {
	all := map[string]bool{}
	for _, w := range words {
		all[w] = true
	}
	return all
}

// common is the part of the words of both that both have.
func common(a, b map[string]bool) float64 {
	both := 0
	for w := range a {
		if b[w] {
			both++
		}
	}
	return float64(both) / float64(len(a)+len(b)-both)
}

// shared is the folder of the collections beside the repository, where there is one.
func shared(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for folder != filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			break
		}
		folder = filepath.Dir(folder)
	}
	folder = filepath.Join(folder, "..", "shared", "data", "support")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("there are no shared collections beside the repository")
	}
	return folder
}
