package policy

import (
	"maps"
	"reflect"
	"slices"

	"doorstep/internal/fault"
)

// ErrCondition is a text that is no condition over the facts of a vocabulary; Fields
// list each wrong place.
var ErrCondition = fault.New(fault.Invalid, "condition_invalid", "The condition has mistakes.")

// FactKind is what a fact of a vocabulary is, and so which comparisons it takes.
type FactKind string

// The kinds of facts.
const (
	TextFact   FactKind = "text"   // string: eq, ne, in, not_in, matches_prefix
	NumberFact FactKind = "number" // int64: eq, ne, lt, lte, gt, gte, between, in, not_in
	FlagFact   FactKind = "flag"   // bool: eq, ne
	ListFact   FactKind = "list"   // []string: contains_any, contains_all, contains_none
)

// Vocabulary are the facts that conditions outside of shipping may ask for, so that
// a merchant writes all conditions in one language. It never changes.
type Vocabulary struct {
	names []string
	kinds map[string]fieldType
	shape *shape
}

// Tree is a compiled condition over a vocabulary. It never changes.
type Tree struct {
	kind testKind
	kids []*Tree
	leaf *leaf
	fact string
	is   fieldType
}

// maxTree bounds the text of one condition, in bytes.
const maxTree = 32 << 10

// conditionShape is derived when the package starts.
var conditionShape = shapeOf(reflect.TypeFor[Condition]())

// NewVocabulary makes a vocabulary of facts by their names, such as order.total. All
// facts may be asked for with exists and missing too.
func NewVocabulary(facts map[string]FactKind) *Vocabulary {
	v := &Vocabulary{names: slices.Sorted(maps.Keys(facts)), kinds: map[string]fieldType{}}
	for name, kind := range facts {
		v.kinds[name] = map[FactKind]fieldType{TextFact: aText, NumberFact: aNumber, FlagFact: aFlag, ListFact: aList}[kind]
	}
	v.shape = conditionShape.naming(v.names, map[*shape]*shape{})
	return v
}

// Names are the facts, in order.
func (v *Vocabulary) Names() []string { return slices.Clone(v.names) }

// naming is a shape in which fields have other names.
func (s *shape) naming(names []string, seen map[*shape]*shape) *shape {
	if s == nil || seen[s] != nil {
		return seen[s]
	}
	c := *s
	seen[s] = &c
	if len(s.enum) > 0 && &s.enum[0] == &fieldNames[0] {
		c.enum = names
	}
	c.fields = slices.Clone(s.fields)
	for i := range c.fields {
		c.fields[i].shape = c.fields[i].shape.naming(names, seen)
	}
	c.elem = s.elem.naming(names, seen)
	return &c
}

// Compile reads a condition strictly and checks what it means. It fails with
// ErrCondition.
func (v *Vocabulary) Compile(data []byte) (*Tree, error) {
	var bad problems
	var c Condition
	if n := read(data, maxTree, &bad); n != nil {
		v.shape.into(reflect.ValueOf(&c).Elem(), n, "", &bad)
	}
	if err := bad.err(ErrCondition); err != nil {
		return nil, err
	}
	leaves := 0
	b := &builder{p: &Policy{}, bad: &bad}
	t := v.tree(b, &c, "", &leaves)
	return t, bad.err(ErrCondition)
}

func (v *Vocabulary) tree(b *builder, c *Condition, at string, leaves *int) *Tree {
	if c.Filter != nil || c.Quantifier != "" || c.Aggregate != "" || c.Origin != "" {
		b.bad.add(at, "has a filter, quantifier, aggregate or origin, which belong to shipping policies")
	}
	if c.Field == "" {
		b.only(c, at)
	}
	kids := func(kind testKind, list []Condition, name string) *Tree {
		t := &Tree{kind: kind}
		for i := range list {
			t.kids = append(t.kids, v.tree(b, &list[i], index(join(at, name), i), leaves))
		}
		return t
	}
	switch {
	case c.All != nil:
		return kids(isAll, c.All, "all")
	case c.Any != nil:
		return kids(isAny, c.Any, "any")
	case c.Not != nil:
		return &Tree{kind: isNot, kids: []*Tree{v.tree(b, c.Not, join(at, "not"), leaves)}}
	}
	if *leaves++; *leaves == maxLeaves+1 {
		b.bad.add(at, "makes more than %d comparisons", maxLeaves)
	}
	kind := v.kinds[c.Field]
	l := &leaf{field: itemSKU, op: opID(max(slices.Index(opNames, c.Op), 0)), given: c.Value} // texts of that field are compared as they are
	t := &Tree{kind: isLeaf, leaf: l, fact: c.Field, is: kind}
	switch {
	case c.Op == "":
		b.bad.add(join(at, "op"), "is required")
	case l.op == opExists || l.op == opMissing:
		if c.Value != nil {
			b.bad.add(at, "takes no value with %s", c.Op)
		}
	case !slices.Contains(allowed[kind], l.op):
		b.bad.add(join(at, "op"), "does not fit %s, which takes %s", c.Field, opList(kind))
	case c.Value == nil:
		b.bad.add(join(at, "value"), "is required")
	default:
		b.value(l, kind, c.Value, join(at, "value"))
	}
	return t
}

// Holds says whether the condition is true of the facts: of kind text string, number
// int64, flag bool and list []string. A fact that is missing makes its comparison
// neither true nor false; a condition that stays undecided does not hold. A nil tree
// holds always.
func (t *Tree) Holds(facts map[string]any) bool { return t == nil || t.eval(facts) == yes }

func (t *Tree) eval(facts map[string]any) tri {
	switch t.kind {
	case isAll, isAny:
		ends := no
		if t.kind == isAny {
			ends = yes
		}
		result := ends.not()
		for _, kid := range t.kids {
			switch kid.eval(facts) {
			case ends:
				return ends
			case unknown:
				result = unknown
			}
		}
		return result
	case isNot:
		return t.kids[0].eval(facts).not()
	}
	value, known := facts[t.fact]
	switch t.leaf.op {
	case opExists:
		return truth(known)
	case opMissing:
		return truth(!known)
	}
	switch v := value.(type) {
	case int64:
		if t.is == aNumber {
			return truth(t.leaf.holds(v))
		}
	case string:
		if t.is == aText {
			return truth(t.leaf.holdsText(v))
		}
	case bool:
		if t.is == aFlag {
			return truth((truth(v) == t.leaf.flag) == (t.leaf.op == opEq))
		}
	case []string:
		if t.is == aList {
			return truth(t.leaf.holdsList(v))
		}
	}
	return unknown
}
