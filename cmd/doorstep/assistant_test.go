package main

import (
	"strings"
	"testing"
)

func TestTheAssistantIsMeasuredOnAFileOfPhrases(t *testing.T) {
	t.Parallel()
	phrases := write(t, "phrases.csv", "utterance,intent,lang\nwhere is my parcel,order_status,en\nplease cancel my order,cancel_order,en\nչեղարկեք պատվերս,cancel_order,hy\nhello,order_status,en\n")
	foreign := write(t, "foreign.csv", "utterance,label\nwhat is the capital of Peru,x\nset an alarm for six,x\n")
	code, printed, said := cli(t, "", "assistant", "eval", "--phrases", phrases, "--out-of-scope", foreign, "--wrong")
	for _, want := range []string{"4 phrases, accuracy 0.7500, macro-F1", "coverage at 0.95 precision", "hy: 1 phrases, accuracy 1.0000", "wanted order_status, got greeting", "4 inside against 2 outside, scope AUROC", "false accepts at 95% recall", "interpret: p50 "} {
		if code != exitOK || !strings.Contains(printed, want) {
			t.Errorf("%d, %q is missing: %s %s", code, want, printed, said)
		}
	}
	for want, args := range map[string][]string{
		"say train, eval or cases":    {"assistant"},
		"wants --phrases":             {"assistant", "eval", "--out-of-scope", foreign},
		"cannot be opened":            {"assistant", "eval", "--phrases", phrases + "x"},
		"no CSV with a column":        {"assistant", "eval", "--phrases", foreign},
		"the assistant does not have": {"assistant", "eval", "--phrases", write(t, "odd.csv", "utterance,intent\nx,make_coffee\n")},
	} {
		if code, _, said := cli(t, "", args...); code == exitOK || !strings.Contains(said, want) {
			t.Errorf("%q: %d %q, want %q", args, code, said, want)
		}
	}
}
