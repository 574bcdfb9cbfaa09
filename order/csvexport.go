package order

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/money"
)

// exportColumns begin with those that an import reads.
var exportColumns = []string{"number", "placed_at", "email", "currency", "country", "sku", "title", "quantity", "unit_price", "total",
	"shipping", "order_tax", "order_total", "status", "payment_status", "fulfillment_status", "payment_method", "source"}

// Export writes the orders of a list as CSV, one row for each line of an order,
// the newest order first, page by page, so that it needs little memory however
// many there are. Amounts are in major units of their currency; total is that of
// the line.
//
// An e-mail that a spreadsheet would take for a formula gets an apostrophe in
// front, for strangers choose it. Import takes it away again.
func (s *Service) Export(ctx context.Context, merchant uuid.UUID, f Filter, w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(exportColumns); err != nil {
		return err
	}
	for cursor := ""; ; {
		page, err := s.List(ctx, merchant, f, cursor, MaxPage, false)
		if err != nil {
			return err
		}
		emails, err := s.emails(ctx, merchant, page.Orders)
		if err != nil {
			return err
		}
		if err := s.exportLines(ctx, page.Orders); err != nil {
			return err
		}
		for i := range page.Orders {
			o := &page.Orders[i]
			if err := exportOrder(out, o, emails[o.ContactID]); err != nil {
				return err
			}
		}
		out.Flush()
		if err := out.Error(); err != nil {
			return err
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

func (s *Service) emails(ctx context.Context, merchant uuid.UUID, orders []Order) (map[uuid.UUID]string, error) {
	if s.Emails == nil || len(orders) == 0 {
		return nil, nil
	}
	ids := make([]uuid.UUID, len(orders))
	for i := range orders {
		ids[i] = orders[i].ContactID
	}
	return s.Emails(ctx, merchant, ids)
}

// exportLines reads of the lines what an export tells, without the rest.
func (s *Service) exportLines(ctx context.Context, orders []Order) error {
	if len(orders) == 0 {
		return nil
	}
	ids, at := make([]uuid.UUID, len(orders)), make(map[uuid.UUID]*Order, len(orders))
	for i := range orders {
		ids[i], at[orders[i].ID] = orders[i].ID, &orders[i]
	}
	return s.DB.Read(ctx, &db.Query{
		SQL: `select order_id, sku, title, quantity, unit_minor, subtotal_minor, discount_minor from order_lines
			where merchant_id = $1 and order_id = any($2) order by order_id, position, id`,
		Args: []any{orders[0].MerchantID, ids},
		Each: func(rows pgx.Rows) error {
			for _, o := range at {
				o.Lines = nil // a read may be repeated
			}
			var l Line
			_, err := pgx.ForEachRow(rows, []any{&l.OrderID, &l.SKU, &l.Title, &l.Quantity, &l.Unit, &l.Subtotal, &l.Discount}, func() error {
				at[l.OrderID].Lines = append(at[l.OrderID].Lines, l)
				return nil
			})
			return err
		},
	})
}

func exportOrder(out *csv.Writer, o *Order, email string) error {
	if email != "" && strings.IndexByte("=+-@\t\r'", email[0]) >= 0 {
		email = "'" + email
	}
	country := ""
	if o.Country != nil {
		country = *o.Country
	}
	amount := func(minor int64) string { return money.Decimal(minor, o.Currency) }
	for _, l := range o.Lines {
		if err := out.Write([]string{
			o.Number, o.PlacedAt.UTC().Format(time.RFC3339Nano), email, o.Currency, country, l.SKU, l.Title, strconv.FormatInt(l.Quantity, 10), amount(l.Unit),
			amount(l.Subtotal + l.Discount), amount(o.Shipping), amount(o.Tax), amount(o.Total), string(o.Status), o.PaymentStatus, o.FulfillmentStatus,
			o.PaymentMethod, o.Source,
		}); err != nil {
			return err
		}
	}
	return nil
}
