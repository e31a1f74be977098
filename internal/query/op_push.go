package query

import (
	"math"
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
)

// push is $push with its modifiers, in the order in which they act.
type push struct {
	creator
	each     []bsonx.Value
	position int64 // math.MaxInt64: at the end.
	sort     *elementSort
	slice    int64
	sliced   bool
}

func newPush(_ string, v bsonx.Value) (operator, error) {
	p := &push{position: math.MaxInt64}
	if v.Type != bsonx.TypeDocument || bsonx.IsMissing(bsonx.Get(bsonx.AsDoc(v), "$each")) {
		p.each = []bsonx.Value{v}
		return p, nil
	}
	var position, slice, sort bsonx.Value
	for name, v := range bsonx.All(bsonx.AsDoc(v)) {
		switch name {
		case "$each":
			if v.Type != bsonx.TypeArray {
				return nil, bad("The argument to $each in $push must be an array but it was of type: %s", bsonx.TypeName(v.Type))
			}
			p.each = elements(v)
		case "$position":
			position = v
		case "$slice":
			slice = v
		case "$sort":
			sort = v
		default:
			return nil, bad("Unrecognized clause in $push: %s", name)
		}
	}
	return p, p.modify(position, slice, sort)
}

// modify reads the modifiers that were given, in the order in which the server judges them.
func (p *push) modify(position, slice, sort bsonx.Value) (err error) {
	if !bsonx.IsMissing(slice) {
		if p.slice, p.sliced = bsonx.ToInt64Exact(slice); !p.sliced {
			return bad("The value for $slice must be an integer value but was given type: %s", bsonx.TypeName(slice.Type))
		}
	}
	if !bsonx.IsMissing(sort) {
		if p.sort, err = newElementSort(sort); err != nil {
			return err
		}
	}
	if !bsonx.IsMissing(position) {
		n, ok := bsonx.ToInt64Exact(position)
		if !ok {
			return bad("The value for $position must be an integer value, not of type: %s", bsonx.TypeName(position.Type))
		}
		p.position = n
	}
	return nil
}

// elements lists an array's elements.
func elements(array bsonx.Value) []bsonx.Value {
	list := []bsonx.Value{}
	for it := bsonx.Walk(bsonx.AsDoc(array)); it.Next(); {
		list = append(list, it.Value())
	}
	return list
}

func (p *push) apply(a *application, key string, v bsonx.Value) (outcome, error) {
	if v.Type != bsonx.TypeArray && v.Type != bsonx.TypeMissing {
		return same, bad("The field '%s' must be an array but is of type %s in document {%s}", a.where(), bsonx.TypeName(v.Type), a.idElement())
	}
	if p.sort == nil && !p.sliced && p.position == math.MaxInt64 {
		return p.atEnd(a, key, v)
	}
	list := []bsonx.Value{}
	if v.Type == bsonx.TypeArray {
		list = elements(v)
	}
	n := len(list)
	list = p.arrange(list)
	if v.Type == bsonx.TypeArray && len(p.each) == 0 && len(list) == n && (p.sort == nil || n == 0) {
		return same, nil
	}
	a.array(key, list)
	return wrote, nil
}

// atEnd is the plain $push, which copies the array in one piece.
func (p *push) atEnd(a *application, key string, v bsonx.Value) (outcome, error) {
	n := 0
	if v.Type == bsonx.TypeArray {
		if len(p.each) == 0 {
			return same, nil
		}
		n = bsonx.Len(bsonx.AsDoc(v))
	}
	a.b.OpenArray(key)
	a.b.Fields(bsonx.AsDoc(v))
	for i, e := range p.each {
		a.b.Value(bsonx.Index(n+i), e)
	}
	a.b.Close()
	return wrote, nil
}

// arrange inserts, sorts and cuts.
func (p *push) arrange(list []bsonx.Value) []bsonx.Value {
	n := int64(len(list))
	at := min(p.position, n)
	if p.position < 0 {
		at = max(n+p.position, 0)
	}
	list = slices.Insert(list, int(at), p.each...)
	if p.sort != nil {
		slices.SortStableFunc(list, p.sort.compare)
	}
	n = int64(len(list))
	switch {
	case !p.sliced:
	case p.slice >= 0:
		list = list[:min(p.slice, n)]
	default:
		list = list[max(n+p.slice, 0):]
	}
	return list
}

// elementSort is $push's $sort: by the whole element, or by fields of elements
// that are documents.
type elementSort struct {
	sign   int
	fields []elementSortField
}

type elementSortField struct {
	parts []string
	sign  int
}

func newElementSort(v bsonx.Value) (*elementSort, error) {
	if bsonx.IsNumber(v) {
		n, ok := sortDirection(v)
		if !ok {
			return nil, bad("The $sort element value must be either 1 or -1")
		}
		return &elementSort{sign: n}, nil
	}
	if v.Type != bsonx.TypeDocument {
		return nil, bad("The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to sort embedded fields")
	}
	s := &elementSort{}
	for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
		n, ok := sortDirection(it.Value())
		if !ok {
			return nil, bad("The sort element value must be either 1 or -1")
		}
		if it.Key() == "" {
			return nil, bad("The sort field cannot be empty")
		}
		parts := strings.Split(it.Key(), ".")
		if slices.Contains(parts, "") {
			return nil, bad("The sort field is a dotted field but has an empty part: %s", it.Key())
		}
		s.fields = append(s.fields, elementSortField{parts, n})
	}
	if len(s.fields) == 0 {
		return nil, bad("The sort pattern is empty when it should be a set of fields.")
	}
	return s, nil
}

func sortDirection(v bsonx.Value) (int, bool) {
	n, ok := bsonx.ToInt64Exact(v)
	return int(n), ok && (n == 1 || n == -1)
}

func (s *elementSort) compare(a, b bsonx.Value) int {
	if s.fields == nil {
		return bsonx.Compare(a, b) * s.sign
	}
	for _, f := range s.fields {
		if c := bsonx.Compare(f.of(a), f.of(b)); c != 0 {
			return c * f.sign
		}
	}
	return 0
}

// of is the field's value in an element; null if there is none.
func (f elementSortField) of(v bsonx.Value) bsonx.Value {
	if v.Type != bsonx.TypeDocument {
		return bsonx.Null
	}
	for _, p := range f.parts {
		if v.Type != bsonx.TypeDocument && v.Type != bsonx.TypeArray {
			return bsonx.Null
		}
		v = bsonx.Get(bsonx.AsDoc(v), p)
	}
	if v.Type == bsonx.TypeMissing {
		return bsonx.Null
	}
	return v
}
