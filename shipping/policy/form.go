package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"doorstep/internal/fault"
)

// Limits of a document before anything is understood of it. They are generous
// for a shop and small for a computer: a hostile text costs little to refuse.
const (
	maxDocument = 1 << 20 // bytes
	maxDepth    = 40      // nested objects and arrays
	maxProblems = 50      // mistakes listed at once
)

type nodeKind uint8

const (
	isObject nodeKind = iota
	isArray
	isText
	isNumber
	isFlag
	isNull
)

func (k nodeKind) String() string {
	return [...]string{"an object", "a list", "a text", "a number", "true or false", "null"}[k]
}

// node is one JSON value as it was written. Numbers keep their digits, because
// a float in between would already be a lie.
type node struct {
	kind nodeKind
	text string // the text, or the digits of a number
	flag bool
	keys []string // names of kids, when it is an object
	kids []*node
}

// problems collects the mistakes of a document, each with the path to it.
type problems struct {
	list  []fault.Field
	count int // also of those that the list had no room for
}

func (p *problems) add(at, format string, args ...any) {
	if at == "" {
		at = "document"
	}
	p.count++
	if len(p.list) < maxProblems {
		p.list = append(p.list, fault.Field{Location: at, Message: fmt.Sprintf(format, args...)})
	}
}

// err is nil, or kind with all mistakes listed.
func (p *problems) err(kind *fault.Error) error {
	if len(p.list) == 0 {
		return nil
	}
	e := *kind
	e.Fields = p.list
	return &e
}

// read takes a JSON text apart. Unlike encoding/json it refuses what two
// readers may understand differently: doubled keys, broken UTF-8, bytes after
// the end.
func read(data []byte, longest int, bad *problems) *node {
	switch {
	case len(data) > longest:
		bad.add("", "is longer than %d bytes", longest)
		return nil
	case !utf8.Valid(data):
		bad.add("", "is not UTF-8")
		return nil
	case !json.Valid(data):
		var whole json.RawMessage
		bad.add("", "is not JSON: %v", json.Unmarshal(data, &whole))
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	n := readNode(dec, "", 0, bad)
	if _, err := dec.Token(); n != nil && err != io.EOF {
		bad.add("", "has something after its end")
		return nil
	}
	return n
}

func readNode(dec *json.Decoder, at string, depth int, bad *problems) *node {
	token, err := dec.Token()
	if err != nil {
		bad.add(at, "cannot be read")
		return nil
	}
	switch v := token.(type) {
	case string:
		return &node{kind: isText, text: v}
	case json.Number:
		return &node{kind: isNumber, text: v.String()}
	case bool:
		return &node{kind: isFlag, flag: v}
	case nil:
		return &node{kind: isNull}
	}
	if depth == maxDepth {
		bad.add(at, "is nested deeper than %d levels", maxDepth)
		return nil
	}
	n := &node{kind: isArray}
	if token == json.Delim('{') {
		n.kind = isObject
	}
	seen := map[string]bool{}
	for dec.More() {
		var kid *node
		if n.kind == isArray {
			kid = readNode(dec, at+"["+strconv.Itoa(len(n.kids))+"]", depth+1, bad)
		} else {
			key, err := dec.Token()
			name, ok := key.(string)
			if err != nil || !ok {
				bad.add(at, "cannot be read")
				return nil
			}
			if seen[name] {
				bad.add(join(at, name), "is given twice")
				return nil
			}
			seen[name] = true
			n.keys = append(n.keys, name)
			kid = readNode(dec, join(at, name), depth+1, bad)
		}
		if kid == nil {
			return nil
		}
		n.kids = append(n.kids, kid)
	}
	if _, err := dec.Token(); err != nil {
		bad.add(at, "cannot be read")
		return nil
	}
	return n
}

// join makes the path of a member. Odd names, which only maps can have, are
// quoted and cut, so that a path stays one readable line.
func join(at, name string) string {
	for i := range len(name) {
		c := name[i]
		plain := c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !plain || i > 64 {
			return at + "[" + strconv.Quote(cut(name, 64)) + "]"
		}
	}
	if at == "" {
		return name
	}
	return at + "." + name
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "..."
}

func index(at string, i int) string { return at + "[" + strconv.Itoa(i) + "]" }
