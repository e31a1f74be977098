package expr

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
)

// ValueText is a value as the server's messages about evaluation show it:
// {x: 1, y: [2, "s"]}. See [bsonx.ShellString] for the other form that it has.
func ValueText(v bsonx.Value) string {
	var b strings.Builder
	writeText(&b, v)
	return b.String()
}

func writeText(b *strings.Builder, v bsonx.Value) {
	switch v.Type {
	case bsonx.TypeDocument:
		writeList(b, v, "{", "}")
	case bsonx.TypeArray:
		writeList(b, v, "[", "]")
	case bsonx.TypeDouble:
		b.WriteString(shortDouble(bsonx.AsDouble(v)))
	default:
		b.WriteString(scalarText(v))
	}
}

func writeList(b *strings.Builder, v bsonx.Value, open, end string) {
	b.WriteString(open)
	separator := ""
	for key, e := range bsonx.All(bsonx.AsDoc(v)) {
		b.WriteString(separator)
		separator = ", "
		if v.Type == bsonx.TypeDocument {
			b.WriteString(key + ": ")
		}
		writeText(b, e)
	}
	b.WriteString(end)
}

func scalarText(v bsonx.Value) string {
	switch v.Type {
	case bsonx.TypeMissing:
		return "MISSING"
	case bsonx.TypeNull:
		return "null"
	case bsonx.TypeUndefined:
		return "undefined"
	case bsonx.TypeMinKey:
		return "MinKey"
	case bsonx.TypeMaxKey:
		return "MaxKey"
	case bsonx.TypeInt32, bsonx.TypeInt64:
		return strconv.FormatInt(asInt64(v), 10)
	case bsonx.TypeDecimal:
		return decimalText(decimalOf(v))
	case bsonx.TypeBool:
		return strconv.FormatBool(bsonx.AsBool(v))
	case bsonx.TypeString:
		return `"` + bsonx.Str(v) + `"`
	case bsonx.TypeSymbol:
		return `Symbol("` + bsonx.Str(v) + `")`
	case bsonx.TypeCode:
		return `Code("` + bsonx.Str(v) + `")`
	case bsonx.TypeObjectID:
		return hex.EncodeToString(v.Data)
	case bsonx.TypeDate:
		return isoDate(bsonx.AsInt64(v))
	case bsonx.TypeTimestamp:
		ts := uint64(bsonx.AsInt64(v))
		return fmt.Sprintf("Timestamp(%d, %d)", ts>>32, uint32(ts))
	case bsonx.TypeBinary:
		subtype, data := bsonx.Binary(v) // of subtype 2 with its second length.
		return fmt.Sprintf("BinData(%d, \"%s\")", subtype, strings.ToUpper(hex.EncodeToString(data)))
	case bsonx.TypeRegex:
		pattern, options := regexOf(v)
		return "/" + pattern + "/" + options
	case bsonx.TypeDBPointer:
		return fmt.Sprintf("DBRef(\"%s\", %x)", bsonx.Str(v), v.Data[len(v.Data)-12:])
	case bsonx.TypeCodeScope:
		code, scope := bsonx.CodeScope(v)
		return fmt.Sprintf("CodeWScope(\"%s\", %s)", code, bsonx.ShellString(bsonx.DocValue(scope)))
	}
	return nameOf(v)
}

// isoDate is a date as the server writes it in UTC.
func isoDate(ms int64) string {
	if y := time.UnixMilli(ms).UTC().Year(); y < 0 || y > 9999 {
		return "illegal date"
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

// regexOf is a regular expression's pattern and options.
func regexOf(v bsonx.Value) (pattern, options string) {
	s := string(v.Data[:len(v.Data)-1])
	pattern, options, _ = strings.Cut(s, "\x00")
	return pattern, options
}
