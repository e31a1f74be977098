package exec

import (
	"fmt"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
)

// filled is a house with 10,000 documents.
func filled(b *testing.B) *house {
	h := openHouse(b)
	h.index("c", bsonx.MustParseJSON(`{"key": {"a": 1, "k": 1}}`))
	var docs []bsonx.Doc
	for i := range 10_000 {
		docs = append(docs, bsonx.MustParseJSON(fmt.Sprintf(`{"_id": %d, "a": %d, "k": "key%d", "s": "some text of some length", "n": {"m": [1, 2, 3]}}`, i, i, i%100)))
	}
	h.insert("c", docs...)
	return h
}

func BenchmarkFind(b *testing.B) {
	h := filled(b)
	for name, f := range map[string]find{
		"id":           {filter: `{"_id": 77}`},
		"eq":           {filter: `{"a": 77}`},
		"range100":     {filter: `{"a": {"$gte": 100, "$lt": 200}}`},
		"idRange100":   {filter: `{"_id": {"$gte": 100, "$lt": 200}}`},
		"scan":         {filter: `{"s": "none"}`},
		"sort10":       {sort: `{"k": 1}`, limit: 10},
		"sort":         {sort: `{"k": 1}`},
		"covered100":   {filter: `{"a": {"$gte": 100, "$lt": 200}}`, projection: `{"a": 1, "k": 1}`},
		"project10000": {projection: `{"a": 1, "k": 1}`},
	} {
		b.Run(name, func(b *testing.B) {
			tx := h.begin()
			defer tx.Rollback()
			r, err := h.request(tx, "c", f)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				op := openFind(b, tx, r)
				for {
					if _, err := op.Next(ctx); err != nil {
						break
					}
				}
				op.Close()
			}
		})
	}
}

func BenchmarkGroup(b *testing.B) {
	h := filled(b)
	pipeline := bsonx.Get(bsonx.MustParseJSON(`{"p": [{"$group": {"_id": "$k", "n": {"$sum": "$a"}}}]}`), "p")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.aggregate(namespace("c"), pipeline); err != nil {
			b.Fatal(err)
		}
	}
}
