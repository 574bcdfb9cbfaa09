package policy_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// violates is a small reader of JSON Schema: where a value breaks the schema
// and how, or nothing. It knows the words that the policy's schema uses, and
// fails on any other so that none is overlooked.
func violates(root, s map[string]any, v any, at string) string {
	for word, arg := range s {
		if wrong := breaks(root, s, word, arg, v, at); wrong != "" {
			return wrong
		}
	}
	return ""
}

func breaks(root, s map[string]any, word string, arg, v any, at string) string {
	object, isObject := v.(map[string]any)
	list, isList := v.([]any)
	text, isText := v.(string)
	number, isNumber := v.(json.Number)
	fail := at + " breaks " + word
	switch word {
	case "$schema", "$defs", "title", "format":
		return ""
	case "$ref":
		name := strings.TrimPrefix(arg.(string), "#/$defs/")
		return violates(root, root["$defs"].(map[string]any)[name].(map[string]any), v, at)
	case "type":
		_, isFlag := v.(bool)
		isInteger := isNumber && !strings.ContainsAny(number.String(), ".eE")
		if ok := map[string]bool{"object": isObject, "array": isList, "string": isText, "boolean": isFlag, "integer": isInteger}[arg.(string)]; !ok {
			return fail
		}
	case "anyOf", "oneOf":
		fits := 0
		for _, alt := range arg.([]any) {
			if violates(root, alt.(map[string]any), v, at) == "" {
				fits++
			}
		}
		if fits == 0 || (word == "oneOf" && fits != 1) {
			return fail
		}
	case "required":
		for _, name := range arg.([]any) {
			if _, ok := object[name.(string)]; isObject && !ok {
				return fail + " " + name.(string)
			}
		}
	case "properties":
		for name, sub := range arg.(map[string]any) {
			if member, ok := object[name]; ok {
				if wrong := violates(root, sub.(map[string]any), member, at+"."+name); wrong != "" {
					return wrong
				}
			}
		}
	case "additionalProperties":
		known, _ := s["properties"].(map[string]any)
		for name, member := range object {
			if _, ok := known[name]; ok {
				continue
			}
			if sub, ok := arg.(map[string]any); !ok || violates(root, sub, member, at+"."+name) != "" {
				return fail + " " + name
			}
		}
	case "propertyNames":
		for name := range object {
			if wrong := violates(root, arg.(map[string]any), name, at+"."+name); wrong != "" {
				return wrong
			}
		}
	case "items":
		for i, member := range list {
			if wrong := violates(root, arg.(map[string]any), member, fmt.Sprintf("%s[%d]", at, i)); wrong != "" {
				return wrong
			}
		}
	case "enum":
		if isText && !slices.Contains(arg.([]any), any(text)) {
			return fail
		}
	case "pattern":
		if isText && !regexp.MustCompile(arg.(string)).MatchString(text) {
			return fail
		}
	default:
		return bound(fail, word, arg, map[string]float64{
			"mum": float(number), "Length": float64(utf8.RuneCountInString(text)), "Items": float64(len(list)), "Properties": float64(len(object)),
		})
	}
	return ""
}

func float(n json.Number) float64 {
	f, _ := n.Float64()
	return f
}

// bound reads minimum, maxLength and their like.
func bound(fail, word string, arg any, sizes map[string]float64) string {
	for suffix, size := range sizes {
		if !strings.HasSuffix(word, suffix) {
			continue
		}
		limit := arg.(float64)
		if (strings.HasPrefix(word, "min") && size < limit) || (strings.HasPrefix(word, "max") && size > limit) {
			return fail
		}
		return ""
	}
	return fail + ", a word this reader does not know"
}
