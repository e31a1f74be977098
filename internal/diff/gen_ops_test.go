package diff

import (
	"go.mongodb.org/mongo-driver/v2/bson"
)

func arithmeticOps() []operator {
	two := tuple(numeric, numeric)
	place := tuple(numeric, either(small, numeric))
	return []operator{
		{"$add", many(either(numeric, numeric, numeric, dates), 0, 4)}, {"$subtract", tuple(either(numeric, numeric, dates), either(numeric, numeric, dates))},
		{"$multiply", many(numeric, 0, 4)}, {"$divide", two}, {"$mod", two}, {"$abs", single(numeric)}, {"$ceil", single(numeric)}, {"$floor", single(numeric)},
		{"$round", either(place, single(numeric))}, {"$trunc", either(place, single(numeric))}, {"$sum", either(arrays, many(anyOf, 0, 4))}, {"$avg", either(arrays, many(anyOf, 0, 4))},
		{"$min", either(arrays, many(anyOf, 0, 4))}, {"$max", either(arrays, many(anyOf, 0, 4))}, {"$toInt", single(anyOf)}, {"$toLong", single(anyOf)}, {"$toDouble", single(anyOf)},
		{"$toDecimal", single(anyOf)}, {"$convert", convertArgs}, {"$cond", condArgs(numeric)}, {"$ifNull", many(either(numeric, anyOf), 1, 4)}, {"$switch", switchArgs(numeric)},
		{"$let", letArgs(numeric)}, {"$reduce", reduceArgs}, {"$arrayElemAt", tuple(arrays, either(small, small, numeric))},
	}
}

func countingOps() []operator {
	return []operator{
		{"$size", single(arrays)}, {"$strLenCP", single(textual)}, {"$cmp", tuple(anyOf, anyOf)}, {"$dateDiff", dateDiffArgs}, {"$strLenBytes", single(textual)},
		{"$indexOfArray", tuple(arrays, anyOf)}, {"$indexOfCP", tuple(textual, textual)}, {"$bsonSize", objects}, {"$binarySize", anyOf},
	}
}

func dateParts() []operator {
	var out []operator
	arg := either(single(dates), fields("date", operand(dates), "timezone?", operand(zones)))
	for _, name := range []string{"$year", "$month", "$dayOfMonth", "$dayOfWeek", "$dayOfYear", "$hour", "$minute", "$second", "$millisecond", "$week", "$isoWeek", "$isoWeekYear", "$isoDayOfWeek"} {
		out = append(out, operator{name, arg})
	}
	return out
}

func stringOps() []operator {
	return []operator{
		{"$concat", many(textual, 0, 4)}, {"$toLower", single(either(textual, textual, anyOf))}, {"$toUpper", single(either(textual, textual, anyOf))},
		{"$substrCP", tuple(textual, small, small)}, {"$substrBytes", tuple(textual, small, small)}, {"$trim", trimArgs}, {"$ltrim", trimArgs}, {"$rtrim", trimArgs},
		{"$toString", single(anyOf)}, {"$dateToString", fields("date", operand(dates), "format?", operand(formats), "timezone?", operand(zones), "onNull?", operand(anyOf))},
		{"$type", single(anyOf)}, {"$cond", condArgs(textual)}, {"$arrayElemAt", tuple(arrays, small)}, {"$convert", convertArgs}, {"$replaceAll", fields("input", operand(textual), "find", operand(textual), "replacement", operand(textual))},
		{"$reduce", fields("input", operand(arrays), "initialValue", oneOf("", "x", nil), "in", oneOf(doc("$concat", bson.A{"$$value", "$$this"}), doc("$concat", bson.A{"$$value", doc("$toString", "$$this")})))},
		{"$switch", switchArgs(textual)}, {"$getField", either(textual, fields("field", oneOf("s", "a.b", "$x", "", "x", doc("$literal", "$x"), doc("$concat", bson.A{"a", ".b"}), "$s"), "input", operand(objects)))},
	}
}

func arrayOps() []operator {
	return []operator{
		{"$slice", either(tuple(arrays, small), tuple(arrays, small, small), tuple(arrays, numeric))}, {"$concatArrays", many(arrays, 0, 3)}, {"$setUnion", many(arrays, 0, 3)},
		{"$setIntersection", many(arrays, 0, 3)}, {"$setDifference", tuple(arrays, arrays)}, {"$filter", filterArgs}, {"$map", mapArgs}, {"$reverseArray", single(arrays)},
		{"$range", tuple(small, small, small)}, {"$first", single(arrays)}, {"$last", single(arrays)}, {"$ifNull", many(either(arrays, anyOf), 2, 3)}, {"$let", letArgs(arrays)},
		{"$sortArray", fields("input", operand(arrays), "sortBy", oneOf(int32(1), int32(-1), 1.0, doc("z", int32(1)), doc("k", int32(-1), "v", int32(1)), int32(2), bson.D{}, doc("a.b", int32(-1))))},
		{"$reduce", fields("input", operand(arrays), "initialValue", operand(arrays), "in", oneOf(doc("$concatArrays", bson.A{"$$value", bson.A{"$$this"}}), doc("$setUnion", bson.A{"$$value", bson.A{"$$this"}})))},
		{"$firstN", fields("n", operand(small), "input", operand(arrays))}, {"$maxN", fields("n", operand(small), "input", operand(arrays))}, {"$zip", fields("inputs", many(arrays, 0, 3), "useLongestLength?", oneOf(true, false, int32(1)), "defaults?", many(anyOf, 0, 3))},
	}
}

func logicOps() []operator {
	out := []operator{
		{"$and", many(anyOf, 0, 4)}, {"$or", many(anyOf, 0, 4)}, {"$not", single(anyOf)}, {"$in", tuple(anyOf, arrays)}, {"$isArray", single(anyOf)}, {"$regexMatch", regexArgs},
		{"$isNumber", single(anyOf)}, {"$toBool", single(anyOf)}, {"$cond", condArgs(logical)}, {"$setIsSubset", tuple(arrays, arrays)}, {"$setEquals", many(arrays, 2, 3)},
		{"$anyElementTrue", single(arrays)}, {"$allElementsTrue", single(arrays)}, {"$convert", convertArgs},
	}
	for _, name := range []string{"$eq", "$ne", "$gt", "$gte", "$lt", "$lte"} {
		out = append(out, operator{name, either(tuple(anyOf, anyOf), tuple(numeric, numeric))})
	}
	return out
}

func objectOps() []operator {
	return []operator{
		{"$mergeObjects", either(many(objects, 0, 3), single(objects))}, {"$arrayToObject", single(either(arrays, keyValues))}, {"$arrayToObject", single(keyValues)}, {"$regexFind", regexArgs},
		{"$setField", fields("field", oneOf("x", "a.b", "$x", "", "z", doc("$literal", "$x")), "input", operand(objects), "value", operand(anyOf))}, {"$unsetField", fields("field", oneOf("x", "a.b", "z"), "input", operand(objects))},
		{"$literal", anyOf}, {"$cond", condArgs(objects)}, {"$dateToParts", fields("date", operand(dates), "timezone?", operand(zones), "iso8601?", oneOf(true, false, int32(1), nil, "$t"))},
		{"$arrayElemAt", tuple(oneOf("$kvs", "$o.y"), small)}, {"$ifNull", many(objects, 2, 3)},
	}
}

func dateOps() []operator {
	step := fields("startDate", operand(dates), "unit", operand(units), "amount", either(small, numeric, oneOf(int64(1)<<40, int32(100000), int64(-1)<<40, 1.5, int64(1)<<62)), "timezone?", operand(zones))
	return []operator{
		{"$dateAdd", step}, {"$dateSubtract", step}, {"$dateTrunc", dateTruncArgs}, {"$toDate", single(anyOf)}, {"$convert", convertArgs}, {"$dateTrunc", dateTruncArgs}, {"$dateAdd", step},
		{"$dateFromString", fields("dateString", either(textual, oneOf("2020-01-01", "2020-01-01T00:00:00Z", "2020-01-01T00:00:00.123+03:00", "20200101", "Jan 5 2020", "2020-13-01", "12:30", "2020-W01-1")), "format?", operand(formats), "timezone?", operand(zones), "onError?", operand(anyOf), "onNull?", operand(anyOf))},
		{"$dateFromParts", fields("year", either(small, oneOf(int32(2020), int32(1969), int32(9999), int32(10000), int32(0))), "month?", operand(small), "day?", either(small, oneOf(int32(400), int32(-400), int32(32767), int32(32768))), "hour?", operand(small), "minute?", operand(small), "second?", operand(small), "millisecond?", operand(numeric), "timezone?", operand(zones))},
		{"$dateFromParts", fields("isoWeekYear", oneOf(int32(2020), int32(1969), int32(1), int32(0)), "isoWeek?", operand(small), "isoDayOfWeek?", operand(small), "hour?", operand(small), "timezone?", operand(zones))},
		{"$add", tuple(dates, numeric)}, {"$subtract", tuple(dates, numeric)}, {"$ifNull", tuple(anyOf, dates)},
	}
}

func zones(d dice, depth int) any {
	if d.chance(8) {
		return anyOf(d, depth)
	}
	return pick[any](d, "UTC", "GMT", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "+03", "-0530", "+05:45", "-12:00", "+14:00", "Z", "utc", "Mars/Olympus", "", "+3", "+25:00", "+03:60",
		"Etc/GMT+3", "America/Argentina/Buenos_Aires", "Pacific/Apia", "europe/berlin", "US/Pacific", "Africa/Casablanca", "+0", "-", "+99:99", "+03:00 ", " UTC", "Europe/Dublin", nil, "$missing", "$n", int32(3))
}

func units(d dice, depth int) any {
	if d.chance(10) {
		return pick[any](d, "days", "Day", "DAY", "", "decade", nil, "$missing", int32(1), "isoWeek", "d", "$n", "$s")
	}
	return pick[any](d, "year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond")
}

func weekdays(d dice, depth int) any {
	if d.chance(10) {
		return pick[any](d, "", "day", nil, int32(1), "$missing", "m", "mond", "$n")
	}
	return pick[any](d, "sunday", "monday", "tue", "wed", "Thursday", "FRI", "sat", "Saturday", "mon", "sun")
}

func formats(d dice, depth int) any {
	if d.chance(12) {
		return anyOf(d, depth)
	}
	f := ""
	for range d.n(5) {
		f += pick(d, "%Y", "%m", "%d", "%H", "%M", "%S", "%L", "%z", "%Z", "%j", "%u", "%U", "%V", "%G", "%w", "%%", "%b", "%B", "-", ":", " ", "é", "%", "%Y-%m-%d", "%H:%M:%S.%L", "%F", "%T", "%Q", "%y", "%p", "%A", "T", "x")
	}
	return f
}

func dateDiffArgs(d dice, depth int) any {
	return fields("startDate", operand(dates), "endDate", operand(dates), "unit", operand(units), "timezone?", operand(zones), "startOfWeek?", operand(weekdays))(d, depth)
}

func dateTruncArgs(d dice, depth int) any {
	return fields("date", operand(dates), "unit", operand(units), "binSize?", either(small, oneOf(int32(2), int32(5), int32(7), int32(12), int64(1)<<40, 1.5, int32(0))), "timezone?", operand(zones), "startOfWeek?", operand(weekdays))(d, depth)
}

func trimArgs(d dice, depth int) any {
	return fields("input", operand(textual), "chars?", operand(textual))(d, depth)
}

func regexArgs(d dice, depth int) any {
	out := doc("input", textual(d, depth), "regex", pick[any](d, d.regex(), d.regex(), d.str(), pick(d, "l+", "^h", "(h)(e)?", "[", "a{2", "(?i)H", "\\d+", "\\p{L}", "(?<n>l)", "(?=l)", "x|", "[[:alpha:]]", "\\", "^", "$", "a\x00b", "(?P<y>e)", "l*?", "\\x{e9}", "é", "(l)\\1", "\\bh"), "$re", "$s", "$n", "$missing", int32(1)))
	if d.chance(2) {
		out = append(out, bson.E{Key: "options", Value: pick[any](d, "i", "m", "s", "x", "", "ims", "g", "u", "ii", nil, "$missing", "$e", int32(1), "a\x00b", "i ")})
	}
	return out
}

// keyValues is what $arrayToObject takes.
func keyValues(d dice, depth int) any {
	key := func() any { return pick[any](d, "p", "q", "a.b", "$x", "", "p", "a\x00", int32(1), "$s", nil) }
	if d.chance(2) {
		return list(d, 0, 3, func() any { return bson.A{key(), anyOf(d, 0)} })
	}
	return list(d, 0, 3, func() any { return doc("k", key(), "v", anyOf(d, 0)) })
}

func condArgs(kind operand) operand {
	return either(tuple(anyOf, kind, kind), fields("if", operand(anyOf), "then", kind, "else", kind))
}

func switchArgs(kind operand) operand {
	branch := fields("case", operand(anyOf), "then", kind)
	return fields("branches", many(branch, 0, 3), "default?", kind)
}

func letArgs(kind operand) operand {
	return func(d dice, depth int) any {
		name := pick(d, "x", "y", "aB", "CURRENT", "x1", "é", "X", "1", "", "x.y", "_x", "ROOT", "this")
		return doc("vars", doc(name, anyOf(d, depth), "z", kind(d, depth)), "in", pick[any](d, "$$z", "$$"+name, "$$z.x", doc("$ifNull", bson.A{"$$" + name, "$$z"}), bson.A{"$$z", "$$" + name}, kind(d, depth)))
	}
}

func reduceArgs(d dice, depth int) any {
	return fields("input", operand(arrays), "initialValue", operand(numeric), "in", oneOf(doc("$add", bson.A{"$$value", "$$this"}), doc("$multiply", bson.A{"$$value", "$$this"}), doc("$max", bson.A{"$$value", "$$this"}), "$$this", "$$value.x", doc("$subtract", bson.A{"$$this", "$$value"})))(d, depth)
}

func filterArgs(d dice, depth int) any {
	name := pick(d, "this", "x", "el", "X", "CURRENT", "", "a.b", "1", "ROOT", "é")
	out := doc("input", arrays(d, depth))
	if name != "this" || d.chance(4) {
		out = append(out, bson.E{Key: "as", Value: name})
	}
	out = append(out, bson.E{Key: "cond", Value: pick[any](d, "$$"+name, doc("$gt", bson.A{"$$" + name, int32(1)}), doc("$ne", bson.A{"$$" + name + ".z", nil}), logical(d, depth), doc("$isNumber", "$$"+name))})
	if d.chance(3) {
		out = append(out, bson.E{Key: "limit", Value: pick[any](d, int32(1), int32(2), int32(0), nil, "$i", 1.5, "$missing", int64(1)<<40, "x")})
	}
	return out
}

func mapArgs(d dice, depth int) any {
	name := pick(d, "this", "x", "el", "X", "CURRENT", "", "a.b", "1", "ROOT", "é")
	out := doc("input", arrays(d, depth))
	if name != "this" || d.chance(4) {
		out = append(out, bson.E{Key: "as", Value: name})
	}
	return append(out, bson.E{Key: "in", Value: pick[any](d, "$$"+name, doc("$add", bson.A{"$$" + name, int32(1)}), doc("r", "$$"+name), "$$"+name+".z", bson.A{"$$" + name}, anyOf(d, depth), doc("$type", "$$"+name), "$$REMOVE")})
}

func convertArgs(d dice, depth int) any {
	to := pick[any](d, "int", "long", "double", "decimal", "string", "bool", "date", "objectId", "binData", "null", "array", "object", int32(1), int32(2), int32(16), 18.0, int64(19), int32(9), int32(8), int32(7), int32(5), int32(100), "undefined", "timestamp", "regex", "minKey", "$missing", "$n", "", -1.0, 1.5, "number", int32(0),
		doc("type", "binData", "subtype", pick[any](d, int32(0), int32(4), int32(128), int32(7), "x", nil, 1.5)), doc("type", "string"), doc("type", pick[any](d, "int", int32(5), nil, "x")), "missing", int32(127), int32(255))
	out := doc("input", anyOf(d, depth), "to", to)
	if d.chance(4) {
		out = append(out, bson.E{Key: "format", Value: pick[any](d, "base64", "base64url", "hex", "utf8", "uuid", "auto", "x", nil, int32(1), "$missing")})
	}
	if d.chance(6) {
		out = append(out, bson.E{Key: "byteOrder", Value: pick[any](d, "little", "big", "x", nil, int32(1))})
	}
	if d.chance(6) {
		out = append(out, bson.E{Key: "base", Value: pick[any](d, int32(2), int32(8), int32(10), int32(16), int32(3), nil, "x", 16.0, 1.5)})
	}
	if d.chance(3) {
		out = append(out, bson.E{Key: "onError", Value: anyOf(d, depth)})
	}
	if d.chance(3) {
		out = append(out, bson.E{Key: "onNull", Value: anyOf(d, depth)})
	}
	return out
}
