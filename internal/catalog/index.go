package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// IndexesMax is how many indexes a collection may have, the one on _id included.
const IndexesMax = 64

// Match looks for what stands in the way of a new index: an existing one that is
// the same (which is no error: nothing need be made), or one that conflicts.
func (c *Collection) Match(idx *Index) (same *Index, err error) {
	if len(idx.Fields) == 1 && idx.Fields[0].Path == "_id" {
		return c.Indexes[0], nil
	}
	var equivalent *Index
	for _, have := range c.Indexes {
		if have.signatureEqual(idx) {
			equivalent = have
			break
		}
	}
	const because = "Requested index: %s, existing index: %s"
	switch named := c.FindIndex(idx.Name); {
	case equivalent != nil && equivalent.Name == idx.Name && equivalent.optionsEqual(idx):
		return equivalent, nil
	case equivalent != nil && equivalent.Name == idx.Name:
		return nil, mongoerr.Newf(mongoerr.IndexOptionsConflict,
			"An equivalent index already exists with the same name but different options. "+because,
			shell(idx.Stored()), shell(equivalent.Stored()))
	case equivalent != nil && equivalent.optionsEqual(idx):
		return nil, mongoerr.Newf(mongoerr.IndexOptionsConflict,
			"Index already exists with a different name: %s", equivalent.Name)
	case equivalent != nil:
		return nil, mongoerr.Newf(mongoerr.IndexOptionsConflict,
			"An equivalent index already exists with a different name and options. "+because,
			shell(idx.Stored()), shell(equivalent.Stored()))
	case named != nil:
		return nil, mongoerr.Newf(mongoerr.IndexKeySpecsConflict,
			"An existing index has the same name as the requested index. When index names are not specified, "+
				"they are auto generated and can cause conflicts. Please refer to our documentation. "+because,
			shell(idx.Stored()), shell(named.Stored()))
	}
	return nil, nil
}

// signatureEqual tells whether two indexes would hold the same entries.
func (i *Index) signatureEqual(o *Index) bool {
	return bsonx.CompareDocs(i.Key, o.Key) == 0 && i.Unique == o.Unique && i.Sparse == o.Sparse &&
		(i.Partial == nil) == (o.Partial == nil) && bsonx.CompareDocs(i.Partial, o.Partial) == 0
}

func (i *Index) optionsEqual(o *Index) bool {
	return i.Hidden == o.Hidden && i.ExpireAfterSeconds == o.ExpireAfterSeconds
}

// Stored is the specification in the order in which the reference server keeps it,
// which conflicts and all but the first batch of listIndexes show: flags before the
// key, other options as they were given (or, of an index read from the store, as in Spec).
func (i *Index) Stored() bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	for _, name := range []string{"v", "unique", "hidden", "key", "name"} {
		b.Value(name, bsonx.Get(i.Spec, name))
	}
	order := i.given
	if order == nil {
		order = i.Spec
	}
	for name := range bsonx.All(order) {
		switch name {
		case "v", "unique", "hidden", "key", "name":
		default:
			b.Value(name, bsonx.Get(i.Spec, name))
		}
	}
	return b.Doc()
}

// With returns a changed copy of an index for Modify: hidden or not, and the age
// at which documents expire (-1: they do not).
func (i *Index) With(hidden bool, expireAfterSeconds int64) *Index {
	c := *i
	c.Hidden, c.ExpireAfterSeconds = hidden, expireAfterSeconds
	c.Spec = c.spec(i.Spec)
	return &c
}

// AddIndex adds an index in the given state and returns the changed collection.
// What Match would tell is told here too; an index that is there already is left
// as it is.
func (v *View) AddIndex(ctx context.Context, coll *Collection, idx *Index, state State) (*Collection, error) {
	same, err := coll.Match(idx)
	if err != nil || same != nil {
		return coll, err
	}
	if len(coll.Indexes) >= IndexesMax {
		return nil, mongoerr.Newf(mongoerr.CannotCreateIndex, "add index fails, too many indexes for %s key:%s",
			coll.NS, bsonx.ShellString(bsonx.DocValue(idx.Key)))
	}
	return v.Modify(ctx, coll, func(c *Collection) {
		added := *idx
		added.ID, added.State = c.nextIndex, state
		c.nextIndex++
		c.Indexes = append(c.Indexes, &added)
	})
}

// FinishIndexes makes indexes ready that are being built.
func (v *View) FinishIndexes(ctx context.Context, coll *Collection, ids ...uint32) (*Collection, error) {
	return v.Modify(ctx, coll, func(c *Collection) {
		for i, idx := range c.Indexes {
			if slices.Contains(ids, idx.ID) {
				ready := *idx
				ready.State = StateReady
				c.Indexes[i] = &ready
			}
		}
	})
}

// DropIndex removes one index; its entries are forgotten after the commit.
func (v *View) DropIndex(ctx context.Context, coll *Collection, idx *Index) (*Collection, error) {
	if idx.ID == IDIndex {
		return nil, mongoerr.New(mongoerr.InvalidOptions, "cannot drop _id index")
	}
	if err := v.leave(dropped{coll.ID, idx.ID}); err != nil {
		return nil, err
	}
	return v.Modify(ctx, coll, func(c *Collection) {
		c.Indexes = slices.DeleteFunc(c.Indexes, func(have *Index) bool { return have.ID == idx.ID })
	})
}

// String helps whoever reads a test's failure.
func (i *Index) String() string { return fmt.Sprintf("index %d %s", i.ID, i.Name) }
