package inbound

import "doorstep/internal/fault"

var (
	// ErrSignature says that nobody we know has brought the mail.
	ErrSignature = fault.New(fault.Unauthorized, "signature_invalid", "The signature is missing, wrong or too old.")
	// ErrLetter says that this is no mail.
	ErrLetter = fault.New(fault.Invalid, "mail_unreadable", "This mail cannot be read.")
	// ErrLarge says that a mail is too large to be read.
	ErrLarge = fault.New(fault.TooLarge, "mail_too_large", "This mail is larger than 25 MB.")
	// ErrShop says that it is not known whose mail it is.
	ErrShop = fault.New(fault.NotFound, "mail_shop_unknown", "There is no shop here that takes such mail.")
	// ErrDraft says that there is no such draft, or that it is settled.
	ErrDraft = fault.New(fault.NotFound, "draft_not_found", "There is no such draft, or somebody has settled it.")
	// ErrLink says that a link confirms nothing, or nothing any more.
	ErrLink = fault.New(fault.NotFound, "link_invalid", "This link is not valid, or no longer.")
)
