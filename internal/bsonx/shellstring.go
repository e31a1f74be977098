package bsonx

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ShellString writes a value as the reference server does in the text of its
// errors. It is for people: quotes in strings are not escaped, doubles keep 16
// digits, long texts and deep nesting are cut. See [ToJSON] for text that can be
// read back.
func ShellString(v Value) string { return string(AppendShellString(nil, v)) }

// ShellKey writes the key of an index entry as the reference server does after
// "dup key: ": a document, in which a string that is no UTF-8 is in hexadecimal.
func ShellKey(key Doc) string {
	b := NewBuilder(nil)
	for it := Walk(key); it.Next(); {
		if it.value.Type == TypeString && !utf8.ValidString(Str(it.value)) {
			b.String(it.Key(), "0x"+hex.EncodeToString([]byte(Str(it.value))))
			continue
		}
		b.Value(it.Key(), it.value)
	}
	return ShellString(DocValue(b.Doc()))
}

// CompactString writes a value as messages about running pipelines do, without blanks
// inside of brackets: {x: 1, y: [2, "s"]}.
func CompactString(v Value) string {
	var b strings.Builder
	writeCompact(&b, v)
	return b.String()
}

func writeCompact(b *strings.Builder, v Value) {
	open, end := byte('{'), byte('}')
	switch v.Type {
	case TypeDocument:
	case TypeArray:
		open, end = '[', ']'
	default:
		b.WriteString(ShellString(v))
		return
	}
	b.WriteByte(open)
	separator := ""
	for it := Walk(AsDoc(v)); it.Next(); separator = ", " {
		b.WriteString(separator)
		if v.Type == TypeDocument {
			b.WriteString(it.Key() + ": ")
		}
		writeCompact(b, it.Value())
	}
	b.WriteByte(end)
}

// What ShellString writes at most. A text of shellTextMax bytes or more is cut
// to shellTextCut, code and binary data likewise.
const (
	shellTextMax, shellTextCut = 160, 150
	shellCodeMax, shellCodeCut = 80, 70
	shellDepthMax              = 100
)

// AppendShellString is ShellString at the end of dst.
func AppendShellString(dst []byte, v Value) []byte { return appendShell(dst, v, 0) }

func appendShell(dst []byte, v Value, depth int) []byte {
	switch v.Type {
	case TypeMissing:
		return append(dst, "missing"...)
	case TypeDouble:
		return appendShellDouble(dst, AsDouble(v))
	case TypeInt32, TypeInt64:
		return strconv.AppendInt(dst, asInt(v), 10)
	case TypeDecimal:
		return append(dst, AsDecimal(v).String()...)
	case TypeString, TypeSymbol:
		dst = append(dst, '"')
		dst = appendShellCut(dst, Str(v), shellTextMax, shellTextCut)
		return append(dst, '"')
	case TypeDocument:
		return appendShellDoc(dst, AsDoc(v), depth)
	case TypeArray:
		return appendShellArray(dst, AsDoc(v), depth)
	case TypeBinary:
		return appendShellBinary(dst, v)
	case TypeUndefined:
		return append(dst, "undefined"...)
	case TypeNull:
		return append(dst, "null"...)
	case TypeMinKey:
		return append(dst, "MinKey"...)
	case TypeMaxKey:
		return append(dst, "MaxKey"...)
	case TypeObjectID:
		dst = append(dst, "ObjectId('"...)
		dst = hex.AppendEncode(dst, v.Data)
		return append(dst, "')"...)
	case TypeBool:
		return strconv.AppendBool(dst, AsBool(v))
	case TypeDate:
		dst = append(dst, "new Date("...)
		dst = strconv.AppendInt(dst, AsInt64(v), 10)
		return append(dst, ')')
	}
	return appendShellRare(dst, v, depth)
}

func appendShellRare(dst []byte, v Value, depth int) []byte {
	switch v.Type {
	case TypeTimestamp:
		ts := uint64(AsInt64(v))
		dst = append(dst, "Timestamp("...)
		dst = strconv.AppendUint(dst, ts>>32, 10)
		dst = append(dst, ", "...)
		dst = strconv.AppendUint(dst, ts&math.MaxUint32, 10)
		return append(dst, ')')
	case TypeRegex:
		pattern, flags := Regex(v)
		dst = append(dst, '/')
		dst = append(dst, pattern...)
		dst = append(dst, '/')
		return append(dst, flags...)
	case TypeDBPointer:
		dst = append(dst, "DBRef('"...)
		dst = append(dst, Str(v)...)
		dst = append(dst, "',"...)
		dst = hex.AppendEncode(dst, v.Data[len(v.Data)-12:])
		return append(dst, ')')
	case TypeCode:
		return appendShellCut(dst, Str(v), shellCodeMax, shellCodeCut)
	case TypeCodeScope:
		code, scope := CodeScope(v)
		dst = append(dst, "CodeWScope( "...)
		dst = append(dst, code...)
		dst = append(dst, ", "...)
		dst = appendShellDoc(dst, scope, depth)
		return append(dst, ')')
	}
	panic("bsonx: unvalidated type")
}

func appendShellCut(dst []byte, s string, most, cut int) []byte {
	if len(s) < most {
		return append(dst, s...)
	}
	return append(append(dst, s[:cut]...), "..."...)
}

// appendShellDouble writes C's %.16g, with a point if it could be taken for an integer.
func appendShellDouble(dst []byte, f float64) []byte {
	switch {
	case f != f:
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	at := len(dst)
	dst = appendPercentG(dst, f)
	if !strings.ContainsAny(view(dst[at:]), ".e") {
		dst = append(dst, ".0"...)
	}
	return dst
}

// appendPercentG is %.16g: Go's %g with a precision differs in keeping no zeros
// either but in choosing the exponent form by other bounds.
func appendPercentG(dst []byte, f float64) []byte {
	const digits = 16
	var buf [32]byte
	sci := strconv.AppendFloat(buf[:0], f, 'e', digits-1, 64)
	e := strings.IndexByte(view(sci), 'e')
	exp, _ := strconv.Atoi(string(sci[e+1:]))
	if exp < -4 || exp >= digits {
		mantissa := trimZeros(sci[:e])
		dst = append(dst, mantissa...)
		return append(dst, sci[e:]...)
	}
	at := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', digits-1-exp, 64)
	return dst[:at+len(trimZeros(dst[at:]))]
}

// trimZeros cuts the zeros after the last digit behind the point, and the point.
func trimZeros(b []byte) []byte {
	s := view(b)
	if strings.IndexByte(s, '.') < 0 {
		return b
	}
	s = strings.TrimRight(s, "0")
	return b[:len(strings.TrimSuffix(s, "."))]
}

func appendShellDoc(dst []byte, d Doc, depth int) []byte {
	if Len(d) == 0 {
		return append(dst, "{}"...)
	}
	if depth > shellDepthMax {
		return append(dst, "{ ... }"...)
	}
	sep := "{ "
	for it := Walk(d); it.Next(); sep = ", " {
		dst = append(dst, sep...)
		dst = append(dst, it.key...)
		dst = append(dst, ": "...)
		dst = appendShell(dst, it.value, depth+1)
	}
	return append(dst, " }"...)
}

func appendShellArray(dst []byte, d Doc, depth int) []byte {
	if Len(d) == 0 {
		return append(dst, "[]"...)
	}
	if depth > shellDepthMax {
		return append(dst, "[ ... ]"...)
	}
	sep := "[ "
	for it := Walk(d); it.Next(); sep = ", " {
		dst = append(dst, sep...)
		dst = appendShell(dst, it.value, depth+1)
	}
	return append(dst, " ]"...)
}

func appendShellBinary(dst []byte, v Value) []byte {
	subtype, data := Binary(v)
	if subtype == 4 && len(data) == 16 {
		dst = append(dst, `UUID("`...)
		dst = AppendUUID(dst, [16]byte(data))
		return append(dst, `")`...)
	}
	if subtype == 2 && len(data) >= 4 {
		data = data[4:] // its second length.
	}
	dst = append(dst, "BinData("...)
	dst = strconv.AppendUint(dst, uint64(subtype), 10)
	dst = append(dst, ", "...)
	cut := len(data) > shellCodeMax
	if cut {
		data = data[:shellCodeCut]
	}
	const digits = "0123456789ABCDEF"
	for _, c := range data {
		dst = append(dst, digits[c>>4], digits[c&15])
	}
	if cut {
		dst = append(dst, "..."...)
	}
	return append(dst, ')')
}

// AppendUUID writes a UUID in its usual form, 8-4-4-4-12.
func AppendUUID(dst []byte, id [16]byte) []byte {
	for i, n := range []int{0, 4, 6, 8, 10} {
		if i > 0 {
			dst = append(dst, '-')
		}
		end := []int{4, 6, 8, 10, 16}[i]
		dst = hex.AppendEncode(dst, id[n:end])
	}
	return dst
}
