package exec

import (
	"bytes"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/keyenc"
	"github.com/pandodb/pando/internal/query"
)

// extreme is $min (want < 0) and $max.
type extreme struct {
	want int
	v    bsonx.Value
}

func (e *extreme) add(_ bsonx.Doc, v bsonx.Value) (int64, error) {
	if bsonx.IsNullish(v) {
		return 0, nil
	}
	if bsonx.IsMissing(e.v) || bsonx.Compare(v, e.v)*e.want >= 0 {
		return set1(&e.v, v), nil
	}
	return 0, nil
}

func (e *extreme) result(*expr.Context) bsonx.Value { return orNull(e.v) }

// set1 replaces a held value by a copy of another, in the same memory if it fits.
func set1(held *bsonx.Value, v bsonx.Value) int64 {
	grown := len(v.Data) - len(held.Data)
	held.Type, held.Data = v.Type, append(held.Data[:0], v.Data...)
	return int64(grown)
}

// first is $first.
type first struct {
	v   bsonx.Value
	any bool
}

func (f *first) add(_ bsonx.Doc, v bsonx.Value) (int64, error) {
	if f.any {
		return 0, nil
	}
	f.any = true
	return set1(&f.v, v), nil
}

func (f *first) result(*expr.Context) bsonx.Value { return orNull(f.v) }

// last is $last.
type last struct{ v bsonx.Value }

func (l *last) add(_ bsonx.Doc, v bsonx.Value) (int64, error) { return set1(&l.v, v), nil }
func (l *last) result(*expr.Context) bsonx.Value              { return orNull(l.v) }

// push is $push, and $firstN, which ends at max and takes a missing value for null.
type push struct {
	max   int64 // negative: all.
	nulls bool
	n     int64
	body  []byte // the array's elements.
}

func (p *push) add(_ bsonx.Doc, v bsonx.Value) (int64, error) {
	if p.max >= 0 && p.n >= p.max {
		return 0, nil
	}
	if bsonx.IsMissing(v) {
		if !p.nulls {
			return 0, nil
		}
		v = bsonx.Null
	}
	before := len(p.body)
	p.body = appendElement(p.body, int(p.n), v)
	p.n++
	return int64(len(p.body) - before), nil
}

func (p *push) result(*expr.Context) bsonx.Value { return arrayOf(p.body) }

// appendElement appends one element of an array.
func appendElement(dst []byte, i int, v bsonx.Value) []byte {
	dst = append(dst, byte(v.Type))
	dst = append(dst, bsonx.Index(i)...)
	dst = append(dst, 0)
	return append(dst, v.Data...)
}

// arrayOf wraps an array's elements.
func arrayOf(body []byte) bsonx.Value {
	n := len(body) + 5
	data := make([]byte, 4, n)
	data[0], data[1], data[2], data[3] = byte(n), byte(n>>8), byte(n>>16), byte(n>>24)
	return bsonx.ArrayValue(append(append(data, body...), 0))
}

func arrayOfValues(values []bsonx.Value) bsonx.Value {
	var body []byte
	for i, v := range values {
		body = appendElement(body, i, v)
	}
	return arrayOf(body)
}

// tail is $lastN.
type tail struct {
	max  int64
	held []bsonx.Value
}

func (t *tail) add(_ bsonx.Doc, v bsonx.Value) (int64, error) {
	grown := int64(len(v.Data) + entryBytes)
	if int64(len(t.held)) == t.max {
		grown -= int64(len(t.held[0].Data) + entryBytes)
		t.held = append(t.held[:0], t.held[1:]...)
	}
	t.held = append(t.held, clone(orNull(v)))
	return grown, nil
}

func (t *tail) result(*expr.Context) bsonx.Value { return arrayOfValues(t.held) }

// set is $addToSet. The values stand in the order in which they were met.
type set struct {
	push
	seen map[string]struct{}
	key  []byte
}

func (s *set) add(doc bsonx.Doc, v bsonx.Value) (int64, error) {
	if bsonx.IsMissing(v) {
		return 0, nil
	}
	s.key = keyenc.Append(s.key[:0], v, false)
	if _, has := s.seen[string(s.key)]; has {
		return 0, nil
	}
	s.seen[string(s.key)] = struct{}{}
	s.max = -1
	grown, err := s.push.add(doc, v)
	return grown + int64(len(s.key)+entryBytes), err
}

// merge is $mergeObjects.
type merge struct{ doc bsonx.Doc }

func (m *merge) add(_ bsonx.Doc, v bsonx.Value) (int64, error) {
	if bsonx.IsNullish(v) {
		return 0, nil
	}
	if v.Type != bsonx.TypeDocument {
		return 0, fail(5911200, "$mergeObjects only supports objects")
	}
	b := bsonx.NewBuilder(nil)
	for it := bsonx.Walk(m.doc); it.Next(); {
		now := bsonx.Get(bsonx.AsDoc(v), it.Key())
		if bsonx.IsMissing(now) {
			now = it.Value()
		}
		b.Value(it.Key(), now)
	}
	for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
		if bsonx.IsMissing(bsonx.Get(m.doc, it.Key())) {
			b.Value(it.Key(), it.Value())
		}
	}
	before := len(m.doc)
	m.doc = b.Doc()
	return int64(len(m.doc) - before), nil
}

func (m *merge) result(*expr.Context) bsonx.Value {
	if m.doc == nil {
		return bsonx.DocValue(bsonx.Empty)
	}
	return bsonx.DocValue(m.doc)
}

// ranked is $minN, $maxN, $top, $bottom and their N forms: the best max values by
// themselves or by a sort of their documents.
type ranked struct {
	max      int64
	sort     *query.Sort // nil: by the values,
	desc     bool        // the greatest first.
	bottom   bool        // the last max in the order, and not the first.
	list     bool        // the result is an array.
	skipNull bool
	held     []rankedValue // ascending.
	key      []byte
}

type rankedValue struct {
	key []byte
	v   bsonx.Value
}

func (r *ranked) add(doc bsonx.Doc, v bsonx.Value) (int64, error) {
	if r.skipNull && bsonx.IsNullish(v) {
		return 0, nil
	}
	if r.sort == nil {
		r.key = keyenc.Append(r.key[:0], v, r.desc)
	} else {
		var err error
		if r.key, err = r.sort.AppendKey(r.key[:0], doc); err != nil {
			return 0, err
		}
	}
	// Among equals the one that came first stands first.
	at, _ := slices.BinarySearchFunc(r.held, r.key, func(h rankedValue, key []byte) int {
		if bytes.Compare(h.key, key) <= 0 {
			return -1
		}
		return 1
	})
	grown := int64(len(r.key) + len(v.Data) + entryBytes)
	if full := int64(len(r.held)) == r.max; full {
		drop := len(r.held) - 1
		if r.bottom {
			drop = 0
		}
		if !r.bottom && at > drop || r.bottom && at == 0 {
			return 0, nil
		}
		grown -= int64(len(r.held[drop].key) + len(r.held[drop].v.Data) + entryBytes)
		r.held = slices.Delete(r.held, drop, drop+1)
		if r.bottom {
			at--
		}
	}
	r.held = slices.Insert(r.held, at, rankedValue{bytes.Clone(r.key), clone(orNull(v))})
	return grown, nil
}

func (r *ranked) result(*expr.Context) bsonx.Value {
	if !r.list {
		if len(r.held) == 0 {
			return bsonx.Null
		}
		return r.held[0].v
	}
	values := make([]bsonx.Value, len(r.held))
	for i, h := range r.held {
		values[i] = h.v
	}
	return arrayOfValues(values)
}
