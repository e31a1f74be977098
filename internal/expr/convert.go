package expr

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// The operands of $convert, by place.
const (
	convertInput = iota
	convertTo
	convertOnError
	convertOnNull
	convertFormat
	convertByteOrder
)

func buildConvert(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument {
		return nil, fail(mongoerr.FailedToParse, "$convert expects an object of named arguments but found: %s", nameOf(arg))
	}
	names := []string{"input", "to", "onError", "onNull", "format", "byteOrder"}
	args, err := sc.named(bsonx.AsDoc(arg), names, func(key string) error {
		return fail(mongoerr.FailedToParse, "$convert found an unknown argument: %s", key)
	})
	switch {
	case err != nil:
		return nil, err
	case args[convertInput] == nil:
		return nil, fail(mongoerr.FailedToParse, "Missing 'input' parameter to $convert")
	case args[convertTo] == nil:
		return nil, fail(mongoerr.FailedToParse, "Missing 'to' parameter to $convert")
	}
	return &call{name: name, args: args, fn: evalConvert}, nil
}

// buildConvertTo is a short form of $convert.
func buildConvertTo(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	args, err := sc.arguments(arg)
	if err != nil {
		return nil, err
	}
	if len(args) != 1 {
		return nil, fail(50723, "%s requires a single argument, got %d", name, len(args))
	}
	to := &conversion{format: "auto"}
	switch name {
	case "$toInt":
		to.to = bsonx.TypeInt32
	case "$toLong":
		to.to = bsonx.TypeInt64
	case "$toDouble":
		to.to = bsonx.TypeDouble
	case "$toDecimal":
		to.to = bsonx.TypeDecimal
	case "$toString":
		to.to = bsonx.TypeString
	case "$toBool":
		to.to = bsonx.TypeBool
	case "$toDate":
		to.to = bsonx.TypeDate
	case "$toObjectId":
		to.to = bsonx.TypeObjectID
	case "$toUUID":
		to.to, to.subtype, to.format = bsonx.TypeBinary, bsonx.Int32(uuidSubtype), "uuid"
	}
	return &call{name: name, args: args, data: to, fn: func(c *Context, x *call) (bsonx.Value, error) {
		v, err := x.args[0].Eval(c)
		if err != nil || bsonx.IsNullish(v) {
			return bsonx.Null, err
		}
		return c.convert(v, x.data.(*conversion))
	}}, nil
}

func evalConvert(c *Context, x *call) (bsonx.Value, error) {
	target, err := x.args[convertTo].Eval(c)
	if err != nil {
		return target, err
	}
	v, err := x.args[convertInput].Eval(c)
	if err != nil {
		return v, err
	}
	var to conversion
	null := bsonx.IsNullish(target)
	if !null {
		if err := to.target(target); err != nil {
			return v, err
		}
	}
	if bsonx.IsNullish(v) {
		if x.args[convertOnNull] != nil {
			return x.args[convertOnNull].Eval(c)
		}
		return bsonx.Null, nil
	}
	if null {
		return bsonx.Null, nil
	}
	format, err := x.arg(c, convertFormat)
	if err == nil {
		to.format, err = formatOperand(format)
	}
	if err != nil {
		return v, err
	}
	order, err := x.arg(c, convertByteOrder)
	if err == nil {
		to.bigEndian, err = orderOperand(order)
	}
	if err != nil {
		return v, err
	}
	r, err := c.convert(v, &to)
	if err != nil && x.args[convertOnError] != nil {
		if e, ok := err.(*mongoerr.Error); ok && e.Code == mongoerr.ConversionFailure {
			return x.args[convertOnError].Eval(c)
		}
	}
	return r, err
}

// target reads what "to" names: a type's name or number, or {type, subtype}.
func (to *conversion) target(v bsonx.Value) (err error) {
	if v.Type == bsonx.TypeDocument {
		to.subtype = bsonx.Get(bsonx.AsDoc(v), "subtype")
		v = bsonx.Get(bsonx.AsDoc(v), "type")
	}
	to.to, err = typeNamed(v)
	return err
}

func typeNamed(to bsonx.Value) (bsonx.Type, error) {
	switch {
	case to.Type == bsonx.TypeString:
		for t := range 256 {
			if s := bsonx.TypeName(bsonx.Type(t)); s != "unknown" && s == bsonx.Str(to) {
				return bsonx.Type(t), nil
			}
		}
		return 0, fail(mongoerr.BadValue, "Unknown type name: %s", bsonx.Str(to))
	case !bsonx.IsNumber(to):
		return 0, fail(mongoerr.FailedToParse, "$convert's 'to' argument must be a string or number, but is %s", nameOf(to))
	}
	n, ok := exactInt32(to)
	if !ok {
		return 0, fail(mongoerr.FailedToParse, "In $convert, numeric 'to' argument is not an integer")
	}
	if n == -1 {
		return bsonx.TypeMinKey, nil
	}
	if n < 0 || n > 127 || bsonx.TypeName(bsonx.Type(n)) == "unknown" {
		return 0, fail(mongoerr.FailedToParse, "In $convert, numeric value for 'to' does not correspond to a BSON type: %d", n)
	}
	return bsonx.Type(n), nil
}

// inConvert is the failure of a conversion.
func inConvert(format string, args ...any) error {
	return fail(mongoerr.ConversionFailure, format, args...)
}

func overflow(what string) error {
	return inConvert("Conversion would overflow target type in $convert with no onError value: %s", what)
}

func (c *Context) convert(v bsonx.Value, how *conversion) (bsonx.Value, error) {
	to := how.to
	if v.Type == to {
		switch to {
		case bsonx.TypeDouble, bsonx.TypeString, bsonx.TypeObjectID, bsonx.TypeBool, bsonx.TypeDate, bsonx.TypeInt32, bsonx.TypeInt64, bsonx.TypeDecimal:
			return v, nil
		}
	}
	if v.Type == bsonx.TypeBinary {
		switch to {
		case bsonx.TypeString:
			return c.binaryText(v, how.format)
		case bsonx.TypeInt32, bsonx.TypeInt64, bsonx.TypeDouble:
			return c.binaryNumber(v, how)
		}
	}
	switch to {
	case bsonx.TypeBool:
		return bsonx.Bool(Truthy(v)), nil
	case bsonx.TypeInt32:
		return c.toInt32(v)
	case bsonx.TypeInt64:
		return c.toInt64(v)
	case bsonx.TypeDouble:
		return c.toDouble(v)
	case bsonx.TypeDecimal:
		return c.toDecimalValue(v)
	case bsonx.TypeString:
		return c.toString(v)
	case bsonx.TypeDate:
		return c.toDate(v)
	case bsonx.TypeObjectID:
		if v.Type == bsonx.TypeString {
			return c.toObjectID(bsonx.Str(v))
		}
	case bsonx.TypeBinary:
		return c.toBinary(v, how)
	}
	return v, unsupported(v, to)
}

func unsupported(v bsonx.Value, to bsonx.Type) error {
	return inConvert("Unsupported conversion from %s to %s in $convert with no onError value", nameOf(v), bsonx.TypeName(to))
}

// integer is a number without its fraction, if that lies within lo..hi.
func integer(v bsonx.Value, lo, hi int64) (int64, error) {
	n, what := int64(0), ""
	switch v.Type {
	case bsonx.TypeDouble:
		f := math.Trunc(bsonx.AsDouble(v))
		switch {
		case math.IsNaN(f):
			return 0, inConvert("Attempt to convert NaN value to integer type in $convert with no onError value")
		case math.IsInf(f, 0):
			return 0, inConvert("Attempt to convert infinity value to integer type in $convert with no onError value")
		}
		what = shortDouble(bsonx.AsDouble(v))
		if f < -1<<63 || f >= 1<<63 {
			return 0, overflow(what)
		}
		n = int64(f)
	case bsonx.TypeDecimal:
		d := decimalOf(v)
		switch d.Form {
		case apd.NaN:
			return 0, inConvert("Attempt to convert NaN value to integer type in $convert with no onError value")
		case apd.Infinite:
			return 0, inConvert("Attempt to convert infinity value to integer type in $convert with no onError value")
		}
		what = decimalText(d)
		var ok bool
		if n, ok = decimalToInt64(d); !ok {
			return 0, overflow(what)
		}
	default:
		n = asInt64(v)
	}
	if n < lo || n > hi {
		return 0, overflow(what)
	}
	return n, nil
}

func (c *Context) toInt32(v bsonx.Value) (bsonx.Value, error) {
	switch v.Type {
	case bsonx.TypeDouble, bsonx.TypeInt64, bsonx.TypeDecimal:
		n, err := integer(v, math.MinInt32, math.MaxInt32)
		return c.int32Value(int32(n)), err
	case bsonx.TypeBool:
		return c.int32Value(int32(v.Data[0])), nil
	case bsonx.TypeString:
		n, err := parseInteger(bsonx.Str(v), 32)
		return c.int32Value(int32(n)), err
	}
	return v, unsupported(v, bsonx.TypeInt32)
}

func (c *Context) toInt64(v bsonx.Value) (bsonx.Value, error) {
	switch v.Type {
	case bsonx.TypeDouble, bsonx.TypeInt32, bsonx.TypeDecimal:
		n, err := integer(v, math.MinInt64, math.MaxInt64)
		return c.int64Value(n), err
	case bsonx.TypeBool:
		return c.int64Value(int64(v.Data[0])), nil
	case bsonx.TypeDate:
		return c.int64Value(bsonx.AsInt64(v)), nil
	case bsonx.TypeString:
		n, err := parseInteger(bsonx.Str(v), 64)
		return c.int64Value(n), err
	}
	return v, unsupported(v, bsonx.TypeInt64)
}

func notNumber(s, why string) error {
	return inConvert("Failed to parse number '%s' in $convert with no onError value: %s", s, why)
}

func notHexadecimal(s string) error {
	if strings.HasPrefix(s, "0x") {
		return inConvert("Illegal hexadecimal input in $convert with no onError value: %s", s)
	}
	return nil
}

func parseInteger(s string, bits int) (int64, error) {
	if err := notHexadecimal(s); err != nil {
		return 0, err
	}
	digits := strings.TrimPrefix(s, "+")
	if len(digits) == len(s) {
		digits = strings.TrimPrefix(s, "-")
	}
	if digits == "" {
		return 0, notNumber(s, "No digits")
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, notNumber(s, "Did not consume whole string.")
		}
	}
	n, err := strconv.ParseInt(s, 10, bits)
	if err != nil {
		return 0, notNumber(s, "Overflow")
	}
	return n, nil
}

func (c *Context) toDouble(v bsonx.Value) (bsonx.Value, error) {
	switch v.Type {
	case bsonx.TypeInt32, bsonx.TypeInt64:
		return c.doubleValue(float64(asInt64(v))), nil
	case bsonx.TypeDecimal:
		d := decimalOf(v)
		f, ok := decimalToDouble(d)
		if !ok {
			return v, overflow(decimalText(d))
		}
		return c.doubleValue(f), nil
	case bsonx.TypeBool:
		return c.doubleValue(float64(v.Data[0])), nil
	case bsonx.TypeDate:
		return c.doubleValue(float64(bsonx.AsInt64(v))), nil
	case bsonx.TypeString:
		f, err := parseDouble(bsonx.Str(v))
		return c.doubleValue(f), err
	}
	return v, unsupported(v, bsonx.TypeDouble)
}

func parseDouble(s string) (float64, error) {
	if err := notHexadecimal(s); err != nil {
		return 0, err
	}
	switch {
	case s == "":
		return 0, notNumber(s, "Empty string")
	case strings.IndexByte(" \t\n\v\f\r", s[0]) >= 0:
		return 0, notNumber(s, "Leading whitespace")
	}
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case strings.ContainsAny(s, "_xX"):
		err = strconv.ErrSyntax // ParseFloat reads 0x1p-2 and 1_0.
	case err == nil:
		return f, nil
	}
	if e, ok := err.(*strconv.NumError); ok && e.Err == strconv.ErrRange {
		return 0, notNumber(s, "Out of range")
	}
	// What a number could begin with was consumed.
	rest := strings.TrimLeft(s, "+-")
	if len(s)-len(rest) <= 1 && rest != "" && (rest[0] >= '0' && rest[0] <= '9' || len(rest) > 1 && rest[0] == '.' && rest[1] >= '0' && rest[1] <= '9') {
		return 0, notNumber(s, "Did not consume whole string.")
	}
	return 0, notNumber(s, "Did not consume any digits")
}

func (c *Context) toDecimalValue(v bsonx.Value) (bsonx.Value, error) {
	switch v.Type {
	case bsonx.TypeInt32, bsonx.TypeInt64, bsonx.TypeDouble:
		return c.decimalValue(toDecimal(v)), nil
	case bsonx.TypeBool:
		return c.decimalValue(apd.New(int64(v.Data[0]), 0)), nil
	case bsonx.TypeDate:
		return c.decimalValue(apd.New(bsonx.AsInt64(v), 0)), nil
	case bsonx.TypeString:
		d, err := parseDecimal(bsonx.Str(v))
		if err != nil {
			return v, err
		}
		return c.decimalValue(d), nil
	}
	return v, unsupported(v, bsonx.TypeDecimal)
}

func parseDecimal(s string) (*apd.Decimal, error) {
	if err := notHexadecimal(s); err != nil {
		return nil, err
	}
	if s == "" {
		return nil, notNumber(s, "Empty string")
	}
	d, _, err := apd.NewFromString(s)
	if err != nil || strings.ContainsAny(s, "_") || d.Form == apd.NaN && !strings.EqualFold(strings.TrimLeft(s, "+-"), "nan") {
		return nil, notNumber(s, "Failed to parse string to decimal")
	}
	if d.Form == apd.Finite && !d.IsZero() {
		r := bsonx.DecimalFromAPD(d)
		switch {
		case r.Form == bsonx.DecimalInf:
			return nil, notNumber(s, "Conversion from string to decimal would overflow")
		case r.IsZero():
			return nil, notNumber(s, "Conversion from string to decimal would underflow")
		}
	}
	return d, nil
}

func (c *Context) toString(v bsonx.Value) (bsonx.Value, error) {
	switch v.Type {
	case bsonx.TypeDouble:
		return c.stringValue(longDouble(bsonx.AsDouble(v))), nil
	case bsonx.TypeInt32, bsonx.TypeInt64, bsonx.TypeDecimal, bsonx.TypeBool, bsonx.TypeObjectID, bsonx.TypeDate:
		if v.Type == bsonx.TypeDate {
			b, err := appendDate(nil, time.UnixMilli(bsonx.AsInt64(v)).UTC(), isoFormatUTC)
			return c.stringValue(string(b)), err
		}
		return c.stringValue(scalarText(v)), nil
	}
	return v, unsupported(v, bsonx.TypeString)
}

// longDouble is the shortest text that gives the double back, as $toString has it.
func longDouble(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case math.IsNaN(f):
		return "NaN"
	}
	return formatG(f)
}

// formatG writes plainly what has up to 16 digits before the point and no more
// than three zeros after it, else with an exponent.
func formatG(f float64) string {
	s := strconv.FormatFloat(f, 'e', -1, 64)
	exp, _ := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	if exp < -4 || exp >= 16 {
		return s
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func (c *Context) toDate(v bsonx.Value) (bsonx.Value, error) {
	switch v.Type {
	case bsonx.TypeDouble, bsonx.TypeInt64, bsonx.TypeDecimal:
		n, err := integer(v, math.MinInt64, math.MaxInt64)
		return c.dateValue(n), err
	case bsonx.TypeTimestamp, bsonx.TypeObjectID:
		ms, _ := dateOf(v)
		return c.dateValue(ms), nil
	case bsonx.TypeString:
		ms, err := parseDate(bsonx.Str(v), nil)
		return c.dateValue(ms), err
	}
	return v, unsupported(v, bsonx.TypeDate)
}

func (c *Context) toObjectID(s string) (bsonx.Value, error) {
	if len(s) != 24 {
		return bsonx.Missing, inConvert("Failed to parse objectId '%s' in $convert with no onError value: Invalid string length for parsing to OID, expected 24 but found %d", s, len(s))
	}
	b := c.bytes(12)
	if _, err := hex.Decode(b, []byte(s)); err != nil {
		return bsonx.Missing, inConvert("Failed to parse objectId '%s' in $convert with no onError value: Invalid character found in hex string: %c", s, badHex(s))
	}
	return bsonx.Value{Type: bsonx.TypeObjectID, Data: b}, nil
}
