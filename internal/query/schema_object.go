package query

import (
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
)

// demand is a part of a rule about objects that is told of by itself.
type demand interface {
	keeps(doc bsonx.Doc) (bool, error)
	tell(b *bsonx.Builder, doc bsonx.Doc) // what is wrong with a document that breaks it.
}

// demandsRule is properties, patternProperties or dependencies: a document keeps
// it that keeps all of its demands.
type demandsRule struct {
	name   string
	broken string // what the list of broken demands is called.
	list   []demand
}

func (r *demandsRule) keeps(v bsonx.Value) (bool, error) {
	if !isObject(v) {
		return true, nil
	}
	for _, d := range r.list {
		if ok, err := d.keeps(bsonx.AsDoc(v)); !ok {
			return false, err
		}
	}
	return true, nil
}

func (r *demandsRule) tell(b *bsonx.Builder, v bsonx.Value) {
	doc := bsonx.AsDoc(v)
	b.String("operatorName", r.name)
	b.OpenArray(r.broken)
	n := 0
	for _, d := range r.list {
		if ok, _ := d.keeps(doc); ok {
			continue
		}
		b.OpenDoc(bsonx.Index(n))
		d.tell(b, doc)
		b.Close()
		n++
	}
	b.Close()
}

func (p *property) tell(b *bsonx.Builder, doc bsonx.Doc) {
	b.String("propertyName", p.name)
	p.schema.tellNames(b)
	p.schema.tellDetails(b, p.value(doc))
}

// patternProperty is a schema for all properties with names of a kind.
type patternProperty struct {
	pattern string
	re      *expr.Regex
	schema  *Schema
}

// broken is the first property of the kind that breaks the schema; missing if
// there is none.
func (p *patternProperty) broken(doc bsonx.Doc) (name string, v bsonx.Value, err error) {
	for it := bsonx.Walk(doc); it.Next(); {
		ok, err := p.re.Match(it.Key())
		if err == nil && ok {
			ok, err = p.schema.keeps(it.Value())
			ok = !ok
		}
		if ok || err != nil {
			return it.Key(), it.Value(), err
		}
	}
	return "", bsonx.Missing, nil
}

func (p *patternProperty) keeps(doc bsonx.Doc) (bool, error) {
	_, broken, err := p.broken(doc)
	return bsonx.IsMissing(broken), err
}

func (p *patternProperty) tell(b *bsonx.Builder, doc bsonx.Doc) {
	name, broken, _ := p.broken(doc)
	b.String("propertyName", name)
	p.schema.tellNames(b)
	b.String("regexMatched", p.pattern)
	p.schema.tellDetails(b, broken)
}

// otherPropertiesRule is additionalProperties: about those that neither properties
// nor patternProperties speak of. Without a schema there may be none.
type otherPropertiesRule struct {
	keyword
	named    []*property
	patterns []*patternProperty
	schema   *Schema
}

// other tells whether a property is one of them.
func (r *otherPropertiesRule) other(name string) (bool, error) {
	if slices.ContainsFunc(r.named, func(p *property) bool { return p.name == name }) {
		return false, nil
	}
	for _, p := range r.patterns {
		if ok, err := p.re.Match(name); ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// broken is the first that must not be, or not be what it is.
func (r *otherPropertiesRule) broken(doc bsonx.Doc) (name string, v bsonx.Value, err error) {
	for it := bsonx.Walk(doc); it.Next(); {
		other, err := r.other(it.Key())
		if err == nil && other && r.schema != nil {
			other, err = r.schema.keeps(it.Value())
			other = !other
		}
		if other || err != nil {
			return it.Key(), it.Value(), err
		}
	}
	return "", bsonx.Missing, nil
}

func (r *otherPropertiesRule) keeps(v bsonx.Value) (bool, error) {
	if !isObject(v) {
		return true, nil
	}
	_, broken, err := r.broken(bsonx.AsDoc(v))
	return bsonx.IsMissing(broken), err
}

func (r *otherPropertiesRule) tell(b *bsonx.Builder, v bsonx.Value) {
	if r.schema != nil {
		name, broken, _ := r.broken(bsonx.AsDoc(v))
		b.String("operatorName", r.name)
		r.schema.tellNames(b)
		b.String("reason", "at least one additional property did not match the subschema")
		b.String("failingProperty", name)
		r.schema.tellDetails(b, broken)
		return
	}
	r.tellKeyword(b)
	b.OpenArray(r.name)
	n := 0
	for name := range bsonx.All(bsonx.AsDoc(v)) {
		if other, _ := r.other(name); other {
			b.String(bsonx.Index(n), name)
			n++
		}
	}
	b.Close()
}

// requiredRule is required. Its list is sorted.
type requiredRule struct {
	keyword
	list []property
}

func (r *requiredRule) keeps(v bsonx.Value) (bool, error) {
	return !isObject(v) || hasAll(bsonx.AsDoc(v), r.list), nil
}

func hasAll(doc bsonx.Doc, list []property) bool {
	for i := range list {
		if !list[i].in(doc) {
			return false
		}
	}
	return true
}

func (r *requiredRule) tell(b *bsonx.Builder, v bsonx.Value) {
	r.tellKeyword(b)
	tellAbsent(b, bsonx.AsDoc(v), r.list)
}

func tellAbsent(b *bsonx.Builder, doc bsonx.Doc, list []property) {
	b.OpenArray("missingProperties")
	n := 0
	for i := range list {
		if !list[i].in(doc) {
			b.String(bsonx.Index(n), list[i].name)
			n++
		}
	}
	b.Close()
}

// fieldCountRule is minProperties or maxProperties.
type fieldCountRule struct{ countLimit }

func (r *fieldCountRule) keeps(v bsonx.Value) (bool, error) {
	return !isObject(v) || r.allows(bsonx.Len(bsonx.AsDoc(v))), nil
}

func (r *fieldCountRule) tell(b *bsonx.Builder, v bsonx.Value) {
	r.tellKeyword(b)
	b.String("reason", "specified number of properties was not satisfied")
	b.Int32("numberOfProperties", int32(bsonx.Len(bsonx.AsDoc(v))))
}

// dependency is what a document that has a property must have too, or be.
type dependency struct {
	of     property
	needs  []property
	schema *Schema // nil: needs.
}

func (d *dependency) keeps(doc bsonx.Doc) (bool, error) {
	switch {
	case !d.of.in(doc):
		return true, nil
	case d.schema != nil:
		return d.schema.keeps(bsonx.DocValue(doc))
	}
	return hasAll(doc, d.needs), nil
}

func (d *dependency) tell(b *bsonx.Builder, doc bsonx.Doc) {
	b.String("conditionalProperty", d.of.name)
	if d.schema != nil {
		d.schema.tellDetails(b, bsonx.DocValue(doc))
		return
	}
	tellAbsent(b, doc, d.needs)
}
