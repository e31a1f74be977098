package query

import (
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// backfillMax is how many nulls an update may put into an array to reach an index.
const backfillMax = 1_500_000

// application is one run of an update's tree over one document: a single pass
// that copies what no path touches.
type application struct {
	update *Update
	doc    bsonx.Doc // as it was.
	pos    MatchPos
	ctx    *expr.Context
	b      bsonx.Builder
	path   []string  // of the element at hand.
	names  [8]string // where path begins, so that it costs nothing.

	inserting bool // the document is to be a new one.
}

// outcome is what an operator did at its place.
type outcome uint8

const (
	same    outcome = iota // nothing; the caller copies the element as it was.
	wrote                  // appended an element.
	removed                // the element is to go.
)

// run returns the changed document at the end of dst.
func (a *application) run(t *tree, dst []byte) (bsonx.Doc, bool, error) {
	a.path = a.names[:0]
	a.b.Reset(dst)
	changed, err := a.fields(t, a.doc)
	if err != nil || !changed {
		return a.doc, false, err
	}
	return a.b.Doc(), true, nil
}

// fields writes the fields of a document that t has children for, and the others
// as they are. What is not there is made at the end.
func (a *application) fields(t *tree, doc bsonx.Doc) (changed bool, err error) {
	children, err := a.children(t)
	if err != nil {
		return false, err
	}
	var few [16]bool
	done := few[:0]
	if len(children) > len(few) {
		done = make([]bool, 0, len(children))
	}
	done = done[:len(children)]
	for it := bsonx.Walk(doc); it.Next(); {
		key, v := it.Key(), it.Value()
		i := slices.IndexFunc(children, func(c child) bool { return c.name == key })
		if i < 0 || done[i] {
			a.b.Value(key, v)
			continue
		}
		done[i] = true
		o, err := a.visit(children[i], v)
		if err != nil {
			return false, a.firstError(children[:i], doc, err)
		}
		if o == same {
			a.b.Value(key, v)
		}
		changed = changed || o != same
	}
	for i, c := range children {
		if done[i] {
			continue
		}
		o, err := a.visit(c, bsonx.Missing)
		if err != nil {
			return false, err
		}
		changed = changed || o != same
	}
	return changed, nil
}

// firstError gives the error of the first of the children before the one that
// failed with err, as if they had been applied in the order of their names. What
// has been written is of no use any more.
func (a *application) firstError(before []child, doc bsonx.Doc, err error) error {
	a.b.Reset(nil)
	for _, name := range a.path {
		a.b.OpenDoc(name)
	}
	for _, c := range before {
		if _, earlier := a.visit(c, bsonx.Get(doc, c.name)); earlier != nil {
			return earlier
		}
	}
	return err
}

// children are t's, with the positional one under the name that it has this time.
func (a *application) children(t *tree) ([]child, error) {
	if t.positional == nil {
		return t.children, nil
	}
	if !a.pos.OK {
		return nil, bad("The positional operator did not find the match needed from the query.")
	}
	return withChild(slices.Clone(t.children), child{bsonx.Index(a.pos.Index), t.positional}, a.where())
}

// where is the dotted path of the element at hand.
func (a *application) where() string { return strings.Join(a.path, ".") }

// visit runs a subtree over the element of its name, which may be missing. If
// nothing changes, nothing is written.
func (a *application) visit(c child, v bsonx.Value) (outcome, error) {
	a.path = append(a.path, c.name)
	o, err := a.visitHere(c, v)
	if err == nil && o != same && len(a.path) == 1 {
		err = a.checkTop(c, v, o)
	}
	a.path = a.path[:len(a.path)-1]
	return o, err
}

func (a *application) visitHere(c child, v bsonx.Value) (outcome, error) {
	t, mark := c.tree, a.b.Mark()
	var changed bool
	var err error
	switch {
	case t.op != nil:
		if v.Type == bsonx.TypeMissing && !t.op.creates() {
			return same, nil
		}
		return t.op.apply(a, c.name, v)
	case len(t.branches) > 0:
		changed, err = a.branches(c, v)
	case v.Type == bsonx.TypeMissing:
		a.b.OpenDoc(c.name)
		changed, err = a.fields(t, nil)
	case v.Type == bsonx.TypeDocument:
		a.b.OpenDoc(c.name)
		changed, err = a.fields(t, bsonx.AsDoc(v))
	case v.Type == bsonx.TypeArray:
		a.b.OpenArray(c.name)
		changed, err = a.elements(t, v)
	default:
		return same, a.notViable(t, v)
	}
	if err != nil {
		return same, err // nobody reads what is written.
	}
	a.b.Close()
	if !changed {
		a.b.RewindTo(mark)
		return same, nil
	}
	return wrote, nil
}

// elements writes the elements of an array that t has children for, and the others
// as they are. An index behind the end is reached over nulls.
func (a *application) elements(t *tree, array bsonx.Value) (changed bool, err error) {
	children, err := a.children(t)
	if err != nil {
		return false, err
	}
	next, n := 0, 0
	var names []child
	at := func() int { // the index of the next child; -1 if there is none.
		for ; next < len(children); next++ {
			if i, ok := arrayIndex(children[next].name); ok {
				return i
			}
			names = append(names, children[next])
		}
		return -1
	}
	for it := bsonx.Walk(bsonx.AsDoc(array)); it.Next(); n++ {
		o := same
		if at() == n {
			if o, err = a.visit(child{it.Key(), children[next].tree}, it.Value()); err != nil {
				return false, err
			}
			next++
		}
		switch o {
		case same:
			a.b.Value(it.Key(), it.Value())
		case removed:
			a.b.Null(it.Key()) // the others keep their places.
		}
		changed = changed || o != same
	}
	for i := at(); i >= 0 && err == nil; i = at() {
		var grown bool
		if n, grown, err = a.grow(children[next], n, i); grown {
			changed = true
		}
		next++
	}
	for i := 0; i < len(names) && err == nil; i++ {
		// Names come after numbers: the array is told of as it has become.
		err = a.notViableChild(names[i], a.written(len(a.path)))
	}
	return changed, err
}

// grow makes an array's element behind its end, at n, and returns the new end.
func (a *application) grow(c child, n, i int) (end int, grown bool, err error) {
	mark := a.b.Mark()
	if i-n > backfillMax {
		if !createsAny(c.tree) {
			return n, false, nil
		}
		return n, false, mongoerr.Newf(mongoerr.CannotBackfillArray, "can't backfill more than %d elements", backfillMax)
	}
	for k := n; k < i; k++ {
		a.b.Null(bsonx.Index(k))
	}
	o, err := a.visit(child{bsonx.Index(i), c.tree}, bsonx.Missing)
	if err != nil || o != wrote {
		a.b.RewindTo(mark)
		return n, false, err
	}
	return i + 1, true, nil
}

func createsAny(t *tree) bool {
	stop := mongoerr.New(mongoerr.InternalError, "")
	return t.leaves("", func(_ string, op operator) error {
		if op.creates() {
			return stop
		}
		return nil
	}) != nil
}

// branches applies $[] and $[identifier] to the elements that they stand for.
func (a *application) branches(c child, v bsonx.Value) (changed bool, err error) {
	if v.Type == bsonx.TypeMissing {
		return false, bad("The path '%s' must exist in the document in order to apply array updates.", a.where())
	}
	if v.Type != bsonx.TypeArray {
		return false, bad("Cannot apply array updates to non-array element %s", element(c.name, v))
	}
	a.b.OpenArray(c.name)
	for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
		t, err := a.branchesFor(c.tree, it.Key(), it.Value())
		o := same
		if err == nil && t != nil {
			o, err = a.visit(child{it.Key(), t}, it.Value())
		}
		if err != nil {
			return false, err
		}
		switch o {
		case same:
			a.b.Value(it.Key(), it.Value())
		case removed:
			a.b.Null(it.Key())
		}
		changed = changed || o != same
	}
	return changed, nil
}

// branchesFor is what all the branches that stand for an element do to it; nil if none does.
func (a *application) branchesFor(t *tree, key string, v bsonx.Value) (all *tree, err error) {
	for _, b := range t.branches {
		if b.filter != nil && !b.filter.matches(v) {
			continue
		}
		if all == nil {
			all = b.tree
		} else if all, err = merged(all, b.tree, a.where()+"."+key); err != nil {
			return nil, err
		}
	}
	return all, nil
}
