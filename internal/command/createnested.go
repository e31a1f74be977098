package command

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// The options of create that are documents. All are decoded, so that a mistake in them
// is told in the original's words; most of what they may ask for is not here yet.
var createNested = []*Fields{
	NewFields("create.timeseries",
		Field{Name: "timeField", Type: Text, Required: true}, Field{Name: "metaField", Type: Text}, Field{Name: "granularity", Type: Text},
		Field{Name: "bucketMaxSpanSeconds", Type: Integer}, Field{Name: "bucketRoundingSeconds", Type: Integer}),
	NewFields("create.encryptedFields",
		Field{Name: "fields", Type: Array, Required: true}, Field{Name: "escCollection", Type: Text}, Field{Name: "ecocCollection", Type: Text},
		Field{Name: "strEncodeVersion", Type: Int}),
	NewFields("create.indexOptionDefaults", Field{Name: "storageEngine", Type: Document}),
	NewFields("create.changeStreamPreAndPostImages", Field{Name: "enabled", Type: Boolean, Required: true, NotYet: true, Unless: isFalse}),
	NewFields("create.collation",
		Field{Name: "locale", Type: Text, Required: true}, Field{Name: "caseLevel", Type: Boolean}, Field{Name: "caseFirst", Type: Text},
		Field{Name: "strength", Type: oneOf("double", "int", "decimal", "long")}, Field{Name: "numericOrdering", Type: Boolean}, Field{Name: "alternate", Type: Text},
		Field{Name: "maxVariable", Type: Text}, Field{Name: "normalization", Type: Boolean}, Field{Name: "backwards", Type: Boolean}, Field{Name: "version", Type: Text}),
}

var clusteredIndex = NewFields("create.clusteredIndex",
	Field{Name: "v", Type: Integer}, Field{Name: "key", Type: Document, Required: true}, Field{Name: "name", Type: Text}, Field{Name: "unique", Type: Boolean, Required: true})

// checkNested judges the options that are documents, as text: what it lets pass and is
// not here yet is refused by name.
func checkNested(c *Call) error {
	for _, f := range createNested {
		name := f.owner[len("create."):]
		if doc := c.Args.Doc(name); doc != nil && !(isEmpty(c.Args.Value(name)) && f.needed == nil) {
			if _, err := f.Decode(doc); err != nil {
				return err
			}
		}
	}
	if err := checkStorageEngine(c.Args.Doc("storageEngine")); err != nil {
		return err
	}
	if err := checkClustered(c.Args.Value("clusteredIndex")); err != nil {
		return err
	}
	switch a := &c.Args; {
	case a.Has("encryptedFields"):
		return mongoerr.NotYet("create.encryptedFields")
	case a.Has("indexOptionDefaults") && !isEmpty(a.Value("indexOptionDefaults")):
		return mongoerr.NotYet("create.indexOptionDefaults")
	case a.Bool("recordIdsReplicated", false):
		return mongoerr.New(mongoerr.CommandNotSupported, "'recordIdsReplicated' option may not be run without featureFlagRecordIdsReplicated enabled")
	}
	return nil
}

// checkStorageEngine judges what is meant for a storage engine, of which the original
// has one; its options mean nothing here, and are refused.
func checkStorageEngine(doc bsonx.Doc) error {
	for name, v := range bsonx.All(doc) {
		switch {
		case v.Type != bsonx.TypeDocument:
			return mongoerr.Newf(mongoerr.BadValue, "'storageEngine.%s' has to be an embedded document.", name)
		case name != "wiredTiger":
			return mongoerr.Newf(mongoerr.InvalidOptions, "%s is not a registered storage engine for this server", name)
		}
		return mongoerr.NotYet("create.storageEngine")
	}
	return nil
}

// checkClustered judges the index that documents are to be clustered by.
func checkClustered(v bsonx.Value) error {
	switch {
	case bsonx.IsMissing(v), isFalse(v):
		return nil
	case Truthy.allow(v):
		return mongoerr.New(5979703, "The 'clusteredIndex' legacy format {clusteredIndex: <bool>} is only supported for specific internal collections and vice versa")
	case v.Type != bsonx.TypeDocument:
		return mongoerr.Newf(mongoerr.TypeMismatch, "BSON field 'create.clusteredIndex' is the wrong type '%s', expected types '[bool]'", bsonx.TypeName(v.Type))
	}
	a, err := clusteredIndex.Decode(bsonx.AsDoc(v))
	if err != nil {
		return err
	}
	key := bsonx.AsDoc(a.Value("key"))
	switch name, one := bsonx.First(key); {
	case bsonx.Len(key) != 1 || name != "_id" || !bsonx.Equal(one, bsonx.Int32(1)):
		return mongoerr.New(mongoerr.InvalidIndexSpecificationOption, "The clusteredIndex option is only supported for key: {_id: 1}")
	case !a.Bool("unique", false):
		return mongoerr.New(5979700, "The clusteredIndex option requires unique: true to be specified")
	}
	return mongoerr.NotYet("create.clusteredIndex")
}
