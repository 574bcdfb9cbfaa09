// Package phrase holds the assistant's training phrases as data, one file for
// each intent and language, one phrase a line, all of them our own. {order} and
// {email} stand for an order number and an e-mail address.
package phrase

import (
	"embed"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// OutOfScope is the intent of everything that is not this shop's business.
const OutOfScope = "out_of_scope"

// Intents are all answers that the intent model can give, in the order of its
// rows. They are names that other programs rely on: add at the end only.
var Intents = []string{
	"order_status", "order_confirm", "cancel_order", "change_order", "change_address", "return_item", "replace_item",
	"delivery_problem", "refund_status", "refund_request", "refund_policy", "cancellation_fee", "shipping_options",
	"delivery_time", "payment_methods", "payment_problem", "invoice", "place_order", "promo_code", "product_question",
	"loyalty_points", "account_password", "account_edit", "account_delete", "subscribe", "unsubscribe", "complaint",
	"review", "human_agent", "greeting", "thanks_bye", "yes", "no", OutOfScope,
}

// smallTalk are the intents that move a conversation along and ask for nothing.
var smallTalk = []string{"greeting", "thanks_bye", "yes", "no"}

// acting are the intents that would change something.
var acting = []string{
	"cancel_order", "change_order", "change_address", "return_item", "replace_item", "refund_request", "place_order",
	"account_edit", "account_delete", "subscribe", "unsubscribe",
}

// SmallTalk says that the intent asks for nothing of the shop.
func SmallTalk(intent string) bool { return slices.Contains(smallTalk, intent) }

// Acts says that the intent asks for a change, where others ask for an answer.
func Acts(intent string) bool { return slices.Contains(acting, intent) }

// Phrase is one thing that people write, with what it means.
type Phrase struct {
	Text, Intent, Language string
}

//go:embed en hy km oos
var training embed.FS

// examples stand where a phrase says {order} or {email}.
var examples = strings.NewReplacer("{order}", "DS-7K3M-Q2XT-5", "{email}", "mia@example.com")

// All are the training phrases, always in the same order: by language, file and line.
func All() []Phrase {
	var all []Phrase
	for _, folder := range []string{"en", "hy", "km", "oos"} {
		for _, name := range names(training, folder) {
			stem := strings.TrimSuffix(path.Base(name), ".txt")
			language, intent := folder, stem
			if folder == "oos" {
				language, intent = stem[:2], OutOfScope
			}
			all = append(all, lines(training, name, intent, language)...)
		}
	}
	return all
}

func names(from fs.FS, folder string) []string {
	found, err := fs.Glob(from, folder+"/*.txt")
	if err != nil {
		panic(err) // the pattern is ours
	}
	slices.Sort(found)
	return found
}

func lines(from embed.FS, name, intent, language string) []Phrase {
	content, err := from.ReadFile(name)
	if err != nil {
		panic(err) // it is part of the program
	}
	var all []Phrase
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, Phrase{examples.Replace(line), intent, language})
		}
	}
	return all
}

//go:embed heldout
var later embed.FS

// HeldOut are messages that were written after the training was finished and are
// never trained on, with the intents that are right for each.
func HeldOut() []Phrase {
	var all []Phrase
	for _, name := range names(later, "heldout") {
		for _, p := range lines(later, name, "", strings.TrimSuffix(path.Base(name), ".txt")) {
			intent, said, found := strings.Cut(p.Text, "\t")
			if !found {
				panic("no intent: " + p.Text) // the tests read every line
			}
			p.Intent, p.Text = intent, said
			all = append(all, p)
		}
	}
	return all
}
