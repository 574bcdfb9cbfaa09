package pdf

import (
	"bytes"
	"strconv"
)

// Plain is a file of objects that are ready as they stand, the catalog first: for
// what needs no Document, such as a picture on a page. Object 1 is the first.
func Plain(objects ...[]byte) []byte {
	w := &writer{}
	w.out.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	for _, o := range objects {
		w.object(string(o))
	}
	w.trailer("/Root 1 0 R")
	return w.out.Bytes()
}

// PlainStream is an object with data in it; more is what its dictionary says
// beside the length.
func PlainStream(more string, data []byte) []byte {
	return bytes.Join([][]byte{[]byte("<< " + more + " /Length " + strconv.Itoa(len(data)) + " >>\nstream\n"), data, []byte("\nendstream")}, nil)
}
