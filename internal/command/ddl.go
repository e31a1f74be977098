package command

import (
	"context"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/mongoerr"
)

// alter runs a change of the catalog in a commit of its own, which waits for
// whoever changes the same collections.
func (c *Call) alter(ctx context.Context, fn func(tx *docstore.Tx) error, names ...catalog.Namespace) error {
	at, err := c.D.db.Alter(ctx, names, fn)
	if err != nil {
		c.Dependent(c.D.Store.Visible())
		return err
	}
	c.wrote = true
	c.Dependent(at)
	return nil
}

func ddlCommands() []*Spec {
	return []*Spec{
		{Name: "create", Txn: Anywhere, Write: true, API: true, Run: runCreate, Help: "makes a collection",
			Fields: NewFields("create",
				Field{Name: "capped", Type: Truthy, NotYet: true, Unless: isFalse},
				Field{Name: "size", Type: Integer, NotYet: true},
				Field{Name: "max", Type: Integer, NotYet: true},
				Field{Name: "idIndex", Type: Document, NotYet: true},
				Field{Name: "storageEngine", Type: Document, NotYet: true, Unless: isEmpty},
				Field{Name: "validator", Type: Document, NotYet: true, Unless: isEmpty},
				Field{Name: "validationLevel", Type: Text, NotYet: true, Unless: isString("strict")},
				Field{Name: "validationAction", Type: Text, NotYet: true, Unless: isString("error")},
				Field{Name: "indexOptionDefaults", Type: Document, NotYet: true, Unless: isEmpty},
				Field{Name: "viewOn", Type: Text},
				Field{Name: "pipeline", Type: Array},
				Field{Name: "collation", Type: Document, NotYet: true, Unless: isSimpleCollation},
				Field{Name: "changeStreamPreAndPostImages", Type: Document, NotYet: true},
				Field{Name: "timeseries", Type: Document},
				Field{Name: "clusteredIndex", Type: Any, NotYet: true},
				Field{Name: "expireAfterSeconds", Type: Integer, NotYet: true},
				Field{Name: "encryptedFields", Type: Document, NotYet: true},
				Field{Name: "recordIdsReplicated", Type: Boolean, NotYet: true, Unless: isFalse},
				Field{Name: "temp", Type: Boolean, NotYet: true, Unless: isFalse},
				Field{Name: "flags", Type: Integer, NotYet: true})},
		{Name: "drop", Write: true, API: true, Run: runDrop, Help: "removes a collection",
			Fields: NewFields("drop", Field{Name: "collectionUUID", Type: UUID, NotYet: true})},
		{Name: "dropDatabase", Write: true, API: true, Run: runDropDatabase, Help: "removes a database"},
		{Name: "renameCollection", Admin: true, Write: true, Run: runRename, Help: "gives a collection another name",
			Fields: NewFields("renameCollection",
				Field{Name: "to", Type: Text, Required: true},
				Field{Name: "dropTarget", Type: Truthy},
				Field{Name: "stayTemp", Type: Boolean, NotYet: true, Unless: isFalse},
				Field{Name: "collectionUUID", Type: UUID, NotYet: true})},
		{Name: "collMod", Write: true, API: true, Run: runCollMod, Help: "changes a collection's options",
			Fields: NewFields("collMod",
				Field{Name: "index", Type: Document},
				Field{Name: "validator", Type: Document, NotYet: true},
				Field{Name: "validationLevel", Type: Text, NotYet: true},
				Field{Name: "validationAction", Type: Text, NotYet: true},
				Field{Name: "viewOn", Type: Text, NotYet: true},
				Field{Name: "pipeline", Type: Array, NotYet: true},
				Field{Name: "cappedSize", Type: Integer, NotYet: true},
				Field{Name: "cappedMax", Type: Integer, NotYet: true},
				Field{Name: "expireAfterSeconds", Type: Any, NotYet: true},
				Field{Name: "timeseries", Type: Document, NotYet: true},
				Field{Name: "changeStreamPreAndPostImages", Type: Document, NotYet: true},
				Field{Name: "recordPreImages", Type: Boolean, NotYet: true},
				Field{Name: "dryRun", Type: Boolean, NotYet: true, Unless: isFalse})},
	}
}

func isEmpty(v bsonx.Value) bool {
	return v.Type == bsonx.TypeDocument && bsonx.Len(bsonx.AsDoc(v)) == 0
}

// runCreate makes a collection. Outside a transaction one that is already there
// with the same options is success; inside it is an error (3.10).
func runCreate(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	if err := ns.ValidateNew(); err != nil {
		return err
	}
	if err := c.checkCreate(); err != nil {
		return err
	}
	opt := catalog.CreateOptions{InTxn: c.InTxn()}
	if c.InTxn() {
		_, err := c.Txn.Tx.Cat.Create(ctx, ns, opt)
		return err
	}
	return c.alter(ctx, func(tx *docstore.Tx) error {
		coll, err := tx.Cat.Lookup(ctx, ns)
		if err != nil {
			return err
		}
		if coll != nil && coll.SameOptions(opt) {
			return nil
		}
		_, err = tx.Cat.Create(ctx, ns, opt)
		return err
	}, ns)
}

// checkCreate tells what create does not make: here, or in a transaction.
func (c *Call) checkCreate() error {
	view, series := c.Args.Has("viewOn") || c.Args.Has("pipeline"), c.Args.Has("timeseries")
	switch {
	case c.InTxn() && c.Txn.Level != levelLocal && c.Txn.Explicit:
		return c.levelRefused("create")
	case c.InTxn() && view:
		return mongoerr.New(mongoerr.OperationNotSupportedInTransaction, "Cannot create a view in a multi-document transaction.")
	case c.InTxn() && series:
		return mongoerr.New(mongoerr.OperationNotSupportedInTransaction, "Cannot create a time-series collection in a multi-document transaction.")
	case view:
		return mongoerr.NotYet("create.viewOn")
	case series:
		return mongoerr.NotYet("create.timeseries")
	}
	return nil
}

// levelRefused is what DDL in a transaction of a stricter explicit level gets.
func (c *Call) levelRefused(command string) error {
	return mongoerr.Newf(mongoerr.InvalidOptions, "Command %s does not support this transaction's { readConcern: { level: %q, provenance: \"clientSupplied\" } } :: caused by :: read concern not supported", command, c.Txn.Level)
}

func runDrop(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	var coll *catalog.Collection
	err = c.alter(ctx, func(tx *docstore.Tx) error {
		if coll, err = tx.Cat.Lookup(ctx, ns); err != nil || coll == nil {
			return err
		}
		return tx.Cat.Drop(ctx, coll)
	}, ns)
	if err != nil || coll == nil {
		return err
	}
	c.invalidate(coll, "collection dropped")
	c.Reply.Int32("nIndexesWas", int32(len(coll.Indexes)))
	c.Reply.String("ns", ns.String())
	return nil
}

// invalidate ends the cursors on a collection that is gone.
func (c *Call) invalidate(coll *catalog.Collection, why string) {
	u := coll.UUID
	c.D.Sessions.Cursors().Invalidate(coll.NS.String(),
		mongoerr.Newf(mongoerr.QueryPlanKilled, "%s. UUID %x-%x-%x-%x-%x", why, u[:4], u[4:6], u[6:8], u[8:10], u[10:]))
}

func runDropDatabase(ctx context.Context, c *Call) error {
	if n, _ := integer(c.Arg); n != 1 {
		return mongoerr.New(5255100, "Have to pass 1 as 'drop' parameter")
	}
	db := c.Gen.DB
	if err := catalog.ValidateDatabase(db); err != nil {
		return err
	}
	switch db {
	case "admin", "local", "config":
		return mongoerr.Newf(mongoerr.IllegalOperation, "Dropping the '%s' database is prohibited.", db)
	}
	var names []catalog.Namespace
	var list []*catalog.Collection
	for {
		var err error
		if list, err = c.collections(ctx, db); err != nil {
			return err
		}
		names = names[:0]
		for _, coll := range list {
			names = append(names, coll.NS)
		}
		complete := true
		err = c.alter(ctx, func(tx *docstore.Tx) error {
			now, err := tx.Cat.Collections(ctx, db)
			if err != nil {
				return err
			}
			for _, coll := range now {
				if !slices.Contains(names, coll.NS) {
					complete = false // made since: lock it too.
					return nil
				}
			}
			_, err = tx.Cat.DropDatabase(ctx, db)
			return err
		}, names...)
		if err != nil {
			return err
		}
		if complete {
			break
		}
	}
	for _, coll := range list {
		c.invalidate(coll, "database dropped")
	}
	if len(names) > 0 {
		c.Reply.String("dropped", db)
	}
	return nil
}

// collections lists a database's collections on a snapshot of their own.
func (c *Call) collections(ctx context.Context, db string) (list []*catalog.Collection, err error) {
	err = c.Read(ctx, func(tx *docstore.Tx, _ *bool) error {
		list, err = tx.Cat.Collections(ctx, db)
		return err
	})
	return list, err
}

func runRename(ctx context.Context, c *Call) error {
	if c.Arg.Type != bsonx.TypeString {
		return mongoerr.Newf(mongoerr.TypeMismatch, "BSON field 'renameCollection.renameCollection' is the wrong type '%s', expected type 'string'", bsonx.TypeName(c.Arg.Type))
	}
	from := catalog.ParseNamespace(string([]byte(bsonx.Str(c.Arg))))
	to := catalog.ParseNamespace(string([]byte(c.Args.Str("to"))))
	if err := from.Validate(); err != nil {
		return err
	}
	if err := to.Validate(); err != nil {
		return err
	}
	var coll *catalog.Collection
	err := c.alter(ctx, func(tx *docstore.Tx) (err error) {
		if coll, err = tx.Cat.Lookup(ctx, from); err != nil {
			return err
		}
		_, err = tx.Cat.Rename(ctx, from, to, c.Args.Bool("dropTarget", false))
		return err
	}, from, to)
	if err == nil {
		c.invalidate(coll, "collection renamed from '"+from.String()+"' to '"+to.String()+"'")
	}
	return err
}

var collModIndex = NewFields("collMod.index",
	Field{Name: "name", Type: Text},
	Field{Name: "keyPattern", Type: Document},
	Field{Name: "hidden", Type: Truthy},
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
			return mongoerr.New(mongoerr.InvalidOptions, "Must specify either index name or key pattern")
		case a.Has("name") && a.Has("keyPattern"):
			return mongoerr.New(mongoerr.InvalidOptions, "Cannot specify both key pattern and name")
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
		if spec == nil {
			return nil
		}
		idx, err := findIndex(coll, &a)
		if err != nil {
			return err
		}
		was, is = idx.Hidden, a.Bool("hidden", false)
		if idx.ID == catalog.IDIndex && is {
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
