package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"doorstep/internal/fault"
	"doorstep/order"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
)

// csvOut is a table for spreadsheets. Where it does not hold everything,
// Next-Cursor says where to go on.
type csvOut struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	NextCursor  string `header:"Next-Cursor"`
	Body        []byte
}

func newCSV(name string, body []byte, next string) *csvOut {
	return &csvOut{ContentType: "text/csv; charset=utf-8", Disposition: `attachment; filename="` + name + `.csv"`, NextCursor: next, Body: body}
}

// documentCSV puts right what the document says of a route that answers with csvOut.
func documentCSV(s *Server, path string) {
	s.huma.OpenAPI().Paths[path].Get.Responses["200"].Content = map[string]*huma.MediaType{
		"text/csv": {Schema: &huma.Schema{Type: huma.TypeString}},
	}
}

// cell is text as it may stand in a spreadsheet: one that would be taken for a
// formula begins with an apostrophe.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// mostExported is how many orders one file holds at most.
const mostExported = 10_000

type exportOrdersIn struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"10000" default:"10000" doc:"How many orders at most"`
	Cursor string `query:"cursor" maxLength:"1024" doc:"Next-Cursor of the file before"`
	OrderFilter
}

func registerOrderExport(s *Server, svc orders) {
	const path = "/v1/exports/orders"
	handle(s, Route{
		ID: "export-orders", Method: http.MethodGet, Path: path, Tag: "orders", Summary: "Export orders as CSV, the newest first",
		Description: "One row per order, without personal data; amounts are minor units. A file with more to come has a Next-Cursor header.",
		Auth:        secret("orders:read"), Deadline: Payments, Errors: []*fault.Error{errCursor, order.ErrFilter},
	}, func(ctx context.Context, in *exportOrdersIn) (*csvOut, error) {
		cursor, err := roomCursor(orderList, in.Cursor)
		if err != nil {
			return nil, err
		}
		body, next, err := ordersCSV(ctx, svc, caller(ctx).Merchant, in.value(), cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return newCSV("orders", body, pageCursor(orderList, next)), nil
	})
	documentCSV(s, path)
}

var orderColumns = []string{
	"number", "placed_at", "status", "payment_status", "fulfillment_status", "payment_method", "currency",
	"subtotal_minor", "discount_minor", "shipping_minor", "tax_minor", "total_minor", "country", "items", "id", "duties_minor",
}

// ordersCSV writes at most limit orders, the newest first, and says where the
// rest begins.
func ordersCSV(ctx context.Context, svc orders, merchant uuid.UUID, f order.Filter, cursor string, limit int) ([]byte, string, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write(orderColumns); err != nil {
		return nil, "", err
	}
	for left := min(limit, mostExported); left > 0; {
		page, err := svc.List(ctx, merchant, f, cursor, min(left, order.MaxPage), true)
		if err != nil {
			return nil, "", err
		}
		for i := range page.Orders {
			if err := w.Write(orderRow(&page.Orders[i])); err != nil {
				return nil, "", err
			}
		}
		left -= len(page.Orders)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	w.Flush()
	return b.Bytes(), cursor, w.Error()
}

func orderRow(o *order.Order) []string {
	items := make([]string, len(o.Lines))
	for i, l := range o.Lines {
		items[i] = fmt.Sprintf("%s x %d", l.SKU, l.Quantity)
	}
	minor := func(n int64) string { return strconv.FormatInt(n, 10) }
	country := ""
	if o.Country != nil {
		country = *o.Country
	}
	return []string{
		cell(o.Number), o.PlacedAt.UTC().Format(time.RFC3339), string(o.Status), o.PaymentStatus, o.FulfillmentStatus, o.PaymentMethod, o.Currency,
		minor(o.Subtotal), minor(o.Discount), minor(o.Shipping), minor(o.Tax), minor(o.Total), country, cell(strings.Join(items, "; ")), o.ID.String(), minor(o.Duties),
	}
}
