package web

import (
	"bytes"
	"encoding/json"
	"strings"

	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
)

// The chat is one file for whoever puts it into a page: its styles and its texts
// are put into the script when the program starts, so that a page needs no further
// request and no further source in its policy.
const (
	chatFile  = "chat.js"
	chatSheet = "chat.css"
	chatTexts = "web.chat."
)

// chatScript puts the styles and all texts into the script.
func chatScript(script, sheet []byte) ([]byte, error) {
	texts := map[locale.Lang]map[string]any{}
	for _, lang := range locale.Languages() {
		texts[lang] = map[string]any{"person_also": asksForPerson(lang)}
		for _, key := range locale.Keys(chatTexts) {
			texts[lang][strings.TrimPrefix(key, chatTexts)] = locale.T(lang, key, "seconds", "{seconds}")
		}
	}
	words, err := json.Marshal(texts)
	if err != nil {
		return nil, err
	}
	look, err := json.Marshal(string(sheet))
	if err != nil {
		return nil, err
	}
	script = bytes.Replace(script, []byte(`'@texts'`), words, 1)
	return bytes.Replace(script, []byte(`'@sheet'`), look, 1), nil
}

// asksForPerson are the words of the buttons that ask for a person. The chat and the
// page have such a button in a place of its own, at all times.
func asksForPerson(lang locale.Lang) []string {
	var all []string
	for _, key := range []string{"web.chat.person_text", "assistant.intent.human_agent", "assistant_shop.button.person.text"} {
		if locale.Has(key) {
			all = append(all, locale.T(lang, key))
		}
	}
	return all
}

// registerChat adds the script under an address that stays, for other people's
// pages. Those ask again after an hour.
func (s *Site) registerChat(app *fiber.App) {
	app.Get("/"+chatFile, func(c *fiber.Ctx) error {
		f := s.assets.files[chatFile]
		c.Set("Cross-Origin-Resource-Policy", "cross-origin")
		c.Set(fiber.HeaderETag, `"`+f.version+`"`)
		c.Set(fiber.HeaderCacheControl, "public, max-age=3600")
		if c.Get(fiber.HeaderIfNoneMatch) == `"`+f.version+`"` {
			return c.SendStatus(fiber.StatusNotModified)
		}
		f.send(c)
		return nil
	})
}
