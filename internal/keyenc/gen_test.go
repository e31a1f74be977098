package keyenc

import (
	"encoding/binary"
	"math"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"pgregory.net/rapid"
)

// genValue draws a value of any type, from few enough payloads that equal and
// nearly equal ones are common.
func genValue(depth int) *rapid.Generator[bsonx.Value] {
	return rapid.Custom(func(t *rapid.T) bsonx.Value {
		most := 19
		if depth == 0 {
			most = 15
		}
		switch rapid.IntRange(0, most).Draw(t, "type") {
		case 0, 1, 2, 3, 4:
			return drawNumber(t)
		case 5, 6:
			return bsonx.String(drawText(t))
		case 7:
			v := bsonx.String(drawText(t))
			v.Type = rapid.SampledFrom([]bsonx.Type{bsonx.TypeSymbol, bsonx.TypeCode}).Draw(t, "kind")
			return v
		case 8:
			return bsonx.Value{Type: rapid.SampledFrom([]bsonx.Type{
				bsonx.TypeNull, bsonx.TypeUndefined, bsonx.TypeMinKey, bsonx.TypeMaxKey,
			}).Draw(t, "kind")}
		case 9:
			return bsonx.Bool(rapid.Bool().Draw(t, "bool"))
		case 10:
			return bsonx.Date(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-2, 2)).Draw(t, "ms"))
		case 11:
			return bsonx.Timestamp(rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 2)).Draw(t, "ts"))
		case 12:
			return bsonx.Value{Type: bsonx.TypeObjectID, Data: drawBytes(t, 12, 12)}
		case 13:
			data := drawBytes(t, 0, 300)
			b := binary.LittleEndian.AppendUint32(nil, uint32(len(data)))
			b = append(b, rapid.SampledFrom([]byte{0, 3, 4, 128}).Draw(t, "subtype"))
			return bsonx.Value{Type: bsonx.TypeBinary, Data: append(b, data...)}
		case 14:
			b := append([]byte(drawName(t)), 0)
			b = append(b, rapid.SampledFrom([]string{"", "i", "im", "x"}).Draw(t, "flags")...)
			return bsonx.Value{Type: bsonx.TypeRegex, Data: append(b, 0)}
		case 15:
			// One name of each length: where names differ but not in length, the
			// reference server's memory sort calls them equal, and its indexes do not.
			name := bsonx.String(strings.Repeat("x", rapid.IntRange(0, 300).Draw(t, "name")))
			return bsonx.Value{Type: bsonx.TypeDBPointer, Data: append(name.Data, drawBytes(t, 12, 12)...)}
		case 16:
			code, scope := bsonx.String(drawText(t)).Data, drawDoc(t, depth-1)
			b := binary.LittleEndian.AppendUint32(nil, uint32(4+len(code)+len(scope)))
			return bsonx.Value{Type: bsonx.TypeCodeScope, Data: append(append(b, code...), scope...)}
		case 17:
			return drawArray(t, depth-1)
		}
		return bsonx.DocValue(drawDoc(t, depth-1))
	})
}

// genNumber draws a number alone.
var genNumber = rapid.Custom(drawNumber)

func drawNumber(t *rapid.T) bsonx.Value {
	f := rapid.OneOf(
		rapid.Float64(),
		rapid.Float64Range(-1e6, 1e6),
		rapid.SampledFrom([]float64{0, 1, -1, 0.1, -0.5, 19.99, 1e22, 1e23, 1 << 31, -1 << 31, 1 << 52, 1 << 53, 1<<53 + 2, 1 << 62, 1 << 63, -1 << 63,
			5e-324, math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN(), math.Float64frombits(0xfff8000000000001), math.Copysign(0, -1)}),
	).Draw(t, "f")
	switch rapid.IntRange(0, 4).Draw(t, "type") {
	case 0:
		return bsonx.Int32(int32(max(min(f, math.MaxInt32), math.MinInt32)))
	case 1:
		n, _ := bsonx.ToInt64Clamped(bsonx.Double(f))
		return bsonx.Int64(n + rapid.Int64Range(-1, 1).Draw(t, "step"))
	case 2:
		return bsonx.DecimalFromDouble(f, rapid.IntRange(1, 34).Draw(t, "digits")).Value()
	case 3:
		return drawDecimal(t)
	}
	return bsonx.Double(f)
}

func drawDecimal(t *rapid.T) bsonx.Value {
	if rapid.IntRange(0, 9).Draw(t, "raw") == 0 { // any bits, canonical or not.
		return bsonx.Value{Type: bsonx.TypeDecimal, Data: drawBytes(t, 16, 16)}
	}
	d := bsonx.Decimal{
		Hi:  rapid.SampledFrom([]uint64{0, 0, 0, 1, 1 << 40, 1<<48 - 1}).Draw(t, "hi"),
		Lo:  rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 2000)).Draw(t, "lo"),
		Exp: rapid.OneOf(rapid.IntRange(-5, 5), rapid.IntRange(-350, 350), rapid.IntRange(bsonx.DecimalExpMin, bsonx.DecimalExpMax)).Draw(t, "exp"),
		Neg: rapid.Bool().Draw(t, "neg"),
	}
	for zeros := rapid.IntRange(0, 3).Draw(t, "zeros"); zeros > 0 && d.Hi == 0; zeros-- {
		d = d.Push(0, 1)
	}
	return d.Value()
}

func drawText(t *rapid.T) string {
	return rapid.OneOf(
		rapid.StringOfN(rapid.SampledFrom([]rune{0, 1, 2, 'a', 'b', 0xff, 0x10ffff}), 0, 20, -1),
		rapid.StringN(0, 40, -1),
	).Draw(t, "text")
}

func drawName(t *rapid.T) string {
	return rapid.StringOfN(rapid.SampledFrom([]rune{1, 'a', 'b', 0xff}), 0, 3, -1).Draw(t, "name")
}

func drawBytes(t *rapid.T, least, most int) []byte {
	return rapid.SliceOfN(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte{0, 1, 0xff})), least, most).Draw(t, "bytes")
}

func drawDoc(t *rapid.T, depth int) bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	used := map[string]bool{} // the reference server's memory sort loses a name that comes twice.
	for range rapid.IntRange(0, 3).Draw(t, "fields") {
		name := drawName(t)
		if used[name] {
			continue
		}
		used[name] = true
		b.Value(name, genValue(depth).Draw(t, "value"))
	}
	return b.Doc()
}

func drawArray(t *rapid.T, depth int) bsonx.Value {
	odd := rapid.IntRange(0, 4).Draw(t, "odd") == 0
	b := bsonx.NewBuilder(nil)
	for i := range rapid.IntRange(0, 3).Draw(t, "elements") {
		name := bsonx.Index(i)
		if odd {
			name = drawName(t)
		}
		b.Value(name, genValue(depth).Draw(t, "value"))
	}
	return bsonx.ArrayValue(b.Doc())
}
