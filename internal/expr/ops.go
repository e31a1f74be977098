package expr

import (
	"math"
	"time"

	"github.com/cockroachdb/apd/v3"
)

// lookup finds an operator's builder, nil if there is none of that name. It is
// a function and not a table since operators compile operands, which look up
// operators.
func lookup(name string) builder {
	for _, family := range [...]func(string) builder{arithmeticOps, logicOps, stringOps, arrayOps, objectOps, dateOps, typeOps, trigonometry} {
		if b := family(name); b != nil {
			return b
		}
	}
	return nil
}

func arithmeticOps(name string) builder {
	switch name {
	case "$add":
		return prepared(variadic(evalAdd), (*call).lead)
	case "$subtract":
		return exactly(2, evalSubtract)
	case "$multiply":
		return prepared(variadic(evalMultiply), (*call).lead)
	case "$divide":
		return exactly(2, evalDivide)
	case "$mod":
		return exactly(2, evalMod)
	case "$abs":
		return ofOne(evalAbs)
	case "$ceil":
		return toIntegral(rounding{math.Ceil, apd.RoundCeiling})
	case "$floor":
		return toIntegral(rounding{math.Floor, apd.RoundFloor})
	case "$round":
		return toPlaces(rounding{math.RoundToEven, apd.RoundHalfEven})
	case "$trunc":
		return toPlaces(rounding{math.Trunc, apd.RoundDown})
	case "$sqrt":
		return mathFunc(sqrtFunc())
	case "$exp":
		return mathFunc(expFunc())
	case "$ln":
		return mathFunc(lnFunc())
	case "$log10":
		return mathFunc(log10Func())
	case "$log":
		return ofTwo(evalLog)
	case "$pow":
		return ofTwo(evalPow)
	case "$bitAnd":
		return bitwise(-1, func(a, b int64) int64 { return a & b })
	case "$bitOr":
		return bitwise(0, func(a, b int64) int64 { return a | b })
	case "$bitXor":
		return bitwise(0, func(a, b int64) int64 { return a ^ b })
	case "$bitNot":
		return ofOne(evalBitNot)
	case "$sum":
		return unordered(evalSum)
	case "$avg":
		return variadic(evalAvg)
	case "$min":
		return unordered(evalExtreme(-1))
	case "$max":
		return unordered(evalExtreme(1))
	case "$stdDevPop":
		return variadic(evalStdDevPop)
	case "$stdDevSamp":
		return variadic(evalStdDevSamp)
	case "$rand":
		return buildRand
	}
	return nil
}

func logicOps(name string) builder {
	switch name {
	case "$and":
		return buildJunction(false, evalAnd)
	case "$or":
		return buildJunction(true, evalOr)
	case "$not":
		return exactly(1, evalNot)
	case "$cond":
		return buildCond
	case "$ifNull":
		return buildIfNull
	case "$switch":
		return buildSwitch
	case "$cmp":
		return exactly(2, evalCmp)
	case "$eq":
		return comparison(func(n int) bool { return n == 0 })
	case "$ne":
		return comparison(func(n int) bool { return n != 0 })
	case "$lt":
		return comparison(func(n int) bool { return n < 0 })
	case "$lte":
		return comparison(func(n int) bool { return n <= 0 })
	case "$gt":
		return comparison(func(n int) bool { return n > 0 })
	case "$gte":
		return comparison(func(n int) bool { return n >= 0 })
	case "$literal", "$const":
		return buildLiteral
	case "$expr":
		return buildExpr
	case "$let":
		return buildLet
	}
	return nil
}

func stringOps(name string) builder {
	switch name {
	case "$concat":
		return prepared(variadic(evalConcat), (*call).join)
	case "$toLower":
		return exactly(1, evalToLower)
	case "$toUpper":
		return exactly(1, evalToUpper)
	case "$strcasecmp":
		return exactly(2, evalStrcasecmp)
	case "$strLenCP":
		return exactly(1, evalStrLenCP)
	case "$strLenBytes":
		return exactly(1, evalStrLenBytes)
	case "$substrBytes", "$substr":
		return exactly(3, evalSubstrBytes)
	case "$substrCP":
		return exactly(3, evalSubstrCP)
	case "$indexOfBytes":
		return between(2, 4, evalIndexOfBytes)
	case "$indexOfCP":
		return between(2, 4, evalIndexOfCP)
	case "$split":
		return ofTwo(evalSplit)
	case "$trim":
		return buildTrim(trimBoth)
	case "$ltrim":
		return buildTrim(trimLeft)
	case "$rtrim":
		return buildTrim(trimRight)
	case "$replaceOne":
		return buildReplace(1)
	case "$replaceAll":
		return buildReplace(-1)
	case "$regexMatch":
		return buildRegex(evalRegexMatch)
	case "$regexFind":
		return buildRegex(evalRegexFind)
	case "$regexFindAll":
		return buildRegex(evalRegexFindAll)
	}
	return nil
}

func arrayOps(name string) builder {
	switch name {
	case "$arrayElemAt":
		return ofTwo(evalArrayElemAt)
	case "$first":
		return arrayEnd(0)
	case "$last":
		return arrayEnd(-1)
	case "$size":
		return exactly(1, evalSize)
	case "$isArray":
		return exactly(1, evalIsArray)
	case "$slice":
		return between(2, 3, evalSlice)
	case "$in":
		return exactly(2, evalIn)
	case "$indexOfArray":
		return prepared(between(2, 4, evalIndexOfArray), prepareIndexOfArray)
	case "$concatArrays":
		return prepared(variadic(evalConcatArrays), (*call).join)
	case "$reverseArray":
		return ofOne(evalReverseArray)
	case "$range":
		return between(2, 3, evalRange)
	case "$anyElementTrue":
		return exactly(1, evalAnyElementTrue)
	case "$allElementsTrue":
		return exactly(1, evalAllElementsTrue)
	case "$map":
		return buildMap
	case "$filter":
		return buildFilter
	case "$reduce":
		return buildReduce
	case "$zip":
		return buildZip
	case "$sortArray":
		return buildSortArray
	case "$firstN":
		return buildN(5787801, pickFirst)
	case "$lastN":
		return buildN(5787801, pickLast)
	case "$minN":
		return buildN(5787900, pickMin)
	case "$maxN":
		return buildN(5787900, pickMax)
	case "$setUnion":
		return unordered(evalSetUnion)
	case "$setIntersection":
		return unordered(evalSetIntersection)
	case "$setDifference":
		return ofTwo(evalSetDifference)
	case "$setEquals":
		return buildSetEquals
	case "$setIsSubset":
		return prepared(exactly(2, evalSetIsSubset), prepareSetIsSubset)
	}
	return nil
}

func objectOps(name string) builder {
	switch name {
	case "$mergeObjects":
		return variadic(evalMergeObjects)
	case "$objectToArray":
		return ofOne(evalObjectToArray)
	case "$arrayToObject":
		return ofOne(evalArrayToObject)
	case "$getField":
		return buildGetField
	case "$setField", "$unsetField":
		return buildSetField
	}
	return nil
}

func dateOps(name string) builder {
	switch name {
	case "$year":
		return datePart(func(t time.Time) int { return t.Year() })
	case "$month":
		return datePart(func(t time.Time) int { return int(t.Month()) })
	case "$dayOfMonth":
		return datePart(func(t time.Time) int { return t.Day() })
	case "$dayOfWeek":
		return datePart(func(t time.Time) int { return int(t.Weekday()) + 1 })
	case "$dayOfYear":
		return datePart(func(t time.Time) int { return t.YearDay() })
	case "$hour":
		return datePart(func(t time.Time) int { return t.Hour() })
	case "$minute":
		return datePart(func(t time.Time) int { return t.Minute() })
	case "$second":
		return datePart(func(t time.Time) int { return t.Second() })
	case "$millisecond":
		return datePart(func(t time.Time) int { return t.Nanosecond() / 1e6 })
	case "$week":
		return datePart(sundayWeek)
	case "$isoWeek":
		return datePart(func(t time.Time) int { _, week := t.ISOWeek(); return week })
	case "$isoWeekYear":
		return datePart(func(t time.Time) int { year, _ := t.ISOWeek(); return year })
	case "$isoDayOfWeek":
		return datePart(isoWeekday)
	case "$dateToParts":
		return buildDateToParts
	case "$dateFromParts":
		return buildDateFromParts
	case "$dateToString":
		return buildDateToString
	case "$dateFromString":
		return buildDateFromString
	case "$dateAdd", "$dateSubtract":
		return buildDateAdd
	case "$dateDiff":
		return buildDateDiff
	case "$dateTrunc":
		return buildDateTrunc
	case "$tsSecond":
		return timestampPart(5687301, func(ts uint64) uint32 { return uint32(ts >> 32) })
	case "$tsIncrement":
		return timestampPart(5687302, func(ts uint64) uint32 { return uint32(ts) })
	}
	return nil
}

func typeOps(name string) builder {
	switch name {
	case "$type":
		return exactly(1, evalType)
	case "$isNumber":
		return exactly(1, evalIsNumber)
	case "$convert":
		return buildConvert
	case "$toInt", "$toLong", "$toDouble", "$toDecimal", "$toString", "$toBool", "$toDate", "$toObjectId", "$toUUID":
		return buildConvertTo
	case "$binarySize":
		return ofOne(evalBinarySize)
	case "$bsonSize":
		return ofOne(evalBSONSize)
	}
	return nil
}

// knownToMongoDB tells the operators that the server has and we do not yet.
func knownToMongoDB(name string) bool {
	switch name {
	case "$accumulator", "$function", "$meta", "$toHashedIndexKey", "$median", "$percentile",
		"$encStrContains", "$encStrStartsWith", "$encStrEndsWith", "$encStrNormalizedEq",
		"$similarityDotProduct", "$similarityCosine", "$similarityEuclidean",
		"$_internalFindSlice", "$_internalFindPositional", "$_internalFindElemMatch", "$_internalJsEmit",
		"$_internalFleEq", "$_internalFleBetween", "$_internalOwningShard", "$_internalIndexKey",
		"$_internalKeyStringValue", "$_internalSortKey", "$_testApiVersion":
		return true
	}
	return false
}
