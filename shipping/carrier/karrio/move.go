package karrio

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"doorstep/shipping/carrier"
)

// rate is the price of one service.
type rate struct {
	ID          string          `json:"id"`
	CarrierName string          `json:"carrier_name"`
	CarrierID   string          `json:"carrier_id"`
	Currency    string          `json:"currency"`
	Service     *string         `json:"service"`
	Total       carrier.Decimal `json:"total_charge"`
	TransitDays *int            `json:"transit_days"`
	Estimated   *string         `json:"estimated_delivery"`
	Charges     []struct {
		Name     *string         `json:"name"`
		Amount   carrier.Decimal `json:"amount"`
		Currency *string         `json:"currency"`
	} `json:"extra_charges"`
}

// Rates asks all carriers that the server links at once. Karrio waits for the
// slowest: the deadline of ctx is what bounds it.
func (k *Karrio) Rates(ctx context.Context, r carrier.RateRequest) (carrier.RateAnswer, error) {
	var said struct {
		Rates    []rate    `json:"rates"`
		Messages []message `json:"messages"`
	}
	if err := k.client.Do(ctx, carrier.Call{Name: "rates", Method: http.MethodPost, Path: "/v1/proxy/rates", JSON: k.ask(r)}, &said); err != nil {
		return carrier.RateAnswer{}, err
	}
	if said.Rates == nil {
		return carrier.RateAnswer{}, k.client.Missing("rates", "rates")
	}
	var a carrier.RateAnswer
	for _, one := range said.Rates {
		if len(r.Services) > 0 && !slices.Contains(r.Services, text(one.Service)) {
			continue
		}
		priced, err := k.priced("rates", one)
		if err != nil {
			return carrier.RateAnswer{}, err
		}
		a.Rates = append(a.Rates, priced)
	}
	for _, m := range said.Messages {
		a.Refused = append(a.Refused, carrier.Refusal{Service: text(m.Name), Kind: kind(m.text()), Text: carrier.Clip(m.text())})
	}
	return a, nil
}

// priced reads a rate. Its id lives as long as the answer, so Buy is told the
// connection instead.
func (k *Karrio) priced(call string, r rate) (carrier.Rate, error) {
	total, err := carrier.RoundAmount(string(r.Total), r.Currency)
	if err != nil || text(r.Service) == "" || r.CarrierName == "" {
		return carrier.Rate{}, k.client.Fail(call, carrier.KindContract, "rates", fmt.Sprintf("the rate of %s %s cannot be read", r.CarrierName, text(r.Service)))
	}
	out := carrier.Rate{Carrier: r.CarrierName, Service: *r.Service, Total: total, Negotiated: true, ID: r.CarrierID}
	if r.TransitDays != nil {
		out.TransitDays = max(*r.TransitDays, 0)
	}
	out.Level = carrier.LevelByDays(out.TransitDays)
	if at, err := time.Parse(time.DateOnly, first(text(r.Estimated), 10)); err == nil {
		out.Promised = at
	}
	var parts []carrier.Charge
	for _, c := range r.Charges {
		currency := text(c.Currency)
		if currency == "" {
			currency = r.Currency
		}
		amount, err := carrier.RoundAmount(string(c.Amount), currency)
		if err != nil {
			continue // a part without a price; the rest is settled with the total
		}
		parts = append(parts, carrier.Charge{Kind: chargeKind(text(c.Name), amount.Minor), Name: carrier.Clip(text(c.Name)), Amount: amount})
	}
	out.Charges = carrier.Settle(parts, total)
	return out, nil
}

func first(s string, n int) string { return s[:min(len(s), n)] }

// chargeKind is what part of a price a charge is, by its name: Karrio passes on
// the words of each carrier.
func chargeKind(name string, minor int64) carrier.ChargeKind {
	if minor < 0 {
		return carrier.ChargeDiscount
	}
	name = strings.ToLower(name)
	for _, k := range []struct {
		kind  carrier.ChargeKind
		words []string
	}{
		{carrier.ChargeFuel, []string{"fuel"}},
		{carrier.ChargeTax, []string{"tax", "vat", "gst", "hst", "qst", "dut"}},
		{carrier.ChargeBase, []string{"base", "freight", "transport"}},
	} {
		for _, word := range k.words {
			if strings.Contains(name, word) {
				return k.kind
			}
		}
	}
	return carrier.ChargeSurcharge
}

// shipment is what Karrio has of one.
type shipment struct {
	ID        string    `json:"id"`
	Status    string    `json:"status"`
	Reference *string   `json:"reference"`
	Number    *string   `json:"tracking_number"`
	Service   *string   `json:"service"`
	CarrierID *string   `json:"carrier_id"`
	Selected  *rate     `json:"selected_rate"`
	Messages  []message `json:"messages"`
	Documents []struct {
		Category string `json:"category"`
	} `json:"shipping_documents"`
}

func (s shipment) bought() bool { return text(s.Number) != "" && s.Status != "draft" }

// Buy makes the label of one parcel. The shipment carries the key as its
// reference, by which it is looked for first: a key buys once.
func (k *Karrio) Buy(ctx context.Context, r carrier.ShipmentRequest) (carrier.Label, error) {
	if len(r.Parcels) != 1 {
		return carrier.Label{}, k.client.Fail("buy", carrier.KindUnsupported, "parcels", "must be one: what several become differs by carrier")
	}
	s, err := k.byKey(ctx, "buy", r.Key)
	if carrier.KindOf(err) == carrier.KindNotFound {
		q := k.ask(carrier.RateRequest{From: r.From, To: r.To, Parcels: r.Parcels, Options: r.Options, Customs: r.Customs, ShipAt: r.ShipAt})
		q.Service, q.Reference, q.LabelType = r.Service, r.Key, strings.ToUpper(string(r.Format))
		if q.LabelType == "" {
			q.LabelType = "PDF"
		}
		if r.RateID != "" {
			q.CarrierIDs = []string{r.RateID}
		}
		s = shipment{}
		err = k.client.Do(ctx, carrier.Call{Name: "buy", Method: http.MethodPost, Path: "/v1/shipments", JSON: q}, &s)
	}
	switch {
	case err != nil:
		return carrier.Label{}, err
	case s.ID == "":
		return carrier.Label{}, k.client.Missing("buy", "id")
	case !s.bought() && len(s.Messages) > 0:
		said := s.Messages[0].text()
		return carrier.Label{}, k.client.Fail("buy", kind(said), "", said)
	case !s.bought():
		return carrier.Label{}, k.client.Missing("buy", "tracking_number")
	}
	return k.label(ctx, "buy", s)
}

// Find gives the label that was bought with a key.
func (k *Karrio) Find(ctx context.Context, key string) (carrier.Label, error) {
	s, err := k.byKey(ctx, "find", key)
	if err != nil {
		return carrier.Label{}, err
	}
	return k.label(ctx, "find", s)
}

// byKey looks a bought shipment up by its reference. Karrio's filter may be
// generous, so the reference is compared.
func (k *Karrio) byKey(ctx context.Context, call, key string) (shipment, error) {
	if key == "" {
		return shipment{}, k.client.Fail(call, carrier.KindInvalid, "key", "is missing")
	}
	var said struct {
		Results []shipment `json:"results"`
	}
	if err := k.client.Do(ctx, carrier.Call{Name: call, Path: "/v1/shipments", Query: url.Values{"reference": {key}}}, &said); err != nil {
		return shipment{}, err
	}
	if said.Results == nil {
		return shipment{}, k.client.Missing(call, "results")
	}
	for _, s := range said.Results {
		if text(s.Reference) == key && s.bought() {
			return s, nil
		}
	}
	return shipment{}, k.client.Fail(call, carrier.KindNotFound, "key", "no shipment was bought with it")
}

// label reads what was bought and fetches what is to be printed. It is paid by
// then, so whatever fails leaves the Buy unknown, never undone.
func (k *Karrio) label(ctx context.Context, call string, s shipment) (carrier.Label, error) {
	if s.Selected == nil {
		return carrier.Label{}, k.client.Missing(call, "selected_rate")
	}
	price, err := k.priced(call, *s.Selected)
	if err != nil {
		return carrier.Label{}, err
	}
	l := carrier.Label{ID: s.ID, Numbers: []string{*s.Number}, Service: price.Service, Cost: price.Total, BuyerID: text(s.CarrierID)}
	wanted := []string{"label"}
	for _, d := range s.Documents {
		if d.Category == "invoice" {
			wanted = append(wanted, "invoice")
		}
	}
	for _, category := range wanted {
		p, err := k.paper(ctx, call, s.ID, category)
		if err != nil {
			var f *carrier.Error
			if errors.As(err, &f) && !f.Kind.Unknown() && f.Kind != carrier.KindRateLimited {
				f.Kind = carrier.KindUpstream
			}
			return carrier.Label{}, err
		}
		p.Number = *s.Number
		l.Papers = append(l.Papers, p)
	}
	return l, nil
}

func (k *Karrio) paper(ctx context.Context, call, id, category string) (carrier.Paper, error) {
	var said struct {
		Format string  `json:"format"`
		Base64 *string `json:"base64"`
	}
	err := k.client.Do(ctx, carrier.Call{Name: call, Method: http.MethodPost, Path: "/v1/shipments/" + url.PathEscape(id) + "/documents/" + category}, &said)
	if err != nil {
		return carrier.Paper{}, err
	}
	printed, err := base64.StdEncoding.DecodeString(text(said.Base64))
	if err != nil || len(printed) == 0 {
		return carrier.Paper{}, k.client.Fail(call, carrier.KindContract, "base64", "is no document")
	}
	kind := category
	if category == "invoice" {
		kind = "customs"
	}
	return carrier.Paper{Kind: kind, Format: carrier.Format(strings.ToLower(said.Format)), Bytes: printed}, nil
}

// Void cancels a shipment; 304 says that it was before.
func (k *Karrio) Void(ctx context.Context, l carrier.LabelRef) error {
	err := k.client.Do(ctx, carrier.Call{Name: "void", Method: http.MethodPost, Path: "/v1/shipments/" + url.PathEscape(l.ID) + "/cancel"}, nil)
	var f *carrier.Error
	if errors.As(err, &f) && f.Status == http.StatusNotModified {
		return nil
	}
	return err
}
