package query

import (
	"bytes"
	"slices"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/golden"
)

func TestSorts(t *testing.T) { testGolden(t, "sort", ourSort) }

// byID is a sort that ends with _id, so that the order is one only.
func byID(spec bsonx.Doc) bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	b.Fields(spec)
	if bsonx.IsMissing(bsonx.Get(spec, "_id")) {
		b.Int32("_id", 1)
	}
	return b.Doc()
}

func ourSort(t *testing.T, c goldenCase) string {
	s, err := CompileSort(byID(bsonx.AsDoc(c.input)))
	if err != nil {
		return golden.Refusal("!", err)
	}
	type keyed struct {
		key []byte
		id  bsonx.Value
	}
	var list []keyed
	for _, d := range c.docs {
		key, err := s.AppendKey([]byte("dst"), d)
		if err != nil {
			return golden.Refusal("!!", err)
		}
		list = append(list, keyed{key, bsonx.Get(d, "_id")})
	}
	slices.SortFunc(list, func(a, b keyed) int { return bytes.Compare(a.key, b.key) })
	out := "="
	for _, k := range list {
		out += " " + bsonx.ShellString(k.id)
	}
	return out
}
