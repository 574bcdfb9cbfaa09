package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/order"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
)

// documents is all that these routes ask of their room.
type documents interface {
	OfOrder(ctx context.Context, merchant, order uuid.UUID) ([]order.Document, error)
	Document(ctx context.Context, merchant, document uuid.UUID) (*order.Document, []byte, error)
}

// Document is an invoice or a credit note. It never changes.
type Document struct {
	ID        uuid.UUID      `json:"id" format:"uuid"`
	Kind      string         `json:"kind" enum:"invoice,credit_note"`
	Number    string         `json:"number" example:"INV-2026-000012" doc:"The numbers of a year and kind have no gaps"`
	OrderID   uuid.UUID      `json:"order_id" format:"uuid"`
	RefundID  *uuid.UUID     `json:"refund_id,omitempty" format:"uuid" doc:"Whose credit note it is"`
	InvoiceID *uuid.UUID     `json:"invoice_id,omitempty" format:"uuid" doc:"What a credit note corrects"`
	Locale    string         `json:"locale" example:"en"`
	Total     Money          `json:"total"`
	Tax       Money          `json:"tax" doc:"Part of the total"`
	Rates     []DocumentRate `json:"rates" doc:"The total by tax rate"`
	SHA256    string         `json:"sha256" doc:"Of the PDF, in hexadecimal digits"`
	Size      int64          `json:"size" doc:"Of the PDF, in bytes"`
	CreatedAt time.Time      `json:"created_at"`
}

// DocumentRate is what is taxed alike.
type DocumentRate struct {
	RateBps int64 `json:"rate_bps" example:"2000"`
	Net     Money `json:"net"`
	Tax     Money `json:"tax"`
	Gross   Money `json:"gross"`
}

func documentOf(d order.Document) Document {
	b := Document{
		ID: d.ID, Kind: string(d.Kind), Number: d.Number, OrderID: d.OrderID, RefundID: d.RefundID, InvoiceID: d.InvoiceID, Locale: d.Locale,
		Total: moneyOf(d.Total, d.Currency), Tax: moneyOf(d.Tax, d.Currency), Rates: []DocumentRate{},
		SHA256: hex.EncodeToString(d.SHA256), Size: d.Size, CreatedAt: d.CreatedAt.UTC(),
	}
	var rates []order.Rate
	if json.Unmarshal(d.Rates, &rates) == nil {
		for _, r := range rates {
			b.Rates = append(b.Rates, DocumentRate{
				RateBps: r.Bps, Net: moneyOf(r.Gross-r.Tax, d.Currency), Tax: moneyOf(r.Tax, d.Currency), Gross: moneyOf(r.Gross, d.Currency),
			})
		}
	}
	return b
}

type readDocumentIn struct {
	ByID
	Known string `header:"If-None-Match" maxLength:"1000" doc:"304 when it is the ETag of the document"`
}

type documentOut struct {
	Status      int
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	ETag        string `header:"ETag"`
	Body        []byte
}

func registerDocuments(s *Server, svc documents, sold orders) {
	handle(s, Route{
		ID: "list-order-documents", Method: http.MethodGet, Path: "/v1/orders/{id}/documents", Tag: "orders", Summary: "List the invoices and credit notes of an order, the oldest first",
		Description: "They are made within moments after money was taken or has gone back.",
		Auth:        secret("orders:read"), Errors: []*fault.Error{order.ErrNotFound},
	}, func(ctx context.Context, in *ByID) (*listOut[Document], error) {
		if _, err := sold.Order(ctx, caller(ctx).Merchant, in.ID); err != nil {
			return nil, err
		}
		all, err := svc.OfOrder(ctx, caller(ctx).Merchant, in.ID)
		if err != nil {
			return nil, err
		}
		return listOf(all, "", documentOf), nil
	})
	const path = "/v1/documents/{id}"
	handle(s, Route{
		ID: "read-document", Method: http.MethodGet, Path: path, Tag: "orders", Summary: "Read an invoice or a credit note as PDF",
		Description: "The ETag is the SHA-256 of the file, in the language of the order.",
		Auth:        secret("orders:read"), Errors: []*fault.Error{order.ErrDocumentNotFound},
	}, func(ctx context.Context, in *readDocumentIn) (*documentOut, error) {
		d, file, err := svc.Document(ctx, caller(ctx).Merchant, in.ID)
		if err != nil {
			return nil, err
		}
		out := &documentOut{
			Status: http.StatusOK, ContentType: "application/pdf", Disposition: `inline; filename="` + d.Number + `.pdf"`,
			ETag: `"` + hex.EncodeToString(d.SHA256) + `"`, Body: file,
		}
		if has(in.Known, out.ETag) {
			out.Status, out.ContentType, out.Disposition, out.Body = http.StatusNotModified, "", "", nil
		}
		return out, nil
	})
	s.huma.OpenAPI().Paths[path].Get.Responses["200"].Content = map[string]*huma.MediaType{
		"application/pdf": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}
}
