package notify

import "doorstep/internal/fault"

var (
	// ErrIncomplete says that a mail lacks something its kind must tell, or
	// holds a value that must not be shown; nothing was sent.
	ErrIncomplete = fault.New(fault.Internal, "mail_incomplete", "The e-mail could not be written.")
	// ErrInFlight says that another worker is sending this mail; try again later.
	ErrInFlight = fault.New(fault.Conflict, "mail_in_flight", "This e-mail is being sent.")
	// ErrRefused is what a Sender returns when the mail can never arrive: the
	// receiving server refused the address or the message for good.
	ErrRefused = fault.New(fault.Invalid, "mail_refused", "The e-mail was refused by the receiving server.")
	// ErrNobody is an ErrRefused because there is no such address.
	ErrNobody = fault.New(fault.Invalid, "mail_address_unknown", "There is nobody at this e-mail address.")
	// ErrHeld is what Mail.Still returns when the mail must wait: it is tried again.
	ErrHeld = fault.New(fault.Conflict, "mail_held", "This e-mail waits.")
	// ErrDropped is what Mail.Still returns when the mail must not be sent any more.
	ErrDropped = fault.New(fault.Conflict, "mail_dropped", "This e-mail is not sent any more.")
	// ErrNoMail says that there is no captured mail with that id.
	ErrNoMail = fault.New(fault.NotFound, "mail_not_found", "There is no such e-mail.")
)
