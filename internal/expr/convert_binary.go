package expr

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/pandodb/pando/internal/bsonx"
)

// conversion is what $convert was asked for.
type conversion struct {
	to        bsonx.Type
	subtype   bsonx.Value // of binary data; missing means 0.
	format    string      // of binary data as text; "" if none was given.
	bigEndian bool        // numbers as binary data.
}

const uuidSubtype = 4

// formatOperand and orderOperand check the operands of these names.
func formatOperand(v bsonx.Value) (string, error) {
	switch {
	case bsonx.IsNullish(v):
		return "", nil
	case v.Type != bsonx.TypeString:
		return "", fail(4341114, "$convert requires that 'format' be a string, found: %s with value %s", nameOf(v), ValueText(v))
	}
	switch s := bsonx.Str(v); s {
	case "base64", "base64url", "utf8", "hex", "uuid", "auto":
		return s, nil
	default:
		return "", fail(4341125, "Invalid 'format' argument for $convert: %s", s)
	}
}

func orderOperand(v bsonx.Value) (bigEndian bool, err error) {
	switch {
	case bsonx.IsNullish(v):
		return false, nil
	case v.Type != bsonx.TypeString:
		return false, fail(9130001, "$convert requires that 'byteOrder' be a string, found: %s with value %s", nameOf(v), ValueText(v))
	}
	switch s := bsonx.Str(v); s {
	case "little", "big":
		return s == "big", nil
	default:
		return false, fail(9130002, "Invalid 'byteOrder' argument for $convert: %s", s)
	}
}

// wantedSubtype is the subtype asked for.
func (to *conversion) wantedSubtype() (byte, error) {
	v := to.subtype
	if bsonx.IsMissing(v) {
		return 0, nil
	}
	if !bsonx.IsNumber(v) {
		return 0, fail(4341108, "For BinData, $convert's 'subtype' argument must be a number, but is %s", nameOf(v))
	}
	n, ok := bsonx.ToInt64Exact(v)
	if !ok {
		return 0, fail(4341106, "In $convert, numeric 'subtype' argument is not an integer")
	}
	if n < 0 || n > 8 && n != 255 && n < 128 || n > 255 {
		return 0, fail(4341107, "In $convert, numeric value for 'subtype' does not correspond to a BinData type: %d", n)
	}
	return byte(n), nil
}

func (c *Context) binaryValue(subtype byte, data []byte) bsonx.Value {
	extra := 0
	if subtype == 2 {
		extra = 4 // the old subtype repeats the length.
	}
	b := c.bytes(5 + extra + len(data))
	binary.LittleEndian.PutUint32(b, uint32(len(data)+extra))
	b[4] = subtype
	if extra > 0 {
		binary.LittleEndian.PutUint32(b[5:], uint32(len(data)))
	}
	copy(b[5+extra:], data)
	return bsonx.Value{Type: bsonx.TypeBinary, Data: b}
}

// toBinary converts a string, a number or binary data.
func (c *Context) toBinary(v bsonx.Value, to *conversion) (bsonx.Value, error) {
	switch v.Type {
	case bsonx.TypeString:
		if to.format == "" {
			return v, fail(4341115, "Format must be speficied when converting from 'string' to 'binData'")
		}
		subtype, err := to.wantedSubtype()
		if err != nil {
			return v, err
		}
		data, why := parseBinary(bsonx.Str(v), to.format, subtype)
		if why != "" {
			return v, inConvert("Failed to parse BinData '%s' in $convert with no onError value: %s", bsonx.Str(v), why)
		}
		return c.binaryValue(subtype, data), nil
	case bsonx.TypeBinary:
		subtype, err := to.wantedSubtype()
		if err != nil {
			return v, err
		}
		if v.Data[4] != subtype {
			return v, inConvert("Conversions between different BinData subtypes are not supported")
		}
		return v, nil
	case bsonx.TypeInt32, bsonx.TypeInt64, bsonx.TypeDouble:
		subtype, err := to.wantedSubtype()
		if err != nil {
			return v, err
		}
		var b [8]byte
		data := b[:copy(b[:], v.Data)]
		if to.bigEndian {
			reverse(data)
		}
		return c.binaryValue(subtype, data), nil
	}
	return v, unsupported(v, bsonx.TypeBinary)
}

func reverse(b []byte) {
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
}

// parseBinary reads binary data from text; why is empty if that is well.
func parseBinary(s, format string, subtype byte) (data []byte, why string) {
	if (format == "uuid") != (subtype == uuidSubtype) {
		return nil, "Only the 'uuid' format is allowed with the UUID subtype"
	}
	if format == "auto" {
		return nil, "Invalid format 'auto'"
	}
	var err error
	switch format {
	case "base64":
		if len(s)%4 != 0 {
			return nil, "invalid base64"
		}
		if data, err = base64.StdEncoding.DecodeString(s); err != nil {
			return nil, "Invalid base64 character"
		}
	case "base64url":
		if data, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "=")); err != nil {
			return nil, "Invalid base64 character"
		}
	case "utf8":
		if !utf8.ValidString(s) {
			return nil, "Input is not a valid UTF-8 string"
		}
		data = []byte(s)
	case "hex":
		if len(s)%2 != 0 {
			return nil, "Hex blob with odd digit count"
		}
		if data, err = hex.DecodeString(s); err != nil {
			return nil, "The character \\x" + hex.EncodeToString([]byte{badHex(s)}) + " failed to parse from hex."
		}
	case "uuid":
		if data = parseUUID(s); data == nil {
			return nil, "Invalid UUID string: " + s
		}
	}
	return data, ""
}

// badHex is the first character that is no hexadecimal digit.
func badHex(s string) byte {
	i := strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", r) })
	return s[i]
}

// parseUUID reads 8-4-4-4-12 hexadecimal digits; nil if s is something else.
func parseUUID(s string) []byte {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return nil
	}
	data, err := hex.DecodeString(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:])
	if err != nil {
		return nil
	}
	return data
}

// binaryText is binary data as text.
func (c *Context) binaryText(v bsonx.Value, format string) (bsonx.Value, error) {
	subtype, data := bsonx.Binary(v)
	if format == "auto" {
		format = "base64"
		if subtype == uuidSubtype {
			format = "uuid"
		}
	}
	why := ""
	switch format {
	case "":
		return v, fail(4341115, "Format must be speficied when converting from 'binData' to 'string'")
	case "base64":
		return c.stringValue(base64.StdEncoding.EncodeToString(data)), nil
	case "base64url":
		return c.stringValue(base64.RawURLEncoding.EncodeToString(data)), nil
	case "hex":
		return c.stringValue(strings.ToUpper(hex.EncodeToString(data))), nil
	case "utf8":
		if utf8.Valid(data) {
			return c.stringValue(string(data)), nil
		}
		why = "BinData does not represent a valid UTF-8 string"
	case "uuid":
		if subtype == uuidSubtype && len(data) == 16 {
			return c.stringValue(string(bsonx.AppendUUID(nil, [16]byte(data)))), nil
		}
		why = "BinData does not represent a valid UUID"
	}
	return v, inConvert("Failed to convert '%s' to string in $convert with no onError value: %s", scalarText(v), why)
}

// binaryNumber reads binary data as an integer of 1, 2, 4 or 8 bytes, or a
// double of 4 or 8.
func (c *Context) binaryNumber(v bsonx.Value, to *conversion) (bsonx.Value, error) {
	_, data := bsonx.Binary(v)
	var b [8]byte
	n := copy(b[:], data)
	if to.bigEndian {
		reverse(b[:n])
	}
	bits := binary.LittleEndian.Uint64(b[:])
	switch {
	case len(data) == 8 && to.to == bsonx.TypeDouble:
		return c.doubleValue(math.Float64frombits(bits)), nil
	case len(data) == 4 && to.to == bsonx.TypeDouble:
		return c.doubleValue(float64(math.Float32frombits(uint32(bits)))), nil
	case len(data) == 8 && to.to == bsonx.TypeInt64:
		return c.int64Value(int64(bits)), nil
	case (len(data) == 1 || len(data) == 2 || len(data) == 4) && to.to != bsonx.TypeDouble:
		shift := 64 - 8*len(data)
		whole := int64(bits<<shift) >> shift
		if to.to == bsonx.TypeInt64 {
			return c.int64Value(whole), nil
		}
		return c.int32Value(int32(whole)), nil
	}
	return v, inConvert("Failed to convert '%s' to number in $convert because of invalid length: %d", scalarText(v), len(data))
}
