package exec

import (
	"context"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
	"github.com/pandodb/pando/internal/query"
)

// Execution is a plan that runs.
type Execution struct {
	Operator
	run      run
	reading  reading
	computes bool // its documents are not just what is stored.
}

// Next implements Operator. Between stages a document may be of any size and depth
// that memory bears; one that leaves must be one that clients can read.
func (e *Execution) Next(ctx context.Context) (bsonx.Doc, error) {
	e.run.ctx = ctx
	doc, err := e.Operator.Next(ctx)
	if err == nil && e.computes {
		err = query.CheckComputed(doc)
	}
	return doc, err
}

// computes tells whether a plan can give documents larger or deeper than those that
// it reads.
func computes(node plan.Node) bool {
	switch n := node.(type) {
	case *plan.Lookup, *plan.Branches:
		return true
	case *plan.Project:
		if n.Projection.NeedsContext() {
			return true
		}
	case *plan.Apply:
		switch s := n.Stage.(type) {
		case *plan.Group, *plan.Replace, *plan.Documents, *plan.Unwind:
			return true
		case *plan.Shape:
			if s.Projection.NeedsContext() {
				return true
			}
		}
	}
	return slices.ContainsFunc(node.Inputs(), computes)
}

// Park lets go of everything that is held in the execution's transaction, and
// remembers where each scan stands. What the last Next returned is invalid then,
// and the transaction may end. The next Next needs a [Execution.Resume] before it.
func (e *Execution) Park() {
	walk(e.Operator, func(op any) {
		if s, ok := op.(*collScan); ok {
			s.park(false)
		}
		if p, ok := op.(placed); ok {
			p.places().park(false)
		}
	})
}

// Resume has a parked execution go on in tx, behind the last entries that it has
// seen: in a later snapshot, or in the same one with newer writes of its own. An
// index or collection that is gone there is an error of the next Next.
func (e *Execution) Resume(tx *docstore.Tx) { e.reading = reading{tx: tx, resumed: true} }

func (s *skipPlaces) park(again bool) { s.in.park(again) }

func (u *unionOf) park(again bool) {
	if again {
		delete(u.seen, string(u.last))
	}
	u.last = nil
	if u.at < len(u.branches) {
		u.branches[u.at].park(again)
	}
}

// park has the branches whose heads were not given yet give them again: they may
// look different by then.
func (m *merged) park(again bool) {
	for i, b := range m.branches {
		if m.heads == nil || m.heads[i].ended {
			continue
		}
		given := i == m.last && !again
		if i == m.last && again {
			delete(m.seen, string(m.heads[i].place.id))
		}
		b.park(!given)
		m.heads[i].stale = true
	}
	m.last = -1
}

// find looks a scan's collection up anew where the snapshot is another one than
// the plan was made on.
func (r *run) find(ctx context.Context, planned *catalog.Collection) (*catalog.Collection, error) {
	coll, err := r.tx.Cat.Lookup(ctx, planned.NS)
	if err != nil {
		return nil, err
	}
	if coll == nil || coll.ID != planned.ID {
		return nil, mongoerr.New(mongoerr.QueryPlanKilled, "collection dropped")
	}
	return coll, nil
}

// findIndex is find for a scan's index. One that has met arrays since the plan was
// made has several entries for a document from now on, and that one of them is within
// the bounds says less than the plan took it for.
func (r *run) findIndex(ctx context.Context, s *indexScan) error {
	coll, err := r.find(ctx, s.plan.Coll)
	if err != nil {
		return err
	}
	i := indexOf(coll, s.plan.Index.ID)
	if i == nil {
		return mongoerr.Newf(mongoerr.QueryPlanKilled, "index '%s' dropped", s.plan.Index.Name)
	}
	flags, err := r.tx.Multikey(ctx, coll, i)
	if err != nil || flags == s.plan.Flags {
		return err
	}
	if s.covers {
		return mongoerr.Newf(mongoerr.QueryPlanKilled, "index '%s' has become multikey", s.plan.Index.Name)
	}
	s.loose = true
	if s.seen == nil {
		s.seen = map[string]struct{}{}
	}
	return nil
}

func indexOf(coll *catalog.Collection, id uint32) *catalog.Index {
	for _, i := range coll.Indexes {
		if i.ID == id && i.State == catalog.StateReady {
			return i
		}
	}
	return nil
}
