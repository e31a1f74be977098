package diff

import (
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// richDoc has a field of every type, for expressions to refer to.
func richDoc() bson.D {
	return doc("_id", int32(1), "i", int32(5), "l", int64(7), "d", 2.5, "m", decimal("1.50"), "neg", int32(-3), "zero", int32(0), "nan", math.NaN(), "inf", math.Inf(1),
		"maxl", int64(math.MaxInt64), "minl", int64(math.MinInt64), "maxi", int32(math.MaxInt32), "s", "hello", "e", "", "uni", "héllo 世界", "nul", "a\x00b", "num", "12",
		"n", nil, "t", true, "f", false, "date", day("2024-02-29T12:34:56Z")+789, "old", day("1969-12-31T23:59:59Z"), "ts", bson.Timestamp{T: 1700000000, I: 3},
		"oid", bson.ObjectID{0x65, 0xe0, 0x7b, 0x90, 1, 2, 3, 4, 5, 6, 7, 8}, "bin", bson.Binary{Data: []byte{1, 2, 3}}, "uuid", bson.Binary{Subtype: 4, Data: []byte("0123456789abcdef")},
		"re", bson.Regex{Pattern: "a.c", Options: "i"}, "min", bson.MinKey{}, "max", bson.MaxKey{}, "code", bson.JavaScript("f()"), "sym", bson.Symbol("sym"), "u", bson.Undefined{},
		"a", bson.A{int32(1), int32(2), int32(3)}, "ea", bson.A{}, "strs", bson.A{"a", "b", "a", "é"}, "mixed", bson.A{int32(1), "x", nil, 2.0, bson.A{int32(1)}, doc("z", int32(1)), bson.Undefined{}},
		"o", doc("x", int32(1), "y", bson.A{doc("z", int32(1)), doc("z", int32(2)), int32(3)}, "w", nil), "eo", bson.D{}, "pairs", bson.A{bson.A{"k", int32(1)}, bson.A{"j", nil}},
		"kvs", bson.A{doc("k", "p", "v", int32(1)), doc("k", "q", "v", doc("r", int32(2)))}, "dots", bson.D{{Key: "a.b", Value: int32(1)}, {Key: "$x", Value: int32(2)}, {Key: "", Value: int32(3)}})
}

var fieldNames = []string{"i", "l", "d", "m", "neg", "zero", "nan", "inf", "maxl", "minl", "maxi", "s", "e", "uni", "nul", "num", "n", "t", "f", "date", "old", "ts", "oid", "bin", "uuid", "re", "min", "max",
	"code", "sym", "u", "a", "ea", "strs", "mixed", "o", "eo", "pairs", "kvs", "dots", "missing", "o.x", "o.y", "o.y.z", "o.w", "mixed.z", "a.0", "kvs.v", "kvs.v.r", "i.x"}

// operand is one argument of an operator: what it usually is.
type operand func(d dice, depth int) any

// any is a value of any type: a field, a constant, an expression.
func anyOf(d dice, depth int) any {
	switch r := d.n(10); {
	case r < 3:
		return "$" + pick(d, fieldNames...)
	case r < 4:
		return constant(d, d.scalar())
	case r < 5:
		return constant(d, d.value(2))
	}
	return pick[operand](d, numeric, textual, arrays, logical, objects, dates)(d, depth)
}

// constant is a value that is not taken for a path.
func constant(d dice, v any) any {
	if d.chance(3) {
		return v
	}
	return doc("$literal", v)
}

// leaf ends the nesting, at the latest where depth is used up.
func leaf(d dice, depth int, of operand, fields ...string) any {
	if d.chance(3) {
		return of(d, depth)
	}
	return "$" + pick(d, fields...)
}

// nested chooses an operator of one kind by its name from a family.
func nested(d dice, depth int, families ...func() []operator) any {
	all := pick(d, families...)()
	op := pick(d, all...)
	return bson.D{{Key: op.name, Value: op.arg(d, depth-1)}}
}

func numeric(d dice, depth int) any {
	if depth <= 0 || d.chance(3) {
		return leaf(d, depth, func(d dice, _ int) any { return d.number() }, "i", "l", "d", "m", "neg", "zero", "nan", "inf", "maxl", "minl", "maxi", "o.x")
	}
	return nested(d, depth, arithmeticOps, arithmeticOps, countingOps, dateParts)
}

func small(d dice, depth int) any { return d.int() }

func textual(d dice, depth int) any {
	if depth <= 0 || d.chance(3) {
		return leaf(d, depth, func(d dice, _ int) any { return constant(d, d.str()) }, "s", "e", "uni", "nul", "num")
	}
	return nested(d, depth, stringOps)
}

func arrays(d dice, depth int) any {
	if depth <= 0 || d.chance(3) {
		return leaf(d, depth, func(d dice, _ int) any { return list(d, 0, 4, func() any { return d.value(1) }) }, "a", "ea", "strs", "mixed", "o.y", "pairs", "kvs", "o.y.z")
	}
	return nested(d, depth, arrayOps, arrayOps, func() []operator {
		return []operator{{"$split", tuple(textual, textual)}, {"$objectToArray", objects}, {"$regexFindAll", regexArgs}}
	})
}

func logical(d dice, depth int) any {
	if depth <= 0 || d.chance(3) {
		return pick[any](d, "$t", "$f", true, false, nil, "$n", "$zero")
	}
	return nested(d, depth, logicOps)
}

func objects(d dice, depth int) any {
	if depth <= 0 || d.chance(3) {
		return pick[any](d, "$o", "$eo", "$dots", "$$ROOT", doc("p", int32(1)), "$missing", "$n", doc("p", "$a", "q", doc("r", "$missing")))
	}
	return nested(d, depth, objectOps)
}

func dates(d dice, depth int) any {
	if depth <= 0 || d.chance(3) {
		return leaf(d, depth, func(d dice, _ int) any { return d.date() }, "date", "old", "ts", "oid")
	}
	return nested(d, depth, dateOps)
}

// operator is a name and what it takes.
type operator struct {
	name string
	arg  operand
}

// tuple is an array of operands.
func tuple(args ...operand) operand {
	return func(d dice, depth int) any {
		out := bson.A{}
		for _, a := range args {
			out = append(out, a(d, depth))
		}
		return out
	}
}

// many is an array of operands of one kind.
func many(a operand, least, most int) operand {
	return func(d dice, depth int) any { return list(d, least, most, func() any { return a(d, depth) }) }
}

// single is an operand, often in an array of its own.
func single(a operand) operand {
	return func(d dice, depth int) any {
		if d.chance(2) {
			return bson.A{a(d, depth)}
		}
		return a(d, depth)
	}
}

// fields is a document of operands: name, operand, ...; a name with a question mark
// is left out at times.
func fields(pairs ...any) operand {
	return func(d dice, depth int) any {
		out := bson.D{}
		for i := 0; i < len(pairs); i += 2 {
			name := pairs[i].(string)
			if name[len(name)-1] == '?' {
				if d.chance(2) {
					continue
				}
				name = name[:len(name)-1]
			}
			out = append(out, bson.E{Key: name, Value: pairs[i+1].(operand)(d, depth)})
		}
		return out
	}
}

// oneOf is one of these constants.
func oneOf(values ...any) operand { return func(d dice, _ int) any { return pick(d, values...) } }

// either is an operand of one of these kinds.
func either(kinds ...operand) operand {
	return func(d dice, depth int) any { return pick(d, kinds...)(d, depth) }
}

// expression is a random expression.
func (d dice) expression() any { return anyOf(d, 1+d.n(4)) }

// names are of all operators and of their arguments, to put where they do not belong.
func operatorNames() []string {
	var out []string
	for _, family := range []func() []operator{arithmeticOps, countingOps, dateParts, stringOps, arrayOps, logicOps, objectOps, dateOps} {
		for _, op := range family() {
			out = append(out, op.name)
		}
	}
	return append(out, "input", "as", "in", "vars", "cond", "timezone", "date", "unit", "field", "value", "format", "onNull", "onError", "$unknown", "$literal", "if", "branches", "default", "regex", "options", "limit", "initialValue")
}
