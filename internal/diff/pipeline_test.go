package diff

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// TestReferencePipelines runs stages. What comes out of a $group has no order, so
// results are sorted; a stage after the first keeps the reference server from running
// a $group or $lookup in its other engine.
func TestReferencePipelines(t *testing.T) {
	p := connect(t)
	p.documents("simple", 6, dice.simpleDoc)
	p.documents("other", 7, dice.simpleDoc)
	p.sorted = true
	p.compare(stageNames(), func(d dice) tree {
		from := pick(d, "simple", "simple", "simple", "none")
		return tree{value: d.pipeline(), within: func(v any) question {
			stages, ok := v.(bson.A)
			if ok {
				stages = append(bson.A{doc("$addFields", doc("u", doc("$getField", "_id")))}, inOneOrder(stages)...)
				v = stages
			}
			return question{ask: []bson.D{doc("aggregate", from, "pipeline", v, "cursor", bson.D{})}}
		}}
	})
}
