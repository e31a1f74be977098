package command

import (
	"context"
	"io"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/mongoerr"
)

// count tells how many documents match. It is refused inside a transaction, as in
// the original: a driver's countDocuments sends an aggregate instead.
var count = Spec{
	Name: "count", Read: ReadMajority, API: true, Help: "counts documents",
	Fields: NewFields("count",
		Field{Name: "query", Type: Document},
		Field{Name: "limit", Type: Types{of: Integer.of, bad: badCountLimit}},
		Field{Name: "skip", Type: oneOf("double", "int", "long", "decimal"), Bounded: true},
		Field{Name: "hint", Type: Hint},
		Field{Name: "fields", Type: Any, NoEffect: "the original ignores it too"},
		Field{Name: "collation", Type: Document, NotYet: true, Unless: isSimpleCollation},
		Field{Name: "mirrored", Type: LooseBoolean, NotYet: true, Unless: isFalse},
		Field{Name: "querySettings", Type: Document, NotYet: true}),
}

func badCountLimit(string, bsonx.Value) error {
	return mongoerr.New(mongoerr.BadValue, "limit value is not a valid number")
}

func runCount(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	limit := int64(0)
	if v := c.Args.Value("limit"); v.Type != bsonx.TypeMissing {
		if limit, err = whole("limit", v); err != nil {
			return err
		}
	}
	f, err := c.compileQuery(c.Args.Doc("query"), c.Args.Value("hint"))
	if err != nil {
		return err
	}
	f.req.NS, f.req.Places = ns, true
	f.req.Skip, f.req.Limit = c.Args.Int("skip", 0), max(limit, -limit)
	n := int64(0)
	err = c.readFrom(ctx, ns, func(tx *docstore.Tx, coll *catalog.Collection) error {
		if coll == nil {
			return nil
		}
		f.req.Coll = coll
		return c.each(ctx, tx, f, func(bsonx.Doc) error { n++; return nil })
	})
	if err != nil {
		return err
	}
	appendNumber(c.Reply, "n", n)
	c.D.metrics.docsReturned.Add(1) // as the original counts it.
	return nil
}

// appendNumber appends an int32 if n fits, else an int64.
func appendNumber(b *bsonx.Builder, name string, n int64) {
	if n == int64(int32(n)) {
		b.Int32(name, int32(n))
		return
	}
	b.Int64(name, n)
}

// compileQuery compiles a filter and hint alone.
func (c *Call) compileQuery(q bsonx.Doc, hint bsonx.Value) (finding, error) {
	a := Args{f: find.Fields, vals: make([]bsonx.Value, len(find.Fields.list))}
	a.vals[find.Fields.index["filter"]] = bsonx.DocValue(orEmpty(q))
	a.vals[find.Fields.index["hint"]] = hint
	return c.compileFind(&a)
}

// each runs a query to its end.
func (c *Call) each(ctx context.Context, tx *docstore.Tx, f finding, do func(bsonx.Doc) error) error {
	src, err := c.openFinding(ctx, tx, f)
	if err != nil {
		return err
	}
	defer src.Close()
	defer c.examined(src, nil)
	for {
		doc, err := src.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return c.duringRead(ctx, f.req.NS.String(), err)
		}
		if err := do(doc); err != nil {
			return err
		}
	}
}
