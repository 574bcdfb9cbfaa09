package carrier

import (
	"net/url"
	"strings"
)

// pages are what people call the carriers, and where these show a parcel to
// anybody who has its number. Those whose page takes no number have none.
var pages = map[string]struct{ title, page string }{
	"dhl":     {"DHL", "https://www.dhl.com/global-en/home/tracking.html?submit=1&tracking-id="},
	"fedex":   {"FedEx", "https://www.fedex.com/fedextrack/?trknbr="},
	"haypost": {"HayPost", ""},
	"ups":     {"UPS", "https://www.ups.com/track?tracknum="},
	"usps":    {"USPS", "https://tools.usps.com/go/TrackConfirmAction?tLabels="},
}

// called finds a carrier by what a shop, an aggregator or its own adapter calls
// it: "UPS", "mydhl", "dhl_express", "FedExDefault".
func called(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	for _, known := range []string{"dhl", "fedex", "haypost", "usps", "ups"} {
		if rest, ok := strings.CutPrefix(strings.TrimPrefix(name, "my"), known); ok && (rest == "" || known == "fedex" || !isLetter(rest[0]) || rest == "express") {
			return known
		}
	}
	return ""
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' }

// Title is what people call a carrier; a name that is not known stays as it is.
func Title(name string) string {
	if known := called(name); known != "" {
		return pages[known].title
	}
	return name
}

// Page is where the carrier itself shows a parcel to people, or empty.
func Page(name, number string) string {
	page := pages[called(name)].page
	if page == "" || number == "" {
		return ""
	}
	return page + url.QueryEscape(number)
}
