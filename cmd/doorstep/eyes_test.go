package main

import (
	"context"
	_ "embed" // axe-core
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// eyes are a reader's: a tab of Chromium that looks at pages, types and clicks.
// What a page logs as an error, a broken policy above all, fails the test.
type eyes struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu    sync.Mutex
	wrong []string
}

// reader is a browser of a person: the name of a headless one is that of a robot,
// who does not count among shoppers.
const reader = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"

// axe is axe-core 4.14.1 (MPL-2.0, testdata/axe.LICENSE).
//
//go:embed testdata/axe.min.js
var axe string

// screenshots is where the tests leave what they saw: DOORSTEP_TEST_SCREENSHOTS,
// or nowhere.
func screenshots() string { return os.Getenv("DOORSTEP_TEST_SCREENSHOTS") }

// newEyes opens a browser of its own on the program's pages, in the language.
func newEyes(t *testing.T, base, lang string) *eyes {
	t.Helper()
	browser := findBrowser(t)
	profile, err := os.MkdirTemp("", "doorstep-browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) }) // the browser may still be writing to it
	ctx, stop := chromedp.NewExecAllocator(t.Context(), chromedp.ExecPath(browser), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.UserDataDir(profile), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.UserAgent(reader), chromedp.Flag("lang", lang), chromedp.Flag("accept-lang", lang),
		chromedp.Flag("force-prefers-reduced-motion", true), chromedp.WSURLReadTimeout(patience))
	t.Cleanup(stop)
	e := &eyes{t: t, base: base}
	e.ctx, stop = chromedp.NewContext(ctx, chromedp.WithListener(e.hear))
	t.Cleanup(stop)
	if err := chromedp.Do(e.ctx, chromedp.EmulateViewport(1280, 900)); err != nil { // the browser lives as long as the context of its first step
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, w := range e.complaints() {
			t.Errorf("the page complains: %s", w)
		}
	})
	return e
}

// hear collects what pages complain about. A refused form answers with 4xx, which
// the browser logs too: that is no mistake of the page.
func (e *eyes) hear(event any) {
	var said string
	switch ev := event.(type) {
	case *runtime.EventExceptionThrown:
		said = ev.ExceptionDetails.Text
		if x := ev.ExceptionDetails.Exception; x != nil {
			said += " " + x.Description
		}
	case *log.EventEntryAdded:
		if ev.Entry.Level == log.EntryLevelError && !strings.Contains(ev.Entry.Text, "the server responded with a status of 4") {
			said = ev.Entry.Text + " " + ev.Entry.URL
		}
	}
	if said == "" {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.wrong = append(e.wrong, said)
}

func (e *eyes) complaints() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.wrong
}

func (e *eyes) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		e.t.Fatalf("%s: %v\n%s", what, err, e.glimpse())
	}
}

// glimpse is the beginning of what the page shows, for failures.
func (e *eyes) glimpse() string {
	ctx, cancel := context.WithTimeout(e.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText.slice(0, 1500)`))
	if err != nil {
		return err.Error()
	}
	return text
}

// open goes to a page of the program, or to any address.
func (e *eyes) open(path string) {
	e.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = e.base + path
	}
	e.do("open "+path, chromedp.Navigate(path), chromedp.WaitReady("body"))
}

// click presses what the CSS selector finds, once it can be seen.
func (e *eyes) click(selector string) {
	e.t.Helper()
	e.do("click "+selector, chromedp.WaitVisible(selector), chromedp.Click(selector))
}

// fill types into a field, instead of what was there.
func (e *eyes) fill(selector, text string) {
	e.t.Helper()
	e.do("see "+selector, chromedp.WaitVisible(selector))
	e.js(fmt.Sprintf(`{ document.querySelector(%q).value = ""; "" }`, selector)) // chromedp does not set nothing
	e.do("fill "+selector, chromedp.SendKeys(selector, text))
}

// choose sets a select or a checkbox and tells the page.
func (e *eyes) choose(selector, value string) {
	e.t.Helper()
	e.do("choose "+selector, chromedp.WaitReady(selector), chromedp.SetValue(selector, value))
	e.js(fmt.Sprintf(`document.querySelector(%q).dispatchEvent(new Event("input", {bubbles: true})); ""`, selector))
}

// sees waits until the page shows the text.
func (e *eyes) sees(text string) {
	e.t.Helper()
	e.until(fmt.Sprintf("%q is shown", text), fmt.Sprintf(`document.body.innerText.replace(/\s+/g, " ").includes(%s)`, quoted(text)))
}

// until waits until the JavaScript is true.
func (e *eyes) until(what, expression string) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.ctx, patience)
	defer cancel()
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if err == nil && ok {
			return
		}
		select {
		case <-ctx.Done():
			e.t.Fatalf("waited in vain until %s (%v)\n%s", what, err, e.glimpse())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// js evaluates to a text.
func (e *eyes) js(expression string) string {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		e.t.Fatalf("%s: %v", expression, err)
	}
	return text
}

func quoted(text string) string {
	b, _ := json.Marshal(text) // of a string it never fails
	return string(b)
}

// look judges the page as it stands: axe-core finds nothing serious, it fits 360
// px, light and dark, and it is not heavy. With DOORSTEP_TEST_SCREENSHOTS it
// leaves pictures under the name.
func (e *eyes) look(name string) {
	e.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{360, 1280} {
			e.lookAt(name, scheme, width)
		}
	}
}

// lookAt is look in one colour scheme and width, for rows of pages made alike.
func (e *eyes) lookAt(name, scheme string, width int64) {
	e.t.Helper()
	e.js(`if (!window.axe) { ` + axe + ` } ""`)
	e.do("size", chromedp.EmulateViewport(width, 900))
	ctx, cancel := context.WithTimeout(e.ctx, patience)
	defer cancel()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		e.t.Error(err)
	}
	if over := e.js(`String(document.documentElement.scrollWidth - document.documentElement.clientWidth)`); over != "0" {
		e.t.Errorf("%s is %s px too wide at %d: %s", name, over, width, e.js(widest))
	}
	e.serious(name, scheme, width)
	e.picture(fmt.Sprintf("%s-%s-%d", name, scheme, width))
}

// widest names the elements that stand out of the page.
const widest = `[...document.querySelectorAll("body *")].filter(x => x.getBoundingClientRect().right > innerWidth + 1 && !x.closest(".scroll, dialog:not([open])")).slice(0, 3).map(x => x.outerHTML.slice(0, 160)).join("\n")`

// serious runs axe-core over the page.
func (e *eyes) serious(name, scheme string, width int64) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.ctx, patience)
	defer cancel()
	found, err := chromedp.Run(ctx, chromedp.Evaluate[string](`axe.run(document, {resultTypes: ["violations"], rules: {"target-size": {enabled: true}}}).then(r => JSON.stringify(
		r.violations.filter(v => v.impact === "serious" || v.impact === "critical").map(v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + " " + n.failureSummary).join(" | "))))`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		e.t.Errorf("axe on %s: %v", name, err)
		return
	}
	var all []string
	if err := json.Unmarshal([]byte(found), &all); err != nil {
		e.t.Error(err)
	}
	for _, violation := range all {
		e.t.Errorf("%s, %s, %d px: %s", name, scheme, width, violation)
	}
}

func (e *eyes) picture(name string) {
	e.t.Helper()
	dir := screenshots()
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(e.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		e.t.Error(err)
	}
}
