package query

import "github.com/pandodb/pando/internal/bsonx"

// manyRule is allOf, anyOf or oneOf.
type manyRule struct {
	name        string
	least, most int // of the schemas must be kept.
	list        []*Schema
}

// keeps counts the schemas that a value keeps, no further than it needs.
func (r *manyRule) keeps(v bsonx.Value) (bool, error) {
	n := 0
	for i, s := range r.list {
		ok, err := s.keeps(v)
		switch {
		case err != nil:
			return false, err
		case ok:
			n++
		case n+len(r.list)-i-1 < r.least:
			return false, nil
		}
		if n > r.most {
			return false, nil
		}
		if n >= r.least && r.most == len(r.list) {
			return true, nil
		}
	}
	return n >= r.least, nil
}

func (r *manyRule) tell(b *bsonx.Builder, v bsonx.Value) {
	b.String("operatorName", r.name)
	var kept []int
	for i, s := range r.list {
		if ok, _ := s.keeps(v); ok {
			kept = append(kept, i)
		}
	}
	if len(kept) > r.most {
		b.String("reason", "more than one subschema matched")
		b.OpenArray("matchingSchemaIndexes")
		for n, i := range kept {
			b.Int32(bsonx.Index(n), int32(i))
		}
		b.Close()
		return
	}
	b.OpenArray("schemasNotSatisfied")
	n := 0
	for i, s := range r.list {
		if ok, _ := s.keeps(v); ok {
			continue
		}
		b.OpenDoc(bsonx.Index(n))
		b.Int32("index", int32(i))
		if !s.never {
			s.tellNames(b)
		}
		s.tellDetails(b, v)
		b.Close()
		n++
	}
	b.Close()
}

// notRule is not.
type notRule struct{ schema *Schema }

func (r *notRule) keeps(v bsonx.Value) (bool, error) {
	ok, err := r.schema.keeps(v)
	return !ok && err == nil, err
}

func (r *notRule) tell(b *bsonx.Builder, _ bsonx.Value) {
	b.String("operatorName", "not")
	b.String("reason", "child expression matched")
}
