package api

import (
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// IfMatch is embedded in the input of writes to things that have a version. Tag
// is the ETag that the caller has in hand.
type IfMatch struct {
	Tag string `header:"If-Match" maxLength:"64" doc:"The ETag that your change is based on; 412 version_mismatch when it is not the current one"`
}

// version is the version that the caller has in hand; ok is false when they do
// not say ("" or "*"). What follows the number in the ETag of a view tells
// representations of the same version apart, and is no matter here.
func (m IfMatch) version() (v int64, ok bool, err error) {
	tag := strings.TrimPrefix(strings.TrimSpace(m.Tag), "W/")
	if tag == "" || tag == "*" {
		return 0, false, nil
	}
	inner, quoted := strings.CutPrefix(tag, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	inner, _, _ = strings.Cut(inner, "-")
	if !quoted || !closed || inner == "" || inner[0] < '0' || inner[0] > '9' {
		return 0, false, errIfMatch
	}
	if v, err = strconv.ParseInt(inner, 10, 64); err != nil {
		return 0, false, errIfMatch
	}
	return v, true, nil
}

// check refuses with version_mismatch when the caller has another version than
// the current one in hand. It saves a write that is bound to fail; the guard
// against a race is the version in the room's own SQL.
func (m IfMatch) check(current int64) error {
	v, ok, err := m.version()
	if err != nil || !ok || v == current {
		return err
	}
	return staleVersion(current)
}

// staleVersion is the answer to a write that lost against another.
func staleVersion(current int64) error { return errVersion.With("version", current) }

// etag is the ETag of a version.
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// notModified sets the ETag and, when the caller has it already, answers 304.
// It is for fast handlers.
func notModified(c *fiber.Ctx, tag string) bool {
	c.Set(fiber.HeaderETag, tag)
	known := c.Request().Header.Peek(fiber.HeaderIfNoneMatch)
	if len(known) == 0 {
		return false
	}
	for have := range strings.SplitSeq(string(known), ",") {
		if have = strings.TrimPrefix(strings.TrimSpace(have), "W/"); have == tag || have == "*" {
			c.Status(fiber.StatusNotModified)
			return true
		}
	}
	return false
}
