package command

import (
	"context"
	"math"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/mongoerr"
)

// create makes a collection. The options that say what happens anyway are kept
// where listCollections of the original shows them.
var create = Spec{
	Name: "create", Txn: Anywhere, Write: true, API: true, Help: "makes a collection",
	Fields: NewFields("create",
		Field{Name: "capped", Type: oneOf("long", "bool", "int", "decimal", "double")},
		Field{Name: "size", Type: oneOf("double", "long", "decimal", "int"), Bounded: true, AtLeast: 1},
		Field{Name: "max", Type: oneOf("double", "long", "decimal", "int")},
		Field{Name: "idIndex", Type: Document},
		Field{Name: "storageEngine", Type: Document},
		Field{Name: "validator", Type: Document},
		Field{Name: "validationLevel", Type: Text},
		Field{Name: "validationAction", Type: Text},
		Field{Name: "indexOptionDefaults", Type: Document},
		Field{Name: "viewOn", Type: Text},
		Field{Name: "pipeline", Type: Array},
		Field{Name: "collation", Type: Document},
		Field{Name: "changeStreamPreAndPostImages", Type: Document},
		Field{Name: "timeseries", Type: Document},
		Field{Name: "clusteredIndex", Type: Any},
		Field{Name: "expireAfterSeconds", Type: Integer},
		Field{Name: "encryptedFields", Type: Document},
		Field{Name: "recordIdsReplicated", Type: oneOf("long", "bool", "int", "decimal", "double")},
		Field{Name: "temp", Type: oneOf("long", "bool", "int", "decimal", "double")},
		Field{Name: "flags", Type: oneOf("double", "long", "decimal", "int"), NoEffect: "of a storage engine that is gone"}),
}

func isEmpty(v bsonx.Value) bool {
	return v.Type == bsonx.TypeDocument && bsonx.Len(bsonx.AsDoc(v)) == 0
}

// checkCreateText is create's Check: what a transaction survives.
func checkCreateText(c *Call) error {
	if err := c.Args.checkValidation(); err != nil {
		return err
	}
	if err := c.Args.checkCap(); err != nil {
		return err
	}
	if _, err := c.Args.Docs("pipeline"); err != nil {
		return err
	}
	if err := checkNested(c); err != nil {
		return err
	}
	return checkName(c)
}

// runCreate makes a collection. Outside a transaction one that is already there
// with the same options is success; inside it is an error (3.10). What is made by
// an open transaction is waited for by neither: the later commit loses.
func runCreate(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	if err := ns.ValidateNew(); err != nil {
		return err
	}
	if err := c.checkCreateOptions(); err != nil {
		return err
	}
	if err := c.checkCreate(); err != nil {
		return err
	}
	if c.Args.Has("viewOn") {
		return c.createView(ctx, ns)
	}
	opt := catalog.CreateOptions{InTxn: c.InTxn(), Options: c.createOptions()}
	if c.InTxn() {
		return c.makeCollection(ctx, c.Txn.Tx, ns, opt)
	}
	if err := c.passChanges(ctx, ns); err != nil {
		return err
	}
	return c.change(ctx, func(tx *docstore.Tx) error { return c.makeCollection(ctx, tx, ns, opt) }, ns)
}

func (c *Call) makeCollection(ctx context.Context, tx *docstore.Tx, ns catalog.Namespace, opt catalog.CreateOptions) error {
	coll, err := tx.Cat.Lookup(ctx, ns)
	if err != nil || coll != nil && !opt.InTxn && coll.SameOptions(opt) {
		return err
	}
	if coll == nil {
		if err := checkValidator(ns, c.D.Env.UUID(), c.Args.Doc("validator")); err != nil {
			return err
		}
	}
	_, err = tx.Cat.Create(ctx, ns, opt)
	return err
}

// createOptions are the options that the collection keeps.
func (c *Call) createOptions() bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	c.appendCap(b)
	c.Args.appendValidation(b)
	return b.Doc()
}

// checkCreateOptions tells which options do not go together.
func (c *Call) checkCreateOptions() error {
	a := &c.Args
	invalid := func(msg string) error { return mongoerr.New(mongoerr.InvalidOptions, msg) }
	capped := a.Bool("capped", false)
	switch {
	case a.Has("pipeline") && !a.Has("viewOn"):
		return invalid("'pipeline' requires 'viewOn' to also be specified")
	case a.Has("viewOn") && a.Str("viewOn") == "":
		return mongoerr.New(mongoerr.BadValue, "'viewOn' cannot be empty")
	case a.Has("viewOn") && a.Has("idIndex"):
		return invalid("'idIndex' is not allowed with 'viewOn': " + bsonx.ShellString(a.Value("idIndex")))
	case !capped && (a.Has("size") || a.Has("max")):
		return invalid("the 'capped' field needs to be true when either the 'size' or 'max' fields are present")
	case capped && !a.Has("size"):
		return invalid("the 'size' field is required when 'capped' is true")
	case a.Has("temp"):
		return invalid("the 'temp' field is an invalid option")
	case a.Has("expireAfterSeconds") && !a.Has("timeseries"):
		return invalid("'expireAfterSeconds' is only supported on time-series collections or when the 'clusteredIndex' option is specified")
	}
	if err := checkIDIndex(a.Doc("idIndex")); err != nil {
		return err
	}
	if v := a.Value("collation"); v.Type == bsonx.TypeDocument && !isSimpleCollation(v) {
		return mongoerr.NotYet("create.collation")
	}
	return nil
}

// word tells whether a text field, if it is there, is one of the words that it may be.
func (a *Args) word(name string, words ...string) error {
	if !a.Has(name) || slices.Contains(words, a.Str(name)) {
		return nil
	}
	return mongoerr.Newf(mongoerr.BadValue, "Enumeration value '%s' for field '%s.%s' is not a valid value.", a.Str(name), a.f.owner, name)
}

// checkIDIndex judges the specification of the index on _id, which can ask for
// nothing but what that index is; nil is none.
func checkIDIndex(spec bsonx.Doc) error {
	if spec == nil {
		return nil
	}
	if key := bsonx.Get(spec, "key"); key.Type == bsonx.TypeDocument {
		if name, v := bsonx.First(bsonx.AsDoc(key)); bsonx.Len(bsonx.AsDoc(key)) != 1 || name != "_id" || !bsonx.Equal(v, bsonx.Int32(1)) {
			return mongoerr.Newf(mongoerr.BadValue, "The field 'key' for an _id index must be {_id: 1}, but got %s", bsonx.ShellString(key))
		}
	}
	_, err := catalog.ParseIDIndex(spec)
	return err
}

// checkCreate tells what create does not make: here, or in a transaction.
func (c *Call) checkCreate() error {
	view, series := c.Args.Has("viewOn"), c.Args.Has("timeseries")
	if err := c.checkLevel("create"); err != nil {
		return err
	}
	switch {
	case c.InTxn() && view:
		return mongoerr.New(mongoerr.OperationNotSupportedInTransaction, "Cannot create a view in a multi-document transaction.")
	case c.InTxn() && series:
		return mongoerr.New(mongoerr.OperationNotSupportedInTransaction, "Cannot create a time-series collection in a multi-document transaction.")
	case series:
		return mongoerr.NotYet("create.timeseries")
	}
	return nil
}

// Limits of a capped collection.
const (
	cappedBytesMax = 1 << 50
	cappedDocsMax  = math.MaxInt32
)

// checkCap tells which sizes a capped collection cannot have.
func (a *Args) checkCap() error {
	if n := a.Int("size", 0); n > cappedBytesMax {
		return mongoerr.Newf(mongoerr.BadValue, "BSON field 'size' value must be <= %d, actual value '%d'", cappedBytesMax, n)
	}
	if n := a.Int("max", 0); n > cappedDocsMax {
		return mongoerr.Newf(mongoerr.BadValue, "BSON field 'max' value must be < %d, actual value '%d'", cappedDocsMax+1, n)
	}
	return nil
}

// appendCap keeps the options of a capped collection, as whole numbers.
func (c *Call) appendCap(b *bsonx.Builder) {
	if !c.Args.Bool("capped", false) {
		return
	}
	b.Bool("capped", true)
	appendNumber(b, "size", c.Args.Int("size", 0))
	if c.Args.Has("max") {
		n := c.Args.Int("max", 0)
		if n <= 0 {
			n = cappedDocsMax // as the original keeps it.
		}
		appendNumber(b, "max", n)
	}
}

// checkLevel refuses to make collections and indexes in a transaction of an explicit
// level that is stricter than local. Serializable, which the original does not have,
// is none of those: what is made is checked at the commit as all that was read.
func (c *Call) checkLevel(command string) error {
	if !c.InTxn() || !c.Txn.Explicit || c.Txn.Level == levelLocal || c.Txn.Level == levelSerializable {
		return nil
	}
	return mongoerr.Newf(mongoerr.InvalidOptions, "Command %s does not support this transaction's { readConcern: { level: %q, provenance: %q } } :: caused by :: read concern not supported", command, c.Txn.Level, c.Txn.Provenance)
}
