package query

import (
	"errors"
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// arrays parses the keywords about an array as a whole.
func (p *schemaParser) arrays() error {
	for _, name := range []string{"minItems", "maxItems"} {
		l, ok, err := p.count(name)
		if err != nil {
			return err
		}
		if ok {
			p.about(&itemCountRule{l}, bsonx.TypeArray)
		}
	}
	if v := p.words["uniqueItems"]; p.has("uniqueItems") {
		if v.Type != bsonx.TypeBool {
			return schemaMismatch("uniqueItems", "must be a boolean")
		}
		if bsonx.AsBool(v) {
			p.about(&uniqueRule{p.keyword("uniqueItems")}, bsonx.TypeArray)
		}
	}
	return nil
}

// items parses items and additionalItems, which is about those behind a list.
func (p *schemaParser) items() error {
	first := -1 // of the additional ones.
	switch v := p.words["items"]; {
	case !p.has("items"):
	case isObject(v):
		s, err := parseSchema(bsonx.AsDoc(v), false)
		if err != nil {
			return err
		}
		p.about(&itemsRule{name: "items", reason: "At least one item did not match the sub-schema", schema: s}, bsonx.TypeArray)
	case isArray(v):
		r := &tupleRule{}
		for _, e := range listed(v) {
			if !isObject(e) {
				return schemaMismatch("items", "requires that each element of the array is an object, but found a "+bsonx.TypeName(e.Type))
			}
			s, err := parseSchema(bsonx.AsDoc(e), false)
			if err != nil {
				return err
			}
			r.list = append(r.list, s)
		}
		first = len(r.list)
		p.about(r, bsonx.TypeArray)
	default:
		return schemaMismatch("items", "must be an array or an object, not "+bsonx.TypeName(v.Type))
	}
	switch v := p.words["additionalItems"]; {
	case !p.has("additionalItems"):
	case isObject(v):
		s, err := parseSchema(bsonx.AsDoc(v), false)
		if err != nil {
			return err
		}
		if first >= 0 {
			p.about(&itemsRule{name: "additionalItems", reason: "At least one additional item did not match the sub-schema", from: first, schema: s}, bsonx.TypeArray)
		}
	case v.Type != bsonx.TypeBool:
		return schemaMismatch("additionalItems", "must be either an object or a boolean, but got a "+bsonx.TypeName(v.Type))
	case first >= 0 && !bsonx.AsBool(v):
		p.about(&noMoreItemsRule{p.keyword("additionalItems"), first}, bsonx.TypeArray)
	}
	return nil
}

// properties parses properties, and what is said of those that it does not name.
func (p *schemaParser) properties() error {
	var named []*property
	if v := p.words["properties"]; p.has("properties") {
		if !isObject(v) {
			return schemaMismatch("properties", "must be an object")
		}
		for name, e := range bsonx.All(bsonx.AsDoc(v)) {
			if !isObject(e) {
				return mongoerr.Newf(mongoerr.TypeMismatch, "Nested schema for $jsonSchema property '%s' must be an object", name)
			}
			s, err := parseSchema(bsonx.AsDoc(e), false)
			if err != nil {
				return err
			}
			one := newProperty(name, s)
			one.required = isArray(p.words["required"]) && slices.ContainsFunc(listed(p.words["required"]), func(e bsonx.Value) bool {
				return isString(e) && bsonx.Str(e) == name
			})
			named = append(named, &one)
		}
		p.about(&demandsRule{"properties", "propertiesNotSatisfied", demands(named)}, bsonx.TypeDocument)
	}
	patterns, err := p.patterns()
	if err != nil {
		return err
	}
	r := &otherPropertiesRule{keyword: p.keyword("additionalProperties"), named: named, patterns: patterns}
	switch v := r.spec; {
	case !p.has("additionalProperties"):
	case isObject(v):
		if r.schema, err = parseSchema(bsonx.AsDoc(v), false); err != nil {
			return err
		}
		p.about(r, bsonx.TypeDocument)
	case v.Type != bsonx.TypeBool:
		return schemaMismatch("additionalProperties", "must be an object or a boolean")
	case !bsonx.AsBool(v):
		p.about(r, bsonx.TypeDocument)
	}
	if len(patterns) > 0 {
		p.about(&demandsRule{"patternProperties", "details", demands(patterns)}, bsonx.TypeDocument)
	}
	return nil
}

func demands[D demand](of []D) []demand {
	list := make([]demand, len(of))
	for i, d := range of {
		list[i] = d
	}
	return list
}

func (p *schemaParser) patterns() (list []*patternProperty, err error) {
	if !p.has("patternProperties") {
		return nil, nil
	}
	if !isObject(p.words["patternProperties"]) {
		return nil, schemaMismatch("patternProperties", "must be an object")
	}
	for name, v := range bsonx.All(bsonx.AsDoc(p.words["patternProperties"])) {
		if !isObject(v) {
			return nil, schemaMismatch("patternProperties", "has property '"+name+"' which is not an object")
		}
		one := &patternProperty{pattern: strings.Clone(name)}
		if one.schema, err = parseSchema(bsonx.AsDoc(v), false); err != nil {
			return nil, err
		}
		one.re, err = expr.CompileRegex(one.pattern, "")
		if wrong, ok := errors.AsType[*expr.RegexError](err); ok {
			return nil, bad("Invalid regular expression: %s", wrong.Msg)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// objects parses required and the numbers of properties.
func (p *schemaParser) objects() error {
	if v := p.words["required"]; p.has("required") {
		if !isArray(v) {
			return schemaMismatch("required", "must be an array, but found an element of type "+bsonx.TypeName(v.Type))
		}
		r := &requiredRule{keyword: p.keyword("required")}
		names := listed(v)
		for i, e := range names {
			switch {
			case !isString(e):
				return schemaMismatch("required", "must be an array of strings, but found an element of type: "+bsonx.TypeName(e.Type))
			case containsString(names[:i], e):
				return schemaError(mongoerr.FailedToParse, "required", "array cannot contain duplicate values")
			}
			r.list = append(r.list, newProperty(bsonx.Str(e), nil))
		}
		if len(names) == 0 {
			return schemaError(mongoerr.FailedToParse, "required", "cannot be an empty array")
		}
		slices.SortFunc(r.list, func(a, b property) int { return strings.Compare(a.name, b.name) })
		p.about(r, bsonx.TypeDocument)
	}
	for _, name := range []string{"minProperties", "maxProperties"} {
		l, ok, err := p.count(name)
		if err != nil {
			return err
		}
		if ok {
			p.about(&fieldCountRule{l}, bsonx.TypeDocument)
		}
	}
	return nil
}

func (p *schemaParser) dependencies() error {
	if !p.has("dependencies") {
		return nil
	}
	if !isObject(p.words["dependencies"]) {
		return schemaMismatch("dependencies", "must be an object")
	}
	r := &demandsRule{name: "dependencies", broken: "failingDependencies"}
	for name, v := range bsonx.All(bsonx.AsDoc(p.words["dependencies"])) {
		d := &dependency{of: newProperty(name, nil)}
		var err error
		switch {
		case isObject(v):
			d.schema, err = parseSchema(bsonx.AsDoc(v), p.schema.root)
		case isArray(v):
			d.needs, err = dependencyNames(name, listed(v))
		default:
			err = mongoerr.Newf(mongoerr.TypeMismatch, "property '%s' in $jsonSchema keyword 'dependencies' must be either an object or an array", name)
		}
		if err != nil {
			return err
		}
		r.list = append(r.list, d)
	}
	p.always(r)
	return nil
}

func dependencyNames(name string, names []bsonx.Value) (list []property, err error) {
	if len(names) == 0 {
		return nil, mongoerr.Newf(mongoerr.FailedToParse, "property '%s' in $jsonSchema keyword 'dependencies' cannot be an empty array", name)
	}
	for i, e := range names {
		switch {
		case !isString(e):
			return nil, mongoerr.Newf(mongoerr.TypeMismatch, "array '%s' in $jsonSchema keyword 'dependencies' can only contain strings, but found element of type: %s", name, bsonx.TypeName(e.Type))
		case containsString(names[:i], e):
			return nil, mongoerr.Newf(mongoerr.FailedToParse, "array '%s' in $jsonSchema keyword 'dependencies' contains duplicate element: %s", name, bsonx.Str(e))
		}
		list = append(list, newProperty(bsonx.Str(e), nil))
	}
	return list, nil
}
