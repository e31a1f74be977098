package command

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// checkCollection asks that the command's own field names a collection.
func checkCollection(c *Call) error {
	if c.Arg.Type == bsonx.TypeBinary {
		if sub, id := c.Arg.Binary(); sub == 4 {
			return c.byUUID(id)
		}
	}
	if c.Arg.Type != bsonx.TypeString {
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Collection name has invalid type %s", bsonx.TypeName(c.Arg.Type))
	}
	return nil
}

// byUUID refuses a collection's UUID in place of its name, which some commands of the
// original take.
func (c *Call) byUUID(id []byte) error {
	switch c.Spec.Name {
	case "find", "count", "distinct", "listIndexes":
		if len(id) != 16 {
			return errUUIDLength
		}
		return mongoerr.NotYet(c.Spec.Name + " by UUID")
	}
	return mongoerr.New(mongoerr.InvalidNamespace, "Collection name must be provided. UUID is not valid in this context")
}

// checkNamed refuses the empty name in the words of those commands that have their own.
func (c *Call) checkNamed() error {
	if c.Arg.Type == bsonx.TypeString && bsonx.Str(c.Arg) == "" {
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Invalid namespace specified '%s'", c.Gen.DB)
	}
	return nil
}

// checkName asks that the command's own field names a collection that there may be.
func checkName(c *Call) error {
	_, err := c.Namespace()
	return err
}

// checkBatch is the Check of the write commands: the number of their statements.
func checkBatch(field string) func(*Call) error {
	return func(c *Call) error {
		if err := checkCollection(c); err != nil && !c.Spec.Admin {
			return err
		}
		docs, err := c.Args.Docs(field)
		if err != nil {
			return err
		}
		c.statements.n, c.statements.docs = len(docs), docs
		return c.checkBatchSize()
	}
}

// checkBatchSize judges the number of statements, and the types of their ids.
func (c *Call) checkBatchSize() error {
	if err := batchSize(c.statements.n); err != nil {
		return err
	}
	for i, id := range bsonx.All(c.Args.Doc("stmtIds")) {
		if !Int.allow(id) && !Int.absent(id) {
			return Int.mismatch(c.Spec.Name+".stmtIds", i, id)
		}
	}
	return nil
}

// decodeStatements decodes the statements of an update or delete command, which
// Run finds in c.statements, and judges each.
func (c *Call) decodeStatements(field string, fields *Fields, judge func(*Args) error) error {
	if err := checkCollection(c); err != nil {
		return err
	}
	docs, err := c.Args.Docs(field)
	if err != nil {
		return err
	}
	args := make([]Args, len(docs))
	for i, d := range docs {
		if args[i], err = fields.Decode(d); err != nil {
			return err
		}
		if err := judge(&args[i]); err != nil {
			return err
		}
	}
	c.statements.n, c.statements.args = len(docs), args
	return c.checkBatchSize()
}
