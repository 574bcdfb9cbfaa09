package recommend

import (
	"math"
	"slices"
)

// What keeps a list from showing one thing in ten colours.
const (
	mostOfOne = 2  // of a brand and narrow category, among the first
	firstOnes = 10 // so many
	// lambda weighs the place in the ranking against being unlike what stands there
	// already (maximal marginal relevance: Carbonell and Goldstein, 1998).
	lambda = .8
)

// varied takes the places one after the other: what is pinned, then each time the
// candidate that is best by its rank and unlike those before it. What is buried
// fills places that are left.
func (k *knowledge) varied(pinned, all, buried []choice, places int) []choice {
	list := slices.Clone(pinned[:min(len(pinned), places)])
	counts := map[string]int{}
	for _, c := range list {
		counts[k.family(c.item)]++
	}
	pool := all[:min(len(all), overFetch*places)]
	taken := make([]bool, len(pool))
	for range pool {
		if len(list) >= places {
			break
		}
		at := k.next(pool, taken, counts, list)
		taken[at] = true
		counts[k.family(pool[at].item)]++
		list = append(list, pool[at])
	}
	return append(list, buried[:min(len(buried), places-len(list))]...)
}

// next is the place in the pool of what follows in the list.
func (k *knowledge) next(pool []choice, taken []bool, counts map[string]int, list []choice) int {
	best, value, rest := 0, math.Inf(-1), -1
	for i, c := range pool {
		if taken[i] {
			continue
		}
		if rest < 0 {
			rest = i
		}
		if len(list) < firstOnes && counts[k.family(c.item)] >= mostOfOne {
			continue
		}
		like := 0.0
		for _, before := range list {
			like = max(like, likeness(k.items[c.item].category, k.items[before.item].category))
		}
		if v := lambda*(1-float64(i)/float64(len(pool))) - (1-lambda)*like; v > value {
			best, value = i, v
		}
	}
	if math.IsInf(value, -1) {
		return rest // nothing but more of the same is left
	}
	return best
}

// family is the brand and narrow category of an item; without both it is like no
// other.
func (k *knowledge) family(n int32) string {
	i := k.items[n]
	if i.brand == "" && len(i.category) == 0 {
		return i.id.String()
	}
	name := i.brand
	for _, c := range i.category {
		name += "\x00" + c
	}
	return name
}

// likeness is the part of two category paths that they share, from 0 to 1.
func likeness(a, b []string) float64 {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	if n == 0 {
		return 0
	}
	return 2 * float64(n) / float64(len(a)+len(b))
}
