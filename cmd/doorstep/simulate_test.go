package main

import (
	"encoding/json"
	"testing"

	"doorstep/cmd/doorstep/shoppers"
	"doorstep/internal/dbtest"
)

// What the shop reports of people whose reasons are known is the truth.
func TestTheReportsOnSimulatedShoppersAreTrue(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: it plays days")
	}
	days, perDay := "1", "60"
	if thorough() {
		days, perDay = "10", "100"
	}
	out := must(t, dbtest.Folder(t), "simulate", "--days", days, "--per-day", perDay, "--seed", "7", "--json")
	var said struct {
		Truth  shoppers.Truth
		Report shoppers.Report
	}
	if err := json.Unmarshal([]byte(out), &said); err != nil {
		t.Fatal(err)
	}
	for _, l := range said.Report.Lines {
		if !l.Holds {
			t.Errorf("%s: reported %d, true %d (%s)", l.Name, l.Reported, l.True, l.Note)
		}
	}
	if said.Truth.Orders == 0 || said.Truth.Reminded == 0 || len(said.Truth.Left) < 4 || len(said.Report.Lines) < 14 {
		t.Errorf("little has happened: %+v", said.Truth)
	}
}
