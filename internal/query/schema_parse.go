package query

import (
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// schemaKeywords are the names that a schema may hold.
var schemaKeywords = []string{
	"additionalItems", "additionalProperties", "allOf", "anyOf", "bsonType", "dependencies", "description", "enum",
	"exclusiveMaximum", "exclusiveMinimum", "items", "maxItems", "maxLength", "maxProperties", "maximum", "minItems",
	"minLength", "minProperties", "minimum", "multipleOf", "not", "oneOf", "pattern", "patternProperties", "properties",
	"required", "title", "type", "uniqueItems",
}

// schemaParser parses one schema.
type schemaParser struct {
	schema *Schema
	words  map[string]bsonx.Value
	of     *typeRule // what type or bsonType state; nil: nothing.

	several bool // they name several types.
}

// parseSchema parses a schema; root is one for the document itself.
func parseSchema(doc bsonx.Doc, root bool) (*Schema, error) {
	p := schemaParser{schema: &Schema{source: doc, root: root}, words: map[string]bsonx.Value{}}
	for name, v := range bsonx.All(doc) {
		switch {
		case name == "encrypt" || name == "encryptMetadata":
			return nil, mongoerr.NotYet("$jsonSchema." + name)
		case slices.Contains([]string{"$ref", "$schema", "default", "definitions", "format", "id"}, name):
			return nil, schemaError(mongoerr.FailedToParse, name, "is not currently supported")
		case !slices.Contains(schemaKeywords, name):
			return nil, mongoerr.Newf(mongoerr.FailedToParse, "Unknown $jsonSchema keyword: %s", name)
		case !bsonx.IsMissing(p.words[name]):
			return nil, mongoerr.Newf(mongoerr.FailedToParse, "Duplicate $jsonSchema keyword: %s", name)
		}
		p.words[name] = v
	}
	// In the order in which the server tells of the rules that are broken.
	for _, parse := range []func() error{
		p.names, p.stated, p.numbers, p.strings, p.arrays, p.items,
		p.properties, p.objects, p.dependencies, p.logical, p.enum, p.typed,
	} {
		if err := parse(); err != nil {
			return nil, err
		}
	}
	return p.schema, nil
}

func schemaError(code mongoerr.Code, name, problem string) error {
	return mongoerr.Newf(code, "$jsonSchema keyword '%s' %s", name, problem)
}

func schemaMismatch(name, problem string) error {
	return schemaError(mongoerr.TypeMismatch, name, problem)
}

func (p *schemaParser) has(name string) bool { return !bsonx.IsMissing(p.words[name]) }

func (p *schemaParser) keyword(name string) keyword { return keyword{name, p.words[name]} }

// about keeps a rule that speaks of some types only, unless the schema states one
// type, which is none of them: a value of another breaks that, and no more is told.
func (p *schemaParser) about(r rule, types ...bsonx.Type) {
	if p.of == nil || p.several || slices.ContainsFunc(types, p.of.types.Has) {
		p.schema.rules = append(p.schema.rules, r)
	}
}

func (p *schemaParser) always(r rule) { p.schema.rules = append(p.schema.rules, r) }

// names parses title and description.
func (p *schemaParser) names() error {
	for _, name := range []string{"title", "description"} {
		if p.has(name) && !isString(p.words[name]) {
			return schemaMismatch(name, "must be of type string")
		}
	}
	p.schema.title, p.schema.description = p.words["title"], p.words["description"]
	return nil
}

// stated parses type and bsonType, which the other keywords look at.
func (p *schemaParser) stated() error {
	name, parse := "bsonType", (*TypeSet).parseName
	switch {
	case p.has("type") && p.has("bsonType"):
		return mongoerr.New(mongoerr.FailedToParse, "Cannot specify both $jsonSchema keywords 'type' and 'bsonType'")
	case p.has("type"):
		name, parse = "type", (*TypeSet).parseJSONName
	case !p.has("bsonType"):
		return nil
	}
	r := &typeRule{keyword: p.keyword(name)}
	p.of = r
	names := []bsonx.Value{r.spec}
	switch {
	case isArray(r.spec):
		names = listed(r.spec)
		for _, v := range names {
			if !isString(v) {
				return schemaMismatch(name, "array elements must be strings")
			}
		}
	case !isString(r.spec):
		return schemaMismatch(name, "must be either a string or an array of strings")
	}
	if len(names) == 0 {
		return schemaError(mongoerr.FailedToParse, name, "must name at least one type")
	}
	p.several = len(names) > 1
	for i, v := range names {
		if containsString(names[:i], v) {
			return schemaError(mongoerr.FailedToParse, name, "has duplicate value: "+bsonx.Str(v))
		}
		if err := parse(&r.types, bsonx.Str(v)); err != nil {
			return err
		}
	}
	return nil
}

// parseJSONName adds a type by its name in JSON Schema.
func (s *TypeSet) parseJSONName(name string) error {
	switch name {
	case "object", "array", "string", "null", "number":
		return s.parseName(name)
	case "boolean":
		return s.parseName("bool")
	case "integer":
		return mongoerr.New(mongoerr.FailedToParse, "$jsonSchema type 'integer' is not currently supported.")
	}
	return bad("Unknown type name alias: %s", name)
}

// typed adds the rule of type or bsonType, the last of all. For the document
// itself it says nothing, or that there can be none.
func (p *schemaParser) typed() error {
	switch {
	case p.of == nil:
	case !p.schema.root:
		p.always(p.of)
	default:
		p.schema.never = !p.of.types.Has(bsonx.TypeDocument)
	}
	return nil
}

func (p *schemaParser) numbers() error {
	numbers := []bsonx.Type{bsonx.TypeInt32, bsonx.TypeInt64, bsonx.TypeDouble, bsonx.TypeDecimal}
	if p.has("multipleOf") {
		r := &multipleRule{p.keyword("multipleOf")}
		switch {
		case !bsonx.IsNumber(r.spec):
			return schemaMismatch("multipleOf", "must be a number")
		case !bsonx.IsNaN(r.spec) && bsonx.Compare(r.spec, zero) <= 0:
			return schemaError(mongoerr.FailedToParse, "multipleOf", "must have a positive value")
		}
		p.about(r, numbers...)
	}
	for _, b := range []struct {
		name, exclusive  string
		inclusive, other Op
	}{
		{"maximum", "exclusiveMaximum", OpLte, OpLt},
		{"minimum", "exclusiveMinimum", OpGte, OpGt},
	} {
		r, err := p.bound(b.name, b.exclusive, b.inclusive, b.other)
		if err != nil {
			return err
		}
		if r != nil {
			p.about(r, numbers...)
		}
	}
	return nil
}

func (p *schemaParser) bound(name, exclusive string, inclusive, other Op) (*boundRule, error) {
	switch {
	case p.has(name) && !bsonx.IsNumber(p.words[name]):
		return nil, schemaMismatch(name, "must be a number")
	case p.has(exclusive) && !p.has(name):
		return nil, schemaError(mongoerr.FailedToParse, name, "must be a present if "+exclusive+" is present")
	case p.has(exclusive) && p.words[exclusive].Type != bsonx.TypeBool:
		return nil, schemaMismatch(exclusive, "must be a boolean")
	case !p.has(name):
		return nil, nil
	}
	r := &boundRule{keyword: p.keyword(name), bound: &Node{Op: inclusive, Value: p.words[name]}}
	if p.has(exclusive) && bsonx.AsBool(p.words[exclusive]) {
		r.bound.Op, r.exclusive = other, p.keyword(exclusive)
	}
	return r, nil
}

func (p *schemaParser) strings() error {
	if p.has("pattern") {
		r := &patternRule{keyword: p.keyword("pattern")}
		if !isString(r.spec) {
			return schemaMismatch("pattern", "must be a string")
		}
		if !p.schema.root { // else it speaks of nothing, and may be anything.
			re, err := newRegex(strings.Clone(bsonx.Str(r.spec)), "")
			if err != nil {
				return err
			}
			r.re = re.re
			p.about(r, bsonx.TypeString)
		}
	}
	for _, name := range []string{"maxLength", "minLength"} {
		l, ok, err := p.count(name)
		if err != nil {
			return err
		}
		if ok {
			p.about(&lengthRule{l}, bsonx.TypeString)
		}
	}
	return nil
}

// count parses a keyword that bounds a number of something; ok tells whether it is there.
func (p *schemaParser) count(name string) (l countLimit, ok bool, err error) {
	if !p.has(name) {
		return l, false, nil
	}
	n, problem := integer(name, p.words[name])
	if problem == "" && n < 0 {
		problem = "Expected a non-negative number in: " + element(name, p.words[name])
	}
	if problem != "" {
		return l, false, mongoerr.New(mongoerr.FailedToParse, problem)
	}
	return countLimit{p.keyword(name), n, strings.HasPrefix(name, "min")}, true, nil
}

// logical parses the keywords that join schemas.
func (p *schemaParser) logical() error {
	for _, name := range []string{"allOf", "anyOf", "oneOf"} {
		if !p.has(name) {
			continue
		}
		if !isArray(p.words[name]) {
			return schemaMismatch(name, "must be an array")
		}
		r := &manyRule{name: name}
		for _, v := range listed(p.words[name]) {
			if !isObject(v) {
				return schemaMismatch(name, "must be an array of objects, but found an element of type "+bsonx.TypeName(v.Type))
			}
			s, err := parseSchema(bsonx.AsDoc(v), p.schema.root)
			if err != nil {
				return err
			}
			r.list = append(r.list, s)
		}
		if len(r.list) == 0 {
			return schemaError(mongoerr.BadValue, name, "must be a non-empty array")
		}
		r.least, r.most = 1, len(r.list)
		switch name {
		case "allOf":
			r.least = len(r.list)
		case "oneOf":
			r.most = 1
		}
		p.always(r)
	}
	if !p.has("not") {
		return nil
	}
	v := p.words["not"]
	if !isObject(v) {
		return schemaMismatch("not", "must be an object, but found an element of type "+bsonx.TypeName(v.Type))
	}
	s, err := parseSchema(bsonx.AsDoc(v), p.schema.root)
	p.always(&notRule{s})
	return err
}

func (p *schemaParser) enum() error {
	if !p.has("enum") {
		return nil
	}
	r := &enumRule{keyword: p.keyword("enum"), never: p.schema.root}
	if !isArray(r.spec) {
		return schemaMismatch("enum", "must be an array, but found an element of type "+bsonx.TypeName(r.spec.Type))
	}
	for _, v := range listed(r.spec) {
		if slices.ContainsFunc(r.values, func(e bsonx.Value) bool { return equalUnordered(e, v) }) {
			return schemaError(mongoerr.FailedToParse, "enum", "array cannot contain duplicate values.")
		}
		r.values = append(r.values, v)
		r.never = r.never && !isObject(v)
	}
	if len(r.values) == 0 {
		return schemaError(mongoerr.FailedToParse, "enum", "cannot be an empty array")
	}
	p.always(r)
	return nil
}

// listed are the values of an array.
func listed(v bsonx.Value) (list []bsonx.Value) {
	for _, e := range bsonx.All(bsonx.AsDoc(v)) {
		list = append(list, e)
	}
	return list
}

func containsString(list []bsonx.Value, v bsonx.Value) bool {
	return slices.ContainsFunc(list, func(e bsonx.Value) bool { return bsonx.Str(e) == bsonx.Str(v) })
}
