package diff

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/pandodb/pando/internal/env"
)

// documents fills a collection with random documents.
func (p *pair) documents(name string, seed uint64, make func(dice, int) bson.D) {
	d := dice{env.Seeded(seed)}
	var docs []bson.D
	for id := range 30 {
		docs = append(docs, make(d, id))
	}
	p.fill(name, docs...)
}

// TestReferenceFilters asks for the documents that match.
func TestReferenceFilters(t *testing.T) {
	p := connect(t)
	p.documents("simple", 1, dice.simpleDoc)
	p.documents("plain", 2, dice.plainDoc)
	p.compare(filterNames(), func(d dice) tree {
		from := pick(d, "simple", "simple", "plain", "none")
		count := d.chance(8)
		return tree{value: d.filter(2), within: func(v any) question {
			if count {
				return question{ask: []bson.D{doc("count", from, "query", v)}}
			}
			return question{ask: []bson.D{doc("find", from, "filter", v, "projection", doc("_id", int32(1)), "sort", doc("_id", int32(1)))}}
		}}
	})
}

// TestReferenceProjections asks for parts of documents, by find and by $project.
func TestReferenceProjections(t *testing.T) {
	p := connect(t)
	p.documents("simple", 3, dice.simpleDoc)
	names := []string{"a", "b", "a.b", "a.$", "$slice", "$elemMatch", "$meta", "$literal", "$add", "$unknown", "", "_id", "a.", "_id.x"}
	p.compare(names, func(d dice) tree {
		from := pick(d, "simple", "simple", "simple", "none")
		place := d.n(5)
		match := bson.D{}
		if d.chance(2) {
			match = d.filter(1)
		}
		return tree{value: d.projection(place < 3), within: func(v any) question {
			switch place {
			case 3:
				return question{ask: []bson.D{doc("aggregate", from, "pipeline", bson.A{doc("$project", v), doc("$limit", int32(8))}, "cursor", bson.D{})}}
			case 4:
				return question{ask: []bson.D{doc("aggregate", from, "pipeline", bson.A{doc("$addFields", v), doc("$limit", int32(8))}, "cursor", bson.D{})}}
			}
			return question{ask: []bson.D{doc("find", from, "filter", match, "projection", v, "sort", doc("_id", int32(1)), "limit", int32(8))}}
		}}
	})
}

// TestReferenceSorts asks for documents in an order.
func TestReferenceSorts(t *testing.T) {
	p := connect(t)
	p.documents("simple", 4, dice.simpleDoc)
	p.documents("plain", 5, dice.plainDoc)
	p.compare([]string{"a", "b", "a.b", "$a", "", "a.$", "_id", "$natural", "$meta"}, func(d dice) tree {
		from := pick(d, "simple", "simple", "plain", "none")
		stage, limit := d.chance(3), int32(d.n(6))
		return tree{value: d.sort(), within: func(v any) question {
			if spec, ok := v.(bson.D); ok && !has(spec, "_id") && !has(spec, "$natural") { // no ties.
				v = append(spec[:len(spec):len(spec)], bson.E{Key: "_id", Value: int32(1)})
			}
			if stage {
				return question{ask: []bson.D{doc("aggregate", from, "pipeline", bson.A{doc("$sort", v), doc("$project", doc("_id", int32(1)))}, "cursor", bson.D{})}}
			}
			return question{ask: []bson.D{doc("find", from, "sort", v, "projection", doc("_id", int32(1)), "limit", limit)}}
		}}
	})
}
