package bsonx

import (
	"encoding/binary"
	"math"
	"math/big"
	"testing"

	"github.com/cockroachdb/apd/v3"
	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"
)

func dec(t testing.TB, s string) Value {
	t.Helper()
	d, err := bson.ParseDecimal128(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	hi, lo := d.GetBytes()
	data := binary.LittleEndian.AppendUint64(nil, lo)
	return Value{Type: TypeDecimal, Data: binary.LittleEndian.AppendUint64(data, hi)}
}

// The order of the first list was told by the reference server.
func TestNumbersAscend(t *testing.T) {
	list := []Value{
		Double(math.NaN()),
		Double(math.Inf(-1)),
		dec(t, "-9.99E6144"),
		Double(-math.MaxFloat64),
		dec(t, "-9223372036854775809"),
		Int64(math.MinInt64),
		Int32(-1),
		dec(t, "-0.1"),
		dec(t, "-1E-6176"),
		Int32(0),
		dec(t, "1E-6176"),
		dec(t, "4.940656458412465441765687928682213E-324"),
		Double(5e-324),
		dec(t, "4.940656458412465441765687928682214E-324"),
		dec(t, "0.1"),
		dec(t, "0.10000000000000000555"),
		Double(0.1),
		dec(t, "0.1000000000000000055511151231257828"),
		dec(t, "9223372036854775806.5"),
		Int64(math.MaxInt64),
		Double(1 << 63),
		Double(1e22),
		Double(1e23),
		dec(t, "1E23"),
		dec(t, "1E308"),
		Double(1e308),
		Double(math.MaxFloat64),
		dec(t, "1E309"),
		Double(math.Inf(1)),
	}
	for i, a := range list {
		for j, b := range list {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := Compare(a, b); got != want {
				t.Errorf("Compare(%d, %d) = %d, want %d", i, j, got, want)
			}
		}
	}
}

func TestNumbersEqual(t *testing.T) {
	for _, class := range [][]Value{
		{Int32(1), Int64(1), Double(1), dec(t, "1"), dec(t, "1.000")},
		{Int32(0), Int64(0), Double(0), Double(math.Copysign(0, -1)), dec(t, "0"), dec(t, "-0E+10")},
		{Double(math.NaN()), dec(t, "NaN"), Decimal{Form: DecimalNaN, Neg: true}.Value()},
		{Double(math.Inf(1)), dec(t, "Infinity")},
		{Double(1e22), dec(t, "1E22")},
		{Int64(math.MaxInt64), dec(t, "9223372036854775807")},
		{Int64(math.MinInt64), Double(-1 << 63), dec(t, "-9223372036854775808")},
	} {
		for _, a := range class {
			for _, b := range class {
				if Compare(a, b) != 0 {
					t.Errorf("%v and %v differ", a, b)
				}
			}
		}
	}
}

// exact is a finite number as a ratio.
func exact(v Value) *big.Rat {
	switch v.Type {
	case TypeDouble:
		return new(big.Rat).SetFloat64(AsDouble(v))
	case TypeDecimal:
		r, _ := new(big.Rat).SetString(AsDecimal(v).String())
		return r
	}
	n, _ := ToInt64Exact(v)
	return new(big.Rat).SetInt64(n)
}

// genNear makes numbers that lie close together although their types differ.
func genNear() *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		f := rapid.OneOf(
			rapid.Float64Range(-1e40, 1e40),
			rapid.Float64Range(-2, 2),
			rapid.SampledFrom([]float64{0.1, 1e22, 1e23, 1 << 53, 1 << 62, 5e-324, 1e-300, 19.99}),
		).Draw(t, "f")
		switch rapid.IntRange(0, 3).Draw(t, "type") {
		case 0:
			return Int64(int64(clampInt64(f)) + rapid.Int64Range(-1, 1).Draw(t, "step"))
		case 1:
			return DecimalFromDouble(f, rapid.IntRange(1, 34).Draw(t, "digits")).Value()
		case 2:
			return Int32(rapid.Int32().Draw(t, "n"))
		}
		return Double(f)
	})
}

func TestCompareIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genNear().Draw(t, "a"), genNear().Draw(t, "b")
		if got, want := Compare(a, b), exact(a).Cmp(exact(b)); got != want {
			t.Fatalf("Compare(%v, %v) = %d, want %d", a, b, got, want)
		}
	})
}

func TestTruncIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Decimal{
			Hi:  rapid.Uint64Range(0, pow10[34].hi-1).Draw(t, "hi"),
			Lo:  rapid.Uint64Min(1).Draw(t, "lo"),
			Exp: rapid.IntRange(-360, 300).Draw(t, "exp"),
		}
		if rapid.Bool().Draw(t, "small") {
			d.Hi, d.Exp = 0, rapid.IntRange(-19, 0).Draw(t, "exp")
		}
		f, ok := d.Trunc()
		x, y := exact(d.Value()), new(big.Rat).SetFloat64(f)
		if c := y.Cmp(x); c > 0 || (c == 0) != ok {
			t.Fatalf("%v: %v, %v", d, f, ok)
		}
		if next := math.Nextafter(f, math.Inf(1)); !math.IsInf(next, 0) && new(big.Rat).SetFloat64(next).Cmp(x) <= 0 {
			t.Fatalf("%v: %v is not the nearest below", d, f)
		}
	})
}

func TestDecimalText(t *testing.T) {
	for _, s := range []string{"0", "-0", "1", "-1.50", "1E+3", "NaN", "Infinity", "-Infinity", "9.999999999999999999999999999999999E+6144",
		"1E-6176", "123456789012345678901234567890.1234", "0.000001", "1E-7"} {
		if got := AsDecimal(dec(t, s)).String(); got != s {
			t.Errorf("%s reads back as %s", s, got)
		}
	}
	for f, want := range map[float64]string{2: "2.00000000000000", 0.1: "0.100000000000000", 1e22: "1.00000000000000E+22", 5e-324: "4.94065645841247E-324"} {
		if got := DecimalFromDouble(f, 15).String(); got != want {
			t.Errorf("%v: %s, want %s", f, got, want)
		}
	}
}

func TestDecimalToNumbers(t *testing.T) {
	for s, want := range map[string]struct {
		f float64
		n int64
	}{
		"0": {}, "1E+3": {1000, 1000}, "-2.9": {-2.9, -2}, "1E400": {math.Inf(1), math.MaxInt64}, "-1E30": {-1e30, math.MinInt64},
		"1E-400": {0, 0}, "9223372036854775807": {1 << 63, math.MaxInt64}, "-9223372036854775808": {-1 << 63, math.MinInt64},
		"9223372036854775807.5": {1 << 63, math.MaxInt64},
	} {
		v := dec(t, s)
		if f, _ := ToDouble(v); f != want.f {
			t.Errorf("ToDouble(%s) = %v", s, f)
		}
		if n, _ := ToInt64Clamped(v); n != want.n {
			t.Errorf("ToInt64Clamped(%s) = %v", s, n)
		}
	}
	for s, ok := range map[string]bool{"1.0": true, "1E18": true, "1E19": false, "1.5": false, "9223372036854775808": false, "NaN": false} {
		if _, got := ToInt64Exact(dec(t, s)); got != ok {
			t.Errorf("ToInt64Exact(%s): %v", s, got)
		}
	}
}

func TestDecimalAPD(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Decimal{
			Hi:  rapid.Uint64Range(0, pow10[34].hi-1).Draw(t, "hi"),
			Lo:  rapid.Uint64().Draw(t, "lo"),
			Exp: rapid.IntRange(DecimalExpMin, DecimalExpMax).Draw(t, "exp"),
			Neg: rapid.Bool().Draw(t, "neg"),
		}
		var x apd.Decimal
		if got := DecimalFromAPD(d.APD(&x)); got != d {
			t.Fatalf("%v became %v", d, got)
		}
	})
	for text, want := range map[string]string{
		"1e7000": "Infinity", "-1e6145": "-Infinity", "1e6144": "1.000000000000000000000000000000000E+6144", "1e-7000": "0E-6176",
		"16e-6177": "2E-6176", "4e-6177": "0E-6176", "99999999999999999999999999999999995": "1.000000000000000000000000000000000E+35",
		"0e9999": "0E+6111", "NaN": "NaN",
	} {
		x, _, err := apd.NewFromString(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := DecimalFromAPD(x).String(); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
