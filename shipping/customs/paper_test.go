package customs

import (
	"bytes"
	"os"
	"testing"
	"time"

	"doorstep/internal/fault"
)

func aPaper() *Paper {
	cup := Item{SKU: "CUP-01", Quantity: 3, UnitPrice: 1250, Discount: 250, WeightG: 340, HS: "6911.10", OriginCountry: "AM", Description: "Stoneware cup, glazed, 300 ml"}
	return &Paper{
		Number: "DS-7K3M-Q2XT-H", Tracking: "RR123456785AM", Carrier: "haypost", Date: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		Sender:    Party{Name: "Ani's House LLC", Address: []string{"12 Abovyan Street", "0001 Yerevan"}, Country: "AM", TaxID: "01234567", Email: "ship@example.am"},
		Addressee: Party{Name: "Արամ Խաչատրյան", Line1: "Invalidenstraße 117", Postcode: "10115", City: "Berlin", Country: "DE", Phone: "+49 30 1234567", Email: "aram@example.de"},
		Items: []Item{cup, {SKU: "KRAMA-RED", Quantity: 1, UnitPrice: 2400, WeightG: 180, HS: "621420", OriginCountry: "KH", Description: "Krama scarf of cotton, ក្រមា"},
			{SKU: "LACQUER", Quantity: 2, UnitPrice: 900, WeightG: 120, HS: "320810", OriginCountry: "AM", Description: "Brush lacquer for wood", HazmatClass: "3"}},
		Currency: "EUR", Freight: 1490, Insurance: 200, GrossG: 1620, Incoterm: DAP,
	}
}

func TestCustomsPapersArePrinted(t *testing.T) {
	t.Parallel()
	p := aPaper()
	if p.Value() != 7700 || p.Net() != 1440 {
		t.Errorf("worth %d, %d g", p.Value(), p.Net())
	}
	for name, page := range map[string]func() ([]byte, error){"cn22": p.CN22, "cn23": p.CN23, "invoice": p.Invoice} {
		file, err := page()
		if err != nil || !bytes.HasPrefix(file, []byte("%PDF-1.")) {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := page()
		if err != nil || !bytes.Equal(file, again) {
			t.Errorf("%s is another file the second time (%v)", name, err)
		}
		if dir := os.Getenv("DOORSTEP_SHOW"); dir != "" {
			if err := os.WriteFile(dir+"/"+name+".pdf", file, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestACN22IsForSmallPacketsOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(p *Paper)
		reason any
	}{
		"as it is":           {func(*Paper) {}, nil},
		"just worth 300 SDR": {func(p *Paper) { p.Items = []Item{{SKU: "A", Quantity: 1, UnitPrice: 35152, WeightG: 10}} }, nil},
		"a cent more":        {func(p *Paper) { p.Items = []Item{{SKU: "A", Quantity: 1, UnitPrice: 35153, WeightG: 10}} }, "value"},
		"just 2 kg":          {func(p *Paper) { p.GrossG = 2000 }, nil},
		"a gram more":        {func(p *Paper) { p.GrossG = 2001 }, "weight"},
		"heavy goods":        {func(p *Paper) { p.GrossG, p.Items[0].WeightG = 0, 600 }, "weight"},
		"no rate":            {func(p *Paper) { p.Currency = "AMD" }, "exchange_rate"},
		"by the shop's rate": {func(p *Paper) {
			p.Currency = "AMD"
			p.Exchange = func(amount int64, _, to string) (int64, bool) { return amount / 4, to == "USD" }
		}, nil},
		"too dear by it": {func(p *Paper) {
			p.Currency = "AMD"
			p.Exchange = func(amount int64, _, to string) (int64, bool) { return amount * 6, to == "USD" }
		}, "value"},
	} {
		p := aPaper()
		c.change(p)
		_, err := p.CN22()
		if c.reason == nil && err == nil {
			continue
		}
		if f, ok := fault.As(err); !ok || f.Code != "cn22_limit" || f.Extra["reason"] != c.reason {
			t.Errorf("%s: want %v, got %v", name, c.reason, err)
		}
		if _, err := p.CN23(); err != nil {
			t.Errorf("%s: a CN 23 is always right, but %v", name, err)
		}
	}
}
