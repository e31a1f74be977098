package command

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/mongoerr"
)

func runValidate(ctx context.Context, c *Call) error {
	if err := c.checkNamed(); err != nil {
		return err
	}
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	return c.readFrom(ctx, ns, func(tx *docstore.Tx, coll *catalog.Collection) error {
		if coll == nil {
			return mongoerr.Newf(mongoerr.NamespaceNotFound, "Collection '%s' does not exist to validate.", ns)
		}
		if isView(coll) {
			return mongoerr.New(mongoerr.CommandNotSupportedOnView, "Cannot validate a view")
		}
		r, err := tx.Validate(ctx, coll)
		if err != nil {
			return err
		}
		b := c.Reply
		b.Bool("valid", len(r.Problems) == 0)
		b.Bool("repaired", false)
		b.String("ns", ns.String())
		b.Binary("uuid", 4, coll.UUID[:])
		b.OpenArray("warnings")
		if r.Nonconforming > 0 {
			b.String("0", "Detected one or more documents not compliant with the collection's schema.")
		}
		b.Close()
		b.OpenArray("errors")
		for i, p := range r.Problems {
			b.String(bsonx.Index(i), p)
		}
		b.Close()
		appendNumber(b, "nNonCompliantDocuments", r.Nonconforming)
		appendNumber(b, "nrecords", r.Records)
		b.Int32("nIndexes", int32(len(coll.Indexes)))
		b.OpenDoc("keysPerIndex")
		for _, idx := range coll.Indexes {
			appendNumber(b, idx.Name, r.Keys[idx.Name])
		}
		b.Close()
		return nil
	})
}
