package command

import (
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
)

// TestDistinctOfMany adds as many values as a reply holds, the largest first. Moving
// those that are there for each that comes would take until the tests' time is over.
func TestDistinctOfMany(t *testing.T) {
	const n = 1_000_000
	values := valueSet{keys: map[string]struct{}{}, bytesMax: bsonx.DocBytesMax}
	for i := range n {
		for range 2 {
			if err := values.add(bsonx.Int32(int32(n - i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	list := values.sorted()
	if first, last := bsonx.AsInt32(list[0]), bsonx.AsInt32(list[len(list)-1]); len(list) != n || first != 1 || last != n {
		t.Errorf("%d values from %d to %d", len(list), first, last)
	}
}
