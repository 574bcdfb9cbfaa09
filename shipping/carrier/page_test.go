package carrier

import "testing"

func TestCarriersAreFoundUnderAllTheirNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"UPS": "UPS", "ups": "UPS", "ups-7k3m": "UPS", "FedExDefault": "FedEx", "fedex": "FedEx", "mydhl": "DHL", "DHL Express": "DHL", "dhlexpress": "DHL",
		"dhl_express": "DHL", "usps": "USPS", "haypost": "HayPost", "haypost-1": "HayPost",
		"upstairs couriers": "upstairs couriers", "Our own van": "Our own van", "": "", "mystery": "mystery", "dhlx": "dhlx",
	} {
		if got := Title(name); got != want {
			t.Errorf("%q is called %q, want %q", name, got, want)
		}
	}
}

func TestACarriersPageIsOpenedByNumberAndNothingElseCanBeSaidInIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, number, want string }{
		{"ups", "1Z999AA10123456784", "https://www.ups.com/track?tracknum=1Z999AA10123456784"},
		{"usps", "92 00&x=1#<b>", "https://tools.usps.com/go/TrackConfirmAction?tLabels=92+00%26x%3D1%23%3Cb%3E"},
		{"haypost", "RR123456785AM", ""}, {"Our own van", "1", ""}, {"ups", "", ""},
	} {
		if got := Page(c.name, c.number); got != c.want {
			t.Errorf("%s %s is at %q, want %q", c.name, c.number, got, c.want)
		}
	}
}
