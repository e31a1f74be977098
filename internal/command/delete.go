package command

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

var deleteStatement = NewFields("delete.deletes",
	Field{Name: "q", Type: Document, Required: true},
	Field{Name: "limit", Type: Any, Required: true},
	Field{Name: "hint", Type: DocOrStr},
	Field{Name: "collation", Type: Document, NotYet: true, Unless: isSimpleCollation},
	Field{Name: "sampleId", Type: Any, NotYet: true})

var remove = Spec{
	Name: "delete", Txn: Anywhere, Write: true, Writes: true, Retry: true, API: true,
	Help: "removes documents",
	Fields: NewFields("delete",
		Field{Name: "deletes", Type: Array, Required: true},
		Field{Name: "ordered", Type: Boolean},
		Field{Name: "let", Type: Document},
		Field{Name: "isTimeseriesNamespace", Type: Boolean, NotYet: true, Unless: isFalse},
		Field{Name: "collectionUUID", Type: UUID, NotYet: true},
		Field{Name: "encryptionInformation", Type: Document, NotYet: true}),
}

func runDelete(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	specs, err := c.Args.Docs("deletes")
	if err != nil {
		return err
	}
	args := make([]Args, len(specs))
	for i, s := range specs {
		if args[i], err = deleteStatement.Decode(s); err != nil {
			return err
		}
		if n, exact := integer(args[i].Value("limit")); n != 0 && n != 1 || !exact {
			return mongoerr.Newf(mongoerr.FailedToParse, "The limit field in delete objects must be 0 or 1. Got %s", bsonx.ShellString(args[i].Value("limit")))
		}
	}
	if err := batchSize(len(specs)); err != nil {
		return err
	}
	if err := c.writable(ns); err != nil {
		return err
	}
	return c.eachStatement(ctx, len(specs), func(i int, stmt int32) (*change, error) {
		c.D.metrics.remove.Add(1)
		a := &args[i]
		limit, _ := integer(a.Value("limit"))
		ch := &change{ns: ns, multi: limit == 0, hint: a.Value("hint"), stmt: stmt}
		return ch, c.compileChange(ch, c.Args.Doc("let"), nil, a.Doc("q"), bsonx.Missing, nil)
	})
}

// How a retried statement is worded; what is told follows from its record.
type retryAs uint8

// The wordings.
const (
	Inserting retryAs = iota
	Updating
	Deleting
)

// replayed rebuilds a statement's outcome from its record (7.1). The record
// decides, whatever the retry's own text says, but for what cannot be told in
// that command's words.
func replayed(rec session.Record, as retryAs) outcome {
	o := outcome{retried: true}
	switch {
	case as == Updating && rec.Kind == session.Inserted && rec.Upserted.Type != bsonx.TypeMissing:
		o.upserted = rec.Upserted
	case as == Updating && rec.Kind == session.Deleted:
		o.err = mongoerr.New(40606, "update retry request is not compatible with previous write in the transaction of type: d")
		o.retried = false
	case as == Updating:
		o.matched, o.modified = 1, 1
	case as == Deleting:
		o.removed = 1
	default:
		o.inserted = 1
	}
	return o
}
