package expr

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
)

// valueText is a value as the server's messages about evaluation show it:
// {x: 1, y: [2, "s"]}.
func valueText(v bsonx.Value) string {
	var b strings.Builder
	writeText(&b, v, false)
	return b.String()
}

// bsonText is a value as the server's messages about a command's own bytes show
// it: { x: 1, y: [ 2, "s" ] }.
func bsonText(v bsonx.Value) string {
	var b strings.Builder
	writeText(&b, v, true)
	return b.String()
}

func writeText(b *strings.Builder, v bsonx.Value, spaced bool) {
	space := ""
	if spaced {
		space = " "
	}
	switch v.Type {
	case bsonx.TypeDocument:
		writeList(b, v, spaced, "{", "}", space)
	case bsonx.TypeArray:
		writeList(b, v, spaced, "[", "]", space)
	case bsonx.TypeDouble:
		f := bsonx.AsDouble(v)
		if !spaced {
			b.WriteString(shortDouble(f))
			return
		}
		if f == math.Trunc(f) && math.Abs(f) < 1e15 {
			fmt.Fprintf(b, "%.1f", f)
			return
		}
		b.WriteString(strconv.FormatFloat(f, 'g', -1, 64))
	default:
		b.WriteString(scalarText(v))
	}
}

func writeList(b *strings.Builder, v bsonx.Value, spaced bool, open, end, space string) {
	b.WriteString(open)
	first := true
	for key, e := range bsonx.All(bsonx.AsDoc(v)) {
		if first {
			b.WriteString(space)
		} else {
			b.WriteString(", ")
		}
		first = false
		if v.Type == bsonx.TypeDocument {
			b.WriteString(key + ": ")
		}
		writeText(b, e, spaced)
	}
	if !first {
		b.WriteString(space)
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
		subtype, data := binaryOf(v)
		return fmt.Sprintf("BinData(%d, \"%s\")", subtype, strings.ToUpper(hex.EncodeToString(data)))
	case bsonx.TypeRegex:
		pattern, options := regexOf(v)
		return "/" + pattern + "/" + options
	}
	return nameOf(v)
}

// isoDate is a date as the server writes it in UTC.
func isoDate(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

// binaryOf is a binary value's subtype and bytes.
func binaryOf(v bsonx.Value) (subtype byte, data []byte) {
	subtype, data = v.Data[4], v.Data[5:]
	if subtype == 2 && len(data) >= 4 {
		data = data[4:]
	}
	return subtype, data
}

// regexOf is a regular expression's pattern and options.
func regexOf(v bsonx.Value) (pattern, options string) {
	s := string(v.Data[:len(v.Data)-1])
	pattern, options, _ = strings.Cut(s, "\x00")
	return pattern, options
}
