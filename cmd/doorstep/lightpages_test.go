package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// mostBytes is what a page may weigh before its pictures, as it is sent.
const mostBytes = 150 << 10

// weight is how many bytes the page that is open took, its pictures aside.
const weight = `String([...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
	.filter(x => x.initiatorType !== "img" && !/\.(svg|png|jpe?g|webp)([?]|$)/.test(x.name)).reduce((sum, x) => sum + x.encodedBodySize, 0))`

// watchShifts adds up how much of the page has moved by itself since it was opened,
// also right after a click, which browsers' own score leaves out.
const watchShifts = `window.shifted = 0; new PerformanceObserver(list => { for (const x of list.getEntries()) window.shifted += x.value; }).observe({type: "layout-shift", buffered: true}); ""`

// TestEveryPageIsLight weighs the pages that people open first and sees that
// nothing of them moves after they were drawn, nor when the cart's drawer opens.
func TestEveryPageIsLight(t *testing.T) {
	t.Parallel()
	p := shared(t)
	_, page := p.bought(t, "en")
	e := newEyes(t, p.url, "en")
	for _, path := range []string{"/shop", "/shop/search?q=mug", "/shop/products/pomegranate-mug", "/shop/cart", "/shop/sign-in", "/shop/help", "/t", page, page + "/help", "/admin", "/dev/mail", "/docs"} {
		e.open(path)
		e.until("everything is there", `document.readyState === "complete" && performance.getEntriesByType("navigation")[0].loadEventEnd > 0`)
		e.js(watchShifts)
		bytes, err := strconv.Atoi(e.js(weight))
		if err != nil || bytes < 500 || bytes > mostBytes {
			t.Errorf("%s weighs %d bytes (%v)", path, bytes, err)
		}
		if e.js(`location.pathname.startsWith("/shop/products/") ? "yes" : ""`) == "yes" {
			e.click("#add")
			e.until("the drawer is open", drawerHas+" > 0")
		}
		e.still(path)
		if titles := e.js(`String([document.querySelectorAll("h1").length === 1, document.title !== "", document.documentElement.lang === "en"])`); titles != "true,true,true" {
			t.Errorf("%s lacks its one heading, a title or its language: %s", path, titles)
		}
	}
	e.drawerOnAPhone()
}

// drawerOnAPhone opens and closes the cart on a narrow screen: nothing of the page
// behind it moves.
func (e *eyes) drawerOnAPhone() {
	e.t.Helper()
	e.do("size", chromedp.EmulateViewport(360, 740))
	e.open("/shop/products/pomegranate-mug")
	e.until("everything is there", `document.readyState === "complete" && performance.getEntriesByType("navigation")[0].loadEventEnd > 0`)
	e.js(watchShifts)
	before := e.place("#add")
	e.click("#open-cart")
	e.until("the drawer is open", drawerHas+" > 0")
	e.click("#drawer [data-close]")
	e.until("it is closed", `!document.querySelector("#drawer[open]")`)
	e.still("the drawer on a phone")
	if now := e.place("#add"); now != before {
		e.t.Errorf("the drawer has moved the page: %s, then %s", before, now)
	}
}

// still fails the test when something of the page has moved.
func (e *eyes) still(name string) {
	e.t.Helper()
	e.js(`window.drawn = false; requestAnimationFrame(() => requestAnimationFrame(() => { window.drawn = true; })); ""`)
	e.until("it is drawn", "window.drawn")
	moved, err := strconv.ParseFloat(e.js(`String(window.shifted)`), 64)
	if err != nil || moved > 0.005 {
		e.t.Errorf("%s moves by %s", strings.TrimPrefix(name, e.base), fmt.Sprint(moved, err))
	}
}
