package web

import (
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

func TestOnlyAnAnswerThatDidSomethingIsThankedFor(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]j{
		"done":           {"reply": "It is canceled.", "silent": false},
		"a person's":     {"reply": "", "silent": true},
		"nothing at all": {"reply": ""},
	} {
		h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){
			"GET /v1/support/confirmations/t0ken":  always(200, j{"shop": "Mugs", "language": "en", "question": "Shall I cancel it?", "open": true}),
			"POST /v1/support/confirmations/t0ken": always(200, reply),
		}}
		res, text := page(t, shopOf(h), "POST", "/c/t0ken", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, "answer=yes")
		did := name == "done"
		if res.StatusCode != 200 || strings.Contains(text, "Thank you") != did || strings.Contains(text, "A person has your question") == did || did && !strings.Contains(text, "It is canceled.") || strings.Contains(text, `value="yes"`) {
			t.Errorf("%s: %d %s", name, res.StatusCode, text)
		}
	}
}
