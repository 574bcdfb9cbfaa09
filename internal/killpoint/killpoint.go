// Package killpoint marks the moments at which it matters that a program may
// die. In a build with the tag killpoints, Hit ends the program at the point
// that is named from outside, as a power cut would; in any other build it is
// nothing at all. Points lists them, in the order in which a purchase and what
// follows from it comes by; docs/correctness.md follows one purchase through.
package killpoint

// Env names the environment variable that arms a point: "NAME" for its first
// hit, "NAME 3" for its third, or "@FILE" for a file that says so and may be
// written while the program runs.
const Env = "DOORSTEP_KILLPOINT"

// Point is one moment.
type Point struct {
	Name string
	// Step is its place in the life of a purchase, K0 to K10; what comes after
	// the sale has the same steps.
	Step string
	// Where is the file and the function in which it is hit, exactly once.
	Where string
	// Means is what has happened by then, and what has not.
	Means string
}

// Points are all of them.
func Points() []Point { return points }

var points = []Point{
	{"checkout.priced", "K0", "checkout/complete.go pay", "the request was read and priced; nothing is written"},
	{"checkout.begin.queued", "K1", "checkout/begin.go begin", "the key, stock, code, checkout and payment are in a transaction that is not committed"},
	{"checkout.begin.committed", "K2", "checkout/begin.go begin", "the attempt is on disk with the key of its gateway call; the gateway knows nothing"},
	{"checkout.authorize.ask", "K3", "checkout/settle.go authorize", "the gateway is about to be asked"},
	{"checkout.authorize.answered", "K4", "checkout/settle.go authorize", "the gateway holds the money, and only memory knows"},
	{"checkout.silent.queued", "K5", "checkout/settle.go silent", "the gateway kept silent; that is in a transaction that is not committed"},
	{"checkout.silent.committed", "K6", "checkout/settle.go silent", "the payment is unknown on disk; somebody has to ask how it ended"},
	{"checkout.await.queued", "K5", "checkout/settle.go awaitBuyer", "the buyer must authenticate; that is in a transaction that is not committed"},
	{"checkout.await.committed", "K6", "checkout/settle.go awaitBuyer", "it is on disk that the buyer must authenticate; the buyer has not been told"},
	{"checkout.settle.ask", "K3", "checkout/settle.go Settle", "somebody comes back to an attempt and is about to ask the gateway for it"},
	{"checkout.settle.answered", "K4", "checkout/settle.go Settle", "the gateway has said how the attempt stands, and only memory knows"},
	{"checkout.place.queued", "K5", "checkout/place.go placeWith", "the order with all that belongs to it is in a transaction that is not committed"},
	{"checkout.place.committed", "K6", "checkout/place.go place", "the order stands; nobody has been told"},
	{"checkout.at_once.queued", "K5", "checkout/begin.go placeAtOnce", "an order without a gateway is in a transaction that is not committed"},
	{"checkout.at_once.committed", "K6", "checkout/begin.go placeAtOnce", "an order without a gateway stands; nobody has been told"},
	{"checkout.answer", "K7", "checkout/complete.go Complete", "the answer is ready and has not been sent"},
	{"checkout.dismiss.queued", "K5", "checkout/dismiss.go doom", "an attempt came to nothing; giving everything back is in a transaction that is not committed"},
	{"checkout.dismiss.committed", "K6", "checkout/dismiss.go doom", "the shop holds nothing for the attempt any more; the gateway may"},
	{"checkout.void.ask", "K9", "checkout/dismiss.go letGo", "the gateway is about to be told to let go of a hold without an order"},
	{"checkout.void.answered", "K9", "checkout/dismiss.go letGo", "the gateway has let go, and only memory knows"},
	{"checkout.void.recorded", "K10", "checkout/dismiss.go bury", "it is on disk that the attempt is over for good"},

	{"jobs.relay.taken", "K8", "internal/jobs/relay.go relay", "events left the outbox in a transaction that is not committed"},
	{"jobs.relay.queued", "K8", "internal/jobs/relay.go relay", "their jobs are in the same transaction, not committed"},
	{"jobs.relay.committed", "K8", "internal/jobs/relay.go relayLoop", "the jobs stand; nobody has been woken"},
	{"jobs.work.begun", "K9", "internal/jobs/jobs.go Work", "a worker has a job and has done nothing for it"},
	{"jobs.work.done", "K10", "internal/jobs/jobs.go Work", "all of a job is done, and it is not marked as done"},

	{"payment.capture.ask", "K9", "payment/capture.go Capture", "the gateway is about to be told to take the money"},
	{"payment.capture.answered", "K9", "payment/capture.go Capture", "the gateway has taken the money, and only memory knows"},
	{"payment.capture.queued", "K10", "payment/capture.go queueCapture", "that the money is taken is in a transaction that is not committed"},
	{"payment.capture.committed", "K10", "payment/capture.go recordCapture", "it is on disk that the money is taken"},

	{"payment.credit.held", "K1", "payment/tenderstore.go HoldCredit", "what gift cards and store credit pay is taken in a transaction that is not committed"},
	{"payment.credit.spent", "K5", "payment/tenderstore.go SpendCredit", "that they have paid for the order is in a transaction that is not committed"},
	{"payment.credit.released", "K5", "payment/tenderstore.go ReleaseCredit", "that they get it back, for the attempt came to nothing, is in a transaction that is not committed"},
	{"payment.credit.returned", "K1", "payment/tenderstore.go returnCredit", "a refund to the gift card or store credit that paid is in a transaction that is not committed"},

	{"label.buy.written", "K2", "shipping/label/buy.go buy", "the wish for a label is on disk with the key that the carrier is given; the carrier knows nothing"},
	{"label.buy.ask", "K3", "shipping/label/finish.go work", "the carrier is about to be asked for a label, or whether there is one"},
	{"label.buy.answered", "K4", "shipping/label/finish.go work", "the carrier has sold the label, and only memory knows"},
	{"label.buy.queued", "K5", "shipping/label/finish.go recordWith", "that it is bought is in a transaction that is not committed"},
	{"label.buy.recorded", "K6", "shipping/label/finish.go record", "it is on disk that the label is bought; nobody has been told"},
	{"label.void.written", "K2", "shipping/label/void.go Void", "it is on disk that a label is to be given back; the carrier knows nothing"},
	{"label.void.answered", "K4", "shipping/label/void.go giveBack", "the carrier has taken the label back, and only memory knows"},
	{"label.void.recorded", "K6", "shipping/label/void.go recordVoid", "it is on disk that the label is void; nobody has been told"},

	{"notify.claimed", "K9", "notify/notify.go Send", "a worker has claimed a mail"},
	{"notify.ask", "K9", "notify/notify.go deliver", "the mail is written and about to be handed over"},
	{"notify.answered", "K9", "notify/notify.go deliver", "the mail server has said yes, and only memory knows"},
	{"notify.recorded", "K10", "notify/notify.go Send", "it is on disk that the mail is gone"},

	{"webhook.taken", "K9", "notify/webhook/worker.go work", "a worker has a delivery, and nothing of it is sent"},
	{"webhook.ask", "K9", "notify/webhook/worker.go work", "the webhook is written and signed and about to be sent"},
	{"webhook.answered", "K9", "notify/webhook/worker.go work", "the merchant's program has answered, and only memory knows"},
	{"webhook.note", "K10", "notify/webhook/deliverystore.go settle", "that it has arrived is in a transaction that is not committed"},
	{"webhook.noted", "K10", "notify/webhook/worker.go work", "it is on disk that it has arrived"},

	{"idem.claimed", "K0", "internal/idem/idem.go Begin", "the key of a request is taken; nothing else is written"},
	{"idem.finish", "K7", "internal/idem/idem.go Finish", "all is done, and the answer is neither stored nor sent"},
	{"idem.finished", "K8", "internal/idem/idem.go Finish", "the answer is stored under its key and has not been sent"},

	{"order.refund.asked", "K0", "order/refund.go Refund", "a refund is asked for; nothing of it is written"},
	{"payment.refund.book", "K1", "payment/refund.go book", "the refund is in a transaction that is not committed"},
	{"payment.refund.booked", "K2", "payment/refund.go Refund", "the refund is on disk with the key of its gateway call; the gateway knows nothing"},
	{"payment.refund.ask", "K3", "payment/refund.go finishRefund", "the gateway is about to be told to give the money back"},
	{"payment.refund.answered", "K4", "payment/refund.go finishRefund", "the gateway has given the money back, and only memory knows"},
	{"payment.refund.queued", "K5", "payment/refund.go tellRefund", "that it is back is in a transaction that is not committed"},
	{"payment.refund.committed", "K6", "payment/refund.go finishRefund", "it is on disk that the money is back; nobody has been told"},
	{"order.refund.answer", "K7", "order/refund.go Refund", "the answer to the refund is ready and has not been stored"},

	{"payment.inbox.heard", "K0", "payment/inbox.go Receive", "a webhook was read and believed; nothing is written"},
	{"payment.inbox.noted", "K2", "payment/inbox.go Receive", "the event is on disk; the provider has not been answered"},
	{"payment.inbox.taken", "K3", "payment/inbox.go handle", "somebody has taken the event up and is about to ask how the payment stands"},
	{"payment.inbox.acted", "K6", "payment/inbox.go handle", "it is on disk how the payment stands; the event is not marked as done"},
	{"payment.inbox.ended", "K10", "payment/inbox.go handle", "the event is marked as done"},

	{"order.cancel.asked", "K0", "order/cancel.go Cancel", "a cancellation is asked for; nothing of it is written"},
	{"order.cancel.queued", "K5", "order/cancel.go cancel", "the cancellation is in a transaction that is not committed"},
	{"order.cancel.committed", "K6", "order/cancel.go Cancel", "the order is canceled; the money has not moved"},
	{"order.money_back.begun", "K9", "order/cancel.go MoneyBack", "the money of a canceled order is about to go back"},
	{"order.money_back.done", "K10", "order/cancel.go MoneyBack", "the money is back, and the job is not marked as done"},
	{"payment.void.ask", "K9", "payment/capture.go Void", "the gateway is about to be told to let a hold go"},
	{"payment.void.answered", "K9", "payment/capture.go Void", "the gateway has let the hold go, and only memory knows"},
	{"payment.void.queued", "K10", "payment/capture.go recordVoid", "that nothing is held is in a transaction that is not committed"},
	{"payment.void.committed", "K10", "payment/capture.go recordVoid", "it is on disk that nothing is held any more"},
}
