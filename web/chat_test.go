package web

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"doorstep/internal/locale"

	"github.com/valyala/fasthttp"
)

const (
	talkID    = "01a20658-d111-7e65-9c34-ac53595c4aaa"
	pendingID = "01a20658-d222-7e65-9c34-ac53595c4bbb"
	talkPath  = "/v1/assistant/conversations/" + talkID + "/messages"
)

// aTalk is a conversation whose last answer asks for a yes.
func aTalk() j {
	return j{
		"status": "bot", "data": []j{
			{"seq": 1, "author": "customer", "text": nasty, "language": "en"},
			{"seq": 2, "author": "bot", "text": "Shall I cancel it?\nSee https://shop.test/t/x.", "language": "en"},
			{"seq": 3, "author": "staff", "text": "Ani here.", "language": "en"},
		},
		"last": j{"pending_action": j{"id": pendingID, "action": "order.cancel"}, "suggestions": []j{{"label": nasty, "text": "another order"}, {"label": "Yes", "text": "yes", "pending": "confirm"}}},
	}
}

func chatAPI() *listener {
	return &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){
		"GET " + talkPath: always(200, aTalk()),
		"POST /v1/assistant/messages": func(ctx *fasthttp.RequestCtx) (int, any) {
			if s := string(ctx.Request.Header.Peek("Customer-Session")); s == "over" {
				return 401, j{"code": "session_invalid", "status": 401}
			}
			r := j{"conversation_id": talkID, "type": "confirm", "reply": "Shall I?", "language": "en", "pending_action": j{"id": pendingID}}
			if !strings.Contains(string(ctx.Request.Body()), talkID) {
				r["secret"] = "s3cret"
			}
			return 200, r
		},
	}}
}

func TestTheChatIsOneScriptWithItsTextsAndStyles(t *testing.T) {
	t.Parallel()
	app := newSite(t, nil)
	res, text := page(t, app, "GET", "/chat.js", nil, "")
	if res.StatusCode != 200 || res.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/javascript") {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	for _, want := range []string{"How can we help?", "Ինչո՞վ օգնենք", "តើយើងអាចជួយអ្វីបាន?", ".launch", "{seconds}"} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if m := regexp.MustCompile(`'@(texts|sheet)'|innerHTML|outerHTML|insertAdjacentHTML|eval\(|new Function|\.style\b|document\.write|setAttribute\('style`).FindString(text); m != "" {
		t.Errorf("it has %q, which a strict policy forbids or which takes text for markup", m)
	}
	for _, key := range regexp.MustCompile(`\bt\('([a-z_]+)'`).FindAllStringSubmatch(text, -1) {
		if !locale.Has(chatTexts+key[1]) && key[1] != "who_" {
			t.Errorf("there are no words for %s", key[1])
		}
	}
	res, packed := page(t, app, "GET", "/chat.js", map[string]string{"Accept-Encoding": "gzip"}, "")
	if res.Header.Get("Content-Encoding") != "gzip" || len(packed) > 12<<10 {
		t.Errorf("the chat weighs %d bytes packed, at most 12 KB are wanted", len(packed))
	}
	if again, _ := page(t, app, "GET", "/chat.js", map[string]string{"If-None-Match": res.Header.Get("ETag")}, ""); again.StatusCode != 304 {
		t.Errorf("what is known is sent again: %d", again.StatusCode)
	}
}

func TestTheChatsSecretStaysOutOfReachOfScripts(t *testing.T) {
	t.Parallel()
	h := chatAPI()
	app := shopOf(h)
	header := map[string]string{"Content-Type": "application/json", "Idempotency-Key": "k-1", "Cookie": sessionCookie + "=t0ken"}
	res, text := page(t, app, "POST", "/shop/help/messages", header, `{"text":"hello","conversation_id":"`+pendingID+`","channel":"email"}`)
	if res.StatusCode != 200 || strings.Contains(text, "s3cret") || !strings.Contains(text, pendingID) {
		t.Fatalf("%d %s", res.StatusCode, text)
	}
	cookie := res.Cookies()[0]
	if cookie.Name != chatCookie || cookie.Value != talkID+".s3cret" || !cookie.HttpOnly || !cookie.Secure {
		t.Errorf("cookie %+v", cookie)
	}
	var sent turn
	if err := json.Unmarshal([]byte(h.body("POST /v1/assistant/messages")), &sent); err != nil || sent.Conversation != "" || sent.Channel != "chat" || sent.Locale != "en" {
		t.Errorf("%v %+v: the page decides which conversation it is", err, sent)
	}
	for _, wrong := range []map[string]string{{"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}, {"Origin": "https://evil.test", "Content-Type": "application/json"}} {
		if res, _ := page(t, app, "POST", "/shop/help/messages", wrong, `{"text":"cancel"}`); res.StatusCode != 403 {
			t.Errorf("another site gets %d", res.StatusCode)
		}
	}
	if res, _ := page(t, app, "POST", "/shop/help/messages", nil, "text=cancel"); res.StatusCode != 400 {
		t.Errorf("a form of any page gets %d", res.StatusCode)
	}
	if n := h.times("POST /v1/assistant/messages"); n != 1 {
		t.Errorf("the API was asked %d times", n)
	}
	if res, text := page(t, app, "POST", "/shop/help/messages", header, `{"text":"`+strings.Repeat("a", maxSaid+1)+`"}`); res.StatusCode != 413 || !strings.Contains(text, "message_too_long") {
		t.Errorf("%d %s", res.StatusCode, text)
	}
}

func TestASessionThatIsOverIsForgottenAndTheConversationGoesOn(t *testing.T) {
	t.Parallel()
	res, text := page(t, shopOf(chatAPI()), "POST", "/shop/help/messages", map[string]string{"Content-Type": "application/json", "Cookie": sessionCookie + "=over"}, `{"text":"hello"}`)
	if res.StatusCode != 200 || !strings.Contains(text, "Shall I?") || !strings.Contains(strings.Join(res.Header.Values("Set-Cookie"), "\n"), sessionCookie+"=;") {
		t.Errorf("%d %s %v", res.StatusCode, text, res.Header)
	}
}

// The next one at that browser does not read what was said in a session that is over.
func TestAConversationEndsWithTheSessionItWasPartOf(t *testing.T) {
	t.Parallel()
	over := map[string]string{"Content-Type": "application/json", "Cookie": sessionCookie + "=over; " + chatCookie + "=" + talkID + ".old"}
	past := func(ctx *fasthttp.RequestCtx) (int, any) {
		if len(ctx.Request.Header.Peek("Customer-Session")) > 0 {
			return 401, j{"code": "session_invalid", "status": 401}
		}
		return 200, aTalk()
	}
	gone := func(res *http.Response) bool {
		all := strings.Join(res.Header.Values("Set-Cookie"), "\n")
		return strings.Contains(all, sessionCookie+"=;") && strings.Contains(all, chatCookie+"=;")
	}
	h := chatAPI()
	h.answer["GET "+talkPath] = past
	if res, text := page(t, shopOf(h), "GET", "/shop/help/messages", over, ""); res.StatusCode != 200 || strings.Contains(text, "Ani here") || !gone(res) {
		t.Errorf("%d %s %v", res.StatusCode, text, res.Header)
	}
	if res, text := page(t, shopOf(h), "GET", "/shop/help", over, ""); res.StatusCode != 200 || strings.Contains(text, "Ani here") || !gone(res) {
		t.Errorf("%d %s %v", res.StatusCode, text, res.Header)
	}
	res, text := page(t, shopOf(h), "POST", "/shop/help/messages", over, `{"text":"hello"}`)
	if all := strings.Join(res.Header.Values("Set-Cookie"), "\n"); res.StatusCode != 200 || !strings.Contains(text, "Shall I?") || strings.Contains(all, ".old") || !strings.Contains(all, chatCookie+"="+talkID+".s3cret") || strings.Contains(h.body("POST /v1/assistant/messages"), talkID) {
		t.Errorf("%d %s %v: another one begins", res.StatusCode, text, res.Header)
	}
	asked := h.times("POST /v1/assistant/messages")
	if res, text := page(t, shopOf(h), "POST", "/shop/help/messages", over, `{"pending_action_id":"`+pendingID+`","agree":true}`); res.StatusCode != 404 || !gone(res) || h.times("POST /v1/assistant/messages") != asked+1 {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	h.answer["GET /v1/me/orders"] = always(401, j{"code": "session_invalid", "status": 401})
	if res, _ := page(t, shopOf(h), "GET", "/shop/orders", over, ""); res.StatusCode != http.StatusSeeOther || !gone(res) {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

func TestTheConversationIsAPlainFormWithoutScripts(t *testing.T) {
	t.Parallel()
	h := chatAPI()
	app := shopOf(h)
	known := map[string]string{"Cookie": chatCookie + "=" + talkID + ".s3cret"}
	res, text := page(t, app, "GET", "/shop/help", known, "")
	if res.StatusCode != 200 || strings.Contains(text, "<script>alert") || strings.Contains(text, "s3cret") {
		t.Fatalf("%d %s", res.StatusCode, text)
	}
	for _, want := range []string{`name="agree" value="yes"`, `name="pending" value="` + pendingID + `"`, `value="another order"`, "Ani here.", "Speak to a person", `href="https://shop.test/t/x"`, "Shall I cancel it?"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, `name="choice" value="yes"`) {
		t.Error("a yes that is only text stands beside the button")
	}
	res, _ = page(t, app, "POST", "/shop/help", known, "key=k-2&agree=no&pending="+pendingID)
	var sent turn
	if err := json.Unmarshal([]byte(h.body("POST /v1/assistant/messages")), &sent); err != nil || res.StatusCode != 303 {
		t.Fatalf("%d %v", res.StatusCode, err)
	}
	if sent.Conversation != talkID || sent.Pending != pendingID || sent.Agree == nil || *sent.Agree || sent.Text != "No, leave it" {
		t.Errorf("%+v", sent)
	}
	if res, text := page(t, app, "POST", "/shop/help", known, "text="+strings.Repeat("x", maxSaid+1)); res.StatusCode != 413 || !strings.Contains(text, "at most 10 KB") {
		t.Errorf("%d", res.StatusCode)
	}
	if res, _ := page(t, app, "POST", "/shop/help/end", known, ""); res.StatusCode != http.StatusSeeOther || !strings.Contains(res.Header.Get("Set-Cookie"), chatCookie+"=;") {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

func TestTheChatOfAnOrdersPageProvesItselfByTheLink(t *testing.T) {
	t.Parallel()
	var token, session string
	h := chatAPI()
	answer := h.answer["POST /v1/assistant/messages"]
	h.answer["POST /v1/assistant/messages"] = func(ctx *fasthttp.RequestCtx) (int, any) {
		token, session = string(ctx.Request.Header.Peek("Order-Token")), string(ctx.Request.Header.Peek("Conversation-Secret"))
		return answer(ctx)
	}
	res, _ := page(t, shopOf(h), "POST", "/t/t0ken/help/messages", map[string]string{"Content-Type": "application/json", "Cookie": chatCookie + "=" + talkID + ".s3cret"}, `{"text":"where is it"}`)
	if res.StatusCode != 200 || token != "t0ken" || session != "s3cret" || res.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%d, token %q, secret %q", res.StatusCode, token, session)
	}
}
