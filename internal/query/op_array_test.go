package query

import (
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
)

// TestLongSets adds to a long array and takes from it by a long list. Compared one by
// one, every value with every other, it would not end before the tests' time is over.
func TestLongSets(t *testing.T) {
	const n = 300_000
	numbers := func(from, to int) bsonx.Doc {
		b := bsonx.NewBuilder(nil)
		for i := from; i < to; i++ {
			b.Int32(bsonx.Index(i-from), int32(i))
		}
		return b.Doc()
	}
	b := bsonx.NewBuilder(nil)
	b.OpenDoc("$addToSet")
	b.OpenDoc("a")
	b.EmbedArray("$each", numbers(n/2, n+n/2))
	b.Close()
	b.Close()
	add := b.Doc()
	b = bsonx.NewBuilder(nil)
	b.OpenDoc("$pullAll")
	b.EmbedArray("a", numbers(0, n))
	b.Close()
	pull := b.Doc()

	b = bsonx.NewBuilder(nil)
	b.Int32("_id", 1)
	b.EmbedArray("a", numbers(0, n))
	doc := b.Doc()
	for _, step := range []struct {
		spec bsonx.Doc
		want int
	}{{add, n + n/2}, {pull, n / 2}} {
		u, err := CompileUpdate(bsonx.DocValue(step.spec), UpdateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := u.Apply(doc, MatchPos{}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		doc = out
		if got := bsonx.Len(bsonx.AsDoc(bsonx.Get(doc, "a"))); got != step.want {
			t.Errorf("%d values, want %d", got, step.want)
		}
	}
}

// TestAddToSetAmongMany keeps a set's values apart as $addToSet does among few.
func TestAddToSetAmongMany(t *testing.T) {
	u := mustUpdate(t, `{"$addToSet": {"a": {"$each": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 1.0, {"$numberLong": "17"}, {"x": 1}, {"x": 1.0}, "s", [1], [1.0], null]}}}`)
	out, _, err := u.Apply(bsonx.MustParseJSON(`{"_id": 1, "a": [2.0, {"x": 1.0}, "t"]}`), MatchPos{}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"_id":1,"a":[2.0,{"x":1.0},"t",1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,"s",[1],null]}`
	if got := bsonx.ToJSON(out); got != want {
		t.Errorf("got %s", got)
	}
}

func mustUpdate(t *testing.T, spec string) *Update {
	t.Helper()
	u, err := CompileUpdate(bsonx.DocValue(bsonx.MustParseJSON(spec)), UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return u
}
