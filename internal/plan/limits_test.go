package plan

import (
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/mongoerr"
)

// TestPipelineLength takes a thousand stages and not one more, within others too.
func TestPipelineLength(t *testing.T) {
	stages := func(n int) []bsonx.Doc {
		var list []bsonx.Doc
		for range n {
			list = append(list, bsonx.MustParseJSON(`{"$match": {}}`))
		}
		return list
	}
	facet := func(n int) []bsonx.Doc {
		b := bsonx.NewBuilder(nil)
		b.OpenDoc("$facet")
		b.OpenArray("all")
		for i, s := range stages(n) {
			b.EmbedDoc(bsonx.Index(i), s)
		}
		b.Close()
		b.Close()
		return []bsonx.Doc{b.Doc()}
	}
	for name, make := range map[string]func(int) []bsonx.Doc{"outer": stages, "facet": facet} {
		o := PipelineOptions{NS: catalog.Namespace{DB: "test", Coll: "c"}}
		if _, err := CompilePipeline(make(1000), o); err != nil {
			t.Errorf("%s: a thousand: %v", name, err)
		}
		if _, err := CompilePipeline(make(1001), o); err == nil || mongoerr.From(err).Code != 7749501 {
			t.Errorf("%s: one more: %v", name, err)
		}
	}
}
