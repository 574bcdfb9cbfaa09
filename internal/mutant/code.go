package mutant

// ofCode are the guards in Go code, and in the statements that it sends.
var ofCode = []Mutant{
	{
		Name: "total drift", Guard: "the buyer agreed to this total", File: "checkout/complete.go",
		Find: "if a.drifted(sit, c, &totals) {", Put: "if false && a.drifted(sit, c, &totals) {",
		Package: "./checkout", Run: "TestAChangedPriceStopsThePayment",
	},
	{
		Name: "amount asked", Guard: "the gateway holds what it was asked for", File: "checkout/settle.go",
		Find: "case !a.asAsked(result):", Put: "case false && !a.asAsked(result):",
		Package: "./checkout", Run: "TestOtherAmountsThanAskedAreGivenBack",
	},
	{
		Name: "silence", Guard: "silence of the gateway is unknown, never failed", File: "checkout/settle.go",
		Find: "update payments set status = 'unknown', version", Put: "update payments set status = 'failed', version",
		Package: "./checkout", Run: "TestALostAnswerIsUnknownUntilRecoveryFindsTheCharge",
	},
	{
		Name: "lease of an attempt", Guard: "an attempt that somebody may be about to send is not given up", File: "checkout/dismiss.go",
		Find: "case a.doomed(), age < s.lease():", Put: "case a.doomed():",
		Package: "./checkout", Run: "TestAnAuthorization|TestAHoldIsLetGo|TestARequestThatArrives|TestNothingIsAsked",
	},
	{
		Name: "late lease", Guard: "nothing is asked of the gateway once the lease is over", File: "checkout/settle.go",
		Find: "if left > 0 {", Put: "if left = max(left, 1e9); left > 0 {",
		Package: "./checkout", Run: "TestNothingIsAskedOfTheGatewayOnceTheLeaseIsOver",
	},
	{
		Name: "checkout secret", Guard: "the secret opens a checkout, and nothing else does", File: "checkout/store.go",
		Find: "subtle.ConstantTimeCompare(hash(a.Secret), r.SecretHash) == 1", Put: "subtle.ConstantTimeCompare(hash(a.Secret), r.SecretHash) >= 0",
		Package: "./checkout", Run: "TestTheSecretOpensItAndNothingElseDoes",
	},
	{
		Name: "checkout version", Guard: "a checkout is paid as it was read", File: "checkout/begin.go",
		Find: "and version = $3 and status in", Put: "and $3::bigint is not null and status in",
		Package: "./checkout", Run: "TestOfEight|TestAChangeThatComesInBetween|TestKeysOnOneCheckout",
	},
	{
		Name: "cart claim", Guard: "one checkout at a time pays for a cart", File: "cart/claim.go",
		Find:    "set paying = $3, updated_at = $4\n\t\twhere merchant_id = $1 and id = $2 and status in ('active', 'abandoned', 'recovered') and (paying is null or paying = $3)",
		Put:     "set paying = $3, updated_at = $4\n\t\twhere merchant_id = $1 and id = $2 and status in ('active', 'abandoned', 'recovered')",
		Package: "./checkout", Run: "TestOfEightTabsOneBuysTheCart",
	},
	{
		Name: "reservation gone", Guard: "units that went back are not sold", File: "catalog/reserve.go",
		Find:    "where merchant_id = $1 and checkout_id = $2 and attempt = $3 and status = 'active'`, merchant, checkout, attempt, now)",
		Put:     "where merchant_id = $1 and checkout_id = $2 and attempt = $3`, merchant, checkout, attempt, now)",
		Package: "./checkout", Run: "TestUnitsHeldTooLong|TestUnitsOfWhichHalf|TestAReservationThatEnded",
	},
	{
		Name: "stock", Guard: "no more units are taken than are free", File: "catalog/reserve.go",
		Find: "and location_id = $3 and free >= $4", Put: "and location_id = $3",
		Package: "./catalog", Run: "TestThirtyTwoBuyers|TestUnitsThatLookedPlentiful",
	},
	{
		Name: "sweeper", Guard: "two sweepers do not return units twice", File: "catalog/reserve.go",
		Find: "r.id = due.id and r.status = 'active' and", Put: "r.id = due.id and",
		Package: "./catalog", Run: "TestTwoSweepersReturnUnitsOnce|TestNoUnitIsEverLost",
	},
	{
		Name: "coupon limit", Guard: "a promotion is used as often as it may be", File: "pricing/redeem.go",
		Find: " and coalesce(uses < total_limit, true)", Put: "",
		Package: "./pricing", Run: "TestATotalLimitIsReachedExactly",
	},
	{
		Name: "customer limit", Guard: "a customer keeps within the limit", File: "pricing/redeem.go",
		Find: "r.status = 'active') < $11::bigint)", Put: "r.status = 'active') < $11::bigint) or true",
		Package: "./pricing", Run: "TestACustomerLimitIsReachedExactly",
	},
	{
		Name: "body of a key", Guard: "a key stands for one request", File: "internal/idem/idem.go",
		Find: "case string(s.Hash) != string(k.Hash):", Put: "case false && string(s.Hash) != string(k.Hash):",
		Package: "./internal/idem", Run: "TestAnotherRequestWithTheSameKeyIsRefused", Quick: true,
	},
	{
		Name: "lease of a key", Guard: "a running request is waited for", File: "internal/idem/idem.go",
		Find:    "set lease_until = excluded.lease_until\n\twhere idempotency_keys.status = 'running' and idempotency_keys.lease_until <= excluded.created_at",
		Put:     "set lease_until = excluded.lease_until\n\twhere idempotency_keys.status = 'running'",
		Package: "./internal/idem", Run: "TestAKeyIsInFlightUntilItsLeaseIsOver|TestOfManyAtOnce",
	},
	{
		Name: "refund bound", Guard: "no more goes back than was taken", File: "payment/refund.go",
		Find: " and $3 <= captured_minor - refunded_minor and status", Put: " and status",
		Package: "./payment", Run: "TestRefundsAtOnceNeverPassWhatWasCaptured",
	},
	{
		Name: "refund recorded once", Guard: "the end of a refund is recorded once", File: "payment/refund.go",
		Find: "and id = $2 and status = 'pending'`, r.MerchantID, r.ID, status, result", Put: "and id = $2`, r.MerchantID, r.ID, status, result",
		Package: "./payment", Run: "TestOneIdIsOneRefund|TestAnUnansweredRefund|TestARefundThatNobody|TestEveryMovementIsBooked|TestRefundsAtOnce",
	},
	{
		Name: "order of writes", Guard: "a refund is on disk before the gateway is asked", File: "payment/refund.go",
		Find: "r, err := s.book(ctx, p, n)", Put: "_, _ = s.move(ctx, p, Provider.Refund, Movement{Key: \"re:\" + n.ID.String(), Amount: n.Amount})\n\tr, err := s.book(ctx, p, n)",
		Package: "./payment", Run: "TestRefundsAtOnceNeverPassWhatWasCaptured|TestOnlyWhatWasPaidCanBeRefunded|TestARefusedRefund",
	},
	{
		Name: "capture as it stood", Guard: "a capture is recorded once", File: "payment/capture.go",
		Find: "where merchant_id = $1 and id = $2 and captured_minor = $6\n\t\t  and (status in", Put: "where merchant_id = $1 and id = $2 and $6::bigint is not null\n\t\t  and (true or status in",
		Package: "./payment", Run: "TestACardIsCapturedOnce|TestCaptureAndVoidAtOnce|TestMoneyThatArrivesInParts|TestEveryMovementIsBooked",
	},
	{
		Name: "lines refunded once", Guard: "units are refunded once", File: "order/refund.go",
		Find: "l.id = u.id and l.refunded = u.before and", Put: "l.id = u.id and",
		Package: "./order", Run: "TestSixteenRefundsAtOnce|TestRefundsByLine",
	},
	{
		Name: "outbox", Guard: "news stands and falls with what made it true", File: "internal/jobs/jobs.go",
		Find:    "tx.Queue(`insert into outbox (merchant_id, id, aggregate_id, event, payload, created_at) values ($1, $2, $3, $4, $5, $6)`,",
		Put:     "_, _ = d.Exec(context.Background(), `insert into outbox (merchant_id, id, aggregate_id, event, payload, created_at) values ($1, $2, $3, $4, $5, $6)`,",
		Package: "./internal/jobs", Run: "TestNewsOfARolledBackTransactionNeverArrives",
	},
	{
		Name: "relay", Guard: "an event and its jobs move in one transaction", File: "internal/jobs/relay.go",
		Find: "r.client.InsertManyFastTx(ctx, tx, jobs)", Put: "func() (int, error) {\nif err := tx.Commit(ctx); err != nil {\nreturn 0, err\n}\nreturn r.client.InsertManyFast(ctx, jobs)\n}()",
		Package: "./internal/jobs", Run: "TestEachSubscriberHearsOfEachEventOnceThoughTwoRelaysDieHalfWay",
	},
	{
		Name: "mail lease", Guard: "one worker at a time sends a mail", File: "notify/store.go",
		Find: "(d.status = 'sending' and d.updated_at <= $10)", Put: "(d.status = 'sending' and $10::timestamptz is not null)",
		Package: "./notify", Run: "TestOfManyWorkersAtOnceOnlyOneSends|TestAWorkerThatDies",
	},
	{
		Name: "credit there is", Guard: "no more credit is spent than there is", File: "payment/tenderstore.go",
		Find: " and a.balance_minor >= w.amount", Put: "",
		Package: "./checkout", Run: "TestSixtyFourCheckoutsAtOnceNeverOverspendACard",
	},
	{
		Name: "credit as shown", Guard: "the buyer agreed to what credit leaves to pay", File: "checkout/credit.go",
		Find: "\tchanged := a.credit < min(", Put: "\tchanged := false && a.credit < min(",
		Package: "./checkout", Run: "TestLessCreditThanShownStopsThePayment",
	},
	{
		Name: "credit comes back", Guard: "credit goes back with an attempt that came to nothing", File: "checkout/dismiss.go",
		Find: "if a.CreditMinor > 0 {", Put: "if false && a.CreditMinor > 0 {",
		Package: "./checkout", Run: "TestCreditComesBackOnceWhenAPaymentComesToNothing",
	},
	{
		Name: "credit of a customer", Guard: "store credit is its owner's", File: "checkout/credit.go",
		Find: "case sit.row.CustomerID != nil && *sit.row.CustomerID != *customer:", Put: "case false && *sit.row.CustomerID != *customer:",
		Package: "./checkout", Run: "TestStoreCreditIsForTheCustomerWhoHasSignedIn",
	},
	{
		Name: "gift card guesses", Guard: "gift cards cannot be guessed at a checkout", File: "payment/tender.go",
		Find: "\tif g.wait > 0 {", Put: "\tif false && g.wait > 0 {",
		Package: "./checkout", Run: "TestGuessedGiftCardsAreThrottled",
	},
	{
		Name: "signature", Guard: "a webhook is signed by who sends it", File: "payment/sandbox/signature.go",
		Find: "right = hmac.Equal(sum, want) &&", Put: "right = (hmac.Equal(sum, want) || true) &&",
		Package: "./payment/sandbox", Run: "TestASignatureIsOneOfSeveralAndNotOld", Quick: true,
	},
	{
		Name: "age of a signature", Guard: "an old webhook is not believed", File: "payment/sandbox/signature.go",
		Find: ".Abs() > Tolerance {", Put: ".Abs() > 1e6*Tolerance {",
		Package: "./payment/sandbox", Run: "TestASignatureIsOneOfSeveralAndNotOld",
	},
	{
		Name: "scope", Guard: "a restricted key does what its scopes say", File: "api/auth.go",
		Find: "if need.Secret() && !r.caller.Has(need.scope) {", Put: "if false && need.Secret() && !r.caller.Has(need.scope) {",
		Package: "./api", Run: "TestOnlyTheRightKeyOpensARoute",
	},
}
