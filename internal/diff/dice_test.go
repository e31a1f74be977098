package diff

import (
	"math"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/pandodb/pando/internal/env"
)

// dice makes random questions.
type dice struct{ env *env.Env }

func (d dice) n(n int) int { return int(d.env.Uint64() % uint64(n)) }

// chance is true once in n times.
func (d dice) chance(n int) bool { return d.n(n) == 0 }

func pick[T any](d dice, from ...T) T { return from[d.n(len(from))] }

// doc is a document of one or more fields: name, value, name, value.
func doc(pairs ...any) bson.D {
	out := bson.D{}
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, bson.E{Key: pairs[i].(string), Value: pairs[i+1]})
	}
	return out
}

func list[T any](d dice, least, most int, f func() T) bson.A {
	out := bson.A{}
	for range least + d.n(most-least+1) {
		out = append(out, f())
	}
	return out
}

func decimal(s string) bson.Decimal128 {
	d, err := bson.ParseDecimal128(s)
	if err != nil {
		panic(err)
	}
	return d
}

func date(ms int64) bson.DateTime { return bson.DateTime(ms) }

func day(text string) bson.DateTime {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return bson.NewDateTimeFromTime(t)
}

func (d dice) int() any {
	return pick[any](d, int32(0), int32(1), int32(2), int32(3), int32(-1), int32(-2), int32(7), int32(10), int64(2), 1.0, 2.0)
}

func (d dice) number() any {
	switch d.n(3) {
	case 0:
		return pick[any](d, int32(0), int32(1), int32(2), int32(3), int32(-1), int32(-7), int32(12))
	case 1:
		return pick[any](d, int64(0), int64(1), int64(2), int64(-3), 0.0, 1.0, 2.5, -0.5, 1.5, decimal("2"), decimal("1.50"), decimal("-0.1"))
	}
	return pick[any](d, int32(math.MaxInt32), int32(math.MinInt32), int64(math.MaxInt64), int64(math.MinInt64), int64(1)<<53+1,
		math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 1e300, -1e300, 1e-300, 9.223372036854776e18, 2147483648.0, 0.1, 1e15, 123456789.123,
		decimal("NaN"), decimal("Infinity"), decimal("-Infinity"), decimal("0E+3"), decimal("-0"), decimal("9223372036854775808"), decimal("1E-100"),
		decimal("9.999999999999999999999999999999999E+6144"), decimal("1E+3"), decimal("0.30000000000000004"))
}

func (d dice) str() string {
	return pick(d, "", "a", "b", "ab", "abc", "A", "x", "hello world", " x ", "\t\n", "é", "ÀÉ", "日本語", "😀z", "a\x00b", "\x00", "a.b", "$a", "$", "$$x", "$$ROOT", "1", "-1", "1.5",
		"1e5", "0x1F", "NaN", "Infinity", "true", "2020-01-01", "2020-02-30T25:00:00Z", "2019-12-31T23:59:59.999Z", "5f5f5f5f5f5f5f5f5f5f5f5f", "null", "^a", "a,b,,c", "i", "AQID", "\u200b", "0", "00", "+5", " 5",
		"9223372036854775807", "9223372036854775808", "b19ec6ec-0a5f-4d6a-8d5e-0d2b5f6f6f6f", "ſ", "K", "ß", "İ")
}

func (d dice) date() bson.DateTime {
	return pick(d, date(0), date(1), date(-1), date(-86400001), day("2020-01-01T00:00:00Z"), day("2020-02-29T12:34:56Z")+789, day("2021-03-28T00:59:59Z"), day("2021-03-28T01:00:00Z"),
		day("2021-10-31T00:30:00Z"), day("2021-11-07T05:59:00Z"), day("2019-12-30T23:00:00Z"), day("1969-12-31T23:59:59Z"), day("0001-01-01T00:00:00Z"), day("9999-12-31T23:59:59Z"),
		date(math.MaxInt64), date(math.MinInt64), date(253402300800000), date(-62135596800001), date(-377705116800000), day("2024-12-31T00:00:00Z"))
}

func (d dice) binary() bson.Binary {
	return pick(d, bson.Binary{Data: []byte{}}, bson.Binary{Data: []byte{1, 2, 3}}, bson.Binary{Subtype: 4, Data: []byte("0123456789abcdef")},
		bson.Binary{Subtype: 5, Data: []byte("0123456789abcdef")}, bson.Binary{Data: []byte{1, 0, 0, 0}}, bson.Binary{Data: []byte{1, 2, 3, 4, 5, 6, 7, 8}},
		bson.Binary{Subtype: 128, Data: []byte{255}}, bson.Binary{Subtype: 2, Data: []byte{1, 2}}, bson.Binary{Subtype: 4, Data: []byte{1}})
}

func (d dice) oid() bson.ObjectID {
	return pick(d, bson.ObjectID{}, bson.ObjectID{0x5f, 0x5f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, bson.ObjectID{0xff, 0xff, 0xff, 0xff})
}

func (d dice) regex() bson.Regex {
	return bson.Regex{Pattern: pick(d, "a", "^a", "b$", "", "[a-c]+", "(a)|(b)", "A", "é", ".", "(", "a.c", "^"), Options: pick(d, "", "", "i", "m", "s", "x", "ims", "u", "z", "l", "ii")}
}

// rare is a value of a type that few documents hold.
func (d dice) rare() any {
	return pick[any](d, bson.MinKey{}, bson.MaxKey{}, bson.Undefined{}, bson.Symbol("sym"), bson.JavaScript("f()"), bson.Timestamp{T: 5, I: 1}, bson.Timestamp{},
		bson.Timestamp{T: 4294967295, I: 4294967295}, bson.CodeWithScope{Code: "f()", Scope: bson.D{{Key: "x", Value: int32(1)}}}, bson.DBPointer{DB: "a.b", Pointer: bson.ObjectID{1}}, d.regex())
}

func (d dice) scalar() any {
	switch d.n(10) {
	case 0, 1, 2, 3:
		return d.number()
	case 4, 5:
		return d.str()
	case 6:
		return pick[any](d, nil, true, false)
	case 7:
		return pick[any](d, d.date(), d.oid(), d.binary())
	case 8:
		return d.rare()
	}
	return d.int()
}

func (d dice) name() string { return pick(d, "a", "b", "c", "a", "b", "c", "0", "1", "x") }

// value is any value, nested so deep at most.
func (d dice) value(depth int) any {
	if depth > 0 {
		switch d.n(4) {
		case 0:
			return list(d, 0, 3, func() any { return d.value(depth - 1) })
		case 1:
			return d.object(depth)
		}
	}
	return d.scalar()
}

func (d dice) object(depth int) bson.D {
	out := bson.D{}
	for range d.n(4) {
		name := d.name()
		if !has(out, name) {
			out = append(out, bson.E{Key: name, Value: d.value(depth - 1)})
		}
	}
	return out
}

func has(doc bson.D, name string) bool {
	for _, e := range doc {
		if e.Key == name {
			return true
		}
	}
	return false
}

// plainDoc is a document to store under an _id.
func (d dice) plainDoc(id int) bson.D { return d.storedDoc(id, d.value) }

// simpleDoc is one whose values are often equal to others'.
func (d dice) simpleDoc(id int) bson.D { return d.storedDoc(id, d.simple) }

func (d dice) storedDoc(id int, value func(depth int) any) bson.D {
	out := bson.D{{Key: "_id", Value: int32(id)}}
	for _, name := range []string{"a", "b", "c"} {
		if !d.chance(5) {
			out = append(out, bson.E{Key: name, Value: value(3)})
		}
	}
	return out
}

func (d dice) simple(depth int) any {
	if depth > 0 {
		switch d.n(4) {
		case 0:
			return list(d, 0, 3, func() any { return d.simple(depth - 1) })
		case 1:
			out := bson.D{}
			for range d.n(3) {
				if name := d.name(); !has(out, name) {
					out = append(out, bson.E{Key: name, Value: d.simple(depth - 1)})
				}
			}
			return out
		}
	}
	return pick[any](d, int32(1), int32(2), int32(3), "x", "y", nil, 1.0, int64(2), true, decimal("2.0"))
}

// path is a dotted path into such documents.
func (d dice) path() string {
	path := pick(d, "a", "b", "c")
	for d.n(5) < 2 {
		path += "." + d.name()
	}
	return path
}

// oddPath is one that something may be wrong with.
func (d dice) oddPath() string {
	if !d.chance(6) {
		return d.path()
	}
	return pick(d, "", "a.", ".a", "a..b", "$a", "a.$b", "a.$", "a.$.b", "a.$[]", "_id", "_id.x", "a.00", "a.01", "a.-1", "a.99999999999", "é", "a.$id", "$id", "a.0.0", "a.b.c.a.b.c", "$**", ".", "__proto__", "a b")
}
