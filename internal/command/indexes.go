package command

import (
	"context"
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/mongoerr"
)

func indexCommands() []*Spec {
	return []*Spec{
		{Name: "createIndexes", Txn: Anywhere, Write: true, API: true, Check: checkName, Run: runCreateIndexes, Help: "makes indexes",
			Fields: NewFields("createIndexes",
				Field{Name: "indexes", Type: Array, Required: true},
				Field{Name: "ignoreUnknownIndexOptions", Type: oneOf("bool", "decimal", "double", "long", "int")},
				Field{Name: "commitQuorum", Type: oneOf("decimal", "double", "string", "int", "long")},
				Field{Name: "v", Type: oneOf("double", "int", "decimal", "long"), NoEffect: "the original ignores it too"},
				Field{Name: "returnOnStart", Type: LooseBoolean, NotYet: true, Unless: isFalse})},
		{Name: "dropIndexes", Aliases: []string{"deleteIndexes"}, Txn: Optional, Write: true, API: true, Run: runDropIndexes, Help: "removes indexes",
			Fields: NewFields("dropIndexes",
				Field{Name: "index", Type: Types{of: append(Array.of, DocOrStr.of...), bad: badDoomed}, Required: true},
				Field{Name: "collectionUUID", Type: UUID, NotYet: true})},
		{Name: "listIndexes", API: true, Run: runListIndexes, Help: "lists a collection's indexes",
			Fields: NewFields("listIndexes",
				Field{Name: "cursor", Type: Document},
				Field{Name: "includeBuildUUIDs", Type: Truthy, NotYet: true, Unless: isFalse},
				Field{Name: "includeIndexBuildInfo", Type: Truthy, NotYet: true, Unless: isFalse})},
	}
}

func runCreateIndexes(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	specs, err := c.Args.Docs("indexes")
	if err != nil {
		return err
	}
	if len(specs) == 0 {
		return mongoerr.New(mongoerr.BadValue, "Must specify at least one index to create")
	}
	parse := catalog.ParseIndex
	if c.Args.Bool("ignoreUnknownIndexOptions", false) {
		parse = catalog.ParseKnownOptions
	}
	list := make([]*catalog.Index, len(specs))
	for i, s := range specs {
		if list[i], err = parse(s); err != nil {
			return err
		}
	}
	if err := checkWritable(ns); err != nil {
		return err
	}
	if err := c.checkCommitQuorum(); err != nil {
		return err
	}
	if c.InTxn() {
		return c.createIndexesInTxn(ctx, ns, list)
	}
	if err := c.passChanges(ctx, ns); err != nil {
		return err
	}
	r, err := c.D.db.BuildIndexes(ctx, c.op.note(), ns, list)
	if err != nil {
		c.Dependent(c.D.Store.Visible())
		return err
	}
	c.wrote = true
	c.Dependent(c.D.Store.Visible())
	c.appendBuilt(len(list), r.Before, r.After, r.Created)
	return nil
}

func (c *Call) appendBuilt(asked, before, after int, created bool) {
	c.Reply.Int32("numIndexesBefore", int32(before))
	c.Reply.Int32("numIndexesAfter", int32(after))
	if before != after || created {
		c.Reply.Bool("createdCollectionAutomatically", created)
	}
	c.appendCommitQuorum()
	switch made := after - before; {
	case made == 0:
		c.Reply.String("note", "all indexes already exist")
	case made < asked:
		c.Reply.String("note", "index already exists")
	}
}

// createIndexesInTxn makes indexes on a collection that this transaction made, or
// makes now, and that is empty; indexes that exist already are success (3.10).
func (c *Call) createIndexesInTxn(ctx context.Context, ns catalog.Namespace, list []*catalog.Index) error {
	if strings.HasPrefix(ns.Coll, "system.") {
		return refusedInTxn("Cannot write to system collection %s within a transaction.", ns)
	}
	if err := c.checkLevel("createIndexes"); err != nil {
		return err
	}
	tx := c.Txn.Tx
	coll, err := tx.Cat.Lookup(ctx, ns)
	if err != nil {
		return err
	}
	made := coll == nil
	if made {
		if coll, err = tx.Cat.Create(ctx, ns, catalog.CreateOptions{}); err != nil {
			return err
		}
	}
	before := len(coll.Indexes)
	if coll, err = tx.AddIndexes(ctx, coll, list); err != nil {
		return err
	}
	after := len(coll.Indexes)
	// Of new indexes the original tells this also where an earlier statement made the collection.
	c.appendBuilt(len(list), before, after, made || before != after && tx.Cat.Created(coll))
	return nil
}

func runDropIndexes(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	coll, err := c.lookup(ctx, ns)
	if err != nil {
		return err
	}
	missing := mongoerr.Newf(mongoerr.NamespaceNotFound, "ns not found %s", ns)
	if coll == nil {
		return missing // at once, also if a transaction is making it.
	}
	was, all := 0, false
	err = c.alter(ctx, func(tx *docstore.Tx) error {
		coll, err := tx.Cat.Lookup(ctx, ns)
		if err != nil {
			return err
		}
		if coll == nil {
			return missing
		}
		if isView(coll) {
			return notOnView(ns)
		}
		was = len(coll.Indexes)
		var doomed []*catalog.Index
		if doomed, all, err = c.doomed(coll); err != nil {
			return err
		}
		for _, idx := range doomed {
			if coll, err = tx.Cat.DropIndex(ctx, coll, idx); err != nil {
				return err
			}
		}
		return nil
	}, ns)
	if err != nil {
		return err
	}
	c.Reply.Int32("nIndexesWas", int32(was))
	if all {
		c.Reply.String("msg", "non-_id indexes dropped for collection")
	}
	return nil
}

// doomed are the indexes that a dropIndexes names: by name, by names, by key, or all.
func (c *Call) doomed(coll *catalog.Collection) (list []*catalog.Index, all bool, err error) {
	byName := func(name string) error {
		idx := coll.FindIndex(name)
		switch {
		case idx == nil:
			return mongoerr.Newf(mongoerr.IndexNotFound, "index not found with name [%s]", name)
		case idx.ID == catalog.IDIndex:
			return mongoerr.New(mongoerr.InvalidOptions, "cannot drop _id index")
		}
		list = append(list, idx)
		return nil
	}
	v := c.Args.Value("index")
	switch v.Type {
	case bsonx.TypeString:
		if bsonx.Str(v) == "*" {
			return coll.Indexes[1:], true, nil
		}
		return list, false, byName(bsonx.Str(v))
	case bsonx.TypeArray:
		names, err := c.doomedNames(v)
		if err != nil || slices.Equal(names, []string{"*"}) {
			return coll.Indexes[1:], true, err
		}
		for _, name := range names {
			if err := byName(name); err != nil {
				return nil, false, err
			}
		}
		return list, false, nil
	case bsonx.TypeDocument:
		found := coll.FindIndexKey(bsonx.AsDoc(v))
		switch {
		case len(found) == 0:
			return nil, false, mongoerr.Newf(mongoerr.IndexNotFound, "can't find index with key: %s", bsonx.ShellString(v))
		case len(found) > 1:
			return nil, false, mongoerr.Newf(mongoerr.AmbiguousIndexKeyPattern, "%d indexes found for key: %s, identify by name instead. Conflicting indexes: %s, %s",
				len(found), bsonx.ShellString(v), bsonx.ShellString(bsonx.DocValue(found[0].Stored())), bsonx.ShellString(bsonx.DocValue(found[1].Stored())))
		case found[0].ID == catalog.IDIndex:
			return nil, false, mongoerr.New(mongoerr.InvalidOptions, "cannot drop _id index")
		}
		return found, false, nil
	}
	return nil, false, badDoomed("index", v)
}

// badDoomed does not tell that a list will do, as the original does not.
func badDoomed(field string, v bsonx.Value) error { return DocOrStr.mismatch("dropIndexes", field, v) }

// doomedNames are the names of a list. What the first element is decides whether it
// is taken for a list of names at all.
func (c *Call) doomedNames(list bsonx.Value) ([]string, error) {
	if _, first := bsonx.First(bsonx.AsDoc(list)); first.Type != bsonx.TypeString && first.Type != bsonx.TypeMissing {
		return nil, mongoerr.New(mongoerr.TypeMismatch, "BSON field 'dropIndexes.index' is the wrong type 'array', expected types '[string]'")
	}
	return c.Args.Strings("index")
}

func runListIndexes(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	limit, err := c.listLimit()
	if err != nil {
		return err
	}
	return c.readFrom(ctx, ns, func(tx *docstore.Tx, coll *catalog.Collection) error {
		if coll == nil {
			return mongoerr.Newf(mongoerr.NamespaceNotFound, "ns does not exist: %s", ns)
		}
		if isView(coll) {
			return notOnView(ns)
		}
		var docs, later []bsonx.Doc
		for _, idx := range coll.Indexes {
			docs, later = append(docs, idx.Spec), append(later, idx.Stored())
		}
		return c.listed(ctx, ns.String(), docs, later, limit)
	})
}

// listCursor is the cursor field of a command that lists things.
func listCursor(command string) *Fields {
	return NewFields(command+".cursor", Field{Name: "batchSize", Type: oneOf("double", "int", "decimal", "long"), Bounded: true})
}

// listLimit is the batch size of the commands that list things, -1 for none.
func (c *Call) listLimit() (int64, error) {
	doc := c.Args.Doc("cursor")
	if doc == nil {
		return -1, nil
	}
	a, err := listCursor(c.Spec.Name).Decode(doc)
	if err != nil {
		return 0, err
	}
	return a.Int("batchSize", -1), nil
}
