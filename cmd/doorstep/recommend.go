package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	stdio "io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"doorstep/recommend"
)

const rankHelp = `Learns from a file of purchases and writes a list for each question of another, so
that the lists can be compared with anybody's. Files that end in .gz are zipped.

  purchases  lines with the columns time, invoice, customer and item under a header,
             one line an item; or, without a header, a customer and what they bought
  questions  a name and, after a tab, items: what is seen of a basket (cart1, cart3),
             or what a customer has bought (new); for next the customer alone
  lists      the name, a tab, and the items in their order

--truth compares the lists with a file of the same form.`

func runRecommend(ctx context.Context, io streams, args []string) error {
	if len(args) > 0 && args[0] == "eval" {
		return runRecommendEval(ctx, io, args[1:])
	}
	f := bareFlags(io, "recommend", "rank --train FILE --queries FILE --task "+strings.Join(slices.Sorted(maps.Keys(recommend.Tasks)), "|")+" --out FILE\n  doorstep recommend eval --cut DATE --surface SURFACE [--tune]", rankHelp)
	train := f.String("train", "", "the `FILE` of purchases")
	queries := f.String("queries", "", "the `FILE` of questions")
	task := f.String("task", "", "which `QUESTION` it is: cart1, cart3, new or next")
	out := f.String("out", "", "where the lists go; - is the terminal")
	truth := f.String("truth", "", "a `FILE` with what was bought, to say how good the lists are")
	before := f.String("before", "", "learn only from what was bought before this `DAY`, as 2011-10-01")
	n := f.Int("items", 20, "how many items a list has, 1 to 1000")
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	if _, known := recommend.Tasks[*task]; len(words) != 1 || words[0] != "rank" || *train == "" || *queries == "" || *out == "" || !known || *n < 1 || *n > 1000 {
		return usage(f, "wants rank with --train, --queries, --task and --out")
	}
	var cut time.Time
	if *before != "" {
		if cut, err = time.Parse(time.DateOnly, *before); err != nil {
			return usage(f, "--before wants a day such as 2011-10-01")
		}
	}
	log, err := recommend.ReadLog(*train, cut)
	if err != nil {
		return err
	}
	asked, err := recommend.ReadQueries(*queries)
	if err != nil {
		return err
	}
	if cut.IsZero() {
		cut = log.End()
	}
	lists, err := recommend.Answer(ctx, log, cut, *task, asked, *n)
	if err != nil {
		return err
	}
	if err := writeLists(io, *out, asked, lists); err != nil {
		return err
	}
	if *truth == "" {
		return nil
	}
	return judge(io, *truth, lists, len(log.Items))
}

// writeLists writes the lists in the order of the questions.
func writeLists(io streams, name string, asked []recommend.Query, lists map[string][]string) (err error) {
	to := io.out
	if name != "-" {
		file, err := os.Create(name)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		to = file
		if strings.HasSuffix(name, ".gz") {
			zipped := gzip.NewWriter(file)
			defer func() { err = errors.Join(err, zipped.Close()) }()
			to = zipped
		}
	}
	w := bufio.NewWriter(to)
	_, err = stdio.WriteString(w, "query\titems\n")
	for _, q := range asked {
		_, failed := fmt.Fprintf(w, "%s\t%s\n", q.Name, strings.Join(lists[q.Name], " "))
		err = errors.Join(err, failed)
	}
	return errors.Join(err, w.Flush())
}

// judge prints how well the lists meet what was bought.
func judge(io streams, file string, lists map[string][]string, items int) error {
	bought, err := recommend.ReadQueries(file)
	if err != nil {
		return err
	}
	truth := map[string][]string{}
	for _, q := range bought {
		truth[q.Name] = q.Items
	}
	s := recommend.Judge(lists, truth, items)
	fmt.Fprintf(io.err, "%d questions: Recall@20 %.4f, NDCG@20 %.4f, HR@10 %.4f, coverage@20 %.4f\n", s.Queries, s.Recall, s.NDCG, s.Hit, s.Coverage)
	return nil
}
