package fedex

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"doorstep/internal/pdf"
	"doorstep/shipping/carrier"
)

// BookPickup sends a van. Its id holds all that FedEx wants to hear when it is
// called off.
func (f *FedEx) BookPickup(ctx context.Context, r carrier.PickupRequest) (carrier.Pickup, error) {
	where := party(r.From)
	var said struct {
		Output *struct {
			Code     string `json:"pickupConfirmationCode"`
			Location string `json:"location"`
		} `json:"output"`
		Errors []failure `json:"errors"`
	}
	err := f.client.Do(ctx, carrier.Call{
		Name: "pickup", Method: http.MethodPost, Path: "/pickup/v1/pickups", Header: http.Header{"X-Customer-Transaction-Id": {carrier.Reference(r.Key, 40)}},
		JSON: object{
			"associatedAccountNumber": f.account(), "carrierCode": f.config.PickupCarrier, "packageCount": max(r.Parcels, 1), "remarks": carrier.Cut(r.Note, 60),
			"totalWeight": weight(r.WeightG, imperial(r.From.Country)),
			"originDetail": object{
				"pickupAddressType": "OTHER", "pickupLocation": object{"contact": where["contact"], "address": where["address"]},
				"readyDateTimestamp": r.Ready.Format("2006-01-02T15:04:05Z"), "customerCloseTime": r.Last.Format("15:04:05"), "packageLocation": "FRONT",
			},
		},
	}, &said)
	if err == nil {
		err = f.enveloped("pickup", said.Errors)
	}
	if err != nil {
		return carrier.Pickup{}, err
	}
	if said.Output == nil || said.Output.Code == "" {
		return carrier.Pickup{}, f.client.Missing("pickup", "output.pickupConfirmationCode")
	}
	return carrier.Pickup{ID: strings.Join([]string{said.Output.Code, r.Ready.Format(time.DateOnly), f.config.PickupCarrier, said.Output.Location}, "|")}, nil
}

// CancelPickup calls the van off.
func (f *FedEx) CancelPickup(ctx context.Context, id string) error {
	parts := strings.Split(id, "|")
	if len(parts) != 4 {
		return f.client.Fail("pickup", carrier.KindNotFound, "id", "is no pickup of ours")
	}
	question := object{"associatedAccountNumber": f.account(), "pickupConfirmationCode": parts[0], "scheduledDate": parts[1], "carrierCode": parts[2]}
	if parts[3] != "" {
		question["location"] = parts[3]
	}
	var said struct {
		Errors []failure `json:"errors"`
	}
	if err := f.client.Do(ctx, carrier.Call{Name: "pickup", Method: http.MethodPut, Path: "/pickup/v1/pickups/cancel", JSON: question}, &said); err != nil {
		return err
	}
	return f.enveloped("pickup", said.Errors)
}

// Manifest closes the day of FedEx Ground: all its open labels, whichever are
// named. Express needs none. FedEx writes its sheet as text; it becomes a PDF.
func (f *FedEx) Manifest(ctx context.Context, r carrier.ManifestRequest) (carrier.Manifest, error) {
	var said struct {
		ID     string `json:"transactionId"`
		Output *struct {
			Documents []struct {
				Type  string `json:"type"`
				Parts []struct {
					Image string `json:"image"`
				} `json:"parts"`
			} `json:"closeDocuments"`
		} `json:"output"`
		Errors []failure `json:"errors"`
	}
	err := f.client.Do(ctx, carrier.Call{
		Name: "manifest", Method: http.MethodPut, Path: "/ship/v1/endofday/", Header: http.Header{"X-Customer-Transaction-Id": {carrier.Reference(r.Key, 40)}},
		JSON: object{
			"accountNumber": f.account(), "closeReqType": "GCDR", "groundServiceCategory": "GROUND", "closeDate": r.Day.Format(time.DateOnly),
			"closeDocumentSpecification": object{"closeDocumentTypes": []string{"MANIFEST"}},
		},
	}, &said)
	if err == nil {
		err = f.enveloped("manifest", said.Errors)
	}
	if err != nil {
		return carrier.Manifest{}, err
	}
	if said.Output == nil {
		return carrier.Manifest{}, f.client.Missing("manifest", "output.closeDocuments")
	}
	m := carrier.Manifest{ID: cmp.Or(said.ID, r.Key)}
	for _, d := range said.Output.Documents {
		var sheet []byte
		for _, p := range d.Parts {
			if part, err := base64.StdEncoding.DecodeString(p.Image); err == nil {
				sheet = append(sheet, part...)
			}
		}
		if len(sheet) > 0 {
			m.Papers = append(m.Papers, carrier.Paper{Kind: "manifest", Format: carrier.PDF, Bytes: printed(sheet)})
		}
	}
	return m, nil
}

// printed puts plain text on letter pages, as it stands.
func printed(sheet []byte) []byte {
	if bytes.HasPrefix(sheet, []byte("%PDF")) {
		return sheet
	}
	const rows = 72
	lines := strings.Split(strings.ReplaceAll(string(sheet), "\r", ""), "\n")
	objects := [][]byte{[]byte("<< /Type /Catalog /Pages 2 0 R >>"), nil, []byte("<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>")}
	var kids []string
	for len(lines) > 0 {
		page := lines[:min(rows, len(lines))]
		lines = lines[len(page):]
		var text bytes.Buffer
		text.WriteString("BT /F 8 Tf 10 TL 40 750 Td\n")
		for _, l := range page {
			text.WriteString("(" + shown(l) + ") '\n")
		}
		text.WriteString("ET")
		n := len(objects) + 1
		kids = append(kids, strconv.Itoa(n)+" 0 R")
		objects = append(objects,
			fmt.Appendf(nil, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R /Resources << /Font << /F 3 0 R >> >> >>", n+1),
			pdf.PlainStream("", text.Bytes()))
	}
	objects[1] = fmt.Appendf(nil, "<< /Type /Pages /Kids [%s] /Count %d >>", strings.Join(kids, " "), len(kids))
	return pdf.Plain(objects...)
}

// shown makes a line fit for a PDF's text: ASCII, its own signs escaped.
func shown(line string) string {
	var b strings.Builder
	for _, r := range line {
		switch {
		case r == '(' || r == ')' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\t':
			b.WriteString("    ")
		case r < ' ' || r > '~':
			b.WriteByte('?')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// flag is a truth that FedEx writes as true or as "true".
type flag bool

// UnmarshalJSON takes both.
func (f *flag) UnmarshalJSON(b []byte) error {
	*f = flag(strings.EqualFold(strings.Trim(string(b), `"`), "true"))
	return nil
}

// CheckAddress asks whether FedEx knows an address.
func (f *FedEx) CheckAddress(ctx context.Context, a carrier.Address) (carrier.AddressVerdict, error) {
	asked := address(a)
	delete(asked, "residential")
	var said struct {
		Output *struct {
			Resolved []resolved `json:"resolvedAddresses"`
		} `json:"output"`
		Errors []failure `json:"errors"`
	}
	err := f.client.Do(ctx, carrier.Call{
		Name: "address", Method: http.MethodPost, Path: "/address/v1/addresses/resolve", JSON: object{"addressesToValidate": []object{{"address": asked}}},
	}, &said)
	if err == nil {
		err = f.enveloped("address", said.Errors)
	}
	if err != nil {
		return carrier.AddressVerdict{}, err
	}
	if said.Output == nil || len(said.Output.Resolved) == 0 {
		return carrier.AddressVerdict{}, f.client.Missing("address", "output.resolvedAddresses")
	}
	return said.Output.Resolved[0].verdict(a), nil
}

type resolved struct {
	Lines    []string `json:"streetLinesToken"`
	City     string   `json:"city"`
	Region   string   `json:"stateOrProvinceCode"`
	Postcode string   `json:"postalCode"`
	Class    string   `json:"classification"`
	Facts    struct {
		DPV      flag `json:"DPV"`
		Resolved flag `json:"Resolved"`
		Suite    flag `json:"SuiteRequiredButMissing"`
		POBox    flag `json:"POBox"`
	} `json:"attributes"`
	Messages []failure `json:"customerMessages"`
}

func (r *resolved) verdict(asked carrier.Address) carrier.AddressVerdict {
	v := carrier.AddressVerdict{Deliverable: bool(r.Facts.DPV || r.Facts.Resolved) && !bool(r.Facts.POBox)}
	better := asked
	if len(r.Lines) > 0 {
		better.Line1, better.Line2 = r.Lines[0], strings.Join(r.Lines[1:], ", ")
	}
	better.City, better.Region, better.Postcode = cmp.Or(r.City, asked.City), cmp.Or(r.Region, asked.Region), cmp.Or(r.Postcode, asked.Postcode)
	if better != asked {
		v.Corrected = &better
	}
	if r.Class == "RESIDENTIAL" || r.Class == "BUSINESS" {
		home := r.Class == "RESIDENTIAL"
		v.Residential = &home
	}
	if r.Facts.Suite {
		v.Notes = append(v.Notes, "the number of the suite is missing")
	}
	if r.Facts.POBox {
		v.Notes = append(v.Notes, "it is a post box, where FedEx does not deliver")
	}
	for _, m := range r.Messages {
		v.Notes = append(v.Notes, carrier.Clip(cmp.Or(m.Message, m.Code)))
	}
	return v
}
