package diff

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// TestReferenceUpdates changes a document, and compares the reply and what became of it.
func TestReferenceUpdates(t *testing.T) {
	p := connect(t)
	p.compare(updateNames(), func(d dice) tree {
		before := d.simpleDoc(1)
		filter, upsert, how := d.updateFilter(), d.chance(4), d.n(4)
		if upsert { // from a filter that gives one value at most: several come in any order.
			filter = doc(d.path(), pick[any](d, d.simple(1), doc("$gt", int32(1)), doc("$eq", d.simple(1)), doc("$all", bson.A{d.simple(0)})))
		}
		var filters bson.A
		update := pick[any](d, d.update(), d.update(), d.update(), d.update(), d.updatePipeline(), d.object(2))
		_, pipeline := update.(bson.A)
		if d.chance(2) {
			filters = d.arrayFilters()
		}
		return tree{value: bson.D{{Key: "q", Value: filter}, {Key: "u", Value: update}, {Key: "f", Value: filters}}, whole: pipeline, within: func(v any) question {
			return updateQuestion(before, v, upsert, how)
		}}
	})
}

// updateQuestion is an update of one document by one of the commands.
func updateQuestion(before bson.D, v any, upsert bool, how int) question {
	parts := map[string]any{"q": bson.D{}, "u": bson.D{}}
	if v, ok := v.(bson.D); ok {
		for _, e := range v {
			parts[e.Key] = e.Value
		}
	}
	q := question{setup: []bson.D{doc("delete", "u", "deletes", bson.A{doc("q", bson.D{}, "limit", int32(0))}), doc("insert", "u", "documents", bson.A{before})}}
	filters, _ := parts["f"].(bson.A)
	if how == 0 {
		cmd := doc("findAndModify", "u", "query", parts["q"], "update", parts["u"], "new", true, "upsert", upsert)
		if filters != nil {
			cmd = append(cmd, bson.E{Key: "arrayFilters", Value: filters})
		}
		q.ask = append(q.ask, cmd)
	} else {
		one := doc("q", parts["q"], "u", parts["u"], "upsert", upsert)
		if filters != nil {
			one = append(one, bson.E{Key: "arrayFilters", Value: filters})
		}
		q.ask = append(q.ask, doc("update", "u", "updates", bson.A{one}))
	}
	q.ask = append(q.ask, doc("find", "u", "sort", doc("_id", int32(1))))
	return q
}
