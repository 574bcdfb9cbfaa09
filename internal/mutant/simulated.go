package mutant

// simulate makes a mutant that a whole simulated world has to miss, which nobody
// has told where to look.
func simulate(name, guard, file, find, put string) Mutant {
	return Mutant{Name: "world: " + name, Guard: guard, File: file, Find: find, Put: put, Package: "./cmd/doorstep", Run: "TestSimulation$"}
}

var simulated = []Mutant{
	simulate("double refund", "a refund that is sent again is the same refund", "payment/refund.go",
		"Movement{Key: r.GatewayKey, Amount: r.AmountMinor}", "Movement{Key: r.GatewayKey + s.db.Now().String(), Amount: r.AmountMinor}"),
	simulate("uses not counted", "each use of a code counts", "pricing/redeem.go",
		"set uses = uses + 1", "set uses = uses"),
	simulate("uses not given back", "what came to nothing uses no code", "pricing/redeem.go",
		"set uses = p.uses - c.n", "set uses = p.uses"),
	simulate("stock of canceled units", "units that were canceled are on sale again", "order/cancelline.go",
		"catalog.Restock(tx, merchant, o.checkout, back, now)", "_ = back"),
	simulate("stock of returns", "units that came back are on sale again", "order/returnsteps.go",
		"catalog.Restock(tx, r.MerchantID, o.checkout, back, now)", "_ = back"),
	simulate("forgotten capture", "what is held for an order is taken", "cmd/doorstep/subscribe.go",
		"_, err = h.orders.CaptureDue(ctx, merchant, paymentID)", "_ = paymentID"),
	simulate("a cent too little", "all that is owed is taken", "order/cancelcredit.go",
		"if err != nil || o.Credited == 0 {\n\t\treturn p.AmountMinor, err", "if err != nil || o.Credited == 0 {\n\t\treturn p.AmountMinor - 1, err"),
	simulate("wrong total", "the fee of a method is part of the total", "checkout/complete.go",
		"if offer.Fee > 0 {", "if false && offer.Fee > 0 {"),
	simulate("lost mail", "who is given money back is told", "cmd/doorstep/subscribe.go",
		`on(h, "notify.refunded", h.mailRefunded)`, "_ = h.mailRefunded"),
	simulate("doubled mail", "a mail that was sent is not sent again", "notify/store.go",
		"where d.status = 'queued' or", "where d.status in ('queued', 'sent') or"),
	simulate("silence", "silence of the gateway is unknown, never failed", "checkout/settle.go",
		"update payments set status = 'unknown', version", "update payments set status = 'failed', version"),
	simulate("body of a key", "a key stands for one request", "internal/idem/idem.go",
		"case string(s.Hash) != string(k.Hash):", "case false && string(s.Hash) != string(k.Hash):"),
	simulate("refunds outside", "a refund at the provider is adopted", "payment/adopt.go",
		"errors.Join(s.adoptRefunds(ctx, p, r), s.adoptDispute(ctx, p, r))", "s.adoptDispute(ctx, p, r)"),
	simulate("edited twice", "an edit that is repeated takes effect once", "order/edit.go",
		"if done, err := changed(ctx, tx, merchant, order, n.ID); err != nil || done {", "if done, err := changed(ctx, tx, merchant, order, n.ID); err != nil || done && false {"),
	simulate("lines canceled twice", "a cancellation that is repeated takes effect once", "order/cancelline.go",
		"if done, err := changed(ctx, tx, merchant, order, n.ID); err != nil || done {", "if done, err := changed(ctx, tx, merchant, order, n.ID); err != nil || done && false {"),
}
