package bsonx

import (
	"bytes"
	"encoding/binary"
	"math"
	"unsafe"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// Doc is a borrowed, validated BSON document (or the bytes of an array).
type Doc = bsoncore.Document

// Type is a BSON type byte. The zero Type is no BSON type: it marks a missing value.
type Type = bsoncore.Type

// Value is a typed view of a value's bytes. It borrows them. The zero Value is
// Missing, which is not the same as a BSON null.
type Value = bsoncore.Value

// The BSON types.
const (
	TypeMissing   Type = 0
	TypeDouble         = bsoncore.TypeDouble
	TypeString         = bsoncore.TypeString
	TypeDocument       = bsoncore.TypeEmbeddedDocument
	TypeArray          = bsoncore.TypeArray
	TypeBinary         = bsoncore.TypeBinary
	TypeUndefined      = bsoncore.TypeUndefined
	TypeObjectID       = bsoncore.TypeObjectID
	TypeBool           = bsoncore.TypeBoolean
	TypeDate           = bsoncore.TypeDateTime
	TypeNull           = bsoncore.TypeNull
	TypeRegex          = bsoncore.TypeRegex
	TypeDBPointer      = bsoncore.TypeDBPointer
	TypeCode           = bsoncore.TypeJavaScript
	TypeSymbol         = bsoncore.TypeSymbol
	TypeCodeScope      = bsoncore.TypeCodeWithScope
	TypeInt32          = bsoncore.TypeInt32
	TypeTimestamp      = bsoncore.TypeTimestamp
	TypeInt64          = bsoncore.TypeInt64
	TypeDecimal        = bsoncore.TypeDecimal128
	TypeMaxKey         = bsoncore.TypeMaxKey
	TypeMinKey         = bsoncore.TypeMinKey
)

// Limits that every door enforces.
const (
	DocBytesMax     = 16 << 20 // of a document that a user stores or sends.
	MessageBytesMax = 48_000_000
	DepthMax        = 200
	BatchOpsMax     = 100_000
)

// Missing is the absence of a value.
var Missing = Value{}

// Null is the BSON null.
var Null = Value{Type: TypeNull}

// True and False are the BSON booleans.
var (
	True  = Value{Type: TypeBool, Data: []byte{1}}
	False = Value{Type: TypeBool, Data: []byte{0}}
)

// Empty is the document without fields.
var Empty = Doc{5, 0, 0, 0, 0}

// IsMissing tells whether v is no value at all.
func IsMissing(v Value) bool { return v.Type == TypeMissing }

// IsNullish tells whether v is missing, null or undefined.
func IsNullish(v Value) bool {
	return v.Type == TypeMissing || v.Type == TypeNull || v.Type == TypeUndefined
}

// IsNumber tells whether v is of one of the four numeric types.
func IsNumber(v Value) bool {
	switch v.Type {
	case TypeDouble, TypeInt32, TypeInt64, TypeDecimal:
		return true
	}
	return false
}

// Bool returns a boolean value; it allocates nothing.
func Bool(b bool) Value {
	if b {
		return True
	}
	return False
}

// Int32 returns v as a BSON int32 in fresh bytes.
func Int32(v int32) Value {
	return Value{Type: TypeInt32, Data: binary.LittleEndian.AppendUint32(nil, uint32(v))}
}

// Int64 returns v as a BSON int64 in fresh bytes.
func Int64(v int64) Value {
	return Value{Type: TypeInt64, Data: binary.LittleEndian.AppendUint64(nil, uint64(v))}
}

// Double returns v as a BSON double in fresh bytes.
func Double(v float64) Value {
	return Value{Type: TypeDouble, Data: binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))}
}

// Date returns milliseconds since the epoch as a BSON date in fresh bytes.
func Date(ms int64) Value {
	return Value{Type: TypeDate, Data: binary.LittleEndian.AppendUint64(nil, uint64(ms))}
}

// Timestamp returns a BSON timestamp: seconds in the high half, the increment in the low.
func Timestamp(ts uint64) Value {
	return Value{Type: TypeTimestamp, Data: binary.LittleEndian.AppendUint64(nil, ts)}
}

// String returns s as a BSON string in fresh bytes.
func String(s string) Value {
	return Value{Type: TypeString, Data: bsoncore.AppendString(nil, s)}
}

// DocValue and ArrayValue wrap borrowed bytes.
func DocValue(d Doc) Value { return Value{Type: TypeDocument, Data: d} }

// ArrayValue wraps the borrowed bytes of an array.
func ArrayValue(d Doc) Value { return Value{Type: TypeArray, Data: d} }

// Str returns the borrowed text of a string, symbol or code value, as a Go
// string over the same bytes: it must not outlive them.
func Str(v Value) string {
	n := int(binary.LittleEndian.Uint32(v.Data)) - 1
	return view(v.Data[4 : 4+n])
}

// AsDoc returns the bytes of a document or array value.
func AsDoc(v Value) Doc { return Doc(v.Data) }

// AsBool returns a BSON boolean's truth.
func AsBool(v Value) bool { return v.Data[0] != 0 }

// AsInt32 returns an int32 value's number.
func AsInt32(v Value) int32 { return int32(binary.LittleEndian.Uint32(v.Data)) }

// AsInt64 returns the number of an int64, date or timestamp value.
func AsInt64(v Value) int64 { return int64(binary.LittleEndian.Uint64(v.Data)) }

// AsDouble returns a double value's number.
func AsDouble(v Value) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(v.Data)) }

// view is a string over borrowed bytes.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Regex returns the borrowed pattern and flags of a regular expression.
func Regex(v Value) (pattern, flags string) {
	end := bytes.IndexByte(v.Data, 0)
	return view(v.Data[:end]), view(v.Data[end+1 : len(v.Data)-1])
}

// Binary returns the subtype and the borrowed bytes of binary data. Those of
// subtype 2 begin with a second length, as they are stored.
func Binary(v Value) (subtype byte, data []byte) { return v.Data[4], v.Data[5:] }

func leUint64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
