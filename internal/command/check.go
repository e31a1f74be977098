package command

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
)

// checkBatch is the Check of the write commands: the number of their statements.
func checkBatch(field string) func(*Call) error {
	return func(c *Call) error {
		docs, err := c.Args.Docs(field)
		if err != nil {
			return err
		}
		return batchSize(len(docs))
	}
}

// checkDelete is checkBatch, and the limits.
func checkDelete(c *Call) error {
	docs, err := c.Args.Docs("deletes")
	if err != nil {
		return err
	}
	for _, d := range docs {
		limit := bsonx.Get(d, "limit")
		if n, exact := integer(limit); bsonx.IsNumber(limit) && (n != 0 && n != 1 || !exact) {
			return mongoerr.Newf(mongoerr.FailedToParse, "The limit field in delete objects must be 0 or 1. Got %d", n)
		}
	}
	return batchSize(len(docs))
}

// checkAggregate asks for the cursor and for known stages.
func checkAggregate(c *Call) error {
	if c.Args.Doc("cursor") == nil && !c.Args.Bool("explain", false) {
		return mongoerr.New(mongoerr.FailedToParse, "The 'cursor' option is required, except for aggregate with the explain argument")
	}
	for it := bsonx.Walk(c.Args.Doc("pipeline")); it.Next(); {
		if it.Value().Type != bsonx.TypeDocument {
			return nil // told later, in other words.
		}
		name, _ := bsonx.First(bsonx.AsDoc(it.Value()))
		if bsonx.Len(bsonx.AsDoc(it.Value())) == 1 && !plan.IsStage(name) {
			return mongoerr.Newf(40324, "Unrecognized pipeline stage name: '%s'", name)
		}
	}
	return nil
}
