package policy

import (
	"encoding/json"
	"strings"

	"doorstep/internal/fault"
)

// Parts of a policy that can be tried by themselves: each is read as strictly as
// in a whole document.

// around is a document with one member and what every document needs.
func around(member string, value json.RawMessage) ([]byte, error) {
	return json.Marshal(map[string]any{
		"currency": "USD", "methods": []any{map[string]any{"id": "any", "price": map[string]any{"type": "flat", "amount": 0}}}, member: value,
	})
}

// alone reads one member; what is wrong with it stands at its own path.
func alone(member, at string, value json.RawMessage) (*Document, error) {
	if !json.Valid(value) {
		return nil, ErrRequest.At(at, "is not JSON")
	}
	text, err := around(member, value)
	if err != nil {
		return nil, ErrRequest.At(at, "cannot be read").Because(err)
	}
	doc, err := Parse(text)
	if err == nil {
		_, err = Compile(doc)
	}
	if f, ok := fault.As(err); ok {
		moved := ErrRequest
		for _, wrong := range f.Fields {
			moved = moved.At(strings.Replace(wrong.Location, member, at, 1), wrong.Message)
		}
		return nil, moved
	}
	return doc, err
}

// ParseDimRules reads carrier_dim_rules; at is their name in errors, which are
// ErrRequest.
func ParseDimRules(value json.RawMessage, at string) ([]CarrierDimRule, error) {
	doc, err := alone("carrier_dim_rules", at, value)
	if err != nil {
		return nil, err
	}
	return doc.CarrierDimRules, nil
}

// ParseOrigin reads one origin, which needs no id here. Errors are ErrRequest.
func ParseOrigin(value json.RawMessage) (Origin, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(value, &members); err != nil || members == nil {
		return Origin{}, ErrRequest.At("origin", "must be an object")
	}
	if members["id"] == nil {
		members["id"] = json.RawMessage(`"origin"`)
	}
	one, err := json.Marshal([]any{members})
	if err != nil {
		return Origin{}, ErrRequest.At("origin", "cannot be read").Because(err)
	}
	doc, err := alone("origins", "origin", one)
	if f, ok := fault.As(err); ok {
		for i := range f.Fields {
			f.Fields[i].Location = strings.Replace(f.Fields[i].Location, "origin[0]", "origin", 1)
		}
	}
	if err != nil {
		return Origin{}, err
	}
	return doc.Origins[0], nil
}

// MatchZones says which zones of a document a place is in. Of the document only
// the zones have to be there. The error is ErrInvalid.
func MatchZones(document []byte, d Dest) (ZoneMatch, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(document, &members); err == nil && (members["methods"] == nil || members["currency"] == nil) {
		if document, err = around("zones", members["zones"]); err != nil {
			return ZoneMatch{}, ErrInvalid.Because(err)
		}
		if members["zones"] == nil {
			return ZoneMatch{}, ErrInvalid.At("zones", "is required")
		}
	}
	p, err := Load(document)
	if err != nil {
		return ZoneMatch{}, err
	}
	return p.Zones(d), nil
}

// ParseStubs reads carrier_stubs. The error is ErrRequest.
func ParseStubs(value json.RawMessage) (map[string]Stub, error) {
	text, err := json.Marshal(map[string]json.RawMessage{"carrier_stubs": value})
	if err != nil {
		return nil, ErrRequest.At("carrier_stubs", "is not JSON")
	}
	req, err := ParseRequest(text)
	return req.CarrierStubs, err
}
