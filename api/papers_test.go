package api

import (
	"context"
	"strings"
	"testing"

	"doorstep/shipping"
	"doorstep/shipping/customs"
	"doorstep/shipping/packing"

	"github.com/google/uuid"
)

type fakePapers struct{ *shop }

func (f fakePapers) Paper(_ context.Context, m, id uuid.UUID) (*customs.Paper, error) {
	if err := f.known("Paper", m, id, false, shipping.ErrNotFound, nil); err != nil {
		return nil, err
	}
	return &customs.Paper{
		Number: "DS-7K3M-Q2XT-H", Date: noon, Currency: "EUR", Incoterm: customs.DAP, Sender: customs.Party{Name: "Shop " + canary, Address: []string{"Abovyan 1"}, Country: "AM"},
		Addressee: customs.Party{Name: "Aram", Line1: "Street 1", City: "Berlin", Country: "DE"},
		Items:     []customs.Item{{SKU: "MUG-01", Quantity: 2, UnitPrice: 1000, WeightG: 350, OriginCountry: "AM", Description: "gift"}},
	}, nil
}

func (f fakePapers) Packing(_ context.Context, m, id uuid.UUID) (packing.Plan, string, error) {
	if err := f.known("Packing", m, id, false, shipping.ErrNotFound, nil); err != nil {
		return packing.Plan{}, "", err
	}
	plan, err := packing.Pack([]packing.Box{{ID: "small", LengthMM: 200, WidthMM: 200, HeightMM: 200}}, []packing.Item{{SKU: canary, Quantity: 2, LengthMM: 90, WidthMM: 90, HeightMM: 90}}, packing.Rules{})
	return plan, "DS-7K3M-Q2XT-H", err
}

func TestPapersGoAlongWithParcels(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	base := "/v1/shipments/" + anID
	run(t, s, []scenario{
		{name: "what there is", method: "GET", path: base + "/customs-documents", header: with(rootKey), status: 200, want: []string{`"needs_customs":true`, `"value":{"amount":2000,"currency":"EUR"}`, `"net_g":700`,
			`{"kind":"cn23","url":"/v1/shipments/` + anID + `/customs-documents/cn23"}`, `"code":"hs_code_missing"`, `"code":"description_vague"`}},
		{name: "no such parcel", method: "GET", path: "/v1/shipments/" + aLine + "/customs-documents", header: with(rootKey), status: 404, want: []string{"shipment_not_found"}},
		{name: "not for shoppers", method: "GET", path: base + "/customs-documents/cn22", status: 403},
		{name: "not for shoppers either", method: "GET", path: base + "/packing.svg", status: 403},
	})
	for path, begins := range map[string]string{"/customs-documents/cn22": "%PDF-", "/customs-documents/cn23": "%PDF-", "/customs-documents/invoice": "%PDF-", "/packing.svg": "<svg "} {
		res, body := send(t, s, "GET", base+path, with(rootKey), "")
		if res.StatusCode != 200 || !strings.HasPrefix(body, begins) || res.Header.Get("Content-Disposition") == "" {
			t.Errorf("%s: %d %.200s", path, res.StatusCode, body)
		}
	}
}
