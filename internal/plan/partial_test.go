package plan

import (
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/query"
)

func compiled(t *testing.T, text string) *query.Filter {
	t.Helper()
	f, err := query.CompileFilter(bsonx.MustParseJSON(text), query.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestImplies(t *testing.T) {
	for _, c := range []struct {
		filter, partial string
		want            bool
	}{
		{`{"a": 5}`, `{}`, true},
		{`{"a": 5}`, `{"a": {"$gt": 3}}`, true},
		{`{"a": 3}`, `{"a": {"$gt": 3}}`, false},
		{`{"a": {"$gte": 4}}`, `{"a": {"$gt": 3}}`, true},
		{`{"a": {"$gte": 3}}`, `{"a": {"$gt": 3}}`, false},
		{`{"a": "x"}`, `{"a": {"$gt": 3}}`, false},
		{`{"a": {"$in": [4, 5]}}`, `{"a": {"$gt": 3}}`, true},
		{`{"a": {"$in": [1, 5]}}`, `{"a": {"$gt": 3}}`, false},
		{`{"a": 5}`, `{"a": {"$exists": true}}`, true},
		{`{"a": null}`, `{"a": {"$exists": true}}`, false},
		{`{"a": {"$ne": null}}`, `{"a": {"$exists": true}}`, true},
		{`{"b": 5}`, `{"a": {"$exists": true}}`, false},
		{`{"a": 5, "b": 1}`, `{"a": 5, "b": {"$gt": 0}}`, true},
		{`{"a": 5}`, `{"a": 5, "b": {"$gt": 0}}`, false},
		{`{"$or": [{"a": 5}, {"a": 6}]}`, `{"a": {"$gt": 3}}`, true},
		{`{"$or": [{"a": 5}, {"b": 6}]}`, `{"a": {"$gt": 3}}`, false},
		{`{"a": 5}`, `{"$or": [{"a": 5}, {"b": 6}]}`, true},
		{`{"a": {"$type": "string"}}`, `{"a": {"$type": "string"}}`, true},
		{`{"a": "x"}`, `{"a": {"$type": "string"}}`, false},
	} {
		got := implies(conjuncts(compiled(t, c.filter).Root()), compiled(t, c.partial).Root())
		if got != c.want {
			t.Errorf("%s implies %s: %v", c.filter, c.partial, got)
		}
	}
}

// TestPipelineRules is what is asked of a pipeline before it is compiled.
func TestPipelineRules(t *testing.T) {
	stages := func(texts ...string) (all []bsonx.Doc) {
		for _, s := range texts {
			all = append(all, bsonx.MustParseJSON(s))
		}
		return all
	}
	if name, refused := FindStage(stages(`{"$match": {}}`, `{"$unionWith": "x"}`), RefusedInTxn); !refused || name != "$unionWith" {
		t.Error("a transaction takes $unionWith")
	}
	if _, refused := FindStage(stages(`{"$lookup": {}}`, `{"$documents": []}`), RefusedInTxn); refused {
		t.Error("a transaction refuses $lookup or $documents")
	}
	if _, refused := FindStage(stages(`{"$lookup": {"from": "x", "as": "y", "pipeline": [{"$unionWith": "x"}]}}`), RefusedInTxn); !refused {
		t.Error("a transaction takes $unionWith within $lookup")
	}
}

// TestOptimize sees where filters go.
func TestOptimize(t *testing.T) {
	for _, c := range []struct{ pipeline, want string }{
		{`[{"$sort": {"a": 1}}, {"$match": {"a": 1}}]`, "$match $sort"},
		{`[{"$addFields": {"a": 1}}, {"$match": {"a": 1}}]`, "$addFields $match"},
		{`[{"$addFields": {"x": 1}}, {"$match": {"a": 1, "x": 1}}]`, "$match $addFields $match"},
		{`[{"$unset": "x"}, {"$sort": {"b": 1}}, {"$match": {"a": 1}}]`, "$match $unset $sort"},
		{`[{"$project": {"a": 1}}, {"$match": {"a.b": 1}}]`, "$match $project"},
		{`[{"$project": {"x": "$a"}}, {"$match": {"a": 1}}]`, "$project $match"},
		{`[{"$project": {"a.b": 1}}, {"$match": {"a.c": null}}]`, "$project $match"},
		{`[{"$unwind": "$a"}, {"$match": {"a": 1}}]`, "$unwind $match"},
		{`[{"$unwind": "$b"}, {"$match": {"a": 1}}]`, "$match $unwind"},
		{`[{"$limit": 3}, {"$match": {"a": 1}}]`, "$limit $match"},
		{`[{"$lookup": {"from": "x", "localField": "a", "foreignField": "b", "as": "c"}}, {"$match": {"a": 1, "c.d": 1}}]`, "$match $lookup $match"},
		{`[{"$addFields": {"x": 1}}, {"$match": {"$expr": {"$eq": ["$a", 1]}}}]`, "$match $addFields"},
		{`[{"$addFields": {"x": 1}}, {"$match": {"$expr": {"$eq": ["$$ROOT", 1]}}}]`, "$addFields $match"},
	} {
		stages, err := Stages(bsonx.Get(bsonx.MustParseJSON(`{"p": `+c.pipeline+`}`), "p"))
		if err != nil {
			t.Fatal(err)
		}
		p, err := CompilePipeline(stages, PipelineOptions{NS: catalog.Namespace{DB: "d", Coll: "c"}})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for i, s := range optimize(p.Stages) {
			if i > 0 {
				got += " "
			}
			got += s.Name()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.pipeline, got, c.want)
		}
	}
}
