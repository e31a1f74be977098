package command

import (
	"context"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/mongoerr"
)

// alter runs a change of the catalog in a commit of its own, when no transaction
// uses the collections any more.
func (c *Call) alter(ctx context.Context, fn func(tx *docstore.Tx) error, names ...catalog.Namespace) error {
	return c.D.db.Exclusively(ctx, c.op.note(), names, func() error { return c.change(ctx, fn, names...) })
}

// change runs a change of the catalog in a commit of its own, which waits for
// whoever changes the same collections.
func (c *Call) change(ctx context.Context, fn func(tx *docstore.Tx) error, names ...catalog.Namespace) error {
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
		{Name: "drop", Write: true, API: true, Run: runDrop, Help: "removes a collection",
			Fields: NewFields("drop", Field{Name: "collectionUUID", Type: UUID, NotYet: true})},
		{Name: "dropDatabase", Write: true, API: true, Run: runDropDatabase, Help: "removes a database"},
		{Name: "renameCollection", Admin: true, API: true, Write: true, Run: runRename, Help: "gives a collection another name",
			Fields: NewFields("renameCollection",
				Field{Name: "to", Type: Text, Required: true},
				Field{Name: "dropTarget", Type: oneOf("bool", "binData"), NotYet: true, Unless: isBoolean},
				Field{Name: "stayTemp", Type: Boolean, NoEffect: "there are no temporary collections"},
				Field{Name: "collectionUUID", Type: UUID, NotYet: true})},
	}
}

func runDrop(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	coll, err := c.lookup(ctx, ns)
	if err != nil || coll == nil {
		return err // what is not there is dropped without waiting for anybody.
	}
	err = c.alter(ctx, func(tx *docstore.Tx) error {
		if coll, err = tx.Cat.Lookup(ctx, ns); err != nil || coll == nil {
			return err
		}
		return tx.Cat.Drop(ctx, coll)
	}, ns)
	if err != nil || coll == nil {
		return err
	}
	c.noteSettings(ns)
	c.invalidate(coll, "collection dropped")
	c.Reply.Int32("nIndexesWas", int32(len(coll.Indexes)))
	c.Reply.String("ns", ns.String())
	return nil
}

// lookup returns the collection or view as the last commit left it, or nil.
func (c *Call) lookup(ctx context.Context, ns catalog.Namespace) (coll *catalog.Collection, err error) {
	err = c.Read(ctx, func(tx *docstore.Tx, _ *bool) error {
		coll, err = tx.Cat.Lookup(ctx, ns)
		return err
	})
	return coll, err
}

// invalidate ends the cursors on a collection that is gone.
func (c *Call) invalidate(coll *catalog.Collection, why string) {
	u := coll.UUID
	c.D.Sessions.Cursors().Invalidate(coll.NS.String(),
		mongoerr.Newf(mongoerr.QueryPlanKilled, "%s. UUID %x-%x-%x-%x-%x", why, u[:4], u[4:6], u[6:8], u[8:10], u[10:]))
}

func runDropDatabase(ctx context.Context, c *Call) error {
	if of := oneOf("double", "long", "decimal", "int"); !of.allow(c.Arg) {
		return of.mismatch("dropDatabase", "dropDatabase", c.Arg)
	}
	if n, _ := integer(c.Arg); n != 1 {
		return mongoerr.New(5255100, "Have to pass 1 as 'drop' parameter")
	}
	db := c.Gen.DB
	if err := catalog.ValidateDatabase(db); err != nil {
		return err
	}
	switch db {
	case "local":
		return mongoerr.New(mongoerr.IllegalOperation, "Cannot drop 'local' database while replication is active")
	case "admin", "config":
		return mongoerr.Newf(mongoerr.IllegalOperation, "Dropping the '%s' database is prohibited.", db)
	}
	var list []*catalog.Collection
	err := c.D.db.Exclusively(ctx, c.op.note(), []catalog.Namespace{{DB: db}}, func() (err error) {
		list, err = c.dropAll(ctx, db)
		return err
	})
	for _, coll := range list {
		c.invalidate(coll, "database dropped")
	}
	return err
}

// dropAll drops a database's collections in one commit, and returns them.
func (c *Call) dropAll(ctx context.Context, db string) ([]*catalog.Collection, error) {
	var names []catalog.Namespace
	for {
		list, err := c.collections(ctx, db)
		if err != nil {
			return nil, err
		}
		names = names[:0]
		for _, coll := range list {
			names = append(names, coll.NS)
		}
		complete := true
		err = c.change(ctx, func(tx *docstore.Tx) error {
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
			return nil, err
		}
		if complete {
			return list, nil
		}
	}
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
	switch {
	case from.Validate() != nil:
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Invalid source namespace: %s", from)
	case to.Validate() != nil:
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Invalid target namespace: %s", to)
	case from.DB != to.DB && (from.DB == "local" || to.DB == "local"):
		return mongoerr.New(mongoerr.IllegalOperation, "Cannot rename collections across a replicated and an unreplicated database")
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
