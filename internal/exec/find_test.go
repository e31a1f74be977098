package exec

import (
	"fmt"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/testenv"
)

// TestScanAllocates sees that a document that does not match costs no allocation.
func TestScanAllocates(t *testing.T) {
	testenv.CountsAllocations(t)
	h := openHouse(t)
	h.index("c", bsonx.MustParseJSON(`{"key": {"i": 1}}`))
	var docs []bsonx.Doc
	for i := range 2000 {
		docs = append(docs, bsonx.MustParseJSON(fmt.Sprintf(`{"_id": %d, "a": %d, "i": 1, "s": "some text", "n": {"m": [1, 2, 3]}}`, i, i)))
	}
	h.insert("c", docs...)
	tx := h.begin()
	defer tx.Rollback()
	run := func(filter string) float64 {
		r, err := h.request(tx, "c", find{filter: filter})
		if err != nil {
			t.Fatal(err)
		}
		return testing.AllocsPerRun(5, func() {
			op := openFind(t, tx, r)
			if got, err := drain(op); err != nil || len(got) > 0 {
				t.Fatal(got, err)
			}
		})
	}
	for _, filter := range []string{
		`{"a": {"$gt": 5000}, "n.m": {"$in": [7, 8]}, "s": {"$ne": "x"}}`,
		`{"i": {"$gte": 0}, "a": {"$gt": 5000}}`,
		`{"_id": {"$gte": 0}, "a": {"$gt": 5000}}`,
	} {
		if n := run(filter); n > 200 {
			t.Errorf("%s: %v allocations for 2000 documents", filter, n)
		}
	}
}
