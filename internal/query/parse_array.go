package query

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
)

func (p *parser) size(path string, v bsonx.Value) (*Node, error) {
	n, problem := integer("$size", v)
	switch {
	case problem != "":
		return nil, bad("Failed to parse $size. %s", problem)
	case n != int64(int32(n)):
		return nil, bad("Failed to parse $size. Cannot represent %s in an int", element("$size", v))
	case n < 0:
		return nil, bad("Failed to parse $size. Expected a non-negative number in: %s", element("$size", v))
	}
	return (&Node{Op: OpSize, N: n}).setPath(path), nil
}

// all parses $all: every value is somewhere in the array, or every $elemMatch
// finds an element.
func (p *parser) all(path string, v bsonx.Value) (*Node, error) {
	if v.Type != bsonx.TypeArray {
		return nil, bad("$all needs an array")
	}
	_, first := bsonx.First(bsonx.AsDoc(v))
	if bsonx.IsMissing(first) {
		return &Node{Op: OpAlwaysFalse}, nil
	}
	if isElemMatch(first) {
		return p.allElemMatch(path, bsonx.AsDoc(v))
	}
	var nodes []*Node
	for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
		e := it.Value()
		if isOperators(e) {
			return nil, bad("no $ expressions in $all")
		}
		n, err := p.field("", e, elemLevel) // a value or a regular expression.
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n.setPath(path))
	}
	return and(nodes), nil
}

func isElemMatch(v bsonx.Value) bool {
	if v.Type != bsonx.TypeDocument {
		return false
	}
	name, _ := bsonx.First(bsonx.AsDoc(v))
	return name == "$elemMatch"
}

func (p *parser) allElemMatch(path string, list bsonx.Doc) (*Node, error) {
	var nodes []*Node
	for it := bsonx.Walk(list); it.Next(); {
		if !isElemMatch(it.Value()) {
			return nil, bad("$all/$elemMatch has to be consistent")
		}
		_, operand := bsonx.First(bsonx.AsDoc(it.Value()))
		n, err := p.elemMatch(path, operand)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return and(nodes), nil
}

// elemMatch parses both forms: of operators on the elements themselves, and of a
// filter on elements that are documents.
func (p *parser) elemMatch(path string, v bsonx.Value) (*Node, error) {
	if v.Type != bsonx.TypeDocument {
		return nil, bad("$elemMatch needs an Object")
	}
	doc := bsonx.AsDoc(v)
	if onValues(v) {
		nodes, err := p.operators("", doc)
		if err != nil {
			return nil, err
		}
		return (&Node{Op: OpElemValue, Children: []*Node{and(nodes)}}).setPath(path), nil
	}
	inner, err := p.document(doc, elemLevel)
	if err != nil {
		return nil, err
	}
	return (&Node{Op: OpElemMatch, Children: []*Node{inner}}).setPath(path), nil
}

// onValues tells which form an $elemMatch is of: its first name is an operator
// that a filter document could not begin with.
func onValues(v bsonx.Value) bool {
	if !isOperators(v) {
		return false
	}
	switch name, _ := bsonx.First(bsonx.AsDoc(v)); name {
	case "$and", "$or", "$nor", "$where", "$expr", "$text", "$jsonSchema", "$comment", "$alwaysTrue", "$alwaysFalse", "$sampleRate":
		return false
	default:
		return !isDBRefField(name) && !strings.HasPrefix(name, "$_internalSchema")
	}
}

// isFieldOperator tells whether a document begins with an operator that is for a
// field's value. $not is none here: the server does not take it in $pull.
func isFieldOperator(v bsonx.Value) bool {
	switch name, _ := bsonx.First(bsonx.AsDoc(v)); name {
	case "$eq", "$ne", "$lt", "$lte", "$gt", "$gte", "$in", "$nin", "$exists", "$type", "$mod",
		"$regex", "$options", "$size", "$all", "$elemMatch", "$bitsAllSet", "$bitsAnySet", "$bitsAllClear",
		"$bitsAnyClear", "$near", "$nearSphere", "$geoNear", "$geoWithin", "$within", "$geoIntersects":
		return true
	}
	return false
}
