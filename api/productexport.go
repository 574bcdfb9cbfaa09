package api

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// productExport writes all products as CSV.
type productExport interface {
	Export(ctx context.Context, merchant uuid.UUID, w io.Writer) error
}

const (
	// exportTime bounds one export, exportStall a client that does not read on.
	exportTime  = 10 * time.Minute
	exportStall = 30 * time.Second
)

func registerProductExport(s *Server, svc productExport) {
	const path = "/v1/exports/products"
	fast[struct{}, struct{}](s, Route{
		ID: "export-products", Method: http.MethodGet, Path: path, Status: http.StatusOK, Tag: "products", Summary: "Export all products as CSV",
		Description: "In the plain form that an import reads. It is written while it is read; a connection that ends early means that the file is not complete.",
		Auth:        secret("catalog:read"),
	}, func(c *fiber.Ctx) error {
		r := requestOf(c)
		merchant := r.caller.Merchant
		body, err := s.stream(c, r, func(ctx context.Context, w io.Writer) error {
			return svc.Export(ctx, merchant, w)
		})
		if err != nil {
			return err
		}
		c.Response().Header.SetContentType("text/csv; charset=utf-8")
		c.Set(fiber.HeaderContentDisposition, `attachment; filename="products.csv"`)
		c.Context().SetBodyStream(body, -1)
		return nil
	})
	s.huma.OpenAPI().Paths[path].Get.Responses["200"] = &huma.Response{
		Description: "OK", Content: map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}
}

// piped is the reading end of what write writes. It tells the log when the
// writing has failed, but not when the client went away.
type piped struct {
	*bufio.Reader
	io.Closer
	failed func(error)
}

func (p piped) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		p.failed(err)
	}
	return n, err
}

// WriteTo hides the reader's own, which would go past Read.
func (p piped) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{p})
}

// stream runs write beside the answer. What goes wrong before the first byte is
// a problem document; later it cuts the connection, so that half a file is never
// taken for a whole one.
func (s *Server) stream(c *fiber.Ctx, r *request, write func(context.Context, io.Writer) error) (io.ReadCloser, error) {
	from, to := io.Pipe()
	// The request's own deadline ends with its handler.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), exportTime)
	stop := context.AfterFunc(s.base, cancel)
	out := bufio.NewWriterSize(&patient{to: to, conn: c.Context().Conn(), server: s}, 32<<10)
	go func() {
		defer cancel()
		defer stop()
		err := write(ctx, out)
		if err == nil {
			err = out.Flush()
		}
		_ = to.CloseWithError(err) // always nil; without an error it is the end of the file
	}()
	body := bufio.NewReader(from)
	if _, err := body.Peek(1); err != nil && !errors.Is(err, io.EOF) {
		_ = from.Close()
		return nil, err
	}
	return piped{body, from, func(err error) { s.complain(r, "export cut short", err) }}, nil
}

// patient gives a client new time with every piece that it takes.
type patient struct {
	to     io.Writer
	conn   net.Conn
	server *Server
}

func (p *patient) Write(b []byte) (int, error) {
	if p.conn != nil {
		_ = p.conn.SetWriteDeadline(p.server.machine.Now().Add(exportStall)) // a broken connection tells itself
	}
	return p.to.Write(b)
}
