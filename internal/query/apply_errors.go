package query

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// notViable is the error for the first path in t that cannot go through v, a
// value that has no fields; nil if no operator minds.
func (a *application) notViable(t *tree, v bsonx.Value) error {
	children, err := a.children(t)
	if err != nil {
		return err
	}
	for _, c := range children {
		if err := a.notViableChild(c, v); err != nil {
			return err
		}
	}
	return nil
}

func (a *application) notViableChild(c child, v bsonx.Value) error {
	return a.unreachable(c.tree, a.where()+"."+c.name, c.name, v)
}

// unreachable is the error for the first place in t, at a path that fails at one part.
func (a *application) unreachable(t *tree, path, part string, v bsonx.Value) error {
	here := func() string { return element(a.path[len(a.path)-1], v) }
	switch {
	case len(t.branches) > 0:
		return bad("The path '%s' must exist in the document in order to apply array updates.", path)
	case t.op == nil:
		children, err := a.children(t)
		for i := 0; i < len(children) && err == nil; i++ {
			err = a.unreachable(children[i].tree, path+"."+children[i].name, part, v)
		}
		return err
	case t.op.creates():
		if r, ok := t.op.(*rename); ok {
			if v, err := r.lookUp(a); err != nil || v.Type == bsonx.TypeMissing {
				return err
			}
		}
		return mongoerr.Newf(mongoerr.PathNotViable, "Cannot create field '%s' in element {%s}", part, here())
	case t.op.mindsPath():
		return mongoerr.Newf(mongoerr.PathNotViable, "Cannot use the part (%s) of (%s) to traverse the element ({%s})", part, path, here())
	}
	return nil
}

// checkTop says what is wrong with the change of a top-level element, which was v.
func (a *application) checkTop(c child, v bsonx.Value, o outcome) error {
	switch {
	case c.name == "_id" && v.Type != bsonx.TypeMissing:
		return a.immutable(c.tree, v)
	case strings.HasPrefix(c.name, "$") && o == wrote && !a.inserting && (c.tree.op != nil || v.Type == bsonx.TypeMissing):
		return dollarAtTop(c.name, a.written(0), a.doc)
	}
	return nil
}

// immutable is the error for a change of the document's _id, which was v.
func (a *application) immutable(t *tree, v bsonx.Value) error {
	changedPath := ""
	t.leaves("_id", func(path string, _ operator) error {
		if changedPath == "" {
			changedPath = path
		}
		return nil
	})
	rest := strings.Split(changedPath, ".")[1:]
	for i, part := range rest {
		sub := bsonx.Missing
		if v.Type == bsonx.TypeDocument || v.Type == bsonx.TypeArray {
			sub = bsonx.Get(bsonx.AsDoc(v), part)
		}
		if sub.Type == bsonx.TypeMissing {
			at := strings.Join(append([]string{"_id"}, rest[:i]...), ".")
			return mongoerr.Newf(mongoerr.ImmutableField, "Updating the path '%s' to %s would modify the immutable field '_id'",
				at, element("_id", a.written(0)))
		}
		v = sub
	}
	return mongoerr.Newf(mongoerr.ImmutableField, "Performing an update on the path '%s' would modify the immutable field '_id'", changedPath)
}

// written is the element that was written last among the fields of the root, or
// as deep as there are documents and arrays open, which it takes as closed.
func (a *application) written(open int) (v bsonx.Value) {
	b := a.b // a copy: the document goes on after this.
	for range open {
		b.Close()
	}
	v = bsonx.DocValue(b.Doc())
	for range max(open, 1) {
		it := bsonx.Walk(bsonx.AsDoc(v))
		for it.Next() {
			v = it.Value()
		}
	}
	return v
}

// idElement is the document's _id as the server prints it in messages.
func (a *application) idElement() string { return idElement(a.doc) }

// noID stands for the _id of a document that has none yet.
const noID = "no id"

func idElement(doc bsonx.Doc) string {
	if id := bsonx.Get(doc, "_id"); id.Type != bsonx.TypeMissing {
		return element("_id", id)
	}
	return noID
}
