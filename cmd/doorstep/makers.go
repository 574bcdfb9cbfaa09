package main

import (
	"encoding/json"
	"errors"
	"strconv"

	"doorstep/shipping"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/easypost"
	"doorstep/shipping/carrier/fedex"
	"doorstep/shipping/carrier/haypost"
	"doorstep/shipping/carrier/karrio"
	"doorstep/shipping/carrier/mydhl"
	pricetable "doorstep/shipping/carrier/table"
	"doorstep/shipping/carrier/ups"
	"doorstep/shipping/carrier/usps"
)

// carriers are those that merchants can link, each made of the credentials that
// it needs and may have. A new carrier is one folder in shipping/carrier, one
// file in shipping/carrier/fake and one entry here; see docs/carriers.md.
var carriers = map[string]shipping.Maker{
	"easypost": {Needs: []string{"api_key"}, May: []string{"webhook_secret"}, Settings: true, New: func(l shipping.Link) (carrier.Carrier, error) {
		accounts, err := chosenAccounts(l.Settings)
		return easypost.New(easypost.Settings{
			BaseURL: l.BaseURL, APIKey: l.Credentials["api_key"], WebhookSecret: l.Credentials["webhook_secret"], Accounts: accounts, Transport: l.Transport,
		}, l.Clock), err
	}},
	"fedex": {
		Needs: []string{"client_id", "client_secret", "account"}, May: []string{"pickup_type", "pickup_carrier", "webhook_token"},
		New: func(l shipping.Link) (carrier.Carrier, error) {
			return fedex.New(fedex.Config{
				Base: l.BaseURL, ClientID: l.Credentials["client_id"], Secret: l.Credentials["client_secret"], Account: l.Credentials["account"],
				PickupType: l.Credentials["pickup_type"], PickupCarrier: l.Credentials["pickup_carrier"], WebhookToken: l.Credentials["webhook_token"],
				Clock: l.Clock, Transport: l.Transport,
			}), nil
		},
	},
	"haypost": {Needs: []string{"username", "password", "customer_id"}, New: func(l shipping.Link) (carrier.Carrier, error) {
		customer, err := strconv.ParseInt(l.Credentials["customer_id"], 10, 64)
		if err != nil || customer <= 0 {
			return nil, errHayPostCustomer
		}
		return haypost.New(haypost.Config{
			Base: l.BaseURL, Username: l.Credentials["username"], Password: l.Credentials["password"], Customer: customer, Clock: l.Clock, Transport: l.Transport,
		}), nil
	}},
	"karrio": {Needs: []string{"api_key"}, May: []string{"webhook_secret"}, Settings: true, New: func(l shipping.Link) (carrier.Carrier, error) {
		accounts, err := chosenAccounts(l.Settings)
		return karrio.New(karrio.Settings{
			BaseURL: l.BaseURL, APIKey: l.Credentials["api_key"], WebhookSecret: l.Credentials["webhook_secret"], Accounts: accounts, Transport: l.Transport,
		}, l.Clock), err
	}},
	"mydhl": {Needs: []string{"username", "password", "account"}, New: func(l shipping.Link) (carrier.Carrier, error) {
		return mydhl.New(mydhl.Config{
			Base: l.BaseURL, Username: l.Credentials["username"], Password: l.Credentials["password"], Account: l.Credentials["account"], Clock: l.Clock, Transport: l.Transport,
		}), nil
	}},
	"table": {Settings: true, New: func(l shipping.Link) (carrier.Carrier, error) { return pricetable.Read(l.Settings) }},
	"ups": {Needs: []string{"client_id", "client_secret", "account"}, May: []string{"webhook_credential"}, New: func(l shipping.Link) (carrier.Carrier, error) {
		return ups.New(ups.Config{
			Base: l.BaseURL, ClientID: l.Credentials["client_id"], Secret: l.Credentials["client_secret"], Account: l.Credentials["account"],
			WebhookCredential: l.Credentials["webhook_credential"], Clock: l.Clock, Transport: l.Transport,
		}), nil
	}},
	"usps": {
		Needs: []string{"client_id", "client_secret", "crid", "mid", "account"}, May: []string{"manifest_mid", "price_type", "webhook_secret"},
		New: func(l shipping.Link) (carrier.Carrier, error) {
			return usps.New(usps.Config{
				Base: l.BaseURL, ClientID: l.Credentials["client_id"], Secret: l.Credentials["client_secret"], CRID: l.Credentials["crid"], MID: l.Credentials["mid"],
				ManifestMID: l.Credentials["manifest_mid"], Account: l.Credentials["account"], PriceType: l.Credentials["price_type"],
				WebhookSecret: l.Credentials["webhook_secret"], Clock: l.Clock, Transport: l.Transport,
			}), nil
		},
	},
}

// What is wrong with an account is shown to the merchant at "settings".
var errHayPostCustomer = errors.New("the credential customer_id must be a number above zero")

var errChosenAccounts = errors.New(`may only say which of the linked carriers to use: {"accounts": ["..."]}`)

// chosenAccounts reads the settings of a carrier that passes on to others.
func chosenAccounts(settings json.RawMessage) ([]string, error) {
	if len(settings) == 0 {
		return nil, nil
	}
	var known map[string][]string
	if err := json.Unmarshal(settings, &known); err != nil {
		return nil, errChosenAccounts
	}
	for name := range known {
		if name != "accounts" {
			return nil, errChosenAccounts
		}
	}
	return known["accounts"], nil
}
