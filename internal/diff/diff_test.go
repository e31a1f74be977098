package diff

import (
	"flag"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/pandodb/pando/internal/env"
)

var (
	seed      = flag.Int("seed", 1, "which random questions")
	most      = flag.Int("most", 15, "how many ways to differ are told")
	questions = flag.Int("questions", 1500, "how many of each kind")
)

// tree is what of a question is random, and may be spoilt and shrunk; within makes
// the question of it.
type tree struct {
	value  any
	within func(any) question
	whole  bool // it is not to be spoilt.
}

// compare asks questions, and tells those that the servers answer differently, small
// and each kind once.
func (p *pair) compare(names []string, draw func(dice) tree) {
	d := dice{env.Seeded(uint64(*seed))}
	told := map[string]int{}
	for range *questions {
		q := draw(d)
		if d.chance(3) && !q.whole {
			q.value = d.spoilt(q.value, names)
		}
		theirs, ours, differ := p.differ(q.within(q.value))
		if !differ || meant(show(q.within(q.value)), theirs, ours) {
			continue
		}
		k := kind(theirs, ours)
		if told[k]++; told[k] > 1 && k != "a result|a result" || told[k] > 20 || len(told) > *most {
			continue
		}
		small := shrink(q.value, 400, func(v any) bool {
			theirs, ours, differ := p.differ(q.within(v))
			return differ && kind(theirs, ours) == k
		})
		theirs, ours, _ = p.differ(q.within(small))
		p.t.Errorf("%s\ntheirs: %s\nours:   %s", show(q.within(small)), theirs, ours)
	}
	p.t.Logf("%d asked, %d refused by ours, %d ways to differ", p.asked, p.refuse, len(told))
}

// meant tells the differences that docs/differences.md and the doc.go of expr list and
// that questions cannot stay clear of.
func meant(question, theirs, ours string) bool {
	results := !strings.Contains(theirs, "errmsg=") && !strings.Contains(ours, "errmsg=")
	overflows := strings.Contains(theirs, "dateAdd overflowed")
	moved := strings.Contains(question, "$dateAdd") || strings.Contains(question, "$dateSubtract")
	return moved && (results || overflows) // the second that is lost before 1970.
}

// TestReferenceExpressions puts expressions into the places that take them.
func TestReferenceExpressions(t *testing.T) {
	p := connect(t)
	p.fill("rich", richDoc())
	p.compare(operatorNames(), func(d dice) tree {
		from := pick(d, "rich", "rich", "rich", "rich", "none")
		place := d.n(16)
		return tree{value: d.expression(), within: func(v any) question { return question{ask: []bson.D{expressionIn(place, from, v)}} }}
	})
}

// classic is an accumulator that the reference server cannot run in its other engine,
// whose errors have codes of their own.
var classic = doc("$max", doc("$getField", "i"))

// expressionIn is a command with an expression in one of the places for one.
func expressionIn(place int, from string, e any) bson.D {
	aggregate := func(stages ...any) bson.D {
		return doc("aggregate", from, "pipeline", append(bson.A{}, stages...), "cursor", bson.D{})
	}
	switch place {
	case 0:
		return doc("find", from, "filter", doc("$expr", e), "projection", doc("_id", int32(1)))
	case 1:
		return doc("find", from, "projection", doc("_id", int32(0), "r", doc("x", e)))
	case 2:
		return aggregate(doc("$group", doc("_id", e, "z", classic)))
	case 3:
		return aggregate(doc("$group", doc("_id", nil, "r", doc("$push", e), "z", classic)))
	case 4:
		return aggregate(doc("$replaceWith", doc("r", e)))
	case 5:
		return aggregate(doc("$match", doc("$expr", e)), doc("$project", doc("_id", int32(1))))
	case 6:
		return aggregate(doc("$addFields", doc("r", e)), doc("$project", doc("r", int32(1), "_id", int32(0))))
	case 7:
		return aggregate(doc("$group", doc("_id", nil, "r", doc("$sum", e), "z", classic)))
	}
	return aggregate(doc("$project", doc("_id", int32(0), "r", doc("$ifNull", bson.A{e, "missing"}))))
}

// fill gives both servers a collection of these documents.
func (p *pair) fill(name string, docs ...bson.D) {
	setup := []bson.D{doc("delete", name, "deletes", bson.A{doc("q", bson.D{}, "limit", int32(0))}), doc("insert", name, "documents", docs)}
	if theirs, ours, _ := p.differ(question{setup: setup}); theirs != "" || ours != "" {
		p.t.Fatalf("filling %s: %s %s", name, theirs, ours)
	}
}
