package main

import (
	"context"
	"fmt"
	"time"

	"doorstep/recommend"
)

const evalHelp = `Learns a shop as it stood at a day, asks about what was bought after it, and says
how well the lists meet that: beside what sells best, and beside the live version.

  --tune  searches settings on the stretch before the day, tries them after it and
          keeps them as a version; it goes live if it is not worse. The rule stands
          in docs/recommendations.md.`

// runRecommendEval tries a surface on a shop's own past.
func runRecommendEval(ctx context.Context, io streams, args []string) error {
	f, data := flags(io, "recommend", "eval --cut DATE --surface home|product|cart [--days 30] [--tune] [--merchant ID] [--data DIR]", evalHelp)
	cut := f.String("cut", "", "learn only from what was before this `DAY`, as 2026-11-01")
	surface := f.String("surface", "", "home, product or cart")
	days := f.Int("days", 30, "how many `days` after it are asked about, 1 to 365")
	tune := f.Bool("tune", false, "search settings, and keep them")
	named := f.String("merchant", "", "the merchant's `ID`, when there are several")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	from, failed := time.Parse(time.DateOnly, *cut)
	if len(words) != 0 || failed != nil || *surface == "" || *days < 1 || *days > 365 {
		return usage(f, "wants --cut with a day such as 2026-11-01, --surface and 1 to 365 --days")
	}
	return with(ctx, io, *data, func(h *house) error {
		merchant, err := h.merchant(ctx, *named)
		if err != nil {
			return err
		}
		until := from.AddDate(0, 0, *days)
		if now := h.db.Now(); until.After(now) {
			until = now
		}
		if !until.After(from) {
			return recommend.ErrTrial
		}
		e, err := h.recommend.Evaluate(ctx, merchant, recommend.Surface(*surface), from, until, *tune, "operator")
		if err != nil {
			return err
		}
		printTrial(io, e)
		return nil
	})
}

// verdicts say why a version does not go live.
var verdicts = map[string]string{
	"same": "the settings are those that are live", "few": "there are too few questions to say", "worse": "it is worse than the live version",
	"unsure": "it may be worse than the live version", "popular": "it is worse than showing what sells best", "violations": "it shows what it must not",
}

func printTrial(io streams, e *recommend.Evaluation) {
	t := &e.Trial
	fmt.Fprintf(io.out, "%s: learned from %d orders of %d products before %s, %d questions until %s\n\n", t.Surface, t.Orders, t.Items,
		t.Cut.Format(time.DateOnly), t.This.Queries, t.Until.Format(time.DateOnly))
	rows := [][]string{{"", "NDCG@20", "RECALL@20", "HR@10", "COVERAGE", "TOP 1 %"}}
	live := fmt.Sprintf("live (version %d)", t.Base)
	for _, one := range []struct {
		name string
		of   recommend.Outcome
	}{{"tried", t.This}, {live, t.Live}, {"what sells best", t.Popular}} {
		if one.name == "tried" && t.Tried == 0 {
			continue
		}
		number := func(x float64) string { return fmt.Sprintf("%.4f", x) }
		rows = append(rows, []string{one.name, number(one.of.NDCG), number(one.of.Recall), number(one.of.Hit), number(one.of.Coverage), number(one.of.Top)})
	}
	table(io, rows...)
	difference := func(name string, d recommend.Difference) {
		fmt.Fprintf(io.out, "NDCG@20 against %s: %+.4f, from %+.4f to %+.4f\n", name, d.Mean, d.Low, d.High)
	}
	fmt.Fprintln(io.out)
	difference("what sells best", t.ToPopular)
	if t.Tried > 0 {
		difference(live, t.ToLive)
	}
	fmt.Fprintf(io.out, "violations: %d\n", t.Violations)
	if d := e.Today; d.Lists > 0 {
		fmt.Fprintf(io.out, "as the shop stands now: %d lists with %d places, %d violations, p50 %.2f ms, p99 %.2f ms\n", d.Lists, d.Places, d.Violations, ms(d.P50), ms(d.P99))
	}
	if t.Tried == 0 {
		return
	}
	s := t.Settings
	fmt.Fprintf(io.out, "\n%d settings were searched: a %g b %g c %g half %g shrink %g prior %g trend %g history %g repeat %g\n", t.Tried,
		s.Table.A, s.Table.B, s.Table.C, s.Table.Half, s.Table.Shrink, s.Prior, s.Trend, s.HistoryHalf, s.Repeat)
	switch {
	case t.Better:
		fmt.Fprintf(io.out, "version %d is live\n", e.Version)
	case e.Version > 0:
		fmt.Fprintf(io.out, "version %d is kept and not live: %s\n", e.Version, verdicts[t.Why])
	default:
		fmt.Fprintf(io.out, "nothing is kept: %s\n", verdicts[t.Why])
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
