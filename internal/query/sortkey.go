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
	sort  *Sort
	dst   []byte // ends with the best key so far, from best on.
	best  int
	have  bool
	stack []sortCursor
}

// sortCursor is how far one field has come: it is done, with its value, or goes
// on in a document or an array with what is left of its path.
type sortCursor struct {
	done  bool
	value bsonx.Value
	doc   bsonx.Doc
	array bsonx.Value // found by position in another array: it goes on in this instead.
	whole bool        // array is the end of the path: it counts as one value.
	rest  []string
	in    bool // it leads into the array at hand.
}

func (c *sortCursor) set(v bsonx.Value) { c.value, c.done = v, true }

// begin makes the cursors at the root of doc.
func (r *sortRun) begin(doc bsonx.Doc) []sortCursor {
	r.stack = make([]sortCursor, len(r.sort.fields), 4*len(r.sort.fields))
	for i := range r.stack {
		r.stack[i] = sortCursor{doc: doc, rest: r.sort.parts[i]}
	}
	return r.stack
}

// visit follows every field to its value or to an array, and goes through the array.
func (r *sortRun) visit(cursors []sortCursor) error {
	array := bsonx.Missing
	for i := range cursors {
		c := &cursors[i]
		c.in = false
		if c.done {
			continue
		}
		v := c.array
		if v.Type == bsonx.TypeMissing {
			v, c.rest = follow(c.doc, c.rest)
		}
		if v.Type != bsonx.TypeArray {
			c.set(v)
			continue
		}
		if array.Type != bsonx.TypeMissing && unsafe.SliceData(array.Data) != unsafe.SliceData(v.Data) {
			return bad("cannot sort with keys that are parallel arrays")
		}
		array, c.in, c.array = v, true, bsonx.Missing
	}
	if array.Type == bsonx.TypeMissing {
		r.emit(cursors)
		return nil
	}
	return r.elements(cursors, bsonx.AsDoc(array))
}

// elements goes through an array that some fields lead into.
func (r *sortRun) elements(cursors []sortCursor, array bsonx.Doc) error {
	spread := false
	for i := range cursors {
		c := &cursors[i]
		switch {
		case !c.in:
		case len(array) <= len(bsonx.Empty) && len(c.rest) == 0:
			c.set(bsonx.Value{Type: bsonx.TypeUndefined})
		case len(array) <= len(bsonx.Empty):
			c.set(bsonx.Null)
		case c.whole:
			c.set(bsonx.ArrayValue(array))
		default:
			placed, err := c.position(array)
			if err != nil {
				return err
			}
			c.in = !placed
			spread = spread || c.in
		}
	}
	if !spread {
		return r.visit(cursors)
	}
	for it := bsonx.Walk(array); it.Next(); {
		if err := r.element(cursors, it.Value()); err != nil {
			return err
		}
	}
	return nil
}

// element goes on with a copy of the cursors, of which some are in an array's element.
func (r *sortRun) element(cursors []sortCursor, e bsonx.Value) error {
	mark := len(r.stack)
	r.stack = append(r.stack, cursors...)
	next := r.stack[mark:]
	for i := range next {
		switch c := &next[i]; {
		case !c.in || c.done:
		case len(c.rest) == 0:
			c.set(e)
		case e.Type == bsonx.TypeDocument:
			c.doc = bsonx.AsDoc(e)
		default:
			c.set(bsonx.Null)
		}
	}
	err := r.visit(next)
	r.stack = r.stack[:mark]
	return err
}

// position takes a field to the array's element that the next part of its path
// numbers, if it does. The number may not be a name within an element as well.
func (c *sortCursor) position(array bsonx.Doc) (bool, error) {
	if len(c.rest) == 0 || !isIndex(c.rest[0]) {
		return false, nil
	}
	part := c.rest[0]
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
	c.rest = c.rest[1:]
	switch {
	case v.Type == bsonx.TypeArray:
		c.array, c.whole = v, len(c.rest) == 0
	case len(c.rest) == 0:
		c.set(v)
	case v.Type == bsonx.TypeDocument:
		c.doc = bsonx.AsDoc(v)
	default:
		c.set(bsonx.Null)
	}
	return true, nil
}

// emit encodes the values of all fields and keeps the key if it is the smallest.
func (r *sortRun) emit(cursors []sortCursor) {
	end := len(r.dst)
	for i, f := range r.sort.fields {
		r.dst = keyenc.Append(r.dst, cursors[i].value, f.Desc)
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
