package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"mime"
	"net"
	"os"
	"strings"
	"time"

	"doorstep/internal/fault"

	"github.com/gofiber/fiber/v2"
)

const (
	bodyLimit   = 256 << 10
	uploadLimit = 512 << 20
	// uploadTime is how long an upload may take; other bodies have the
	// connection's read time-out.
	uploadTime = 10 * time.Minute
)

// takeBody reads the body into memory, up to the limit. Fiber streams bodies,
// so that this limit can differ by route; the body of an upload stays in the
// connection until its caller is known.
func (s *Server) takeBody(c *fiber.Ctx, r *request) error {
	req := c.Request()
	stream := req.BodyStream()
	if stream == nil {
		return nil
	}
	r.pending = true
	if enc := req.Header.Peek(fiber.HeaderContentEncoding); len(enc) > 0 && string(enc) != "identity" {
		return errEncoding // an unpacked body could be any size
	}
	if s.uploads[c.Method()+" "+c.Path()] {
		return nil
	}
	size, limit := req.Header.ContentLength(), s.limitOf(c)
	if size > limit {
		return errTooLarge
	}
	body := make([]byte, 0, max(size, 0)+1) // one more, so that the end is seen without growing
	for {
		n, err := stream.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if len(body) > limit {
			return errTooLarge
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return unread(err)
		}
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
	}
	req.SetBodyRaw(body)
	r.body, r.pending = body, false
	return nil
}

// bodySize is how large the bodies of the routes below a path may be.
type bodySize struct {
	method, path string
	most         int
}

func (s *Server) limitOf(c *fiber.Ctx) int {
	for _, b := range s.bodies {
		if rest, ok := strings.CutPrefix(c.Path(), b.path); ok && c.Method() == b.method && (rest == "" || strings.HasSuffix(b.path, "/")) {
			return b.most
		}
	}
	return bodyLimit
}

// unread says why a body did not arrive.
func unread(err error) error {
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return errSlowRequest
	}
	return errRequest.Because(err)
}

// spool streams the body of an upload into a file and hashes it on the way.
// The returned function removes the file.
func (s *Server) spool(c *fiber.Ctx, r *request) (remove func(), err error) {
	none := func() {}
	stream := c.Request().BodyStream()
	if stream == nil {
		return none, errMalformed.Saying("This call needs a body.")
	}
	if c.Request().Header.ContentLength() > uploadLimit {
		return none, errTooLarge
	}
	if err := c.Context().Conn().SetReadDeadline(s.machine.Now().Add(uploadTime)); err != nil {
		return none, unread(err)
	}
	file, err := os.CreateTemp(s.tempDir, "doorstep-upload-*")
	if err != nil {
		return none, errFullDisk.Because(err)
	}
	remove = func() {
		_ = file.Close() // the room may have closed it
		_ = os.Remove(file.Name())
	}
	hash := sha256.New()
	n, err := io.Copy(&disk{file: file, hash: hash}, io.LimitReader(stream, uploadLimit+1))
	var full *diskError
	switch {
	case errors.As(err, &full):
		err = errFullDisk.Because(full.err)
	case err != nil:
		err = unread(err)
	case n > uploadLimit:
		err = errTooLarge
	default:
		r.pending = false
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		remove()
		return none, err
	}
	r.file, r.digest = file, hash.Sum(nil)
	return remove, nil
}

var errFullDisk = fault.New(fault.Unavailable, "storage_unavailable", "The upload could not be kept. Try again later.")

// disk writes to the file and the hash, and marks its errors as ours, for a
// full disk is not the caller's fault.
type disk struct {
	file *os.File
	hash io.Writer
}

type diskError struct{ err error }

func (e *diskError) Error() string { return "write upload: " + e.err.Error() }

func (d *disk) Write(p []byte) (int, error) {
	if n, err := d.file.Write(p); err != nil {
		return n, &diskError{err}
	}
	return d.hash.Write(p)
}

// checkBody inspects a JSON body before anything else looks at it.
func checkBody(c *fiber.Ctx, r *request) error {
	if len(r.body) == 0 || r.route.Raw || r.route.Upload {
		return nil
	}
	if ct := string(c.Request().Header.ContentType()); ct != "" {
		kind, params, err := mime.ParseMediaType(ct)
		if err != nil || kind != fiber.MIMEApplicationJSON || params["charset"] != "" && !isUTF8(params["charset"]) {
			return errMediaType
		}
	}
	return inspect(r.body)
}

func isUTF8(charset string) bool {
	switch charset {
	case "utf-8", "UTF-8", "utf8":
		return true
	default:
		return false
	}
}

// noNull refuses a body that says null for one of the fields. Elsewhere null is
// nothing said; where that means everything, it may as well be a program that
// has lost what it wanted to say.
func noNull(ctx context.Context, fields ...string) error {
	var said map[string]any
	if err := codec.Unmarshal(requestIn(ctx).body, &said); err != nil {
		return nil //nolint:nilerr // no body, or the validator says what is wrong with it
	}
	for _, name := range fields {
		if value, there := said[name]; there && value == nil {
			return errValidation.At("body."+name, "expected a value, or the field left out for everything")
		}
	}
	return nil
}
