package query

import (
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/keyenc"
	"github.com/pandodb/pando/internal/mongoerr"
)

// addToSet is $addToSet; of its values no two are equal.
type addToSet struct {
	creator
	values []bsonx.Value
}

func newAddToSet(_ string, v bsonx.Value) (operator, error) {
	if v.Type != bsonx.TypeDocument {
		return &addToSet{values: []bsonx.Value{v}}, nil
	}
	first, each := bsonx.First(bsonx.AsDoc(v))
	if first != "$each" {
		return &addToSet{values: []bsonx.Value{v}}, nil
	}
	if each.Type != bsonx.TypeArray {
		return nil, mongoerr.Newf(mongoerr.TypeMismatch, "The argument to $each in $addToSet must be an array but it was of type %s", bsonx.TypeName(each.Type))
	}
	if bsonx.Len(bsonx.AsDoc(v)) > 1 {
		return nil, bad("Found unexpected fields after $each in $addToSet: %s", bsonx.ShellString(v))
	}
	s := &addToSet{}
	var seen valueSet
	for _, e := range elements(each) {
		if seen.add(e) {
			s.values = append(s.values, e)
		}
	}
	return s, nil
}

// valueSet is values no two of which are equal: few of them are compared one by one,
// of more the keys are kept, since a client may send, and a document hold, a million.
type valueSet struct {
	few  []bsonx.Value
	keys map[string]struct{}
	key  []byte // scratch.
}

// valuesFew is how many values are as quickly compared as looked up.
const valuesFew = 16

// add adds v, which the set borrows, and tells whether it was not there.
func (s *valueSet) add(v bsonx.Value) bool {
	if s.has(v) {
		return false
	}
	if s.keys == nil && len(s.few) < valuesFew {
		s.few = append(s.few, v)
		return true
	}
	if s.keys == nil {
		s.keys = map[string]struct{}{}
		for _, e := range s.few {
			s.keys[string(keyenc.Append(nil, e, false))] = struct{}{}
		}
		s.key = keyenc.Append(s.key[:0], v, false)
	}
	s.keys[string(s.key)] = struct{}{}
	return true
}

// has tells whether a value equal to v is there.
func (s *valueSet) has(v bsonx.Value) bool {
	if s.keys == nil {
		return slices.ContainsFunc(s.few, func(e bsonx.Value) bool { return bsonx.Equal(e, v) })
	}
	s.key = keyenc.Append(s.key[:0], v, false)
	_, ok := s.keys[string(s.key)]
	return ok
}

// lacking returns those of want that equal none of have.
func lacking(have, want []bsonx.Value) []bsonx.Value {
	if len(want) == 1 {
		if slices.ContainsFunc(have, func(e bsonx.Value) bool { return bsonx.Equal(e, want[0]) }) {
			return nil
		}
		return want
	}
	var held valueSet
	for _, e := range have {
		held.add(e)
	}
	var out []bsonx.Value
	for _, e := range want {
		if !held.has(e) {
			out = append(out, e)
		}
	}
	return out
}

func (s *addToSet) apply(a *application, key string, v bsonx.Value) (outcome, error) {
	var missing []bsonx.Value
	n := 0
	switch v.Type {
	case bsonx.TypeMissing:
		missing, v = s.values, bsonx.ArrayValue(bsonx.Empty)
	case bsonx.TypeArray:
		have := elements(v)
		n = len(have)
		if missing = lacking(have, s.values); len(missing) == 0 {
			return same, nil
		}
	default:
		return same, bad("Cannot apply $addToSet to non-array field. Field named '%s' has non-array type %s", key, bsonx.TypeName(v.Type))
	}
	a.b.OpenArray(key)
	a.b.Fields(bsonx.AsDoc(v))
	for i, e := range missing {
		a.b.Value(bsonx.Index(n+i), e)
	}
	a.b.Close()
	return wrote, nil
}

// pop is $pop.
type pop struct {
	pruner
	first bool
}

func newPop(path string, v bsonx.Value) (operator, error) {
	n, problem := integer(path, v)
	if problem != "" {
		return nil, mongoerr.New(mongoerr.FailedToParse, problem)
	}
	if n != 1 && n != -1 {
		return nil, mongoerr.Newf(mongoerr.FailedToParse, "$pop expects 1 or -1, found: %s", bsonx.ShellString(v))
	}
	return pop{first: n == -1}, nil
}

func (p pop) apply(a *application, key string, v bsonx.Value) (outcome, error) {
	if v.Type != bsonx.TypeArray {
		return same, mongoerr.Newf(mongoerr.TypeMismatch, "Path '%s' contains an element of non-array type '%s'", a.where(), bsonx.TypeName(v.Type))
	}
	list := elements(v)
	if len(list) == 0 {
		return same, nil
	}
	if p.first {
		list = list[1:]
	} else {
		list = list[:len(list)-1]
	}
	a.array(key, list)
	return wrote, nil
}

// array writes an array of values.
func (a *application) array(key string, list []bsonx.Value) {
	a.b.OpenArray(key)
	for i, e := range list {
		a.b.Value(bsonx.Index(i), e)
	}
	a.b.Close()
}

// pull is $pull and $pullAll.
type pull struct {
	pruner
	matches func(bsonx.Value) bool
}

func newPullAll(_ string, v bsonx.Value) (operator, error) {
	if v.Type != bsonx.TypeArray {
		return nil, bad("$pullAll requires an array argument but was given a %s", bsonx.TypeName(v.Type))
	}
	list := slices.SortedFunc(slices.Values(elements(v)), bsonx.Compare)
	return &pull{matches: func(e bsonx.Value) bool {
		_, found := slices.BinarySearchFunc(list, e, bsonx.Compare)
		return found
	}}, nil
}

// newPull compiles $pull's condition: operators, which are for the elements as
// values; a document, which is a filter for elements that are documents; a
// regular expression; or a value to be equal to.
func newPull(_ string, v bsonx.Value) (operator, error) {
	p := parser{inArray: true}
	switch {
	case v.Type == bsonx.TypeRegex, onValues(v) && isFieldOperator(v):
		n, err := p.field("", v, elemLevel)
		if err != nil {
			return nil, err
		}
		return &pull{matches: func(e bsonx.Value) bool { return matchesAs(n, e) }}, nil
	case v.Type == bsonx.TypeDocument:
		n, err := p.document(bsonx.AsDoc(v), elemLevel)
		if err != nil {
			return nil, err
		}
		return &pull{matches: func(e bsonx.Value) bool {
			if e.Type != bsonx.TypeDocument {
				return false
			}
			var m match
			ok, _ := m.document(n, bsonx.AsDoc(e)) // nothing in it can fail.
			return ok
		}}, nil
	}
	return &pull{matches: func(e bsonx.Value) bool { return bsonx.Equal(e, v) }}, nil
}

func (p *pull) apply(a *application, key string, v bsonx.Value) (outcome, error) {
	if v.Type != bsonx.TypeArray {
		return same, bad("Cannot apply $pull to a non-array value")
	}
	list := elements(v)
	kept := slices.DeleteFunc(list, p.matches)
	if len(kept) == len(list) {
		return same, nil
	}
	a.array(key, kept)
	return wrote, nil
}
