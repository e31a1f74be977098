package query

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

const (
	// levelsMax is how many documents and arrays within each other a stored
	// document may have, itself included.
	levelsMax = 180

	// levelBytes is the least that one level takes: its type, its name's end, its
	// length and its end. What is shorter than all levels together needs no look.
	levelBytes = 7

	// serializedMax is the size above which a pipeline fails to write its result at all.
	serializedMax = bsonx.DocBytesMax + 16<<10
)

// checkResult says what is wrong with a document that an update made.
func (u *Update) checkResult(doc bsonx.Doc) error {
	if u.isPipeline && len(doc) > serializedMax {
		return mongoerr.Newf(mongoerr.BSONObjectTooLarge, "Serializing Document failed :: caused by :: Size %d exceeds maximum %d", len(doc), serializedMax)
	}
	if len(doc) > bsonx.DocBytesMax {
		return mongoerr.Newf(17419, "Resulting document after update is larger than %d", bsonx.DocBytesMax)
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
	if err := checkLevels(doc); err != nil {
		return err
	}
	return u.checkResult(doc)
}

func checkLevels(doc bsonx.Doc) error {
	if len(doc) > levelsMax*levelBytes && levels(bsonx.DocValue(doc)) > levelsMax {
		return mongoerr.Newf(mongoerr.Overflow, "Document exceeds maximum nesting depth of %d", levelsMax)
	}
	return nil
}

// levels counts the documents and arrays within each other, v included.
func levels(v bsonx.Value) int {
	if v.Type != bsonx.TypeDocument && v.Type != bsonx.TypeArray {
		return 0
	}
	n := 0
	for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
		n = max(n, levels(it.Value()))
	}
	return n + 1
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
