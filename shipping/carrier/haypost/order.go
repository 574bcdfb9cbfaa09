package haypost

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// currency is what tariffs are asked for in, by its number at HayPost.
const (
	currency   = "AMD"
	currencyID = 1
)

// armenia is the country's number at HayPost.
const armenia = 11

// place is an address as HayPost wants it.
type place struct {
	CountryID   int      `json:"countryId"`
	CityVillage string   `json:"cityVillage"`
	Street      string   `json:"street"`
	PostalCode  string   `json:"postalCode,omitempty"`
	Receiver    receiver `json:"receiverInfo"`
}

type receiver struct {
	CompanyName string `json:"companyName,omitempty"`
	FirstName   string `json:"firstName"`
	LastName    string `json:"lastName,omitempty"`
	PhoneNumber string `json:"phoneNumber,omitempty"`
	Email       string `json:"email,omitempty"`
}

// at makes a place of an address. HayPost has a first and a last name.
func at(a carrier.Address) place {
	first, last, _ := strings.Cut(a.Name, " ")
	if first == "" {
		first = a.Company
	}
	return place{
		CountryID: armenia, CityVillage: a.City, Street: strings.TrimSpace(a.Line1 + " " + a.Line2), PostalCode: a.Postcode,
		Receiver: receiver{CompanyName: a.Company, FirstName: first, LastName: last, PhoneNumber: strings.TrimPrefix(a.Phone, "+"), Email: a.Email},
	}
}

// within refuses what does not stay in Armenia: the short order does not cross
// its border.
func (h *HayPost) within(call string, from, to carrier.Address) error {
	if from.Country != "AM" || to.Country != "AM" {
		return h.client.Fail(call, carrier.KindNotServiceable, "to.country", "only parcels within Armenia are ordered here")
	}
	return nil
}

// extras are the additional services for wishes.
func extras(o carrier.Options) []int {
	all := []int{}
	if o.Signature || o.AdultSignature {
		all = append(all, 2) // a notification when it was handed over
	}
	return all
}

// tariff asks what one parcel costs with a service.
func (h *HayPost) tariff(ctx context.Context, call string, s service, from, to carrier.Address, p carrier.Parcel, o carrier.Options) (money.Amount, error) {
	var said carrier.Decimal
	err := h.client.Do(ctx, carrier.Call{Name: call, Method: http.MethodPost, Path: "/Api/Order/CalculateTariff", JSON: map[string]any{
		"customerId": h.config.Customer, "serviceCategoryDirectionId": s.number, "weight": p.WeightG, "currencyId": currencyID,
		"additionalServices": extras(o), "destinationAddress": at(to), "returnAddress": at(from),
	}}, &said)
	if err != nil {
		return money.Amount{}, err
	}
	cost, err := carrier.RoundAmount(string(said), currency)
	if err != nil || cost.Minor <= 0 {
		return money.Amount{}, h.client.Fail(call, carrier.KindContract, "", "the tariff is no price: "+string(said))
	}
	return cost, nil
}

// Rates asks for the tariff of each service.
func (h *HayPost) Rates(ctx context.Context, r carrier.RateRequest) (carrier.RateAnswer, error) {
	var answer carrier.RateAnswer
	if err := h.within("rates", r.From, r.To); err != nil {
		return answer, err
	}
	if len(r.Parcels) == 0 {
		return answer, h.client.Fail("rates", carrier.KindInvalid, "parcels", "are missing")
	}
	wanted := r.Services
	if len(wanted) == 0 {
		wanted = usual
	}
	var refused error
	for _, code := range wanted {
		s, ok := find(code)
		if !ok {
			answer.Refused = append(answer.Refused, carrier.Refusal{Service: code, Kind: carrier.KindNotServiceable, Text: "no such service"})
			continue
		}
		rate, err := h.rate(ctx, s, &r)
		var e *carrier.Error
		switch {
		case err == nil:
			answer.Rates = append(answer.Rates, rate)
		case errors.As(err, &e) && (e.Kind == carrier.KindInvalid || e.Kind == carrier.KindNotServiceable) && len(wanted) > 1:
			answer.Refused, refused = append(answer.Refused, carrier.Refusal{Service: code, Kind: e.Kind, Text: e.Text}), err
		default:
			return carrier.RateAnswer{}, err
		}
	}
	if len(answer.Rates) == 0 && refused != nil {
		return carrier.RateAnswer{}, refused
	}
	return answer, nil
}

// rate is the price of all parcels with one service.
func (h *HayPost) rate(ctx context.Context, s service, r *carrier.RateRequest) (carrier.Rate, error) {
	sum, weight := money.Of(0, currency), int64(0)
	for _, p := range r.Parcels {
		cost, err := h.tariff(ctx, "rates", s, r.From, r.To, p, r.Options)
		if err == nil {
			sum, err = sum.Add(cost)
		}
		if err != nil {
			return carrier.Rate{}, err
		}
		weight += p.WeightG
	}
	return carrier.Rate{
		Carrier: Name, Service: s.Code, Level: s.Level, Total: sum, Charges: []carrier.Charge{{Kind: carrier.ChargeBase, Name: "tariff", Amount: sum}},
		Negotiated: true, BillableG: weight,
	}, nil
}

// Buy orders the carriage of one parcel and prints its label. The key goes along
// as the order's comment, where a person can find it.
func (h *HayPost) Buy(ctx context.Context, r carrier.ShipmentRequest) (carrier.Label, error) {
	if err := h.within("buy", r.From, r.To); err != nil {
		return carrier.Label{}, err
	}
	if len(r.Parcels) != 1 {
		return carrier.Label{}, h.client.Fail("buy", carrier.KindUnsupported, "parcels", "must be one: HayPost's orders have one parcel")
	}
	s, ok := find(r.Service)
	if !ok {
		return carrier.Label{}, h.client.Fail("buy", carrier.KindNotServiceable, "service", r.Service+" is none of HayPost's")
	}
	var said struct {
		ID      carrier.Decimal `json:"id"`
		Barcode string          `json:"barcode"`
	}
	err := h.client.Do(ctx, carrier.Call{Name: "buy", Method: http.MethodPost, Path: "/Api/Order/CreateOrderByCustomerShort", JSON: map[string]any{
		"customerId": h.config.Customer, "serviceCategoryDirectionId": s.number, "weight": r.Parcels[0].WeightG, "comment": r.Key,
		"additionalServices": extras(r.Options), "destinationAddress": at(r.To), "returnAddress": at(r.From),
	}}, &said)
	if err != nil {
		return carrier.Label{}, err
	}
	if id, err := strconv.ParseInt(string(said.ID), 10, 64); err != nil || id <= 0 {
		return carrier.Label{}, h.client.Missing("buy", "id")
	}
	if !printable(said.Barcode) {
		return carrier.Label{}, h.client.Missing("buy", "barcode")
	}
	paper, err := stick(&r, said.Barcode, s.Name, h.config.Clock.Now())
	if err != nil {
		return carrier.Label{}, h.client.Fail("buy", carrier.KindContract, "barcode", "cannot be printed")
	}
	return carrier.Label{ID: string(said.ID), Numbers: []string{said.Barcode}, Service: s.Code, Papers: []carrier.Paper{paper}}, nil
}
