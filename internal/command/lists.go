package command

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/query"
)

func listCommands() []*Spec {
	return []*Spec{
		{Name: "listDatabases", Admin: true, API: true, Run: runListDatabases, Help: "lists databases",
			Fields: NewFields("listDatabases",
				Field{Name: "filter", Type: Document},
				Field{Name: "nameOnly", Type: oneOf("long", "decimal", "int", "bool", "double")},
				Field{Name: "authorizedDatabases", Type: Boolean, NoEffect: "authentication is off: all are authorized"})},
		{Name: "listCollections", API: true, Run: runListCollections, Help: "lists a database's collections",
			Fields: NewFields("listCollections",
				Field{Name: "filter", Type: Document},
				Field{Name: "nameOnly", Type: Boolean},
				Field{Name: "authorizedCollections", Type: Boolean, NoEffect: "authentication is off: all are authorized"},
				Field{Name: "cursor", Type: Document},
				Field{Name: "includePendingDrops", Type: Any, NoEffect: "a drop is never pending"})},
		{Name: "collStats", Run: runCollStats, Help: "tells a collection's size",
			Fields: NewFields("collStats", Field{Name: "scale", Type: scaleType, Bounded: true, AtLeast: 1}, Field{Name: "verbose", Type: LooseBoolean, NoEffect: "there is no more to tell"})},
		{Name: "dbStats", Aliases: []string{"dbstats"}, Run: runDBStats, Help: "tells a database's size",
			Fields: NewFields("dbStats", Field{Name: "scale", Type: scaleType}, Field{Name: "freeStorage", Type: oneOf("long", "int", "bool", "double", "decimal"), NotYet: true, Unless: isFalse})},
		{Name: "validate", NotAfter: true, Run: runValidate, Help: "checks that a collection and its indexes agree",
			Fields: lenientFields("validate",
				Field{Name: "full", Type: Any, NoEffect: "every validation is a full one"},
				Field{Name: "background", Type: Any, NoEffect: "every validation runs beside other work"},
				Field{Name: "repair", Type: Any, NotYet: true, Unless: isFalse},
				Field{Name: "fixMultikey", Type: Any, NotYet: true, Unless: isFalse},
				Field{Name: "metadata", Type: Any, NotYet: true, Unless: isFalse},
				Field{Name: "checkBSONConformance", Type: Any, NotYet: true, Unless: isFalse},
				Field{Name: "enforceFastCount", Type: Any, NotYet: true, Unless: isFalse})},
	}
}

// filterOf compiles a listing's filter; nil passes all.
func (c *Call) filterOf() (func(bsonx.Doc) (bool, error), error) {
	doc := c.Args.Doc("filter")
	if doc == nil {
		return func(bsonx.Doc) (bool, error) { return true, nil }, nil
	}
	vars, err := c.variables(nil)
	if err != nil {
		return nil, err
	}
	f, err := query.CompileFilter(doc, query.Options{Scope: vars.scope})
	if err != nil {
		return nil, err
	}
	return func(d bsonx.Doc) (bool, error) { return f.Matches(d, vars.ctx) }, nil
}

// The databases that a replica set always has.
var systemDatabases = []string{"admin", "config", "local"}

func runListDatabases(ctx context.Context, c *Call) error {
	match, err := c.filterOf()
	if err != nil {
		return err
	}
	nameOnly := c.Args.Bool("nameOnly", false)
	return c.Read(ctx, func(tx *docstore.Tx) error {
		names, err := tx.Cat.Databases(ctx)
		if err != nil {
			return err
		}
		var total int64
		i := 0
		c.Reply.OpenArray("databases")
		for _, name := range mergeNames(names, systemDatabases) {
			size, empty, err := databaseBytes(ctx, tx, name)
			if err != nil {
				return err
			}
			b := bsonx.NewBuilder(nil)
			b.String("name", name)
			if !nameOnly {
				b.Int64("sizeOnDisk", size)
				b.Bool("empty", empty)
			}
			doc := b.Doc()
			if ok, err := match(doc); err != nil {
				return err
			} else if !ok {
				continue
			}
			total += size
			c.Reply.EmbedDoc(bsonx.Index(i), doc)
			i++
		}
		c.Reply.Close()
		if !nameOnly {
			c.Reply.Int64("totalSize", total)
			c.Reply.Int64("totalSizeMb", total>>20)
		}
		return nil
	})
}

// mergeNames merges two sorted lists of names.
func mergeNames(a, b []string) []string {
	var out []string
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0] < b[0]:
			out, a = append(out, a[0]), a[1:]
		case len(a) == 0 || b[0] < a[0]:
			out, b = append(out, b[0]), b[1:]
		default:
			a = a[1:]
		}
	}
	return out
}

// databaseBytes is the size of a database's documents: what its files take on disk is
// not to be had, since all databases share them. Empty is one without collections.
func databaseBytes(ctx context.Context, tx *docstore.Tx, db string) (total int64, empty bool, err error) {
	list, err := tx.Cat.Collections(ctx, db)
	if err != nil {
		return 0, false, err
	}
	for _, coll := range list {
		_, bytes, err := tx.Stats(ctx, coll)
		if err != nil {
			return 0, false, err
		}
		total += bytes
	}
	return total, len(list) == 0, nil
}

func runListCollections(ctx context.Context, c *Call) error {
	if err := catalog.ValidateDatabase(c.Gen.DB); err != nil {
		return err
	}
	match, err := c.filterOf()
	if err != nil {
		return err
	}
	limit, err := c.listLimit()
	if err != nil {
		return err
	}
	list, err := c.collections(ctx, c.Gen.DB)
	if err != nil {
		return err
	}
	var docs []bsonx.Doc
	for _, coll := range list {
		doc := describe(coll)
		if c.Args.Bool("nameOnly", false) { // the filter sees no more than that, as in the original.
			b := bsonx.NewBuilder(nil)
			b.Value("name", bsonx.Get(doc, "name"))
			b.Value("type", bsonx.Get(doc, "type"))
			doc = b.Doc()
		}
		ok, err := match(doc)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		docs = append(docs, doc)
	}
	return c.listed(ctx, c.Gen.DB+".$cmd.listCollections", docs, docs, limit)
}

// describe is a collection as listCollections shows it.
func describe(coll *catalog.Collection) bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	b.String("name", coll.NS.Coll)
	view := coll.Kind == catalog.KindView
	if view {
		b.String("type", "view")
	} else {
		b.String("type", "collection")
	}
	b.EmbedDoc("options", coll.Options)
	b.OpenDoc("info")
	b.Bool("readOnly", view)
	if !view {
		b.Binary("uuid", 4, coll.UUID[:])
	}
	b.Close()
	if !view {
		b.EmbedDoc("idIndex", coll.Indexes[0].Spec)
	}
	return b.Doc()
}
