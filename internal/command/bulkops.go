package command

import (
	"math"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
)

// The text of a bulkWrite: its namespaces and operations.

// The fields of an operation stand in the order in which messages list them.
var (
	bulkNamespace = NewFields("bulkWrite.nsInfo",
		Field{Name: "ns", Type: Text, Required: true},
		Field{Name: "collectionUUID", Type: UUID, NotYet: true},
		Field{Name: "encryptionInformation", Type: Document, NotYet: true},
		Field{Name: "isTimeseriesNamespace", Type: LooseBoolean, NotYet: true, Unless: isFalse})
	bulkInsert = NewFields("bulkWrite.ops",
		Field{Name: "insert", Type: oneOf("double", "int", "decimal", "long"), Required: true, Bounded: true},
		Field{Name: "document", Type: Document, Required: true})
	bulkUpdate = NewFields("bulkWrite.ops",
		Field{Name: "update", Type: oneOf("double", "int", "decimal", "long"), Required: true, Bounded: true},
		Field{Name: "filter", Type: Document, Required: true},
		Field{Name: "sort", Type: Document},
		Field{Name: "multi", Type: Boolean},
		Field{Name: "updateMods", Type: Any, Required: true},
		Field{Name: "upsert", Type: Boolean},
		Field{Name: "arrayFilters", Type: Array},
		Field{Name: "hint", Type: Hint},
		Field{Name: "constants", Type: Document},
		Field{Name: "collation", Type: Document, NotYet: true, Unless: isSimpleCollation})
	bulkDelete = NewFields("bulkWrite.ops",
		Field{Name: "delete", Type: oneOf("double", "int", "decimal", "long"), Required: true, Bounded: true},
		Field{Name: "filter", Type: Document, Required: true},
		Field{Name: "multi", Type: Boolean},
		Field{Name: "hint", Type: Hint},
		Field{Name: "collation", Type: Document, NotYet: true, Unless: isSimpleCollation})
	bulkCursor = NewFields("bulkWrite.cursor", Field{Name: "batchSize", Type: oneOf("double", "int", "decimal", "long"), Bounded: true})
)

// bulk is a bulkWrite, decoded.
type bulk struct {
	spaces []catalog.Namespace
	ops    []bulkOp
	limit  int64 // of the first batch's results; negative is none.
}

// bulkOp is one of its operations.
type bulkOp struct {
	kind string
	args Args
	ns   catalog.Namespace
}

// checkBulkWrite is bulkWrite's Check: it decodes the operations.
func checkBulkWrite(c *Call) (err error) {
	cursor, err := bulkCursor.Decode(c.Args.Doc("cursor"))
	if err != nil {
		return err
	}
	if err := checkBatch("ops")(c); err != nil {
		return err
	}
	b := &bulk{limit: cursor.Int("batchSize", -1)}
	c.statements.bulk = b
	if b.spaces, err = c.bulkNamespaces(); err != nil {
		return err
	}
	b.ops, err = c.bulkOps(b.spaces)
	return err
}

// bulkOps decodes the operations.
func (c *Call) bulkOps(spaces []catalog.Namespace) ([]bulkOp, error) {
	ops := make([]bulkOp, len(c.statements.docs))
	for i, d := range c.statements.docs {
		// The first field tells the kind; the others are that kind's.
		kind, at := bsonx.First(d)
		fields := map[string]*Fields{"insert": bulkInsert, "update": bulkUpdate, "delete": bulkDelete}[kind]
		if fields == nil {
			path := strings.TrimSuffix("bulkWrite."+kind, ".")
			return nil, mongoerr.Newf(mongoerr.IDLUnknownField, "BSON field '%s' is an unknown field.", path)
		}
		args, err := fields.Decode(d)
		if err != nil {
			return nil, err
		}
		ops[i].kind, ops[i].args = kind, args
		n, _ := integer(at)
		n = min(n, math.MaxInt32)
		if n < 0 || n >= int64(len(spaces)) {
			return nil, mongoerr.Newf(mongoerr.BadValue, "BulkWrite ops entry %s has an invalid nsInfo index.", ops[i].text(n))
		}
		ops[i].ns = spaces[n]
		if err := ops[i].check(); err != nil {
			return nil, err
		}
	}
	return ops, nil
}

// check tells what is wrong with an operation and fails the whole command.
func (op *bulkOp) check() error {
	if op.kind == "update" {
		if u := op.args.Value("updateMods"); u.Type != bsonx.TypeDocument && u.Type != bsonx.TypeArray {
			return mongoerr.New(mongoerr.FailedToParse, "Update argument must be either an object or an array")
		}
		if u := op.args.Value("updateMods"); u.Type == bsonx.TypeArray {
			if _, err := plan.Stages(u); err != nil {
				return err
			}
		}
		if _, err := op.args.Docs("arrayFilters"); err != nil {
			return err
		}
	}
	return nil
}

func (c *Call) bulkNamespaces() ([]catalog.Namespace, error) {
	docs, err := c.Args.Docs("nsInfo")
	if err != nil {
		return nil, err
	}
	spaces := make([]catalog.Namespace, len(docs))
	for i, d := range docs {
		a, err := bulkNamespace.Decode(d)
		if err != nil {
			return nil, err
		}
		ns := catalog.ParseNamespace(string([]byte(a.Str("ns"))))
		if err := checkBulkNamespace(ns); err != nil {
			return nil, err
		}
		spaces[i] = ns
	}
	return spaces, nil
}

// checkBulkNamespace tells which names are refused although no operation uses them.
func checkBulkNamespace(ns catalog.Namespace) error {
	switch {
	case strings.ContainsRune(ns.DB, 0):
		return mongoerr.New(mongoerr.InvalidNamespace, "namespace cannot have embedded null characters")
	case len(ns.DB) <= catalog.DatabaseBytesMax && !ns.Named():
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Invalid namespace specified for bulkWrite: '%s'", ns)
	}
	return ns.ValidateCursor()
}

// text is the operation as the original writes it down: its fields in their order,
// with those that have a default. at is its namespace's place.
func (op *bulkOp) text(at int64) string {
	b := bsonx.NewBuilder(nil)
	b.Int32(op.kind, int32(at))
	for i, f := range op.args.f.list {
		v := op.args.vals[i]
		switch {
		case f.Name == op.kind:
		case f.Name == "hint" && v.Type == bsonx.TypeString:
			b.OpenDoc("hint")
			b.Value("$hint", v)
			b.Close()
		case (f.Name == "multi" || f.Name == "upsert") && bsonx.IsMissing(v):
			b.Bool(f.Name, false)
		case !bsonx.IsMissing(v):
			b.Value(f.Name, v)
		}
	}
	return bsonx.ShellString(bsonx.DocValue(b.Doc()))
}
