package query

import (
	"bytes"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// replace appends the replacement, with the old document's _id in front.
// Only an insertion may make names with '$'.
func (u *Update) replace(doc bsonx.Doc, c *expr.Context, inserting bool, dst []byte) (bsonx.Doc, error) {
	oldID := bsonx.Get(doc, "_id")
	b := bsonx.NewBuilder(dst)
	id := bsonx.Get(u.replacement, "_id")
	if id.Type == bsonx.TypeMissing {
		b.Value("_id", oldID)
	} else {
		b.Value("_id", id)
	}
	for it := bsonx.Walk(u.replacement); it.Next(); {
		key, v := it.Key(), it.Value()
		if key == "_id" {
			continue
		}
		if !inserting && strings.HasPrefix(key, "$") {
			if err := dollarAtTop(key, v, u.replacement); err != nil {
				return nil, err
			}
		}
		if v.Type == bsonx.TypeTimestamp && bsonx.AsInt64(v) == 0 && c != nil && !u.keepTimes {
			b.Timestamp(key, c.ClusterTime) // an empty timestamp asks for the present.
			continue
		}
		b.Value(key, v)
	}
	if err := checkID(id); err != nil {
		return nil, err
	}
	return b.Doc(), sameID(oldID, id)
}

// sameReplacement tells whether replacing a document is no change. One that only
// differs by leaving _id to the server counts as one, unless there is nothing else.
func sameReplacement(doc, by bsonx.Doc) bool {
	name, _ := bsonx.First(doc)
	return bytes.Equal(doc, by) || len(by) <= len(bsonx.Empty) && name == "_id" && bsonx.Len(doc) == 1
}

// sameID refuses an _id that is another one than before. An equal number of
// another type is the same.
func sameID(before, after bsonx.Value) error {
	if before.Type == bsonx.TypeMissing || after.Type == bsonx.TypeMissing || bsonx.Equal(before, after) {
		return nil
	}
	return mongoerr.Newf(mongoerr.ImmutableField, "After applying the update, the (immutable) field '_id' was found to have been altered to %s", element("_id", after))
}

// dollarAtTop is the error for a top-level field of a name with '$', which an
// update may not make. Those of a database reference are told by their own rules.
func dollarAtTop(name string, v bsonx.Value, doc bsonx.Doc) error {
	switch name {
	case "$ref", "$db":
		if v.Type != bsonx.TypeString {
			return mongoerr.Newf(mongoerr.InvalidDBRef, "The DBRef %s field must be a String, not a %s", name, bsonx.TypeName(v.Type))
		}
	case "$id":
		if bsonx.Get(doc, "$ref").Type == bsonx.TypeMissing {
			return mongoerr.New(mongoerr.InvalidDBRef, "Found $id field without a $ref before it, which is invalid.")
		}
	default:
		return dollarField(name, name)
	}
	return nil
}
