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
		Field{Name: "validator", Type: Document},
		Field{Name: "validationLevel", Type: Text},
		Field{Name: "validationAction", Type: Text},
		Field{Name: "viewOn", Type: Text},
		Field{Name: "pipeline", Type: Array},
		Field{Name: "cappedSize", Type: oneOf("double", "long", "decimal", "int"), NotYet: true},
		Field{Name: "cappedMax", Type: Integer, NotYet: true},
		Field{Name: "expireAfterSeconds", Type: Any, NotYet: true},
		Field{Name: "timeseries", Type: Document, NotYet: true},
		Field{Name: "changeStreamPreAndPostImages", Type: Document, NotYet: true},
		Field{Name: "dryRun", Type: oneOf("bool", "double", "long", "decimal", "int"), NotYet: true, Unless: isFalse}),
}

var collModIndex = NewFields("collMod.index",
	Field{Name: "name", Type: Text},
	Field{Name: "keyPattern", Type: Document},
	Field{Name: "hidden", Type: oneOf("bool", "double", "long", "decimal", "int")},
	Field{Name: "expireAfterSeconds", Type: Integer, NotYet: true},
	Field{Name: "unique", Type: Truthy, NotYet: true},
	Field{Name: "prepareUnique", Type: Truthy, NotYet: true})

// runCollMod hides an index from queries, or shows it again, and changes what is
// asked of documents.
func runCollMod(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	if _, err := c.Args.Docs("pipeline"); err != nil {
		return err
	}
	if c.Args.Has("viewOn") && c.Args.Str("viewOn") == "" {
		return mongoerr.New(mongoerr.BadValue, "'viewOn' cannot be empty")
	}
	hide, err := c.indexToHide()
	if err != nil {
		return err
	}
	if err := c.Args.checkValidation(); err != nil {
		return err
	}
	names := []catalog.Namespace{ns}
	if c.Args.Has("viewOn") || c.Args.Has("pipeline") {
		names = append(names, viewsOf(ns.DB))
	}
	err = c.alter(ctx, func(tx *docstore.Tx) error {
		coll, err := tx.Cat.Lookup(ctx, ns)
		if err != nil {
			return err
		}
		if coll == nil {
			return mongoerr.New(mongoerr.NamespaceNotFound, "ns does not exist")
		}
		if isView(coll) {
			return c.modifyView(ctx, tx, coll)
		}
		for _, name := range []string{"pipeline", "viewOn"} {
			if c.Args.Has(name) {
				return mongoerr.New(mongoerr.InvalidOptions, "option only supported on a view: "+name)
			}
		}
		return c.modifyCollection(ctx, tx, coll, hide)
	}, names...)
	if err == nil && hide != nil && hide.was != hide.is {
		c.Reply.Bool("hidden_old", hide.was)
		c.Reply.Bool("hidden_new", hide.is)
	}
	return err
}

// modifyCollection changes what the command names.
func (c *Call) modifyCollection(ctx context.Context, tx *docstore.Tx, coll *catalog.Collection, hide *hiding) error {
	var idx *catalog.Index
	if hide != nil {
		var err error
		if idx, err = findIndex(coll, &hide.index); err != nil {
			return err
		}
		hide.was = idx.Hidden
		if idx.ID == catalog.IDIndex {
			return mongoerr.New(mongoerr.BadValue, "can't hide _id index")
		}
	}
	validation := slices.ContainsFunc(validationOptions, c.Args.Has)
	if err := checkValidator(coll.NS, coll.UUID, c.Args.Doc("validator")); err != nil {
		if e := mongoerr.From(err); e.Code != mongoerr.InvalidOptions {
			return e.Prefix("Parsing of collection validator failed")
		}
		return err
	}
	if idx == nil && !validation {
		return nil
	}
	_, err := tx.Cat.Modify(ctx, coll, func(e *catalog.Collection) {
		if idx != nil {
			i := slices.Index(e.Indexes, idx)
			e.Indexes[i] = idx.With(hide.is, idx.ExpireAfterSeconds)
		}
		if validation {
			e.Options = c.Args.changedValidation(e.Options)
		}
	})
	return err
}

// hiding is what a collMod says of an index, and what was before.
type hiding struct {
	index   Args
	was, is bool
}

// indexToHide decodes it; nil if there is none.
func (c *Call) indexToHide() (*hiding, error) {
	spec := c.Args.Doc("index")
	if spec == nil {
		return nil, nil
	}
	a, err := collModIndex.Decode(spec)
	if err != nil {
		return nil, err
	}
	switch {
	case !a.Has("name") && !a.Has("keyPattern"):
		return nil, mongoerr.New(mongoerr.InvalidOptions, "Must specify either index name or key pattern.")
	case a.Has("name") && a.Has("keyPattern"):
		return nil, mongoerr.New(mongoerr.InvalidOptions, "Cannot specify both key pattern and name.")
	case !a.Has("hidden"):
		return nil, mongoerr.New(mongoerr.InvalidOptions, "no expireAfterSeconds, hidden, unique, or prepareUnique field")
	}
	return &hiding{index: a, is: a.Bool("hidden", false)}, nil
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
