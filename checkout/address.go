package checkout

import (
	"net/mail"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"doorstep/customer"
	"doorstep/shipping"
)

// Limits of what is typed, in characters.
const (
	maxText = 200
	maxNote = 2000
	maxCode = 64
	// maxEmail is the longest address that SMTP can carry (RFC 5321, 4.5.3.1.3).
	maxEmail = 254
)

// needsRegion are the countries whose addresses and taxes need a state or
// province.
var needsRegion = []string{"AU", "BR", "CA", "US"}

// missing lists what the contact still lacks for an order, as paths of the request.
func missing(c *customer.Contact) []string {
	var all []string
	if c.Email == "" {
		all = append(all, "email")
	}
	a := c.Shipping
	if a == nil {
		return append(all, "shipping_address")
	}
	need := func(field, value string) {
		if value == "" {
			all = append(all, "shipping_address."+field)
		}
	}
	need("name", a.Name)
	need("line1", a.Line1)
	need("city", a.City)
	need("country", a.Country)
	if shipping.NeedsPostcode(a.Country) {
		need("postcode", a.Postcode)
	}
	if slices.Contains(needsRegion, a.Country) {
		need("region", a.Region)
	}
	return all
}

// cleanEmail trims and checks an e-mail address; empty stays empty.
func cleanEmail(typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return "", nil
	}
	a, err := mail.ParseAddress(typed)
	if err != nil || a.Address != typed || len(typed) > maxEmail || !printable(typed) || !strings.Contains(typed[strings.LastIndexByte(typed, '@')+1:], ".") {
		return "", ErrEmail.At("body.email", "is not an e-mail address")
	}
	return typed, nil
}

// cleanAddress trims and checks an address; country becomes capital letters.
func cleanAddress(at string, a *customer.Address) (*customer.Address, error) {
	if a == nil {
		return nil, nil
	}
	c := *a
	err := error(nil)
	for name, field := range map[string]*string{
		"name": &c.Name, "line1": &c.Line1, "line2": &c.Line2, "city": &c.City, "region": &c.Region,
		"postcode": &c.Postcode, "country": &c.Country, "phone": &c.Phone,
	} {
		*field = strings.TrimSpace(*field)
		if utf8.RuneCountInString(*field) > maxText || !printable(*field) {
			err = ErrAddress.At(at+"."+name, "is too long or has signs that cannot be printed")
		}
	}
	c.Country = strings.ToUpper(c.Country)
	if c.Country != "" && (len(c.Country) != 2 || !isCountry(c.Country)) {
		err = ErrAddress.At(at+".country", "is not a country code such as AM")
	}
	if len(c.Postcode) > 16 {
		err = ErrAddress.At(at+".postcode", "is longer than any postcode")
	}
	return &c, err
}

func isCountry(code string) bool {
	return code[0] >= 'A' && code[0] <= 'Z' && code[1] >= 'A' && code[1] <= 'Z' && known(code)
}

// cleanText checks a free text.
func cleanText(at, typed string, limit int) (string, error) {
	typed = strings.TrimSpace(typed)
	if utf8.RuneCountInString(typed) > limit || !printableLines(typed) {
		return "", ErrText.At(at, "is too long or has signs that cannot be printed")
	}
	return typed, nil
}

// printable refuses control signs and broken UTF-8, which would travel into
// mail headers, labels and logs.
func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}

func printableLines(s string) bool {
	return printable(strings.NewReplacer("\n", "", "\r", "", "\t", "").Replace(s))
}
