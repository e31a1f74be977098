package command

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

var deleteStatement = NewFields("delete.deletes",
	Field{Name: "limit", Type: Any, Required: true}, // the first that is missed.
	Field{Name: "q", Type: Document, Required: true},
	Field{Name: "hint", Type: Hint},
	Field{Name: "collation", Type: Document, NotYet: true, Unless: isSimpleCollation},
	Field{Name: "sampleId", Type: Any, NotYet: true})

var remove = Spec{
	Name: "delete", Txn: Anywhere, Write: true, Writes: true, Retry: true, API: true,
	Help: "removes documents",
	Fields: NewFields("delete",
		Field{Name: "stmtIds", Type: Array},
		Field{Name: "deletes", Type: Array, Required: true},
		Field{Name: "ordered", Type: Boolean},
		Field{Name: "let", Type: Document},
		Field{Name: "bypassEmptyTsReplacement", Type: LooseBoolean, NoEffect: "a delete writes no times"},
		Field{Name: "isTimeseriesNamespace", Type: LooseBoolean, NotYet: true, Unless: isFalse},
		Field{Name: "collectionUUID", Type: UUID, NotYet: true},
		Field{Name: "encryptionInformation", Type: Document, NotYet: true}),
}

func runDelete(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	if err := c.writable(ns); err != nil {
		return err
	}
	return c.eachStatement(ctx, c.statements.n, Deleting, func(i int, stmt int32) (*change, error) {
		a := &c.statements.args[i]
		limit, _ := integer(a.Value("limit"))
		ch := &change{ns: ns, multi: limit == 0, hint: a.Value("hint"), stmt: stmt}
		return ch, c.compile(ch, changeText{let: c.Args.Doc("let"), filter: a.Doc("q")})
	})
}

// checkDelete decodes the statements.
func checkDelete(c *Call) error {
	return c.decodeStatements("deletes", deleteStatement, func(a *Args) error {
		v := a.Value("limit")
		if n, exact := integer(v); bsonx.IsNumber(v) && (n != 0 && n != 1 || !exact) {
			return mongoerr.Newf(mongoerr.FailedToParse, "The limit field in delete objects must be 0 or 1. Got %s", bsonx.ShellString(v))
		}
		return nil
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
// decides, whatever the retry's own text says.
func replayed(rec session.Record, as retryAs) outcome {
	o := outcome{retried: true}
	switch {
	case as == Updating && rec.Kind == session.Inserted && rec.Upserted.Type != bsonx.TypeMissing:
		o.upserted = rec.Upserted
	case as == Updating:
		o.matched, o.modified = 1, 1
	case as == Deleting:
		o.removed = 1
	default:
		o.inserted = 1
	}
	return o
}
