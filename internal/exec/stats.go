package exec

import "github.com/pandodb/pando/internal/plan"

// Stats is what an operator counts.
type Stats struct {
	Returned     int64
	Passed       int64 // looked at and not given.
	KeysExamined int64
	DocsExamined int64
	Seeks        int64
	DupsTested   int64
	DupsDropped  int64
	BytesHeld    int64 // by a blocking operator, at most.
	EOF          bool
}

// Totals is what a whole execution has counted so far: for slow-query logs and explain.
type Totals struct {
	KeysExamined int64
	DocsExamined int64
	HasSort      bool
}

// Count adds up an execution's counters.
func Count(op Operator) Totals {
	var t Totals
	walk(op, func(op any) {
		b := op.(counted).self()
		t.KeysExamined += b.stats.KeysExamined
		t.DocsExamined += b.stats.DocsExamined
		if _, sorts := op.(*sorter); sorts {
			t.HasSort = true
		}
	})
	return t
}

// PlanOf is the plan that an operator runs.
func PlanOf(op Operator) plan.Node {
	if e, ok := op.(*Execution); ok {
		op = e.Operator
	}
	if c, ok := op.(counted); ok {
		return c.self().node
	}
	return nil
}

// counted is an operator with counters: all of ours.
type counted interface{ self() *base }

// walk calls f for op and all below it. They are all counted.
func walk(op any, f func(op any)) {
	if e, ok := op.(*Execution); ok {
		op = e.Operator
	}
	c, ok := op.(counted)
	if !ok {
		return
	}
	f(op)
	for _, in := range c.self().in {
		walk(in, f)
	}
	if p, ok := op.(placed); ok {
		walk(p.places(), f)
	}
	switch op := op.(type) {
	case *unionOf:
		for _, branch := range op.branches {
			walk(branch, f)
		}
	case *merged:
		for _, branch := range op.branches {
			walk(branch, f)
		}
	}
}

// placed is an operator that reads places.
type placed interface{ places() places }
