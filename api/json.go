package api

import (
	"errors"
	"io"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	gojson "github.com/goccy/go-json"
)

// codec is the API's one JSON codec. Everything that leaves or enters as JSON
// goes through it, so that another library is one edit away.
var codec = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		if a, ok := v.(*stored); ok { // it is written already
			_, err := w.Write(a.state.Body)
			return err
		}
		b, err := gojson.MarshalWithOption(v, gojson.DisableHTMLEscape())
		if err != nil {
			return err
		}
		_, err = w.Write(b)
		return err
	},
	Unmarshal: func(data []byte, v any) error {
		if err := gojson.Unmarshal(data, v); err != nil {
			return sayWhere(err)
		}
		return nil
	},
}

// marshal is v as JSON; the values are our own, so an error is a bug.
func marshal(v any) ([]byte, error) {
	return gojson.MarshalWithOption(v, gojson.DisableHTMLEscape())
}

// sayWhere names the field that has the wrong type. The library's own text
// would echo the value and the names of Go types.
func sayWhere(err error) error {
	var wrong *gojson.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return errors.New("expected the documented form")
	}
	what := "the documented form"
	if wrong.Type != nil {
		switch wrong.Type.Kind() {
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
			reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			what = "a whole number written in plain digits and within its range"
		case reflect.Float32, reflect.Float64:
			what = "a number within its range"
		case reflect.String:
			what = "a string"
		case reflect.Bool:
			what = "a boolean"
		}
	}
	if wrong.Field != "" {
		return errors.New("expected " + what + " in " + wrong.Field)
	}
	return errors.New("expected " + what)
}
