package keyenc

import (
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
)

// FuzzDecode feeds damaged keys and bits: an error is right, a panic or a
// malformed value is not.
func FuzzDecode(f *testing.F) {
	for _, json := range []string{
		`{"a":[1,{"$numberDouble":"1.5"},"x\u0000"],"b":{"$numberDecimal":"19.990"}}`,
		`{"a":{"$code":"f","$scope":{"x":{"$symbol":"s"}}},"b":{"$binary":{"base64":"YWJj","subType":"04"}}}`,
		`{"a":{"$numberDecimal":"-1E+6111"},"b":{"$numberDecimal":"1E-6176"},"c":{"$numberDecimal":"-0E+3"}}`,
		`{"a":{"$dbPointer":{"$ref":"c","$id":{"$oid":"000102030405060708090a0b"}}},"b":{"$regularExpression":{"pattern":"a","options":"i"}}}`,
	} {
		for _, desc := range []bool{false, true} {
			var bits TypeBits
			key := AppendTyped(nil, &bits, bsonx.DocValue(bsonx.MustParseJSON(json)), desc)
			f.Add(key, bits.Bytes(), desc)
		}
	}
	f.Add([]byte{leadInt1, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, []byte{0xff}, false)
	f.Fuzz(func(t *testing.T, key, bits []byte, desc bool) {
		left, skipErr := Skip(key, desc)
		reader := NewTypeBitsReader(bits)
		v, rest, err := Decode(key, &reader, desc)
		if err != nil {
			return
		}
		if skipErr != nil || len(left) != len(rest) {
			t.Fatalf("Skip leaves %d, %v, Decode %d", len(left), skipErr, len(rest))
		}
		b := bsonx.NewBuilder(nil)
		b.Value("v", v)
		if err := bsonx.Validate(b.Doc(), 2*depthMax); err != nil {
			t.Fatalf("%x decodes to a malformed value: %v", key, err)
		}
		// What was decoded has a key that says the same.
		again, _, err := Decode(Append(nil, v, desc), nil, desc)
		if err != nil || !bsonx.Equal(v, again) {
			t.Fatalf("%v became %v, %v", v, again, err)
		}
	})
}

// FuzzOrder takes two documents' bytes.
func FuzzOrder(f *testing.F) {
	f.Add([]byte(bsonx.MustParseJSON(`{"a":1}`)), []byte(bsonx.MustParseJSON(`{"a":{"$numberDouble":"1.0"}}`)))
	f.Add([]byte(bsonx.MustParseJSON(`{"a":[1]}`)), []byte(bsonx.MustParseJSON(`{"a":{"$numberDecimal":"1.5"}}`)))
	f.Add([]byte(bsonx.MustParseJSON(`{"a":"x"}`)), []byte(bsonx.MustParseJSON(`{"a":{"$symbol":"x"},"b":null}`)))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if bsonx.Validate(a, bsonx.DepthMax) == nil && bsonx.Validate(b, bsonx.DepthMax) == nil {
			checkOrder(t, bsonx.DocValue(a), bsonx.DocValue(b))
		}
	})
}
