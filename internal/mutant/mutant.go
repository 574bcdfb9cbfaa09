// Package mutant removes guards, one at a time, to prove that the tests miss
// them: a test suite that does not fail without a guard does not test it. A
// mutant is either one edit of a source file, built as an overlay over the real
// one, or one change of the schema that test databases are made of. Neither
// touches what is shipped.
package mutant

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Mutant is one guard that can be removed.
type Mutant struct {
	Name string
	// Guard is what is removed, in words.
	Guard string
	// File, Find and Put are the edit: the one place in File that reads Find.
	File, Find, Put string
	// SQL removes a guard of the schema instead.
	SQL string
	// Package and Run are the tests that must fail: a folder and a pattern.
	Package, Run string
	// Quick mutants are tried in every run, the others by make faults.
	Quick bool
}

// Mutants are all of them.
func Mutants() []Mutant { return slices.Concat(ofCode, ofMoney, ofSchema, simulated) }

// Overlay writes the edited file and the list that makes go build take it for
// the real one, both into dir, and gives the path of the list. root is the
// folder of the module.
func (m Mutant) Overlay(root, dir string) (string, error) {
	original := filepath.Join(root, filepath.FromSlash(m.File))
	text, err := os.ReadFile(original)
	if err != nil {
		return "", fmt.Errorf("mutant: %w", err)
	}
	if n := strings.Count(string(text), m.Find); n != 1 {
		return "", fmt.Errorf("mutant: %s: its guard is %d times in %s", m.Name, n, m.File)
	}
	edited := filepath.Join(dir, "mutant_"+filepath.Base(m.File))
	if err := os.WriteFile(edited, []byte(strings.Replace(string(text), m.Find, m.Put, 1)), 0o600); err != nil {
		return "", fmt.Errorf("mutant: %w", err)
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {original: edited}})
	if err != nil {
		return "", fmt.Errorf("mutant: %w", err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, list, 0o600); err != nil {
		return "", fmt.Errorf("mutant: %w", err)
	}
	return name, nil
}
