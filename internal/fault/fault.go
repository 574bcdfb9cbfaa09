// Package fault is the one kind of error that rooms hand to their callers: a
// kind, a stable code that programs may rely on, and a sentence that is safe to
// show to anyone. HTTP knows nothing of it here; api/problem.go maps the kinds.
package fault

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind says what sort of trouble it is; api maps each to one HTTP status.
type Kind uint8

// The kinds. Internal is the zero value, so that a forgotten kind hides its text.
const (
	Internal     Kind = iota // a bug or a broken part; the text is never shown
	Malformed                // the request cannot be read
	Invalid                  // readable, but a value breaks a rule
	Unauthorized             // who are you?
	Forbidden                // known, but not allowed
	NotFound                 // no such thing, or not yours
	Conflict                 // the state does not allow it
	Stale                    // the version in hand is not the current one
	Declined                 // the payment was refused
	TooLarge                 // the body exceeds its limit
	TooMany                  // slow down
	Unavailable              // a needed part is down; try again
	Unsupported              // the media type or method is not served
)

// Error is a fault with a stable code. Values declared by rooms are templates:
// the With methods copy, so that a sentinel is never changed.
type Error struct {
	Kind   Kind
	Code   string // stable, snake_case
	Text   string // one safe sentence
	Fields []Field
	// Extra are further members of the problem document, such as new totals.
	Extra map[string]any
	// RetryAfter is how long the caller should wait; 0 means not said.
	RetryAfter time.Duration
	cause      error
}

// Field names one wrong place in the input, as a path such as body.items[0].sku.
type Field struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

var registry struct {
	sync.RWMutex
	byCode map[string]*Error
}

// New declares a fault. Declare each code once, as a package variable: the
// codes are listed for readers of the API by All, and ByCode finds them again
// when a guard inside the database raises one.
func New(kind Kind, code, text string) *Error {
	e := &Error{Kind: kind, Code: code, Text: text}
	registry.Lock()
	defer registry.Unlock()
	if registry.byCode == nil {
		registry.byCode = map[string]*Error{}
	}
	if _, taken := registry.byCode[code]; !taken {
		registry.byCode[code] = e
	}
	return e
}

// ByCode is the declared fault with that code; an undeclared code is Internal.
func ByCode(code string) *Error {
	registry.RLock()
	defer registry.RUnlock()
	if e, ok := registry.byCode[code]; ok {
		return e
	}
	return &Error{Kind: Internal, Code: code, Text: "Something went wrong on our side."}
}

// All lists the declared faults in order of their codes.
func All() []*Error {
	registry.RLock()
	defer registry.RUnlock()
	all := make([]*Error, 0, len(registry.byCode))
	for _, e := range registry.byCode {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *Error) int { return strings.Compare(a.Code, b.Code) })
	return all
}

// Error gives the code, the sentence and the cause, for logs.
func (e *Error) Error() string {
	s := e.Code + ": " + e.Text
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Is matches any fault with the same code.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code == e.Code
}

// Unwrap gives the cause, which is logged and never shown.
func (e *Error) Unwrap() error { return e.cause }

// Because returns a copy that carries its cause.
func (e *Error) Because(err error) *Error {
	c := *e
	c.cause = err
	return &c
}

// Saying returns a copy with another sentence.
func (e *Error) Saying(text string) *Error {
	c := *e
	c.Text = text
	return &c
}

// At returns a copy that also names a wrong place in the input.
func (e *Error) At(location, message string) *Error {
	c := *e
	c.Fields = append(append([]Field(nil), e.Fields...), Field{Location: location, Message: message})
	return &c
}

// With returns a copy with one more member for the problem document.
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.Extra = make(map[string]any, len(e.Extra)+1)
	for k, v := range e.Extra {
		c.Extra[k] = v
	}
	c.Extra[key] = value
	return &c
}

// After returns a copy that asks the caller to wait.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// As finds the fault inside err.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// Is says whether err is one of the faults.
func Is(err error, faults ...*Error) bool {
	for _, e := range faults {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// KindOf is the kind of the fault inside err, Internal when there is none.
func KindOf(err error) Kind {
	if e, ok := As(err); ok {
		return e.Kind
	}
	return Internal
}
