package command

import (
	"context"
	"math"

	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/mongoerr"
)

// scaleType is that of what sizes are divided by.
var scaleType = oneOf("double", "int", "decimal", "long")

// scaleMax is the largest scale of dbStats.
const scaleMax = 1 << 50

// runCollStats tells what is counted; how much of the disk a collection takes is
// not known apart from the rest of the store, and so not told.
func runCollStats(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	scale := c.Args.Int("scale", 1)
	return c.readFrom(ctx, ns, func(tx *docstore.Tx, coll *catalog.Collection) error {
		if isView(coll) {
			return notOnView(ns)
		}
		var docs, bytes int64
		indexes := 0
		if coll != nil {
			if docs, bytes, err = tx.Stats(ctx, coll); err != nil {
				return err
			}
			indexes = len(coll.Indexes)
		}
		b := c.Reply
		b.String("ns", ns.String())
		appendNumber(b, "size", bytes/scale)
		appendNumber(b, "count", docs)
		if docs > 0 {
			appendNumber(b, "avgObjSize", bytes/docs)
		}
		b.Int32("numOrphanDocs", 0)
		if coll != nil {
			b.Bool("capped", coll.Cap != nil)
		}
		if coll != nil && coll.Cap != nil {
			most := coll.Cap.Docs
			if most == math.MaxInt64 {
				most = 0
			}
			appendNumber(b, "max", most)
			appendNumber(b, "maxSize", coll.Cap.Bytes/scale)
		}
		b.Int32("nindexes", int32(indexes))
		b.Int32("scaleFactor", int32(min(scale, math.MaxInt32)))
		return nil
	})
}

func runDBStats(ctx context.Context, c *Call) error {
	if err := catalog.ValidateDatabase(c.Gen.DB); err != nil {
		return err
	}
	scale := c.Args.Int("scale", 1)
	if scale < 1 || scale > scaleMax {
		return mongoerr.New(mongoerr.BadValue, "Scale factor must be greater than zero and less than or equal to 2^50")
	}
	return c.Read(ctx, func(tx *docstore.Tx) error {
		list, err := tx.Cat.Collections(ctx, c.Gen.DB)
		if err != nil {
			return err
		}
		var colls, views, indexes, docs, bytes int64
		for _, coll := range list {
			if coll.Kind == catalog.KindView {
				views++
				continue
			}
			colls++
			indexes += int64(len(coll.Indexes))
			n, size, err := tx.Stats(ctx, coll)
			if err != nil {
				return err
			}
			docs, bytes = docs+n, bytes+size
		}
		b := c.Reply
		b.String("db", c.Gen.DB)
		b.Int64("collections", colls)
		b.Int64("views", views)
		b.Int64("objects", docs)
		avg := 0.0
		if docs > 0 {
			avg = float64(bytes) / float64(docs)
		}
		b.Double("avgObjSize", avg)
		b.Double("dataSize", float64(bytes)/float64(scale))
		b.Int64("indexes", indexes)
		b.Int64("scaleFactor", scale)
		return nil
	})
}
