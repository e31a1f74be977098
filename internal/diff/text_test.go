package diff

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
)

// text writes a value as JSON in which numbers tell their types: 1 is an int32,
// 1.0 a double, 1L an int64, 1M a decimal.
func text(v bsonx.Value) string {
	var b strings.Builder
	appendText(&b, v)
	return b.String()
}

func appendText(b *strings.Builder, v bsonx.Value) {
	switch v.Type {
	case bsonx.TypeDocument:
		b.WriteByte('{')
		sep := ""
		for name, e := range bsonx.All(bsonx.AsDoc(v)) {
			fmt.Fprintf(b, "%s%q:", sep, name)
			appendText(b, e)
			sep = ","
		}
		b.WriteByte('}')
	case bsonx.TypeArray:
		b.WriteByte('[')
		sep := ""
		for _, e := range bsonx.All(bsonx.AsDoc(v)) {
			b.WriteString(sep)
			appendText(b, e)
			sep = ","
		}
		b.WriteByte(']')
	case bsonx.TypeInt32:
		fmt.Fprintf(b, "%d", bsonx.AsInt32(v))
	case bsonx.TypeInt64:
		fmt.Fprintf(b, "%dL", bsonx.AsInt64(v))
	case bsonx.TypeDouble:
		s := strconv.FormatFloat(bsonx.AsDouble(v), 'g', -1, 64)
		if !strings.ContainsAny(s, ".eIN") {
			s += ".0"
		}
		b.WriteString(s)
	case bsonx.TypeString:
		fmt.Fprintf(b, "%q", bsonx.Str(v))
	case bsonx.TypeDecimal:
		s := bsonx.ValueToJSON(v)
		fmt.Fprintf(b, "%sM", strings.TrimSuffix(strings.TrimPrefix(s, `{"$numberDecimal":"`), `"}`))
	default:
		b.WriteString(bsonx.ValueToJSON(v))
	}
}
