package api

import (
	"fmt"
	"testing"
	"time"

	"doorstep/search"

	"github.com/gofiber/fiber/v2"
)

// BenchmarkShopAnswers measures the two answers that shops give most, from
// memory and without a socket, beside bare Fiber with the same bytes.
func BenchmarkShopAnswers(b *testing.B) {
	engine := &finder{answers: func(q search.Query) search.Page {
		p := search.Page{Total: 20, TotalExact: true, Step: search.StepExact}
		for i := range 20 {
			p.Hits = append(p.Hits, search.Hit{ProductID: mugID, Slug: fmt.Sprint("mug-", i), Title: "Mug", Price: 1999, Currency: q.Currency, InStock: true, Tier: search.TierWords})
		}
		return p
	}}
	s, _ := newServer(b, quiet, func(o *Options) {
		o.Clock = nil
		o.Feed = time.Now
		o.Observe = func(Seen) {}
	})
	Register(s, Rooms{Settings: &twoCurrencies{}, Catalogue: newShelf(1999), Search: engine})
	for name, path := range map[string]string{"product": bySl, "search": "/v1/search?q=product+bench+0001&limit=20"} {
		var body []byte
		b.Run(name, func(b *testing.B) { body = benchPath(b, s.Handler(), path) })
		app := fiber.New(fiber.Config{DisableStartupMessage: true})
		app.Get("/*", func(c *fiber.Ctx) error {
			c.Response().Header.SetContentType(fiber.MIMEApplicationJSON)
			c.Response().SetBodyRaw(body)
			return nil
		})
		b.Run(name+" by bare fiber", func(b *testing.B) { benchPath(b, app.Handler(), path) })
	}
}
