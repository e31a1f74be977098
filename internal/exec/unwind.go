package exec

import (
	"context"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/plan"
)

// unwind gives a document for each element of an array.
type unwind struct {
	base
	stage *plan.Unwind
	path  string
	doc   []byte // the document being unwound, a copy: the input may be asked again only after it.
	rest  bsonx.Iter
	at    int64
	open  bool
	b     [2]bsonx.Builder
	bufs  [2][]byte
}

// Next gives the next document with the next element in the array's place.
func (u *unwind) Next(ctx context.Context) (bsonx.Doc, error) {
	if u.path == "" {
		u.path = strings.Join(u.stage.Path, ".")
	}
	for {
		if u.open {
			if u.rest.Next() {
				u.at++
				return u.gave(u.with(u.doc, u.rest.Value(), bsonx.Int64(u.at-1)))
			}
			u.open = false
		}
		doc, err := u.next(ctx)
		if err != nil {
			u.stats.EOF = true
			return nil, err
		}
		v := bsonx.Lookup(doc, u.path)
		switch {
		case v.Type == bsonx.TypeArray && bsonx.Len(bsonx.AsDoc(v)) > 0:
			u.doc = append(u.doc[:0], doc...)
			v = bsonx.Lookup(u.doc, u.path)
			u.rest, u.at, u.open = bsonx.Walk(bsonx.AsDoc(v)), 0, true
		case v.Type == bsonx.TypeArray:
			if u.stage.Preserve {
				return u.gave(u.with(doc, bsonx.Missing, bsonx.Null))
			}
		case bsonx.IsNullish(v):
			if u.stage.Preserve {
				return u.gave(u.with(doc, v, bsonx.Null))
			}
		default:
			return u.gave(u.with(doc, v, bsonx.Null))
		}
		if !u.open {
			u.stats.Passed++
		}
	}
}

// with is doc with v in the array's place, and the position if it is asked for.
func (u *unwind) with(doc bsonx.Doc, v, position bsonx.Value) bsonx.Doc {
	u.b[0].Reset(u.bufs[0][:0])
	setPath(&u.b[0], doc, u.stage.Path, v)
	out := u.b[0].Doc()
	u.bufs[0] = out
	if u.stage.Index == nil {
		return out
	}
	u.b[1].Reset(u.bufs[1][:0])
	setPath(&u.b[1], out, u.stage.Index, position)
	out = u.b[1].Doc()
	u.bufs[1] = out
	return out
}

// setPath appends doc's elements with the value at path replaced, added at the
// end, or, if v is missing, removed. What stands in the way of the path and is no
// document gives way to one.
func setPath(b *bsonx.Builder, doc bsonx.Doc, path []string, v bsonx.Value) {
	found := false
	for it := bsonx.Walk(doc); it.Next(); {
		if found || it.Key() != path[0] {
			b.Value(it.Key(), it.Value())
			continue
		}
		found = true
		old := it.Value()
		switch {
		case len(path) == 1:
			b.Value(path[0], v)
		case old.Type == bsonx.TypeDocument:
			b.OpenDoc(path[0])
			setPath(b, bsonx.AsDoc(old), path[1:], v)
			b.Close()
		case bsonx.IsMissing(v):
			b.Value(path[0], old)
		default:
			appendPath(b, path, v)
		}
	}
	if !found && !bsonx.IsMissing(v) {
		appendPath(b, path, v)
	}
}

func appendPath(b *bsonx.Builder, path []string, v bsonx.Value) {
	for _, name := range path[:len(path)-1] {
		b.OpenDoc(name)
	}
	b.Value(path[len(path)-1], v)
	for range path[1:] {
		b.Close()
	}
}
