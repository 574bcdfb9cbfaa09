package mutant

// ofMoney are the guards of what comes after a sale, of credit, and of what is
// believed of others.
var ofMoney = []Mutant{
	{
		Name: "credit below zero", Guard: "nobody spends more credit than there is", File: "payment/creditstore.go",
		Find: "balance_minor + $3 between 0 and $10", Put: "balance_minor + $3 <= $10",
		Package: "./payment", Run: "TestOneGiftCardIsNeverOverspent|TestCreditThatCannotBeIsRefused",
	},
	{
		Name: "credit without end", Guard: "an account holds no more than may be said", File: "payment/creditstore.go",
		Find: "balance_minor + $3 between 0 and $10", Put: "balance_minor + $3 >= 0 and $10::bigint is not null",
		Package: "./payment", Run: "TestCreditThatCannotBeIsRefused",
	},
	{
		Name: "dispute adopted", Guard: "a dispute at the provider is adopted", File: "payment/adopt.go",
		Find: "errors.Join(s.adoptRefunds(ctx, p, r), s.adoptDispute(ctx, p, r))", Put: "s.adoptRefunds(ctx, p, r)",
		Package: "./payment", Run: "TestWhatWasDoneAtTheProviderIsAdopted|TestWhatIsDisputed|TestAllOrdersOfSixNews",
	},
	{
		Name: "dispute once", Guard: "a dispute is booked once, and decided after it", File: "payment/adopt.go",
		Find:    "and id = $2 and status = any ($5)`, p.MerchantID, p.ID, string(to), now, from)",
		Put:     "and id = $2 and $5::text[] is not null`, p.MerchantID, p.ID, string(to), now, from)",
		Package: "./payment", Run: "TestWhatWasDoneAtTheProviderIsAdopted|TestWhatIsDisputed|TestAllOrdersOfSixNews",
	},
	{
		Name: "outside refunds", Guard: "a refund at the provider is adopted", File: "payment/adopt.go",
		Find: "errors.Join(s.adoptRefunds(ctx, p, r), s.adoptDispute(ctx, p, r))", Put: "s.adoptDispute(ctx, p, r)",
		Package: "./payment", Run: "TestWhatWasDoneAtTheProviderIsAdopted|TestAllOrdersOfSixNews",
	},
	{
		Name: "own refund", Guard: "an own refund without a name is not another's", File: "payment/adopt.go",
		Find: "if s.unclear(p, r, ours, ours) {", Put: "if false && s.unclear(p, r, ours, ours) {",
		Package: "./payment", Run: "TestAnOwnRefundIsNeverAdoptedAsAnothers",
	},
	{
		Name: "named refunds", Guard: "a refund that waits and one from outside do not wait for each other", File: "payment/adopt.go",
		Find: "ok && provider.Capabilities().NamesRefunds {", Put: "ok && false && provider.Capabilities().NamesRefunds {",
		Package: "./payment", Run: "TestARefundThatWaitsAndOneMadeOutside",
	},
	{
		Name: "news once", Guard: "an event of a provider is acted on once", File: "payment/inbox.go",
		Find: "now, at)\n\treturn rows > 0, err", Put: "now, at)\n\treturn rows >= 0, err",
		Package: "./payment", Run: "TestAnEventIsTakenInOnceHoweverOftenItComes",
	},
	{
		Name: "cap of refunds", Guard: "no more is planned to go back than is there", File: "order/refund.go",
		Find: "if left > room {", Put: "if left = min(left, room); left > room {",
		Package: "./order", Run: "TestSixteenRefundsAtOnce|TestRefundsByLine|TestARefund|TestManyHands|TestOnly|TestRefund",
	},
	{
		Name: "units refunded", Guard: "no more units are refunded than were bought", File: "order/refund.go",
		Find: "if w.Quantity > l.Quantity-l.settled() {", Put: "if w.Quantity > l.Quantity {",
		Package: "./order", Run: "TestRefund|TestSixteenRefundsAtOnce|TestTheParts",
	},
	{
		Name: "units returned", Guard: "units on their way back cannot come back once more", File: "order/return.go",
		Find: "set coming_back = l.coming_back + u.quantity", Put: "set coming_back = l.coming_back + 0 * u.quantity",
		Package: "./order", Run: "TestAReturn|TestOnlyWhatArrived|TestARequestThat|TestWhateverComes",
	},
	{
		Name: "restock of returns", Guard: "what can be sold again is back on the shelf", File: "order/returnsteps.go",
		Find: "catalog.Restock(tx, r.MerchantID, o.checkout, back, now)", Put: "_ = back",
		Package: "./order", Run: "TestAReturnIsFollowedFromTheWishToTheMoney",
	},
	{
		Name: "audit chain", Guard: "an entry that was changed breaks the chain", File: "customer/auditstore.go",
		Find: "if !bytes.Equal(sum.Sum(nil), hash) {", Put: "if sum.Sum(nil); false {",
		Package: "./customer", Run: "TestAnyTamperingBreaksTheChain",
	},
	{
		Name: "audit order", Guard: "an entry that was taken out breaks the chain", File: "customer/auditstore.go",
		Find: "if !bytes.Equal(prev, c.Head) {", Put: "if false {",
		Package: "./customer", Run: "TestAnyTamperingBreaksTheChain",
	},
	{
		Name: "audit end", Guard: "entries cut off the end are missed", File: "customer/auditstore.go",
		Find: "if found && (last != chain.Entries ||", Put: "if found && false && (last != chain.Entries ||",
		Package: "./customer", Run: "TestAnyTamperingBreaksTheChain|TestANotedHead",
	},
	{
		Name: "age at Stripe", Guard: "an old webhook of Stripe is not believed", File: "payment/stripepay/webhook.go",
		Find: "age > tolerance || age < -tolerance {", Put: "age > 1e4*tolerance || age < -1e4*tolerance {",
		Package: "./payment/stripepay", Run: "TestAWebhookIsBelievedOnlyWithAFreshSignatureOfOurSecret",
	},
	{
		Name: "age at PayPal", Guard: "an old webhook of PayPal is not believed", File: "payment/paypal/webhook.go",
		Find: "now.Sub(sent).Abs() > tolerance ||", Put: "now.Sub(sent).Abs() > 1e4*tolerance ||",
		Package: "./payment/paypal", Run: "TestAWebhookIsOnlyWhatPayPalHasSent",
	},
	{
		Name: "card numbers", Guard: "a card number never comes in", File: "internal/card/card.go",
		Find: "}) && luhn(digits)", Put: "}) && luhn(digits) && false",
		Package: "./internal/card", Run: "TestCardNumbersAreFound",
	},
	{
		Name: "tries of a code", Guard: "a code by mail dies after five tries", File: "customer/signinstore.go",
		Find: "and expires_at > $3 and tries < $4", Put: "and expires_at > $3 and $4::int is not null",
		Package: "./customer", Run: "TestACodeDiesAfterFiveTries|TestGuessersAtOnce",
	},
}
