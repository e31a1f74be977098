package catalog

import (
	"context"
	"errors"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
)

// CreateOptions are what a new collection or view is made from.
type CreateOptions struct {
	Kind    Kind
	Options bsonx.Doc // see Collection.Options; nil is none. The new Collection keeps the bytes.
	InTxn   bool      // a client's transaction: what exists is told in other words.
}

// Create makes a collection or view, which the transaction sees from now on. One
// that exists is NamespaceExists, whatever its options: see SameOptions.
func (v *View) Create(ctx context.Context, ns Namespace, opt CreateOptions) (*Collection, error) {
	if err := ns.ValidateNew(); err != nil {
		return nil, err
	}
	if opt.Options == nil {
		opt.Options = bsonx.Empty
	}
	existing, err := v.Lookup(ctx, ns)
	if err != nil {
		return nil, err
	}
	if existing != nil {
		return nil, existing.existsError(opt)
	}
	if err := v.claimDatabase(ctx, ns.DB); err != nil {
		return nil, err
	}
	id, err := v.catalog.newID(ctx)
	if err != nil {
		return nil, err
	}
	coll := &Collection{NS: ns, ID: id, Kind: opt.Kind, Options: opt.Options, nextIndex: 1, key: entryKey(ns), derived: &derived{}}
	if opt.Kind == KindCollection {
		coll.UUID = v.catalog.env.UUID()
		coll.Indexes = []*Index{idIndex()}
	}
	v.created = append(v.created, id)
	return coll, v.put(coll)
}

// SameOptions tells whether creating coll with opt would make what is there, so
// that outside transactions it succeeds without doing anything.
func (c *Collection) SameOptions(opt CreateOptions) bool {
	if opt.Options == nil {
		opt.Options = bsonx.Empty
	}
	kind := c.Kind
	if kind == KindServed {
		kind = KindCollection // to whoever looks at it.
	}
	return kind == opt.Kind && bsonx.CompareDocs(c.Options, opt.Options) == 0
}

func (c *Collection) existsError(opt CreateOptions) error {
	switch {
	case opt.InTxn && c.Kind == KindView:
		return mongoerr.Newf(mongoerr.NamespaceExists, "A view already exists. NS: %s", c.NS)
	case opt.InTxn:
		return mongoerr.Newf(mongoerr.NamespaceExists, "Collection %s already exists.", c.NS)
	}
	if pipeline := bsonx.Get(c.Options, "pipeline"); c.Kind == KindView && opt.Kind == KindView && bsonx.Equal(bsonx.Get(c.Options, "viewOn"), bsonx.Get(opt.Options, "viewOn")) {
		show := func(v bsonx.Value) string { return bsonx.ShellString(bsonx.DocValue(bsonx.AsDoc(v))) } // with the positions as names.
		return mongoerr.Newf(mongoerr.NamespaceExists,
			"namespace %s already exists, but with pipeline %s rather than %s", c.NS, show(pipeline), show(bsonx.Get(opt.Options, "pipeline")))
	}
	if c.Kind == KindView {
		on := func(options bsonx.Doc) Namespace {
			ns := Namespace{DB: c.NS.DB}
			if v := bsonx.Get(options, "viewOn"); v.Type == bsonx.TypeString {
				ns.Coll = bsonx.Str(v)
			}
			return ns
		}
		return mongoerr.Newf(mongoerr.NamespaceExists,
			"namespace %s already exists, but is a view on %s rather than %s", c.NS, on(c.Options), on(opt.Options))
	}
	b := bsonx.NewBuilder(nil)
	b.Binary("uuid", 4, c.UUID[:])
	b.Fields(c.Options)
	return mongoerr.Newf(mongoerr.NamespaceExists, "namespace %s already exists, but with different options: %s",
		c.NS, bsonx.ShellString(bsonx.DocValue(b.Doc())))
}

// claimDatabase sees to it that no two databases differ only in case. The key of
// the lower-case name holds the name as it is; it is written by whoever creates a
// database's first collection, and outlives the last, so that others need only
// check that it stays what it is.
func (v *View) claimDatabase(ctx context.Context, db string) error {
	key := databaseKey(strings.ToLower(db))
	value, err := v.txn.Get(ctx, key, nil)
	if err != nil && !errors.Is(err, kv.ErrNotFound) {
		return err
	}
	if string(value) == db {
		return v.txn.Check(key)
	}
	if err == nil {
		taken, err := v.HasDatabase(ctx, string(value))
		if err != nil {
			return err
		}
		if taken {
			return mongoerr.Newf(mongoerr.DatabaseDifferCase,
				"db already exists with different case already have: [%s] trying to create [%s]", value, db)
		}
	}
	v.touch(key)
	return v.txn.Set(key, []byte(db))
}

// Drop removes a collection or view. Its documents and index entries are
// forgotten after the commit.
func (v *View) Drop(_ context.Context, coll *Collection) error {
	if err := coll.RefuseServed(); err != nil {
		return err
	}
	v.touch(coll.key)
	if err := v.txn.Delete(coll.key); err != nil {
		return err
	}
	v.gone = append(v.gone, Gone{Coll: coll})
	if coll.Kind == KindView {
		return nil
	}
	if v.Strict {
		docs := [2][]byte{AppendPrefix(nil, coll.ID, IDIndex), AppendPrefix(nil, coll.ID, IDIndex+1)}
		if err := v.txn.CheckRange(docs[0], docs[1]); err != nil {
			return err
		}
	}
	return v.leave(dropped{coll: coll.ID})
}

// DropDatabase removes all of a database's collections and views, and returns them.
func (v *View) DropDatabase(ctx context.Context, db string) ([]*Collection, error) {
	all, err := v.Collections(ctx, db)
	if err != nil {
		return nil, err
	}
	for _, coll := range all {
		if err := v.Drop(ctx, coll); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Rename gives a collection another name, in another database too. What has that
// name already is dropped first, if dropTarget says so.
func (v *View) Rename(ctx context.Context, from, to Namespace, dropTarget bool) (*Collection, error) {
	if from == to {
		return nil, mongoerr.New(mongoerr.IllegalOperation, "Can't rename a collection to itself")
	}
	if err := to.ValidateNew(); err != nil {
		return nil, mongoerr.Newf(mongoerr.IllegalOperation, "error with target namespace: %s", mongoerr.From(err).Msg)
	}
	source, err := v.Lookup(ctx, from)
	if err != nil {
		return nil, err
	}
	if source == nil {
		return nil, mongoerr.Newf(mongoerr.NamespaceNotFound, "Source collection %s does not exist", from)
	}
	if source.Kind == KindView {
		return nil, mongoerr.Newf(mongoerr.CommandNotSupportedOnView, "cannot rename view: %s", from)
	}
	if err := source.RefuseServed(); err != nil {
		return nil, err
	}
	if source.building() {
		// The build finds its collection by name.
		return nil, mongoerr.Newf(mongoerr.BackgroundOperationInProgressForNamespace,
			"cannot perform operation: an index build is currently running for collection '%s'", from)
	}
	target, err := v.Lookup(ctx, to)
	switch {
	case err != nil:
		return nil, err
	case target != nil && target.Kind == KindView:
		return nil, mongoerr.Newf(mongoerr.NamespaceExists, "a view already exists with that name: %s", to)
	case target != nil && !dropTarget:
		return nil, mongoerr.New(mongoerr.NamespaceExists, "target namespace exists")
	case target != nil:
		err = v.Drop(ctx, target)
	default:
		err = v.claimDatabase(ctx, to.DB)
	}
	if err != nil {
		return nil, err
	}
	v.touch(source.key)
	if err := v.txn.Delete(source.key); err != nil {
		return nil, err
	}
	v.gone = append(v.gone, Gone{Coll: source, To: to})
	moved := source.edited()
	moved.NS, moved.key = to, entryKey(to)
	return moved, v.put(moved)
}

// Modify writes an edited copy of a collection's entry, and returns it. edit may
// change options and replace indexes (by changed copies, see Index.With); ids, kind and name stay.
func (v *View) Modify(_ context.Context, coll *Collection, edit func(*Collection)) (*Collection, error) {
	if err := coll.RefuseServed(); err != nil {
		return nil, err
	}
	e := coll.edited()
	edit(e)
	return e, v.put(e)
}
