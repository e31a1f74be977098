package command

import (
	"context"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/mongoerr"
)

// collMod changes a collection's options.
var collMod = Spec{
	Name: "collMod", Txn: Optional, Write: true, API: true, Help: "changes a collection's options",
	Fields: NewFields("collMod",
		Field{Name: "index", Type: Document},
		Field{Name: "validator", Type: Document, NotYet: true},
		Field{Name: "validationLevel", Type: Text, NotYet: true},
		Field{Name: "validationAction", Type: Text, NotYet: true},
		Field{Name: "viewOn", Type: Text},
		Field{Name: "pipeline", Type: Array},
		Field{Name: "cappedSize", Type: Integer, NotYet: true},
		Field{Name: "cappedMax", Type: Integer, NotYet: true},
		Field{Name: "expireAfterSeconds", Type: Any, NotYet: true},
		Field{Name: "timeseries", Type: Document, NotYet: true},
		Field{Name: "changeStreamPreAndPostImages", Type: Document, NotYet: true},
		Field{Name: "recordPreImages", Type: Boolean, NotYet: true},
		Field{Name: "dryRun", Type: Boolean, NotYet: true, Unless: isFalse}),
}

var collModIndex = NewFields("collMod.index",
	Field{Name: "name", Type: Text},
	Field{Name: "keyPattern", Type: Document},
	Field{Name: "hidden", Type: oneOf("bool", "double", "long", "decimal", "int")},
	Field{Name: "expireAfterSeconds", Type: Integer, NotYet: true},
	Field{Name: "unique", Type: Truthy, NotYet: true},
	Field{Name: "prepareUnique", Type: Truthy, NotYet: true})

// runCollMod hides an index from queries, or shows it again.
func runCollMod(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	var a Args
	spec := c.Args.Doc("index")
	if spec != nil {
		if a, err = collModIndex.Decode(spec); err != nil {
			return err
		}
		switch {
		case !a.Has("name") && !a.Has("keyPattern"):
			return mongoerr.New(mongoerr.InvalidOptions, "Must specify either index name or key pattern.")
		case a.Has("name") && a.Has("keyPattern"):
			return mongoerr.New(mongoerr.InvalidOptions, "Cannot specify both key pattern and name.")
		case !a.Has("hidden"):
			return mongoerr.New(mongoerr.InvalidOptions, "no expireAfterSeconds, hidden, unique, or prepareUnique field")
		}
	}
	was, is := false, false
	err = c.alter(ctx, func(tx *docstore.Tx) error {
		coll, err := tx.Cat.Lookup(ctx, ns)
		if err != nil {
			return err
		}
		if coll == nil {
			return mongoerr.New(mongoerr.NamespaceNotFound, "ns does not exist")
		}
		for _, name := range []string{"pipeline", "viewOn"} {
			if c.Args.Has(name) {
				return mongoerr.New(mongoerr.InvalidOptions, "option only supported on a view: "+name)
			}
		}
		if spec == nil {
			return nil
		}
		idx, err := findIndex(coll, &a)
		if err != nil {
			return err
		}
		was, is = idx.Hidden, a.Bool("hidden", false)
		if idx.ID == catalog.IDIndex {
			return mongoerr.New(mongoerr.BadValue, "can't hide _id index")
		}
		_, err = tx.Cat.Modify(ctx, coll, func(e *catalog.Collection) {
			i := slices.Index(e.Indexes, idx)
			e.Indexes[i] = idx.With(is, idx.ExpireAfterSeconds)
		})
		return err
	}, ns)
	if err == nil && was != is {
		c.Reply.Bool("hidden_old", was)
		c.Reply.Bool("hidden_new", is)
	}
	return err
}

func findIndex(coll *catalog.Collection, a *Args) (*catalog.Index, error) {
	if name := a.Str("name"); name != "" {
		if idx := coll.FindIndex(name); idx != nil {
			return idx, nil
		}
		return nil, mongoerr.Newf(mongoerr.IndexNotFound, "cannot find index %s for ns %s", name, coll.NS)
	}
	key := a.Doc("keyPattern")
	switch found := coll.FindIndexKey(key); len(found) {
	case 0:
		return nil, mongoerr.Newf(mongoerr.IndexNotFound, "cannot find index %s for ns %s", bsonx.ShellString(bsonx.DocValue(key)), coll.NS)
	case 1:
		return found[0], nil
	}
	return nil, mongoerr.Newf(mongoerr.AmbiguousIndexKeyPattern, "index keyPattern %s matches several indexes, must use index name", bsonx.ShellString(bsonx.DocValue(key)))
}
