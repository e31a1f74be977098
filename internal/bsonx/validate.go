package bsonx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
)

// ErrTooDeep is why Validate refuses a document that is sound but nested too
// deeply; the reference server gives it a code of its own (Overflow).
var ErrTooDeep = errors.New("BSONObj exceeds maximum nested object depth")

// The other reasons, in the reference server's words.
var (
	errSize      = errors.New("BSON size is larger than buffer size")
	errLength    = errors.New("incorrect BSON length")
	errUnclosed  = errors.New("Not null terminated string")
	errBool      = errors.New("BSON bool is neither false nor true")
	errNoObject  = errors.New("Nested BSON object has to be at least 5 bytes")
	errCodeScope = errors.New("Nested CodeWScope has to be at least 14 bytes")
)

// InvalidError is what Validate returns: what is wrong, and where.
type InvalidError struct {
	Reason error
	Path   string // dotted, of the element at fault; "" if the document itself is.
	ID     Value  // the document's _id, if it came first and is a scalar.
}

// Error is the reference server's message.
func (e *InvalidError) Error() string {
	var b strings.Builder
	b.WriteString(e.Reason.Error())
	if e.Path != "" {
		b.WriteString(" in element with field name '" + e.Path + "'")
	}
	if IsMissing(e.ID) {
		b.WriteString(" in object with unknown _id")
	} else {
		b.WriteString(" in object with _id: " + ShellString(e.ID))
	}
	return b.String()
}

// Unwrap returns the reason.
func (e *InvalidError) Unwrap() error { return e.Reason }

// Validate tells whether b is exactly one well-formed document, nested at most
// depthMax levels below its top. Strings need not be UTF-8, arrays' names may be
// any, names may repeat: the reference server takes all that. Every view in this
// package relies on what is checked here. A failure is an *[InvalidError].
func Validate(b []byte, depthMax int) error {
	n, err := validateDoc(b, depthMax)
	if err == nil && n != len(b) {
		err = &InvalidError{Reason: errLength}
	}
	if err == nil {
		return nil
	}
	err.ID = intactID(b)
	return err
}

// validateDoc checks the document at the start of b and returns its length.
func validateDoc(b []byte, depth int) (int, *InvalidError) {
	if depth < 0 {
		return 0, &InvalidError{Reason: ErrTooDeep}
	}
	n, err := docLength(b)
	if err != nil {
		return 0, err
	}
	for at := 4; at < n-1; {
		t := Type(b[at])
		name := bytes.IndexByte(b[at+1:n-1], 0)
		if t == 0 || name < 0 {
			return 0, &InvalidError{Reason: errLength}
		}
		body := at + 1 + name + 1
		size, err := validateValue(t, b[body:n-1], depth)
		if err != nil {
			key := string(b[at+1 : body-1])
			if err.Path != "" {
				key += "." + err.Path
			}
			err.Path = key
			return 0, err
		}
		at = body + size
	}
	return n, nil
}

func docLength(b []byte) (int, *InvalidError) {
	if len(b) < 5 {
		return 0, &InvalidError{Reason: errSize}
	}
	n := int(int32(binary.LittleEndian.Uint32(b)))
	switch {
	case n < 5:
		return 0, &InvalidError{Reason: errNoObject}
	case n > len(b):
		return 0, &InvalidError{Reason: errSize}
	case b[n-1] != 0:
		return 0, &InvalidError{Reason: errLength}
	}
	return n, nil
}

// validateValue checks a value at the start of b, which ends with the document
// around it, and returns its size.
func validateValue(t Type, b []byte, depth int) (int, *InvalidError) {
	size := 0
	switch t {
	case TypeDouble, TypeDate, TypeTimestamp, TypeInt64:
		size = 8
	case TypeInt32:
		size = 4
	case TypeNull, TypeUndefined, TypeMinKey, TypeMaxKey:
	case TypeObjectID:
		size = 12
	case TypeDecimal:
		size = 16
	case TypeBool:
		if len(b) > 0 && b[0] > 1 {
			return 0, &InvalidError{Reason: errBool}
		}
		size = 1
	case TypeString, TypeCode, TypeSymbol:
		return validateString(b)
	case TypeDocument, TypeArray:
		return validateDoc(b, depth-1)
	case TypeBinary:
		if len(b) < 5 {
			return 0, &InvalidError{Reason: errSize}
		}
		size = 5 + int(binary.LittleEndian.Uint32(b))
	case TypeRegex:
		return validateRegex(b)
	case TypeDBPointer:
		n, err := validateString(b)
		if err != nil {
			return 0, err
		}
		size = n + 12
	case TypeCodeScope:
		return validateCodeScope(b, depth)
	default:
		return 0, &InvalidError{Reason: unknownType(t)}
	}
	if size > len(b) {
		return 0, &InvalidError{Reason: errSize}
	}
	return size, nil
}

func validateString(b []byte) (int, *InvalidError) {
	if len(b) < 4 {
		return 0, &InvalidError{Reason: errSize}
	}
	n := int(binary.LittleEndian.Uint32(b))
	switch {
	case n > len(b)-4:
		return 0, &InvalidError{Reason: errSize}
	case n == 0 || b[4+n-1] != 0:
		return 0, &InvalidError{Reason: errUnclosed}
	}
	return 4 + n, nil
}

func validateRegex(b []byte) (int, *InvalidError) {
	pattern := bytes.IndexByte(b, 0) + 1
	flags := bytes.IndexByte(b[pattern:], 0) + 1
	if pattern == 0 || flags == 0 {
		return 0, &InvalidError{Reason: errSize}
	}
	return pattern + flags, nil
}

// validateCodeScope checks length, code and scope, which must fill each other exactly.
func validateCodeScope(b []byte, depth int) (int, *InvalidError) {
	if len(b) < 4 {
		return 0, &InvalidError{Reason: errSize}
	}
	n := int(binary.LittleEndian.Uint32(b))
	switch {
	case n > len(b):
		return 0, &InvalidError{Reason: errSize}
	case n < 14:
		return 0, &InvalidError{Reason: errCodeScope}
	}
	code, err := validateString(b[4:n])
	if err != nil {
		return 0, err
	}
	scope, err := validateDoc(b[4+code:n], depth-1)
	if err != nil {
		return 0, err
	}
	if 4+code+scope != n {
		return 0, &InvalidError{Reason: errLength}
	}
	return n, nil
}

type unknownType Type

func (t unknownType) Error() string {
	return "Unrecognized BSON type " + strconv.Itoa(int(int8(t)))
}

// intactID is the _id of a document that is broken further on, for the message.
func intactID(b []byte) Value {
	if len(b) < 9 || string(b[5:9]) != "_id\x00" {
		return Missing
	}
	switch t := Type(b[4]); t {
	case TypeDocument, TypeArray, TypeCodeScope:
	default:
		if n, err := validateValue(t, b[9:], 0); err == nil {
			return Value{Type: t, Data: b[9 : 9+n]}
		}
	}
	return Missing
}
