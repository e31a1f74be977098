package catalog

import (
	"math"

	"github.com/pandodb/pando/internal/bsonx"
)

// Keys of a capped collection beside its documents and indexes: AppendPrefix takes
// them for indexes, whose ids never come as high.
const (
	// OrderKeys hold the order of insertion: a document's number -> its encoded _id.
	// The key without a number holds where the order ends; who inserts claims it.
	OrderKeys = math.MaxUint32 - 1

	// NumberKeys hold each document's number: encoded _id -> number.
	NumberKeys = math.MaxUint32 - 2
)

// Cap is how much a capped collection holds. Beyond it the oldest documents go.
type Cap struct {
	Bytes int64
	Docs  int64 // math.MaxInt64 if their number is not bounded.
}

// capOf reads the options of a collection; nil if it is not capped.
func capOf(options bsonx.Doc) *Cap {
	if !truthy(bsonx.Get(options, "capped")) {
		return nil
	}
	c := &Cap{Bytes: math.MaxInt64, Docs: math.MaxInt64}
	if n, ok := bsonx.ToInt64Exact(bsonx.Get(options, "size")); ok {
		c.Bytes = n
	}
	if n, ok := bsonx.ToInt64Exact(bsonx.Get(options, "max")); ok {
		c.Docs = n
	}
	return c
}
