package payment

// What a provider may say of itself before anything is to be paid, so that a
// shop offers only what will work. Each is an interface of its own, as in news.go.

// Chooser knows what it cannot take.
type Chooser interface {
	// Refuses says why amount minor units of a currency cannot be paid, by one of
	// the reasons below; empty when they can. An amount of 0 is not known yet.
	Refuses(amount int64, currency string) string
}

// The reasons of Chooser.
const (
	RefusesCurrency = "currency_not_supported"
	RefusesAmount   = "amount_not_expressible" // such as cents where the provider takes none
)

// WalletBearer shows wallets on its own page or element: apple_pay, google_pay.
type WalletBearer interface {
	Wallets() []string
}

// NeedsToken says whether the buyer's browser brings a token of the provider.
// Else the provider sends the buyer to a page of its own, or there is none.
func (m Method) NeedsToken() bool { return m == Card || m == Wallet }
