package expr

import (
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/golden"
	"github.com/pandodb/pando/internal/testenv"
)

// steady are expressions that allocate nothing once their context is warm.
var steady = []string{
	`"$i"`,
	`"$o.y.z"`,
	`"$$ROOT.o.x"`,
	`{"$add": ["$i", "$l", 1]}`,
	`{"$add": ["$t", 1000]}`,
	`{"$multiply": ["$i", "$d"]}`,
	`{"$divide": ["$i", "$l"]}`,
	`{"$mod": ["$l", "$i"]}`,
	`{"$gt": ["$i", 3]}`,
	`{"$eq": ["$s", "hello"]}`,
	`{"$and": [{"$gt": ["$i", 3]}, {"$lt": ["$d", 9]}]}`,
	`{"$cond": [{"$eq": ["$o.x", 1]}, "$s", "$i"]}`,
	`{"$concat": ["$s", "-", "$s"]}`,
	`{"$toUpper": "$s"}`,
	`{"$substrCP": ["$s", 1, 3]}`,
	`{"$size": "$a"}`,
	`{"$arrayElemAt": ["$a", 1]}`,
	`{"$in": [2, "$a"]}`,
	`{"$filter": {"input": "$a", "cond": {"$gt": ["$$this", 1]}}}`,
	`{"$map": {"input": "$a", "in": {"$multiply": ["$$this", "$i"]}}}`,
	`{"$reduce": {"input": "$a", "initialValue": 0, "in": {"$add": ["$$value", "$$this"]}}}`,
	`{"x": "$i", "y": ["$s", "$d"]}`,
	`{"$ifNull": ["$miss", "$i"]}`,
	`{"$let": {"vars": {"x": "$i"}, "in": {"$add": ["$$x", 1]}}}`,
	`{"$year": "$t"}`,
	`{"$dateTrunc": {"date": "$t", "unit": "month", "timezone": "America/New_York"}}`,
	`{"$sum": "$a"}`,
	`{"$max": ["$i", "$l"]}`,
	`{"$setUnion": ["$a", [5]]}`,
	`{"$mergeObjects": ["$o", {"z": "$i"}]}`,
	`{"$toString": "$s"}`,
	`{"$toLong": "$i"}`,
	`{"$regexMatch": {"input": "$s", "regex": "^h.*o$"}}`,
}

const steadyDoc = `{"i":5,"l":{"$numberLong":"7"},"d":2.5,"s":"hello","a":[1,2,3],"o":{"x":1,"y":[{"z":1},{"z":2},3]},"t":{"$date":"2024-02-29T12:34:56.789Z"}}`

func warm(t testing.TB, src string) (Expr, *Context) {
	t.Helper()
	sc := NewScope()
	e, err := Compile(sc, golden.Value(t, src))
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	c := NewContext(sc)
	c.SetRoot(bsonx.AsDoc(golden.Value(t, steadyDoc)))
	for range 10 {
		if _, err := e.Eval(c); err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		c.Reset()
	}
	return e, c
}

func TestNoAllocations(t *testing.T) {
	testenv.CountsAllocations(t)
	for _, src := range steady {
		e, c := warm(t, src)
		if n := testing.AllocsPerRun(100, func() {
			e.Eval(c)
			c.Reset()
		}); n != 0 {
			t.Errorf("%s: %v allocations", src, n)
		}
	}
}

func BenchmarkEval(b *testing.B) {
	for _, src := range steady {
		b.Run(src, func(b *testing.B) {
			e, c := warm(b, src)
			b.ReportAllocs()
			for b.Loop() {
				e.Eval(c)
				c.Reset()
			}
		})
	}
}
