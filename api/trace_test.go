package api

import "testing"

func TestTraceparentIsReadAsTheStandardSays(t *testing.T) {
	t.Parallel()
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for parent, want := range map[string]string{
		"00-" + id + "-00f067aa0ba902b7-01":                       id,
		"01-" + id + "-00f067aa0ba902b7-01":                       id,
		"01-" + id + "-00f067aa0ba902b7-01-more":                  id,
		"00-" + id + "-00f067aa0ba902b7-01-more":                  "",
		"01-" + id + "-00f067aa0ba902b7-01more":                   "",
		"ff-" + id + "-00f067aa0ba902b7-01":                       "",
		"00-" + id + "-0000000000000000-01":                       "",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01": "",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01": "",
		"00-" + id + "-00f067aa0ba902b7-0x":                       "", "": "", "x": "",
	} {
		if got, _ := parseTraceparent([]byte(parent)); got != want {
			t.Errorf("%q gives %q, want %q", parent, got, want)
		}
	}
	a, b := traceFrom(nil), traceFrom([]byte("rubbish"))
	if a == b || len(a) != 32 || !lowerHex([]byte(a)) || zeros([]byte(a)) {
		t.Fatalf("%s %s", a, b)
	}
}

func FuzzTraceparent(f *testing.F) {
	f.Add([]byte("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if id, ok := parseTraceparent(b); ok && (len(id) != 32 || !lowerHex([]byte(id)) || zeros([]byte(id))) {
			t.Fatalf("%q gives %q", b, id)
		}
	})
}
