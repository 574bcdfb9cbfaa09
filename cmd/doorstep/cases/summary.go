package cases

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// Summary counts how the cases with expectations came out.
type Summary struct {
	Cases, Right    int
	Groups, Tongues map[string]*Share
	// Understood is how many of the cases that name their intents were read so.
	Named, Understood int
	misses            []string
}

// Share is a part of the cases.
type Share struct{ Cases, Right int }

// Add counts one case.
func (s *Summary) Add(c *Case, r *Result) {
	if c.Expect == nil {
		return
	}
	if s.Groups == nil {
		s.Groups, s.Tongues = map[string]*Share{}, map[string]*Share{}
	}
	right := len(r.Missed) == 0
	s.Cases++
	for where, key := range map[*map[string]*Share]string{&s.Groups: c.Group, &s.Tongues: c.Language} {
		one := (*where)[key]
		if one == nil {
			one = &Share{}
			(*where)[key] = one
		}
		one.Cases++
		if right {
			one.Right++
		}
	}
	if len(c.Intents) > 0 {
		s.Named++
		if got := slices.Sorted(slices.Values(r.Intents)); slices.Equal(got, slices.Sorted(slices.Values(c.Intents))) {
			s.Understood++
		}
	}
	if right {
		s.Right++
		return
	}
	s.misses = append(s.misses, fmt.Sprintf("%s (%s, %s) %q\n    %v read as %v\n    %s: %q", c.ID, c.Group, c.Auth, r.Text, r.Missed, r.Intents, r.Type, r.Reply))
}

// Rate is the part of the cases that came out right, from 0 to 1.
func (s *Summary) Rate() float64 {
	if s.Cases == 0 {
		return 1
	}
	return float64(s.Right) / float64(s.Cases)
}

// Print writes the summary for people, with all that was missed.
func (s *Summary) Print(to io.Writer) {
	for _, m := range s.misses {
		fmt.Fprintln(to, "missed "+m)
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nPART\tRIGHT\tCASES\t")
	for _, part := range []struct {
		name string
		of   map[string]*Share
	}{{"group", s.Groups}, {"language", s.Tongues}} {
		for _, key := range slices.Sorted(maps.Keys(part.of)) {
			one := part.of[key]
			fmt.Fprintf(w, "%s %s\t%d\t%d\t%.3f\n", part.name, key, one.Right, one.Cases, float64(one.Right)/float64(one.Cases))
		}
	}
	fmt.Fprintf(w, "all\t%d\t%d\t%.3f\n", s.Right, s.Cases, s.Rate())
	_ = w.Flush() // standard error: nobody left to tell
	fmt.Fprintf(to, "intents as named: %d of %d\n", s.Understood, s.Named)
}
