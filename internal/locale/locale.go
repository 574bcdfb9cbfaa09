// Package locale speaks to people in their language: texts with named
// variables, dates, numbers and country names in English, Armenian and Khmer.
// Texts live in messages/*.json, one flat object per language; a file may be
// named area.lang.json to keep one part of the program together. Codes and
// programs' values are never translated here.
package locale

import (
	"golang.org/x/text/language"
)

// Lang is a language that the program speaks, as its BCP 47 code.
type Lang string

// The languages. English is the fallback for everything.
const (
	En Lang = "en"
	Hy Lang = "hy" // Armenian
	Km Lang = "km" // Khmer
)

var (
	languages = []Lang{En, Hy, Km}
	matcher   = language.NewMatcher([]language.Tag{language.English, language.Armenian, language.Khmer})
)

// Languages lists the languages, English first.
func Languages() []Lang { return append([]Lang(nil), languages...) }

// Name is the language's name in itself, for a language picker.
func (l Lang) Name() string {
	switch l {
	case Hy:
		return "Հայերեն"
	case Km:
		return "ខ្មែរ"
	default:
		return "English"
	}
}

// String is the BCP 47 code.
func (l Lang) String() string { return string(l) }

// Known says whether the program speaks the language.
func (l Lang) Known() bool { return l == En || l == Hy || l == Km }

// orEnglish is the language itself, or English when it is not spoken.
func (l Lang) orEnglish() Lang {
	if l.Known() {
		return l
	}
	return En
}

func (l Lang) tag() language.Tag {
	switch l {
	case Hy:
		return language.Armenian
	case Km:
		return language.Khmer
	default:
		return language.English
	}
}

// maxAccept bounds the work that a hostile Accept-Language header may cause.
const maxAccept = 512

// Match picks the language for an Accept-Language header or a single language
// tag; anything unreadable or not spoken gives English.
func Match(acceptLanguage string) Lang {
	if acceptLanguage == "" || len(acceptLanguage) > maxAccept {
		return En
	}
	tags, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		return En
	}
	_, index, confidence := matcher.Match(tags...)
	if confidence < language.High {
		return En
	}
	return languages[index]
}
