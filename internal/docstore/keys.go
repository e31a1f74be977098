package docstore

import (
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/mongoerr"
)

// cursor is where one field of an index stands on its way through a document.
type cursor struct {
	done  bool        // val is known.
	found bool        // val stands in the document; else it is the null of a missing field.
	val   bsonx.Value // the value; or, while array is set, the array that was met.
	base  bsonx.Value // until done: the document or array to go on from,
	path  string      // and where to. Behind an array: "" is its elements themselves.
	array bool        // an array was met.
	at    bool        // base was found by its position in an array.
	name  string      // of base or of the array, for errors.
}

var undefined = bsonx.Value{Type: bsonx.TypeUndefined}

func known(v bsonx.Value) cursor {
	if bsonx.IsMissing(v) {
		return cursor{done: true, val: bsonx.Null}
	}
	return cursor{done: true, found: true, val: v}
}

// walker finds the tuples of values that a document has in one index.
//
// A path leads through objects by name. The first array that it meets is
// expanded: each element gives a tuple of its own. All fields that meet the same
// array are expanded in step; two that meet different ones would make a product,
// and are refused. A missing field is null, an empty array is undefined.
//
// A numeric name leads to an element by its position, if there is one, and only
// else into the elements; what is found so is not expanded if the path ends there.
type walker struct {
	set *entrySet // where tuples go, and the flags of fields that met an array.
	idx *catalog.Index
	id  encodedID
}

func (w *walker) run(doc bsonx.Doc) error {
	var few [4]cursor // enough for most, and not on the heap.
	cur := few[:0]
	for _, f := range w.idx.Fields {
		cur = append(cur, cursor{base: bsonx.DocValue(doc), path: f.Path})
	}
	return w.step(cur)
}

// step takes every field to its value or to an array, expands the array, and
// adds a tuple when there is none.
func (w *walker) step(cur []cursor) error {
	first := -1
	for i := range cur {
		c := &cur[i]
		if c.advance(); !c.array {
			continue
		}
		if first < 0 {
			first = i
		} else if !sameBytes(c.val, cur[first].val) {
			return mongoerr.Newf(mongoerr.CannotIndexParallelArrays,
				"cannot index parallel arrays [%s] [%s]", c.name, cur[first].name)
		}
	}
	if first >= 0 {
		return w.expand(cur, bsonx.AsDoc(cur[first].val))
	}
	if !w.idx.Sparse || slices.ContainsFunc(cur, func(c cursor) bool { return c.found }) {
		w.set.add(cur, w.id)
	}
	return nil
}

// advance follows a path up to its end or to an array.
func (c *cursor) advance() {
	if c.done {
		return
	}
	v, rest, name := c.base, c.path, c.name
	if v.Type == bsonx.TypeDocument {
		v, rest, name = follow(bsonx.AsDoc(v), c.path)
	}
	if v.Type != bsonx.TypeArray {
		*c = known(v)
		return
	}
	*c = cursor{val: v, path: rest, array: true, at: c.at && c.base.Type == bsonx.TypeArray, name: name}
}

// expand goes on from an array that some fields have met: to an element by its
// position, or else to each element in turn.
func (w *walker) expand(cur []cursor, array bsonx.Doc) error {
	elements := bsonx.Walk(array)
	some := elements.Next()
	each := false
	for i := range cur {
		c := &cur[i]
		if !c.array {
			continue
		}
		there, err := c.position(array, some)
		if err != nil {
			return err
		}
		if there {
			continue
		}
		each = true
		if some || !c.at {
			w.set.flags |= catalog.FlagMultikey(i)
		}
	}
	if !each {
		return w.step(cur)
	}
	next := make([]cursor, len(cur))
	for {
		element := undefined // of an empty array.
		if some {
			element = elements.Value()
		}
		copy(next, cur)
		for i := range next {
			if c := &next[i]; c.array {
				c.enter(element)
			}
		}
		if err := w.step(next); err != nil || !some || !elements.Next() {
			return err
		}
	}
}

// position goes on to an element of the array by its position, and tells if there
// was a way. An array that was itself found so and ends the path is a value.
func (c *cursor) position(array bsonx.Doc, some bool) (there bool, err error) {
	if c.path == "" {
		if !c.at {
			return false, nil
		}
		if *c = known(c.val); !some {
			c.val = undefined
		}
		return true, nil
	}
	head, tail, _ := strings.Cut(c.path, ".")
	element, ok, err := positional(array, head)
	if err != nil || !ok {
		return false, err
	}
	switch {
	case element.Type == bsonx.TypeArray, element.Type == bsonx.TypeDocument && tail != "":
		*c = cursor{base: element, path: tail, at: true, name: head}
	case tail == "":
		*c = known(element)
	default:
		*c = known(bsonx.Missing)
	}
	return true, nil
}

// enter goes on from an array to one of its elements. An array in an array is a
// value, and no way to anything.
func (c *cursor) enter(element bsonx.Value) {
	switch {
	case c.path == "":
		*c = known(element)
	case element.Type == bsonx.TypeDocument:
		*c = cursor{base: element, path: c.path}
	default:
		*c = known(bsonx.Missing)
	}
}

// follow walks down objects by name until the path ends, or an array stands in
// the way, or nothing does.
func follow(doc bsonx.Doc, path string) (v bsonx.Value, rest, name string) {
	for {
		head, tail, more := strings.Cut(path, ".")
		v = bsonx.Get(doc, head)
		if !more || v.Type == bsonx.TypeArray {
			return v, tail, head
		}
		if v.Type != bsonx.TypeDocument {
			return bsonx.Missing, "", ""
		}
		doc, path = bsonx.AsDoc(v), tail
	}
}

// positional takes a numeric name for a position in the array, if there is an
// element at it. If elements have a field of that name as well, nobody knows which
// is meant.
func positional(array bsonx.Doc, name string) (element bsonx.Value, ok bool, err error) {
	if name == "" || name[0] < '0' || name[0] > '9' || len(name) > 1 && name[0] == '0' {
		return bsonx.Missing, false, nil
	}
	at, err := strconv.Atoi(name)
	if err != nil {
		return bsonx.Missing, false, nil
	}
	ambiguous, n := false, 0
	for it := bsonx.Walk(array); it.Next(); n++ {
		v := it.Value()
		if n == at {
			element, ok = v, true
		}
		if v.Type == bsonx.TypeDocument && !bsonx.IsMissing(bsonx.Get(bsonx.AsDoc(v), name)) {
			ambiguous = true
		}
	}
	if ok && ambiguous {
		return bsonx.Missing, false, mongoerr.Newf(mongoerr.Code(16746),
			"Ambiguous field name found in array (do not use numeric field names in embedded elements in an array), "+
				"field: '%s' for array: %s", name, bsonx.ShellString(bsonx.DocValue(array)))
	}
	return element, ok, nil
}

func sameBytes(a, b bsonx.Value) bool {
	return unsafe.SliceData(a.Data) == unsafe.SliceData(b.Data) && len(a.Data) == len(b.Data)
}
