package keyenc

import (
	"bytes"

	"github.com/pandodb/pando/internal/bsonx"
)

// The leading bytes, in the order of bsonx.Bracket. They stay clear of 0x00,
// which ends documents and arrays, and of 0xff, so that neither is a leading byte
// in descending order. The gaps are for types to come.
const (
	leadEnd       = 0x00
	leadMinKey    = 0x08
	leadUndefined = 0x10
	leadNull      = 0x18
	leadNaN       = 0x20
	leadNegInf    = 0x21
	leadNegLarge  = 0x22
	leadNegInt1   = 0x2a // one byte of integer part; 0x23 is eight.
	leadNegSmall  = 0x2b
	leadZero      = 0x2c
	leadSmall     = 0x2d
	leadInt1      = 0x2e // one byte of integer part; 0x35 is eight.
	leadLarge     = 0x36
	leadInf       = 0x37
	leadString    = 0x40
	leadDocument  = 0x48
	leadArray     = 0x50
	leadBinary    = 0x58
	leadObjectID  = 0x60
	leadFalse     = 0x68
	leadTrue      = 0x69
	leadDate      = 0x70
	leadTimestamp = 0x78
	leadRegex     = 0x80
	leadDBPointer = 0x88
	leadCode      = 0x90
	leadCodeScope = 0x98
	leadMaxKey    = 0xf0
)

// bracketLeads returns the first and the last leading byte of t's bracket. The
// first also stands for the bracket inside documents.
func bracketLeads(t bsonx.Type) (first, last byte) {
	switch t {
	case bsonx.TypeMinKey:
		return leadMinKey, leadMinKey
	case bsonx.TypeMissing, bsonx.TypeUndefined:
		return leadUndefined, leadUndefined
	case bsonx.TypeNull:
		return leadNull, leadNull
	case bsonx.TypeDouble, bsonx.TypeInt32, bsonx.TypeInt64, bsonx.TypeDecimal:
		return leadNaN, leadInf
	case bsonx.TypeString, bsonx.TypeSymbol:
		return leadString, leadString
	case bsonx.TypeDocument:
		return leadDocument, leadDocument
	case bsonx.TypeArray:
		return leadArray, leadArray
	case bsonx.TypeBinary:
		return leadBinary, leadBinary
	case bsonx.TypeObjectID:
		return leadObjectID, leadObjectID
	case bsonx.TypeBool:
		return leadFalse, leadTrue
	case bsonx.TypeDate:
		return leadDate, leadDate
	case bsonx.TypeTimestamp:
		return leadTimestamp, leadTimestamp
	case bsonx.TypeRegex:
		return leadRegex, leadRegex
	case bsonx.TypeDBPointer:
		return leadDBPointer, leadDBPointer
	case bsonx.TypeCode:
		return leadCode, leadCode
	case bsonx.TypeCodeScope:
		return leadCodeScope, leadCodeScope
	case bsonx.TypeMaxKey:
		return leadMaxKey, leadMaxKey
	}
	panic("keyenc: unvalidated type")
}

// Successor returns, in fresh bytes, the smallest key greater than all keys that
// begin with key; nil if there is none, that is, if key is all 0xff or empty.
func Successor(key []byte) []byte {
	n := len(key)
	for n > 0 && key[n-1] == 0xff {
		n--
	}
	if n == 0 {
		return nil
	}
	next := bytes.Clone(key[:n])
	next[n-1]++
	return next
}
