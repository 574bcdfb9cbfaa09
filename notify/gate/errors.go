package gate

import "doorstep/internal/fault"

var (
	// ErrPerson says that nothing can be kept about nobody.
	ErrPerson = fault.New(fault.Invalid, "person_missing", "It does not say whom this is about.")
	// ErrTopic says that there is no such topic.
	ErrTopic = fault.New(fault.Invalid, "topic_unknown", "There is no such topic.")
	// ErrReason says that this is no reason to send somebody nothing.
	ErrReason = fault.New(fault.Invalid, "suppression_reason_unknown", "There is no such reason.")
	// ErrLink says that an unsubscribe link is forged, malformed, or older than it
	// may be.
	ErrLink = fault.New(fault.NotFound, "link_invalid", "This link is not valid, or no longer.")
	// ErrSignature says that nobody we know has sent the news.
	ErrSignature = fault.New(fault.Unauthorized, "signature_invalid", "The signature is missing, wrong or too old.")
	// ErrNews says that the news cannot be read.
	ErrNews = fault.New(fault.Invalid, "mail_news_invalid", "This news of an e-mail cannot be read.")
	// ErrProvider says that nobody of that name brings news of mails here.
	ErrProvider = fault.New(fault.NotFound, "mail_provider_unknown", "There is no such mail provider here.")
)
