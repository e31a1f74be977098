package query

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
)

// Schema is a compiled $jsonSchema, or one inside it: rules that a value keeps or
// breaks one by one. Like a filter it never changes.
type Schema struct {
	source      bsonx.Doc // as it was written.
	title       bsonx.Value
	description bsonx.Value

	// rules are in the order in which the server tells of those that are broken.
	rules []rule

	// root is a schema for the document itself and not for a value in it: its type
	// is known. never is one that wants another type all the same.
	root, never bool
}

// rule is one keyword, with those that only say how it is meant.
type rule interface {
	// keeps tells whether the value keeps the rule. The error is a pattern's that
	// took too long.
	keeps(v bsonx.Value) (bool, error)

	// tell appends what is wrong with a value that breaks it.
	tell(b *bsonx.Builder, v bsonx.Value)
}

// Source is the schema as it was written.
func (s *Schema) Source() bsonx.Doc { return s.source }

// keeps tells whether a value keeps all rules.
func (s *Schema) keeps(v bsonx.Value) (bool, error) {
	if s.never {
		return false, nil
	}
	for _, r := range s.rules {
		if ok, err := r.keeps(v); !ok {
			return false, err
		}
	}
	return true, nil
}

// logical tells whether a rule joins schemas.
func logical(r rule) bool {
	switch r.(type) {
	case *manyRule, *notRule:
		return true
	}
	return false
}

// allowsAbsence tells whether no logical rule is broken by there being no value.
func (s *Schema) allowsAbsence() bool {
	for _, r := range s.rules {
		if !logical(r) {
			continue
		}
		if ok, _ := r.keeps(bsonx.Missing); !ok {
			return false
		}
	}
	return true
}

// Every keyword but the logical ones speaks of one kind of value, and any other
// keeps it.
func isString(v bsonx.Value) bool { return v.Type == bsonx.TypeString }
func isArray(v bsonx.Value) bool  { return v.Type == bsonx.TypeArray }
func isObject(v bsonx.Value) bool { return v.Type == bsonx.TypeDocument }

// property is a name in a document, and the schema for what is there. A name with
// dots is a path, as the server has it, which may lead to several values.
type property struct {
	name   string
	path   []string // nil: no dots.
	schema *Schema

	// required: the schema is held against its absence too. The document is refused
	// in any case; but the server then tells of the logical rules in it as well.
	required bool
}

func newProperty(name string, s *Schema) property {
	p := property{name: strings.Clone(name), schema: s}
	if strings.Contains(name, ".") {
		p.path = strings.Split(p.name, ".")
	}
	return p
}

// in tells whether a document has it.
func (p *property) in(doc bsonx.Doc) bool {
	if p.path == nil {
		return !bsonx.IsMissing(bsonx.Get(doc, p.name))
	}
	found := false
	valuesAt(doc, p.path, false, func(v bsonx.Value) { found = found || !bsonx.IsMissing(v) })
	return found
}

// keeps tells whether what a document has there keeps the schema. Of several
// values one is enough for each rule.
func (p *property) keeps(doc bsonx.Doc) (bool, error) {
	if p.path == nil {
		v := bsonx.Get(doc, p.name)
		if bsonx.IsMissing(v) {
			return !p.required || p.schema.allowsAbsence(), nil
		}
		return p.schema.keeps(v)
	}
	var values []bsonx.Value
	valuesAt(doc, p.path, false, func(v bsonx.Value) {
		if !bsonx.IsMissing(v) {
			values = append(values, v)
		}
	})
	for _, r := range p.schema.rules {
		kept := len(values) == 0
		for _, v := range values {
			ok, err := r.keeps(v)
			if err != nil {
				return false, err
			}
			kept = kept || ok
		}
		if !kept {
			return false, nil
		}
	}
	return true, nil
}

// value is what a document that breaks the schema has there, or the first of it
// that does.
func (p *property) value(doc bsonx.Doc) bsonx.Value {
	if p.path == nil {
		return bsonx.Get(doc, p.name)
	}
	broken := bsonx.Missing
	valuesAt(doc, p.path, false, func(v bsonx.Value) {
		if !bsonx.IsMissing(broken) || bsonx.IsMissing(v) {
			return
		}
		if ok, _ := p.schema.keeps(v); !ok {
			broken = v
		}
	})
	return broken
}

// valuesAt calls each with the values at a path, branching at arrays as filters
// do; those that are missing too, but for what no document could hold. With expand
// an array at its end stands for its elements.
func valuesAt(doc bsonx.Doc, path []string, expand bool, each func(bsonx.Value)) {
	valuesFrom(bsonx.Get(doc, path[0]), path[1:], expand, each)
}

func valuesFrom(v bsonx.Value, path []string, expand bool, each func(bsonx.Value)) {
	for ; v.Type == bsonx.TypeDocument && len(path) > 0; path = path[1:] {
		v = bsonx.Get(bsonx.AsDoc(v), path[0])
	}
	switch {
	case len(path) == 0 && expand && isArray(v):
		for _, e := range bsonx.All(bsonx.AsDoc(v)) {
			each(e)
		}
	case len(path) == 0:
		each(v)
	case !isArray(v):
		each(bsonx.Missing)
	default:
		for name, e := range bsonx.All(bsonx.AsDoc(v)) {
			if isObject(e) {
				valuesAt(bsonx.AsDoc(e), path, expand, each)
			}
			if name == path[0] && isIndex(name) {
				valuesFrom(e, path[1:], expand && len(path) > 1, each)
			}
		}
	}
}
