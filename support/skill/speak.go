package skill

import "context"

type languageKey struct{}

// speaking makes known to the shop's rooms in which language names are shown.
func speaking(ctx context.Context, t *Turn) context.Context {
	return context.WithValue(ctx, languageKey{}, t.Language)
}

// Language is the language (en, hy or km) in which the names of deliveries are asked
// for, and empty when nobody has said.
func Language(ctx context.Context) string {
	language, _ := ctx.Value(languageKey{}).(string)
	return language
}
