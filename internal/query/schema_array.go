package query

import (
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/keyenc"
)

// itemCountRule is minItems or maxItems.
type itemCountRule struct{ countLimit }

func (r *itemCountRule) keeps(v bsonx.Value) (bool, error) {
	return !isArray(v) || r.allows(bsonx.Len(bsonx.AsDoc(v))), nil
}

func (r *itemCountRule) tell(b *bsonx.Builder, v bsonx.Value) {
	r.tellReason(b, "array did not match specified length", v)
	b.Int32("numberOfItems", int32(bsonx.Len(bsonx.AsDoc(v))))
}

type uniqueRule struct{ keyword }

func (r *uniqueRule) keeps(v bsonx.Value) (bool, error) {
	return !isArray(v) || bsonx.IsMissing(duplicate(bsonx.AsDoc(v))), nil
}

func (r *uniqueRule) tell(b *bsonx.Builder, v bsonx.Value) {
	r.tellReason(b, "found a duplicate item", v)
	b.Value("duplicatedValue", duplicate(bsonx.AsDoc(v)))
}

// pairsMax is up to how many items each is compared with each: more are encoded,
// which costs memory and not the square of their number.
const pairsMax = 32

// duplicate is the first item that is equal to one before it; missing if there is none.
func duplicate(items bsonx.Doc) bsonx.Value {
	if bsonx.Len(items) > pairsMax {
		return duplicateOfMany(items)
	}
	for it, i := bsonx.Walk(items), 0; it.Next(); i++ {
		before := bsonx.Walk(items)
		for range i {
			before.Next()
			if equalUnordered(before.Value(), it.Value()) {
				return it.Value()
			}
		}
	}
	return bsonx.Missing
}

func duplicateOfMany(items bsonx.Doc) bsonx.Value {
	seen := map[string]bool{}
	var key []byte
	for _, v := range bsonx.All(items) {
		key = keyenc.Append(key[:0], ordered(v), false)
		if seen[string(key)] {
			return v
		}
		seen[string(key)] = true
	}
	return bsonx.Missing
}

// ordered is a value with the fields of its documents in the order of their
// names, so that what equalUnordered finds equal is equal.
func ordered(v bsonx.Value) bsonx.Value {
	if !isObject(v) && !isArray(v) {
		return v
	}
	type field struct {
		name  string
		value bsonx.Value
	}
	var fields []field
	for name, e := range bsonx.All(bsonx.AsDoc(v)) {
		fields = append(fields, field{name, ordered(e)})
	}
	if isObject(v) {
		slices.SortStableFunc(fields, func(a, b field) int {
			switch {
			case a.name < b.name:
				return -1
			case a.name > b.name:
				return 1
			}
			return 0
		})
	}
	b := bsonx.NewBuilder(nil)
	for _, f := range fields {
		b.Value(f.name, f.value)
	}
	return bsonx.Value{Type: v.Type, Data: b.Doc()}
}

// itemsRule is a schema for the items from the first on: all for items that is one
// schema, those behind the list of items for additionalItems.
type itemsRule struct {
	name, reason string
	from         int
	schema       *Schema
}

// broken is the first item that breaks the schema; missing if there is none.
func (r *itemsRule) broken(v bsonx.Value) (at int, item bsonx.Value, err error) {
	for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); at++ {
		if at < r.from {
			continue
		}
		if ok, err := r.schema.keeps(it.Value()); !ok {
			return at, it.Value(), err
		}
	}
	return at, bsonx.Missing, nil
}

func (r *itemsRule) keeps(v bsonx.Value) (bool, error) {
	if !isArray(v) {
		return true, nil
	}
	_, item, err := r.broken(v)
	return bsonx.IsMissing(item), err
}

func (r *itemsRule) tell(b *bsonx.Builder, v bsonx.Value) {
	at, item, _ := r.broken(v)
	b.String("operatorName", r.name)
	r.schema.tellNames(b)
	b.String("reason", r.reason)
	b.Int32("itemIndex", int32(at))
	r.schema.tellDetails(b, item)
}

// tupleRule is items that is a list of schemas, one for each position.
type tupleRule struct{ list []*Schema }

func (r *tupleRule) keeps(v bsonx.Value) (bool, error) {
	if !isArray(v) {
		return true, nil
	}
	it := bsonx.Walk(bsonx.AsDoc(v))
	for _, s := range r.list {
		if !it.Next() {
			break
		}
		if ok, err := s.keeps(it.Value()); !ok {
			return false, err
		}
	}
	return true, nil
}

func (r *tupleRule) tell(b *bsonx.Builder, v bsonx.Value) {
	b.String("operatorName", "items")
	b.OpenArray("details")
	it, n := bsonx.Walk(bsonx.AsDoc(v)), 0
	for i, s := range r.list {
		if !it.Next() {
			break
		}
		if ok, _ := s.keeps(it.Value()); ok {
			continue
		}
		b.OpenDoc(bsonx.Index(n))
		b.Int64("itemIndex", int64(i)) // a long, unlike that of one schema for all.
		s.tellDetails(b, it.Value())
		b.Close()
		n++
	}
	b.Close()
}

// noMoreItemsRule is additionalItems: false.
type noMoreItemsRule struct {
	keyword
	most int
}

func (r *noMoreItemsRule) keeps(v bsonx.Value) (bool, error) {
	return !isArray(v) || bsonx.Len(bsonx.AsDoc(v)) <= r.most, nil
}

func (r *noMoreItemsRule) tell(b *bsonx.Builder, v bsonx.Value) {
	r.tellKeyword(b)
	b.String("reason", "found additional items")
	b.OpenArray("additionalItems")
	i := 0
	for _, e := range bsonx.All(bsonx.AsDoc(v)) {
		if i >= r.most {
			b.Value(bsonx.Index(i-r.most), e)
		}
		i++
	}
	b.Close()
}
