package command

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Types is what a field may hold, as the reference server's messages list it. Null
// and undefined stand for absence, but not where the field has its own message or
// may hold anything.
type Types struct {
	of  []bsonx.Type
	bad func(field string, v bsonx.Value) error // the field's own message, if it has one.
}

// The shapes of fields.
var (
	Any       = Types{}
	Document  = Types{of: []bsonx.Type{bsonx.TypeDocument}}
	Array     = Types{of: []bsonx.Type{bsonx.TypeArray}}
	Text      = Types{of: []bsonx.Type{bsonx.TypeString}}
	Boolean   = Types{of: []bsonx.Type{bsonx.TypeBool}}
	Integer   = Types{of: []bsonx.Type{bsonx.TypeInt64, bsonx.TypeDouble, bsonx.TypeDecimal, bsonx.TypeInt32}}
	Long      = Types{of: []bsonx.Type{bsonx.TypeInt64}}
	Int       = Types{of: []bsonx.Type{bsonx.TypeInt32}}
	Timestamp = Types{of: []bsonx.Type{bsonx.TypeTimestamp}}
	ObjectID  = Types{of: []bsonx.Type{bsonx.TypeObjectID}}
	UUID      = Types{of: []bsonx.Type{bsonx.TypeBinary}}
	DocOrStr  = Types{of: []bsonx.Type{bsonx.TypeString, bsonx.TypeDocument}}

	// Truthy is a boolean for which numbers will do.
	Truthy = Types{of: []bsonx.Type{bsonx.TypeBool, bsonx.TypeInt64, bsonx.TypeInt32, bsonx.TypeDecimal, bsonx.TypeDouble}}
)

// oneOf is a type in the order in which the original lists it for some field: the
// order differs from field to field.
func oneOf(names ...string) (t Types) {
	for _, n := range names {
		t.of = append(t.of, typesByName[n])
	}
	return t
}

var typesByName = map[string]bsonx.Type{
	"double": bsonx.TypeDouble, "long": bsonx.TypeInt64, "int": bsonx.TypeInt32, "decimal": bsonx.TypeDecimal,
	"bool": bsonx.TypeBool, "binData": bsonx.TypeBinary, "string": bsonx.TypeString,
}

// LooseDocument is a document with find's own message.
var LooseDocument = Types{of: Document.of, bad: func(field string, _ bsonx.Value) error {
	return mongoerr.Newf(mongoerr.TypeMismatch, "Expected field %sto be of type object", field)
}}

// Hint names an index by its name or its key.
var Hint = Types{of: DocOrStr.of, bad: func(string, bsonx.Value) error {
	return mongoerr.New(mongoerr.FailedToParse, "Hint must be a string or an object")
}}

// LooseBoolean is a boolean with find's own message.
var LooseBoolean = Types{of: Boolean.of, bad: func(field string, v bsonx.Value) error {
	return mongoerr.Newf(mongoerr.TypeMismatch, "Field '%s' should be a boolean value, but found: %s", field, bsonx.TypeName(v.Type))
}}

// strict is t where null does not stand for absence.
func strict(t Types, owner string) Types {
	plain := t
	t.bad = func(field string, v bsonx.Value) error { return plain.mismatch(owner, field, v) }
	return t
}

// absent tells whether a value says that the field is not given.
func (t Types) absent(v bsonx.Value) bool {
	return (v.Type == bsonx.TypeNull || v.Type == bsonx.TypeUndefined) && t.of != nil && t.bad == nil
}

func (t Types) allow(v bsonx.Value) bool {
	if t.of == nil {
		return true
	}
	for _, o := range t.of {
		if o == v.Type {
			return true
		}
	}
	return false
}

func (t Types) mismatch(owner, field string, v bsonx.Value) error {
	if t.bad != nil {
		return t.bad(field, v)
	}
	if len(t.of) == 1 {
		return mongoerr.Newf(mongoerr.TypeMismatch, "BSON field '%s.%s' is the wrong type '%s', expected type '%s'",
			owner, field, bsonx.TypeName(v.Type), bsonx.TypeName(t.of[0]))
	}
	names := make([]string, len(t.of))
	for i, o := range t.of {
		names[i] = bsonx.TypeName(o)
	}
	return mongoerr.Newf(mongoerr.TypeMismatch, "BSON field '%s.%s' is the wrong type '%s', expected types '[%s]'",
		owner, field, bsonx.TypeName(v.Type), strings.Join(names, ", "))
}
