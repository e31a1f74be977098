package exec

import (
	"context"
	"fmt"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/plan"
)

// place is where a document is. What it holds is borrowed until the following
// call of whoever gave it.
type place struct {
	id   []byte    // the encoded _id.
	key  []byte    // of the index entry: its fields.
	doc  bsonx.Doc // the document itself, if it was at hand.
	long bool      // the bounds said little of it: the whole filter must be checked.
}

// places is an operator below a Fetch.
type places interface {
	next(ctx context.Context) (place, error) // io.EOF after the last.
	park(again bool)                         // see Execution.Park; with again the last place is given once more.
	Close() error
}

// openPlaces makes the operator of a node that gives places. docs says that
// documents at hand are wanted.
func (r *run) openPlaces(node plan.Node, docs bool) (places, error) {
	switch n := node.(type) {
	case *plan.IndexScan:
		if n.Index.ID == 0 {
			return r.idScan(n, docs), nil
		}
		return r.indexScan(n), nil
	case *plan.Or:
		branches, err := r.openBranches(n.Branches, docs)
		return &unionOf{base: r.base(n), branches: branches, seen: map[string]struct{}{}}, err
	case *plan.Merge:
		branches, err := r.openBranches(n.Branches, docs)
		return &merged{base: r.base(n), plan: n, branches: branches, seen: map[string]struct{}{}}, err
	case *plan.Skip:
		in, err := r.openPlaces(n.Input, docs)
		return &skipPlaces{base: r.base(n), in: in, n: n.N}, err
	}
	return nil, fmt.Errorf("exec: no places from %T", node)
}

func (r *run) openBranches(nodes []plan.Node, docs bool) (branches, error) {
	var all branches
	for _, n := range nodes {
		p, err := r.openPlaces(n, docs)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// branches are several places to read from.
type branches []places

// Close closes all of them.
func (b branches) Close() error {
	var first error
	for _, p := range b {
		if err := p.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
