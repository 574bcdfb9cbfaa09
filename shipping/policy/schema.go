package policy

import (
	"encoding/json"
	"reflect"
)

// documentShape and requestShape are derived when the package starts.
var (
	documentShape = shapeOf(reflect.TypeFor[Document]())
	requestShape  = shapeOf(reflect.TypeFor[Request]())
)

// Schema is the JSON Schema (draft 2020-12) of the document, made from the same
// forms that Parse reads by. It says what a document looks like; what it means
// (names that exist, values that suit their field) is checked by Compile.
var Schema = schemaText(documentShape)

// schemaText writes a form as a schema. Named types become $defs, which is also
// what lets conditions and prices hold themselves.
func schemaText(root *shape) []byte {
	defs := map[string]any{}
	top := root.body(defs)
	top["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	top["title"] = "shipping-policy/v1"
	top["$defs"] = defs
	text, err := json.MarshalIndent(top, "", "  ")
	if err != nil {
		panic(err) // maps, texts and numbers always marshal
	}
	return append(text, '\n')
}

// schema is a reference for named types, else the body.
func (s *shape) schema(defs map[string]any) map[string]any {
	if s.name == "" {
		return s.body(defs)
	}
	if _, ok := defs[s.name]; !ok {
		defs[s.name] = true // taken, before the body that may refer to it
		defs[s.name] = s.body(defs)
	}
	return map[string]any{"$ref": "#/$defs/" + s.name}
}

func (s *shape) body(defs map[string]any) map[string]any {
	if s.union != nil {
		alternatives := make([]any, len(s.union))
		for i, alt := range s.union {
			alternatives[i] = alt.schema(defs)
		}
		return map[string]any{"anyOf": alternatives}
	}
	out := map[string]any{}
	switch s.kind {
	case isNumber:
		out["type"] = "integer"
		set(out, "minimum", s.min)
		set(out, "maximum", s.max)
	case isText:
		out["type"] = "string"
		set(out, "minLength", s.min)
		set(out, "maxLength", s.max)
		if s.enum != nil {
			out["enum"] = s.enum
		}
		if s.pattern != nil {
			out["pattern"] = s.pattern.expr
		}
		if s.instant {
			out["format"] = "date-time"
		}
	case isFlag:
		out["type"] = "boolean"
	case isArray:
		out["type"], out["items"] = "array", s.elem.schema(defs)
		set(out, "minItems", s.min)
		set(out, "maxItems", s.max)
	default:
		s.objectBody(out, defs)
	}
	return out
}

func (s *shape) objectBody(out, defs map[string]any) {
	out["type"] = "object"
	if s.mapping {
		out["additionalProperties"] = s.elem.schema(defs)
		if s.key != nil {
			out["propertyNames"] = map[string]any{"pattern": s.key.pattern.expr}
		}
		set(out, "minProperties", s.min)
		set(out, "maxProperties", s.max)
		return
	}
	properties, required := map[string]any{}, []string{}
	for _, m := range s.fields {
		properties[m.name] = m.shape.schema(defs)
		if m.required {
			required = append(required, m.name)
		}
	}
	out["properties"], out["required"], out["additionalProperties"] = properties, required, false
	if s.one != nil {
		exactly := make([]any, len(s.one))
		for i, name := range s.one {
			exactly[i] = map[string]any{"required": []string{name}}
		}
		out["oneOf"] = exactly
	}
}

func set(out map[string]any, name string, value *int64) {
	if value != nil {
		out[name] = *value
	}
}
