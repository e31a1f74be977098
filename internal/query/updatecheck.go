package query

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// computedBytesMax is how large a document may be that is made of others and leaves
// the server, or a pipeline.
const computedBytesMax = bsonx.DocBytesMax + 16<<10

// CheckComputed says what keeps a document that expressions have made from leaving
// the server. Within it a document may be of any size and depth that memory bears.
func CheckComputed(doc bsonx.Doc) error {
	if len(doc) > computedBytesMax {
		return mongoerr.Newf(mongoerr.BSONObjectTooLarge, "Serializing Document failed :: caused by :: Size %d exceeds maximum %d", len(doc), computedBytesMax)
	}
	if bsonx.Deeper(doc, bsonx.DepthMax) {
		return mongoerr.Newf(mongoerr.Overflow, "cannot convert document to BSON because it exceeds the limit of %d levels of nesting", bsonx.DepthMax)
	}
	return nil
}

// checkResult says what is wrong with a document that an update made.
func (u *Update) checkResult(doc bsonx.Doc) error {
	if u.isPipeline {
		if err := CheckComputed(doc); err != nil {
			return err
		}
	}
	if len(doc) > bsonx.DocBytesMax {
		return mongoerr.Newf(8375908, "Resulting document after update is larger than %d", bsonx.DocBytesMax)
	}
	if u.deep {
		if err := checkLevels(doc); err != nil {
			return err
		}
	}
	return checkID(bsonx.Get(doc, "_id"))
}

// checkNew says what is wrong with a document that an upsert would insert.
func (u *Update) checkNew(doc bsonx.Doc) error {
	if len(doc) > bsonx.DocBytesMax && (!u.isPipeline || CheckComputed(doc) == nil) {
		return mongoerr.Newf(17420, "Document to upsert is larger than %d", bsonx.DocBytesMax)
	}
	if err := checkLevels(doc); err != nil {
		return err
	}
	return u.checkResult(doc)
}

func checkLevels(doc bsonx.Doc) error {
	if bsonx.Deeper(doc, bsonx.LevelsStoredMax) {
		return mongoerr.Newf(mongoerr.Overflow, "Document exceeds maximum nesting depth of %d", bsonx.LevelsStoredMax)
	}
	return nil
}

// checkID says what is wrong with a value for _id.
func checkID(id bsonx.Value) error {
	switch id.Type {
	case bsonx.TypeArray, bsonx.TypeRegex, bsonx.TypeUndefined:
		return mongoerr.Newf(mongoerr.InvalidIdField, "The '_id' value cannot be of type %s", bsonx.TypeName(id.Type))
	case bsonx.TypeDocument:
		return checkIDFields("_id", bsonx.AsDoc(id))
	}
	return nil
}

// checkIDFields refuses names with '$' within an _id.
func checkIDFields(path string, doc bsonx.Doc) error {
	for it := bsonx.Walk(doc); it.Next(); {
		here := path + "." + it.Key()
		if strings.HasPrefix(it.Key(), "$") {
			return dollarField(it.Key(), here)
		}
		if v := it.Value(); v.Type == bsonx.TypeDocument || v.Type == bsonx.TypeArray {
			if err := checkIDFields(here, bsonx.AsDoc(v)); err != nil {
				return err
			}
		}
	}
	return nil
}

// dollarField is the error for a name with '$' where none may be.
func dollarField(name, path string) error {
	return mongoerr.Newf(mongoerr.DollarPrefixedFieldName, "The dollar ($) prefixed field '%s' in '%s' is not allowed in the context of an update's replacement document. Consider using an aggregation pipeline with $replaceWith.", name, path)
}
