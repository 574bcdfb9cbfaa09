package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	stdio "io"
	"os"
	"slices"
	"time"

	"doorstep/internal/fault"
	"doorstep/support/learn"
	"doorstep/support/model"
	"doorstep/support/phrase"
	"doorstep/support/understand"
)

const assistantHelp = `Makes the model that reads customers' messages out of the training phrases in this
program, measures it, or plays conversations with the whole assistant.

  train  makes the model, the same bytes each time, and writes it to --out; without
         --out it only says whether it is the one in this program
  eval   without a file, measures on our own phrases, a part of them left out of the
         training at a time, and on messages written after the training; --phrases
         takes a CSV file with the columns utterance, intent and perhaps lang,
         --out-of-scope one with the column utterance, of what is not a shop's business
  cases  builds the customers and orders of --world in a scratch database, plays each
         conversation of --cases through the API, and prints a line of JSON for each:
         what was read, what was answered, and every row that changed; --check holds
         that against what the cases expect, and fails below --at-least

--wrong lists what was not understood.`

func runAssistant(ctx context.Context, io streams, args []string) error {
	f := bareFlags(io, "assistant", "train [--out FILE] | eval [--phrases FILE [--out-of-scope FILE]] [--wrong] | cases --world FILE --cases FILE [--check [--at-least RATE]]", assistantHelp)
	out := f.String("out", "", "the `FILE` for the model")
	phrases := f.String("phrases", "", "a CSV `FILE` of phrases with their intents")
	foreign := f.String("out-of-scope", "", "a CSV `FILE` of phrases that are not the shop's business")
	wrong := f.Bool("wrong", false, "list what was not understood")
	played := casesRun{io: io}
	f.StringVar(&played.world, "world", "", "a JSON `FILE` with customers and orders")
	f.StringVar(&played.cases, "cases", "", "a `FILE` with a conversation of JSON on each line")
	f.StringVar(&played.only, "case", "", "play only the case with this `ID`")
	f.BoolVar(&played.check, "check", false, "hold the answers against what the cases expect")
	f.Float64Var(&played.atLeast, "at-least", 0, "with --check, the part that has to be right, as a `RATE` from 0 to 1")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	switch {
	case len(words) == 1 && words[0] == "cases" && played.world != "" && played.cases != "":
		return played.run(ctx)
	case len(words) == 1 && words[0] == "train" && *phrases == "" && *foreign == "":
		return trainAssistant(io, *out)
	case len(words) == 1 && words[0] == "eval" && *out == "" && (*foreign == "" || *phrases != ""):
		return evalAssistant(ctx, io, *phrases, *foreign, *wrong)
	}
	return usage(f, "say train, eval or cases; --out-of-scope wants --phrases, cases wants --world and --cases")
}

func trainAssistant(io streams, out string) error {
	all := phrase.All()
	file := learn.Train(all).Write()
	sum := sha256.Sum256(file)
	_, kept := model.Artefact()
	same := "not the model of this program, " + kept
	if hex.EncodeToString(sum[:]) == kept {
		same = "the model of this program"
	}
	fmt.Fprintf(io.out, "%d phrases, %d bytes, sha256 %x: %s\n", len(all), len(file), sum, same)
	if out == "" {
		return nil
	}
	return os.WriteFile(out, file, 0o600)
}

func evalAssistant(ctx context.Context, io streams, phrases, foreign string, wrong bool) error {
	m, err := model.Default()
	if err != nil {
		return err
	}
	if phrases == "" {
		return evalOwn(ctx, io, m, wrong)
	}
	cases, err := opened(phrases, learn.ReadCases)
	if err != nil {
		return err
	}
	figures := learn.Measure(m, cases)
	printFigures(io, phrases, figures, wrong)
	texts := make([]string, len(cases))
	var inside []string
	for i, c := range cases {
		texts[i] = c.Text
		if !slices.ContainsFunc(c.Intents, func(s string) bool { return s == phrase.OutOfScope || phrase.SmallTalk(s) }) {
			inside = append(inside, c.Text)
		}
	}
	if foreign != "" {
		outside, err := opened(foreign, learn.ReadTexts)
		if err != nil {
			return err
		}
		printGate(io, foreign, learn.MeasureGate(m, inside, outside))
	}
	return printSpeed(ctx, io, m, texts)
}

// evalOwn measures without any file.
func evalOwn(ctx context.Context, io streams, m *model.Model, wrong bool) error {
	all := phrase.All()
	figures, gate := learn.Crossed(all)
	printFigures(io, "our phrases, each left out once", figures, wrong)
	printGate(io, "our out-of-scope phrases", gate)
	whole, err := learn.MeasureWhole(ctx, understand.New(m), phrase.HeldOut())
	if err != nil {
		return err
	}
	for _, w := range whole {
		fmt.Fprintf(io.out, "whole messages written after the training, %s: %d, right type of answer %.4f, right intent %.4f\n", w.Language, w.Messages, w.Types, w.Intents)
		printWrong(io, w.Wrong, wrong)
	}
	texts := make([]string, len(all))
	for i, p := range all {
		texts[i] = p.Text
	}
	return printSpeed(ctx, io, m, texts)
}

// opened reads a file with one of its readers.
func opened[T any](name string, read func(from stdio.Reader) (T, error)) (none T, err error) {
	file, err := os.Open(name)
	if err != nil {
		return none, fault.New(fault.Invalid, "file_unreadable", "The file cannot be opened: "+name+".").Because(err)
	}
	defer func() { _ = file.Close() }() // only read
	return read(file)
}

func printFigures(io streams, name string, f learn.Figures, wrong bool) {
	fmt.Fprintf(io.out, "%s: %d phrases, accuracy %.4f, macro-F1 %.4f, coverage at 0.95 precision %.4f\n", name, f.Phrases, f.Accuracy, f.MacroF1, f.Coverage)
	for _, part := range f.Languages {
		fmt.Fprintf(io.out, "  %s: %d phrases, accuracy %.4f\n", part.Name, part.Phrases, part.Accuracy)
	}
	printWrong(io, f.Wrong, wrong)
}

func printWrong(io streams, all []learn.Miss, wanted bool) {
	if !wanted {
		return
	}
	for _, w := range all {
		fmt.Fprintf(io.out, "  wanted %s, got %s (%.2f): %s\n", w.Want, w.Got, w.Sure, w.Text)
	}
}

func printGate(io streams, name string, g learn.Gate) {
	fmt.Fprintf(io.out, "%s: %d inside against %d outside, scope AUROC %.4f, false accepts at 95%% recall %.4f; at the program's own limit %.4f of the inside pass and %.4f of the outside are refused\n",
		name, g.Inside, g.Outside, g.AUROC, g.FalseAccepts, g.Passed, g.Refused)
}

// printSpeed measures how long one message takes: each is read three times and
// the quickest counts, since the machine may have other work.
func printSpeed(ctx context.Context, io streams, m *model.Model, texts []string) error {
	reader := understand.New(m)
	took := make([]time.Duration, 0, len(texts))
	for _, s := range texts {
		best := time.Hour
		for range 3 {
			began := time.Now()
			if _, err := reader.Interpret(ctx, understand.Turn{Text: s}); err != nil {
				return err
			}
			best = min(best, time.Since(began))
		}
		took = append(took, best)
	}
	if len(took) == 0 {
		return nil
	}
	slices.Sort(took)
	fmt.Fprintf(io.out, "interpret: p50 %s, p99 %s over %d messages, the quickest of three readings each\n", took[len(took)/2].Round(time.Microsecond), took[len(took)*99/100].Round(time.Microsecond), len(took))
	return nil
}
