package query

import (
	"unicode/utf8"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
)

// typeRule is type or bsonType.
type typeRule struct {
	keyword
	types TypeSet
}

func (r *typeRule) keeps(v bsonx.Value) (bool, error) { return r.types.Has(v.Type), nil }

func (r *typeRule) tell(b *bsonx.Builder, v bsonx.Value) {
	r.tellReason(b, "type did not match", v)
	b.String("consideredType", bsonx.TypeName(v.Type))
}

// enumRule compares documents without regard to the order of their fields.
type enumRule struct {
	keyword
	values []bsonx.Value
	never  bool // for the document itself, which none of the values can be.
}

func (r *enumRule) keeps(v bsonx.Value) (bool, error) {
	for _, e := range r.values {
		if equalUnordered(v, e) {
			return true, nil
		}
	}
	return false, nil
}

func (r *enumRule) tell(b *bsonx.Builder, v bsonx.Value) {
	if r.never {
		r.tellKeyword(b)
		b.String("reason", "expression always evaluates to false")
		return
	}
	r.tellReason(b, "value was not found in enum", v)
}

// boundRule is minimum or maximum.
type boundRule struct {
	keyword
	bound     *Node // OpGt, OpGte, OpLt or OpLte.
	exclusive keyword
}

func (r *boundRule) keeps(v bsonx.Value) (bool, error) {
	return !bsonx.IsNumber(v) || r.bound.compare(v), nil
}

func (r *boundRule) tell(b *bsonx.Builder, v bsonx.Value) {
	b.String("operatorName", r.name)
	b.OpenDoc("specifiedAs")
	b.Value(r.name, r.spec)
	if r.exclusive.name != "" {
		b.Value(r.exclusive.name, r.exclusive.spec)
	}
	b.Close()
	b.String("reason", "comparison failed")
	b.Value("consideredValue", v)
}

type multipleRule struct{ keyword }

func (r *multipleRule) keeps(v bsonx.Value) (bool, error) {
	return !bsonx.IsNumber(v) || expr.IsMultiple(v, r.spec), nil
}

func (r *multipleRule) tell(b *bsonx.Builder, v bsonx.Value) {
	r.tellReason(b, "considered value is not a multiple of the specified value", v)
}

// countLimit is a keyword that bounds a number of something.
type countLimit struct {
	keyword
	n       int64
	atLeast bool // n is the least number, not the greatest.
}

func (l *countLimit) allows(count int) bool {
	if l.atLeast {
		return int64(count) >= l.n
	}
	return int64(count) <= l.n
}

// lengthRule is minLength or maxLength, in code points.
type lengthRule struct{ countLimit }

func (r *lengthRule) keeps(v bsonx.Value) (bool, error) {
	return !isString(v) || r.allows(utf8.RuneCountInString(bsonx.Str(v))), nil
}

func (r *lengthRule) tell(b *bsonx.Builder, v bsonx.Value) {
	r.tellReason(b, "specified string length was not satisfied", v)
}

type patternRule struct {
	keyword
	re *expr.Regex
}

func (r *patternRule) keeps(v bsonx.Value) (bool, error) {
	if !isString(v) {
		return true, nil
	}
	return r.re.Match(bsonx.Str(v))
}

func (r *patternRule) tell(b *bsonx.Builder, v bsonx.Value) {
	r.tellReason(b, "regular expression did not match", v)
}

// equalUnordered tells whether two values are equal when documents with the same
// fields are, whatever the order of them.
func equalUnordered(a, b bsonx.Value) bool {
	if a.Type != b.Type || !isObject(a) && !isArray(a) {
		return bsonx.Equal(a, b)
	}
	x, y := bsonx.AsDoc(a), bsonx.AsDoc(b)
	if isArray(a) {
		i, j := bsonx.Walk(x), bsonx.Walk(y)
		for i.Next() {
			if !j.Next() || !equalUnordered(i.Value(), j.Value()) {
				return false
			}
		}
		return !j.Next()
	}
	n := 0
	for it := bsonx.Walk(x); it.Next(); n++ {
		if other := bsonx.Get(y, it.Key()); bsonx.IsMissing(other) || !equalUnordered(it.Value(), other) {
			return false
		}
	}
	return n == bsonx.Len(y)
}
