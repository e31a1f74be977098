package diff

import (
	"go.mongodb.org/mongo-driver/v2/bson"
)

// update is a random update document.
func (d dice) update() bson.D {
	out := bson.D{}
	for range 1 + d.n(3) {
		name := pick(d, "$set", "$unset", "$inc", "$mul", "$min", "$max", "$push", "$addToSet", "$pop", "$pull", "$pullAll", "$bit", "$rename", "$setOnInsert", "$set", "$push", "$pull")
		if has(out, name) {
			continue
		}
		fields := bson.D{}
		for range 1 + d.n(2) {
			path := d.updatePath(name)
			if !has(fields, path) {
				fields = append(fields, bson.E{Key: path, Value: d.updateOperand(name)})
			}
		}
		out = append(out, bson.E{Key: name, Value: fields})
	}
	return out
}

func (d dice) updatePath(op string) string {
	path := d.oddPath()
	if op != "$rename" && d.chance(4) {
		path += pick(d, ".$[]", ".$[].a", ".$[e]", ".$[e].b", ".$", ".$.b", ".$[e].$[]", ".$[f]", ".$[e].c.$[f]")
	}
	return path
}

func (d dice) updateOperand(op string) any {
	switch op {
	case "$inc", "$mul":
		return pick[any](d, d.number(), d.number(), d.number(), "x", nil, bson.A{})
	case "$push":
		if d.chance(3) {
			return d.simple(2)
		}
		out := doc("$each", list(d, 0, 3, func() any { return d.simple(1) }))
		if d.chance(2) {
			out = append(out, bson.E{Key: "$slice", Value: pick[any](d, int32(0), int32(2), int32(-2), int32(5), 1.5, int64(1)<<40, "x", nil, -1.0)})
		}
		if d.chance(2) {
			out = append(out, bson.E{Key: "$position", Value: pick[any](d, int32(0), int32(1), int32(-1), int32(9), int32(-9), 1.5, "x", int64(1))})
		}
		if d.chance(2) {
			out = append(out, bson.E{Key: "$sort", Value: pick[any](d, int32(1), int32(-1), doc("a", int32(1)), doc("b", int32(-1), "a", int32(1)), int32(2), bson.D{}, "x", doc("a.b", int32(1)), doc("", int32(1)), 1.0, doc("a", "x"))})
		}
		return out
	case "$addToSet":
		return pick[any](d, d.simple(2), doc("$each", list(d, 0, 3, func() any { return d.simple(1) })), doc("$each", "x"), doc("$each", bson.A{}, "$slice", int32(1)), doc("a", int32(1), "$each", bson.A{}))
	case "$pop":
		return pick[any](d, int32(1), int32(-1), int32(1), 1.0, int64(-1), int32(0), int32(2), "x", nil, true, decimal("1"))
	case "$pull":
		return pick[any](d, d.predicate(1), d.simple(1), d.filter(0), d.regex())
	case "$pullAll":
		return pick[any](d, list(d, 0, 3, func() any { return d.simple(1) }), list(d, 0, 3, func() any { return d.simple(1) }), "x", int32(1), bson.D{})
	case "$bit":
		return pick[any](d, doc("and", int32(6)), doc("or", int32(9)), doc("xor", int64(3)), doc("and", 1.0), doc("not", int32(1)), doc("and", int32(1), "or", int32(2)), bson.D{}, "x")
	case "$rename":
		return pick[any](d, d.oddPath(), d.oddPath(), d.oddPath(), int32(1), "")
	}
	return pick[any](d, d.simple(2), d.value(1))
}

func updateNames() []string {
	return []string{"$set", "$unset", "$inc", "$mul", "$min", "$max", "$push", "$addToSet", "$pop", "$pull", "$pullAll", "$bit", "$rename", "$setOnInsert", "$currentDateX", "$unknown", "a", "a.b", "_id", "$each", "$slice", "$sort", "$position", "", "a.$", "$pushAll"}
}

// updatePipeline is an update by stages.
func (d dice) updatePipeline() bson.A {
	return list(d, 1, 2, func() any {
		switch d.n(5) {
		case 0:
			return doc("$unset", pick[any](d, d.oddPath(), bson.A{d.path(), d.oddPath()}))
		case 1:
			return doc("$project", d.projection(false))
		case 2:
			return doc("$replaceWith", pick[any](d, doc("k", "$"+d.path()), "$"+d.path(), "$$ROOT", doc("_id", int32(7)), doc("$mergeObjects", bson.A{"$$ROOT", doc("z", int32(1))}), int32(1)))
		}
		return doc(pick(d, "$set", "$addFields"), doc(d.oddPath(), pick[any](d, "$"+d.path(), int32(1), doc("$add", bson.A{"$a", int32(1)}), "$$REMOVE", doc("a", "$b"), bson.A{"$a"}, doc("$size", "$"+d.path()), doc("$ifNull", bson.A{"$b", "x"}))))
	})
}

// updateFilter is the filter of an update: often one that makes a positional $ stand
// for something, or from which an upsert takes values.
func (d dice) updateFilter() bson.D {
	switch d.n(5) {
	case 0:
		return d.filter(1)
	case 1:
		return doc("_id", int32(1), d.path(), d.simple(1))
	case 2:
		return doc("_id", pick[any](d, int32(1), int32(2), doc("$gt", int32(0)), doc("$in", bson.A{int32(3)}), doc("x", int32(1)), "x"), pick(d, "a.b", "a", "b.c", "c"), pick[any](d, int32(1), doc("$eq", int32(2)), doc("$gt", int32(0)), doc("$in", bson.A{int32(5)}), doc("$all", bson.A{int32(4)}), doc("$elemMatch", doc("$gte", int32(1)))))
	case 3:
		return doc("$and", bson.A{doc("a", d.simple(1)), doc("b", d.simple(1))})
	}
	return doc("_id", int32(1))
}

func (d dice) arrayFilters() bson.A {
	return pick(d, bson.A{doc("e", int32(1))}, bson.A{doc("e", doc("$gt", int32(1)))}, bson.A{doc("e.a", int32(1))}, bson.A{doc("e", doc("$exists", true)), doc("f", doc("$ne", nil))},
		bson.A{doc("e", int32(1)), doc("e", int32(2))}, bson.A{doc("$or", bson.A{doc("e", int32(1)), doc("e.b", "x")})}, bson.A{}, bson.A{doc("E", int32(1))}, bson.A{doc("", int32(1))}, bson.A{bson.D{}}, bson.A{doc("e", int32(1), "f", int32(1))}, bson.A{doc("e", doc("$exists", true))})
}
