package exec

import (
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
	"github.com/pandodb/pando/internal/query"
)

// Explanation is what an explain command shows.
type Explanation struct {
	NS     catalog.Namespace
	Filter *query.Filter // the find's; of a pipeline, that of its first stages.
	Plan   plan.Node

	// Pipeline says that an aggregate is explained.
	Pipeline bool

	// Ran is the operator of the plan after it was run to its end; nil: only the
	// plan is shown.
	Ran  Operator
	Took time.Duration

	// Failed is what ended the run before its end, or nil.
	Failed *mongoerr.Error

	// AllPlans asks for the executions of the plans that were tried: one plan is
	// chosen without trying, so the list is empty.
	AllPlans bool
}

// Append appends explainVersion, queryPlanner and executionStats, or the stages of
// a pipeline, to a reply.
func (e *Explanation) Append(b *bsonx.Builder) {
	b.String("explainVersion", "1")
	find, stages := plan.Split(e.Plan)
	if len(stages) == 0 {
		plan.Planner{NS: e.NS, Filter: e.Filter, Plan: find, Pipeline: e.Pipeline}.AppendTo(b)
		e.appendStats(b, find)
		return
	}
	counters := e.counters()
	b.OpenArray("stages")
	at := 0
	if find != nil {
		b.OpenDoc(bsonx.Index(at))
		at++
		b.OpenDoc("$cursor")
		plan.Planner{NS: e.NS, Filter: e.Filter, Plan: find}.AppendTo(b)
		e.appendStats(b, find)
		b.Close()
		appendReturned(b, counters[find])
		b.Close()
	}
	for _, s := range stages {
		b.OpenDoc(bsonx.Index(at))
		at++
		plan.AppendStageSpec(b, s)
		if c := counters[s]; c != nil {
			if _, joins := s.(*plan.Lookup); joins {
				b.Int64("totalDocsExamined", c.DocsExamined)
				b.Int64("totalKeysExamined", c.KeysExamined)
			}
		}
		appendReturned(b, counters[s])
		b.Close()
	}
	b.Close()
}

func appendReturned(b *bsonx.Builder, c *Stats) {
	if c != nil {
		b.Int64("nReturned", c.Returned)
	}
}

// counters are what the operators of the plan have counted, by node.
func (e *Explanation) counters() map[plan.Node]*Stats {
	if e.Ran == nil {
		return nil
	}
	all := map[plan.Node]*Stats{}
	walk(e.Ran, func(op any) {
		b := op.(counted).self()
		all[b.node] = &b.stats
	})
	return all
}

func (e *Explanation) appendStats(b *bsonx.Builder, find plan.Node) {
	if e.Ran == nil {
		return
	}
	counters := e.counters()
	total := Totals{}
	for n, c := range counters {
		if _, joins := n.(*plan.Lookup); !joins {
			total.KeysExamined += c.KeysExamined
			total.DocsExamined += c.DocsExamined
		}
	}
	returned := int64(0)
	if c := counters[find]; c != nil {
		returned = c.Returned
	}
	b.OpenDoc("executionStats")
	b.Bool("executionSuccess", e.Failed == nil)
	if e.Failed != nil {
		b.String("errorMessage", e.Failed.Msg)
		b.Int32("errorCode", int32(e.Failed.Code))
	}
	appendInt(b, "nReturned", returned)
	appendInt(b, "executionTimeMillis", e.Took.Milliseconds())
	appendInt(b, "totalKeysExamined", total.KeysExamined)
	appendInt(b, "totalDocsExamined", total.DocsExamined)
	b.OpenDoc("executionStages")
	b.Bool("isCached", false)
	plan.AppendNode(b, find, func(b *bsonx.Builder, n plan.Node) { appendCounters(b, n, counters[n]) })
	b.Close()
	if e.AllPlans {
		b.OpenArray("allPlansExecution")
		b.Close()
	}
	b.Close()
}

// appendCounters appends what one operator has counted.
func appendCounters(b *bsonx.Builder, n plan.Node, c *Stats) {
	if c == nil {
		return
	}
	appendInt(b, "nReturned", c.Returned)
	if _, express := n.(*plan.Express); express {
		appendInt(b, "keysExamined", c.KeysExamined)
		appendInt(b, "docsExamined", c.DocsExamined)
		return
	}
	eof := int64(0)
	if c.EOF {
		eof = 1
	}
	appendInt(b, "works", c.Returned+c.Passed+eof)
	appendInt(b, "advanced", c.Returned)
	appendInt(b, "needTime", c.Passed)
	appendInt(b, "isEOF", eof)
	switch n.(type) {
	case *plan.IndexScan:
		appendInt(b, "keysExamined", c.KeysExamined)
		appendInt(b, "seeks", c.Seeks)
		appendInt(b, "dupsTested", c.DupsTested)
		appendInt(b, "dupsDropped", c.DupsDropped)
	case *plan.Or:
		appendInt(b, "dupsTested", c.DupsTested)
		appendInt(b, "dupsDropped", c.DupsDropped)
	case *plan.Fetch, *plan.CollScan:
		appendInt(b, "docsExamined", c.DocsExamined)
	case *plan.Sort:
		b.Int64("totalDataSizeSorted", c.BytesHeld)
		b.Bool("usedDisk", false)
		appendInt(b, "spills", 0)
	}
}
