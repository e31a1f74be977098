package keyenc

import (
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
)

var benchValues = []struct{ name, json string }{
	{"int32", `1000000`},
	{"int64", `{"$numberLong":"1099511627776"}`},
	{"double", `{"$numberDouble":"3.14159"}`},
	{"decimal", `{"$numberDecimal":"19.99"}`},
	{"decimalLong", `{"$numberDecimal":"1234567890123456789.123456789012345"}`},
	{"string", `"the quick brown fox jumps"`},
	{"objectId", `{"$oid":"000102030405060708090a0b"}`},
	{"date", `{"$date":{"$numberLong":"1700000000000"}}`},
	{"document", `{"a":1,"b":"text","c":[1,2,3]}`},
}

func BenchmarkAppend(b *testing.B) {
	for _, c := range benchValues {
		b.Run(c.name, func(b *testing.B) {
			v, buf := value(b, c.json), make([]byte, 0, 256)
			var bits TypeBits
			b.ReportAllocs()
			for b.Loop() {
				bits.Reset()
				buf = AppendTyped(buf[:0], &bits, v, false)
			}
			b.ReportMetric(float64(len(buf)), "keyB")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range benchValues {
		b.Run(c.name, func(b *testing.B) {
			var bits TypeBits
			key := AppendTyped(nil, &bits, value(b, c.json), false)
			buf := make([]byte, 0, 256)
			var reader TypeBitsReader
			b.ReportAllocs()
			for b.Loop() {
				reader = NewTypeBitsReader(bits.Bytes())
				if _, _, _, err := decodeTo(buf[:0], key, &reader, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSkip(b *testing.B) {
	for _, c := range benchValues {
		b.Run(c.name, func(b *testing.B) {
			key := Append(nil, value(b, c.json), false)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Skip(key, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompare(b *testing.B) {
	for _, c := range benchValues {
		b.Run(c.name, func(b *testing.B) {
			v := value(b, c.json)
			for b.Loop() {
				bsonx.Compare(v, v)
			}
		})
	}
}
