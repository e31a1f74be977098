package diff

import (
	"go.mongodb.org/mongo-driver/v2/bson"
)

// filter is a random filter on documents that plainDoc or simpleDoc makes.
func (d dice) filter(depth int) bson.D {
	if depth > 0 && d.chance(3) {
		return doc(pick(d, "$and", "$or", "$nor"), list(d, 1, 3, func() any { return d.filter(depth - 1) }))
	}
	if d.chance(12) {
		return doc("$expr", d.pathExpression())
	}
	out := doc(d.oddPath(), d.predicate(depth))
	if d.chance(4) {
		out = append(out, bson.E{Key: d.path(), Value: d.predicate(depth)})
	}
	return out
}

// pathExpression compares what paths lead to.
func (d dice) pathExpression() any {
	one := func() any { return pick[any](d, "$"+d.path(), "$"+d.path(), d.simple(1)) }
	return pick[any](d, doc(pick(d, "$eq", "$gt", "$lte", "$ne", "$in", "$add", "$cmp"), bson.A{one(), one()}), "$"+d.path(), doc("$and", bson.A{one(), one()}), doc("$isArray", "$"+d.path()), doc("$size", one()))
}

func (d dice) predicate(depth int) any {
	if d.chance(3) {
		return d.simple(2)
	}
	out := bson.D{}
	for range 1 + d.n(2) {
		name, v := d.condition(depth)
		if !has(out, name) || d.chance(10) {
			out = append(out, bson.E{Key: name, Value: v})
		}
	}
	return out
}

// condition is one operator of a predicate and its operand.
func (d dice) condition(depth int) (string, any) {
	switch d.n(13) {
	case 0, 1, 2:
		return pick(d, "$eq", "$ne", "$gt", "$gte", "$lt", "$lte"), pick[any](d, d.simple(2), d.value(1))
	case 3:
		return pick(d, "$in", "$nin", "$all"), list(d, 0, 3, func() any { return pick[any](d, d.simple(1), d.simple(1), d.value(1), d.regex()) })
	case 4:
		return "$exists", pick[any](d, true, false, true, int32(0), 1.0, nil, "x", decimal("0"))
	case 5:
		return "$type", pick[any](d, "number", "array", "object", "string", "null", bson.A{"int", "array"}, "double", int32(2), 16.0, "undefined", "regex", int32(-1), int32(127), "minKey", "bad", int32(20), 1.5, bson.A{}, bson.A{"x"}, "missing", int64(3), decimal("4"), "long", "decimal", "bool", "date", "symbol", "javascript", "dbPointer", "timestamp")
	case 6:
		return "$size", pick[any](d, int32(0), int32(1), int32(2), int64(1), 2.0, 1.5, int32(-1), "x", nil, decimal("1"))
	case 7:
		return "$mod", pick[any](d, bson.A{int32(2), int32(0)}, bson.A{int32(2), int32(1)}, bson.A{int32(-2), int32(1)}, bson.A{2.7, 1.9}, bson.A{int32(0), int32(1)}, bson.A{int32(2)}, bson.A{}, bson.A{int32(1), int32(2), int32(3)}, bson.A{d.number(), d.number()}, bson.A{"x", int32(1)}, int32(2), bson.A{int64(1) << 40, int32(1)}, bson.A{decimal("2"), decimal("1.5")})
	case 8:
		if depth > 0 {
			return "$not", pick[any](d, d.predicate(depth-1), d.regex(), bson.D{})
		}
		return "$regex", pick[any](d, "x", "^x", "y$", "", ".", d.regex(), "[", "a|b", int32(1), "(?i)X", "x\x00", "^x.*", `^\Qx`, "x{1}")
	case 9:
		return pick(d, "$bitsAllSet", "$bitsAnySet", "$bitsAllClear", "$bitsAnyClear"), pick[any](d, int32(1), int32(2), int64(3), 1.0, 1.5, int32(-1), "x", bson.A{int32(0), int32(1)}, bson.A{}, bson.A{int32(-1)}, bson.A{"x"}, bson.A{int32(64)}, bson.A{1.5}, bson.Binary{Data: []byte{1}}, bson.Binary{Data: nil}, decimal("3"), int64(1)<<40, 1e300)
	case 10:
		return "$elemMatch", pick[any](d, d.filter(max(depth-1, 0)), d.predicate(0), bson.D{}, doc("$gt", int32(1), "$lt", int32(3)))
	case 11:
		return "$options", pick[any](d, "i", "", "z", "ims", int32(1), "x", "i")
	}
	return "$regex", pick[any](d, "x", "^x", d.regex())
}

func filterNames() []string {
	return []string{"$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$all", "$exists", "$type", "$size", "$mod", "$not", "$regex", "$options", "$bitsAllSet", "$elemMatch", "$and", "$or", "$nor", "$expr",
		"$comment", "$unknown", "$where ", "a", "a.b", "", "$alwaysTrue", "$alwaysFalse", "$a", "$ref", "$id", "$db", "$jsonSchemaX", "$sampleRateX"}
}

// projection is one for find, or for $project.
func (d dice) projection(find bool) bson.D {
	truth := pick[any](d, int32(1), int32(0), true, false, 1.0, int64(2), 0.0)
	shows := truth != any(int32(0)) && truth != any(false) && truth != any(0.0)
	out := bson.D{}
	for range 1 + d.n(3) {
		var v any = truth
		switch {
		case d.chance(25):
			v = pick[any](d, int32(0), int32(1), nil, "x", bson.D{}, bson.A{}, math0, doc("a", int32(1)))
		case find && d.chance(5):
			v = pick[any](d, doc("$slice", int32(1)), doc("$slice", int32(-1)), doc("$slice", bson.A{int32(1), int32(2)}), doc("$slice", bson.A{int32(-2), int32(1)}), doc("$slice", bson.A{int32(1), int32(0)}), doc("$slice", 1.5),
				doc("$elemMatch", d.filter(0)), doc("$elemMatch", d.predicate(0)), doc("$slice", "x"), doc("$slice", bson.A{"$a", int32(1)}))
		case shows && d.chance(3):
			v = pick[any](d, "$"+d.path(), doc("x", "$"+d.path()), doc("$literal", int32(5)), bson.A{"$" + d.path(), "$missing"}, doc("$add", bson.A{"$a", int32(1)}), "$$REMOVE", "$$ROOT", doc("$ifNull", bson.A{"$" + d.path(), "none"}), "x")
		case d.chance(4):
			v = doc(d.name(), truth)
			if d.chance(2) {
				v = append(v.(bson.D), bson.E{Key: d.oddPath(), Value: truth})
			}
		}
		path := d.oddPath()
		if find && d.chance(12) {
			path += ".$"
		}
		if !has(out, path) || d.chance(10) {
			out = append(out, bson.E{Key: path, Value: v})
		}
	}
	if d.chance(4) {
		out = append(out, bson.E{Key: "_id", Value: pick[any](d, int32(0), int32(1), false, true)})
	}
	return out
}

var math0 = decimal("0")

// sort is an order.
func (d dice) sort() bson.D {
	out := bson.D{}
	for range 1 + d.n(3) {
		path := d.oddPath()
		if !has(out, path) || d.chance(20) {
			out = append(out, bson.E{Key: path, Value: pick[any](d, int32(1), int32(-1), int32(1), int32(-1), 1.0, int64(-1), true, int32(0), int32(2), "x", nil, 1.5, bson.D{}, doc("$meta", "textScore"), decimal("1"))})
		}
	}
	return out
}
