package diff

import (
	"go.mongodb.org/mongo-driver/v2/bson"
)

// pipeline is a random pipeline on simple documents.
func (d dice) pipeline() bson.A {
	return list(d, 1, 3, func() any { return d.stage() })
}

// inOneOrder sorts what comes out of every $group, which has no order.
func inOneOrder(stages bson.A) bson.A {
	out := bson.A{}
	for _, s := range stages {
		s, ok := s.(bson.D)
		if !ok {
			continue // what is no document is refused by the command.
		}
		if out = append(out, s); has(s, "$group") {
			out = append(out, doc("$sort", doc("_id", int32(1))))
		}
	}
	return out
}

// value is an expression on the fields of simple documents.
func (d dice) reading() any {
	return pick[any](d, "$"+d.path(), "$"+d.path(), "$_id", doc("x", "$"+d.path()), bson.A{"$a", "$b"}, "$$ROOT", nil, int32(1), doc("$ifNull", bson.A{"$" + d.path(), "none"}), doc("$isArray", "$"+d.path()),
		doc("$size", "$"+d.path()), doc("$add", bson.A{"$" + d.path(), int32(1)}), doc("$type", "$"+d.path()), doc("$cond", bson.A{"$a", "$b", "$c"}), doc("y", "$a", "w", "$b"), "$$REMOVE", doc("$eq", bson.A{"$a", "$b"}))
}

func (d dice) stage() any {
	switch d.n(14) {
	case 0:
		return doc("$match", d.filter(1))
	case 1:
		return doc("$project", d.projection(false))
	case 2:
		return doc(pick(d, "$addFields", "$set"), doc(d.oddPath(), d.reading(), "z", d.reading()))
	case 3:
		return doc("$unset", pick[any](d, d.oddPath(), bson.A{d.path(), d.oddPath()}, bson.A{}, int32(1), "", bson.A{"a", "a.b"}))
	case 4, 5, 6:
		return d.group()
	case 7:
		return doc("$sort", append(d.sort(), bson.E{Key: "_id", Value: int32(1)}))
	case 8:
		return doc(pick(d, "$limit", "$skip"), pick[any](d, int32(1), int32(3), int64(5), 2.0, int32(0), int32(-1), 1.5, "x", nil, decimal("2"), 1e300))
	case 9:
		return doc("$count", pick[any](d, "n", "", "a.b", "$n", int32(1), "a\x00", "_id"))
	case 10, 11:
		path := pick(d, "$a", "$b", "$c", "$a.b", "$"+d.path(), "a", "$", "", "$a.", "$$ROOT", "$_id")
		if d.chance(2) {
			return doc("$unwind", path)
		}
		return doc("$unwind", doc("path", path, "includeArrayIndex", pick[any](d, "i", "a.i", "", "$i", int32(1), "_id", "a"), "preserveNullAndEmptyArrays", pick[any](d, true, false, true, int32(1), nil)))
	case 12:
		return d.lookup()
	}
	if d.chance(2) {
		return doc("$replaceWith", d.reading())
	}
	return doc("$replaceRoot", doc("newRoot", d.reading()))
}

func (d dice) group() any {
	out := doc("_id", d.reading())
	for i := range d.n(3) {
		name := pick(d, "p", "q", "r", "a.b", "$x", "", "_id") // mostly well.
		if i == 0 || d.chance(3) {
			name = "n"
		}
		acc := pick(d, "$sum", "$avg", "$first", "$last", "$push", "$count", "$sum", "$avg")
		var arg any = d.reading()
		if acc == "$count" {
			arg = pick[any](d, bson.D{}, bson.D{}, int32(1), "x")
		}
		out = append(out, bson.E{Key: name, Value: doc(acc, arg)})
	}
	return doc("$group", out)
}

func (d dice) lookup() any {
	out := doc("from", pick(d, "simple", "other", "none"))
	if !d.chance(4) {
		out = append(out, bson.E{Key: "localField", Value: d.oddPath()}, bson.E{Key: "foreignField", Value: d.oddPath()})
	}
	if d.chance(2) || !has(out, "localField") {
		if d.chance(2) {
			out = append(out, bson.E{Key: "let", Value: pick[any](d, doc("v", "$"+d.path()), doc("v", "$a", "w", "$b"), bson.D{}, doc("V", int32(1)), doc("v", "$$ROOT"))})
		}
		out = append(out, bson.E{Key: "pipeline", Value: pick(d, bson.A{}, bson.A{doc("$match", doc("$expr", doc("$eq", bson.A{"$a", "$$v"})))}, bson.A{doc("$project", doc("a", int32(1)))}, bson.A{doc("$match", d.filter(0)), doc("$limit", int32(2))},
			bson.A{doc("$group", doc("_id", nil, "n", doc("$sum", int32(1))))}, bson.A{doc("$addFields", doc("v", "$$v"))})})
	}
	return doc("$lookup", append(out, bson.E{Key: "as", Value: pick(d, "j", "a", "a.b", "", "$j", "_id", "j")}))
}

func stageNames() []string {
	return []string{"$match", "$project", "$group", "$sort", "$limit", "$unwind", "$lookup", "$count", "$replaceRoot", "$unknown", "_id", "path", "from", "as", "let", "pipeline", "newRoot", "includeArrayIndex", "preserveNullAndEmptyArrays", "localField", "foreignField", "$sum", "$push", "a", "a.b", ""}
}
