package keyenc

import (
	"bytes"
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"pgregory.net/rapid"
)

func value(t testing.TB, json string) bsonx.Value {
	t.Helper()
	v, err := bsonx.ParseJSONValue(json)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The pictures in docs/format/keyenc.md. A change here is a change of the format.
func TestPictures(t *testing.T) {
	for _, c := range []struct{ json, key, bits string }{
		{`{"$minKey":1}`, "08", ""},
		{`{"$undefined":true}`, "10", ""},
		{`null`, "18", ""},
		{`{"$numberDecimal":"NaN"}`, "20", "c0"},
		{`{"$numberDouble":"-Infinity"}`, "21", ""},
		{`-1`, "2afd", ""},
		{`{"$numberDouble":"-1.5"}`, "2afcefffffffffffff", ""},
		{`-128`, "29feff", ""},
		{`0`, "2c", ""},
		{`{"$numberDouble":"-0.0"}`, "2c", "e8"},
		{`{"$numberDouble":"0.5"}`, "2d7fc0000000000000", ""},
		{`1`, "2e02", ""},
		{`{"$numberLong":"1"}`, "2e02", "80"},
		{`{"$numberDouble":"1.0"}`, "2e02", "a0"},
		{`{"$numberDecimal":"1"}`, "2e02", "c0"},
		{`{"$numberDecimal":"1.000"}`, "2e02", "c180"},
		{`{"$numberDouble":"1.5"}`, "2e0310000000000000", ""},
		{`127`, "2efe", ""},
		{`128`, "2f0100", ""},
		{`1000000`, "301e8480", ""},
		{`{"$numberDouble":"1000.5"}`, "2f07d1080000000000", ""},
		{`{"$numberDecimal":"19.99"}`, "2e2701fae147ae147b200127c6", ""},
		{`{"$numberLong":"9223372036854775807"}`, "35fffffffffffffffe", ""},
		{`{"$numberDouble":"1e19"}`, "3687c2b1c8c1227a00", ""},
		{`{"$numberDouble":"Infinity"}`, "37", ""},
		{`"abc"`, "4061626300", ""},
		{`"a\u0000b"`, "406101016200", ""},
		{`{"$symbol":"abc"}`, "4061626300", "80"},
		{`{}`, "4800", ""},
		{`{"a":1}`, "482061002e0200", ""},
		{`[]`, "5000", ""},
		{`[1,"x"]`, "502e0240780000", ""},
		{`{"$binary":{"base64":"YWJj","subType":"00"}}`, "580300616263", ""},
		{`{"$oid":"000102030405060708090a0b"}`, "60000102030405060708090a0b", ""},
		{`false`, "68", ""},
		{`true`, "69", ""},
		{`{"$date":{"$numberLong":"1"}}`, "708000000000000001", ""},
		{`{"$timestamp":{"t":1,"i":2}}`, "780000000100000002", ""},
		{`{"$regularExpression":{"pattern":"a","options":"i"}}`, "8061006900", ""},
		{`{"$dbPointer":{"$ref":"c","$id":{"$oid":"000102030405060708090a0b"}}}`, "88016300000102030405060708090a0b", ""},
		{`{"$code":"f"}`, "906600", ""},
		{`{"$code":"f","$scope":{}}`, "98660000", ""},
		{`{"$maxKey":1}`, "f0", ""},
	} {
		v := value(t, c.json)
		var bits TypeBits
		key := AppendTyped(nil, &bits, v, false)
		if got := hex.EncodeToString(key); got != c.key {
			t.Errorf("%s: key %s, want %s", c.json, got, c.key)
		}
		if got := hex.EncodeToString(bits.Bytes()); got != c.bits {
			t.Errorf("%s: bits %s, want %s", c.json, got, c.bits)
		}
	}
}

func TestOrderIsCompare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genValue(3).Draw(t, "a"), genValue(3).Draw(t, "b")
		checkOrder(t, a, b)
	})
}

// Numbers alone, so that neighbours of different types meet often.
func TestOrderOfNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkOrder(t, drawNumber(t), drawNumber(t))
	})
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func checkOrder(t failer, a, b bsonx.Value) {
	t.Helper()
	want := bsonx.Compare(a, b)
	if got := bytes.Compare(Append(nil, a, false), Append(nil, b, false)); got != want {
		t.Fatalf("%v and %v: keys compare %d, values %d", a, b, got, want)
	}
	ka, kb := Append(nil, a, true), Append(nil, b, true)
	if got := bytes.Compare(ka, kb); got != -want {
		t.Fatalf("%v and %v: descending keys compare %d, values %d", a, b, got, want)
	}
	if want != 0 && (bytes.HasPrefix(ka, kb) || bytes.HasPrefix(kb, ka)) {
		t.Fatalf("%v and %v: one key begins the other", a, b)
	}
}

func TestCompoundOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gen := rapid.SliceOfN(genValue(1), 3, 3)
		x, y := gen.Draw(t, "x"), gen.Draw(t, "y")
		desc := rapid.SliceOfN(rapid.Bool(), 3, 3).Draw(t, "desc")
		want := 0
		var kx, ky []byte
		for i := range x {
			kx, ky = Append(kx, x[i], desc[i]), Append(ky, y[i], desc[i])
			if c := bsonx.Compare(x[i], y[i]); want == 0 && desc[i] {
				want = -c
			} else if want == 0 {
				want = c
			}
		}
		if got := bytes.Compare(kx, ky); got != want {
			t.Fatalf("%x and %x compare %d, want %d", kx, ky, got, want)
		}
	})
}

func TestDecodeGivesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(genValue(3), 1, 3).Draw(t, "values")
		desc := rapid.Bool().Draw(t, "desc")
		var bits TypeBits
		var key []byte
		for _, v := range values {
			key = AppendTyped(key, &bits, v, desc)
		}
		key = append(key, 0xaa) // what follows is left alone.
		reader := NewTypeBitsReader(bits.Bytes())
		rest, plain, skipped := key, key, key
		for _, v := range values {
			var got bsonx.Value
			var err error
			if got, rest, err = Decode(rest, &reader, desc); err != nil || got.Type != v.Type || !bytes.Equal(got.Data, v.Data) {
				t.Fatalf("%v (%x) came back as %v (%x), %v", v, v.Data, got, got.Data, err)
			}
			if got, plain, err = Decode(plain, nil, desc); err != nil || !bsonx.Equal(got, v) {
				t.Fatalf("%v came back without bits as %v, %v", v, got, err)
			}
			if skipped, err = Skip(skipped, desc); err != nil {
				t.Fatalf("%v: %v", v, err)
			}
		}
		for _, left := range [][]byte{rest, plain, skipped} {
			if len(left) != 1 {
				t.Fatalf("%x left of %x", left, key)
			}
		}
	})
}

func TestEveryCutIsTruncated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, desc := genValue(2).Draw(t, "v"), rapid.Bool().Draw(t, "desc")
		key := Append(nil, v, desc)
		n := rapid.IntRange(0, len(key)-1).Draw(t, "n")
		if _, err := Skip(key[:n], desc); err != ErrTruncated {
			t.Fatalf("%x cut at %d: %v", key, n, err)
		}
	})
}

func TestSuccessor(t *testing.T) {
	for key, want := range map[string]string{"a": "b", "a\xff": "b", "a\xffb\xff\xff": "a\xffc", "\xff\xff": "", "": ""} {
		if got := string(Successor([]byte(key))); got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
}

func TestMissingIsUndefined(t *testing.T) {
	if !bytes.Equal(Append(nil, bsonx.Missing, false), Append(nil, bsonx.Value{Type: bsonx.TypeUndefined}, false)) {
		t.Error("a missing value has another key than undefined")
	}
}

func TestBound(t *testing.T) {
	const cut = BoundBytes - hashBytes
	compound := func(s string, n int64) []byte {
		return Append(Append(nil, bsonx.String(s), false), bsonx.Int64(n), true)
	}
	overhead := len(compound("", 1))
	for _, n := range []int{0, 100, cut - overhead - 1, cut - overhead, cut - overhead + 1, cut, 3 * cut} {
		whole := compound(strings.Repeat("x", n), 1)
		short, hashed := Bound(bytes.Clone(whole))
		if hashed != (len(whole) > cut) || len(short) > BoundBytes || hashed && len(short) != BoundBytes {
			t.Errorf("%d: %d bytes, hashed %v", len(whole), len(short), hashed)
		}
		prefix, cutOff := Prefix(whole)
		if cutOff != hashed || !bytes.HasPrefix(short, prefix) {
			t.Errorf("%d: the prefix does not begin the key", len(whole))
		}
		other, _ := Bound(compound(strings.Repeat("x", n), 2))
		if bytes.Equal(short, other) {
			t.Errorf("%d: different keys became one", len(whole))
		}
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	values := []bsonx.Value{
		bsonx.Int32(7), bsonx.Int64(math.MaxInt64), bsonx.Double(3.14), value(t, `{"$numberDecimal":"19.99"}`), bsonx.String("some text"),
		value(t, `{"$oid":"000102030405060708090a0b"}`), value(t, `{"a":[1,{"b":null}]}`), bsonx.Date(1),
	}
	buf := make([]byte, 0, 1024)
	var bits TypeBits
	if n := testing.AllocsPerRun(100, func() {
		bits.Reset()
		buf = buf[:0]
		for _, v := range values {
			buf = AppendTyped(buf, &bits, v, true)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
