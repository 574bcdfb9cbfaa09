package easypost

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// Buy makes the label of one parcel. The shipment carries the key as its
// reference, by which it is found again: a key buys once.
func (e *EasyPost) Buy(ctx context.Context, r carrier.ShipmentRequest) (carrier.Label, error) {
	if len(r.Parcels) != 1 {
		return carrier.Label{}, e.client.Fail("buy", carrier.KindUnsupported, "parcels", "must be one: EasyPost's shipments have one parcel")
	}
	s, err := e.byKey(ctx, "buy", r.Key)
	if carrier.KindOf(err) == carrier.KindNotFound {
		format := r.Format
		if format == "" {
			format = carrier.PDF
		}
		var q question
		q, err = e.ask("buy", r.Key, carrier.RateRequest{From: r.From, To: r.To, Options: r.Options, Customs: r.Customs, ShipAt: r.ShipAt}, r.Parcels[0], format)
		if err == nil {
			s, err = e.create(ctx, "buy", q)
		}
	}
	if err != nil {
		return carrier.Label{}, err
	}
	if s.PostageLabel == nil {
		if s, err = e.purchase(ctx, s, r); err != nil {
			return carrier.Label{}, err
		}
	}
	return e.label(ctx, "buy", s)
}

// purchase buys the rate of the wanted service.
func (e *EasyPost) purchase(ctx context.Context, s shipment, r carrier.ShipmentRequest) (shipment, error) {
	var body struct {
		Rate struct {
			ID string `json:"id"`
		} `json:"rate"`
		Insurance string `json:"insurance,omitempty"`
	}
	for _, one := range s.Rates {
		if one.code() == r.Service {
			body.Rate.ID = one.ID
		}
	}
	if body.Rate.ID == "" {
		f := e.client.Fail("buy", carrier.KindNotServiceable, "service", r.Service+" has no rate for this parcel")
		for _, m := range s.Messages {
			if text, ok := m.Message.(string); ok && strings.HasPrefix(r.Service, m.Carrier+".") {
				f.Text = carrier.Clip(f.Text + ": " + text)
			}
		}
		return s, f
	}
	if i := r.Options.Insurance; i.Minor > 0 {
		if i.Currency != "USD" {
			return s, e.client.Fail("buy", carrier.KindInvalid, "options.insurance", "must be in USD")
		}
		body.Insurance = money.Decimal(i.Minor, i.Currency)
	}
	id := s.ID
	var bought shipment
	err := e.client.Do(ctx, carrier.Call{Name: "buy", Method: http.MethodPost, Path: "/v2/shipments/" + url.PathEscape(id) + "/buy", JSON: body}, &bought)
	var f *carrier.Error
	if errors.As(err, &f) && strings.Contains(f.Text, "POSTAGE.EXISTS") { // somebody was faster with the same key
		return e.byKey(ctx, "buy", id)
	}
	if err == nil && bought.ID == "" {
		err = e.client.Missing("buy", "id")
	}
	return bought, err
}

// Find gives the label that was bought with a key.
func (e *EasyPost) Find(ctx context.Context, key string) (carrier.Label, error) {
	s, err := e.byKey(ctx, "find", key)
	if err != nil {
		return carrier.Label{}, err
	}
	if s.PostageLabel == nil {
		return carrier.Label{}, e.client.Fail("find", carrier.KindNotFound, "key", "the shipment was made, but never bought")
	}
	return e.label(ctx, "find", s)
}

// byKey reads a shipment by its id or its reference.
func (e *EasyPost) byKey(ctx context.Context, call, key string) (shipment, error) {
	if key == "" {
		return shipment{}, e.client.Fail(call, carrier.KindInvalid, "key", "is missing")
	}
	var s shipment
	err := e.client.Do(ctx, carrier.Call{Name: call, Path: "/v2/shipments/" + url.PathEscape(key)}, &s)
	if err == nil && s.ID == "" {
		err = e.client.Missing(call, "id")
	}
	return s, err
}

// formats are the media types of labels.
var formats = map[string]carrier.Format{"application/pdf": carrier.PDF, "application/zpl": carrier.ZPL, "image/png": carrier.PNG}

// label reads what was bought and fetches what is to be printed. The postage is
// paid by then, so whatever fails leaves the Buy unknown, never undone.
func (e *EasyPost) label(ctx context.Context, call string, s shipment) (carrier.Label, error) {
	if s.PostageLabel == nil || s.PostageLabel.URL == "" || s.TrackingCode == nil || *s.TrackingCode == "" {
		return carrier.Label{}, e.client.Missing(call, "postage_label")
	}
	if s.SelectedRate == nil {
		return carrier.Label{}, e.client.Missing(call, "selected_rate")
	}
	cost, err := carrier.RoundAmount(string(s.SelectedRate.Rate), s.SelectedRate.Currency)
	if err != nil {
		return carrier.Label{}, e.client.Fail(call, carrier.KindContract, "selected_rate.rate", "is no amount")
	}
	l := carrier.Label{ID: s.ID, Numbers: []string{*s.TrackingCode}, Service: s.SelectedRate.code(), Cost: cost}
	format, ok := formats[s.PostageLabel.Type]
	if !ok {
		return carrier.Label{}, e.client.Fail(call, carrier.KindContract, "postage_label.label_file_type", s.PostageLabel.Type+" was not asked for")
	}
	printed, err := e.paper(ctx, call, s.PostageLabel.URL)
	if err != nil {
		return carrier.Label{}, err
	}
	l.Papers = []carrier.Paper{{Kind: "label", Format: format, Bytes: printed, DPI: s.PostageLabel.Resolution, Number: *s.TrackingCode}}
	for _, f := range s.Forms {
		if f.URL == "" {
			continue
		}
		printed, err := e.paper(ctx, call, f.URL)
		if err != nil {
			return carrier.Label{}, err
		}
		kind := "customs"
		if f.Type == "label_qr_code" || f.Type == "cod_return_label" {
			kind = f.Type
		}
		l.Papers = append(l.Papers, carrier.Paper{Kind: kind, Format: carrier.PDF, Bytes: printed, Number: *s.TrackingCode})
	}
	return l, nil
}

func (e *EasyPost) paper(ctx context.Context, call, address string) ([]byte, error) {
	printed, err := e.client.Fetch(ctx, call, address)
	if err == nil && len(printed) == 0 {
		return nil, e.client.Fail(call, carrier.KindMalformed, "postage_label", "is empty")
	}
	var f *carrier.Error
	if errors.As(err, &f) && !f.Kind.Unknown() && f.Kind != carrier.KindRateLimited {
		f.Kind = carrier.KindUpstream
	}
	return printed, err
}

// Void asks for the postage back. Whether the carrier grants it is known days
// later; until then the label counts as void.
func (e *EasyPost) Void(ctx context.Context, l carrier.LabelRef) error {
	var s shipment
	path := "/v2/shipments/" + url.PathEscape(l.ID)
	err := e.client.Do(ctx, carrier.Call{Name: "void", Method: http.MethodPost, Path: path + "/refund"}, &s)
	if carrier.KindOf(err) == carrier.KindInvalid { // perhaps it was asked before
		if known, again := e.byKey(ctx, "void", l.ID); again == nil && known.voided() {
			return nil
		}
		return err
	}
	if err == nil && !s.voided() {
		return e.client.Fail("void", carrier.KindInvalid, "refund_status", "the refund was refused")
	}
	return err
}

func (s shipment) voided() bool {
	return s.RefundStatus != nil && (*s.RefundStatus == "submitted" || *s.RefundStatus == "refunded")
}

// CheckAddress asks whether mail can be delivered to an address.
func (e *EasyPost) CheckAddress(ctx context.Context, a carrier.Address) (carrier.AddressVerdict, error) {
	var said struct {
		ID string `json:"id"`
		address
		Verifications *struct {
			Delivery *struct {
				Success bool `json:"success"`
				Errors  []struct {
					Message string `json:"message"`
				} `json:"errors"`
			} `json:"delivery"`
		} `json:"verifications"`
	}
	body := map[string]any{"address": to(a), "verify": true}
	if err := e.client.Do(ctx, carrier.Call{Name: "address", Method: http.MethodPost, Path: "/v2/addresses", JSON: body}, &said); err != nil {
		return carrier.AddressVerdict{}, err
	}
	if said.Verifications == nil || said.Verifications.Delivery == nil {
		return carrier.AddressVerdict{}, e.client.Missing("address", "verifications.delivery")
	}
	v := carrier.AddressVerdict{Deliverable: said.Verifications.Delivery.Success, Residential: said.Residential}
	for _, n := range said.Verifications.Delivery.Errors {
		v.Notes = append(v.Notes, carrier.Clip(n.Message))
	}
	better := a
	better.Line1, better.Line2, better.City, better.Region, better.Postcode = said.Street1, said.Street2, said.City, said.State, said.Zip
	if v.Deliverable && better != a {
		v.Corrected = &better
	}
	return v, nil
}

// Manifest closes labels of one carrier on a scan form.
func (e *EasyPost) Manifest(ctx context.Context, r carrier.ManifestRequest) (carrier.Manifest, error) {
	type ref struct {
		ID string `json:"id"`
	}
	var all []ref
	for _, l := range r.Labels {
		all = append(all, ref{l.ID})
	}
	var said struct {
		ID      string  `json:"id"`
		Status  string  `json:"status"`
		Message *string `json:"message"`
		FormURL *string `json:"form_url"`
	}
	if err := e.client.Do(ctx, carrier.Call{Name: "manifest", Method: http.MethodPost, Path: "/v2/scan_forms", JSON: map[string]any{"shipments": all}}, &said); err != nil {
		return carrier.Manifest{}, err
	}
	switch {
	case said.Status == "failed" && said.Message != nil:
		return carrier.Manifest{}, e.client.Fail("manifest", carrier.KindInvalid, "labels", *said.Message)
	case said.ID == "" || said.FormURL == nil:
		return carrier.Manifest{}, e.client.Missing("manifest", "form_url")
	}
	printed, err := e.paper(ctx, "manifest", *said.FormURL)
	if err != nil {
		return carrier.Manifest{}, err
	}
	return carrier.Manifest{ID: said.ID, Papers: []carrier.Paper{{Kind: "manifest", Format: carrier.PDF, Bytes: printed}}}, nil
}
