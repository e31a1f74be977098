package query

import (
	"bytes"
	"unsafe"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/keyenc"
	"github.com/pandodb/pando/internal/mongoerr"
)

// sortRun finds the smallest of the keys that one document has. Fields that lead
// into the same array get their values from the same element.
type sortRun struct {
	sort *Sort
	dst  []byte // ends with the best key so far, from best on.
	best int
	have bool
}

// sortPlace is how far each field has come: it is done, with its value, or goes
// on in a document with what is left of its path.
type sortPlace struct {
	values [sortFieldsMax]bsonx.Value
	docs   [sortFieldsMax]bsonx.Doc
	nested [sortFieldsMax]bsonx.Value // an array that it goes on in instead, found by position in another.
	taken  [sortFieldsMax]int         // parts of the path that lie behind.
	done   [sortFieldsMax]bool
}

func (p *sortPlace) set(i int, v bsonx.Value) { p.values[i], p.done[i] = v, true }

// visit follows every field to its value or to an array, and goes through the array.
func (r *sortRun) visit(p *sortPlace) error {
	array := bsonx.Missing
	var within [sortFieldsMax]bool
	for i := range r.sort.fields {
		if p.done[i] {
			continue
		}
		parts := r.sort.parts[i]
		v, rest := p.nested[i], parts[p.taken[i]:]
		if v.Type == bsonx.TypeMissing {
			v, rest = follow(p.docs[i], rest)
		}
		p.nested[i] = bsonx.Missing
		if v.Type != bsonx.TypeArray {
			p.set(i, v)
			continue
		}
		if array.Type != bsonx.TypeMissing && unsafe.SliceData(array.Data) != unsafe.SliceData(v.Data) {
			return bad("cannot sort with keys that are parallel arrays")
		}
		array, within[i], p.taken[i] = v, true, len(parts)-len(rest)
	}
	if array.Type == bsonx.TypeMissing {
		r.emit(p)
		return nil
	}
	return r.elements(p, &within, bsonx.AsDoc(array))
}

// elements goes through an array that some fields lead into.
func (r *sortRun) elements(p *sortPlace, within *[sortFieldsMax]bool, array bsonx.Doc) error {
	spread := false
	for i := range r.sort.fields {
		if !within[i] {
			continue
		}
		atEnd := p.taken[i] == len(r.sort.parts[i])
		if len(array) <= len(bsonx.Empty) {
			v := bsonx.Null
			if atEnd {
				v = bsonx.Value{Type: bsonx.TypeUndefined}
			}
			p.set(i, v)
			continue
		}
		byPosition, err := r.position(p, i, array)
		if err != nil {
			return err
		}
		within[i] = !byPosition
		spread = spread || !byPosition
	}
	if !spread {
		return r.visit(p)
	}
	for it := bsonx.Walk(array); it.Next(); {
		next := *p
		for i := range r.sort.fields {
			switch e := it.Value(); {
			case !within[i]:
			case p.taken[i] == len(r.sort.parts[i]):
				next.set(i, e)
			case e.Type == bsonx.TypeDocument:
				next.docs[i] = bsonx.AsDoc(e)
			default:
				next.set(i, bsonx.Null)
			}
		}
		if err := r.visit(&next); err != nil {
			return err
		}
	}
	return nil
}

// position takes a field to the array's element that the next part of its path
// numbers, if it does. The number may not be a name within an element as well.
func (r *sortRun) position(p *sortPlace, i int, array bsonx.Doc) (bool, error) {
	parts := r.sort.parts[i]
	if p.taken[i] == len(parts) || !isIndex(parts[p.taken[i]]) {
		return false, nil
	}
	part := parts[p.taken[i]]
	v := bsonx.Get(array, part)
	if v.Type == bsonx.TypeMissing {
		return false, nil
	}
	for it := bsonx.Walk(array); it.Next(); {
		if e := it.Value(); e.Type == bsonx.TypeDocument && bsonx.Get(bsonx.AsDoc(e), part).Type != bsonx.TypeMissing {
			return false, mongoerr.Newf(16746, "Ambiguous field name found in array (do not use numeric field names in embedded elements in an array), field: '%s' for array: %s",
				part, bsonx.ShellString(bsonx.DocValue(array)))
		}
	}
	p.taken[i]++
	switch {
	case p.taken[i] == len(parts):
		if v.Type == bsonx.TypeArray && len(v.Data) <= len(bsonx.Empty) {
			v = bsonx.Value{Type: bsonx.TypeUndefined} // others count as a whole.
		}
		p.set(i, v)
	case v.Type == bsonx.TypeDocument:
		p.docs[i] = bsonx.AsDoc(v)
	case v.Type == bsonx.TypeArray:
		p.nested[i] = v
	default:
		p.set(i, bsonx.Null)
	}
	return true, nil
}

// emit encodes the values of all fields and keeps the key if it is the smallest.
func (r *sortRun) emit(p *sortPlace) {
	end := len(r.dst)
	for i, f := range r.sort.fields {
		r.dst = keyenc.Append(r.dst, p.values[i], f.Desc)
	}
	key := r.dst[end:]
	if r.have && bytes.Compare(key, r.dst[r.best:end]) >= 0 {
		r.dst = r.dst[:end]
		return
	}
	n := copy(r.dst[r.best:], key)
	r.dst = r.dst[:r.best+n]
	r.have = true
}
