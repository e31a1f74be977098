package scenario

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// printer turns values into extended JSON on one line, in which a number tells its
// type and what differs from run to run is replaced by a name.
type printer struct {
	names *names
}

// doc prints a document but for the fields that skip names.
func (p *printer) doc(b *strings.Builder, d bson.Raw, skip func(string) bool) {
	elems, err := d.Elements()
	if err != nil {
		fmt.Fprintf(b, "<malformed: %v>", err)
		return
	}
	b.WriteByte('{')
	n := 0
	for _, e := range elems {
		if skip != nil && skip(e.Key()) {
			continue
		}
		if n++; n > 1 {
			b.WriteByte(',')
		}
		b.WriteString(quote(p.names.hide(e.Key())))
		b.WriteByte(':')
		p.value(b, e.Value())
	}
	b.WriteByte('}')
}

// text is doc as a string.
func (p *printer) text(d bson.Raw) string {
	var b strings.Builder
	p.doc(&b, d, nil)
	return b.String()
}

func (p *printer) array(b *strings.Builder, a bson.RawArray) {
	values, err := a.Values()
	if err != nil {
		fmt.Fprintf(b, "<malformed: %v>", err)
		return
	}
	b.WriteByte('[')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		p.value(b, v)
	}
	b.WriteByte(']')
}

func (p *printer) value(b *strings.Builder, v bson.RawValue) {
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		p.doc(b, v.Document(), nil)
	case bson.TypeArray:
		p.array(b, v.Array())
	case bson.TypeDouble:
		b.WriteString(double(v.Double()))
	case bson.TypeString:
		b.WriteString(quote(p.names.hide(v.StringValue())))
	case bson.TypeBoolean:
		b.WriteString(strconv.FormatBool(v.Boolean()))
	case bson.TypeNull:
		b.WriteString("null")
	case bson.TypeInt32:
		b.WriteString(strconv.Itoa(int(v.Int32())))
	case bson.TypeInt64:
		if name, ok := p.names.cursors[v.Int64()]; ok {
			b.WriteString(quote(name))
			return
		}
		fmt.Fprintf(b, `{"$numberLong":"%d"}`, v.Int64())
	case bson.TypeDecimal128:
		fmt.Fprintf(b, `{"$numberDecimal":"%s"}`, v.Decimal128())
	case bson.TypeObjectID:
		fmt.Fprintf(b, `{"$oid":"%s"}`, p.names.oid(v.ObjectID().Hex()))
	case bson.TypeDateTime:
		fmt.Fprintf(b, `{"$date":"%s"}`, p.names.date(v.DateTime()))
	case bson.TypeTimestamp:
		t, i := v.Timestamp()
		if p.names.near(int64(t) * 1000) {
			b.WriteString(`{"$timestamp":"<now>"}`)
			return
		}
		fmt.Fprintf(b, `{"$timestamp":{"t":%d,"i":%d}}`, t, i)
	case bson.TypeBinary:
		subtype, data := v.Binary()
		if subtype == 4 && len(data) == 16 {
			fmt.Fprintf(b, `{"$uuid":"%s"}`, p.names.uuid(dashed(data)))
			return
		}
		fmt.Fprintf(b, `{"$binary":{"base64":"%s","subType":"%02x"}}`, base64.StdEncoding.EncodeToString(data), subtype)
	default:
		p.rare(b, v)
	}
}

// rare prints the types that few documents hold.
func (p *printer) rare(b *strings.Builder, v bson.RawValue) {
	switch v.Type {
	case bson.TypeRegex:
		pattern, options := v.Regex()
		fmt.Fprintf(b, `{"$regularExpression":{"pattern":%s,"options":"%s"}}`, quote(pattern), options)
	case bson.TypeJavaScript:
		fmt.Fprintf(b, `{"$code":%s}`, quote(v.JavaScript()))
	case bson.TypeCodeWithScope:
		code, scope := v.CodeWithScope()
		fmt.Fprintf(b, `{"$code":%s,"$scope":`, quote(code))
		p.doc(b, scope, nil)
		b.WriteByte('}')
	case bson.TypeSymbol:
		fmt.Fprintf(b, `{"$symbol":%s}`, quote(v.Symbol()))
	case bson.TypeDBPointer:
		ns, id := v.DBPointer()
		fmt.Fprintf(b, `{"$dbPointer":{"$ref":%s,"$id":{"$oid":"%s"}}}`, quote(p.names.hide(ns)), id.Hex())
	case bson.TypeMinKey:
		b.WriteString(`{"$minKey":1}`)
	case bson.TypeMaxKey:
		b.WriteString(`{"$maxKey":1}`)
	case bson.TypeUndefined:
		b.WriteString(`{"$undefined":true}`)
	default:
		fmt.Fprintf(b, `<type %v>`, v.Type)
	}
}

// double always shows that it is one.
func double(f float64) string {
	switch {
	case math.IsNaN(f):
		return `{"$numberDouble":"NaN"}`
	case math.IsInf(f, 1):
		return `{"$numberDouble":"Infinity"}`
	case math.IsInf(f, -1):
		return `{"$numberDouble":"-Infinity"}`
	}
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// quote is a JSON string without HTML escapes.
func quote(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return strconv.Quote(s)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func dashed(u []byte) string {
	h := hex.EncodeToString(u)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// isoDate is a date as extended JSON's relaxed form has it, or its milliseconds
// where that form does not reach.
func isoDate(ms int64) string {
	t := time.UnixMilli(ms).UTC()
	if t.Year() < 1 || t.Year() > 9999 {
		return strconv.FormatInt(ms, 10)
	}
	return t.Format("2006-01-02T15:04:05.999Z")
}
