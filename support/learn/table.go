package learn

import (
	"encoding/csv"
	"io"
	"regexp"
	"slices"
	"strings"

	"doorstep/internal/fault"
	"doorstep/support/phrase"
)

// ErrTable is a file that is no table of phrases.
var ErrTable = fault.New(fault.Invalid, "phrases_unreadable", "The file is no CSV with a column utterance, and intent or label.")

// ErrIntent is a file with an intent that nobody knows.
var ErrIntent = fault.New(fault.Invalid, "phrases_unknown_intent", "The file names an intent that the assistant does not have.")

// ReadCases reads a CSV file with the columns utterance and intent, and lang
// when it is there. Intents of the Bitext collection are read as ours.
func ReadCases(from io.Reader) ([]Case, error) {
	rows, columns, err := table(from)
	if err != nil {
		return nil, err
	}
	if columns["intent"] < 0 {
		return nil, ErrTable
	}
	var cases []Case
	for _, row := range rows {
		c := Case{Text: row[columns["utterance"]]}
		if at := columns["lang"]; at >= 0 {
			c.Language = row[at]
		}
		if c.Intents = ours(row[columns["intent"]], c.Text); c.Intents == nil {
			return nil, ErrIntent
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// ReadTexts reads the column utterance of a CSV file.
func ReadTexts(from io.Reader) ([]string, error) {
	rows, columns, err := table(from)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(rows))
	for i, row := range rows {
		texts[i] = row[columns["utterance"]]
	}
	return texts, nil
}

func table(from io.Reader) ([][]string, map[string]int, error) {
	reader := csv.NewReader(from)
	reader.FieldsPerRecord = -1
	rows, err := reader.ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, nil, ErrTable.Because(err)
	}
	columns := map[string]int{}
	most := 0
	for _, name := range []string{"utterance", "intent", "lang"} {
		columns[name] = slices.IndexFunc(rows[0], func(s string) bool {
			return strings.EqualFold(strings.Trim(s, "\ufeff "), name)
		})
		most = max(most, columns[name])
	}
	if columns["utterance"] < 0 {
		return nil, nil, ErrTable
	}
	for _, row := range rows {
		if len(row) <= most {
			return nil, nil, ErrTable
		}
	}
	return rows[1:], columns, nil
}

// bitext are the intents of the Bitext collection and what they are here.
var bitext = map[string]string{
	"track_order": "order_status", "change_shipping_address": "change_address", "set_up_shipping_address": "change_address",
	"track_refund": "refund_status", "get_refund": "refund_request", "check_refund_policy": "refund_policy",
	"check_cancellation_fee": "cancellation_fee", "delivery_options": "shipping_options", "delivery_period": "delivery_time",
	"check_payment_methods": "payment_methods", "payment_issue": "payment_problem", "check_invoice": "invoice", "get_invoice": "invoice",
	"recover_password": "account_password", "edit_account": "account_edit", "switch_account": "account_edit",
	"create_account": "account_edit", "registration_problems": "account_edit", "delete_account": "account_delete",
	"contact_human_agent": "human_agent", "contact_customer_service": "human_agent",
}

// leaving says that a text about the newsletter wants less of it: the Bitext
// collection has one intent for both.
var leaving = regexp.MustCompile(`(?i)unsub|cancel|stop|\boff\b|\bout\b|remove|don.?t|no (?:more|longer)|quit|leave|\bend `)

func ours(intent, text string) []string {
	if intent == "newsletter_subscription" {
		if leaving.MatchString(text) {
			return []string{"unsubscribe"}
		}
		return []string{"subscribe"}
	}
	if mapped := bitext[intent]; mapped != "" {
		intent = mapped
	}
	if !slices.Contains(phrase.Intents, intent) {
		return nil
	}
	return []string{intent}
}
