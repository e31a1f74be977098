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
// uses the collections any more. Inside a transaction it is a part of that: the
// names are claimed to its end, and who else changes them, or has since the
// snapshot, is a conflict at once.
func (c *Call) alter(ctx context.Context, fn func(tx *docstore.Tx) error, names ...catalog.Namespace) error {
	if c.InTxn() {
		tx := c.Txn.Tx
		for _, ns := range names {
			if err := c.use(ctx, ns); err != nil {
				return err
			}
			if err := tx.Cat.Lock(ctx, ns, false); err != nil {
				return err
			}
		}
		return fn(tx)
	}
	for _, ns := range names {
		c.noteSettings(ns)
	}
	return c.D.db.Exclusively(ctx, c.op.note(), names, func() error { return c.change(ctx, fn, names...) })
}

// change runs a change of the catalog in a commit of its own, which waits for
// whoever changes the same collections.
func (c *Call) change(ctx context.Context, fn func(tx *docstore.Tx) error, names ...catalog.Namespace) error {
	var gone []catalog.Gone
	at, err := c.D.db.Alter(ctx, names, func(tx *docstore.Tx) error {
		err := fn(tx)
		gone = tx.Cat.Gone()
		return err
	})
	if err != nil {
		c.Dependent(c.D.Store.Visible())
		return err
	}
	c.wrote = true
	c.Dependent(at)
	why := "collection dropped"
	if c.Spec.Name == "dropDatabase" {
		why = "database dropped"
	}
	c.invalidate(gone, why)
	return nil
}

func ddlCommands() []*Spec {
	return []*Spec{
		{Name: "drop", Txn: Optional, Write: true, API: true, Run: runDrop, Help: "removes a collection",
			Fields: NewFields("drop", Field{Name: "collectionUUID", Type: UUID, NotYet: true})},
		{Name: "dropDatabase", Write: true, API: true, Run: runDropDatabase, Help: "removes a database"},
		{Name: "renameCollection", Txn: Optional, Admin: true, API: true, Write: true, Run: runRename, Help: "gives a collection another name",
			Fields: NewFields("renameCollection",
				Field{Name: "to", Type: Text, Required: true},
				Field{Name: "dropTarget", Type: strict(oneOf("bool", "binData"), "renameCollection"), NotYet: true, Unless: isBoolean},
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
	names, err := c.droppedWith(ctx, coll)
	if err != nil {
		return err
	}
	err = c.alter(ctx, func(tx *docstore.Tx) error {
		if coll, err = tx.Cat.Lookup(ctx, ns); err != nil || coll == nil {
			return err
		}
		if err := dropView(ctx, tx, coll); err != nil {
			return err
		}
		return tx.Cat.Drop(ctx, coll)
	}, names...)
	if err != nil || coll == nil {
		return err
	}
	c.noteSettings(ns)
	if !isView(coll) {
		c.Reply.Int32("nIndexesWas", int32(len(coll.Indexes)))
	}
	c.Reply.String("ns", ns.String())
	return nil
}

// invalidate ends the cursors on collections that have lost their names; dropped
// says how, of those that have no new one.
func (c *Call) invalidate(gone []catalog.Gone, dropped string) {
	for _, g := range gone {
		why, u := dropped, g.Coll.UUID
		if g.To.Coll != "" {
			why = "collection renamed from '" + g.Coll.NS.String() + "' to '" + g.To.String() + "'"
		}
		c.D.Sessions.Cursors().Invalidate(g.Coll.NS.String(),
			mongoerr.Newf(mongoerr.QueryPlanKilled, "%s. UUID %x-%x-%x-%x-%x", why, u[:4], u[4:6], u[6:8], u[8:10], u[10:]))
	}
}

func runDropDatabase(ctx context.Context, c *Call) error {
	if err := c.checkArg("dropDatabase", oneOf("double", "long", "decimal", "int")); err != nil {
		return err
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
	return c.D.db.Exclusively(ctx, c.op.note(), []catalog.Namespace{{DB: db}}, func() error { return c.dropAll(ctx, db) })
}

// dropAll drops a database's collections in one commit.
func (c *Call) dropAll(ctx context.Context, db string) error {
	var names []catalog.Namespace
	for {
		list, err := c.collections(ctx, db)
		if err != nil {
			return err
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
		if err != nil || complete {
			return err
		}
	}
}

// collections lists a database's collections on a snapshot of their own.
func (c *Call) collections(ctx context.Context, db string) (list []*catalog.Collection, err error) {
	err = c.Read(ctx, func(tx *docstore.Tx) error {
		list, err = tx.Cat.Collections(ctx, db)
		return err
	})
	return list, err
}

// checkRenamed tells which collections of the server's own keep their names, and
// are nobody else's: the views, for one, are documents of system.views.
func checkRenamed(from, to catalog.Namespace) error {
	if from == to {
		return nil // which is told elsewhere.
	}
	for _, name := range []string{"system.users", "system.js"} {
		if from.Coll == name || to.Coll == name {
			return mongoerr.Newf(mongoerr.IllegalOperation, "renaming %s collection or renaming to %s is not allowed", name, name)
		}
	}
	for _, name := range []string{"system.views", "system.profile"} {
		switch name {
		case from.Coll:
			return mongoerr.Newf(mongoerr.IllegalOperation, "error with source namespace: cannot write to %s", from)
		case to.Coll:
			return mongoerr.Newf(mongoerr.IllegalOperation, "error with target namespace: cannot write to %s", to)
		}
	}
	return nil
}

func runRename(ctx context.Context, c *Call) error {
	if err := c.checkArg("renameCollection", Text); err != nil {
		return err
	}
	from := catalog.ParseNamespace(string([]byte(bsonx.Str(c.Arg))))
	to := catalog.ParseNamespace(string([]byte(c.Args.Str("to"))))
	switch {
	case from.Validate() != nil:
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Invalid source namespace: %s", from)
	case to.ValidateCursor() != nil:
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Invalid target namespace: %s", to)
	case c.InTxn() && (from.DB == "config" || to.DB == "config"):
		return mongoerr.New(mongoerr.OperationNotSupportedInTransaction, "Cannot run command against the config database in a transaction.")
	case c.InTxn() && (from.DB == "local" || to.DB == "local"):
		return mongoerr.New(mongoerr.OperationNotSupportedInTransaction, "Cannot run command against the 'local' database in a transaction.")
	case from.DB != to.DB && (from.DB == "local" || to.DB == "local"):
		return mongoerr.New(mongoerr.IllegalOperation, "Cannot rename collections across a replicated and an unreplicated database")
	}
	if err := checkRenamed(from, to); err != nil {
		return err
	}
	return c.alter(ctx, func(tx *docstore.Tx) error {
		_, err := tx.Cat.Rename(ctx, from, to, c.Args.Bool("dropTarget", false))
		return err
	}, from, to)
}
