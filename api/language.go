package api

import (
	"hash/maphash"
	"sync/atomic"

	"doorstep/internal/locale"
)

// heard remembers what Accept-Language headers ask for, for browsers send the
// same few and reading one costs more than answering from memory.
var (
	heard     [256]atomic.Pointer[spoken]
	heardSeed = maphash.MakeSeed()
)

type spoken struct {
	header string
	lang   locale.Lang
}

// languageOf is the language that the header asks for, among those we speak.
func languageOf(header []byte) locale.Lang {
	if len(header) == 0 {
		return locale.En
	}
	slot := &heard[maphash.Bytes(heardSeed, header)%uint64(len(heard))]
	if s := slot.Load(); s != nil && s.header == string(header) {
		return s.lang
	}
	s := &spoken{header: string(header)}
	s.lang = locale.Match(s.header)
	if len(header) <= 256 { // longer ones are nobody's browser
		slot.Store(s)
	}
	return s.lang
}
