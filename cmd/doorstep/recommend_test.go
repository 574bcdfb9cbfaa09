package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFileOfPurchasesAnswersAFileOfQuestions(t *testing.T) {
	t.Parallel()
	train := write(t, "train.tsv", "time\tinvoice\tcustomer\titem\n"+
		"2026-03-01 10:00:00\t1\tani\ttea\n2026-03-01 10:00:00\t1\tani\tcup\n"+
		"2026-03-02 10:00:00\t2\t-\ttea\n2026-03-02 10:00:00\t2\t-\tcup\n2026-03-03 10:00:00\t3\tbo\tlamp\n")
	queries := write(t, "queries.tsv", "basket\tvisible_items\n7\ttea\n8\tnever-seen\n")
	truth := write(t, "truth.tsv", "query\titems\n7\tcup\n")
	out := filepath.Join(t.TempDir(), "lists.tsv")
	code, _, said := cli(t, "", "recommend", "rank", "--train", train, "--queries", queries, "--task", "cart1", "--out", out, "--truth", truth)
	if code != exitOK || !strings.Contains(said, "1 questions: Recall@20 1.0000, NDCG@20 1.0000") {
		t.Fatalf("%d %s", code, said)
	}
	lists, err := os.ReadFile(out)
	if err != nil || string(lists) != "query\titems\n7\tcup lamp\n8\tcup tea lamp\n" {
		t.Fatalf("%q %v", lists, err)
	}
	plain := write(t, "plain.txt", "u1 a b\nu2 a b c\n")
	code, printed, said := cli(t, "", "recommend", "rank", "--train", plain, "--queries", write(t, "who.txt", "u1\n"), "--task", "new", "--out", "-")
	if code != exitOK || printed != "query\titems\nu1\tc\n" {
		t.Fatalf("%d %q %s", code, printed, said)
	}
	for want, args := range map[string][]string{
		"wants rank":   {"recommend", "rank", "--train", train},
		"such as":      {"recommend", "rank", "--train", train, "--queries", queries, "--task", "new", "--out", "-", "--before", "soon"},
		"no such file": {"recommend", "rank", "--train", train + "x", "--queries", queries, "--task", "new", "--out", "-"},
	} {
		if code, _, said := cli(t, "", args...); code == exitOK || !strings.Contains(said, want) {
			t.Errorf("%q: %d %q, want %q", args, code, said, want)
		}
	}
}
