package exec

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
)

func (h *house) fillWith(n int) {
	h.t.Helper()
	var docs []bsonx.Doc
	for i := range n {
		docs = append(docs, bsonx.MustParseJSON(fmt.Sprintf(`{"_id": %d, "s": %q}`, i, strings.Repeat("x", 100))))
	}
	h.index("c")
	h.insert("c", docs...)
}

// pipeline opens a pipeline on collection c.
func (h *house) pipeline(text string, o Options) Operator {
	h.t.Helper()
	stages, err := plan.Stages(bsonx.Get(bsonx.MustParseJSON(`{"p": `+text+`}`), "p"))
	if err != nil {
		h.t.Fatal(err)
	}
	o.Scope = expr.NewScope()
	p, err := plan.CompilePipeline(stages, plan.PipelineOptions{NS: namespace("c"), Scope: o.Scope})
	if err != nil {
		h.t.Fatal(err)
	}
	tx := h.begin()
	node, err := plan.Aggregate(ctx, tx, plan.AggregateRequest{NS: namespace("c"), Coll: h.coll(tx, "c"), Pipeline: p})
	if err != nil {
		h.t.Fatal(err)
	}
	op, err := Open(ctx, tx, node, o)
	if err != nil {
		h.t.Fatal(err)
	}
	return op
}

// TestMemoryLimit sees blocking operators fail at their budget, and only those
// that hold too much.
func TestMemoryLimit(t *testing.T) {
	h := openHouse(t)
	h.fillWith(1000)
	for _, c := range []struct{ pipeline, want string }{
		{`[{"$sort": {"s": 1}}]`, "Sort exceeded memory limit of 50000 bytes, but did not opt in to external sorting."},
		{`[{"$sort": {"s": 1}}, {"$limit": 10}]`, ""},
		{`[{"$group": {"_id": "$_id"}}]`, "Exceeded memory limit for $group, but didn't allow external spilling; pass allowDiskUse:true to opt in"},
		{`[{"$group": {"_id": "$s"}}]`, ""},
		{`[{"$group": {"_id": null, "all": {"$push": "$s"}}}]`, "Exceeded memory limit for $group, but didn't allow external spilling; pass allowDiskUse:true to opt in"},
		{`[{"$group": {"_id": null, "all": {"$lastN": {"n": 10, "input": "$s"}}}}]`, ""},
		{`[{"$group": {"_id": null, "all": {"$topN": {"n": 10, "sortBy": {"_id": -1}, "output": "$s"}}}}]`, ""},
		{`[{"$facet": {"a": [{"$count": "n"}]}}]`, "Exceeded memory limit for $facet of 50000 bytes"},
		{`[{"$sample": {"size": 900}}]`, "Sort exceeded memory limit of 50000 bytes, but did not opt in to external sorting."},
		{`[{"$sample": {"size": 9}}]`, ""},
	} {
		_, err := drain(h.pipeline(c.pipeline, Options{MemoryBytesMax: 50_000}))
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.pipeline, err)
			}
			continue
		}
		e, ok := errors.AsType[*mongoerr.Error](err)
		if !ok || e.Code != mongoerr.QueryExceededMemoryLimitNoDiskUseAllowed || e.Msg != c.want {
			t.Errorf("%s: %v", c.pipeline, err)
		}
	}
}

// TestInterrupt sees that what gives no document ends with its context, and that
// the context of one batch does not end the next.
func TestInterrupt(t *testing.T) {
	h := openHouse(t)
	h.fillWith(1000)
	cause := errors.New("killed")
	for _, pipeline := range []string{
		`[{"$match": {"s": "none"}}]`,
		`[{"$match": {"_id": {"$gte": 0}, "s": "none"}}]`,
		`[{"$count": "n"}]`,
		`[{"$sort": {"s": 1}}]`,
	} {
		op := h.pipeline(pipeline, Options{})
		ended, cancel := context.WithCancelCause(ctx)
		cancel(cause)
		if _, err := op.Next(ended); !errors.Is(err, cause) {
			t.Errorf("%s: %v", pipeline, err)
		}
		if err := op.Close(); err != nil {
			t.Error(err)
		}
	}
	op := h.pipeline(`[{"$match": {"_id": {"$gte": 1}}}]`, Options{})
	defer op.Close()
	first, cancel := context.WithCancel(ctx)
	if _, err := op.Next(first); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := op.Next(ctx); err != nil {
		t.Errorf("the next batch: %v", err)
	}
}

// TestExplainStats is what explain shows of a run.
func TestExplainStats(t *testing.T) {
	h := openHouse(t)
	h.fillWith(10)
	tx := h.begin()
	r, err := h.request(tx, "c", find{filter: `{"_id": {"$gte": 3}, "s": {"$exists": true}}`, sort: `{"s": 1}`, limit: 4})
	if err != nil {
		t.Fatal(err)
	}
	op := openFind(t, tx, r)
	for {
		if _, err := op.Next(ctx); err != nil {
			break
		}
	}
	b := bsonx.NewBuilder(nil)
	(&Explanation{NS: r.NS, Filter: r.Filter, Plan: PlanOf(op), Ran: op}).Append(b)
	op.Close()
	doc := b.Doc()
	for path, want := range map[string]string{
		"executionStats.nReturned":                                          "4",
		"executionStats.totalKeysExamined":                                  "7",
		"executionStats.totalDocsExamined":                                  "7",
		"executionStats.executionStages.stage":                              `"SORT"`,
		"executionStats.executionStages.inputStage.docsExamined":            "7",
		"executionStats.executionStages.inputStage.inputStage.stage":        `"IXSCAN"`,
		"executionStats.executionStages.inputStage.inputStage.keysExamined": "7",
	} {
		if got := bsonx.ValueToJSON(bsonx.Lookup(doc, path)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
